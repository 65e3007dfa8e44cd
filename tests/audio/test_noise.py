"""The noise of a room, taken out of the microphone's sound: how much of it goes, and what stays of the words."""

from __future__ import annotations

import numpy as np
import pytest

from neko.audio import noise
from neko.audio.noise import BLOCK_BYTES, NoiseReducer, noise_reducer
from neko.types.hearing import HEARING_RATE as RATE
from tests.spoken import quiet, spoken

pytestmark = pytest.mark.skipif(not noise.noise_reducer_installed(), reason="needs the extra hearing")


def fan(seconds: float, level: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Pink noise with a hum, as a fan makes it; ``level`` is its root mean square."""
    count = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    hiss = np.fft.irfft(spectrum, count)
    sound = hiss / hiss.std() + 0.6 * np.sin(2 * np.pi * 120 * np.arange(count) / RATE)
    return np.asarray(sound * level / sound.std())


def level_db(sound: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    return float(10 * np.log10(np.mean(sound.astype(float) ** 2) + 1e-9))


async def test_speech_stands_far_further_out_of_the_noise_and_keeps_its_shape() -> None:
    speech = np.frombuffer(quiet(1.5) + await spoken("Tell me a story about a cat who lives by the sea."), "<i2")
    loud = speech[np.abs(speech) > 200].astype(float)
    noisy = (speech + fan(len(speech) / RATE, float(np.sqrt(np.mean(loud**2))) / 10 ** (5 / 20))).clip(-32768, 32767)
    pcm = noisy.astype("<i2").tobytes()
    reducer = NoiseReducer()
    clean = b"".join(reducer.clean(pcm[at : at + 1024]) for at in range(0, len(pcm), 1024))
    assert len(clean) == len(pcm)
    begins = round(1.5 * RATE)

    def ratio(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
        return level_db(samples[begins:]) - level_db(samples[RATE // 2 : begins - RATE // 10])

    before, after = np.frombuffer(pcm, "<i2"), np.frombuffer(clean, "<i2")
    assert ratio(after) > ratio(before) + 10
    late = BLOCK_BYTES // 2
    envelopes = [
        np.abs(sound[: len(sound) // 320 * 320].astype(float)).reshape(-1, 320).mean(axis=1)
        for sound in (speech[begins : len(speech) - late], after[begins + late :])
    ]
    assert np.corrcoef(*envelopes)[0, 1] > 0.9


async def test_without_the_package_sound_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "noise_reducer_installed", lambda: False)
    pcm = await spoken("Hello.")
    assert noise_reducer().clean(pcm) == pcm
