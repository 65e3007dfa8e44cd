"""The memory seam, one protocol for each kind of user; suites in ``tests/seams/memory.py``.

A conversation writes and reads its log and recalls; administration keeps what is stored in order.
Every method may raise ``MemoryStoreError``, and ``InputError`` for a name that no file can have.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Final, Literal, Protocol

from neko.types.lines import Line, LineElsewhere, NewLine, Role, Stored

Layer = Literal["line", "summary"]
"""Where a piece of evidence comes from: a line of the log, or a summary of several."""


class Because(Enum):
    """Why something was recalled."""

    MENTIONS = "mentions"
    ANSWERS = "answers"
    """A question that mentions it."""
    THEN = "then"
    """Was said at the time that the query names."""
    MEANING = "meaning"
    BESIDE = "beside"
    """Something that mentions it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """``words``: what is mentioned, as it is written there, or for an answer as the query has it."""

    because: Because
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something remembered that bears on a query.

    ``at`` is local naive time; ``sources`` are the ids of the lines it rests on; ``reason`` says
    why it was recalled; ``score`` is higher for the more relevant, and
    comparable within one recall only, unless it is multiplied by ``coverage``: how much of the query the best evidence
    of that recall holds, from 0 to 1. ``fit``, from 0 to 1: how much of what is asked for it holds itself, or by its
    place, beside the best of that recall; 0 for all of them where the best holds next to nothing of the query.

    ``elsewhere`` is the line that it is, if it was said to another character; it has no ``sources`` then.
    ``outside`` is that of the line.
    """

    text: str
    role: Role
    speaker: str
    at: datetime
    layer: Layer
    sources: tuple[int, ...]
    reason: Reason
    score: float
    coverage: float = 1.0
    fit: float = 1.0
    elsewhere: LineElsewhere | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True)
class RecentEntry:
    """One entry of the recent window. ``role`` system is the memo of what came before.

    ``id`` is that of the line, of a memo that of the last line it was made from; 0 where it is not known. ``at`` is
    local naive time, None where it is not known. ``left``: it is a line of another chat. ``outside``: it is a memo of
    what words from outside stood in, or such a line of another chat. None of these counts when entries are compared.
    """

    role: Role
    text: str
    id: int = field(default=0, compare=False)
    at: datetime | None = field(default=None, compare=False)
    left: bool = field(default=False, compare=False)
    outside: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Day:
    """A day on which something was said, by the clock of then, and how many lines that were."""

    date: date
    lines: int


@dataclass(frozen=True, slots=True)
class Memo:
    """A summary that was made at ``at``, local time as text, from the lines ``sources`` and the memo before it. A
    ``pinned`` one stands in every memo."""

    id: int
    text: str
    at: str
    sources: tuple[int, ...]
    pinned: bool = False


class ChangeKind(Enum):
    """What was done to a memory by hand, or by a review."""

    FORGOTTEN = "forgotten"
    CORRECTED = "corrected"
    SUMMARY = "summary"
    SUMMARY_FORGOTTEN = "summary_forgotten"
    SUMMARIES_MERGED = "summaries_merged"
    SUMMARY_PINNED = "summary_pinned"
    SUMMARY_UNPINNED = "summary_unpinned"
    RESTORED = "restored"
    REVIEWED = "reviewed"
    IMPORTED = "imported"
    TAKEN_BACK = "taken_back"
    """An import of which nothing is left."""
    FACT_ADDED = "fact_added"
    FACT_EDITED = "fact_edited"
    FACT_PINNED = "fact_pinned"
    FACT_UNPINNED = "fact_unpinned"
    FACT_MERGED = "fact_merged"
    FACT_FORGOTTEN = "fact_forgotten"
    FACT_RESTORED = "fact_restored"


@dataclass(frozen=True, slots=True)
class Change:
    """``at`` has an offset; ``lines`` is how many lines, summaries or facts it was; ``number`` names it."""

    at: datetime
    kind: ChangeKind
    lines: int
    number: int = 0


USER: Final = "user"
CHARACTER: Final = "character"
"""Whom a fact is about, when it is one of these two."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is known of somebody. Times are local naive.

    ``subject`` is ``USER``, ``CHARACTER`` or a name; ``attribute`` a short word ("home", "likes"). It was so from
    ``valid_from`` until ``valid_to`` (None: still), and has been known since ``recorded_at``; ``superseded_by`` is the
    id of the fact that closed it. ``sources`` are the ids of the lines that say so; ``by_hand``: the user wrote it
    themselves. One that is ``pinned`` is closed by nothing that is learnt.
    """

    id: int
    subject: str
    attribute: str
    value: str
    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime
    superseded_by: int | None
    sources: tuple[int, ...]
    by_hand: bool = False
    pinned: bool = False


class InChats(Enum):
    """Where lines are looked for, when not in a chat of this number."""

    OPEN = "open"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Chat:
    """One of the chats with a character. ``title`` is what the user called it (``is_named``), else how their first
    words began, "" while there are none. ``last_id`` is that of its newest line, 0 for none, and ``last_at`` when
    that was said, local naive time.
    """

    id: int
    title: str
    is_named: bool
    last_id: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChatList:
    """``current`` is the number of the open chat, which is always among ``chats``; the newest comes first."""

    current: int
    chats: tuple[Chat, ...]


Gist = Callable[[Sequence[RecentEntry], int], str]
"""What was stated in so many words in these entries, at most so many characters of it, "" for nothing. At once, and
without a model, so that it stands for what no memo was made of yet."""


def no_gist(_entries: Sequence[RecentEntry], _limit: int) -> str:
    """For whoever knows no languages."""
    return ""


Summarise = Callable[[str], Awaitable[str]]
"""Text in, summary out. Has the patience and the deadlines that the model needs, and raises ``NekoError`` when no
summary could be had: ``ContextTooLongError`` when a shorter text may be."""


@dataclass(frozen=True, slots=True)
class MemoryModels:
    """Whom the memory asks; None where there is nobody. ``summarise`` makes memos; ``route`` says which lines stay as
    they were said, ``correct`` tidies the recent window, ``learn`` knows facts: without it rules find them, and what
    was brought in from elsewhere costs no model."""

    summarise: Summarise | None = None
    route: Summarise | None = None
    correct: Summarise | None = None
    learn: Summarise | None = None


class ConversationLog(Protocol):
    """What was said, and the part of it that a new session starts with."""

    async def store(self, character: str, line: NewLine) -> Stored:
        """Commit one line; when this returns the line survives ``kill -9``."""
        ...

    async def delete(self, character: str, ids: Sequence[int], *, may_be_undone: bool = False) -> list[int]:
        """Delete lines for good, with the earlier versions of replies among them: from the log, the recent window and
        recall. The ids that are gone; an unknown one is passed over. A memo that may have been made of them gives way
        to the one before it and the lines since."""
        ...

    async def restore(self, character: str) -> list[Line]:
        """Undo the last deletion that ``may_be_undone``, unless it is half a minute ago or files were closed since: its
        lines are back under their ids. Those of the talk, oldest first."""
        ...

    async def correct(self, character: str, line_id: int, text: str) -> Line | None:
        """Give a line other words; its id, its time and everything else stay. None for an unknown id.

        The old words are gone as by ``delete``, with the memos that may have been made of them.
        """
        ...

    async def keep_pictures(self, character: str, pictures: Sequence[bytes]) -> tuple[str, ...]:
        """Keep JPEGs that came with words which are about to be stored; their names, for ``NewLine.pictures``.

        They go with the last line that names them. Works also while the log does not.
        """
        ...

    async def picture(self, character: str, name: str) -> bytes | None:
        """A picture that was kept; None when it is not there, or no longer."""
        ...

    async def versions(self, character: str, line_id: int) -> list[Line]:
        """The versions of a reply, in the order in which they were said: the line itself and what it replaced.

        Each has the status it had when it counted. Empty for an unknown id.
        """
        ...

    async def choose_version(self, character: str, line_id: int) -> Line | None:
        """Make a version of a chat's last reply the one that counts: in the log, the recent window and recall.

        The line under its new id; it ``replaces`` the one that counted until then. None when no chat ends with a line
        that has such a version.
        """
        ...

    async def keep_unkept(self, character: str, lines: Sequence[NewLine]) -> None:
        """Keep lines that the log cannot take beside it, in place of those kept before; they survive the end."""
        ...

    async def unkept(self, character: str) -> list[NewLine]:
        """What ``keep_unkept`` kept, in its order."""
        ...

    async def lines(
        self,
        character: str,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        chat: int | InChats = InChats.OPEN,
    ) -> list[Line]:
        """A page of the log in time order, without replaced lines: of the open chat, of another, or of all.

        ``before``/``after`` are exclusive ids. Without ``after`` the *last* ``limit`` lines
        (older than ``before``); with ``after`` the *first* ``limit`` lines newer than it.
        """
        ...

    async def recent(self, character: str, *, with_left: bool = False) -> list[RecentEntry]:
        """The recent window: at most one memo (first), then the last lines of the open chat, oldest first.
        ``with_left``: before these the lines of other chats that were left before a memo was made of them."""
        ...


class Chats(Protocol):
    """The chats that a character's log falls into. What was said in one is recalled in all."""

    async def chats(self, character: str) -> ChatList:
        """The open one, and every one in which something was said."""
        ...

    async def open_chat(self, character: str) -> int:
        """The number of the open one."""
        ...

    async def change_chat(self, character: str, chat: int | None) -> int | None:
        """Open this chat, or a new one for None; the open one now, None when there is none of that number.

        While nothing was said in the open chat, that is the new one.
        """
        ...

    async def rename_chat(self, character: str, chat: int, title: str) -> bool:
        """Give a chat a title, or by "" that of its first words again; false when there is none of that number."""
        ...

    async def delete_chat(self, character: str, chat: int) -> list[int]:
        """Delete all lines of a chat, as ``ConversationLog.delete`` does, and its title; the ids that are gone."""
        ...


