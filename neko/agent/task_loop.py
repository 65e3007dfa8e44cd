"""A task from its plan to an honest end: step by step, each with its goal checked, planned anew once when one fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from neko import i18n
from neko.agent import outside
from neko.agent import tasks as rules
from neko.agent.approvals import Approvals
from neko.agent.audit import Audit
from neko.agent.bounds import Bounds, Limits
from neko.agent.own_keys import OwnKeys
from neko.agent.permission import Permission, Scope
from neko.agent.policies import Policies
from neko.agent.step_loop import Conduct, StepLoop, StepResult
from neko.agent.task_list import ActiveTask, Ending, told
from neko.agent.tasks import StepState, TaskState
from neko.agent.workspaces import Bounded, Stopwatch, Workspaces
from neko.errors import ModelError, NekoError
from neko.storage import make_folder
from neko.tasks import TaskOwner, in_thread
from neko.tool_errors import AgentError
from neko.types.agent import Inquiry
from neko.types.hands import Hand, HandName, Job, Thinker
from neko.types.plan import Analyzer, Plan, Planner, PlanStep

logger = logging.getLogger(__name__)

LONGEST_QUESTION: Final = 1_000
MOST_REFUSED: Final = 5
"""Acts that are named at the end."""
_ANSWER_SCHEMA: Final = {"type": "object", "properties": {"answer": {"type": "string"}}}
_EARLIER_TOKENS: Final = 600
_FINAL: Final = frozenset(
    {"agent_no_model", "agent_too_many_actions", "agent_too_many_tokens", "agent_journal", "agent_not_allowed"}
)
"""Failures that another plan would not mend."""


class TaskLoop:
    """``thinker`` is None where there is no model; ``planner`` and ``analyzer`` where nobody plans or judges: then a
    task has one step, and the model's word that it is done counts. ``folder`` is the one of all tasks. A hand that is
    not ``is_on`` any more does nothing more."""

    def __init__(
        self,
        hands: Mapping[HandName, Hand],
        permission: Permission,
        policies: Policies,
        approvals: Approvals,
        audit: Audit,
        folder: Path,
        *,
        thinker: Callable[[], Thinker | None],
        planner: Callable[[], Planner | None] = lambda: None,
        analyzer: Callable[[], Analyzer | None] = lambda: None,
        is_on: Callable[[HandName], bool] = lambda hand: True,
        limits: Limits | None = None,
        own_keys: OwnKeys | None = None,
    ) -> None:
        self.hands = hands
        self.is_on = is_on
        self.permission = permission
        self.policies = policies
        self.approvals = approvals
        self.audit = audit
        self.folder = folder
        self.thinker = thinker
        self.planner = planner
        self.analyzer = analyzer
        self.limits = limits or Limits()
        self.own_keys = own_keys or OwnKeys()
        self.owner = TaskOwner("hands")

    async def do(self, active: ActiveTask) -> Ending:
        """One task; raises the ``NekoError`` that keeps it from being begun."""
        thinker = self.thinker()
        if thinker is None:
            raise AgentError("no_model", "no model to think with")
        folder = self.folder / active.task.id
        await in_thread(make_folder, folder)
        run = _Run(self, active, thinker, folder)
        try:
            return await run.go()
        finally:
            await asyncio.shield(self.owner.spawn(run.aclose(), name="letting go"))

    async def aclose(self) -> None:
        """End what is still being let go."""
        await self.owner.aclose()


class _Run:
    def __init__(self, loop: TaskLoop, active: ActiveTask, thinker: Thinker, folder: Path) -> None:
        self._loop = loop
        self._active = active
        watch = Stopwatch()
        self._bounded = Bounded(loop.owner, watch)
        active.stop = self._bounded.cancel
        task = active.task
        talks = (self._ask_user, self._interrupt, self._asking)
        job = Job(task.id, task.character, task.instruction, folder, *talks, waits_for=self._waits_for)
        self._workspaces = Workspaces(loop.hands, job, loop.owner, self._bounded)
        self._watch = watch
        self._conduct = Conduct(
            active,
            thinker,
            loop.permission,
            loop.policies,
            loop.audit,
            Bounds(loop.limits),
            self._bounded,
            watch,
            self._ask_user,
            folder,
            Scope(),
            loop.is_on,
            outside=task.after_outside,
            own_keys=loop.own_keys,
        )
        self._answers: list[str] = []

    async def go(self) -> Ending:
        plan = await self._plan()
        self._active.change(lambda task: rules.planned(task, plan))
        steps, place, has_replanned = list(plan.steps), 0, False
        while place < len(steps):
            try:
                answer = await self._step(steps[place], place)
            except NekoError as error:
                failure = told(error, self._active.task.language)
                self._mark(place, StepState.FAILED, failure)
                again = None if has_replanned else await self._replan(plan, error, failure)
                if again is None:
                    return await self._ended(failure)
                has_replanned = True
                steps = [*steps[: place + 1], *again.steps]
                self._active.change(lambda task, new=again, kept=place + 1: rules.planned(task, new, kept))  # type: ignore[misc]
            else:
                self._mark(place, StepState.DONE, answer)
                self._answers.append(answer)
            await self._give_back(steps[place].hand, steps[place + 1 :])
            place += 1
        return self._honest(TaskState.COMPLETED, await self._result(), "")

    async def aclose(self) -> None:
        await self._workspaces.aclose()

    # ── steps ─────────────────────────────────────────────────────────────────

    async def _step(self, step: PlanStep, place: int) -> str:
        """What came of it; raises the ``NekoError`` that it failed by."""
        self._mark(place, StepState.RUNNING)
        self._conduct.need(step.hand)
        hand = self._loop.hands.get(step.hand)
        if hand is not None and hand.exclusive:
            await self._take(step.hand)
        workspace = await self._workspaces.of(step.hand)
        result = await StepLoop(self._conduct, step, workspace, self._before()).run()
        await self._check(step, result)
        return result.answer

    async def _take(self, hand: HandName) -> None:
        """Wait until no other task uses what there is one of."""
        if self._active.place.must_wait_for(hand):
            self._active.change(lambda task: rules.waiting(task, "turn"))
        await self._active.place.take(hand)
        self._active.change(lambda task: rules.waiting(task, ""))

    async def _give_back(self, hand: HandName, rest: Sequence[PlanStep]) -> None:
        """What there is one of is for others as soon as no later step needs it."""
        known = self._loop.hands.get(hand)
        if known is not None and known.exclusive and all(step.hand != hand for step in rest):
            await self._workspaces.close(hand)
            self._active.place.give_back(hand)

    async def _check(self, step: PlanStep, result: StepResult) -> None:
        analyzer = self._loop.analyzer()
        if analyzer is None:
            return
        try:
            judgement = await analyzer.reached(step, [*result.seen, result.answer])
        except NekoError as error:
            logger.warning("whether a step is done was not judged: %s", error)
            return
        if not judgement.reached:
            raise AgentError("not_reached", "the goal is not reached", said=judgement.reason[:500])

    def _before(self) -> list[str]:
        return [outside.marked("an earlier step", answer, _EARLIER_TOKENS) for answer in self._answers]

    def _mark(self, place: int, state: StepState, detail: str = "") -> None:
        self._active.change(lambda task: rules.stepped(task, place, state, detail))

    # ── plans ─────────────────────────────────────────────────────────────────

    async def _plan(self) -> Plan:
        task = self._active.task
        if task.plan is not None:
            return task.plan
        if task.hand is not None:
            return Plan(task.title, (PlanStep(task.hand, task.instruction),), task.language)
        planner = self._loop.planner()
        plan = await planner.plan(task.character, task.instruction, language=task.language) if planner else None
        if plan is None or not plan.steps:
            raise AgentError("no_plan", "nothing that is on can do it")
        return plan

    async def _replan(self, plan: Plan, error: NekoError, failure: str) -> Plan | None:
        """Another way; None where there is none, or where the user or the model stands in it."""
        planner = self._loop.planner()
        if planner is None or error.code in _FINAL or isinstance(error, ModelError) or self._conduct.refused:
            return None
        try:
            marked = outside.marked("the step that failed", failure, _EARLIER_TOKENS)
            again = await planner.replan(self._active.task.instruction, plan, self._before(), marked)
        except NekoError as fault:
            logger.warning("a failed step was not planned anew: %s", fault)
            return None
        return again if again and again.steps else None

    # ── the user ──────────────────────────────────────────────────────────────

    async def _ask_user(self, question: str) -> str | None:
        """What the user answers on the page; None when they did not."""
        task = self._active.task
        words = outside.visible(question)[:LONGEST_QUESTION]
        self._active.change(lambda task: rules.acting(task, words))
        with self._asking():
            reply = await self._loop.approvals.inquire(
                Inquiry(task.character, "", words, _ANSWER_SCHEMA, task_id=task.id)
            )
        if reply.action != "accept":
            return None
        return outside.visible(str((reply.content or {}).get("answer") or ""))[:LONGEST_QUESTION]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """The user is asked: the card says so, and the time stands."""
        self._active.change(lambda task: rules.waiting(task, "user"))
        try:
            with self._watch.standing():
                yield
        finally:
            self._active.change(lambda task: rules.waiting(task, ""))

    def _interrupt(self, reason: str) -> None:
        self._active.change(lambda task: rules.paused(task, reason))

    def _waits_for(self, name: str) -> None:
        waits = i18n.sentence("agent.waits_for", self._active.task.language).format(name=name)
        self._active.change(lambda task: rules.acting(task, waits if name else ""))

    # ── the end ───────────────────────────────────────────────────────────────

    async def _result(self, failure: str = "") -> str:
        """What came of it: the answer, or what several say in short."""
        answers, analyzer, task = "\n".join(self._answers), self._loop.analyzer(), self._active.task
        if analyzer is None or len(self._answers) < 2:
            return answers
        failed = [outside.marked("the step that failed", failure, _EARLIER_TOKENS)] if failure else []
        try:
            return await analyzer.summary(task.instruction, [*self._before(), *failed], language=task.language)
        except NekoError as error:
            logger.warning("what came of a task was not summed up: %s", error)
            return answers

    async def _ended(self, failure: str) -> Ending:
        state = TaskState.PARTIAL if self._answers else TaskState.FAILED
        return self._honest(state, await self._result(failure), failure)

    def _honest(self, state: TaskState, result: str, failure: str) -> Ending:
        """What the user did not allow was not done, whatever the model says of it."""
        acts = list(dict.fromkeys(outside.visible(title) for title in self._conduct.refused.values()))
        if not acts:
            return Ending(state, result, failure)
        shown = "; ".join(acts[:MOST_REFUSED]) + (" …" if len(acts) > MOST_REFUSED else "")
        words = told(AgentError("not_done", "the user did not allow it", acts=shown), self._active.task.language)
        state = TaskState.PARTIAL if state is TaskState.COMPLETED else state
        return Ending(state, result, f"{failure} {words}".strip())
