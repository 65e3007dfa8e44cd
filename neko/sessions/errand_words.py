"""Results of tasks, tasks under way and reminders in words: for a model to tell of, and as she says them without one.

All of it is data of ``assets/prompts``. Times are local, without a zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from neko.prompts import phrases
from neko.types.errands import Reminder, ReminderAnswer, Report, Underway

Outside = Callable[[str, str, int], str]
"""Marks words from outside for a model: ``Errands.outside``."""

_MOST_TOKENS: Final = 1_200
_MOST_UNDERWAY: Final = 6
_LONGEST_TITLE: Final = 120
_LATE_FROM_S: Final = 60.0
"""Seconds from which on a reminder counts as late."""
_SOON_S: Final = 3 * 3600
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


# ── times ─────────────────────────────────────────────────────────────────────


def span(seconds: float, language: str) -> str:
    """So long in words, rounded to its largest unit, of short ones to two of them."""
    say, left = phrases(language), max(1, round(seconds))
    unit, size = next((unit, size) for unit, size in _UNITS if left >= size)
    words = _amount(left // size, unit, language)
    at = [unit for unit, _ in _UNITS].index(unit)
    if unit == "second" or unit == "day":
        return words
    finer, finer_size = _UNITS[at + 1]
    rest = left % size // finer_size
    space = "" if say["weekdays"][0] > "\u2fff" and language != "ko" else " "
    return f"{words}{space}{_amount(rest, finer, language)}" if rest and unit == "hour" else words


def _amount(number: int, unit: str, language: str) -> str:
    say = phrases(language)
    return say[f"span_{unit}"] if number == 1 else say[f"span_{unit}s"].format(n=number)


def moment(due: datetime, now: datetime, language: str, every: str = "") -> str:
    """When something is or was due, as seen from ``now``."""
    say, due = phrases(language), due.replace(tzinfo=None)
    weekday = say["weekdays"].split()[due.weekday()]
    blanks = {"time": f"{due:%H:%M}", "weekday": weekday, "date": f"{due:%Y-%m-%d}"}
    if every:
        return say["when_daily" if every == "day" else "when_weekly"].format(**blanks)
    ahead = (due - now).total_seconds()
    if 0 < ahead < _SOON_S:
        return say["when_soon"].format(span=span(ahead, language), **blanks)
    days = (due.date() - now.date()) // timedelta(1)
    name = {0: "when_today", 1: "when_tomorrow", -1: "when_yesterday"}.get(days, "when_day")
    return say[name].format(**blanks)


# ── results ───────────────────────────────────────────────────────────────────


def report_lines(reports: Sequence[Report], master: str, language: str, now: datetime, outside: Outside) -> str:
    """Reports for a model to tell of; what came from outside in them is marked."""
    reminders = [_reminder_line(one, master, language, now) for one in reports if one.outcome == "reminder"]
    results = [f"- {_result_line(one, language)}" for one in reports if one.outcome != "reminder"]
    marked = outside("the agent", "\n".join(results), _MOST_TOKENS) if results else ""
    return "\n".join((*(f"- {line}" for line in reminders), *filter(None, [marked])))


def _reminder_line(report: Report, master: str, language: str, now: datetime) -> str:
    say = phrases(language)
    name = "report_reminder" if report.text else "report_timer"
    line = say[name].format(master=master, text=report.text)
    return f"{line} {_lateness('report_late', report, language, now)}".rstrip()


def _lateness(name: str, report: Report, language: str, now: datetime) -> str:
    if report.due is None:
        return ""
    late = (now - report.due.replace(tzinfo=None)).total_seconds()
    if late < _LATE_FROM_S:
        return ""
    when = moment(report.due, now, language)
    return phrases(language)[name].format(when=when, span=span(late, language))


def _result_line(report: Report, language: str) -> str:
    say = phrases(language)
    parts = [say[f"report_{report.outcome}"].format(text=report.text)]
    if report.reason and report.reason != report.text:
        parts.append(say["report_reason"].format(reason=report.reason))
    if report.detail:
        parts.append(say["report_detail"].format(detail=report.detail))
    return " ".join(parts)


def said_reports(reports: Iterable[Report], language: str, now: datetime) -> str:
    """The same as she says it herself."""
    say = phrases(language)
    told: list[str] = []
    for report in reports:
        if report.outcome == "reminder":
            words = say["say_reminder" if report.text else "say_timer"].format(text=report.text)
            told.append(words + _lateness("say_late", report, language, now))
            continue
        words = say[f"say_{report.outcome}"].format(text=report.text)
        is_new = report.reason and report.reason != report.text
        told.append(words + (say["say_reason"].format(reason=report.reason) if is_new else ""))
    return "\n".join(told)


# ── what is under way ─────────────────────────────────────────────────────────


def underway_lines(tasks: Sequence[Underway], master: str, language: str, outside: Outside) -> str:
    """What is being done, for a model that may be asked."""
    say = phrases(language)
    lines = "\n".join(_underway_line(task, master, language, "underway") for task in tasks[:_MOST_UNDERWAY])
    return say["underway"].format(master=master) + "\n" + outside("the agent", lines, _MOST_TOKENS)


def said_underway(tasks: Sequence[Underway], master: str, language: str) -> str:
    """The same as she says it herself."""
    if not tasks:
        return phrases(language)["say_nothing_underway"]
    return "\n".join(_underway_line(task, master, language, "say_underway") for task in tasks[:_MOST_UNDERWAY])


def _underway_line(task: Underway, master: str, language: str, name: str) -> str:
    say = phrases(language)
    doing = " ".join(task.doing.split())[:_LONGEST_TITLE]
    form = say[f"{name}_doing"] if doing else say[name if name.startswith("say") else f"{name}_line"]
    state = say[f"state_{task.state}"].format(master=master)
    if task.seconds >= 1:
        state += say["underway_since"].format(span=span(task.seconds, language))
    return form.format(title=" ".join(task.title.split())[:_LONGEST_TITLE], state=state, doing=doing)


# ── reminders ─────────────────────────────────────────────────────────────────


def reminder_note(answer: ReminderAnswer, master: str, language: str, now: datetime) -> str:
    """What became of the user's words about reminders, for a model to confirm."""
    if answer.then:
        further = reminder_note(answer.then, master, language, now)
        return f"{reminder_note(replace(answer, then=None), master, language, now)}\n{further}"
    text = ", ".join(_item(one, language, now, with_time=False) for one in answer.reminders)
    when = ", ".join(moment(one.due, now, language, one.every) for one in answer.reminders)
    several = "_several" if answer.outcome == "set" and len(answer.reminders) > 1 else ""
    form = phrases(language)[f"reminder_note_{answer.outcome}{several}"]
    return form.format(master=master, text=text, when=when, list=_listed(answer.reminders, language, now))


