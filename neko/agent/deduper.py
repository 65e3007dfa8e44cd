"""Is a task that was asked for one that is under way, or was just done? Failing to tell means that it is not."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from neko.agent.agent_prompts import prompts
from neko.errors import NekoError
from neko.language import LANGUAGES, guess
from neko.llm.tokens import beginning
from neko.types.hands import Said, Thinker
from neko.types.model_session import Tool
from neko.types.plan import Plan
from neko.well_formed import bare_words

logger = logging.getLogger(__name__)

LATELY_S: Final = 120.0
"""For so long a finished task is done once more only when the user says so."""
TIMEOUT_S: Final = 20.0
_MOST: Final = 12
_WORDS: Final = 200

SAME: Final = Tool(
    "same",
    "Name the task that is the same, 0 if there is none.",
    {
        "type": "object",
        "properties": {"why": {"type": "string"}, "number": {"type": "integer"}},
        "required": ["why", "number"],
    },
)


@dataclass(frozen=True, slots=True)
class KnownTask:
    """A task of the same character, on whatever channel. ``words``: what the user asked for; ``ended_s``: seconds since
    it was completed, None while it waits or runs. One that failed or was cancelled is none: asked for again, it is
    wanted again."""

    id: str
    title: str
    words: str
    ended_s: float | None = None

    @property
    def counts(self) -> bool:
        return self.ended_s is None or self.ended_s <= LATELY_S


def wants_again(words: str) -> bool:
    """Do these words say that something is to be done once more?"""
    return _again().search(words) is not None


@cache
def _again() -> re.Pattern[str]:
    return re.compile("|".join(prompts(language)["again"] for language in LANGUAGES), re.IGNORECASE)


def same_words(words: str, tasks: Sequence[KnownTask]) -> KnownTask | None:
    """The task that was asked for in the very same words."""
    wording = _wording(words)
    if not wording or wants_again(words):
        return None
    return next((task for task in tasks if task.counts and _wording(task.words) == wording), None)


class Deduper:
    def __init__(self, thinker: Thinker) -> None:
        self._thinker = thinker

    async def same(self, words: str, plan: Plan, tasks: Sequence[KnownTask]) -> KnownTask | None:
        """The task that does what this plan would do; the model is asked only when there is any. Any failure is told
        in the log, and is a None."""
        candidates = [task for task in tasks if task.counts][-_MOST:]
        if not candidates or wants_again(words):
            return None
        known = "\n".join(
            f"{number}. {task.title}: {beginning(task.words, _WORDS)} [{'runs' if task.ended_s is None else 'done'}]"
            for number, task in enumerate(candidates, 1)
        )
        steps = "; ".join(beginning(step.instruction, _WORDS) for step in plan.steps)
        told = f"TASKS:\n{known}\n\nNEW: {plan.title}: {steps}\nTHE USER'S WORDS: {beginning(words, _WORDS)}"
        messages = (Said("system", prompts(guess(words, plan.language))["same"]), Said("user", told))
        try:
            thought = await self._thinker.think(messages, (SAME,), must_call=True, timeout_s=TIMEOUT_S)
        except NekoError as error:
            logger.warning("whether a task is new is not known: %s", error.code)
            return None
        numbers = [call.action.arguments.get("number") for call in thought.calls if call.action.name == SAME.name]
        return _chosen(numbers[0], candidates) if numbers else None


def _chosen(number: object, candidates: Sequence[KnownTask]) -> KnownTask | None:
    try:
        place = int(str(number)) - 1
    except ValueError:
        return None
    return candidates[place] if 0 <= place < len(candidates) else None


def _wording(text: str) -> str:
    return bare_words(unicodedata.normalize("NFKC", text))
