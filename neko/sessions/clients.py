"""Who is connected to a conversation: the one client that owns it, taps that only read along, and viewers.

Sound is paced by one client, the owner, or without one the first tap that wants sound: delivery
waits while it has no room. The others take what they have room for and lose the rest. While the owner
may come back (a reload, a lost network) sound waits for it, at most ``return_timeout_s`` seconds.
Viewers are told the same and change nothing: no sound is made or kept for them, and none waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from neko.sessions.events import Audio, Event
from neko.sessions.outbox import TAKEN_OVER, Outbox


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is connected: the owner, those who were taken over and stay, taps, viewers; and of what waits for them
    the most events of one (``waiting``) and the fullest queue, 0 to 1 (``fill``)."""

    owner: bool
    silent: int
    taps: int
    viewers: int
    waiting: int
    fill: float


class Clients:
    """The newest client owns the conversation.

    The one before is closed with a reason if it knows the close code, else it stays and is told nothing:
    N.E.K.O.'s own page redials after any close, and two of them would take the conversation from each other for ever.
    """

    def __init__(self, *, return_timeout_s: float = 20.0) -> None:
        self.owner: Outbox | None = None
        self._silent: list[Outbox] = []
        self._taps: list[Outbox] = []
        self._viewers: list[Outbox] = []
        self._counted: tuple[Outbox, ...] = ()
        self._everyone: tuple[Outbox, ...] = ()
        self._return_timeout_s = return_timeout_s
        self._return_due: float | None = None
        self._returned = asyncio.Event()
        self._unheard: list[Audio] = []
        self._language: str | None = None
        self._region: str | None = None

    def attach(self, outbox: Outbox) -> None:
        """Make this client the owner."""
        if self.owner is outbox:
            return
        if outbox in self._silent:
            self._silent.remove(outbox)
        if not self._may_return:
            self._unheard.clear()
        self._language, self._region = self.language, self.region
        if self.owner:
            self._unheard = self.owner.take_audio()
            self._step_back(self.owner)
        self.owner = outbox
        outbox.listen()
        self._return_due = None
        self._returned.set()
        self._gather()

    def attach_behind(self, outbox: Outbox) -> None:
        """This client has come, and a newer one was there before it."""
        if outbox is not self.owner:
            self._step_back(outbox)

    def _step_back(self, outbox: Outbox) -> None:
        if outbox.knows_takeover:
            outbox.close(TAKEN_OVER, "taken over")
        elif outbox not in self._silent:
            self._silent.append(outbox)

    def detach(self, outbox: Outbox) -> bool:
        """Forget a client; true when it was the owner."""
        if outbox in self._silent:
            self._silent.remove(outbox)
        if self.owner is not outbox:
            return False
        self._language, self._region = self.language, self.region
        self.owner = None
        if outbox.wants_audio:
            self._return_due = asyncio.get_running_loop().time() + self._return_timeout_s
        unheard = outbox.take_audio()
        self._returned.clear()
        self._gather()
        self._unheard = [] if self._listeners() else unheard
        return True

    def hand_over_sound(self) -> None:
        """Give the owner the sound that the one before it was not sent any more."""
        frames, self._unheard = self._unheard, []
        if self.owner:
            for frame in frames:
                self.owner.offer_audio(frame)

    def add_tap(self, outbox: Outbox) -> None:
        self._taps.append(outbox)
        self._gather()

    def remove_tap(self, outbox: Outbox) -> None:
        self._taps.remove(outbox)
        self._gather()

    def add_viewer(self, outbox: Outbox) -> None:
        self._viewers.append(outbox)
        self._gather()

    def remove_viewer(self, outbox: Outbox) -> None:
        self._viewers.remove(outbox)
        self._gather()

    @property
    def wants_audio(self) -> bool:
        """Is there anybody to make sound for, or may somebody be back in time?"""
        return bool(self._listeners()) or self._may_return

    @property
    def _may_return(self) -> bool:
        return self._return_due is not None and asyncio.get_running_loop().time() < self._return_due

    @property
    def language(self) -> str | None:
        """Of the owner or, until another has named one, of the owner before."""
        return (self.owner.language if self.owner else None) or self._language

    @property
    def region(self) -> str | None:
        """Where the owner is, or was."""
        return (self.owner.region if self.owner else None) or self._region

    def emit(self, event: Event) -> None:
        for outbox in self._everyone:
            outbox.put(event)

    def tell(self, sentence: Callable[[str], Event], otherwise: str) -> None:
        """Tell everyone in the language that each reads; ``otherwise`` is that of those who named none."""
        for outbox in self._everyone:
            outbox.put(sentence(outbox.language or otherwise))

    @property
    def has_room(self) -> bool:
        """Would ``emit_audio`` hand sound over without waiting?"""
        pacing = self._pacing()
        return pacing is not None and pacing.has_room

    def offer_audio(self, frame: Audio) -> None:
        """Hand over sound to whoever has room."""
        for outbox in (*self._listeners(), *self._viewers):
            outbox.offer_audio(frame)

    async def emit_audio(self, frame: Audio) -> None:
        """Hand over sound; waits while the client that paces it has no room, or may be back soon."""
        offered: set[Outbox] = set()
        for viewer in self._viewers:
            viewer.offer_audio(frame)
        while True:
            if not self._listeners():
                await self._wait_for_return()
            pacing = self._pacing()
            if pacing is None or pacing in offered:
                return
            for outbox in self._listeners():
                if outbox is not pacing and outbox not in offered:
                    offered.add(outbox)
                    outbox.offer_audio(frame)
            if await pacing.put_audio(frame):
                return  # else it has left meanwhile: this sound is for whoever comes

    async def _wait_for_return(self) -> None:
        if self._return_due is None:
            return
        try:
            async with asyncio.timeout_at(self._return_due):
                await self._returned.wait()
        except TimeoutError:
            self._return_due = None

    def drop_audio(self) -> None:
        self._unheard.clear()
        for outbox in self._everyone:
            outbox.drop_audio()

    def unsent_text(self, turn_id: str) -> int:
        """How many characters at the end of a reply nobody has been sent yet."""
        return min((outbox.unsent_text(turn_id) for outbox in self._counted if not outbox.closed), default=0)

    def withdraw_text(self, turn_id: str) -> int:
        """Take back the end of a reply that nobody has been sent yet; how many characters that is."""
        unsent = self.unsent_text(turn_id)
        for outbox in self._everyone:
            outbox.withdraw_text(turn_id, unsent)
        return unsent

    def drop_text(self, turn_id: str) -> None:
        """Forget what has not been sent of a reply: it is taken back."""
        for outbox in self._everyone:
            outbox.withdraw_text(turn_id, outbox.unsent_text(turn_id))

    def audience(self) -> Audience:
        """Who is there just now."""
        return Audience(
            owner=self.owner is not None,
            silent=len(self._silent),
            taps=len(self._taps),
            viewers=len(self._viewers),
            waiting=max((outbox.waiting for outbox in self._everyone), default=0),
            fill=max((outbox.fill for outbox in self._everyone), default=0.0),
        )

    def close(self, code: int, reason: str) -> None:
        for outbox in (*self._everyone, *self._silent):
            outbox.close(code, reason)

    def _listeners(self) -> list[Outbox]:
        return [outbox for outbox in self._counted if outbox.wants_audio and not outbox.closed]

    def _pacing(self) -> Outbox | None:
        listeners = self._listeners()
        return self.owner if self.owner in listeners else next(iter(listeners), None)

    def _gather(self) -> None:
        self._counted = (*self._taps, self.owner) if self.owner else tuple(self._taps)
        self._everyone = (*self._counted, *self._viewers)
