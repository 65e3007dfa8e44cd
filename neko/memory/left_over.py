"""Work that the program before did not come to the end of, in logs that nobody has opened since, and windows of
N.E.K.O.'s with what is in no log: it is taken up in the background, one character after the other."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from neko.errors import NekoError
from neko.memory import deletion, unfinished
from neko.memory.brought_in import BROUGHT_IN
from neko.memory.damaged_log import has_wal
from neko.memory.only_in_window import windows_in
from neko.memory.paths import logs_in
from neko.memory.sqlite_errors import log_given_up
from neko.memory.timeouts import MemoryTimeouts
from neko.memory_files import character_of
from neko.tasks import in_thread

logger = logging.getLogger(__name__)

_LOCK_TIMEOUT_S: Final = 0.1
_STATE: Final = "SELECT 1 FROM neko_state WHERE name = ?"


def is_there(log: Path) -> bool:
    """Whether something was begun and is not done: lines are to be learnt from, or words to be got rid of, or who had
    the log open was killed. False for one that cannot be read, which is told when it is opened. Blocks."""
    if has_wal(log):
        return True
    try:
        address = f"{log.absolute().as_uri()}?mode=rw"  # to read only would leave files of SQLite's behind
        with closing(sqlite3.connect(address, uri=True, timeout=_LOCK_TIMEOUT_S, isolation_level=None)) as connection:
            learns = connection.execute(_STATE, (BROUGHT_IN,)).fetchone() is not None
            return learns or bool(unfinished.read(connection)) or deletion.is_untidy(connection)
    except sqlite3.Error:
        return False


class LeftOver:
    """Opens a memory that has such work, waits for its end, and closes it unless somebody came to need it.

    One whose work has to wait, for a model that gives no answer, stays open and is tried again by itself, beside the
    next ones. ``opened`` opens what is not open yet, and goes on with what was begun; ``ended`` returns when that is
    done (true), or has to wait.
    """

    def __init__(
        self,
        folder: Path,
        timeouts: MemoryTimeouts,
        *,
        may_be_opened: Callable[[str], bool],
        opened: Callable[[str], Awaitable[object]],
        ended: Callable[[str], Awaitable[bool]],
        close: Callable[[str], Awaitable[None]],
    ) -> None:
        self._folder = folder
        self._timeouts = timeouts
        self._may_be_opened = may_be_opened
        self._opened = opened
        self._ended = ended
        self._close = close
        self._taken_up: str | None = None
        self._uses = 0

    def used(self, character: str) -> None:
        """Somebody asks for this memory. Only this work itself does so once: it stays open if others do, be it while it
        is being opened."""
        if character == self._taken_up:
            self._uses += 1

    async def run(self) -> None:
        """Once, a while after the start."""
        await asyncio.sleep(self._timeouts.quiet_s)
        taken = 0
        only_in_window = await in_thread(windows_in, self._folder)
        logs = {character_of(log.name) or "": log for log in await in_thread(logs_in, self._folder)}
        for name in sorted({*logs, *only_in_window} - {""}):
            if not self._may_be_opened(name):
                continue
            if name in only_in_window or await in_thread(is_there, logs[name]):
                taken += 1
                await self._take_up(name)
        if taken:
            logger.info("what was left over of %d memories has been taken up", taken)

    async def _take_up(self, name: str) -> None:
        if not self._may_be_opened(name):  # somebody has, meanwhile
            return
        logger.info("%s: what was left over is taken up", name)
        self._taken_up, self._uses = name, 0
        try:
            await self._opened(name)
            async with asyncio.timeout(self._timeouts.learn_again_s):
                is_done = await self._ended(name)
        except NekoError as error:
            log_given_up(logger, "%s: what was left over cannot be taken up: %s", name, error)
            return
        except TimeoutError:
            is_done = False
        finally:
            self._taken_up = None
        if not is_done:
            logger.warning("%s: what was left over is not done yet", name)
        elif self._uses == 1:
            await self._close(name)
