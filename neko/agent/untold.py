"""Results that the user has not been told yet, in a file, so that a restart loses none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from neko.bus import Message
from neko.errors import NekoError
from neko.storage import OnFault, forget_previous, is_object, log_fault, read_document, write_json
from neko.tasks import TaskOwner, in_thread

logger = logging.getLogger(__name__)

UNTOLD_FILE: Final = "untold.json"
MOST: Final = 100
"""The newest of them."""


class UntoldResults:
    """Messages of the bus topic ``agent`` by the id of their task; those without one are kept nowhere."""

    def __init__(self, path: Path, on_fault: OnFault = log_fault) -> None:
        self._path = path
        self._on_fault = on_fault
        self._owner = TaskOwner("untold results")
        self._results: dict[str, Message] = {}
        self._earlier: asyncio.Task[None] | None = None
        self._saving = asyncio.Lock()
        self._unsaved = False

    async def of(self, character: str) -> list[Message]:
        """Those of a character, the oldest first; the file is read at the first call."""
        if self._earlier is None:
            self._earlier = self._owner.spawn(self._read(), name="read")
        await asyncio.wait({self._earlier})
        return [one for one in self._results.values() if one.get("lanlan_name") == character]

    def keep(self, message: Mapping[str, Any]) -> None:
        """This one waits to be told."""
        task_id = str(message.get("task_id") or "")
        if not task_id or self._results.get(task_id) == message:
            return
        self._results[task_id] = dict(message)
        for extra in list(self._results)[:-MOST]:
            del self._results[extra]
        self._save_soon()

    def told(self, task_ids: Sequence[str]) -> None:
        """The user knows."""
        if gone := [task_id for task_id in task_ids if task_id in self._results]:
            self._results = {task_id: one for task_id, one in self._results.items() if task_id not in gone}
            self._save_soon()

    async def rename(self, old: str, new: str) -> None:
        """What a character of this name has to tell, the one of the ``new`` name tells."""
        if mine := await self.of(old):
            self._results.update({str(one["task_id"]): {**one, "lanlan_name": new} for one in mine})
            self._unsaved = True
            await self._save()

    async def forget(self, character: str) -> None:
        """Nobody tells what she had to tell."""
        if mine := await self.of(character):
            self.told([str(one["task_id"]) for one in mine])
            await self._save()
            await in_thread(forget_previous, self._path)

    async def aclose(self) -> None:
        """Save what is not saved yet; idempotent."""
        if not self._owner.closed:
            await self._save()  # or wait for the one that is under way
        await self._owner.aclose()

    async def _read(self) -> None:
        stored = await in_thread(read_document, self._path, {}, is_object, self._on_fault)
        earlier = {
            str(one["task_id"]): one
            for one in stored.get("results") or ()
            if isinstance(one, dict) and one.get("task_id") and isinstance(one.get("event_type"), str)
        }
        self._results = {**earlier, **self._results}

    def _save_soon(self) -> None:
        self._unsaved = True
        if not self._owner.closed:
            self._owner.spawn(self._save(), name="save")

    async def _save(self) -> None:
        async with self._saving:
            if not self._unsaved:
                return
            self._unsaved = False
            if self._earlier is None:
                self._earlier = self._owner.spawn(self._read(), name="read")
            await asyncio.wait({self._earlier})
            try:
                await in_thread(write_json, self._path, {"results": list(self._results.values())})
            except NekoError as error:
                self._unsaved = True
                logger.error("what is to be told cannot be saved: %s", error.code)
