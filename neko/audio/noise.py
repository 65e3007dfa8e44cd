"""The noise of the room, taken out of the microphone's sound before anybody listens.

By WebRTC's noise suppressor (the package ``pywebrtc-audio``, of the extra ``hearing``): some 0.03 ms per 10 ms of
sound, in one thread at a time.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Final

from neko.types.hearing import HEARING_RATE

if TYPE_CHECKING:
    from pywebrtc_audio import NoiseSuppressor

BLOCK_BYTES = 2 * HEARING_RATE // 100
"""What is taken at a time, 10 ms; what comes out is so much later."""
_LEVEL: Final = 2
"""Of 0..3, by 6, 12, 18 and 21 dB. Recognition loses words at the highest one."""


class NoiseReducer:
    """One stream of sound. Blocks when it is made: it loads the package."""

    def __init__(self) -> None:
        from pywebrtc_audio import NoiseSuppressor

        self._suppressor: NoiseSuppressor = NoiseSuppressor(HEARING_RATE, 1, _LEVEL)
        self._waiting = bytearray()
        self._clean = bytearray(BLOCK_BYTES)

    def clean(self, pcm: bytes) -> bytes:
        """As much PCM16 as is given, ``BLOCK_BYTES`` later."""
        import numpy as np

        self._waiting += pcm
        whole = len(self._waiting) // BLOCK_BYTES * BLOCK_BYTES
        samples = np.frombuffer(bytes(self._waiting[:whole]), dtype="<i2").astype(np.int16)
        del self._waiting[:whole]
        for start in range(0, len(samples), BLOCK_BYTES // 2):
            block = self._suppressor.process(samples[start : start + BLOCK_BYTES // 2])
            self._clean += np.asarray(block).astype("<i2").tobytes()
        clean = bytes(self._clean[: len(pcm)])
        del self._clean[: len(pcm)]
        return clean


class NoReducer:
    """Where the package is not installed: sound stays as it is."""

    def clean(self, pcm: bytes) -> bytes:
        """See ``NoiseReducer``."""
        return pcm


def noise_reducer() -> NoiseReducer | NoReducer:
    """For one stream of sound."""
    return NoiseReducer() if noise_reducer_installed() else NoReducer()


def noise_reducer_installed() -> bool:
    """Blocks: it searches the disk."""
    return importlib.util.find_spec("pywebrtc_audio") is not None
