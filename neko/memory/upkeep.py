"""Keeps the logs that are open sound and backed up while nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from neko.errors import NekoError
from neko.memory.log import Log
from neko.memory.timeouts import MemoryTimeouts
from neko.memory_errors import BackupFailedError

logger = logging.getLogger(__name__)


class Upkeep:
    """``logs``: those that are open, by character. ``on_failure`` is told of a backup that fails, and ``on_success`` of
    the folder of one that can be made again."""

    def __init__(
        self,
        logs: Callable[[], Iterable[tuple[str, Log]]],
        timeouts: MemoryTimeouts,
        on_failure: Callable[[NekoError], None],
        on_success: Callable[[Path], None],
    ) -> None:
        self._logs = logs
        self._timeouts = timeouts
        self._on_failure = on_failure
        self._on_success = on_success
        self._without: set[str] = set()
        """Whose last backup failed."""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self._timeouts.backup_check_s)
            await self.once()

    async def once(self) -> list[Path]:
        """Make the backups that are due, logs that are not open have not changed, and check the logs of which that is
        due (``LogFile.look_after``); the backups that were made."""
        copies = [await self._look_after(name, log) for name, log in list(self._logs())]
        return [copy for copy in copies if copy]

    async def _look_after(self, name: str, log: Log) -> Path | None:
        try:
            copy = await log.file.look_after(self._timeouts.check_pause_s)
        except NekoError as error:
            if error.params.get("reason") == "closed":  # the log was, or the copy given up
                logger.debug("%s: a log could not be looked after: %s", name, error)
            elif isinstance(error, BackupFailedError):
                self._without.add(name)
                self._on_failure(error)
            else:
                logger.warning("%s: a log could not be checked: %s", name, error)
            return None
        if copy and name in self._without:
            self._without.discard(name)
            self._on_success(copy.parent)
        return copy
