"""Cutting long speech at its pauses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FRAME_S = 0.02
_PAUSE_S = 0.3
"""Seconds over which it has to be quiet."""
_EARLIEST = 0.5
"""The share of a part before which it is not cut."""

Floats = NDArray[np.float32]


def cut_at_pauses(samples: Floats, rate: int, longest_s: float) -> list[Floats]:
    """``samples`` in parts of at most ``longest_s`` seconds, each but the last cut where it is quietest in its second
    half. One part at least, which may be empty."""
    longest, parts = int(longest_s * rate), []
    while len(samples) > longest:
        at = _quietest(samples[:longest], rate)
        parts.append(samples[:at])
        samples = samples[at:]
    return [*parts, samples]


def _quietest(samples: Floats, rate: int) -> int:
    """Where the quietest stretch of ``_PAUSE_S`` in the second half has its middle."""
    frame = int(_FRAME_S * rate)
    count = len(samples) // frame
    energy = (samples[: count * frame].reshape(count, frame) ** 2).mean(axis=1)
    wide = max(1, round(_PAUSE_S / _FRAME_S))
    smooth = np.convolve(energy, np.ones(wide), mode="valid")
    first = int(count * _EARLIEST)
    return int(first + np.argmin(smooth[first:]) + wide // 2) * frame
