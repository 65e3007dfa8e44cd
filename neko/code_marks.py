"""Where code begins and ends in Markdown that streams: fenced blocks and spans, by the rules of CommonMark 0.31.

Written by hand, as the parsers that there are read whole documents. Nothing waits for what only later text could
tell: a span ends with its line, so a lone backtick is a backtick. Tildes open a block only if a word at most follows
in their line: people decorate with them. Blocks of HTML and indented lines are text.
"""

from __future__ import annotations

from copy import copy
from enum import Enum, auto
from typing import NamedTuple

from neko.late_patterns import late_pattern

_LONGEST_START = 160
"""Characters of a line in which the marks of quotes, lists and fences are looked for."""
_UNDECIDED = late_pattern(r"[ \t\r>*+\-_=#`~0-9.)]*")
"""A line of these alone can still become anything."""
_DEEPEST = 3
"""Columns by which a mark may be indented."""
_QUOTE = 0
_ITEM = late_pattern(r"([-+*]|([0-9]{1,9})[.)])(?= |\Z)")
_FENCE = late_pattern(r"`{3,}|~{3,}")
_TILDES = late_pattern(r"~+[ \t\r]*[!-}]*[ \t\r]*")
_RULE = late_pattern(r"(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})\Z")
_HEADING = late_pattern(r"#{1,6}(?: |\Z)")
_UNDERLINE = late_pattern(r"(?:=+|-+) *\Z")
_PIECES = late_pattern(r"`+|\\|[^`\\]+")


class _Kind(Enum):
    """What a line is."""

    START = auto()
    """Not known: it has not begun, or only with what does not tell."""
    TEXT = auto()
    OPENING = auto()
    """It opens a block, unless what follows in it says otherwise."""
    CODE = auto()
    CLOSING = auto()


class _Blocks(NamedTuple):
    """What is open between two lines.

    ``containers``, outermost first: ``_QUOTE``, or the columns by which the lines of an item are indented.
    ``is_new_item``: the innermost is an item of which only the mark has come. ``fence``: the marks that opened code.
    """

    containers: tuple[int, ...] = ()
    has_paragraph: bool = False
    is_new_item: bool = False
    fence: str = ""


_PARAGRAPH = _Blocks(has_paragraph=True)


class _Start(NamedTuple):
    """What the start of a line tells. ``after`` is open behind the line if it is text, ``opening`` if it opens code."""

    kind: _Kind
    after: _Blocks
    opening: _Blocks = _Blocks()
    rest: str = ""
    """An opening line from its marks on."""


