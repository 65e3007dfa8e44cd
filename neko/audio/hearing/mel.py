"""Log-mel spectrograms as Whisper takes them (openai/whisper, ``audio.py``): 80 bands, 25 ms windows every 10 ms."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from neko.types.hearing import HEARING_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOP = 160
_WINDOW = 400
_BREAK_HZ, _BREAK_MEL, _LOG_STEP = 1000.0, 15.0, 27.0 / 1.8562979903656263
"""Slaney's scale is linear up to 1 kHz (200/3 Hz a mel) and logarithmic above it (27 mels for a factor of 6.4)."""


def log_mel(heard: NDArray[np.float32], seconds: int, bands: int = 80) -> NDArray[np.float32]:
    """Samples (-1..1, 16 kHz), padded with silence or cut to ``seconds``, as (``bands``, 100 × ``seconds``)."""
    import numpy as np

    heard = heard[: seconds * HEARING_RATE]
    samples = np.zeros(seconds * HEARING_RATE + _WINDOW, np.float32)
    samples[_WINDOW // 2 : _WINDOW // 2 + len(heard)] = heard
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::HOP][: 100 * seconds]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    power = np.abs(np.fft.rfft(windows * hann, axis=1)) ** 2
    mel = np.log10(np.maximum(_filters(bands) @ power.T, 1e-10))
    mel = (np.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0
    return np.ascontiguousarray(mel, dtype=np.float32)


@cache
def _filters(bands: int) -> NDArray[np.float64]:
    """Triangles of equal area on Slaney's mel scale, (``bands``, frequencies)."""
    import numpy as np

    top = _BREAK_MEL + _LOG_STEP * np.log(HEARING_RATE / 2 / _BREAK_HZ)
    mels = np.linspace(0.0, top, bands + 2)
    edges = np.where(mels < _BREAK_MEL, mels * 200.0 / 3.0, _BREAK_HZ * np.exp((mels - _BREAK_MEL) / _LOG_STEP))
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / HEARING_RATE)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    triangles: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (high - low)
    return triangles
