"""What waits to be sent to one client: bounded, in order, read by one writer.

Policy when a client is slow: text and notices never wait (a reply must not stall on a bad
network), so a client that lets ``max_events`` of them pile up is closed; sound waits for room,
which holds back the synthesiser, and a client that makes no room for ``room_timeout_s`` seconds is closed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from neko.sessions.events import Audio, Event, ReplyText

GOING_AWAY = 1001
TAKEN_OVER = 4001
TOO_SLOW = 4008
JOIN_AFTER = 100
"""Events that wait before the pieces of a reply are joined as they come."""


class Outbox:
    """The queue of one client. ``closed`` is its close code and reason once it is over.

    ``max_events`` is a number, ``max_audio`` bytes. A client without ``wants_audio`` is never handed any sound.
    ``language``: that of its sentences, if it has named one. ``region``: where it is (ISO 3166), as far as known.
    ``in_sight``: its user sees it, as far as it has said so.
    ``can_undo``: it deletes lines when it is told that they are unwanted, after a while in which that can be undone.
    ``knows_takeover``: it has said that it does not come back by itself after a close with ``TAKEN_OVER``.
    """

    def __init__(
        self,
        *,
        wants_audio: bool = True,
        max_events: int = 2000,
        max_audio: int = 2_000_000,
        room_timeout_s: float = 30.0,
        language: str | None = None,
        region: str | None = None,
        knows_takeover: bool = False,
        can_undo: bool = False,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.language = language
        self.region = region
        self.knows_takeover = knows_takeover
        self.can_undo = can_undo
        self.in_sight = True
        self._wants_audio = wants_audio
        self._deaf = False
        self._on_close = on_close
        self._events: deque[Event] = deque()
        self._audio_bytes = 0
        self._max_events = max_events
        self._max_audio = max_audio
        self._room_timeout_s = room_timeout_s
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.closed: tuple[int, str] | None = None

    @property
    def wants_audio(self) -> bool:
        return self._wants_audio and not self._deaf

    def put(self, event: Event) -> None:
        """Queue an event; never waits."""
        if self.closed:
            return
        if len(self._events) >= self._max_events:
            self.close(TOO_SLOW, "too slow")
            return
        last = self._events[-1] if len(self._events) > JOIN_AFTER else None
        if isinstance(event, ReplyText) and isinstance(last, ReplyText) and _continues(last, event):
            self._events[-1] = replace(last, text=last.text + event.text)
        else:
            self._events.append(event)
        self._ready.set()

    @property
    def waiting(self) -> int:
        """Events not sent yet, sound among them."""
        return len(self._events)

    @property
    def fill(self) -> float:
        """How full it is, 0 to 1, of events or of sound, whichever is more; sound that came last may overfill it."""
        return max(len(self._events) / self._max_events, self._audio_bytes / self._max_audio)

    @property
    def has_room(self) -> bool:
        """May more sound be queued now?"""
        return self._audio_bytes < self._max_audio

    async def put_audio(self, frame: Audio) -> bool:
        """Queue sound, waiting for room; false when the client takes none any more."""
        while self.wants_audio and not self.closed and not self.has_room:
            self._room.clear()
            try:
                async with asyncio.timeout(self._room_timeout_s):
                    await self._room.wait()
            except TimeoutError:
                self.close(TOO_SLOW, "too slow")
        return self.offer_audio(frame)

    def offer_audio(self, frame: Audio) -> bool:
        """Queue sound if there is room for it now; false when it was dropped."""
        if self.closed or not self.wants_audio or not self.has_room:
            return False
        self._audio_bytes += len(frame.pcm)
        self.put(frame)
        return True

    def drop_audio(self) -> None:
        """Forget sound that has not been sent: what it belongs to was cut."""
        self._events = deque(event for event in self._events if not isinstance(event, Audio))
        self._audio_bytes = 0
        self._room.set()

    def take_audio(self) -> list[Audio]:
        """The sound that has not been sent, for another client; this one takes none until ``listen``."""
        unsent = [event for event in self._events if isinstance(event, Audio)]
        self._deaf = True
        self.drop_audio()
        return unsent

    def listen(self) -> None:
        """Take sound (again)."""
        self._deaf = False

    def unsent_text(self, turn_id: str) -> int:
        """How many characters of this turn's reply have not been sent yet."""
        return sum(len(e.text) for e in self._events if isinstance(e, ReplyText) and e.turn_id == turn_id)

    def withdraw_text(self, turn_id: str, count: int) -> None:
        """Take back the last ``count`` characters of this turn's reply that have not been sent."""
        remaining: deque[Event] = deque()
        for event in reversed(self._events):
            if count and isinstance(event, ReplyText) and event.turn_id == turn_id:
                text = event.text[: max(0, len(event.text) - count)]
                count = max(0, count - len(event.text))
                if not text:
                    continue
                event = replace(event, text=text)
            remaining.appendleft(event)
        self._events = remaining

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
            if not isinstance(following, ReplyText) or not _continues(event, following):
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
        if self._on_close:
            self._on_close()


def _continues(piece: ReplyText, following: ReplyText) -> bool:
    return not following.first and following.turn_id == piece.turn_id
