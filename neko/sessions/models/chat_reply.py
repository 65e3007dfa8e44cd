"""How a chat model makes one reply: tries again after a failure, calls tools, goes on with their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neko.errors import (
    ModelError,
    ModelRateLimitedError,
    ModelServerError,
    ModelStreamBrokenError,
    ToolsRefusedError,
)
from neko.llm.client import ProviderClient, Timeouts
from neko.llm.completion import ChatMessage, CompletionEnd, stream_completion
from neko.llm.continuation import continuation_request
from neko.llm.provider_errors import ProviderErrors
from neko.llm.speaker_labels import SpeakerLabels
from neko.llm.tool_calls import RequestedCall
from neko.providers import ModelEndpoint
from neko.sessions.models.history import History, ToolStep, picture_parts, with_pictures
from neko.sessions.models.pending_calls import PendingCalls
from neko.sessions.models.reply_runner import Reply
from neko.sessions.models.reply_sink import ReplySink
from neko.tasks import in_thread
from neko.types.model_session import Tool

MOST_STEPS = 8
"""Times that a reply may call tools; after that it is asked for without them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a reply answers. ``ask`` is an instruction of ours in place of the user's last line."""

    context: str = ""
    images: tuple[bytes, ...] = ()
    ask: str = ""


@dataclass(slots=True)
class Model:
    """One model behind its client. What is known of its ways is forgotten with the session.

    ``opens_thoughts``: its template begins a thought, of which only the end comes.
    """

    endpoint: ModelEndpoint
    client: ProviderClient
    takes_tools: bool = True
    opens_thoughts: bool = False

    @property
    def errors(self) -> ProviderErrors:
        return ProviderErrors(self.endpoint.model, self.endpoint.provider_name)


class ReplyMaker:
    """Makes the replies of one chat session out of its history."""

    def __init__(self, history: History, calls: PendingCalls, timeouts: Timeouts) -> None:
        self._history = history
        self._calls = calls
        self._timeouts = timeouts
        self.tools: tuple[Tool, ...] = ()
        self.labels = SpeakerLabels()

    async def make(self, model: Model, question: Question, reply: Reply) -> None:
        """Push a whole reply; raises ``NekoError`` when it cannot be finished."""
        pictures = await in_thread(picture_parts, question.images) if question.images else []
        for step in range(MOST_STEPS + 1):
            start = len(reply.text)
            tools = self.tools if step < MOST_STEPS else ()
            end = await self._completion(model, question, pictures, tools, reply, start)
            if not end.calls or not tools:
                break
            await self._call(reply, end)
        if not reply.started:
            raise model.errors.make(ModelStreamBrokenError, "an empty reply")

    async def _completion(
        self,
        model: Model,
        question: Question,
        pictures: Sequence[dict[str, Any]],
        tools: tuple[Tool, ...],
        reply: Reply,
        start: int,
    ) -> CompletionEnd:
        """One completion, with up to as many further tries as there are waits; without tools if they are refused."""
        waits = iter(self._timeouts.back_off_s)
        attempt = 1
        while True:
            offered = tools if model.takes_tools else ()
            messages = self._history.request(question.context, ask=question.ask, with_steps=model.takes_tools)
            if pictures:
                messages = with_pictures(messages, pictures)
            try:
                return await self._attempt(model, messages, offered, reply, start)
            except ToolsRefusedError:
                model.takes_tools = False
                continue
            except ModelError as error:
                wait = None if error.permanent else next(waits, None)
                if wait is None:
                    raise
                attempt += 1
                delay = self._delay(error, wait)
                reply.retrying(error, attempt, delay)
            await self._timeouts.sleep(delay)

    def _delay(self, error: ModelError, wait: float) -> float:
        """The wait before the next try; raises the error when the provider wants too long a one."""
        if not isinstance(error, ModelRateLimitedError | ModelServerError) or "seconds" not in error.params:
            return wait
        requested_s = float(error.params["seconds"])
        if requested_s > self._timeouts.longest_wait_s:
            raise error
        return requested_s

    async def _attempt(
        self, model: Model, messages: Sequence[ChatMessage], tools: Sequence[Tool], reply: Reply, start: int
    ) -> CompletionEnd:
        """Ask once; a completion that broke off before goes on from what there is of it."""
        begun = reply.text[start:]
        request = continuation_request(messages, begun) if begun else messages
        sink = ReplySink(reply, begun, self.labels, follows_calls=start > 0, opened=model.opens_thoughts)
        end = await stream_completion(
            model.client,
            model.endpoint,
            request,
            sink,
            self._timeouts,
            model.errors,
            tools,
            on_late=lambda: self._tell_late(model.endpoint, reply),
        )
        sink.flush()
        model.opens_thoughts = sink.ends_a_thought
        return end

    def _tell_late(self, endpoint: ModelEndpoint, reply: Reply) -> None:
        if self._timeouts.patience(endpoint.base_url) is self._timeouts.near:
            reply.tell("model_late_near", model=endpoint.model, provider=endpoint.provider_name)
        else:
            reply.tell("model_late", model=endpoint.model, provider=endpoint.provider_name)

    async def _call(self, reply: Reply, end: CompletionEnd) -> None:
        """Have the calls made and add them with their results to the history; those that cannot be made fail."""
        calls = [replace(call, id=self._calls.unique_id(call.id)) for call in end.calls]
        outputs: dict[str, str] = {}
        for call in calls:
            try:
                reply.call(call.id, call.name, self._arguments(call))
            except ValueError as error:
                outputs[call.id] = _failure(str(error))
        wanted = [call.id for call in calls if call.id not in outputs]
        results = await self._calls.results(wanted, self._timeouts.tool_result_timeout_s)
        outputs |= {
            call_id: _failure(result.output) if result.failed else result.output for call_id, result in results.items()
        }
        step = ToolStep(len(reply.text), tuple(calls), [outputs[call.id] for call in calls], end.reasoning)
        self._history.tool_step(reply.id, reply.text, step)

    def _arguments(self, call: RequestedCall) -> Mapping[str, Any]:
        """Raises ``ValueError``, whose words are for the model."""
        if call.name not in {tool.name for tool in self.tools}:
            raise ValueError(f"there is no function called {call.name}")
        try:
            return call.parsed_arguments()
        except ValueError as error:
            raise ValueError(f"the arguments are not a valid JSON object: {error}") from error


def _failure(words: str) -> str:
    return f"Error: {words}"
