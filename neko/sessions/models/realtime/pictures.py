"""When a live picture is sent to who watches (``contract/sessions.md`` §9). Pure; times are monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SPEAKING_GAP_S: Final = 1.5
"""Between two pictures while the user speaks."""
IDLE_GAP_S: Final = 5 * SPEAKING_GAP_S


@dataclass(slots=True)
class PictureThrottle:
    """``only_speaking``: pictures count for what is being said; the newest waits for the user to begin.

    A picture that is not sent uses up nothing: the next one that is due is.
    """

    only_speaking: bool = True
    _sent: float = float("-inf")
    _newest: bytes | None = None

    def offer(self, jpeg: bytes, now: float, *, speaking: bool) -> bytes | None:
        """A picture has come: what is to be sent now, if anything."""
        self._newest = jpeg
        return self._due(now, speaking=speaking)

    def speech_began(self, now: float) -> bytes | None:
        """The user begins to speak: what they have before them is to be sent now, if it was not yet."""
        return self._due(now, speaking=True)

    def _due(self, now: float, *, speaking: bool) -> bytes | None:
        if self.only_speaking and not speaking:
            return None
        if now - self._sent < (SPEAKING_GAP_S if speaking else IDLE_GAP_S):
            return None
        picture, self._newest = self._newest, None
        if picture is not None:
            self._sent = now
        return picture
