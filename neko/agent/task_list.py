"""All tasks: begun, held, ended and told of. How one is done is not decided here (``task_loop``)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import uuid4

from neko import i18n
from neko.agent import tasks as rules
from neko.agent.lanes import Lanes, Place
from neko.agent.messages import agent_task, task_result, task_update
from neko.agent.tasks import Source, Task, TaskState, commands
from neko.errors import NekoError
from neko.tasks import TaskOwner, is_cancelled
from neko.tool_errors import AgentError
from neko.types.hands import HandName, Picture
from neko.types.plan import Plan
from neko.well_formed import well_formed

logger = logging.getLogger(__name__)

MOST_WAITING: Final = 8
"""Tasks of one character that have not begun; the next one is refused."""
MOST_KEPT: Final = 500
"""Tasks that are over and still listed."""
LONGEST_INSTRUCTION: Final = 4_000
_LONGEST_TITLE: Final = 80
_PROGRESS_S: Final = 0.25
"""Seconds between two messages that tell of progress only."""
_CLOSING_S: Final = 4.0

Publish = Callable[[Mapping[str, Any]], object]
Change = Callable[[Task], Task]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task ended: ``state`` is COMPLETED, PARTIAL or FAILED; the texts are for the user."""

    state: TaskState
    result: str = ""
    error: str = ""


class Keeper(Protocol):
    """Where tasks outlive the process."""

    def keep(self, task: Task) -> None:
        """Note how it stands; never waits."""
        ...

    def keep_picture(self, task_id: str, picture: Picture) -> None:
        """Its last one; never waits."""
        ...


class OtherTasks(Protocol):
    """Tasks that are not done here: reminders."""

    def tasks(self) -> Sequence[Task]:
        """Those that are not over, or not long."""
        ...

    def task(self, task_id: str) -> Task | None: ...

    def drop(self, task_id: str) -> bool:
        """Forget one; False when there is none of this id."""
        ...


class ActiveTask:
    """A task that is being done, for who does it: how it stands, and what the user wants of it meanwhile."""

    def __init__(self, task: Task, place: Place, changed: Callable[[Task, Task], None]) -> None:
        self.task = task
        self.place = place
        self.picture: Picture | None = None
        """The newest, for its card."""
        self.resumes = 0
        """How often it went on after a pause: what was seen before may have changed."""
        self.stop: Callable[[], None] = lambda: None
        """Ends at once what is being done; whoever does it puts it here."""
        self._changed = changed
        self._going = asyncio.Event()
        self._going.set()

    def change(self, change: Change) -> None:
        """Let something happen to it (``tasks``), and tell it."""
        before, self.task = self.task, change(self.task)
        if self.task.held:
            self._going.clear()
        else:
            self._going.set()
            self.resumes += before.held
        if before != self.task:
            self._changed(before, self.task)

    async def checkpoint(self) -> None:
        """Between two actions: wait as long as the user wants it to stand still."""
        while not self._going.is_set():
            self.place.leave()
            await self._going.wait()
            self.change(lambda task: rules.waiting(task, "turn"))
            await self.place.enter()
            self.change(lambda task: rules.waiting(task, ""))

    def show(self, picture: Picture) -> None:
        """Put a picture on its card."""
        self.picture = picture
        self.change(rules.pictured)


