"""What a conversation and the agent tell each other of tasks: what came of them, what is under way, reminders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from neko.types.agent import Decision

Outcome = Literal["completed", "partial", "failed", "reminder"]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a task. ``text``, ``detail`` and ``reason`` may hold words from outside; those of a reminder are the
    user's own. ``due``: when a reminder was to be told, in local time."""

    task_id: str
    outcome: Outcome
    text: str
    detail: str = ""
    reason: str = ""
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Underway:
    """A task, or a call of a tool, that has not ended. ``doing``: what is being done now, which may hold words from
    outside. ``seconds``: for how long, 0 where that is not told."""

    title: str
    state: Literal["queued", "running", "paused", "asking"]
    doing: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Reminder:
    """``due`` knows its time zone, and is that of the user. ``every``: it comes again each day or week."""

    id: str
    text: str
    due: datetime
    every: Literal["", "day", "week"] = ""


ReminderOutcome = Literal["set", "when", "past", "full", "failed", "listed", "cancelled", "none", "which", "unclear"]


@dataclass(frozen=True, slots=True)
class ReminderAnswer:
    """What became of the user's words about reminders.

    ``set``; ``when``: they named no time that is understood; ``past``: the time is over; ``full``: there are too many;
    ``failed``: it cannot be kept; ``listed`` and ``cancelled`` are told of ``reminders``, ``none``: there is none of
    that kind; ``which``: one of several was to be cancelled; ``unclear``: they may ask for one, in a way that is not
    understood. ``then``: what became of a further wish in the same words.
    """

    outcome: ReminderOutcome
    reminders: tuple[Reminder, ...] = ()
    then: ReminderAnswer | None = None


class Errands(Protocol):
    """The agent, as the conversation of one character sees it. Nothing here needs a model."""

    def underway(self) -> Sequence[Underway]:
        """The tasks of this character, and the calls of tools, that have not ended; reminders are none."""
        ...

    def begins_tasks(self) -> bool:
        """Is an ability on, so that what the user asks for in a turn may become a task?"""
        ...

    async def untold(self) -> Sequence[Mapping[str, Any]]:
        """Results from before a restart that were never told, as messages of the bus."""
        ...

    def keep_untold(self, message: Mapping[str, Any]) -> None:
        """This result waits to be told; never waits."""
        ...

    def told(self, task_ids: Sequence[str]) -> None:
        """The user has been told what came of these."""
        ...

    async def stop(self) -> int:
        """End every task and call of this character at once; how many there were."""
        ...

    def drop(self) -> int:
        """End the calls of tools that her replies have made, but no task; how many there were."""
        ...

    def decide(self, question_id: str, decision: Decision) -> bool:
        """The user's answer to what they were asked; False when it is not asked any more."""
        ...

    def about_reminders(self, text: str) -> bool:
        """Might these words of the user's be about reminders? Quick."""
        ...

    async def remind(self, text: str, *, keep: bool) -> ReminderAnswer | None:
        """Do what the user's words say about reminders, if they do; without ``keep`` nothing of it goes to a disk."""
        ...

    def outside(self, source: str, text: str, most_tokens: int) -> str:
        """Words from outside, marked for a model to read."""
        ...
