"""From the deltas of one completion to those of the reply that it is a part of."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from neko.errors import ReplyTooLongError
from neko.llm.continuation import ContinuationJoiner
from neko.llm.reply_filter import ReplyFilter
from neko.llm.speaker_labels import SpeakerLabels

LONGEST_REPLY = 12_000
"""Characters of one reply, a quarter of an hour aloud: a small model may never stop by itself."""
LONGEST_BLANK = 1_000
"""Characters of white space in a row, after which nothing else is expected."""
MOST_TAKEN_BACK = 5
"""Times that a completion may take back what it said."""
_PART = 4_000
"""Characters of a delta that are read at once: of a whole answer no more than there is room for."""


class Reply(Protocol):
    """What a sink writes: ``text`` is what there is of it, ``length`` its characters."""

    length: int

    @property
    def text(self) -> str: ...

    def push(self, text: str) -> bool:
        """Add text; false when ``drain`` should be awaited before more."""
        ...

    def withdraw(self, length: int) -> None:
        """Take back all but the first ``length`` characters."""
        ...

    async def drain(self) -> None:
        """Wait until more text is welcome."""
        ...


class ReplySink:
    """What is no reply is left out, a continuation joined to what it goes on with, an endless reply ended.

    ``push`` and ``flush`` raise ``ReplyTooLongError`` once the reply is full or was taken back over and over, or, with
    ``is_over``, once nothing of it can come any more: nothing but white space comes, or somebody else's turn.
    """

    __slots__ = (
        *("_begun", "_blanks", "_filter", "_follows_calls", "_joiner", "_length", "_reply", "_separator"),
        *("drain", "is_over"),
    )

    def __init__(
        self, reply: Reply, begun: str, labels: SpeakerLabels, *, follows_calls: bool = False, opened: bool = False
    ) -> None:
        """``begun`` is what there is of this completion; ``follows_calls``: of the reply there may be more.

        ``opened``: the model's template is known to begin a thought.
        """
        self._reply = reply
        self._begun = begun
        self._length = reply.length
        self._follows_calls = follows_calls and not begun
        self._filter = ReplyFilter(self._take_back, labels, begun=begun, opened=opened)
        self._blanks = 0
        self.is_over = False
        self.drain: Callable[[], Coroutine[Any, Any, None]] = reply.drain
        self._restart()

    @property
    def ends_a_thought(self) -> bool:
        """The template had begun a thought: it ended in this text."""
        return self._filter.ends_a_thought

    def push(self, text: str) -> bool:
        if len(text) <= _PART:
            return self._take(text)
        has_room = True
        for at in range(0, len(text), _PART):
            has_room = self._take(text[at : at + _PART])
        return has_room

    def _take(self, text: str) -> bool:
        if text.isspace():
            self._blanks += len(text)
            if self._blanks > LONGEST_BLANK:
                self.is_over = True
                raise ReplyTooLongError("nothing but white space")
        else:
            self._blanks = 0
        text = self._filter.feed(text)
        if self._filter.restarts > MOST_TAKEN_BACK:
            raise ReplyTooLongError("taken back over and over")
        if self._joiner is not None:
            text = self._joiner.feed(text)
        has_room = not text or self._push(text)
        if self._filter.has_ended:
            self.is_over = True
            raise ReplyTooLongError("somebody else's turn")
        return has_room

    def flush(self, *, cut: bool = False) -> None:
        """The stream came to its end, or was cut: hand on what was held back."""
        if self._filter.restarts > MOST_TAKEN_BACK:
            return
        rest = self._filter.flush(cut=cut)
        if self._joiner is not None:
            rest = self._joiner.feed(rest) + self._joiner.flush()
        if rest:
            self._push(rest)

    def _restart(self) -> None:
        self._joiner = ContinuationJoiner(self._begun) if self._begun else None
        self._separator = "\n" if self._follows_calls else ""

    def _take_back(self) -> None:
        if self._filter.restarts <= MOST_TAKEN_BACK:
            self._restart()
            self._reply.withdraw(self._length)

    def _push(self, text: str) -> bool:
        if self._separator:
            text, self._separator = self._separator + text, ""
        room = LONGEST_REPLY - self._reply.length
        if len(text) <= room:
            return self._reply.push(text)
        if room:
            self._reply.push(_words_within(text, room))
        raise ReplyTooLongError(f"longer than {LONGEST_REPLY} characters")


def _words_within(text: str, room: int) -> str:
    """The beginning of ``text``, up to the last space if there is one."""
    beginning = text[:room]
    return beginning[: beginning.rfind(" ") + 1] or beginning