class Tasks:
    """``do`` does one; ``allow`` raises the ``NekoError`` that keeps a task from being started."""

    def __init__(
        self,
        do: Callable[[ActiveTask], Awaitable[Ending]],
        publish: Publish,
        *,
        allow: Callable[[HandName | None], None] = lambda hand: None,
        on_active: Callable[[], object] = lambda: None,
        keeper: Keeper | None = None,
        lanes: Lanes | None = None,
    ) -> None:
        self._do = do
        self._publish = publish
        self._allow = allow
        self._on_active = on_active
        self._keeper = keeper
        self._lanes = lanes or Lanes()
        self._owner = TaskOwner("agent")
        self._tasks: dict[str, Task] = {}
        self.others: OtherTasks | None = None
        """Listed and cancelled like the rest, but ended by no ``stop_all``."""
        self._active: dict[str, ActiveTask] = {}
        self._bodies: dict[str, asyncio.Task[Ending]] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._pictures: dict[str, Picture] = {}
        self.on_stop: Callable[[str | None], object] = lambda character: None
        """Told whose tasks are all ended, None for everybody's: nothing that was asked for before shall begin."""

    # ── commands ──────────────────────────────────────────────────────────────

    async def start(
        self,
        character: str,
        instruction: str,
        *,
        hand: HandName | None = None,
        plan: Plan | None = None,
        source: Source = "api",
        turn_id: str = "",
        language: str = "en",
        after_outside: bool = False,
        task_id: str = "",
    ) -> Task:
        """Begin a task, as soon as it is its turn; ``task_id`` is a UUID, one is made where it is "". Raises
        ``NekoError``: it is not wanted, cannot be done or too many are waiting."""
        instruction = well_formed(instruction).strip()[:LONGEST_INSTRUCTION]
        if not instruction:
            raise AgentError("no_words", "an empty task")
        if self._owner.closed:
            raise AgentError("off", "it is being ended")
        for needed in dict.fromkeys(step.hand for step in plan.steps) if plan else (hand,):
            self._allow(needed)
        waiting = sum(one.task.started is None for one in self._active.values() if one.task.character == character)
        if waiting >= MOST_WAITING:
            raise AgentError("busy", "too many tasks are waiting", number=waiting)
        task = Task(
            id=task_id if task_id and self.get(task_id) is None else str(uuid4()),
            character=character,
            instruction=instruction,
            title=" ".join(instruction.split())[:_LONGEST_TITLE],
            source=source,
            created=datetime.now(UTC),
            channel=hand or "mcp",
            hand=hand,
            plan=plan,
            turn_id=turn_id,
            after_outside=after_outside,
            language=plan.language if plan else language,
        )
        self._begin(rules.planned(task, plan) if plan else task)
        return task

    def pause(self, task_id: str) -> bool:
        """Before its next action; true if that changes anything."""
        return self._commanded(task_id, "pause", rules.paused)

    def resume(self, task_id: str) -> bool:
        return self._commanded(task_id, "resume", rules.resumed)

    def cancel(self, task_id: str) -> bool:
        """End it now. It is told as cancelled at once, whatever it is busy with; that ends within two seconds."""
        now = datetime.now(UTC)
        active, body = self._active.get(task_id), self._bodies.get(task_id)
        done = self._commanded(task_id, "cancel", lambda task: rules.ended(task, TaskState.CANCELLED, now))
        if done and active and body:
            active.stop()
            body.cancel()
        return done or (self.others is not None and self.others.drop(task_id))

    async def retry(self, task_id: str) -> Task:
        """The same once more, as a new task. Raises ``AgentError`` for one that is unknown or not over."""
        task = self._tasks.get(task_id)
        if task is None:
            raise AgentError("unknown_task", "no such task")
        if "retry" not in commands(task):
            raise AgentError("not_now", "it is not over, or done")
        return await self.start(
            task.character,
            task.instruction,
            hand=task.hand,
            plan=task.plan,
            source=task.source,
            turn_id=task.turn_id,
            language=task.language,
            after_outside=task.after_outside,
        )

    async def stop_all(self, character: str | None = None) -> int:
        """End every task, or every task of one character; how many that were."""
        self.on_stop(character)
        found = self.listed(character, active=True)
        return sum(self.cancel(task.id) for task in found if task.source != "reminder")

    # ── what there is ─────────────────────────────────────────────────────────

    def get(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id) or (self.others.task(task_id) if self.others else None)

    def listed(self, character: str | None = None, *, active: bool = False) -> list[Task]:
        """The newest first."""
        found = [
            task
            for task in (*self._tasks.values(), *(self.others.tasks() if self.others else ()))
            if character in (None, task.character) and not (active and task.is_over)
        ]
        return sorted(found, key=lambda task: task.created, reverse=True)

    def thumbnail(self, task_id: str) -> Picture | None:
        """The newest picture of a task."""
        active = self._active.get(task_id)
        return (active.picture if active else None) or self._pictures.get(task_id)

    def restore(self, tasks: Iterable[Task]) -> None:
        """List tasks of an earlier time."""
        self._tasks = {**{task.id: task for task in tasks if task.id not in self._tasks}, **self._tasks}

    def interrupt(self, task_id: str, why: str) -> None:
        """Pause it because the user took over; ``why`` is shown."""
        self._commanded(task_id, "pause", lambda task: rules.paused(task, why))

    def rename(self, old: str, new: str) -> None:
        """What a character of this name does and did is that of the ``new`` name."""
        for active in self._active.values():
            if active.task.character == old:
                active.change(lambda task: replace(task, character=new))
        renamed = {one.id: replace(one, character=new) for one in self._tasks.values() if one.character == old}
        self._tasks.update(renamed)

    async def forget(self, character: str) -> None:
        """End what she does, and list nothing of her any more."""
        await self.stop_all(character)
        mine = [task.id for task in self._tasks.values() if task.character == character]
        for task_id in mine:
            await self.wait(task_id)
            self._tasks.pop(task_id, None)
            self._pictures.pop(task_id, None)

    async def wait(self, task_id: str) -> None:
        """Until it is over and can do nothing more."""
        if body := self._bodies.get(task_id):
            await asyncio.wait({body})

    async def aclose(self) -> None:
        """End every task; what was not over is told as interrupted. Idempotent."""
        now = datetime.now(UTC)
        for active in list(self._active.values()):
            active.change(lambda task: interrupted(task, now))
            active.stop()
        await self._owner.aclose(_CLOSING_S)
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()

    # ──────────────────────────────────────────────────────────────────────────

    def _begin(self, task: Task) -> None:
        active = ActiveTask(task, self._lanes.place(task.character), self._changed)
        self._active[task.id] = active
        self._remember(task)
        self._keep(task)
        self._tell(task)
        self._on_active()
        body = self._bodies[task.id] = self._owner.spawn(self._live(active), name=f"task {task.id[:8]}")
        body.add_done_callback(lambda done: self._end(active, None if done.cancelled() else done.result()))

    async def _live(self, active: ActiveTask) -> Ending:
        try:
            await active.place.enter()
            active.change(lambda task: rules.begun(task, datetime.now(UTC)))
            await active.checkpoint()
            return await self._do(active)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            return self._failed(active, NekoError("cancelled from inside"))
        except NekoError as error:
            return self._failed(active, error)
        except Exception as error:
            logger.exception("a task failed")
            return self._failed(active, NekoError(type(error).__name__))

    def _failed(self, active: ActiveTask, error: NekoError) -> Ending:
        return Ending(TaskState.FAILED, error=told(error, active.task.language))

    def _end(self, active: ActiveTask, ending: Ending | None) -> None:
        """Once the task can do nothing more; one that was cancelled is told as such already."""
        active.place.leave()
        if not active.task.is_over:
            now, ending = datetime.now(UTC), ending or self._failed(active, NekoError("ended from outside"))
            active.change(lambda task: rules.ended(task, ending.state, now, result=ending.result, error=ending.error))
            self._report(active.task)
        task_id = active.task.id
        if active.picture:
            self._pictures[task_id] = active.picture
            if self._keeper is not None:
                self._keeper.keep_picture(task_id, active.picture)
        self._active.pop(task_id, None)
        self._bodies.pop(task_id, None)

    def _report(self, task: Task) -> None:
        is_done = task.state is TaskState.COMPLETED
        words = task.result if is_done else task.error or task.result
        self._publish(
            task_result(
                task.character,
                task.channel,
                success=is_done,
                summary=f"{task.title}: {words}" if words else task.title,
                task_id=task.id,
                detail=task.result if task.state is not TaskState.FAILED else "",
                error=task.error,
            )
        )

    def _commanded(self, task_id: str, command: rules.Command, change: Change) -> bool:
        active = self._active.get(task_id)
        if active is None or command not in commands(active.task):
            return False
        active.change(change)
        return True

    # ── telling ───────────────────────────────────────────────────────────────

    def _changed(self, before: Task, task: Task) -> None:
        self._remember(task)
        if _is_progress(before, task):
            self._tell_later(task.id)
        else:
            self._keep(task)
            self._tell(task)
        if task.is_over:
            self._on_active()

    def _remember(self, task: Task) -> None:
        self._tasks[task.id] = task
        over = [one.id for one in self._tasks.values() if one.is_over]
        for task_id in over[: max(0, len(over) - MOST_KEPT)]:
            del self._tasks[task_id]
            self._pictures.pop(task_id, None)

    def _keep(self, task: Task) -> None:
        if self._keeper is not None:
            self._keeper.keep(task)

    def _tell(self, task: Task) -> None:
        if timer := self._later.pop(task.id, None):
            timer.cancel()
        self._publish(task_update(task.character, agent_task(task)))

    def _tell_later(self, task_id: str) -> None:
        if task_id not in self._later:
            self._later[task_id] = asyncio.get_running_loop().call_later(_PROGRESS_S, self._told_now, task_id)

    def _told_now(self, task_id: str) -> None:
        self._later.pop(task_id, None)
        if active := self._active.get(task_id):
            self._tell(active.task)


def interrupted(task: Task, now: datetime) -> Task:
    """Neko was ended, or is being ended, while it was not over."""
    why = told(AgentError("interrupted", "Neko was ended"), task.language)
    return rules.ended(task, TaskState.INTERRUPTED, now, error=why)


def told(error: NekoError, language: str) -> str:
    """An error for the user: what happened, in whose words, and what to do."""
    notice = i18n.describe(error, language)
    return f"{notice.whole} {notice.remedy}".strip()


def _is_progress(before: Task, task: Task) -> bool:
    return (before.state, before.waits_for, before.steps, before.title) == (
        task.state,
        task.waits_for,
        task.steps,
        task.title,
    )
