"""What waits to be sent to one client: bounded, in order, read by one writer.

Policy when a client is slow: text and notices never wait (a reply must not stall on a bad
network), so a client that lets ``max_events`` of them pile up is closed; sound waits for room,
which holds back the synthesiser, and a client that makes no room for ``patience`` seconds is closed.
"""

from __future__ import annotations

import asyncio
from collections import deque

from neko.sessions.events import Audio, Event, ReplyText

TAKEN_OVER = 4001
TOO_SLOW = 4008


class Outbox:
    """The queue of one client. ``closed`` is its close code and reason once it is over.

    ``wants_audio``: wants sound; one that does not is never given any.
    """

    def __init__(
        self, *, wants_audio: bool = True, max_events: int = 2000, max_audio: int = 2_000_000, patience: float = 30.0
    ) -> None:
        self.wants_audio = wants_audio
        self._events: deque[Event] = deque()
        self._audio_bytes = 0
        self._max_events = max_events
        self._max_audio = max_audio
        self._patience = patience
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.closed: tuple[int, str] | None = None

    def put(self, event: Event) -> None:
        """Queue an event; never waits."""
        if self.closed:
            return
        if len(self._events) >= self._max_events:
            self.close(TOO_SLOW, "too slow")
            return
        self._events.append(event)
        self._ready.set()

    async def put_audio(self, frame: Audio) -> None:
        """Queue sound, waiting for room. Frames for a closed or deaf client are dropped."""
        if not self.wants_audio:
            return
        while not self.closed and self._audio_bytes >= self._max_audio:
            self._room.clear()
            try:
                async with asyncio.timeout(self._patience):
                    await self._room.wait()
            except TimeoutError:
                self.close(TOO_SLOW, "too slow")
        if not self.closed:
            self._audio_bytes += len(frame.pcm)
            self.put(frame)

    def drop_audio(self) -> None:
        """Forget sound that has not been sent: what it belongs to was cut."""
        self._events = deque(event for event in self._events if not isinstance(event, Audio))
        self._audio_bytes = 0
        self._room.set()

    def unsent_text(self, turn_id: str) -> int:
        """How many characters of this turn's reply have not been sent yet."""
        return sum(len(e.text) for e in self._events if isinstance(e, ReplyText) and e.turn_id == turn_id)

    async def get(self) -> Event | None:
        """The next event, or ``None`` when the outbox is closed and empty.

        Pieces of one reply that have piled up come as one.
        """
        while not self._events:
            if self.closed:
                return None
            self._ready.clear()
            await self._ready.wait()
        event = self._events.popleft()
        if isinstance(event, Audio):
            self._audio_bytes -= len(event.pcm)
            self._room.set()
        elif isinstance(event, ReplyText):
            event = self._joined(event)
        return event

    def _joined(self, event: ReplyText) -> ReplyText:
        pieces = [event.text]
        while self._events:
            following = self._events[0]
            if not isinstance(following, ReplyText) or following.first or following.turn_id != event.turn_id:
                break
            pieces.append(following.text)
            self._events.popleft()
        if len(pieces) == 1:
            return event
        return ReplyText(event.turn_id, event.speech_id, "".join(pieces), event.first)

    def close(self, code: int, reason: str) -> None:
        """Close the client: what is text is still sent, then the connection ends. Idempotent."""
        if self.closed:
            return
        self.closed = (code, reason)
        if code == TOO_SLOW:
            self._events.clear()
        self.drop_audio()
        self._ready.set()
