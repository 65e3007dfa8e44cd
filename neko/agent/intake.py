"""Takes what turns ask for: each request on the bus topic ``analyze`` becomes a task, a reminder or, mostly, nothing.

Requests of one character are looked at one after the other, those of different characters at once. Whatever costs
nothing is asked first: are there abilities that are ready, is it a reminder by plain rules, was it asked for in these
very words just before.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from neko.agent.deduper import Deduper, KnownTask, same_words
from neko.agent.messages import Utterance, reminder_unclear, task_result, turn_keys
from neko.agent.planner import Offer, Planner, Turn
from neko.agent.task_list import Tasks, told
from neko.agent.tasks import Task, TaskState
from neko.bus import Message, Subscription, WorkQueue
from neko.errors import NekoError
from neko.tasks import TaskOwner, is_cancelled
from neko.types.hands import Hand, HandName, MayLack
from neko.types.plan import Plan, Reminders
from neko.well_formed import well_formed

logger = logging.getLogger(__name__)

MOST_WAITING: Final = 8
"""Turns of one character that wait to be looked at; of more the oldest is passed over."""
_MOST_UTTERANCES: Final = 10
_GONE: Final = (TaskState.FAILED, TaskState.PARTIAL, TaskState.CANCELLED, TaskState.INTERRUPTED)
"""What may be asked for again in the same words: it was not done, or not all of it."""


class Intake:
    """``report`` takes messages for the topic ``agent``. ``language`` is that of the talk with a character.
    ``on_model``: told whether the agent's model could be asked, by None, or why not. ``heard_outside``: the last turns
    with a character hold words from outside, which may be what is planned."""

    def __init__(
        self,
        planner: Planner,
        deduper: Deduper,
        tasks: Tasks,
        *,
        report: Callable[[Mapping[str, Any]], object],
        language: Callable[[str], str],
        reminders: Reminders | None = None,
        on_model: Callable[[NekoError | None], object] = lambda error: None,
        heard_outside: Callable[[str], bool] = lambda character: False,
    ) -> None:
        self._planner = planner
        self._deduper = deduper
        self._tasks = tasks
        self._report = report
        self._language = language
        self._reminders = reminders
        self._on_model = on_model
        self._heard_outside = heard_outside
        self._owner = TaskOwner("intake")
        self._waiting: dict[str, deque[Turn]] = {}
        self._working: dict[str, asyncio.Task[None]] = {}
        self._subscription: Subscription | None = None

    def start(self, analyze: WorkQueue) -> None:
        """Take requests from now on. Raises ``RuntimeError`` when somebody else does."""
        self._subscription = analyze.consume(self.take, keys=turn_keys)

    def take(self, request: Message) -> None:
        """Look at this turn when it is its time; never waits."""
        turn = _turn(request)
        if not turn.own_words:
            return
        waiting = self._waiting.setdefault(turn.character, deque())
        if len(waiting) >= MOST_WAITING:
            waiting.popleft()
            logger.warning("%s: a turn was not looked at, too many are waiting", turn.character)
        waiting.append(turn)
        if turn.character not in self._working:
            working = self._owner.spawn(self._work(turn.character, waiting), name="look at turns")
            self._working[turn.character] = working

    def forget(self, character: str | None = None) -> None:
        """Start nothing of what was asked for up to now: the user wants everything stopped."""
        for name in [character] if character is not None else list(self._waiting):
            self._waiting.pop(name, None)
            if working := self._working.pop(name, None):
                working.cancel()

    async def aclose(self) -> None:
        """Idempotent."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        self.forget()
        await self._owner.aclose()

    # ──────────────────────────────────────────────────────────────────────────

    async def _work(self, character: str, waiting: deque[Turn]) -> None:
        while waiting:
            try:
                await self._look_at(waiting.popleft())
            except (Exception, asyncio.CancelledError) as error:
                if not isinstance(error, Exception) and is_cancelled():
                    raise
                logger.exception("%s: a turn could not be looked at", character)
        if self._waiting.get(character) is waiting:
            del self._waiting[character], self._working[character]

    async def _look_at(self, turn: Turn) -> None:
        words = turn.own_words
        if self._reminders is not None and self._reminders.takes(words):
            return
        known = self._known(turn.character)
        if same_words(words, known):
            return
        try:
            wanted = await self._planner.wanted(
                turn,
                language=self._language(turn.character),
                under_way=[
                    *(f"{task.title}: {task.words}" for task in known if task.ended_s is None),
                    *(f"reminder: {task.title} {task.action}" for task in self._set(turn.character)),
                ],
            )
        except NekoError as error:
            logger.warning("%s: whether there is a task is not known: %s", turn.character, error.code)
            self._on_model(error)
            self._tell_of_none(turn)
            return
        self._on_model(None)
        if wanted.reminder and self._reminders is not None:
            await self._reminders.set(turn.character, wanted.reminder, turn_id=turn.turn_id)
        else:
            self._tell_of_none(turn)
        if wanted.plan is None:
            return
        if not wanted.again and await self._deduper.same(words, wanted.plan, self._known(turn.character)):
            logger.info("%s: what is asked for is being done", turn.character)
            return
        await self._begin(turn, wanted.plan)

    def _tell_of_none(self, turn: Turn) -> None:
        """A reminder that neither rules nor model have found is not lost in silence."""
        if self._reminders is not None and self._reminders.seem_wanted(turn.own_words):
            self._report(reminder_unclear(turn.character))

    async def _begin(self, turn: Turn, plan: Plan) -> None:
        """That it cannot be begun is told like the end of a task."""
        try:
            await self._tasks.start(
                turn.character,
                turn.own_words,
                plan=plan,
                source="conversation",
                turn_id=turn.turn_id,
                language=plan.language,
                after_outside=bool(turn.called) or self._heard_outside(turn.character),
            )
        except NekoError as error:
            why = told(error, plan.language)
            channel = plan.steps[0].hand
            summary = f"{plan.title}: {why}"
            self._report(task_result(turn.character, channel, success=False, summary=summary, error=why))

    def _set(self, character: str) -> list[Task]:
        return [task for task in self._tasks.listed(character) if task.source == "reminder" and not task.is_over]

    def _known(self, character: str) -> list[KnownTask]:
        """The tasks that a new one may be the same as, the oldest first."""
        now = datetime.now(UTC)
        listed = [
            task for task in self._tasks.listed(character) if task.state not in _GONE and task.source != "reminder"
        ]
        known = [KnownTask(task.id, task.title, task.instruction, _since(task, now)) for task in reversed(listed)]
        return [task for task in known if task.counts]