class Recall(Protocol):
    """What was said long ago about the subject at hand, or in these very words."""

    async def find(self, character: str, text: str, *, limit: int = 50, before: int | None = None) -> list[Line]:
        """The lines that hold every word of ``text`` somewhere, newest first; with ``before`` those with smaller ids.

        Case is not looked at, nor where a word ends. Has a deadline of its own and raises ``RecallTimeoutError``.
        """
        ...

    async def recall(
        self,
        character: str,
        query: str,
        *,
        limit: int = 5,
        before: int | None = None,
        context: Sequence[str] = (),
        now: datetime | None = None,
        within: tuple[datetime, datetime] | None = None,
    ) -> list[Evidence]:
        """Evidence on what ``query`` is about, best first; only from lines with ids below ``before``, and that were
        said ``within`` this time (local naive, the end excluded), when it is given. A query that names no subject is
        then about all that was said in it.

        ``context``: what was said just before it, oldest first, which a short question may lean on. ``now``: when it
        is asked, local naive time, for "yesterday"; the present moment when None.

        Has a deadline of its own and raises ``RecallTimeoutError`` past it: an empty list always
        means that there is nothing. A cancelled call stops the work at once.
        """
        ...


class Facts(Protocol):
    """What is known of the user, the character and others."""

    async def facts(self, character: str, *, at: datetime | None = None) -> list[Fact]:
        """What is true, or was true at a moment (local naive time), the newest last."""
        ...

    async def open_questions(self, character: str) -> list[Line]:
        """The questions among the last lines that nobody has answered, oldest first: the lines that end with them, each
        with its question for its text."""
        ...


