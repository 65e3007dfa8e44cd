"""Work that characters' memories do while nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from neko.errors import NekoError
from neko.memory.sqlite_errors import log_given_up
from neko.tasks import TaskOwner

logger = logging.getLogger(__name__)

Job = Callable[[], Awaitable[object]]


class BackgroundWork:
    """One worker per character, so that no character waits for another's work.

    Of each character at most one job runs, and one of each kind waits. A job that is handed in while another
    of its kind waits takes its place: each brings the memory up to date, so the later one does the work of
    both. A job that fails is logged and given up.
    """

    def __init__(self, owner: TaskOwner) -> None:
        self._owner = owner
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, dict[str, Job]] = {}
        self._running: dict[str, str] = {}

    def submit(self, character: str, kind: str, job: Job) -> None:
        """Run the job soon; jobs bring their own deadlines. Nothing is done once the owner is closed."""
        if self._owner.closed:
            return
        self._waiting.setdefault(character, {})[kind] = job
        self._work(character)

    def jobs(self, character: str) -> tuple[str, tuple[str, ...]]:
        """The kind of the job that runs, "" without one, and of those that wait."""
        return self._running.get(character, ""), tuple(self._waiting.get(character, {}))

    async def cancel(self, character: str, *, timeout_s: float) -> None:
        """Drop the waiting job and stop the running one, waiting for its end at most ``timeout_s``."""
        self._waiting.pop(character, None)
        if worker := self._workers.get(character):
            worker.cancel()
            _, running = await asyncio.wait([worker], timeout=timeout_s)
            if running:
                logger.error("%s: work of the memory did not end within %.1f s", character, timeout_s)

    async def idle(self, character: str) -> None:
        """Wait until no job runs or waits."""
        while (worker := self._workers.get(character)) and not worker.done():
            await asyncio.wait([worker])

    def drop(self, character: str, kind: str) -> bool:
        """Drop the job of a kind that waits; whether there was one."""
        return self._waiting.get(character, {}).pop(kind, None) is not None

    def _work(self, character: str) -> None:
        """Have a worker where something waits, also what was handed in while the last one was being cancelled."""
        worker = self._workers.get(character)
        if self._waiting.get(character) and not self._owner.closed and (worker is None or worker.done()):
            worker = self._workers[character] = self._owner.spawn(self._run(character), name="memory work")
            worker.add_done_callback(lambda _: self._work(character))

    async def _run(self, character: str) -> None:
        while waiting := self._waiting.get(character):
            kind = next(iter(waiting))
            job = waiting.pop(kind)
            self._running[character] = kind
            try:
                await job()
            except NekoError as error:
                log_given_up(logger, "%s: work of the memory failed: %s", character, error)
            except Exception:
                logger.exception("%s: work of the memory failed", character)
            finally:
                del self._running[character]