class CodeMarks:
    """Read the text in any pieces and ask between them. What is kept of it is bounded."""

    __slots__ = (
        "_after",
        "_blocks",
        "_escapes",
        "_is_plain",
        "_kind",
        "_opening",
        "_run",
        "_span",
        "_start",
        "is_block",
    )

    def __init__(self) -> None:
        self._blocks = self._after = self._opening = _Blocks()
        self._kind = _Kind.START
        self._start = ""
        self._span = self._run = 0
        self._escapes = self._is_plain = False
        self.is_block: bool | None = False
        """Is the line of the last character one of a block of code? None: not known yet. Its list marks count to it."""

    def read(self, text: str) -> None:
        """Go on with ``text``."""
        if self._is_plain and not ("\n" in text or "`" in text or "\\" in text):
            return
        at = 0
        while at < len(text):
            if self._kind is _Kind.START:
                at = self._read_start(text, at)
                continue
            end = text.find("\n", at)
            if end != at:
                self._go_on(text[at:] if end < 0 else text[at:end])
            if end < 0:
                break
            self._end_line()
            at = end + 1
        self._is_plain = self._kind not in (_Kind.START, _Kind.OPENING) and not (self._run or self._escapes)

    @property
    def inside(self) -> bool:
        """Is it code if a word or a tag comes now? What could close a block has closed it."""
        if self._kind is _Kind.START:
            blocks, start = self._blocks, self._start
            if "`" not in start and "~" not in start:
                in_fence = blocks.fence != ""
                return in_fence and (not blocks.containers or _begun(blocks, start + "a").kind is _Kind.CODE)
            line = copy(self)
            line._begin_line()
            if line._kind is _Kind.CLOSING:
                return False
            line = copy(self)
            line._read_start("a", 0)
            return line.inside
        if self._kind is _Kind.TEXT:
            return (self._run or self._span) > 0 and self._run != self._span
        return self._kind is not _Kind.CLOSING

    def _read_start(self, text: str, at: int) -> int:
        """Take characters until they tell what the line is; returns where they end."""
        if text[at].isalpha() and not (self._start or self._blocks.containers):  # as most lines begin
            self.is_block = self._blocks.fence != ""
            self._kind = _Kind.CODE if self.is_block else _Kind.TEXT
            self._after = self._blocks if self.is_block else _PARAGRAPH
            return at
        most = at + _LONGEST_START - len(self._start)
        undecided = _UNDECIDED.match(text, at, most)
        end = undecided.end() if undecided else at
        is_decided = end < len(text) or end == most
        if end < min(most, len(text)) and text[end] != "\n":
            end += 1
        self._start += text[at:end]
        self.is_block = None
        if is_decided:
            self._begin_line()
        return end

    def _begin_line(self) -> None:
        text, self._start = self._start, ""
        start = _begun(self._blocks, text)
        self._kind, self._after, self._opening = start.kind, start.after, start.opening
        self.is_block = start.kind is not _Kind.TEXT
        if start.kind is _Kind.TEXT:
            self._scan(text)
        elif start.kind is _Kind.OPENING:
            self.is_block = None
            self._start = start.opening.fence
            self._go_on(start.rest.removeprefix(self._start))

    def _go_on(self, piece: str) -> None:
        """More of a line that has begun, without its end."""
        if self._kind is _Kind.OPENING and not self._may_open(piece):
            self._kind, self.is_block = _Kind.TEXT, False
            start, self._start = self._start, ""
            self._scan(start)
            self._settle()
        if self._kind is _Kind.TEXT:
            self._scan(piece)

    def _may_open(self, piece: str) -> bool:
        """Can a line with this in it open a block? ``_start`` are its marks, with what follows them for tildes."""
        if self._start[0] == "`":
            return "`" not in piece
        line = self._start + piece
        if len(line) > _LONGEST_START or not _TILDES.fullmatch(line):
            return False
        self._start = line
        return True

    def _scan(self, text: str) -> None:
        """Follow the spans."""
        if not ("`" in text or "\\" in text):
            if self._run:
                self._settle()
            self._escapes = False
            return
        for piece in _PIECES.findall(text):
            if piece[0] == "`":
                self._run += len(piece) - self._escapes
                self._escapes = False
            else:
                self._settle()
                self._escapes = piece == "\\" and not (self._escapes or self._span)

    def _settle(self) -> None:
        """A run of backticks is over: it opens a span, or closes the one of its length."""
        if self._run and self._run == self._span:
            self._span = 0
        else:
            self._span = self._span or self._run
        self._run = 0

    def _end_line(self) -> None:
        if self._kind is _Kind.OPENING:
            self._blocks, self.is_block = self._opening, True
        else:
            self._blocks = self._after
        self._kind, self._start = _Kind.START, ""
        self._span, self._run, self._escapes = 0, 0, False


class ProseReader:
    """Text in any pieces in, what of it stands outside of blocks of code out; a line waits until that is known."""

    def __init__(self) -> None:
        self._marks = CodeMarks()
        self._waiting: list[str] = []

    def feed(self, text: str) -> str:
        """What is certain now."""
        return self._read(text) if "\n" not in text else "".join(map(self._read, text.splitlines(keepends=True)))

    def flush(self) -> str:
        """The rest, at the end of the text."""
        return self._read("\n")[:-1]

    def _read(self, piece: str) -> str:
        """``piece`` is of one line."""
        self._marks.read(piece)
        if self._marks.is_block is None:
            self._waiting.append(piece)
            return ""
        if self._waiting:
            piece = "".join((*self._waiting, piece))
            self._waiting.clear()
        return "" if self._marks.is_block else piece


