"""How loud her echo can be at a moment, in each band of frequencies.

The power of the near end is taken to be a sum of what the far end had in the last half second, each part in a
proportion of its own: the way through the room, which is learned by least squares while she is heard. What the user
says meanwhile has nothing to do with the far end and falls out of it. A block that is clearly louder than that in
several bands holds somebody else. Ours, as it is a part of no package; the phase of the sound does not matter to it, so
that a client whose reports are some milliseconds off does it no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from neko.types.hearing import HEARING_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples: TypeAlias = NDArray[np.int16]
    Floats: TypeAlias = NDArray[np.float64]

BLOCK = HEARING_RATE // 100
"""Samples that are taken at a time: 10 ms."""
_WINDOW = 2 * BLOCK
_BANDS = 20
_LOWEST_HZ, _HIGHEST_HZ = 150.0, 7_800.0
_STEP = 2
"""Blocks from one part of the far end to the one before it."""
_PARTS = 26
"""Parts of the far end that may sound at once: half a second."""
_LOOK_EVERY = 10
_ENOUGH = 20
"""Blocks of her voice before anything is known."""
_FORGETTING = 0.998
"""Per block of her voice: five seconds."""
_RIDGE = 1e-3
_OVER_ECHO = 10.0
"""By how much more power than the expected echo a band must have to hold somebody else."""
_OVER_NOISE = 6.0
_OTHERS = 6
"""Bands that somebody else has at the same time."""
_RISE = 1.005
"""By how much the noise of the room is thought to rise, per block."""
_AUDIBLE = 1e-4
_CONSTANT = 1e-4
"""What stands for all that is no echo in the sum, of the order of speech."""


class EchoLevel:
    """Everything that is known of one room. Blocks (some 0.1 ms of processor time each)."""

    def __init__(self) -> None:
        import numpy as np

        edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)
        hertz = np.fft.rfftfreq(_WINDOW, 1 / HEARING_RATE)
        self._bands = ((hertz >= edges[:-1, None]) & (hertz < edges[1:, None])).astype(np.float64)
        centres = np.sqrt(edges[:-1] * edges[1:])
        self._bands[np.arange(_BANDS), np.abs(hertz - centres[:, None]).argmin(axis=1)] = 1.0
        self._window = np.hanning(_WINDOW)
        self._near, self._far = np.zeros(_WINDOW), np.zeros(_WINDOW)
        self._history = np.zeros((_PARTS * _STEP, _BANDS))
        """Power of the far end, the newest block last."""
        self._squares = np.zeros((_BANDS, _PARTS + 1, _PARTS + 1))
        self._products = np.zeros((_BANDS, _PARTS + 1))
        self._way: Floats | None = None
        """For each band the proportion of each part; ``None`` while it is not known."""
        self._noise = np.full(_BANDS, 1e-3)
        self._noise_db = -70.0
        self._random = np.random.default_rng(0)
        self._blocks = 0

    def begins_with(self, before: Samples) -> None:
        """The far end begins in the middle: this was played just before its next block, and was not given."""
        import numpy as np

        sound = np.concatenate([np.zeros(_WINDOW), before / 32768.0])
        count = len(before) // BLOCK
        for block in range(count):
            end = len(sound) - (count - 1 - block) * BLOCK
            place = len(self._history) - count + block
            self._history[place] = np.maximum(self._history[place], self._power(sound[end - _WINDOW : end]))
        self._far = sound[-_WINDOW:]

    def covers(self, near: Samples, far: Samples) -> bool:
        """The next block of both ends: is the near end no louder than the echo can be?"""
        import numpy as np

        self._near = np.concatenate([self._near[BLOCK:], near / 32768.0])
        self._far = np.concatenate([self._far[BLOCK:], far / 32768.0])
        power = self._power(self._near) + 1e-12
        self._noise = np.maximum(1e-9, np.minimum(power, self._noise * _RISE))
        self._noise_db = max(-90.0, min(_level_db(near), self._noise_db + 0.02))
        self._history[:-1] = self._history[1:]
        self._history[-1] = self._power(self._far)
        parts = self._history[::-_STEP]
        if parts.sum() < _AUDIBLE:
            return False
        self._learn(power, parts)
        if self._way is None:
            return False
        echo = (self._way * parts.T).sum(axis=1)
        others = power > _OVER_ECHO * echo + _OVER_NOISE * self._noise
        return bool(echo.sum() > self._noise.sum()) and int(others.sum()) < _OTHERS

    def comfort_noise(self) -> Samples:
        """A block as loud as the noise of the room: an echo that is only turned down is still speech to who judges."""
        import numpy as np

        level = 32768.0 * 10.0 ** (self._noise_db / 20.0)
        noise: Samples = (self._random.standard_normal(BLOCK) * level).astype(np.int16)
        return noise

    def _power(self, sound: Floats) -> Floats:
        import numpy as np

        spectrum: Floats = np.abs(np.fft.rfft(sound * self._window)) ** 2
        return self._bands @ spectrum

    def _learn(self, power: Floats, parts: Floats) -> None:
        """Loud moments would count for all of it: each weighs as much less as it is louder."""
        import numpy as np

        terms = np.concatenate([parts.T, np.full((_BANDS, 1), _CONSTANT)], axis=1)
        weight = 1.0 / ((parts.mean(axis=0) + 1e-6) ** 1.5 * np.sqrt(power + 1e-6))
        weighted = weight[:, None] * terms
        self._squares = self._squares * _FORGETTING + weighted[:, :, None] * terms[:, None, :]
        self._products = self._products * _FORGETTING + weighted * power[:, None]
        self._blocks += 1
        if self._blocks >= _ENOUGH and self._blocks % _LOOK_EVERY == 0:
            self._way = self._solve()

    def _solve(self) -> Floats:
        """No part can take anything away; what is left has the same power on the whole."""
        import numpy as np

        ridge = _RIDGE * np.trace(self._squares, axis1=1, axis2=2) / (_PARTS + 1) + 1e-12
        sums = self._squares + ridge[:, None, None] * np.eye(_PARTS + 1)
        way = np.maximum(np.linalg.solve(sums, self._products[:, :, None])[:, :, 0], 0.0)
        there = (way * self._products).sum(axis=1)
        expected = np.einsum("bi,bij,bj->b", way, self._squares, way)
        scale = np.minimum(1.5, there / np.maximum(expected, 1e-30))
        found: Floats = way[:, :-1] * scale[:, None]
        return found


def _level_db(samples: Samples) -> float:
    import numpy as np

    power = float(np.mean(np.square(samples.astype(np.float32)))) / 32768.0**2
    return 10.0 * float(np.log10(power)) if power > 1e-10 else -100.0
