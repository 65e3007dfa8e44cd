"""What came of tasks and waits to be told to the user: each thing once, whichever way it came. Pure state.

A report is taken for one turn, either one of its own or that of the user's next words; when the turn ends without
anything said it waits again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from neko.types.errands import Outcome, Reminder, ReminderAnswer, ReminderOutcome, Report
from neko.well_formed import bare_words, well_formed

MOST_WAITING: Final = 32
"""Reports; beyond that the oldest is lost, which its card on the page still tells."""
TOLD_TOGETHER: Final = 6
"""What more there is, is told in the next free moment."""
LONGEST_TEXT: Final = 500
DETAIL_ALONE: Final = 1500
DETAIL_WITH_WORDS: Final = 300
"""Characters of the details (N.E.K.O.: the same)."""
_REMEMBERED: Final = 256
_ALIKE_WITHIN_S: Final = 600.0
"""Seconds within which the same words from another channel are the same thing."""
_LEAST_ALIKE: Final = 12
"""Signs of a result below which it may stand anywhere by chance."""
_OUTCOMES: Final = frozenset({"completed", "partial", "failed"})


class AgentReports:
    """For one conversation. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._waiting: list[Report] = []
        self._taken: OrderedDict[str, tuple[Report, ...]] = OrderedDict()
        self._told: OrderedDict[tuple[str, Outcome], None] = OrderedDict()
        self._said: OrderedDict[str, float] = OrderedDict()
        self._cancelled: OrderedDict[str, None] = OrderedDict()
        self._seen_by_model: OrderedDict[str, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Reports that no turn has been given."""
        return len(self._waiting)

    def add(self, report: Report, now: float) -> bool:
        """Keep a report until it is told; False for one that was, is being, or need not be told."""
        if self._is_known(report, now):
            return False
        waiting = [one for one in self._waiting if not report.task_id or one.task_id != report.task_id]
        self._waiting = [*waiting, report][-MOST_WAITING:]
        return True

    def take(self, turn_id: str, *, detail: int = DETAIL_ALONE) -> tuple[Report, ...]:
        """Reports for this turn to tell, cut to size: none where none wait."""
        taken, self._waiting = self._waiting[:TOLD_TOGETHER], self._waiting[TOLD_TOGETHER:]
        if not taken:
            return ()
        _remember(self._taken, turn_id, tuple(taken))
        return tuple(_cut(report, detail) for report in taken)

    def turn_ended(self, turn_id: str, *, told: bool, now: float) -> tuple[str, ...]:
        """A turn is over: the ids of the tasks that it told of. Otherwise its reports wait again, before all others."""
        taken = self._taken.pop(turn_id, None)
        if taken is None:
            return ()
        if not told:
            self._waiting = [*(one for one in taken if one.task_id not in self._cancelled), *self._waiting]
            return ()
        for report in taken:
            if report.task_id:
                _remember(self._told, (report.task_id, report.outcome), None)
            if report.outcome != "reminder":
                _remember(self._said, _meaning(report), now)
        return tuple(report.task_id for report in taken if report.task_id)

    def carried(self, turn_id: str) -> tuple[Report, ...]:
        """What the turn that is still open was given."""
        return self._taken.get(turn_id, ())

    def tell_again(self, reports: Sequence[Report]) -> None:
        """They were told and not heard."""
        for report in reports:
            self._told.pop((report.task_id, report.outcome), None)
            self._said.pop(_meaning(report), None)
        self._waiting = [*reports, *self._waiting]

    def cancelled(self, task_id: str) -> None:
        """The user has ended this task: nothing is told of it."""
        _remember(self._cancelled, task_id, None)
        self._waiting = [one for one in self._waiting if one.task_id != task_id]

    def model_saw(self, output: str) -> None:
        """The model of the conversation has called a function itself and tells of this in its own reply."""
        if len(meaning := bare_words(output[: 4 * DETAIL_ALONE])) >= _LEAST_ALIKE:
            _remember(self._seen_by_model, meaning, None)

    def _is_known(self, report: Report, now: float) -> bool:
        if report.task_id and (
            report.task_id in self._cancelled
            or (report.task_id, report.outcome) in self._told
            or any(one.task_id == report.task_id for taken in self._taken.values() for one in taken)
        ):
            return True
        if report.outcome == "reminder":
            return False
        if report.outcome == "failed" and report.task_id:
            return False  # tried again, and failed again
        meaning = _meaning(report)
        said_at = self._said.get(meaning)
        if said_at is not None and now - said_at < _ALIKE_WITHIN_S:
            return True
        others = (*self._waiting, *(one for taken in self._taken.values() for one in taken))
        if any(_meaning(one) == meaning for one in others if one.outcome != "reminder"):
            return True
        result = bare_words(report.detail) or bare_words(report.text)
        return len(result) >= _LEAST_ALIKE and any(result in seen for seen in self._seen_by_model)


def read(message: Mapping[str, Any]) -> Report | None:
    """What is in a ``task_result`` or ``proactive_message`` (``contract/bus.md`` §3.4); None where it says nothing."""
    ours = message.get("neko")
    ours = ours if isinstance(ours, Mapping) else {}
    text = _text(message, "summary") or _text(message, "text")
    detail, reason = _text(message, "detail"), _text(message, "error_message")
    if not (text or detail or reason):
        return None
    outcome: Outcome = "completed" if message.get("success", True) else "failed"
    if message.get("status") in _OUTCOMES:
        outcome = message["status"]
    due = None
    if ours.get("kind") == "reminder":
        outcome, due, text = "reminder", datetime.fromisoformat(str(ours["due"])), str(ours.get("text") or "")
    elif message.get("status") == "cancelled":
        return None
    short = text or detail or reason if outcome != "reminder" else text
    return Report(
        well_formed(_text(message, "task_id")),
        outcome,
        well_formed(short[:LONGEST_TEXT]),
        well_formed(detail) if len(detail) > len(text) else "",
        "" if bare_words(reason) in bare_words(short) else well_formed(reason),
        due,
    )


def read_answer(message: Mapping[str, Any]) -> ReminderAnswer | None:
    """What became of a wish for a reminder that was found after its turn; None for any other message."""
    ours = message.get("neko")
    if not isinstance(ours, Mapping) or ours.get("kind") != "reminder_answer":
        return None
    if ours.get("outcome") == "unclear":
        return ReminderAnswer("unclear")
    reminder = Reminder("", well_formed(str(ours.get("text"))), datetime.fromisoformat(str(ours["due"])))
    outcome: ReminderOutcome = ours["outcome"] if ours.get("outcome") in ("set", "full") else "failed"
    return ReminderAnswer(outcome, (reminder,))


def _text(message: Mapping[str, Any], key: str) -> str:
    return str(message.get(key) or "").strip()


def _cut(report: Report, detail: int) -> Report:
    return Report(
        report.task_id, report.outcome, report.text, report.detail[:detail], report.reason[:LONGEST_TEXT], report.due
    )


def _meaning(report: Report) -> str:
    return f"{report.outcome} {bare_words(report.text)}"


def _remember(known: OrderedDict[Any, Any], key: object, value: object) -> None:
    known[key] = value
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
