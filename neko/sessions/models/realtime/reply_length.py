"""How much she says at once in a call: a reply that goes on for too long is stopped where it can be heard as its end.

N.E.K.O. counts so in typed talk, and asks for such a reply once more (``contract/realtime-providers.md`` §9.2). What
has been heard cannot be taken back, so here it is stopped: at a pause of her voice after the end of a sentence.
"""

from __future__ import annotations

from typing import Final

from neko.late_patterns import late_pattern

LONGEST_UNITS: Final = 300
"""About two minutes of speech."""
UNITS_PER_TOKEN: Final = 0.75
PATIENCE: Final = 1.5
"""So many times the limit, and it is stopped wherever it is."""
PAUSE_S: Final = 0.2
_FRAME_S: Final = 0.02
_QUIET: Final = 180.0
"""Root mean square of PCM16 below which a voice pauses."""
_ALONE: Final = late_pattern(r"[぀-ヿ㐀-䶿一-鿿가-힣豈-﫿]")
_ENDS: Final = late_pattern(r"[.!?。！？…][\s\"'”’」』)）]*$")


def units(text: str) -> int:
    """Characters of scripts that write no blanks between words, or few, and words of the others."""
    rest, alone = _ALONE.subn(" ", text)
    return alone + len(rest.split())


class ReplyLength:
    """Of one reply. ``most`` units; None sets no limit. ``is_spoken``: by the model itself, whose pauses are heard."""

    def __init__(self, most: int | None, *, is_spoken: bool) -> None:
        self._most = most
        self._is_spoken = is_spoken
        self._quiet_s = 0.0
        self._may_stop = False
        self.is_reached = False

    def wrote(self, text: str) -> None:
        """All that it says so far."""
        if self._most is None or len(text) <= self._most or self.is_reached:
            return
        count = units(text)
        if count > self._most and _ENDS.search(text):
            self._may_stop = True
        self.is_reached = count > PATIENCE * self._most or (self._may_stop and not self._is_spoken)

    def spoke(self, pcm: bytes, rate: int) -> None:
        """A further piece of its sound, PCM16 mono."""
        if not self._may_stop or self.is_reached:
            return
        import numpy as np

        size = round(_FRAME_S * rate)
        frames = len(pcm) // (2 * size)
        if not frames:
            return
        samples = np.frombuffer(pcm, "<i2", frames * size).astype(np.float32).reshape(frames, size)
        for level in np.sqrt(np.mean(np.square(samples), axis=1)).tolist():
            self._quiet_s = self._quiet_s + _FRAME_S if level < _QUIET else 0.0
            if self._quiet_s >= PAUSE_S - 1e-9:
                self.is_reached = True
                return
