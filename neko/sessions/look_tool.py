"""The function by which a model asks to see the screen, once; the user is asked, and may refuse."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from neko.prompts import phrases
from neko.sessions.dependencies import SessionDependencies
from neko.types.model_session import ModelCapabilities, Tool, ToolCall, ToolResult

NAME: Final = "look_at_screen"
WAIT_S: Final = 45.0
"""For the user to answer and choose what to show."""


@dataclass(frozen=True, slots=True)
class Screenshot:
    """What became of asking for a picture of the screen; ``jpeg`` is there when it was ``shown``."""

    outcome: Literal["shown", "refused", "private", "nobody"]
    jpeg: bytes = b""


Ask = Callable[[float], Awaitable[Screenshot]]
"""Asks the page for a picture, at most so many seconds."""


def look_tool(language: str) -> Tool:
    """The function as a model is told of it."""
    return Tool(NAME, phrases(language)["look_tool"], {"type": "object", "properties": {}})


def may_look(capabilities: ModelCapabilities, words: str, dependencies: SessionDependencies) -> bool:
    """Can the model see, does the user speak of seeing, and may it be? Of what a session hears that answers by itself
    nothing is known beforehand: it may always ask."""
    if not capabilities.image_input or dependencies.is_private():
        return False
    if capabilities.answers_speech:
        return capabilities.looks
    return any(_speaks_of_seeing(language).search(words) for language in {dependencies.persona().language, "en"})


@lru_cache
def _speaks_of_seeing(language: str) -> re.Pattern[str]:
    return re.compile(phrases(language)["look_words"], re.IGNORECASE)


class LookTool:
    """Answers the calls."""

    def __init__(self, dependencies: SessionDependencies, ask: Ask) -> None:
        self._persona = dependencies.persona
        self._ask = ask

    async def run(self, call: ToolCall) -> ToolResult:
        """What became of it, as the model is told."""
        persona = self._persona()
        shot = await self._ask(WAIT_S)
        words = phrases(persona.language)[f"look_{shot.outcome}"].format(master=persona.master)
        return ToolResult(call.call_id, words, images=(shot.jpeg,) if shot.jpeg else ())
