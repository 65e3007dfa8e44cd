"""One completion, asked for until it is answered: adapted to what the model takes, waited for, tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neko.errors import (
    ContextTooLongError,
    ModelError,
    ModelLoadingError,
    ModelRateLimitedError,
    ModelReplyCutError,
    ReplyTooLongError,
)
from neko.llm.adaptation import Adaptation, Adaptations
from neko.llm.chat_request import TOKENS_PER_PICTURE, ChatMessage, estimate
from neko.llm.client import ProviderClient, Timeouts
from neko.llm.completion import stream_completion
from neko.llm.completion_decoder import CompletionEnd
from neko.llm.continuation import continuation_request
from neko.llm.provider_errors import ProviderErrors
from neko.llm.speaker_labels import SpeakerLabels
from neko.llm.tokens import estimate_tokens
from neko.providers import ModelEndpoint
from neko.sessions.models.history import History, with_pictures
from neko.sessions.models.reply_runner import Reply
from neko.sessions.models.reply_sink import ReplySink
from neko.types.model_session import Tool

_MOST_ADAPTATIONS = 12
"""Times that one completion is asked for in another way."""
_LONGEST_PAUSE_S = 15.0
"""Between two questions to a server that loads its model, whatever it says of the time that this takes."""
_SHORT_REPLY = 400
"""Characters: a reply that the server cut before them may have had no room left in a full context."""
_LIMITS = frozenset(("max_tokens", "max_completion_tokens"))
_LONG_TALK = 600
"""Tokens: less than this fills no context."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a reply answers. ``ask`` is an instruction of ours in place of the user's last line."""

    context: str = ""
    images: tuple[bytes, ...] = ()
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """One model behind its client, and what is known of it and others."""

    endpoint: ModelEndpoint
    client: ProviderClient
    adaptations: Adaptations

    @property
    def errors(self) -> ProviderErrors:
        return ProviderErrors.of(self.endpoint)


