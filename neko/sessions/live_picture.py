"""What the user shows live, on its way to a session that watches: the newest picture, at a bounded pace."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

GAP_S: Final = 1.5
"""Seconds between two pictures while the user speaks (``contract/sessions.md`` §9)."""
IDLE_GAP_S: Final = 5 * GAP_S
ACTIVE_FOR_S: Final = 2.0
"""Seconds after the user's last word that still count as speech."""


class PicturePace:
    """When the next picture may be sent. Pure; times are monotonic seconds.

    Only a picture that ``sent`` is told of uses its turn up. Speech counts as long as it lasts, and a moment longer.
    """

    def __init__(self) -> None:
        self._last_sent = -math.inf
        self._last_spoken = -math.inf
        self._speaking = False

    def speech(self, now: float, *, lasts: bool) -> None:
        """The user begins to speak, or has ended."""
        self._last_spoken = now
        self._speaking = lasts

    def is_active(self, now: float) -> bool:
        return self._speaking or now - self._last_spoken <= ACTIVE_FOR_S

    def due(self, now: float, *, in_speech_only: bool = False) -> float:
        """The earliest time for the next one as things stand; infinity for one that needs speech and has none."""
        if in_speech_only and not self._speaking:
            return math.inf
        return self._last_sent + (GAP_S if self.is_active(now) else IDLE_GAP_S)

    def sent(self, now: float) -> None:
        self._last_sent = now


class LivePicture:
    """The newest picture waits until it is due; an older one that still waits gives way.

    ``send`` hands a JPEG to the session. ``in_speech_only``: the session takes pictures only while the user speaks.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._pace = PicturePace()
        self._waiting: bytes | None = None
        self._seen: bytes | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.in_speech_only = False

    def show(self, jpeg: bytes) -> None:
        self._waiting = jpeg
        self._send_if_due()

    def speech(self, *, lasts: bool) -> None:
        """The user begins to speak, or has ended."""
        self._pace.speech(self._now(), lasts=lasts)
        self._send_if_due()

    def seen(self) -> bytes | None:
        """The newest picture that was sent since the last call."""
        seen, self._seen = self._seen, None
        return seen

    def clear(self) -> None:
        """Nothing is shown any more."""
        self._waiting = self._seen = None
        self._rest()

    def _send_if_due(self) -> None:
        self._rest()
        if self._waiting is None:
            return
        now = self._now()
        due = self._pace.due(now, in_speech_only=self.in_speech_only)
        if due <= now:
            self._seen, self._waiting = self._waiting, None
            self._pace.sent(now)
            self._send(self._seen)
        elif due < math.inf:
            self._timer = asyncio.get_running_loop().call_at(due, self._send_if_due)

    def _rest(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
