"""Lines of a conversation, as they are written to the verbatim log and read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

Role = Literal["user", "assistant", "system"]
LineStatus = Literal["complete", "interrupted", "failed", "replaced"]
UNKNOWN_TIME: Final = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know of a reply: the code of a sentence (``errors`` in ``assets/locales``), and its parameters."""

    code: str
    params: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class LineElsewhere:
    """A line of the log of another character, who had this name then."""

    character: str
    id: int


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line about to be written to the verbatim log.

    ``client_id`` is the sender's own id of a user line: storing the same one twice stores once.
    ``images`` is how many pictures came with it, ``pictures`` the files of those that were kept.
    ``replaces`` is the id of an earlier reply of which this one is a retry. An empty ``speaker``
    is the default one: the user's name for role user, the character's for role assistant.
    ``recalled``: the ids of the lines that memory told the model of for this reply; ``recalled_elsewhere``: those that
    were said to others. ``outside``: for this reply the model had read words from outside (a page, a tool), which may
    stand in it.
    """

    session_id: str
    turn_id: str
    role: Role
    text: str
    at: datetime
    status: LineStatus = "complete"
    client_id: str | None = None
    images: int = 0
    replaces: int | None = None
    speaker: str = ""
    pictures: tuple[str, ...] = ()
    remark: Remark | None = None
    recalled: tuple[int, ...] = ()
    recalled_elsewhere: tuple[LineElsewhere, ...] = ()
    outside: bool = False
    chat: int = 0
    """The memory's to set: a new line goes into the open chat."""
    imported: int = 0
    """The number of the import that it came with, 0 for none."""


@dataclass(frozen=True, slots=True)
class Line:
    """A committed line. ``id`` grows with time within one character.

    ``at`` is its moment as local naive time, in the zone of this computer as it is now; ``fold`` tells the two hours
    apart that a change of clocks repeats. It is ``UNKNOWN_TIME`` where nothing tells it, as N.E.K.O. once kept none.

    ``speaker`` is the name of who said it, as it was when the line was stored; ``chat`` is the one it was said in.
    ``replaces`` is the id of the version of a reply that counted before this one.
    """

    id: int
    session_id: str
    turn_id: str
    role: Role
    speaker: str
    text: str
    at: datetime
    status: LineStatus = "complete"
    client_id: str | None = None
    images: int = 0
    chat: int = 0
    replaces: int | None = None
    pictures: tuple[str, ...] = ()
    remark: Remark | None = None
    recalled: tuple[int, ...] = ()
    recalled_elsewhere: tuple[LineElsewhere, ...] = ()
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """``fresh`` is false when ``client_id`` had been stored before; ``line`` is then the old line."""

    line: Line
    fresh: bool
