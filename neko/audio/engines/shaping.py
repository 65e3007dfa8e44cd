"""Makes a formant synthesiser kinder to the ear: less hiss, even loudness, soft edges.

Works on a stream: an FIR low-pass with a gentle slope, a gain into a soft limiter, and short
fades where a sentence begins and ends.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

_TAPS = 63
_CUTOFF = 5200.0
_GAIN = 1.15
_CEILING = 0.82
_FADE_MS = 8


class Shaper:
    """One sentence: PCM16 mono at ``rate`` Hz through ``process`` and, at its end, ``finish``."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._fade = rate * _FADE_MS // 1000
        self._history: Any = None
        self._held: Any = None
        self._begun = False

    def process(self, pcm: bytes) -> bytes:
        """Shape a chunk; the last few milliseconds are held for the closing fade."""
        import numpy as np

        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
        shaped = self._limit(self._filter(samples))
        if not self._begun:
            self._begun = True
            count = min(self._fade, len(shaped))
            shaped[:count] *= np.linspace(0.0, 1.0, count, dtype=np.float32)
        waiting = shaped if self._held is None else np.concatenate([self._held, shaped])
        cut = max(0, len(waiting) - self._fade)
        self._held = waiting[cut:]
        return _pcm(waiting[:cut])

    def finish(self, pause_ms: int) -> bytes:
        """The faded end and so many milliseconds of silence."""
        import numpy as np

        pause = np.zeros(self._rate * pause_ms // 1000, dtype=np.float32)
        if self._held is None:
            return b""
        faded = self._held * np.linspace(1.0, 0.0, len(self._held), dtype=np.float32)
        return _pcm(np.concatenate([faded, pause]))

    def _filter(self, samples: Samples) -> Samples:
        import numpy as np

        kernel = _kernel(self._rate)
        if self._history is None:
            self._history = np.zeros(_TAPS - 1, dtype=np.float32)
        joined = np.concatenate([self._history, samples])
        self._history = joined[len(joined) - (_TAPS - 1) :]
        filtered: Samples = np.convolve(joined, kernel, mode="valid").astype(np.float32)
        return filtered

    @staticmethod
    def _limit(samples: Samples) -> Samples:
        import numpy as np

        limited: Samples = (_CEILING * np.tanh(samples * (_GAIN / _CEILING))).astype(np.float32)
        return limited


@cache
def _kernel(rate: int) -> Any:
    """A windowed-sinc low-pass mixed with the plain signal: treble is lowered, not cut off."""
    import numpy as np

    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    low_pass = np.sinc(2 * _CUTOFF / rate * at) * np.hamming(_TAPS)
    low_pass /= low_pass.sum()
    plain = (at == 0).astype(np.float64)
    return (0.85 * low_pass + 0.15 * plain).astype(np.float32)


def _pcm(samples: Samples) -> bytes:
    import numpy as np

    return (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
