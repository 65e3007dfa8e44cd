"""Work that characters' memories do while nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from neko.errors import NekoError
from neko.tasks import TaskOwner

logger = logging.getLogger(__name__)

Job = Callable[[], Awaitable[object]]


class BackgroundWork:
    """One worker per character, so that no character waits for another's work.

    Of each character at most one job runs and one waits. A job that is handed in while another
    waits takes its place: each brings the memory up to date, so the later one does the work of
    both. A job that fails is logged and given up.
    """

    def __init__(self, owner: TaskOwner) -> None:
        self._owner = owner
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, Job] = {}

    def submit(self, character: str, job: Job) -> None:
        """Run the job soon; jobs bring their own deadlines. Nothing is done once the owner is closed."""
        if self._owner.closed:
            return
        self._waiting[character] = job
        worker = self._workers.get(character)
        if worker is None or worker.done():
            self._workers[character] = self._owner.spawn(self._run(character), name="memory work")

    async def cancel(self, character: str, *, timeout_s: float) -> None:
        """Drop the waiting job and stop the running one, waiting for its end at most ``timeout_s``."""
        self._waiting.pop(character, None)
        if worker := self._workers.get(character):
            worker.cancel()
            _, running = await asyncio.wait([worker], timeout=timeout_s)
            if running:
                logger.error("%s: work of the memory did not end within %.1f s", character, timeout_s)

    async def _run(self, character: str) -> None:
        while job := self._waiting.pop(character, None):
            try:
                await job()
            except NekoError as error:
                logger.warning("%s: work of the memory failed: %s", character, error.code)
            except Exception:
                logger.exception("%s: work of the memory failed", character)
