"""Calls the functions that a model asks for, and ends with the turn what is still running of them, unless it is handed
over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from neko.sessions.dependencies import SessionDependencies
from neko.sessions.look_tool import NAME as LOOK
from neko.sessions.look_tool import Ask, LookTool, look_tool
from neko.sessions.recall_tool import NAME as RECALL
from neko.sessions.recall_tool import RecallTool, recall_tool
from neko.tasks import TaskOwner, is_cancelled
from neko.types import facts
from neko.types.model_session import FIND_TOOLS, Tool, Toolbox, ToolCall, ToolResult
from neko.well_formed import well_formed

logger = logging.getLogger(__name__)


def offered(
    toolbox: Toolbox | None, words: str, language: str, *, recall: bool, look: bool = False
) -> tuple[Tool, ...]:
    """What a model is told of: the functions of the toolbox that fit the user's words and those of the conversation
    itself: where there is more to ``recall`` than it has before it, and where it may ask to ``look`` at the screen."""
    own = (*((recall_tool(language),) if recall else ()), *((look_tool(language),) if look else ()))
    names = {tool.name for tool in own}
    return (*own, *(tool for tool in (toolbox.tools(words) if toolbox else ()) if tool.name not in names))


class ToolRunner:
    """``on_result`` gets the outcome of every call that was not ended; a failure is one too. ``offer_again``: the model
    has looked for other functions."""

    def __init__(
        self,
        character: str,
        dependencies: SessionDependencies,
        recall: RecallTool,
        ask_to_look: Ask,
        owner: TaskOwner,
        on_result: Callable[[ToolResult], None],
        offer_again: Callable[[], None],
    ) -> None:
        self._character = character
        self._recall = recall
        self._look = LookTool(dependencies, ask_to_look)
        self._toolbox = dependencies.toolbox
        self._facts = dependencies.bus.session
        self._owner = owner
        self._timeout_s = dependencies.timeouts.turn.tool_timeout_s
        self._on_result = on_result
        self._offer_again = offer_again
        self._running: dict[str, dict[asyncio.Task[None], ToolCall]] = {}

    def run(self, turn_id: str, call: ToolCall) -> None:
        """Call a function for this turn."""
        running = self._running.setdefault(turn_id, {})
        task = self._owner.spawn(self._run(turn_id, call), name=f"tool {call.name}")
        running[task] = call
        task.add_done_callback(lambda _: running.pop(task, None))

    def hand_over(self, turn_id: str) -> int:
        """The turn gives way to the user's next words: of its calls those go on by themselves that the toolbox takes,
        which tells of their results. How many."""
        running = self._running.get(turn_id, {})
        beside = [task for task, call in running.items() if self._toolbox and self._toolbox.hand_over(call)]
        for task in beside:
            del running[task]
        return len(beside)

    def end(self, turn_id: str) -> list[str]:
        """Nobody waits for the calls of this turn any more; the functions that were called and had not ended."""
        broken = dict(self._running.pop(turn_id, {}))
        for task in broken:
            task.cancel()
        return [call.name for call in broken.values()]

    async def _run(self, turn_id: str, call: ToolCall) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await self._result(turn_id, call)
        except (Exception, asyncio.CancelledError) as error:
            if not isinstance(error, Exception) and is_cancelled():
                raise
            logger.warning("the tool %s failed: %s", call.name, type(error).__name__)
            result = ToolResult(call.call_id, f"The function failed: {type(error).__name__}", failed=True)
        if call not in self._running.get(turn_id, {}).values():
            return  # it was handed over
        if call.name == FIND_TOOLS:
            self._offer_again()
        self._on_result(replace(result, output=well_formed(result.output)))

    async def _result(self, turn_id: str, call: ToolCall) -> ToolResult:
        if call.name == RECALL:
            if self._toolbox:
                self._toolbox.note_outside(turn_id)  # what was told of others' words is remembered as what she said
            return await self._recall.run(turn_id, call)
        if call.name == LOOK:
            if self._toolbox:
                self._toolbox.note_outside(turn_id)  # what stands on a screen is others' words
            return await self._look.run(call)
        if self._toolbox:
            self._facts.publish(facts.tool_called(self._character, turn_id, call.name, call.arguments))
            return await self._toolbox.run(call)
        return ToolResult(call.call_id, f"There is no function {call.name}.", failed=True)
