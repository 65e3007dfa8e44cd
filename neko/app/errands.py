"""The agent as the conversation of one character sees it (``types.errands``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neko.agent import outside
from neko.agent.approvals import Approvals
from neko.types.agent import Decision
from neko.types.errands import ReminderAnswer, Underway


class CharacterErrands:
    """See ``Errands``."""

    def __init__(self, character: str, approvals: Approvals) -> None:
        self._character = character
        self._approvals = approvals

    def underway(self) -> Sequence[Underway]:
        return ()

    async def untold(self) -> Sequence[Mapping[str, Any]]:
        return ()

    def told(self, task_ids: Sequence[str]) -> None:
        pass

    async def stop(self) -> int:
        return 0

    def decide(self, question_id: str, decision: Decision) -> bool:
        return self._approvals.answer(question_id, decision)

    def about_reminders(self, text: str) -> bool:
        return False

    async def remind(self, text: str, *, keep: bool) -> ReminderAnswer | None:
        return None

    def outside(self, source: str, text: str, most_tokens: int) -> str:
        return outside.marked(source, text, most_tokens)
