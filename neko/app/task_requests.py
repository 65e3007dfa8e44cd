"""What the agent understands with, and finished turns on their way to it: fed from what conversations tell, and looked
at for what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from neko.agent.analyzer import Analyzer
from neko.agent.deduper import Deduper
from neko.agent.feed import TurnFeed
from neko.agent.intake import Intake, offered
from neko.agent.planner import Offer, Planner
from neko.agent.service import CHANNELS, Agent
from neko.app.models import Models
from neko.bus import Bus
from neko.errors import NekoError
from neko.faults import Fault, StandingFaults
from neko.types.plan import Reminders

FAULT: Final = "agent_model"


class TaskRequests:
    """``language`` is that of the talk with a character. That the agent's model cannot be asked stands among the faults
    until it can, or until the agent is off."""

    def __init__(
        self,
        agent: Agent,
        models: Models,
        bus: Bus,
        faults: StandingFaults,
        language: Callable[[str], str],
        reminders: Reminders | None = None,
    ) -> None:
        self._agent = agent
        self._bus = bus
        self._faults = faults
        self._is_elsewhere = False
        self._feed = TurnFeed(bus.session, bus.analyze, self._is_wanted)
        planner = Planner(models.thinker, self._offers)
        agent.think_with(models.thinker, planner, Analyzer(models.thinker))
        self._intake = Intake(
            planner,
            Deduper(models.thinker),
            agent.tasks,
            report=bus.agent.publish,
            language=language,
            reminders=reminders,
            on_model=self._on_model,
            heard_outside=agent.heard_outside.counts,
        )
        tell = agent.switches.on_change

        def changed() -> None:
            tell()
            self.follow()

        agent.switches.on_change = changed
        agent.tasks.on_stop = self._intake.forget

    def start(self, role: Literal["main", "agent"] | None = None) -> None:
        """``role`` is that of this process where conversations and agent are in two."""
        self._is_elsewhere = role == "main"
        if role != "main":
            self._intake.start(self._bus.analyze)
        if role != "agent":
            self.follow()

    def follow(self) -> None:
        """To be called when what is switched on is otherwise."""
        self._feed.follow()
        if not self._is_wanted():
            self._intake.forget()
            self._faults.over(FAULT)

    async def aclose(self) -> None:
        """Idempotent."""
        self._feed.close()
        await self._intake.aclose()

    def _offers(self, words: str) -> Sequence[Offer]:
        """What can be done now, with the hands that are on, as far as they are ready."""
        switches, hands = self._agent.switches, self._agent.hands
        if switches.closed_by():
            return ()
        return offered((hands[name] for name in CHANNELS if name in hands), switches.allows, words)

    def _is_wanted(self) -> bool:
        """An agent in another process looks at turns by its own switches."""
        return self._is_elsewhere or any(self._agent.switches.allows(name) for name in CHANNELS)

    def _on_model(self, error: NekoError | None) -> None:
        if error is None:
            self._faults.over(FAULT)
        else:
            self._faults.stand(Fault(FAULT, error))
