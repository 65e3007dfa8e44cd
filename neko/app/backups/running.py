"""Backup and restore of the data folder of a Neko that runs: ``neko.backups``, one at a time. What makes and reads them
is loaded with the first one."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from neko import pending_restore
from neko.errors import NekoError
from neko.storage import WORKPLACE
from neko.tasks import TaskOwner, in_thread

if TYPE_CHECKING:
    from neko.app.backups.reading import Backup, Report
    from neko.app.backups.writing import Made, Tell

logger = logging.getLogger(__name__)

_KEPT_S: Final = 3_600.0
"""For which a backup waits to be fetched, or one that was sent to be restored."""


class State(Enum):
    """``MADE``: it can be fetched. ``LOOKED``: what would come is known. ``STAGED``: it comes at the next start."""

    MAKING = "making"
    MADE = "made"
    LOOKING = "looking"
    LOOKED = "looked"
    STAGING = "staging"
    STAGED = "staged"
    FAILED = "failed"


_AT_WORK: Final = (State.MAKING, State.LOOKING, State.STAGING)


@dataclass(slots=True)
class Job:
    """``done`` of ``total`` bytes. ``file``: what is made or was sent; ``called``: what the sender calls it."""

    state: State
    file: Path
    called: str = ""
    done: int = 0
    total: int = 0
    made: Made | None = None
    report: Report | None = None
    error: NekoError | None = None
    is_cut: bool = False

    @property
    def is_at_work(self) -> bool:
        return self.state in _AT_WORK

    def tell(self, done: int, total: int) -> None:
        """For any thread. Raises ``CancelledError`` when that is to be all."""
        self.done, self.total = done, total
        if self.is_cut:
            raise asyncio.CancelledError


class Backups:
    """The files lie in a folder of their own in ``place`` of the ``data`` folder, and go when they are not needed."""

    def __init__(self, data: Path, place: Path, owner: TaskOwner) -> None:
        self._data = data
        self._place = place
        self._owner = owner
        self._workplace: tempfile.TemporaryDirectory[str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._changing = asyncio.Lock()
        self.current: Job | None = None

    @property
    def is_busy(self) -> bool:
        return self._changing.locked() or (self.current is not None and self.current.is_at_work)

    async def make(self, passphrase: str = "") -> None:
        """Begin a backup; keys are in it only with a passphrase. Raises ``BackupError``."""
        if passphrase:
            from neko.app.backups.sealing import check_passphrase

            check_passphrase(passphrase)
        async with self._changing:
            folder = await self._begin()
            job = Job(State.MAKING, folder / f"neko-{datetime.now():%Y%m%d-%H%M%S}.zip")

            def work(tell: Tell) -> State:
                from neko.app.backups.writing import write

                job.made = write(self._data, job.file, passphrase, tell)
                return State.MADE

            self._start(job, work)

    @asynccontextmanager
    async def receiving(self, called: str) -> AsyncIterator[Path]:
        """Where a backup that is sent goes; it is looked through once it is there. ``called``: its name at home."""
        async with self._changing:
            job = Job(State.LOOKING, await self._begin() / "backup.zip", called)
            yield job.file

            def work(tell: Tell) -> State:
                job.report = self._with(job, lambda backup: backup.compare(self._data, tell))
                return State.LOOKED

            self._start(job, work)

    async def stage(self, passphrase: str = "") -> bool:
        """Begin to make what was looked through ready for the next start; false when there is none."""
        async with self._changing:
            job = self.current
            if job is None or job.report is None or job.is_at_work or job.state is State.STAGED:
                return False

            def work(tell: Tell) -> State:
                self._with(job, lambda backup: backup.stage(self._data, passphrase, tell))
                return State.STAGED

            job.state, job.error, job.done = State.STAGING, None, 0
            self._start(job, work)
            return True

    async def discard(self) -> None:
        """Cut short what is at work, and forget it and its files; what was made ready comes no more."""
        async with self._changing:
            await self._drop()
            await in_thread(pending_restore.cancel, self._data)

    async def aclose(self) -> None:
        """Forget the files; what was made ready still comes at the next start."""
        async with self._changing:
            await self._drop()

    def _with(self, job: Job, work: Callable[[Backup], Report | None]) -> Report | None:
        from neko.app.backups.reading import Backup

        backup = Backup(job.file, job.called)
        try:
            return work(backup)
        finally:
            backup.close()

    async def _begin(self) -> Path:
        await self._drop()
        self._workplace = await in_thread(tempfile.TemporaryDirectory, dir=self._place, prefix=WORKPLACE)
        return Path(self._workplace.name)

    def _start(self, job: Job, work: Callable[[Tell], State]) -> None:
        if self._timer:
            self._timer.cancel()
        self.current = job
        self._task = self._owner.spawn(self._guarded(job, work), name="backup")

    async def _guarded(self, job: Job, work: Callable[[Tell], State]) -> None:
        try:
            job.state = await in_thread(work, job.tell)
        except asyncio.CancelledError:
            job.is_cut = True  # the thread ends at its next step
            raise
        except NekoError as error:
            logger.warning("backup or restore failed: %s", error.code)
            job.state, job.error = State.FAILED, error
        except Exception:
            logger.exception("backup or restore failed")
            job.state, job.error = State.FAILED, NekoError()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_KEPT_S, lambda: self._owner.spawn(self.aclose(), name="end a backup"))

    async def _drop(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self.current and self._task and not self._task.done():
            self.current.is_cut = True
            await asyncio.wait([self._task])
        self.current = None
        workplace, self._workplace = self._workplace, None
        if workplace:
            await in_thread(workplace.cleanup)
