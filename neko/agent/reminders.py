"""Timers and reminders of all characters: set by words without a model, kept in a file, told when they are due.

What is set for a time of day keeps its wall time: whatever becomes of the zone, the clock or summer time, it is due
when a clock on the wall shows it. "In ten minutes" is that long, however the clock is set meanwhile. One that came due
while Neko was not running is due at once. It stays in the file until the user has been told, so none is lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from neko.agent.messages import agent_task, task_result, task_update
from neko.agent.reminder_series import is_filler, read_wishes
from neko.agent.reminder_words import LONGEST, WAKE, Wish, is_about, read_time, seems_to_ask
from neko.agent.tasks import Task, TaskState
from neko.agent.when import Every, Read, When, read_when
from neko.errors import NekoError
from neko.storage import OnFault, forget_previous, is_object, log_fault, read_document, write_json
from neko.tasks import TaskOwner, in_thread
from neko.types import plan
from neko.types.errands import Reminder, ReminderAnswer, ReminderOutcome
from neko.well_formed import bare_words

logger = logging.getLogger(__name__)

REMINDERS_FILE: Final = "reminders.json"
MOST: Final = 64
"""Of one character; a further one is refused."""
FURTHEST: Final = timedelta(days=5 * 366)
_LOOK_AGAIN_S: Final = 20.0
"""Seconds after which the clock on the wall is looked at again: somebody may have set it."""
_SLOW_DISK_S: Final = 1.0
_ASKED_S: Final = 120.0
"""Seconds for which words that name a time answer her question "when?"."""
_JUST_SET: Final = timedelta(minutes=3)
_SAME_TIME: Final = timedelta(minutes=2)
"""What the model wants within this of what was just set is the same: it tells no seconds."""
_TURNS: Final = 64
"""Turns of which it is known that a reminder came of them."""
_TIMER: Final = "⏰"
_OBEYED: Final = 16
"""The last words of users that were about reminders."""
_STEPS: Final = {"day": timedelta(days=1), "week": timedelta(days=7)}

Publish = Callable[[Mapping[str, Any]], object]


def elapsed() -> float:
    """Seconds of a clock that nobody sets and that goes on while the computer sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is. ``zone``: that of the user, None for the computer's."""

    utc: Callable[[], datetime] = lambda: datetime.now(UTC)
    elapsed: Callable[[], float] = elapsed
    zone: tzinfo | None = None

    def wall(self) -> datetime:
        """What the clock on the wall shows."""
        return self.utc().astimezone(self.zone).replace(tzinfo=None)

    def moment(self, wall: datetime) -> datetime:
        """When it shows this; of a time that comes twice the first, of one that is left out the one as far behind."""
        zoned = wall.replace(tzinfo=self.zone) if self.zone else wall.astimezone()
        return zoned.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Entry:
    """``due``: what the clock on the wall shows then; ``at`` is the moment of one that is so long from now, and
    ``elapsed_at`` the same by a clock that nobody sets. ``rung``: it is due and not told yet. ``kept``: in the file."""

    id: str
    character: str
    text: str
    due: datetime
    set_at: datetime
    at: datetime | None = None
    elapsed_at: float | None = None
    every: Every = ""
    rung: bool = False
    kept: bool = True

    def as_document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "character": self.character,
            "text": self.text,
            "due": self.due.isoformat(),
            "at": self.at.isoformat() if self.at else None,
            "set_at": self.set_at.isoformat(),
            "every": self.every,
            "rung": self.rung,
        }

    @classmethod
    def of_document(cls, stored: Mapping[str, Any]) -> _Entry:
        """Raises ``ValueError``, ``KeyError`` or ``TypeError`` for what is none."""
        every = stored.get("every", "")
        return cls(
            str(stored["id"]),
            str(stored["character"]),
            str(stored["text"]),
            datetime.fromisoformat(stored["due"]).replace(tzinfo=None),
            datetime.fromisoformat(stored["set_at"]),
            datetime.fromisoformat(stored["at"]) if stored.get("at") else None,
            every=every if every in _STEPS else "",
            rung=bool(stored.get("rung")),
        )


