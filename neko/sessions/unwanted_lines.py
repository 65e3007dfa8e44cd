"""Deletes what the user told the built-in model to forget, after their yes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from neko.errors import NekoError
from neko.sessions.clients import Clients
from neko.sessions.events import LinesDeleted, LinesUnwanted
from neko.types.lines import Line
from neko.types.memory import ConversationMemory, InChats
from neko.types.model_session import ForgetLines

logger = logging.getLogger(__name__)

_LOOKED_BACK = 50
"""Lines in which the wish is looked for: the yes comes with the next turn."""


class UnwantedLines:
    """A page that can, deletes them itself, after a while in which that can be undone; else they go at once."""

    def __init__(
        self,
        character: str,
        memory: ConversationMemory,
        clients: Clients,
        report: Callable[[NekoError], object],
    ) -> None:
        self._character = character
        self._memory = memory
        self._clients = clients
        self._report = report

    async def forget(self, wish: ForgetLines) -> None:
        """A failure is told."""
        try:
            latest = await self._memory.lines(self._character, limit=_LOOKED_BACK, chat=InChats.ALL)
            ids = (*wish.lines, *_asked_in(latest, wish.turn), *_asked_in(latest, wish.told_in))
            if self._clients.owner and self._clients.owner.can_undo:
                self._clients.owner.put(LinesUnwanted(ids, wish.name))
                return
            gone = await self._memory.delete(self._character, ids)
        except NekoError as error:
            logger.warning("%s: lines could not be forgotten: %s", self._character, error)
            self._report(error)
        else:
            self._clients.emit(LinesDeleted(tuple(gone)))


def _asked_in(lines: Sequence[Line], turn: str) -> Iterator[int]:
    """The reply of a turn and the words that it answers; both name what is to be forgotten."""
    for before, line in pairwise(lines):
        if turn and line.turn_id == turn:
            yield line.id
            if before.role == "user":
                yield before.id
