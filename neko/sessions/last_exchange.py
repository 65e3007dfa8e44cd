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
        if self._turns.log.last_is_off_record:
            self._status.notify("nothing_to_retry")
            return
        try:
            async with asyncio.timeout(timeout_s):
                request = await self._last_request(received)
        except (NekoError, TimeoutError) as error:
            self._status.report(error if isinstance(error, NekoError) else memory_too_slow())
            return
        if not is_wanted():
            return
        if request is None:
            self._status.notify("nothing_to_retry")
        else:
            self._turns.ask(request, committed=True)

    async def _last_request(self, received: float) -> TextRequest | None:
        """The last user line with its pictures that were kept, what memory says of it, and the reply to it, if any."""
        memory, reply = self._dependencies.memory, None
        for line in reversed(await memory.lines(self._character, limit=_LINES)):
            if line.role == "user":
                kept = [await memory.picture(self._character, name) for name in line.pictures]
                images = tuple(picture for picture in kept if picture)
                known = {line.id, reply.id} if reply else {line.id}
                recalled = await self._turns.log.recall(line.text, besides=known)
                return TextRequest(
                    line.text, received, images, line=line, recalled=recalled, again=True, replaces=reply
                )
            if line.role == "assistant":
                reply = line
        return None
