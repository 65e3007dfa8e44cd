"""The state of a Neko without an agent: everything is off, and a reason says so."""

from __future__ import annotations

from typing import Final

from neko.agent.messages import Capabilities, Capability, Flags, Gate, Snapshot, timestamp
from neko.agent.revisions import Revisions

REASON: Final = "This Neko has no agent."


class AbsentAgent:
    """Stands where the agent will: answers for its state, and can do nothing."""

    def __init__(self) -> None:
        self._revisions = Revisions()

    def snapshot(self) -> Snapshot:
        """The present state, newer than every snapshot made before, whoever asked for that one."""
        return Snapshot(
            revision=self._revisions.next(),
            server_online=False,
            analyzer_enabled=False,
            flags=Flags(
                mcp_enabled=False, computer_use_enabled=False, browser_use_enabled=False, user_plugin_enabled=False
            ),
            gate=Gate(ready=False, reasons=[REASON]),
            capabilities=Capabilities(computer_use=_off(), mcp=_off(), browser_use=_off(), user_plugin=_off()),
            active_tasks=[],
            updated_at=timestamp(),
        )


def _off() -> Capability:
    return Capability(ready=False, reason=REASON)
