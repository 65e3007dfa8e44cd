"""The last line of the user, to be answered once more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from neko.errors import NekoError
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.log_writer import TextRequest
from neko.sessions.status_reporter import StatusReporter
from neko.sessions.turn_controller import TurnController
from neko.sessions.unkept_lines import memory_too_slow
from neko.types.lines import Line

_LINES = 20
"""Lines among which the user's last one is looked for."""


class LastExchange:
    """What was said last, and the reply to it, of one conversation."""

    def __init__(
        self, character: str, dependencies: SessionDependencies, turns: TurnController, status: StatusReporter
    ) -> None:
        self._character = character
        self._dependencies = dependencies
        self._turns = turns
        self._status = status

    async def retry(self, received: float, is_wanted: Callable[[], bool]) -> None:
        """Answer the last user line once more; the new reply replaces the old one, which is cut if it still runs.

        ``is_wanted``: the user has neither said nor stopped anything since ``received`` (monotonic seconds).
        """
        timeout_s = self._dependencies.timeouts.recent_timeout_s
        await self._turns.log.drain(timeout_s)
        if fault := self._turns.log.memory_fault:
            self._status.report(fault)
            return
        try:
            async with asyncio.timeout(timeout_s):
                exchange = await self._find()
                images = await self._pictures_of(exchange[0]) if exchange else ()
        except NekoError as error:
            self._status.report(error)
            return
        except TimeoutError:
            self._status.report(memory_too_slow())
            return
        if not is_wanted():
            return
        if exchange is None:
            self._status.notify("nothing_to_retry")
            return
        line, reply = exchange
        request = TextRequest(line.text, received, images, line=line, again=True, replaces=reply)
        self._turns.ask(request, committed=True)

    async def _find(self) -> tuple[Line, Line | None] | None:
        """The last user line and the reply to it, if any."""
        reply: Line | None = None
        for line in reversed(await self._dependencies.memory.lines(self._character, limit=_LINES)):
            if line.role == "user":
                return line, reply
            if line.role == "assistant":
                reply = line
        return None

    async def _pictures_of(self, line: Line) -> tuple[bytes, ...]:
        """Those that came with it and were kept."""
        kept = [await self._dependencies.memory.picture(self._character, name) for name in line.pictures]
        return tuple(picture for picture in kept if picture)
