"""The agent in another process, as this one knows it."""

from __future__ import annotations

from typing import cast

from neko.agent.messages import Snapshot
from neko.bus import Message


class Elsewhere:
    """``online``: it is there. ``status``: how it said that it stands."""

    def __init__(self) -> None:
        self.online = False
        self.status: Message | None = None

    def over(self, ours: Snapshot) -> Snapshot:
        """Our snapshot with its switches and abilities in the place of ours, and its tasks beside ours."""
        snapshot: Message = {**ours, "server_online": self.online}
        if self.online and self.status:
            taken = ("analyzer_enabled", "flags", "gate", "capabilities")
            snapshot |= {name: self.status[name] for name in taken if name in self.status}
            theirs = self.status.get("active_tasks")
            snapshot["active_tasks"] = [*ours["active_tasks"], *(theirs if isinstance(theirs, list) else [])]
        return cast(Snapshot, snapshot)