class Asking:
    """Asks ``model`` once more for ``reply``: for its beginning, or for what follows the results of tools."""

    def __init__(
        self,
        history: History,
        timeouts: Timeouts,
        model: Model,
        question: Question,
        pictures: Sequence[dict[str, Any]],
        tools: tuple[Tool, ...],
        reply: Reply,
        labels: SpeakerLabels,
    ) -> None:
        self._history = history
        self._timeouts = timeouts
        self._model = model
        self._question = question
        self._pictures = pictures
        self._tools = tools
        self._reply = reply
        self._labels = labels
        self._start = reply.length
        self._adaptation = model.adaptations.of(model.endpoint)
        self._adaptations_left = _MOST_ADAPTATIONS
        self._before_room: Adaptation | None = None
        self._waits = iter(timeouts.back_off_s)
        self._attempt = 1
        self._loading_left_s = timeouts.loading_timeout_s

    async def answer(self) -> CompletionEnd:
        """Push the text of one completion; raises ``NekoError``. What the model was found to take is remembered."""
        while True:
            messages = self._messages(self._adaptation)
            if self._pictures and not self._adaptation.takes("pictures"):
                self._tell("model_pictures_refused")
            try:
                end = await self._ask(messages)
            except ModelReplyCutError as error:
                if not self._make_room(error, messages):
                    return self._cut(error)
            except ModelError as error:
                if not self._adapt(error, messages):
                    await self._timeouts.sleep(self._delay(error))
            else:
                self._learn()
                return end

    # ── one request ───────────────────────────────────────────────────────────

    def _messages(self, adaptation: Adaptation) -> list[ChatMessage]:
        """The talk and the question; a completion that broke off before goes on from what there is of it."""
        begun, question = self._begun, self._question
        most = adaptation.most_tokens
        if most is not None:
            pictures = len(self._pictures) * TOKENS_PER_PICTURE
            most -= estimate((), self._offered(adaptation)) + pictures + estimate_tokens(begun)
        with_steps = adaptation.takes("tools")
        messages = self._history.request(question.context, ask=question.ask, with_steps=with_steps, most_tokens=most)
        if self._pictures:
            messages = with_pictures(messages, self._pictures)
        return continuation_request(messages, begun) if begun else messages

    @property
    def _begun(self) -> str:
        return self._reply.text[self._start :] if self._reply.length > self._start else ""

    def _offered(self, adaptation: Adaptation) -> tuple[Tool, ...]:
        return self._tools if adaptation.takes("tools") else ()

    async def _ask(self, messages: Sequence[ChatMessage]) -> CompletionEnd:
        model = self._model
        sink = ReplySink(
            self._reply,
            self._begun,
            self._labels,
            follows_calls=self._start > 0,
            opened=self._adaptation.opens_thoughts,
        )
        try:
            end = await stream_completion(
                model.client,
                model.endpoint,
                messages,
                sink,
                self._timeouts,
                model.errors,
                self._offered(self._adaptation),
                self._tell_late,
                self._adaptation,
            )
        except asyncio.CancelledError:
            if self._begun:  # the request was taken, even if its reply is not wanted any more
                self._learn()
            raise
        except ModelReplyCutError:
            sink.flush(cut=True)
            if sink.is_over:
                return CompletionEnd()
            raise
        sink.flush()
        self._adaptation = self._adaptation.after_reply(ends_a_thought=sink.ends_a_thought)
        return end

    # ── what to do about a failure ────────────────────────────────────────────

    def _adapt(self, error: ModelError, messages: Sequence[ChatMessage]) -> bool:
        """Ask for it in another way from now on; false when the error tells of none."""
        tokens = estimate(messages, self._offered(self._adaptation))
        adapted = self._adaptation.after(error, tokens)
        if adapted is None or not self._adaptations_left:
            return False
        if isinstance(error, ContextTooLongError) and not self._is_shorter(adapted, messages):
            return False
        self._adaptations_left -= 1
        self._adaptation = adapted
        return True

    def _make_room(self, error: ModelReplyCutError, messages: Sequence[ChatMessage]) -> bool:
        """Ask with less of the talk for the rest of a reply that hardly began: its context may have been full."""
        is_ours = isinstance(error, ReplyTooLongError) or self._model.endpoint.extra_body.keys() & _LIMITS
        is_long = self._reply.length - self._start >= _SHORT_REPLY
        if self._before_room or is_ours or is_long or not self._adaptation.takes("length"):
            return False
        tokens = estimate(messages, self._offered(self._adaptation))
        adapted = self._adaptation.shorter(tokens)
        if tokens < _LONG_TALK or not self._is_shorter(adapted, messages):
            return False
        self._before_room, self._adaptation = self._adaptation, adapted
        return True

    def _is_shorter(self, adapted: Adaptation, messages: Sequence[ChatMessage]) -> bool:
        return estimate(self._messages(adapted)) < estimate(messages)

    def _cut(self, error: ModelReplyCutError) -> CompletionEnd:
        """The reply ends here, and this is told."""
        if not self._reply.started:
            raise error
        if self._before_room:
            self._adaptation = self._before_room.without("length")
        self._learn()
        self._tell(error.code)
        return CompletionEnd()

    def _learn(self) -> None:
        self._model.adaptations.learn(self._model.endpoint, self._adaptation)

    def _delay(self, error: ModelError) -> float:
        """Seconds to the next try, which is told; raises the error when there is none."""
        if isinstance(error, ModelLoadingError):
            return self._loading_pause(error)
        delay = None if error.permanent else next(self._waits, None)
        if delay is None:
            raise error
        delay = max(delay, float(error.params.get("seconds", delay)))
        if delay > self._timeouts.longest_wait_s:
            raise self._too_long_a_wait(error)
        self._attempt += 1
        self._reply.retrying(error, self._attempt, delay)
        return delay

    def _too_long_a_wait(self, error: ModelError) -> ModelError:
        """A provider that wants a rest is told with its time, under whatever status it says so."""
        if isinstance(error, ModelRateLimitedError):
            return error
        return self._model.errors.make(ModelRateLimitedError, str(error), said=error.said, **error.params)

    def _loading_pause(self, error: ModelLoadingError) -> float:
        pause = max(self._timeouts.loading_pause_s, float(error.params.get("seconds", 0)))
        pause = min(pause, _LONGEST_PAUSE_S)
        self._loading_left_s -= pause
        if self._loading_left_s < 0:
            raise error
        self._tell("model_waited_for")
        return pause

    def _tell_late(self) -> None:
        is_near = self._timeouts.patience(self._model.endpoint.base_url) is self._timeouts.near
        self._tell("model_late_near" if is_near else "model_late")

    def _tell(self, code: str) -> None:
        self._reply.tell(code, model=self._model.endpoint.model, provider=self._model.endpoint.provider_name)
