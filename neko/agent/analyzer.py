"""Is the goal of a step reached, and what came of a task? Told by what was observed, which is from outside."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from neko.agent import outside
from neko.agent.agent_prompts import prompts
from neko.llm.tokens import beginning
from neko.types.hands import Picture, Said, Thinker
from neko.types.model_session import Tool
from neko.types.plan import PlanStep

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 30.0
_MOST: Final = 5
"""Observations that are shown: the last ones."""
_OBSERVATION: Final = 1_200
"""Tokens of one."""
_WORDS: Final = 800
LONGEST_SUMMARY: Final = 1_500
"""Characters, as many as a ``task_result`` holds."""

JUDGE: Final = Tool(
    "judge",
    "Say whether the goal of the step is reached.",
    {
        "type": "object",
        "properties": {"why": {"type": "string"}, "reached": {"type": "string", "enum": ["yes", "no", "user"]}},
        "required": ["why", "reached"],
    },
)


class Reached(Enum):
    YES = "yes"
    NO = "no"
    USER = "user"
    """Only the user can go on."""
    UNKNOWN = "unknown"
    """The model did not say."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """``why``: a sentence in the user's language."""

    reached: Reached
    why: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step: ``said`` is what the acting model said at its end, ``observed`` what it saw, unmarked."""

    step: PlanStep
    judgement: Judgement
    said: str = ""
    observed: Sequence[str] = ()


class Analyzer:
    """Both raise ``NekoError`` when the model cannot be asked."""

    def __init__(self, thinker: Thinker) -> None:
        self._thinker = thinker

    async def judge(
        self,
        step: PlanStep,
        observed: Sequence[str],
        *,
        said: str = "",
        picture: Picture | None = None,
        language: str = "en",
    ) -> Judgement:
        """``observed``: what was seen in the step, unmarked, the last of it last; ``picture``: how it looks now;
        ``said``: what the acting model says of it."""
        sentences = prompts(language)
        told = (
            f"STEP: {step.instruction}\nREACHED WHEN: {step.done_when or 'the step is done'}\n\n{_observed(observed)}"
        )
        if said:
            told += f"\n\nCLAIMED: {beginning(said, _WORDS)}"
        pictures = (picture,) if picture and self._thinker.sees else ()
        messages = (
            Said("system", sentences["judge"].format(language=sentences["language"])),
            Said("user", told, pictures),
        )
        thought = await self._thinker.think(messages, (JUDGE,), must_call=True, timeout_s=TIMEOUT_S)
        for call in thought.calls:
            if call.action.name == JUDGE.name:
                return _judgement(call.action.arguments.get("reached"), call.action.arguments.get("why"))
        logger.warning("the agent's model did not say whether a step is done")
        return Judgement(Reached.UNKNOWN)

    async def summary(self, words: str, outcomes: Sequence[Outcome], *, language: str = "en") -> str:
        """What the user is told of a task that is over; ``words`` is what they asked for. "" when the model says
        nothing."""
        sentences = prompts(language)
        told = [f"WHAT THE USER WANTED: {beginning(words, _WORDS)}", *map(_told, outcomes)]
        messages = (
            Said("system", sentences["summary"].format(language=sentences["language"])),
            Said("user", "\n\n".join(told)),
        )
        thought = await self._thinker.think(messages, timeout_s=TIMEOUT_S)
        return outside.visible(thought.text).strip()[:LONGEST_SUMMARY]


def _judgement(reached: object, why: object) -> Judgement:
    word = ("yes" if reached else "no") if isinstance(reached, bool) else str(reached).strip().lower()
    known = {one.value: one for one in Reached}.get(word, Reached.UNKNOWN)
    return Judgement(known, outside.visible(why).strip()[:300] if isinstance(why, str) else "")


def _observed(observed: Sequence[str]) -> str:
    if not observed:
        return "Nothing was observed."
    return "\n".join(outside.marked("what was acted on", text, _OBSERVATION) for text in observed[-_MOST:])


def _told(outcome: Outcome) -> str:
    reached, step = outcome.judgement.reached, outcome.step
    lines = [f"STEP: {beginning(step.instruction, _WORDS)}", f"REACHED: {reached.value}. {outcome.judgement.why}"]
    if outcome.said:
        lines.append(f"CLAIMED: {beginning(outcome.said, _WORDS)}")
    return "\n".join((*lines, _observed(outcome.observed[-2:])))
