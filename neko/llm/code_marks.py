"""Where code begins and ends in Markdown that streams: spans in a line, fences at the start of one."""

from __future__ import annotations

import re

_PIECES = re.compile(r"`+|~+|\n|[^`~\n]+")
_BEFORE_FENCE = " \t>-*+.)0123456789"
"""What may stand before a fence in its line: quotes and lists."""
_SHORTEST_FENCE = 3


class CodeMarks:
    """Read the text in any pieces and ask ``inside`` between them.

    A span ends with as many backticks as it began with, and with its line: a lone backtick is a backtick.
    """

    __slots__ = ("_bare", "_fence", "_mark", "_run", "_span")

    def __init__(self) -> None:
        self._bare = True
        self._run, self._mark = 0, ""
        self._span = 0
        self._fence: tuple[str, int] | None = None

    def read(self, text: str) -> None:
        if not (self._bare or self._run or "`" in text or "\n" in text or "~" in text):
            return
        for piece in _PIECES.findall(text):
            mark = piece[0]
            if mark not in "`~":
                self._settle()
                if mark == "\n":
                    self._bare, self._span = True, 0
                elif self._bare:
                    self._bare = not piece.strip(_BEFORE_FENCE)
            elif mark == self._mark and self._run:
                self._run += len(piece)
            else:
                self._settle()
                self._mark, self._run = mark, len(piece)

    @property
    def inside(self) -> bool:
        """Is what comes now code? Not to be asked in the middle of a run of backticks."""
        self._settle()
        return self._fence is not None or self._span > 0

    def _settle(self) -> None:
        """A run of marks is over: what it began or ended."""
        run, self._run = self._run, 0
        if not run:
            return
        if self._fence is not None:
            mark, length = self._fence
            if self._bare and mark == self._mark and run >= length:
                self._fence = None
        elif self._span:
            if self._mark == "`" and run == self._span:
                self._span = 0
        elif self._bare and run >= _SHORTEST_FENCE:
            self._fence = self._mark, run
        elif self._mark == "`":
            self._span = run
        self._bare = False