class Reminders:
    """``publish`` takes messages for the bus topic ``agent``: each reminder is a task there, and when it is due a
    ``task_result``. Only what the user says themselves may be given to ``obey``."""

    def __init__(
        self, path: Path, publish: Publish, *, clock: Clock | None = None, on_fault: OnFault = log_fault
    ) -> None:
        self._path = path
        self._publish = publish
        self._clock = clock or Clock()
        self._on_fault = on_fault
        self._owner = TaskOwner("reminders")
        self._entries: dict[str, _Entry] = {}
        self._changed = asyncio.Event()
        self._saving = asyncio.Lock()
        self._unsaved = False
        self._over: dict[str, Task] = {}
        self._set_in: dict[str, None] = {}
        self._asked: dict[str, tuple[str, float]] = {}
        self._obeyed: deque[str] = deque(maxlen=_OBEYED)
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read what was set, and tell of it when it is due."""
        stored = await in_thread(read_document, self._path, {}, is_object, self._on_fault)
        for one in stored.get("reminders") or ():
            try:
                entry = _Entry.of_document(one)
            except (ValueError, KeyError, TypeError):
                logger.warning("a reminder in %s cannot be read", self._path.name)
                continue
            self._entries[entry.id] = entry
        self._wake()

    async def aclose(self) -> None:
        """Stop; what is set stays in the file. Idempotent."""
        if self._unsaved:
            await self._save_quietly()
        await self._owner.aclose()

    # ── by words ──────────────────────────────────────────────────────────────

    def concern(self, character: str, text: str) -> bool:
        """Might these words be about reminders, or answer when one shall be? Quick."""
        return character in self._asked or is_about(text)

    async def obey(self, character: str, text: str, *, keep: bool = True) -> ReminderAnswer | None:
        """Do what these words of the user's say about reminders, if they do. Without ``keep`` what is set is lost when
        Neko ends."""
        now = self._clock.wall()
        subject, asked_until = self._asked.pop(character, ("", 0.0))
        found = read_wishes(text, now, name=character)
        wishes = found.wishes
        if not wishes and self._clock.elapsed() < asked_until:
            when, is_past = read_time(text, now)
            if when or is_past:
                wishes = (Wish("set", subject, when, is_past),)
        if wishes and found.alone:
            self._obeyed.append(bare_words(text))
        answers = [self._follow(character, wish, now, keep=keep) for wish in wishes]
        if self._unsaved and not await self._keep_soon(character, answers):
            answers = [ReminderAnswer("failed") if one.outcome == "set" else one for one in answers]
        return _together(answers)

    def seem_wanted(self, text: str) -> bool:
        """Do these words seem to ask for one at a time, though the rules do not understand how?"""
        now = self._clock.wall()
        return seems_to_ask(text, now) and not read_wishes(text, now).wishes

    def _follow(self, character: str, wish: Wish, now: datetime, *, keep: bool) -> ReminderAnswer:
        """Nothing of it is in the file yet."""
        if wish.kind == "list":
            found = self.of(character)
            return ReminderAnswer("listed" if found else "none", found)
        if wish.kind == "cancel":
            return self._cancel_by_words(character, wish, now)
        if wish.when is None or wish.when.due > now + FURTHEST:
            self._asked[character] = (wish.text, self._clock.elapsed() + _ASKED_S)
            return ReminderAnswer("past" if wish.is_past else "when")
        return self._put(character, wish.text, wish.when, keep=keep)

    def _cancel_by_words(self, character: str, wish: Wish, now: datetime) -> ReminderAnswer:
        found = self.of(character)
        if wish.is_timer and not wish.everything:
            found = tuple(one for one in found if not one.text) or found
        if wish.is_waking:
            found = tuple(one for one in found if _wakes_then(one, read_when(wish.text, now)))
        if not found:
            return ReminderAnswer("none")
        said = f" {bare_words(wish.text)} "
        named = tuple(one for one in found if one.text and (wish.is_waking or _shares(one.text, said)))
        chosen = found if wish.everything or (len(found) == 1 and not wish.is_waking) else named
        if not chosen or (len(chosen) > 1 and not wish.everything):
            return ReminderAnswer("which", found)
        for one in chosen:
            self._forget(one.id)
        return ReminderAnswer("cancelled", chosen)

    async def _keep_soon(self, character: str, answers: Sequence[ReminderAnswer]) -> bool:
        """Save what was set and cancelled. A slow disk is not waited for: what it refuses in the end is told then."""
        fresh = [reminder for one in answers if one.outcome == "set" for reminder in one.reminders]
        saving = self._owner.spawn(self._keep(fresh), name="keep reminders")
        await asyncio.wait({saving}, timeout=_SLOW_DISK_S)
        if saving.done():
            return saving.result()
        self._owner.spawn(self._tell_of_refusal(character, fresh, saving), name="slow disk")
        return True

    async def _keep(self, fresh: Sequence[Reminder]) -> bool:
        """What cannot be saved is set no more: it would be lost with the process."""
        try:
            await self._save()
        except NekoError as error:
            self._on_fault_of(error)
            for one in fresh:
                self._forget(one.id)
            return False
        return True

    async def _tell_of_refusal(self, character: str, fresh: Sequence[Reminder], saving: asyncio.Task[bool]) -> None:
        if not await saving:
            for one in fresh:
                self._publish_answer(character, "failed", one.text, one.due)

    # ── directly ──────────────────────────────────────────────────────────────

    async def add(self, character: str, text: str, when: When, *, keep: bool = True) -> ReminderAnswer:
        """Set one, and save it; the answer is ``set``, ``full`` or ``failed``."""
        answer = self._put(character, text, when, keep=keep)
        if answer.outcome == "set" and not await self._keep(answer.reminders):
            return ReminderAnswer("failed")
        return answer

    def _put(self, character: str, text: str, when: When, *, keep: bool) -> ReminderAnswer:
        if len(self.of(character)) >= MOST:
            return ReminderAnswer("full")
        now = self._clock.utc()
        entry = _Entry(str(uuid4()), character, text, when.due, now, every=when.every, kept=keep)
        if when.after_s is not None:
            at = now + timedelta(seconds=when.after_s)
            entry = replace(entry, at=at, elapsed_at=self._clock.elapsed() + when.after_s)
        self._entries[entry.id] = entry
        self._unsaved = True
        self._tell(entry, TaskState.QUEUED)
        self._wake()
        return ReminderAnswer("set", (self._shown(entry),))

    def drop(self, task_id: str) -> bool:
        """Forget one that is set; False when there is none of this id."""
        if not self._forget(task_id):
            return False
        if not self._owner.closed:
            self._owner.spawn(self._save_quietly(), name="reminder cancelled")
        return True

    def _forget(self, reminder_id: str) -> bool:
        entry = self._entries.pop(reminder_id, None)
        if entry is None:
            return False
        self._unsaved = True
        self._tell(entry, TaskState.CANCELLED)
        self._wake()
        return True

    async def rename(self, old: str, new: str) -> None:
        """What was set with a character of this name is that of the ``new`` name."""
        mine = {one.id: replace(one, character=new) for one in self._entries.values() if one.character == old}
        self._over = {
            task_id: replace(task, character=new) if task.character == old else task
            for task_id, task in self._over.items()
        }
        if mine:
            self._entries.update(mine)
            await self._save_quietly()

    async def forget(self, character: str) -> None:
        """Drop all that was set with a character, also what is due and was not told."""
        mine = [one.id for one in self._entries.values() if one.character == character]
        for one in mine:
            self._forget(one)
        self._asked.pop(character, None)
        self._over = {task_id: task for task_id, task in self._over.items() if task.character != character}
        if mine:
            await self._save_quietly()
            await in_thread(forget_previous, self._path)

    def of(self, character: str | None = None) -> tuple[Reminder, ...]:
        """Those that are set, the next one first."""
        found = [one for one in self._entries.values() if not one.rung and character in (None, one.character)]
        return tuple(self._shown(one) for one in sorted(found, key=self._moment))

    def tasks(self) -> list[Task]:
        """Those that are set, as tasks, and those that are over since a short while."""
        return [*(self._as_task(self._entries[one.id], TaskState.QUEUED) for one in self.of()), *self._over.values()]

    def task(self, task_id: str) -> Task | None:
        """One of them, or of those that are over since a short while."""
        entry = self._entries.get(task_id)
        return self._as_task(entry, TaskState.QUEUED) if entry and not entry.rung else self._over.get(task_id)

    # ── for who plans (``types.plan.Reminders``) ──────────────────────────────

    def takes(self, words: str) -> bool:
        """Also those that only answered her question "when?", or called her by her name."""
        lines = [line for line in words.splitlines() if not is_filler(line)]
        return bool(lines) and all(bare_words(line) in self._obeyed or self._is_all(line) for line in lines)

    def _is_all(self, line: str) -> bool:
        found = read_wishes(line, self._clock.wall())
        return bool(found.wishes) and found.alone

    async def set(self, character: str, reminder: plan.Reminder, *, turn_id: str = "") -> None:
        """She says herself that it is set: the turn that asked for it is over."""
        if (turn_id and turn_id in self._set_in) or self._was_just_set(character, reminder.at):
            return
        self._set_in = {**dict(list(self._set_in.items())[-_TURNS + 1 :]), turn_id: None}
        answer = await self.add(character, reminder.about[:LONGEST], When(reminder.at))
        due = answer.reminders[0].due if answer.reminders else self._clock.moment(reminder.at)
        self._publish_answer(character, answer.outcome, reminder.about, due)

    def _publish_answer(self, character: str, outcome: ReminderOutcome, text: str, due: datetime) -> None:
        said = {"kind": "reminder_answer", "outcome": outcome, "text": text, "due": due.isoformat()}
        self._publish({"event_type": "proactive_message", "lanlan_name": character, "text": text, "neko": said})

    def _was_just_set(self, character: str, at: datetime) -> bool:
        """By the rules, from the words of the same turn."""
        now = self._clock.utc()
        mine = [one for one in self._entries.values() if one.character == character and now - one.set_at < _JUST_SET]
        return any(abs(one.due - at) <= _SAME_TIME for one in mine)

    # ── when they are due ─────────────────────────────────────────────────────

    def untold(self, character: str) -> list[dict[str, Any]]:
        """What is due and was not told yet, as messages of the bus."""
        return [self._result(one) for one in self._entries.values() if one.rung and one.character == character]

    def told(self, reminder_ids: tuple[str, ...]) -> None:
        """The user knows: these are over."""
        gone = [self._entries.pop(one) for one in reminder_ids if one in self._entries]
        self._unsaved = self._unsaved or bool(gone)
        if gone and not self._owner.closed:
            self._owner.spawn(self._save_quietly(), name="reminders told")

    def _wake(self) -> None:
        """Look again at what is due next; without any reminder nothing runs."""
        self._changed.set()
        waits = any(not one.rung for one in self._entries.values())
        if waits and not self._owner.closed and (self._running is None or self._running.done()):
            self._running = self._owner.spawn(self._run(), name="ring")

    async def _run(self) -> None:
        while (left := await self.look()) is not None:
            try:
                async with asyncio.timeout(min(left, _LOOK_AGAIN_S)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def look(self) -> float | None:
        """Look at the clock, and tell what is due; seconds until the next one is, None without any."""
        self._changed.clear()
        if due := [one for one in self._entries.values() if not one.rung and self._seconds_left(one) <= 0]:
            await self._ring(due)
        return min((self._seconds_left(one) for one in self._entries.values() if not one.rung), default=None)

    async def _ring(self, due: list[_Entry]) -> None:
        for entry in sorted(due, key=self._moment):
            self._entries[entry.id] = replace(entry, rung=True)
            if entry.every:
                following = self._next(entry)
                self._entries[following.id] = following
                self._tell(following, TaskState.QUEUED)
        await self._save_quietly()
        for one in due:
            if now := self._entries.get(one.id):  # whose character may have been renamed
                self._tell(now, TaskState.COMPLETED)
                self._publish(self._result(now))

    def _next(self, entry: _Entry) -> _Entry:
        """The next of one that comes again; of those that were missed only the last is told."""
        step, now = _STEPS[entry.every], self._clock.wall()
        missed = max(0, (now - entry.due) // step)
        return replace(entry, id=str(uuid4()), due=entry.due + (missed + 1) * step)

    def _moment(self, entry: _Entry) -> datetime:
        return entry.at or self._clock.moment(entry.due)

    def _seconds_left(self, entry: _Entry) -> float:
        if entry.elapsed_at is not None:
            return entry.elapsed_at - self._clock.elapsed()
        return (self._moment(entry) - self._clock.utc()).total_seconds()

    # ── as others see them ────────────────────────────────────────────────────

    def _shown(self, entry: _Entry) -> Reminder:
        return Reminder(entry.id, entry.text, self._moment(entry).astimezone(self._clock.zone), entry.every)

    def _result(self, entry: _Entry) -> dict[str, Any]:
        told = task_result(
            entry.character,
            "user_plugin",
            success=True,
            summary=entry.text or _TIMER,
            task_id=entry.id,
            now=self._clock.utc(),
        )
        return {**told, "neko": {"kind": "reminder", "text": entry.text, "due": self._shown(entry).due.isoformat()}}

    def _tell(self, entry: _Entry, state: TaskState) -> None:
        task = self._as_task(entry, state)
        if task.is_over:
            self._over = {**dict(list(self._over.items())[-MOST + 1 :]), task.id: task}
        self._publish(task_update(entry.character, agent_task(task)))

    def _as_task(self, entry: _Entry, state: TaskState) -> Task:
        """The channel is one of the contract's, which has none for this; ``source`` says what it is."""
        title, due = entry.text or _TIMER, self._shown(entry).due
        return Task(
            id=entry.id,
            character=entry.character,
            instruction=title,
            title=title,
            source="reminder",
            created=entry.set_at,
            channel="user_plugin",
            state=state,
            waits_for="",
            action=f"{_TIMER} {due:%Y-%m-%d %H:%M}" if state is TaskState.QUEUED else "",
            due=due,
            ended=None if state is TaskState.QUEUED else self._clock.utc(),
        )

    # ── the file ──────────────────────────────────────────────────────────────

    async def _save(self) -> None:
        async with self._saving:
            self._unsaved = False  # what changes from now on is not in the document
            document = {"reminders": [one.as_document() for one in self._entries.values() if one.kept]}
            try:
                is_there: bool = await in_thread(self._path.exists)
                if document["reminders"] or is_there:
                    await in_thread(write_json, self._path, document)
            except BaseException:
                self._unsaved = True
                raise

    async def _save_quietly(self) -> None:
        """What cannot be saved now stands in the file as it was: it may be told once more after a restart."""
        try:
            await self._save()
        except NekoError as error:
            self._on_fault_of(error)

    def _on_fault_of(self, error: NekoError) -> None:
        logger.error("the reminders cannot be saved: %s", error.code)


def _together(answers: Sequence[ReminderAnswer]) -> ReminderAnswer | None:
    """What was set is told together; each other one after it."""
    told = [one for one in answers if one.outcome != "set"]
    if those_set := tuple(reminder for one in answers if one.outcome == "set" for reminder in one.reminders):
        told.insert(0, ReminderAnswer("set", those_set))
    together: ReminderAnswer | None = None
    for one in reversed(told):
        together = replace(one, then=together)
    return together


def _wakes_then(reminder: Reminder, read: Read) -> bool:
    """May it wake the user at the hour, else on the day, that was named? One without words may be for that too."""
    if reminder.text and reminder.text not in WAKE.values():
        return False
    if read.when is None:
        return True
    due, named = reminder.due, read.when.due
    return (due.hour, due.minute) == (named.hour, named.minute) if read.clocked else due.date() == named.date()


def _shares(text: str, said: str) -> bool:
    """Does what was said name what this reminder is about?"""
    words = bare_words(text)
    if not words.isascii():
        return any(words[at : at + 2] in said for at in range(max(1, len(words) - 1)))
    return any(len(word) > 2 and f" {word} " in said for word in words.split())
