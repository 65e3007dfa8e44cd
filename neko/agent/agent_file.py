"""``agent.json``: what the user has chosen for the agent, one table for each part, written by one of them at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from neko.errors import UnusableValueError
from neko.storage import OnFault, is_object, log_fault, read_again, read_document, write_json
from neko.tasks import in_thread

AGENT_FILE: Final = "agent.json"

Table = dict[str, Any]


class AgentFile:
    """``load`` before anything else. What others wrote into the file stays."""

    def __init__(self, path: Path, on_fault: OnFault = log_fault) -> None:
        self._path = path
        self._on_fault = on_fault
        self._document: Table = {}
        self._changing = asyncio.Lock()

    def load(self) -> None:
        """Read the file; blocks."""
        self._document = read_document(self._path, {}, is_object, self._on_fault)

    def table(self, key: str) -> Table:
        """A copy of one part's table."""
        found = self._document.get(key)
        return dict(found) if isinstance(found, dict) else {}

    def is_on(self, key: str) -> bool:
        """A switch beside the tables."""
        return self._document.get(key) is True

    def unusable(self, key: str, wanted: str) -> None:
        """Report a value (its ``key`` dotted) that is passed over."""
        why = f"{self._path}: {key} is not one of {wanted}"
        self._on_fault(UnusableValueError(why, file=str(self._path), key=key, wanted=wanted))

    async def store(self, key: str, table: Table) -> None:
        """Replace one part's table; raises ``NekoError`` when the disk refuses."""
        await self.change({key: table})

    async def change(self, parts: Mapping[str, Any]) -> None:
        """Replace several parts at once; raises ``NekoError`` when the disk refuses."""
        async with self._changing:
            self._document = await in_thread(self._stored, parts)

    def _stored(self, parts: Mapping[str, Any]) -> Table:
        document = read_again(self._path, self._document, is_object, self._on_fault)
        changed = {**document, **parts}
        write_json(self._path, changed)
        return changed
