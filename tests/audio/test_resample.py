"""Sample rates: nothing is lost, nothing is held for long."""

from __future__ import annotations

import numpy as np
import pytest

from neko.audio.resample import PcmStream
from tests.scripted_provider import tone

RATES = [(24_000, 48_000), (22_050, 48_000), (16_000, 48_000), (44_100, 48_000), (48_000, 48_000), (48_000, 16_000)]


def convert(pcm: bytes, in_rate: int, out_rate: int, step: int) -> bytes:
    stream = PcmStream(in_rate, out_rate)
    pieces = [stream.process(pcm[at : at + step]) for at in range(0, len(pcm), step)]
    return b"".join([*pieces, stream.flush()])


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("step", [1, 441, 1920, 1_000_000])
def test_the_length_is_kept_whatever_the_chunks(rates: tuple[int, int], step: int) -> None:
    seconds = 0.05 if step == 1 else 0.731
    sound = convert(tone(seconds, rate=rates[0]), *rates, step)
    assert len(sound) % 2 == 0
    assert len(sound) / 2 / rates[1] == pytest.approx(seconds, abs=0.002)


@pytest.mark.parametrize("rates", RATES)
def test_the_sound_is_the_same_tone_without_a_click(rates: tuple[int, int]) -> None:
    in_rate, out_rate = rates
    sound = np.frombuffer(convert(tone(0.5, rate=in_rate), *rates, 777), "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.argmax(spectrum) * out_rate / len(sound) == pytest.approx(440, abs=3)
    steps = np.abs(np.diff(sound[200:-200]))
    assert steps.max() < 1.1 * 12_000 * 2 * np.pi * 440 / out_rate


@pytest.mark.parametrize(("in_rate", "most"), [(22_050, 0.002), (24_000, 0.022), (44_100, 0.002), (48_000, 0.0)])
def test_little_is_held_back(in_rate: int, most: float) -> None:
    stream, given, got = PcmStream(in_rate), 0.0, 0.0
    for _ in range(50):
        given += 0.02
        got += len(stream.process(tone(0.02, rate=in_rate))) / 96_000
        assert given - got <= most + 1e-3


def test_no_more_is_held_back_of_what_is_heard_at_16_khz() -> None:
    stream, given, got = PcmStream(48_000, 16_000), 0.0, 0.0
    for _ in range(50):
        given += 0.02
        got += len(stream.process(tone(0.02, rate=48_000))) / 32_000
        assert given - got <= 0.041


@pytest.mark.parametrize("rates", [rates for rates in RATES if 16_000 in rates])
@pytest.mark.parametrize("hertz", [5_000, 6_500, 7_000])
def test_what_tells_s_from_f_keeps_its_strength(rates: tuple[int, int], hertz: int) -> None:
    in_rate, out_rate = rates
    given = 9_000 * np.sin(2 * np.pi * hertz * np.arange(in_rate // 2) / in_rate)
    sound = np.frombuffer(convert(given.astype("<i2").tobytes(), *rates, 960), "<i2").astype(float)
    assert sound[out_rate // 10 : -out_rate // 10].std() == pytest.approx(given.std(), rel=0.01)


def test_the_same_rate_passes_through_untouched() -> None:
    pcm = tone(0.1, rate=48_000)
    assert convert(pcm, 48_000, 48_000, 3) == pcm


@pytest.mark.parametrize("rates", RATES)
def test_an_empty_stream_and_a_half_sample_give_nothing(rates: tuple[int, int]) -> None:
    assert convert(b"", *rates, 1) == b""
    assert convert(b"\1", *rates, 1) == b""
