"""One completion for a reply, asked for until it is answered; what is done about failures is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from neko.errors import ModelError, ModelLoadingError, ModelReplyCutError, ReplyLimitSpentError, ReplyTooLongError
from neko.llm.adaptation import Adaptation, Adaptations, is_notably_less
from neko.llm.chat_request import TOKENS_PER_PICTURE, ChatMessage, estimate
from neko.llm.client import ProviderClient, Timeouts
from neko.llm.completion_decoder import CompletionEnd
from neko.llm.continuation import continuation_request
from neko.llm.provider_errors import ProviderErrors
from neko.llm.reply_sink import ReplySink
from neko.llm.speaker_labels import SpeakerLabels
from neko.llm.tokens import estimate_tokens
from neko.llm.tries import Tries
from neko.providers import ModelEndpoint
from neko.sessions.models.history import History, with_pictures
from neko.sessions.models.reply_runner import Reply
from neko.types.model_session import Tool


@dataclass(frozen=True, slots=True)
class Question:
    """What a reply answers. ``ask`` is an instruction of ours in place of the user's last line."""

    context: str = ""
    images: tuple[bytes, ...] = ()
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """One model behind its client, and what is known of it and others. ``check`` raises the ``ModelError`` that keeps
    it from being asked at this moment."""

    endpoint: ModelEndpoint
    client: ProviderClient
    adaptations: Adaptations
    check: Callable[[], None] | None = None

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
        self._tries = Tries(model.endpoint, timeouts, model.adaptations)

    async def answer(self) -> CompletionEnd:
        """Push the text of one completion; raises ``NekoError``. What the model was found to take is remembered."""
        tries = self._tries
        while True:
            messages = self._messages(tries.adaptation)

            def is_shorter(adapted: Adaptation, asked: Sequence[ChatMessage] = messages) -> bool:
                return is_notably_less(estimate(self._messages(adapted)), estimate(asked))

            if self._pictures and not tries.adaptation.takes("pictures"):
                self._tell("model_pictures_refused")
            try:
                end = await self._ask(messages)
            except ModelReplyCutError as error:
                tokens = estimate(messages, self._offered(tries.adaptation))
                if not tries.make_room(error, tokens, self._reply.length - self._start, is_shorter):
                    return self._cut(error)
            except ModelError as error:
                tokens = estimate(messages, self._offered(tries.adaptation))
                if not tries.adapt(error, tokens, is_shorter):
                    await self._pause(error)
            else:
                tries.answered()
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
        adaptation = self._tries.adaptation
        sink = ReplySink(
            self._reply, self._begun, self._labels, follows_calls=self._start > 0, opened=adaptation.opens_thoughts
        )
        if self._model.check:
            self._model.check()
        try:
            return await self._tries.ask(self._model.client, messages, sink, self._offered(adaptation), self._tell_late)
        except asyncio.CancelledError:
            if self._begun:  # the request was taken, even if its reply is not wanted any more
                self._tries.answered()
            raise

    # ── what to do about a failure ────────────────────────────────────────────

    def _cut(self, error: ModelReplyCutError) -> CompletionEnd:
        """The reply ends here, and this is told."""
        is_as_chosen = self._tries.has_own_limit and not isinstance(error, ReplyTooLongError)
        if not self._reply.started:
            if not is_as_chosen:
                raise self._tries.failed(error)
            self._tries.answered()
            raise self._model.errors.make(ReplyLimitSpentError, str(error))
        self._tries.was_cut()
        self._tell("reply_cut_as_chosen" if is_as_chosen else error.code)
        return CompletionEnd()

    async def _pause(self, error: ModelError) -> None:
        """Wait for the next try, which is told; raises the error when there is none."""
        pause_s = self._tries.pause_s(error)
        if isinstance(error, ModelLoadingError):
            self._tell("model_waited_for", is_wait=True)
        else:
            self._reply.retrying(error, self._tries.number, pause_s)
        await self._timeouts.sleep(pause_s)

    def _tell_late(self) -> None:
        is_near = self._timeouts.patience(self._model.endpoint.base_url) is self._timeouts.near
        self._tell("model_late_near" if is_near else "model_late", is_wait=True)

    def _tell(self, code: str, *, is_wait: bool = False) -> None:
        endpoint = self._model.endpoint
        self._reply.tell(code, is_wait=is_wait, model=endpoint.model, provider=endpoint.provider_name)
