"""The agent: what she does for the user beside talking, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from neko import i18n
from neko.agent.messages import Capabilities, Capability, Gate, Snapshot, agent_status_update, agent_task, timestamp
from neko.agent.reports import TaskReports
from neko.agent.revisions import Revisions
from neko.agent.switches import Switches
from neko.agent.task_list import ActiveTask, Ending, Tasks
from neko.bus import Bus
from neko.tool_errors import AgentError
from neko.types.hands import Hand, HandName, Readiness, Thinker

CHANNELS: Final[tuple[HandName, ...]] = ("mcp", "browser_use", "computer_use", "user_plugin")
"""In the order in which they are preferred (``contract/agent.md`` §3)."""
_ABSENT: Final = Readiness(ready=False, code="agent_hand_absent")


class Agent:
    """``hands`` are the abilities that there are; ``thinker``: the model, if there is one."""

    def __init__(
        self,
        bus: Bus,
        switches: Switches,
        hands: Mapping[HandName, Hand],
    ) -> None:
        self.switches = switches
        self.hands = hands
        self.thinker: Thinker | None = None
        self._bus = bus
        self._revisions = Revisions()
        self._reports = TaskReports(bus.agent)
        self.tasks = Tasks(self._do, self._reports.publish, allow=self._allow, on_active=self.tell)

    def snapshot(self, language: str = "en") -> Snapshot:
        """The present state, newer than every snapshot made before, whoever asked for that one."""
        has_model = self.thinker is not None
        no_model = [i18n.notice("agent_no_model", language).text]
        return Snapshot(
            revision=self._revisions.next(),
            server_online=self.switches.master,
            analyzer_enabled=self.switches.master,
            flags=self.switches.flags,
            gate=Gate(ready=has_model, reasons=[] if has_model else no_model),
            capabilities=Capabilities(
                computer_use=self._capability("computer_use", language),
                mcp=self._capability("mcp", language),
                browser_use=self._capability("browser_use", language),
                user_plugin=self._capability("user_plugin", language),
            ),
            active_tasks=[agent_task(task) for task in self.tasks.listed(active=True)],
            updated_at=timestamp(),
        )

    def readiness(self, name: HandName, language: str) -> Readiness:
        """Whether a hand could be used, and if not why."""
        hand = self.hands.get(name)
        if hand is not None:
            return hand.readiness(language)
        return Readiness(ready=False, code=_ABSENT.code, reason=i18n.notice(_ABSENT.code, language).text)

    def tell(self) -> None:
        """Tell every page how it stands."""
        self._bus.agent.publish(agent_status_update(self.snapshot()))

    async def aclose(self) -> None:
        """End every task and let every hand go; idempotent."""
        await self.tasks.aclose()
        self._reports.close()
        for hand in self.hands.values():
            await hand.aclose()

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
        if self.thinker is None:
            raise AgentError("no_model", "no model to think with")

    async def _do(self, active: ActiveTask) -> Ending:
        raise AgentError("no_plan", f"nothing does tasks yet: {active.task.id}")
