"""From a model's deltas to those of a reply."""

from __future__ import annotations

from neko.errors import ReplyTooLongError
from neko.llm.continuation import ContinuationJoiner
from neko.llm.reasoning_filter import ReasoningFilter
from neko.sessions.models.reply_runner import Reply

LONGEST_REPLY = 12_000
"""Characters of one reply, a quarter of an hour aloud: a small model may never stop by itself."""
LONGEST_BLANK = 1_000
"""Characters of white space in a row, after which nothing else is expected."""


class ReplySink:
    """Reasoning is left out, a continuation joined to what it goes on with, and a reply ended that would not end.

    ``push`` and ``flush`` raise ``ReplyTooLongError`` once the reply is full, or, with ``is_blank``, once nothing but
    white space comes.
    """

    __slots__ = ("_blanks", "_filter", "_joiner", "_reply", "_separator", "drain", "is_blank")

    def __init__(self, reply: Reply, begun: str, *, follows_calls: bool) -> None:
        """``begun`` is what there is of this completion; ``follows_calls``: of the reply there may be more."""
        self._reply = reply
        self._separator = "\n" if follows_calls and not begun else ""
        self._filter = ReasoningFilter(begun=bool(begun))
        self._joiner = ContinuationJoiner(begun) if begun else None
        self._blanks = 0
        self.is_blank = False
        self.drain = reply.drain

    def push(self, text: str) -> bool:
        if text.isspace():
            self._blanks += len(text)
            if self._blanks > LONGEST_BLANK:
                self.is_blank = True
                raise ReplyTooLongError("nothing but white space")
        else:
            self._blanks = 0
        text = self._filter.feed(text)
        if self._joiner is not None:
            text = self._joiner.feed(text)
        return not text or self._push(text)

    def flush(self) -> None:
        """The stream came to its end: hand on what was held back."""
        rest = self._filter.flush()
        if self._joiner is not None:
            rest = self._joiner.feed(rest) + self._joiner.flush()
        if rest:
            self._push(rest)

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
