"""From the deltas of one completion to the reply that it is a part of."""

from __future__ import annotations

from neko.llm.continuation import ContinuationJoiner
from neko.llm.reply_filter import ReplyFilter
from neko.llm.speaker_labels import SpeakerLabels
from neko.sessions.models.reply_runner import Reply


class ReplySink:
    """Leaves out what is no reply, and joins a continuation to what it goes on with.

    ``begun`` is what there is of this completion already. ``opened``: the model's template is known to open a thought.
    """

    __slots__ = ("_begun", "_filter", "_follows_calls", "_joiner", "_length", "_reply", "_separator", "drain")

    def __init__(
        self, reply: Reply, begun: str, labels: SpeakerLabels, *, follows_calls: bool = False, opened: bool = False
    ) -> None:
        self._reply = reply
        self._begun = begun
        self._length = len(reply.text)
        self._follows_calls = follows_calls and not begun
        self._filter = ReplyFilter(self._take_back, labels, begun=begun, opened=opened)
        self.drain = reply.drain
        self._restart()

    @property
    def ends_a_thought(self) -> bool:
        """The template had opened a thought: it ended in this text."""
        return self._filter.ends_a_thought

    def push(self, text: str) -> bool:
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

    def _restart(self) -> None:
        self._joiner = ContinuationJoiner(self._begun) if self._begun else None
        self._separator = "\n" if self._follows_calls else ""

    def _take_back(self) -> None:
        self._restart()
        self._reply.withdraw(self._length)

    def _push(self, text: str) -> bool:
        if self._separator:
            text, self._separator = self._separator + text, ""
        return self._reply.push(text)
