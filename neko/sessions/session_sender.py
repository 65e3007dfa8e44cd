"""Sends to the model session, in order, without making anybody wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from neko.errors import NekoError
from neko.tasks import TaskOwner

logger = logging.getLogger(__name__)

MOST_WAITING = 1_000
"""Commands; sessions take them at once, so more than a few means one that is stuck: the oldest is dropped."""

Command = Callable[[], Awaitable[None]]


class SessionSender:
    """Runs commands one after the other, each at most ``timeout_s`` seconds long.

    A command that fails is told to ``on_error`` and does not keep the next one up.
    """

    def __init__(self, owner: TaskOwner, timeout_s: float, on_error: Callable[[NekoError], object]) -> None:
        self._timeout_s = timeout_s
        self._on_error = on_error
        self._waiting: asyncio.Queue[Command] = asyncio.Queue(MOST_WAITING)
        owner.spawn(self._run(), name="send to the session")

    def put(self, command: Command) -> None:
        if self._waiting.full():
            self._waiting.get_nowait()
            logger.error("the model session takes nothing: its oldest input was dropped")
        self._waiting.put_nowait(command)

    async def _run(self) -> None:
        while True:
            command = await self._waiting.get()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await command()
            except NekoError as error:
                self._on_error(error)
            except TimeoutError:
                logger.error("the model session did not take an input within %.0f s", self._timeout_s)
            except RuntimeError as error:
                logger.debug("the model session was closed meanwhile: %s", error)
            except Exception:
                logger.exception("an input could not be sent to the model session")
                self._on_error(NekoError())
