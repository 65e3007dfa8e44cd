"""How a chat model makes one reply: asked, its tools called, asked again with their results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from neko.errors import ModelEmptyReplyError
from neko.llm.client import Timeouts
from neko.llm.completion_decoder import CompletionEnd
from neko.llm.speaker_labels import SpeakerLabels
from neko.llm.tool_calls import MOST_CALLS, RequestedCall
from neko.sessions.models.asking import Asking, Model, Question
from neko.sessions.models.history import History, ToolStep, picture_parts
from neko.sessions.models.pending_calls import PendingCalls
from neko.sessions.models.reply_runner import Reply
from neko.tasks import in_thread
from neko.types.model_session import Tool

MOST_STEPS = 8
"""Times that a reply may call tools; after that it is asked for without them."""


class ReplyMaker:
    """Makes the replies of one chat session out of its history."""

    def __init__(self, history: History, calls: PendingCalls, timeouts: Timeouts) -> None:
        self._history = history
        self._calls = calls
        self._timeouts = timeouts
        self.tools: tuple[Tool, ...] = ()
        self.labels = SpeakerLabels()

    async def make(
        self, model: Model, question: Question, reply: Reply, seeing: Callable[[], Awaitable[Model]]
    ) -> None:
        """Push a whole reply; raises ``NekoError`` when it cannot be finished. ``seeing`` is the model that goes on
        when a tool shows a picture."""
        pictures = await in_thread(picture_parts, question.images) if question.images else []
        for step in range(MOST_STEPS + 1):
            tools = self.tools if step < MOST_STEPS else ()
            asking = Asking(self._history, self._timeouts, model, question, pictures, tools, reply, self.labels)
            end = await asking.answer()
            if not end.calls or not tools:
                break
            if end.has_left_out:
                reply.tell("calls_left_out", count=MOST_CALLS, model=model.endpoint.model)
            if images := await self._call(reply, end):
                pictures += await in_thread(picture_parts, images)
                model = await seeing()
        if not reply.started:
            error = model.errors.make(ModelEmptyReplyError, "an empty reply")
            model.adaptations.failed(model.endpoint, error)
            raise error

    async def _call(self, reply: Reply, end: CompletionEnd) -> list[bytes]:
        """Have the calls made and add them with their results to the history; those that cannot be made fail. The
        pictures that came of it."""
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
        return [image for result in results.values() for image in result.images]

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
