"""What the agent means to do: the plan that a task follows, and what of it is set as a reminder instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from neko.types.hands import HandName


@dataclass(frozen=True, slots=True)
class PlanStep:
    """``instruction`` says what to do, ``done_when`` how one sees that it is done ("" when it goes without saying)."""

    hand: HandName
    instruction: str
    done_when: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """``title``: the task in a few words of the user's language, which is ``language`` ("en", "zh-CN", "ja" …)."""

    title: str
    steps: Sequence[PlanStep]
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Reminder:
    """What the user wants to be told of, and when: local time, without a zone."""

    about: str
    at: datetime


class Reminders(Protocol):
    """Timers and reminders, for those who find out that one is wanted."""

    def takes(self, words: str) -> bool:
        """These words ask for one by plain rules: it is set by whoever hears them, and nothing else is to be done."""
        ...

    def seem_wanted(self, words: str) -> bool:
        """These words seem to ask for one, in a way that the rules do not understand."""
        ...

    async def set(self, character: str, reminder: Reminder, *, turn_id: str = "") -> None:
        """Set one that the rules did not find; a second one of the same turn, or of that time, is ignored."""
        ...


# ── who plans, and who says that it is done ───────────────────────────────────


@dataclass(frozen=True, slots=True)
class Judgement:
    """Is a step's goal reached? ``reason``: why not, in a sentence."""

    reached: bool
    reason: str = ""


class Planner(Protocol):
    """Makes the plan of a task that has none, and another one when a step fails."""

    async def plan(self, character: str, instruction: str, *, language: str = "en") -> Plan | None:
        """How to do what the user asked for with the hands that are on; None when there is no way. Raises
        ``NekoError``."""
        ...

    async def replan(self, instruction: str, plan: Plan, done: Sequence[str], failure: str) -> Plan | None:
        """What to do instead of the step that failed and those after it; ``done`` is what came of the steps before.
        None when it is better to stop. What is done and why it failed may repeat words from outside: they are marked.
        Raises ``NekoError``."""
        ...


class Analyzer(Protocol):
    async def reached(self, step: PlanStep, observations: Sequence[str]) -> Judgement:
        """By what was observed (marked as from outside), the last words being what the model says of it. Raises
        ``NekoError``."""
        ...

    async def summary(self, instruction: str, outcomes: Sequence[str], *, language: str = "en") -> str:
        """What the user is told of a task of several steps. ``outcomes``: what came of each, marked as from outside.
        Raises ``NekoError``."""
        ...