def offered(hands: Iterable[Hand], is_on: Callable[[HandName], bool], words: str) -> list[Offer]:
    """What the hands offer that are on and ready, and what those that are on lack, in their order."""
    return [Offer(hand.name, text) for hand in hands if is_on(hand.name) and (text := _offer(hand, words))]


def _offer(hand: Hand, words: str) -> str:
    offer = hand.offer(words) if hand.readiness("en").ready else ""
    lacking = hand.lacking() if isinstance(hand, MayLack) else ""
    return "\n".join(filter(None, (offer, lacking)))


def _since(task: Task, now: datetime) -> float | None:
    return (now - task.ended).total_seconds() if task.is_over and task.ended else None


def _turn(request: Message) -> Turn:
    """The turn of a request, which may come from another process: what is no utterance is left out. N.E.K.O. reads
    ``text`` where there is no ``content`` (``contract/bus.md`` §3.1)."""
    messages, called = request.get("messages"), request.get("called")
    utterances = []
    for entry in messages[-_MOST_UTTERANCES:] if isinstance(messages, list) else ():
        if not isinstance(entry, dict):
            continue
        role, content = entry.get("role"), entry.get("content", entry.get("text"))
        if role in ("user", "assistant") and isinstance(content, str) and content.strip():
            utterances.append(Utterance(role=role, content=well_formed(content)))
    calls = [well_formed(call) for call in called if isinstance(call, str)] if isinstance(called, list) else []
    fresh = request.get("fresh")
    return Turn(
        str(request.get("lanlan_name") or ""),
        utterances,
        calls,
        str(request.get("turn_id") or ""),
        max(0, fresh) if isinstance(fresh, int) else 0,
    )
