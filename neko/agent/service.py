"""The agent: what she does for the user beside talking, and how it stands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from neko.agent.approvals import Approvals
from neko.agent.bounds import Limits
from neko.agent.deduper import Deduper, KnownTask, same_words
from neko.agent.elsewhere import Elsewhere
from neko.agent.heard_outside import HeardOutside
from neko.agent.journal import Journal
from neko.agent.messages import Capabilities, Capability, Snapshot, agent_status_update, agent_task, timestamp
from neko.agent.own_keys import OwnKeys
from neko.agent.permission import Permission
from neko.agent.policies import Policies
from neko.agent.privacy import AgentPrivacy
from neko.agent.reports import TaskReports
from neko.agent.revisions import Revisions
from neko.agent.running_calls import RunningCalls
from neko.agent.switches import Switches
from neko.agent.task_list import MOST_KEPT, Tasks
from neko.agent.task_loop import TaskLoop
from neko.bus import Bus
from neko.tasks import TaskOwner, in_thread, together
from neko.tool_errors import AgentError
from neko.types.hands import Hand, HandName, Picture, Readiness, Thinker
from neko.types.plan import Analyzer, Plan, Planner, PlanStep

CHANNELS: Final[tuple[HandName, ...]] = ("mcp", "browser_use", "computer_use", "user_plugin")
"""In the order in which they are preferred (``contract/agent.md`` §3)."""
logger = logging.getLogger(__name__)

_CLOSING_S: Final = 5.0


class Agent:
    """``hands`` are the abilities that there are. ``thinker``, ``planner`` and ``analyzer`` are asked for at each task,
    and are None where there is none. What is pushed to pages is in ``language``."""

    def __init__(
        self,
        bus: Bus,
        approvals: Approvals,
        switches: Switches,
        policies: Policies,
        hands: Mapping[HandName, Hand],
        journal: Journal,
        *,
        thinker: Callable[[], Thinker | None] = lambda: None,
        planner: Callable[[], Planner | None] = lambda: None,
        analyzer: Callable[[], Analyzer | None] = lambda: None,
        language: Callable[[], str] = lambda: "en",
        limits: Limits | None = None,
        own_keys: OwnKeys | None = None,
        privacy: AgentPrivacy | None = None,
    ) -> None:
        self.privacy = privacy or AgentPrivacy(lambda: False)
        self.switches = switches
        self.policies = policies
        self.hands = hands
        self.journal = journal
        self.permission = Permission(approvals)
        self.calls = RunningCalls()
        self.heard_outside = HeardOutside()
        self.own_keys = own_keys or OwnKeys()
        self._thinker = thinker
        self._language = language
        self._bus = bus
        self._revisions = Revisions()
        self._reports = TaskReports(bus.agent)
        self._loop = TaskLoop(
            hands,
            self.permission,
            policies,
            approvals,
            self.journal,
            journal.folder / "tasks",
            thinker=thinker,
            planner=planner,
            analyzer=analyzer,
            is_on=switches.allows,
            limits=limits,
            own_keys=self.own_keys,
        )
        self.tasks = Tasks(self._loop.do, self._reports.publish, allow=self._allow, on_active=self.tell, keeper=journal)
        self._deduper: Deduper | None = None
        self._loading = asyncio.Lock()
        self._is_loaded = False
        switches.hands = hands
        self.elsewhere: Elsewhere | None = None
        policies.on_change = self.permission.forget
        switches.on_change = self.tell
        switches.on_off = self.tasks.stop_all

    def think_with(self, thinker: Thinker, planner: Planner, analyzer: Analyzer) -> None:
        """Who thinks, plans and judges while the gate is open."""
        self._thinker = self._loop.thinker = lambda: None if self.switches.closed_by() else thinker
        self._deduper = Deduper(thinker)
        self._loop.planner = lambda: planner
        self._loop.analyzer = lambda: analyzer

    async def doing(self, character: str, words: str, hand: HandName, language: str) -> KnownTask | None:
        """The task of this character under way that does the same: in the same words, or as the model judges."""
        active = [task for task in self.tasks.listed(character, active=True) if task.source != "reminder"]
        known = [KnownTask(task.id, task.title, task.instruction) for task in active]
        found = same_words(words, known)
        if found or self._deduper is None or self.switches.closed_by():
            return found
        return await self._deduper.same(words, Plan(words, (PlanStep(hand, words),), language), known)

    def snapshot(self, language: str = "en") -> Snapshot:
        """The present state, newer than every snapshot made before, whoever asked for that one."""
        snapshot = Snapshot(
            revision=self._revisions.next(),
            server_online=True,
            analyzer_enabled=self.switches.master,
            flags=self.switches.flags,
            gate=self.switches.gate(language),
            capabilities=Capabilities(
                computer_use=self._capability("computer_use", language),
                mcp=self._capability("mcp", language),
                browser_use=self._capability("browser_use", language),
                user_plugin=self._capability("user_plugin", language),
            ),
            active_tasks=[
                *(call.task for call in self.calls.listed()),
                *map(agent_task, self.tasks.listed(active=True)),
            ],
            updated_at=timestamp(),
        )
        return self.elsewhere.over(snapshot) if self.elsewhere else snapshot

    async def stop_all(self, character: str | None = None) -> int:
        """End every task and every call of a tool, or those of one character; how many there were."""
        return self.calls.stop_all(character) + await self.tasks.stop_all(character)

    def readiness(self, name: HandName, language: str) -> Readiness:
        """Whether a hand could be used, and if not why."""
        return self.switches.readiness(name, language)

    def tell(self) -> None:
        """Tell every page how it stands."""
        self._bus.agent.publish(agent_status_update(self.snapshot(self._language())))

    async def loaded(self) -> None:
        """List the tasks of earlier times, too; what was not over then is interrupted. Raises ``AgentError`` when they
        cannot be read."""
        async with self._loading:
            if not self._is_loaded and await in_thread(lambda: self.journal.exists):
                self.tasks.restore(await self.journal.load(MOST_KEPT))
            self._is_loaded = True

    async def thumbnail(self, task_id: str) -> Picture | None:
        """The last picture of a task, also of an earlier time."""
        return self.tasks.thumbnail(task_id) or await self.journal.thumbnail(task_id)

    async def aclose(self) -> None:
        """End every task and let every hand go; idempotent."""
        await self.switches.aclose()
        await self.tasks.aclose()
        await self._loop.aclose()
        self._reports.close()
        await self.journal.aclose()
        await together(*(_let_go(name, hand) for name, hand in self.hands.items()))

    # ──────────────────────────────────────────────────────────────────────────

    def _capability(self, name: HandName, language: str) -> Capability:
        known = self.readiness(name, language)
        return Capability(ready=known.ready, reason=known.reason)

    def _allow(self, name: HandName | None) -> None:
        if not self.switches.master:
            raise AgentError("off", "the agent is off")
        wanted = CHANNELS if name is None else (name,)
        on = [one for one in wanted if self.switches.allows(one)]
        if not on:
            raise AgentError("hand_off", f"{name or 'every ability'} is off")
        known = [self.readiness(one, "en") for one in on]
        if not any(one.ready for one in known):
            raise AgentError("hand_missing", known[0].code, reason=known[0].reason)
        if codes := self.switches.closed_by():
            raise AgentError(codes[0].removeprefix("agent_"), "no model to think with")
        if self._thinker() is None:
            raise AgentError("no_model", "no model to think with")


async def _let_go(name: HandName, hand: Hand) -> None:
    """End a hand in its time, also when it does not want to."""
    owner = TaskOwner("hand")
    ending = owner.spawn(hand.aclose(), name=f"ending {name}")
    _, stuck = await asyncio.wait({ending}, timeout=_CLOSING_S)
    if stuck:
        ending.cancel()
        logger.error("%s did not end within %.0f s", name, _CLOSING_S)
