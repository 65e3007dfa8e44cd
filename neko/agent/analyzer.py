"""Is the goal of a step reached, and what came of a task? Told by what was observed, which is from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from neko.agent import outside
from neko.agent.agent_prompts import prompts
from neko.errors import ModelEmptyReplyError
from neko.language import guess
from neko.llm.tokens import beginning
from neko.types.hands import Said, Thinker
from neko.types.model_session import Tool
from neko.types.plan import Judgement, PlanStep

TIMEOUT_S: Final = 30.0
_MOST: Final = 5
"""Observations that are shown: the last ones."""
_OBSERVATION: Final = 2_000
"""Tokens of one, with its mark."""
_WORDS: Final = 800
_WHY: Final = 300
"""Characters."""
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


class Analyzer:
    """Both raise ``NekoError`` when the model cannot be asked or does not say."""

    def __init__(self, thinker: Thinker) -> None:
        self._thinker = thinker

    async def reached(self, step: PlanStep, observations: Sequence[str]) -> Judgement:
        """Is the step's goal reached? By what was observed, each marked as from outside, the last words being what the
        acting model says of it. Where only the user can go on it is not."""
        sentences = prompts(guess(step.instruction, "en"))
        *seen, claim = observations or ("",)
        told = (
            f"STEP: {step.instruction}",
            f"REACHED WHEN: {step.done_when or 'the step is done'}",
            *(beginning(text, _OBSERVATION) for text in seen[-_MOST:] or ["Nothing was observed."]),
            f"CLAIMED: {beginning(claim, _WORDS)}",
        )
        messages = (
            Said("system", sentences["judge"].format(language=sentences["language"])),
            Said("user", "\n\n".join(told)),
        )
        thought = await self._thinker.think(messages, (JUDGE,), must_call=True, timeout_s=TIMEOUT_S)
        for call in thought.calls:
            if call.action.name == JUDGE.name and (word := _word(call.action.arguments.get("reached"))):
                why = call.action.arguments.get("why")
                return Judgement(word == "yes", outside.visible(why).strip()[:_WHY] if isinstance(why, str) else "")
        raise ModelEmptyReplyError("the agent's model did not say whether a step is done")

    async def summary(self, instruction: str, outcomes: Sequence[str], *, language: str = "en") -> str:
        """What the user is told of a task of several steps that is over. ``outcomes``: what came of each, marked where
        it holds words from outside."""
        sentences = prompts(language)
        steps = (f"STEP {number}: {beginning(text, _OBSERVATION)}" for number, text in enumerate(outcomes, 1))
        messages = (
            Said("system", sentences["summary"].format(language=sentences["language"])),
            Said("user", "\n\n".join((f"WHAT THE USER WANTED: {beginning(instruction, _WORDS)}", *steps))),
        )
        thought = await self._thinker.think(messages, timeout_s=TIMEOUT_S)
        if words := outside.visible(thought.text).strip():
            return words[:LONGEST_SUMMARY]
        raise ModelEmptyReplyError("the agent's model did not say what came of a task")


def _word(reached: object) -> str:
    if isinstance(reached, bool):
        return "yes" if reached else "no"
    word = str(reached).strip().lower()
    return word if word in ("yes", "no", "user") else ""
