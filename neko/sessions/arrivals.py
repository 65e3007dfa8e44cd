"""Clients that come and go: what one is told when it comes, and what ends when nobody comes for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from neko.errors import NekoError
from neko.late_patterns import compile_of
from neko.sessions.actions import Sharing
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import Hello, LineUnkept, OffRecord
from neko.sessions.outbox import Outbox
from neko.sessions.session_slot import ModelSessionSlot
from neko.sessions.status_reporter import StatusReporter, status_of_fault
from neko.sessions.turn_controller import TurnController
from neko.sessions.unkept_lines import memory_too_slow
from neko.sessions.visual_input import VisualInput
from neko.tasks import TaskOwner, in_thread
from neko.types.lines import NewLine
from neko.types.model_session import ModelLabel

_OF_REPLIES: Final = ("neko", "neko.llm", "neko.sessions", "neko.audio")
"""Packages whose patterns every reply needs, in text and in speech."""


class Arrivals:
    """``unkept`` are the lines that are not in the log yet, as far as they are shown; ``end`` ends the session when
    nobody has come for long."""

    def __init__(
        self,
        character: str,
        dependencies: SessionDependencies,
        clients: Clients,
        owner: TaskOwner,
        status: StatusReporter,
        visual_input: VisualInput,
        turns: TurnController,
        slot: ModelSessionSlot,
        *,
        unkept: Callable[[], Sequence[NewLine]],
        end: Callable[[], object],
    ) -> None:
        self._character = character
        self._dependencies = dependencies
        self._clients = clients
        self._owner = owner
        self._status = status
        self._visual_input = visual_input
        self._turns = turns
        self._slot = slot
        self._unkept = unkept
        self._end = end
        self._came = 0
        self._newest = 0
        self._absence: asyncio.TimerHandle | None = None

    async def attach(self, outbox: Outbox) -> None:
        """Make this client the owner: greet it, and let it catch up with a running reply.

        A log that cannot be read is told; the conversation goes on.
        """
        self._came += 1
        arrival = self._came
        last, chat, fault = await self._where()
        await self._turns.log.loaded(self._dependencies.timeouts.recent_timeout_s)
        faults = self._dependencies.faults
        if fault:
            self._turns.log.memory_failed(fault)
        for over in await in_thread(faults.dealt_with):
            faults.over(over)
        if arrival < self._newest:
            self._clients.attach_behind(outbox)  # a newer client was greeted sooner
            return
        self._newest = arrival
        self._turns.count_as_delivered()
        self._clients.attach(outbox)
        self._visual_input.take(Sharing(None))
        self._expect(None)
        persona = self._dependencies.persona()
        language = outbox.language or persona.language
        outbox.put(
            Hello(
                self._character,
                persona.master,
                self._turns.state,
                self._label(),
                self._turns.voice.voice.kind,
                language,
                max(last, self._turns.log.last_line_id),
                chat,
                self._dependencies.is_private(),
            )
        )
        for standing in faults.of(self._character):
            outbox.put(status_of_fault(standing, language))
        for line in self._unkept():
            outbox.put(LineUnkept(line))
        if self._turns.log.off_record:
            outbox.put(OffRecord(on=True))
        if so_far := self._turns.reply_so_far():
            outbox.put(so_far)
        if missed := self._status.missed(language):
            outbox.put(missed)
        self._turns.help.show_again(outbox)
        self._clients.hand_over_sound()
        self._turns.agent.client_came()
        if self._dependencies.opens_ahead():
            self._slot.prepare_ahead("audio")
        self._owner.spawn(self._turns.help.prepare(), name="prepare to see danger")
        self._owner.spawn(in_thread(compile_of, *_OF_REPLIES), name="prepare to read replies")

    def detach(self, outbox: Outbox) -> None:
        """The client is gone."""
        if self._clients.detach(outbox):
            self._visual_input.clear()
            self._expect(self._dependencies.timeouts.absence_timeout_s)

    def close(self) -> None:
        """Wait for nobody any more."""
        self._expect(None)

    def _label(self) -> ModelLabel:
        """Who answers, and whether that worked the last time."""
        configured, current = self._dependencies.label(), self._slot.current
        return configured if current is None or current.session.label == configured else current.session.label

    async def _where(self) -> tuple[int, int | None, NekoError | None]:
        """The newest line of the open chat, its number, and why they cannot be told."""
        memory = self._dependencies.memory
        try:
            async with asyncio.timeout(self._dependencies.timeouts.recent_timeout_s):
                chat = await memory.open_chat(self._character)
                last = await memory.lines(self._character, limit=1, chat=chat)
        except NekoError as error:
            return 0, None, error
        except TimeoutError:
            return 0, None, memory_too_slow()
        return (last[-1].id if last else 0), chat, None

    def _expect(self, absence_s: float | None) -> None:
        """Wait so many seconds for a client; ``None``: there is one."""
        self._status.keeping = absence_s is not None
        if self._absence:
            self._absence.cancel()
            self._absence = None
        if absence_s is not None and not self._turns.is_closed:
            self._absence = asyncio.get_running_loop().call_later(absence_s, self._on_absence)

    def _on_absence(self) -> None:
        if self._turns.is_idle:
            self._end()
            self._status.keeping = False
            self._status.missed(self._dependencies.persona().language)  # stale for whoever comes later
        else:
            self._expect(self._dependencies.timeouts.absence_timeout_s)
