"""The function by which a model looks up what was said, where what it is told with each turn is not enough."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from neko.prompts import phrases
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.prompt_lines import PromptLines
from neko.sessions.recall_lines import MOST_LINES, recall_lines
from neko.sessions.shared_recall import recall_also
from neko.types.memory import ConversationLog, Evidence, InChats
from neko.types.model_session import Tool, ToolCall, ToolResult

NAME: Final = "recall"
MOST_CALLS: Final = 3
"""In one turn."""
_LONGEST_LIST: Final = 20
_RECALLED: Final = 30
"""Memories that are asked for besides the lines that stand in the prompt anyway."""
_PARAMETERS: Final = {
    "type": "object",
    "properties": {
        "query": {"type": "string"},
        "from": {"type": "string"},
        "to": {"type": "string"},
        "k": {"type": "integer"},
    },
}
"""Without what else a schema may say: every turn pays for it."""
_DAY: Final = re.compile(r"\s*(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?![\d-])")


def recall_tool(language: str) -> Tool:
    """The function as a model is told of it; short, as it is sent with every request."""
    return Tool(NAME, phrases(language)["recall_tool"], _PARAMETERS)


async def is_more_kept(log: ConversationLog, character: str, shown: Collection[int], to_come: Collection[str]) -> bool:
    """Does the log hold more than the lines ``shown`` to a model, and the user's words ``to_come``? Raises
    ``MemoryStoreError``."""
    newest = await log.lines(character, limit=len(shown) + len(to_come) + 1, chat=InChats.ALL)
    return any(line.id not in shown and not (line.role == "user" and line.text in to_come) for line in newest)


class RecallTool:
    """Answers the calls from the memory of this character. ``lines``: what stands in the prompt, which no answer
    repeats; what an answer tells stands there too, and is named in the reply."""

    def __init__(self, character: str, dependencies: SessionDependencies, lines: PromptLines) -> None:
        self._recall = partial(recall_also, character, dependencies)
        self._persona = dependencies.persona
        self._lines = lines
        self._calls: tuple[str, int] = ("", 0)
        """The newest turn, and how often it has asked."""

    async def run(self, turn_id: str, call: ToolCall) -> ToolResult:
        """Raises ``NekoError`` when the memory cannot be searched, or not in time."""
        language = self._persona().language
        number = self._calls[1] + 1 if self._calls[0] == turn_id else 1
        self._calls = turn_id, number
        if number > MOST_CALLS:
            return ToolResult(call.call_id, phrases(language)["recall_enough"])
        try:
            wish = _Wish.read(call.arguments)
        except ValueError as error:
            return ToolResult(call.call_id, str(error), failed=True)
        limit = _RECALLED + len(self._lines.ids)
        found = await self._recall(wish.query, limit=limit, within=wish.within)
        told = self._lines.recalled_for(turn_id)

        def stands(evidence: Evidence) -> bool:
            return self._lines.hold(evidence) or told.hold(evidence)

        chosen = recall_lines(found, wish.query, language, stands, most=wish.k, least_fit=0.0)
        self._lines.look_up(turn_id, [evidence for evidence, _ in chosen])
        return ToolResult(call.call_id, "\n".join(line for _, line in chosen) or phrases(language)["recall_nothing"])


@dataclass(frozen=True, slots=True)
class _Wish:
    query: str
    within: tuple[datetime, datetime] | None
    k: int

    @classmethod
    def read(cls, arguments: Mapping[str, Any]) -> _Wish:
        """Raises ``ValueError``, whose words are for the model. Null is as good as nothing, "5" as 5."""
        query, k = arguments.get("query") or "", arguments.get("k") or MOST_LINES
        if not isinstance(query, str):
            raise ValueError("query is to be a text: what to look for")
        try:
            k = int(k)
        except (TypeError, ValueError):
            raise ValueError("k is to be a number: how many lines") from None
        first, last = (_days(arguments, name) for name in ("from", "to"))
        if not (query.strip() or first or last):
            raise ValueError("query is missing: what to look for")
        within = (first[0] if first else datetime.min, last[1] if last else datetime.max) if first or last else None
        if within and within[0] >= within[1]:
            raise ValueError("from is after to")
        return cls(query, within, min(max(k, 1), _LONGEST_LIST))


def _days(arguments: Mapping[str, Any], name: str) -> tuple[datetime, datetime] | None:
    """The beginning of a day, a month or a year, and its end, excluded; None for nothing. Raises ``ValueError``."""
    if not (given := arguments.get(name)):
        return None
    try:
        year, month, day = (int(part) if part else None for part in _DAY.match(str(given)).groups())  # type: ignore[union-attr]
        first = datetime(year or 0, month or 1, day or 1)
        if day:
            return first, first + timedelta(days=1)
        return first, datetime(first.year + (not month or month == 12), (month or 12) % 12 + 1, 1)
    except (AttributeError, ValueError, OverflowError):
        raise ValueError(f"{name} is to be a day, as in 2026-05-31") from None
