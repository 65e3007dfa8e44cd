"""Who is connected to a conversation: the one client that owns it, and taps that only read along.

Sound is paced by one client, the owner, or without one the first tap that wants sound: delivery
waits while it has no room. The others take what they have room for and lose the rest.
"""

from __future__ import annotations

from neko.sessions.events import Audio, Event
from neko.sessions.outbox import TAKEN_OVER, Outbox


class Clients:
    """The newest client owns the conversation; the one before is closed at once with a reason."""

    def __init__(self) -> None:
        self.owner: Outbox | None = None
        self._taps: list[Outbox] = []
        self._everyone: tuple[Outbox, ...] = ()

    def attach(self, outbox: Outbox) -> None:
        if self.owner and self.owner is not outbox:
            self.owner.close(TAKEN_OVER, "taken over")
        self.owner = outbox
        self._gather()

    def detach(self, outbox: Outbox) -> bool:
        """Forget a client; true when it was the owner."""
        if self.owner is not outbox:
            return False
        self.owner = None
        self._gather()
        return True

    def add_tap(self, outbox: Outbox) -> None:
        self._taps.append(outbox)
        self._gather()

    def remove_tap(self, outbox: Outbox) -> None:
        self._taps.remove(outbox)
        self._gather()

    @property
    def wants_audio(self) -> bool:
        """Is there anybody to make sound for?"""
        return any(outbox.wants_audio and not outbox.closed for outbox in self._everyone)

    def emit(self, event: Event) -> None:
        for outbox in self._everyone:
            outbox.put(event)

    async def emit_audio(self, frame: Audio) -> None:
        """Hand over sound; waits while the client that paces it has no room."""
        listeners = [outbox for outbox in self._everyone if outbox.wants_audio and not outbox.closed]
        pacing = self.owner if self.owner in listeners else next(iter(listeners), None)
        for outbox in listeners:
            if outbox is not pacing:
                outbox.offer_audio(frame)
        if pacing:
            await pacing.put_audio(frame)

    def drop_audio(self) -> None:
        for outbox in self._everyone:
            outbox.drop_audio()

    def unsent_text(self, turn_id: str) -> int:
        """How many characters at the end of a reply nobody has been sent yet."""
        return min((outbox.unsent_text(turn_id) for outbox in self._everyone if not outbox.closed), default=0)

    def withdraw_text(self, turn_id: str) -> int:
        """Take back the end of a reply that nobody has been sent yet; how many characters that is."""
        unsent = self.unsent_text(turn_id)
        for outbox in self._everyone:
            outbox.withdraw_text(turn_id, unsent)
        return unsent

    def close(self, code: int, reason: str) -> None:
        for outbox in self._everyone:
            outbox.close(code, reason)

    def _gather(self) -> None:
        self._everyone = (*self._taps, self.owner) if self.owner else tuple(self._taps)
