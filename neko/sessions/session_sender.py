"""Sends to one model session, in order, without making anybody wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from neko.errors import NekoError
from neko.tasks import TaskOwner, is_cancelled

logger = logging.getLogger(__name__)

MOST_WAITING = 200
"""Commands; sessions take them at once, so more than a few means one that is stuck: the newest is refused."""

OnError = Callable[[NekoError], object]


@dataclass(frozen=True, slots=True)
class _Command:
    run: Callable[[], Awaitable[None]]
    on_error: OnError


class SessionSender:
    """Runs commands one after the other, each at most ``timeout_s`` seconds long.

    A command that fails or is refused tells its own ``on_error``, and does not keep the next one up.
    ``make_error`` gives the error for one that took too long or was not understood, from a note for the log.
    """

    def __init__(self, owner: TaskOwner, timeout_s: float, make_error: Callable[[str], NekoError]) -> None:
        self._timeout_s = timeout_s
        self._make_error = make_error
        self._waiting: asyncio.Queue[_Command] = asyncio.Queue(MOST_WAITING)
        self._task = owner.spawn(self._send_all(), name="send to the session")

    def put(self, run: Callable[[], Awaitable[None]], on_error: OnError) -> None:
        """Queue a command."""
        try:
            self._waiting.put_nowait(_Command(run, on_error))
        except asyncio.QueueFull:
            on_error(self._make_error("the session takes nothing"))

    def close(self) -> None:
        """The session was left: what waits for it is dropped."""
        self._task.cancel()

    async def _send_all(self) -> None:
        while True:
            command = await self._waiting.get()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await command.run()
            except NekoError as error:
                command.on_error(error)
            except (Exception, asyncio.CancelledError) as error:
                if not isinstance(error, Exception) and is_cancelled():
                    raise
                logger.warning("an input could not be sent to the model session: %s", type(error).__name__)
                command.on_error(self._make_error(type(error).__name__))
