"""How one completion is asked for until it is answered: adapted to what the model takes, waited for, tried again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from neko.errors import (
    ContextTooLongError,
    ModelError,
    ModelLoadingError,
    ModelRateLimitedError,
    ModelReplyCutError,
    ReplyTooLongError,
)
from neko.llm.adaptation import Adaptation, Adaptations
from neko.llm.chat_request import ChatMessage
from neko.llm.client import ProviderClient, Timeouts
from neko.llm.completion import Sink, stream_completion
from neko.llm.completion_decoder import CompletionEnd
from neko.llm.provider_errors import ProviderErrors
from neko.providers import ModelEndpoint
from neko.types.model_session import Tool

_MOST_ADAPTATIONS = 12
"""Times that one completion is asked for in another way."""
_LONGEST_PAUSE_S = 15.0
"""Between two questions to a server that loads its model, whatever it says of the time that this takes."""
_SHORT_REPLY = 400
"""Characters: a reply that the server cut before them may have had no room left in a full context."""
_LIMITS = frozenset(("max_tokens", "max_completion_tokens"))
_LONG_REQUEST = 600
"""Tokens: less than this fills no context."""

IsShorter = Callable[[Adaptation], bool]
"""Would a request adapted like this be shorter than the one that was too long?"""


class AnswerSink(Sink, Protocol):
    """``ends_a_thought``: the template of the model had begun a thought, which ended in this text."""

    @property
    def ends_a_thought(self) -> bool: ...

    def flush(self, *, cut: bool = False) -> None:
        """The stream came to its end, or was cut."""
        ...


class Tries:
    """What is done about the failures of a completion. ``adaptation`` is how to ask next, ``number`` counts the tries.

    ``begin`` starts with the next completion: how the model takes it stays, patience begins anew.
    """

    def __init__(self, endpoint: ModelEndpoint, timeouts: Timeouts, adaptations: Adaptations) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._adaptations = adaptations
        self._before_room: Adaptation | None = None
        self.errors = ProviderErrors.of(endpoint)
        self.adaptation = adaptations.of(endpoint)
        self.begin()

    def begin(self) -> None:
        self._adaptations_left = _MOST_ADAPTATIONS
        self._waits = iter(self._timeouts.back_off_s)
        self._loading_left_s = self._timeouts.loading_timeout_s
        self.number = 1

    async def ask(
        self,
        client: ProviderClient,
        messages: Sequence[ChatMessage],
        sink: AnswerSink,
        tools: Sequence[Tool] = (),
        on_late: Callable[[], object] | None = None,
    ) -> CompletionEnd:
        """One request, its text pushed into ``sink`` to the last; raises ``NekoError``."""
        endpoint, timeouts = self._endpoint, self._timeouts
        try:
            end = await stream_completion(
                client, endpoint, messages, sink, timeouts, self.errors, tools, on_late, self.adaptation
            )
        except ModelReplyCutError:
            sink.flush(cut=True)
            if sink.is_over:
                return CompletionEnd()
            raise
        sink.flush()
        self.adaptation = self.adaptation.after_reply(ends_a_thought=sink.ends_a_thought)
        return end

    # ── asked in another way ──────────────────────────────────────────────────

    def adapt(self, error: ModelError, tokens: int, is_shorter: IsShorter) -> bool:
        """Ask in another way from now on, after a request of so many tokens; false when the error tells of none."""
        adapted = self.adaptation.after(error, tokens)
        if adapted is None or not self._adaptations_left:
            return False
        if isinstance(error, ContextTooLongError) and not is_shorter(adapted):
            return False
        self._adaptations_left -= 1
        self.adaptation = adapted
        return True

    @property
    def has_own_limit(self) -> bool:
        """Whether the length of a reply is limited by what is asked for, and not by the server."""
        return not _LIMITS.isdisjoint(self._endpoint.extra_body)

    def make_room(self, error: ModelReplyCutError, tokens: int, length: int, is_shorter: IsShorter) -> bool:
        """Ask with less for the rest of a reply that was cut after ``length`` characters: its context may be full."""
        is_ours = isinstance(error, ReplyTooLongError) or self.has_own_limit
        if self._before_room or is_ours or length >= _SHORT_REPLY or not self.adaptation.takes("length"):
            return False
        adapted = self.adaptation.shorter(tokens)
        if tokens < _LONG_REQUEST or not is_shorter(adapted):
            return False
        self._before_room, self.adaptation = self.adaptation, adapted
        return True

    # ── asked later ───────────────────────────────────────────────────────────

    def pause_s(self, error: ModelError) -> float:
        """Seconds to wait before the same is asked again; raises ``error`` when nothing comes of that.

        What is told of the wait is the caller's: a ``ModelLoadingError`` is no try that failed.
        """
        if isinstance(error, ModelLoadingError):
            return self._loading_pause_s(error)
        pause = None if error.permanent else next(self._waits, None)
        if pause is None:
            raise self.failed(error)
        pause = max(pause, float(error.params.get("seconds", pause)))
        if pause > self._timeouts.longest_wait_s:
            raise self.failed(self._too_long_a_wait(error))
        self.number += 1
        return pause

    def _loading_pause_s(self, error: ModelLoadingError) -> float:
        pause = max(self._timeouts.loading_pause_s, float(error.params.get("seconds", 0)))
        pause = min(pause, _LONGEST_PAUSE_S)
        self._loading_left_s -= pause
        if self._loading_left_s < 0:
            raise self.failed(error)
        return pause

    def _too_long_a_wait(self, error: ModelError) -> ModelError:
        """A provider that wants a rest is told with its time, under whatever status it says so."""
        if isinstance(error, ModelRateLimitedError):
            return error
        return self.errors.make(ModelRateLimitedError, str(error), said=error.said, **error.params)

    # ── how it ended ──────────────────────────────────────────────────────────

    def answered(self) -> None:
        """What the model was found to take is remembered."""
        self._before_room = None
        self._adaptations.learn(self._endpoint, self.adaptation)

    def was_cut(self) -> None:
        """A cut reply is taken for the answer: room did not help, so that none is made for it any more."""
        if self._before_room:
            self.adaptation = self._before_room.without("length")
        self.answered()

    def failed(self, error: ModelError) -> ModelError:
        """No answer will come; this is remembered too. Returns the error, to be raised."""
        self._adaptations.failed(self._endpoint, error)
        return error
