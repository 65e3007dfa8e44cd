"""Functions that a realtime model wants called: asked of the conversation, and their results told in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from neko.llm.tool_calls import RequestedCall
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.pending_calls import PendingCalls
from neko.sessions.models.realtime.responses import Response
from neko.sessions.models.realtime.talk import Reply
from neko.tasks import TaskOwner
from neko.types.model_session import Tool, ToolCall, ToolResult

MOST_ROUNDS: Final = 8
"""Of one reply; a model that wants more is answered that it is enough."""


class FunctionCalls:
    """``send_output`` gets the provider's id of a call and what came of it, ``show`` the pictures that belong to a
    result, ``read`` what is on them in words where they cannot be shown; ``go_on`` the reply, once all are told."""

    def __init__(
        self,
        channel: EventChannel,
        owner: TaskOwner,
        timeout_s: float,
        send_output: Callable[[str, str], None],
        go_on: Callable[[Reply], None],
        show: Callable[[tuple[bytes, ...]], None] = lambda _: None,
        read: Callable[[tuple[bytes, ...]], Awaitable[str]] | None = None,
    ) -> None:
        self.tools: tuple[Tool, ...] = ()
        self._channel = channel
        self._owner = owner
        self._timeout_s = timeout_s
        self._send_output = send_output
        self._go_on = go_on
        self._show = show
        self._read = read
        self._pending = PendingCalls()
        self._rounds: tuple[Reply | None, int] = (None, 0)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, response: Response) -> None:
        """Have the calls of a response made; its reply goes on after the last of them."""
        reply = response.reply
        assert reply is not None
        last, rounds = self._rounds
        self._rounds = (reply, rounds + 1 if last is reply else 1)
        task = self._owner.spawn(self._make(reply, dict(response.calls)), name="functions of a realtime model")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def resolve(self, result: ToolResult) -> None:
        """A result has come."""
        self._pending.resolve(result)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    async def _make(self, reply: Reply, calls: Mapping[str, tuple[str, str]]) -> None:
        outputs: dict[str, str] = {}
        asked: dict[str, str] = {}
        for provider_id, (name, arguments) in calls.items():
            try:
                call = ToolCall(reply.id, self._pending.unique_id(provider_id), name, self._arguments(name, arguments))
            except ValueError as error:
                outputs[provider_id] = f"Error: {error}"
            else:
                asked[call.call_id] = provider_id
                self._channel.put(call)
        results = await self._pending.results(list(asked), self._timeout_s)
        for call_id, result in results.items():
            seen = await self._read(result.images) if self._read else ""
            told = f"{result.output}\n{seen}".strip()
            outputs[asked[call_id]] = f"Error: {told}" if result.failed else told
        for provider_id in calls:
            self._send_output(provider_id, outputs[provider_id])
        for result in results.values():
            self._show(result.images)
        if not reply.done:
            self._go_on(reply)

    def _arguments(self, name: str, arguments: str) -> Mapping[str, Any]:
        """Raises ``ValueError``, whose words are for the model."""
        if self._rounds[1] > MOST_ROUNDS:
            raise ValueError("enough functions were called for this reply; answer now")
        if name not in {tool.name for tool in self.tools}:
            raise ValueError(f"there is no function called {name}")
        try:
            return RequestedCall("", name, arguments).parsed_arguments()
        except ValueError as error:
            raise ValueError(f"the arguments are not a valid JSON object: {error}") from error