def said_reminder(answer: ReminderAnswer, language: str, now: datetime) -> str:
    """The same as she says it herself."""
    if answer.then:
        return (
            f"{said_reminder(replace(answer, then=None), language, now)}\n{said_reminder(answer.then, language, now)}"
        )
    say = phrases(language)
    if answer.outcome == "set" and len(answer.reminders) > 1:
        return say["say_reminder_set_several"].format(list=_listed(answer.reminders, language, now))
    first = answer.reminders[0] if answer.reminders else None
    name = f"reminder_{answer.outcome}" if first is None or first.text or answer.outcome != "set" else "timer_set"
    when = moment(first.due, now, language, first.every) if first else ""
    text = first.text if first else ""
    return say[f"say_{name}"].format(text=text, when=when, list=_listed(answer.reminders, language, now))


def _listed(reminders: Sequence[Reminder], language: str, now: datetime) -> str:
    return "; ".join(_item(one, language, now) for one in reminders)


def _item(reminder: Reminder, language: str, now: datetime, *, with_time: bool = True) -> str:
    say = phrases(language)
    if not with_time:
        return reminder.text or say["say_timer"].rstrip("!！")
    when = moment(reminder.due, now, language, reminder.every)
    return say["reminder_item" if reminder.text else "timer_item"].format(text=reminder.text, when=when)