class ConversationMemory(ConversationLog, Chats, Recall, Facts, Protocol):
    """The part of the memory that a conversation uses."""


class MemoryBrowsing(Protocol):
    """Looking through all that is stored, and setting a memo right."""

    async def days(self, character: str) -> list[Day]:
        """Every day of which there are lines, the oldest first. Counts for as long as it takes, and blocks nobody."""
        ...

    async def day(self, character: str, day: date, *, after: int = 0, limit: int = 100) -> list[Line]:
        """The first ``limit`` lines of a day with ids above ``after``, of all chats, without replaced ones."""
        ...

    async def named_lines(self, character: str, ids: Sequence[int]) -> list[Line]:
        """The lines with these ids that are there, in time order."""
        ...

    async def memos(self, character: str, text: str = "", *, before: int | None = None, limit: int = 50) -> list[Memo]:
        """The last ``limit`` memos with ids below ``before`` that hold every word of ``text``, newest first."""
        ...

    async def rewrite_memo(self, character: str, memo_id: int, text: str) -> Memo | None:
        """Give a memo other words, also where a new session begins with it; None for an unknown id.

        The old words are gone from the files.
        """
        ...

    async def changes(self, character: str, limit: int = 200) -> list[Change]:
        """What was changed by hand, newest first, without the words."""
        ...

    async def can_undo_review(self, character: str) -> bool:
        """Whether ``undo_review`` would put something back."""
        ...

    async def undo_review(self, character: str) -> bool:
        """Put back what the last review changed; false when there is none, when words were deleted or edited since, or
        a memo was made of these lines."""
        ...

    async def rid_of_deleted(self, character: str, timeout_s: float = 10.0) -> bool:
        """Wait until nothing that was deleted is left in the files; false when somebody still reads after that time."""
        ...


class MemoryAdministration(Protocol):
    """Keeping what is stored in order."""

    async def compress(
        self,
        character: str,
        summarise: Summarise | None,
        *,
        through: int | None = None,
        route: Summarise | None = None,
        detailed: bool = False,
    ) -> bool:
        """Replace the oldest part of the recent window by a memo; false when nothing was done.

        That is all but the last nine entries of a window of more than ten, or what was said up to the line
        ``through``, of which the last nine are never part. Where a model makes the memo, a few of its lines stay as
        they were said and do not count: those that ``route`` names, else what states facts and plans. ``detailed``
        asks for a memo that keeps as much as it can.
        """
        ...

    async def learn(self, character: str, ask: Summarise | None) -> int:
        """Look for facts in what was said since the last time, with a model or by rule; how many are new."""
        ...

    async def review(self, character: str, correct: Summarise | None) -> bool:
        """Let a model tidy the recent window, which the log is no part of; false when nothing was changed."""
        ...

    async def clear(self, character: str) -> int:
        """Forget all that was ever said to a character and all that was made of it, for good; how many lines it was.

        Ids of lines begin above those that there were. Raises ``MemoryStoreError``.
        """
        ...

    async def close(self, character: str) -> None:
        """Write what is pending and close the character's files; the next use opens them anew."""
        ...

    def hold(self, character: str) -> AbstractContextManager[None]:
        """Inside the block nobody gets to open the character's files: whoever wants to waits for its end."""
        ...