def _begun(blocks: _Blocks, start: str) -> _Start:
    """``start``: the line as far as it tells."""
    depth, rest = _continued(blocks, start.replace("\r", " ").expandtabs(4))
    goes_on = depth == len(blocks.containers)
    if blocks.fence:
        if goes_on:
            closes = _is_closing(blocks.fence, rest)
            after = blocks._replace(fence="") if closes else blocks
            return _Start(_Kind.CLOSING if closes else _Kind.CODE, after)
        blocks = _Blocks(blocks.containers[:depth])
        goes_on = True
    in_paragraph = goes_on and blocks.has_paragraph
    opened, is_new_item, rest = _opened(rest, in_paragraph=in_paragraph)
    containers = blocks.containers[:depth] + opened
    words = rest.lstrip(" ")
    if not words:
        return _Start(_Kind.TEXT, _Blocks(containers, is_new_item=is_new_item))
    may_go_on = blocks.has_paragraph and not opened
    if len(rest) - len(words) > _DEEPEST:
        return _Start(_Kind.TEXT, blocks if may_go_on else _Blocks(containers))
    if _RULE.match(words) or _HEADING.match(words) or (in_paragraph and not opened and _UNDERLINE.match(words)):
        return _Start(_Kind.TEXT, _Blocks(containers))
    after = blocks if may_go_on else _Blocks(containers, has_paragraph=True)
    if fence := _FENCE.match(words):
        return _Start(_Kind.OPENING, after, _Blocks(containers, fence=fence[0]), words)
    return _Start(_Kind.TEXT, after)


def _continued(blocks: _Blocks, rest: str) -> tuple[int, str]:
    """How many of the containers the line belongs to by its marks and indentation, and what follows those."""
    for depth, width in enumerate(blocks.containers):
        words = rest.lstrip(" ")
        indent = len(rest) - len(words)
        if width == _QUOTE:
            if indent > _DEEPEST or words[:1] != ">":
                return depth, rest
            rest = words[1:].removeprefix(" ")
        elif words:
            if indent < width:
                return depth, rest
            rest = rest[width:]
        elif blocks.is_new_item and depth == len(blocks.containers) - 1:
            return depth, rest
    return len(blocks.containers), rest


def _opened(rest: str, *, in_paragraph: bool) -> tuple[tuple[int, ...], bool, str]:
    """The containers that begin here, whether the last is an item with nothing in it, and what follows their marks."""
    opened: list[int] = []
    is_new_item = False
    while True:
        words = rest.lstrip(" ")
        indent = len(rest) - len(words)
        if indent > _DEEPEST:
            break
        if words[:1] == ">":
            opened.append(_QUOTE)
            is_new_item = False
            rest = words[1:].removeprefix(" ")
        elif (item := _ITEM.match(words)) and not _RULE.match(words):
            content = words[item.end() :].lstrip(" ")
            if in_paragraph and not opened and not (content and int(item[2] or 1) == 1):
                break
            gap = len(words) - item.end() - len(content)
            if not content or gap > _DEEPEST + 1:
                gap = 1
            is_new_item = not content
            opened.append(indent + item.end() + gap)
            rest = words[item.end() + gap :]
        else:
            break
    return tuple(opened), is_new_item, rest


def _is_closing(fence: str, rest: str) -> bool:
    words = rest.lstrip(" ")
    marks = words.rstrip(" ")
    return len(rest) - len(words) <= _DEEPEST and len(marks) >= len(fence) and not marks.strip(fence[0])
