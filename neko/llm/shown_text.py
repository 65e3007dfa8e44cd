"""What has been shown of a reply, as far as it tells how to take what follows."""

from __future__ import annotations

import re

from neko.code_marks import CodeMarks
from neko.llm.mentions import LOOK_BACK

_KEPT = 64
_INDENTED = re.compile(r"(?: {4}|\t)\s*")
_LABELLED = re.compile(r"\W{0,6}\w[\w .'-]{0,30}[:：]\s")


class ShownText:
    """``tail`` is its last characters, ``length`` how many there were. White space waits until something follows it."""

    __slots__ = ("_code", "_line", "_space", "length", "tail")

    def __init__(self, begun: str = "") -> None:
        self.tail = begun[-_KEPT:]
        self.length = 0
        self._line = ""
        self._space: list[str] = []
        self._code = CodeMarks()
        self._code.read(begun)

    @property
    def has_space(self) -> bool:
        """Does white space wait?"""
        return bool(self._space)

    @property
    def space(self) -> str:
        """The white space that waits."""
        return "".join(self._space)

    @property
    def is_code(self) -> bool:
        """Does what comes now stand in a span, a fence or an indented line?"""
        if self._code.inside:
            return True
        _, line_break, line = self.space.rpartition("\n")
        return _INDENTED.match(line if line_break else self._line + line) is not None

    @property
    def before(self) -> str:
        """The few characters before what comes now."""
        return (self.tail[-LOOK_BACK:] + self.space)[-LOOK_BACK:]

    def show(self, piece: str) -> str:
        """``piece`` with the white space that waited for it."""
        self._code.read(piece)
        if self._space:
            piece = "".join(self._space) + piece
            self._space.clear()
        self.length += len(piece)
        self.tail = (self.tail + piece[-_KEPT:])[-_KEPT:]
        if "\n" in piece:
            self._line = piece[piece.rindex("\n") + 1 :][:_KEPT]
        elif len(self._line) < _KEPT:
            self._line += piece[:_KEPT]
        return piece

    def keep_space(self, space: str) -> None:
        """White space that is shown once something follows it."""
        self._space.append(space)
        self._code.read(space)

    def drop_space(self) -> None:
        self._space.clear()

    @property
    def ends_a_line(self) -> bool:
        """Does the next line follow at once?"""
        return self.space.count("\n") == 1

    def is_listing(self) -> bool:
        """Is the line that ends here an introduction, or one of several with a label?"""
        if self.tail.rstrip(" ").endswith((":", "：")):
            return True
        return self.ends_a_line and bool(_LABELLED.match(self._line + "\n"))
