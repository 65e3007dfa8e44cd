"""What was said is deleted, corrected or brought back from outside the talk, and the talk that runs follows.

What is being said then is cut, and the model, which was told of the lines as they were, begins anew with the next
input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from neko.sessions import turn_events as on
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import ChatOpened, Event, LinesDeleted, LineStored
from neko.sessions.session_slot import ModelSessionSlot
from neko.sessions.turn_controller import TurnController
from neko.types.lines import Line

_LONGEST_EXCHANGE = 20
"""Lines: what she says to one thing that was said."""


class LogEdits:
    """Of one conversation. ``begin_anew`` cuts what runs and leaves the session; ``emit`` tells the clients.

    Every method raises ``MemoryStoreError``.
    """

    def __init__(
        self,
        character: str,
        dependencies: SessionDependencies,
        turns: TurnController,
        slot: ModelSessionSlot,
        begin_anew: Callable[[], None],
        emit: Callable[[Event], None],
    ) -> None:
        self._character = character
        self._memory = dependencies.memory
        self._toolbox = dependencies.toolbox
        self._drain_timeout_s = dependencies.timeouts.recent_timeout_s
        self._lines_gone = dependencies.lines_gone
        self._turns = turns
        self._slot = slot
        self._begin_anew = begin_anew
        self._emit = emit

    async def open_chat(self, chat: int | None) -> int | None:
        """Go on in this chat, or in a new one for None: the open one now, None when there is none of that number.

        What runs is cut, and is kept in the chat it was said in.
        """
        self._begin_anew()
        await self._turns.log.drain(self._drain_timeout_s)
        memory = self._memory
        before = await memory.open_chat(self._character)
        opened = await memory.change_chat(self._character, chat)
        if opened not in (None, before):
            if self._toolbox:
                self._toolbox.forget_outside()
            await self._turns.log.change_chat()
            self._begin_anew()
            self._emit(ChatOpened(opened))
        return opened

    async def delete_chat(self, chat: int) -> list[int]:
        """Delete all that was said in a chat; the ids that are gone. Instead of the open one a new one is opened."""
        if chat == await self._memory.open_chat(self._character):
            await self.open_chat(None)
        gone = await self._memory.delete_chat(self._character, chat)
        self._begin_anew_without(gone)
        return gone

    async def delete_lines(self, ids: Sequence[int], *, may_be_undone: bool = False) -> list[int]:
        """Delete lines for good; the ids that are gone. What runs is cut, and the model begins anew without them."""
        gone = await self._memory.delete(self._character, ids, may_be_undone=may_be_undone)
        self._begin_anew_without(gone)
        return gone

    async def undo_edit(self, client_id: str) -> bool:
        """Bring back what the last deletion that may be undone took; the words that were sent with this id in its
        place go, with the reply to them. False when it is too late.
        """
        self._begin_anew()
        await self._turns.log.drain(self._drain_timeout_s)
        memory, written = self._memory, self._turns.log.receipt(client_id)
        restored = await memory.restore(self._character) if written else []
        if written is None or not restored:
            return False
        since = await memory.lines(self._character, after=written.id, limit=_LONGEST_EXCHANGE)
        replies = takewhile(lambda line: line.role != "user", since)
        gone = await memory.delete(self._character, [written.id, *(line.id for line in replies)])
        self._begin_anew_without(gone)
        for line in restored:
            self._emit(LineStored(line))
        return True

    async def undo_deletion(self) -> list[Line]:
        """Bring back what the last deletion that may be undone took; nothing when it is too late."""
        restored = await self._memory.restore(self._character)
        if restored:
            self._begin_anew()
        for line in restored:
            self._emit(LineStored(line))
        return restored

    async def correct_line(self, line_id: int, text: str) -> Line | None:
        """Give a line other words; None for an unknown one. What runs is cut, and the model begins anew with them."""
        line = await self._memory.correct(self._character, line_id, text)
        if line is not None:
            self._begin_anew_without([line.id])
            self._emit(LineStored(line))
        return line

    async def choose_version(self, line_id: int) -> Line | None:
        """Make another version of the last reply the one that counts; None when there is none such, or she talks.

        The model begins anew with it.
        """
        line = await self._memory.choose_version(self._character, line_id) if self._turns.is_idle else None
        if line is None:
            return None
        if not self._turns.open_turn:  # nothing was said meanwhile
            self._begin_anew()
        self._turns.log.last_line_id = max(self._turns.log.last_line_id, line.id)
        self._emit(LineStored(line))
        return line

    def _begin_anew_without(self, gone: Sequence[int]) -> None:
        """These lines were deleted."""
        if gone:
            self._turns.log.said.leave_out(gone)
            self._turns.dispatch(on.Dismiss(self._turns.log.client_ids(gone)))
            self._slot.drop()
            self._emit(LinesDeleted(tuple(gone)))
            self._lines_gone()
