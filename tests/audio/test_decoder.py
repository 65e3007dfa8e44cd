"""What a speech server sends is played as what it is, and nothing else is played."""

from __future__ import annotations

import contextlib
import io
import json
import random
import struct
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from neko.audio.engines.decoder import SoundDecoder
from neko.errors import SpeechError
from neko.speech_errors import SpeechUnreadableError
from tests.scripted_provider import tone

RATE = 24_000
SECONDS = 0.5
LEVEL = 12_000 / 32_768 / np.sqrt(2)
"""Of the tone: its root mean square."""


def decoded(data: bytes, step: int = 1000, content_type: str = "") -> Any:
    """Samples from -1 to 1 at ``RATE``."""
    heard: list[bytes] = []

    def hear(pcm: bytes) -> bytes:
        heard.append(pcm)
        return pcm

    decoder = SoundDecoder(hear, RATE, content_type)
    given = [decoder.feed(data[at : at + step]) for at in range(0, len(data), step)] + [decoder.flush()]
    assert b"".join(given) == b"".join(heard)
    return np.frombuffer(b"".join(heard), "<i2") / 32_768


def assert_is_the_tone(samples: Any, seconds: float = SECONDS) -> None:
    """A sine of 440 Hz at its own level, as long as it was: no noise, no half or double speed."""
    assert len(samples) == pytest.approx(seconds * RATE, rel=0.15)
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(LEVEL, rel=0.1)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    hertz = np.fft.rfftfreq(len(middle), 1 / RATE)
    assert spectrum[np.abs(hertz - 440) < 30].sum() > 0.95 * spectrum.sum()


def chunk(name: bytes, content: bytes, length: int | None = None) -> bytes:
    return struct.pack("<4sI", name, len(content) if length is None else length) + content + bytes(len(content) % 2)


def wav(
    rate: int = RATE, bits: int = 16, channels: int = 1, encoding: int = 1, *, before: bytes = b"", after: bytes = b"",
    length: int | None = None, extensible: bool = False, riff: bytes = b"RIFF",
) -> bytes:  # fmt: skip
    samples = np.frombuffer(tone(SECONDS, rate=rate), "<i2") / 32_768
    frames = np.repeat(samples[:, None], channels, axis=1)
    if encoding == 3:
        data = frames.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        data = (frames * 127 + 128).astype("u1").tobytes()
    elif bits == 24:
        data = (frames * 2**31).astype("<i4").reshape(-1, 1).view("u1").reshape(-1, 4)[:, 1:].tobytes()
    else:
        data = (frames * (2 ** (bits - 1) - 1)).astype(f"<i{bits // 8}").tobytes()
    frame = bits // 8 * channels
    head = struct.pack("<HHIIHH", 0xFFFE if extensible else encoding, channels, rate, rate * frame, frame, bits)
    if extensible:
        head += struct.pack("<HHI", 22, bits, 0) + struct.pack("<H", encoding) + bytes(14)
    body = b"WAVE" + chunk(b"fmt ", head) + before + chunk(b"data", data, length) + after
    return struct.pack("<4sI", riff, len(body) if length is None else length) + body


def packed(format_: str, subtype: str | None = None, channels: int = 1, rate: int = RATE) -> bytes:
    samples = np.frombuffer(tone(SECONDS, rate=rate), "<i2") / 32_768
    out = io.BytesIO()
    soundfile.write(out, np.repeat(samples[:, None], channels, axis=1), rate, format=format_, subtype=subtype)
    return out.getvalue()


def wav_of(pcm: bytes) -> bytes:
    head = struct.pack("<HHIIHH", 1, 1, RATE, RATE * 2, 2, 16)
    body = b"WAVE" + chunk(b"fmt ", head) + chunk(b"data", pcm)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


WHOLE = tone(SECONDS)
PIECES = [WHOLE[at : at + 4_800] for at in range(0, len(WHOLE), 4_800)]

SOUNDS = {
    "pcm": tone(SECONDS),
    "pcm-odd": tone(SECONDS) + b"\1",
    "D16-stereo": wav(channels=2),
    **{f"wav-{rate}": wav(rate) for rate in (8_000, 16_000, 22_050, 32_000, 44_100, 48_000)},
    **{f"wav-{bits}-bit": wav(bits=bits) for bits in (8, 16, 24, 32)},
    **{f"wav-float-{bits}": wav(bits=bits, encoding=3) for bits in (32, 64)},
    "wav-extensible": wav(bits=24, channels=2, extensible=True),
    "wav-extensible-float": wav(bits=32, encoding=3, extensible=True),
    "wav-six-channels": wav(channels=6),
    "wav-length-0": wav(length=0),
    "wav-length-endless": wav(length=0xFFFFFFFF),
    "wav-length-ffmpeg": wav(length=0x7FFFFFFF),
    "wav-rf64": wav(length=0xFFFFFFFF, before=chunk(b"ds64", bytes(28)), riff=b"RF64"),
    "wav-list-before": wav(before=chunk(b"LIST", b"INFOISFT" + b"x" * 300)),
    "wav-picture-before": wav(before=chunk(b"id3 ", bytes(50_001))),
    "wav-list-after": wav(after=chunk(b"LIST", random.Random(1).randbytes(20_000))),
    "wav-after-wav": b"".join(wav_of(piece) for piece in PIECES),
    "wav-after-wav-with-lists": b"".join(wav_of(piece) + chunk(b"LIST", b"INFO" * 40) for piece in PIECES),
    "wav-law": packed("WAV", "ULAW"),
    "wav-adpcm": packed("WAV", "IMA_ADPCM"),
    "mp3": packed("MP3"),
    "mp3-stereo": packed("MP3", channels=2, rate=44_100),
    "mp3-id3": b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + packed("MP3"),
    "ogg": packed("OGG"),
    "opus": packed("OGG", "OPUS"),
    "flac": packed("FLAC", channels=2),
    "aiff": packed("AIFF"),
}


@pytest.mark.parametrize("step", [1_000_000, 997])
@pytest.mark.parametrize("name", SOUNDS)
def test_sound_of_every_kind_is_played_as_what_it_is(name: str, step: int) -> None:
    for content_type in ("", "audio/pcm", "application/json"):
        assert_is_the_tone(decoded(SOUNDS[name], step, content_type))


@pytest.mark.parametrize("name", ["pcm", "wav-24-bit", "wav-length-endless", "mp3", "D16-stereo", "wav-after-wav"])
def test_how_it_is_split_changes_nothing(name: str) -> None:
    whole = decoded(SOUNDS[name][:20_000], 1_000_000)
    for step in (1, 3, 11):
        assert np.allclose(decoded(SOUNDS[name][:20_000], step), whole, atol=2 / 32_768)


@pytest.mark.parametrize("channels", [1, 2])
def test_bare_sound_has_the_rate_and_channels_that_its_header_tells(channels: int) -> None:
    mono = np.frombuffer(tone(SECONDS, rate=16_000), "<i2")
    data = np.repeat(mono, channels).tobytes()
    assert_is_the_tone(decoded(data, 999, f"audio/L16; codec=pcm; rate=16000; channels={channels}"))


def test_a_voice_in_one_channel_is_half_as_loud_not_gone() -> None:
    left = np.frombuffer(tone(SECONDS), "<i2")
    data = np.stack([left, np.zeros_like(left)], axis=1).tobytes()
    samples = decoded(wav(channels=2)[:44] + data)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(LEVEL / 2, rel=0.05)


TEXTS = [
    json.dumps({"error": {"message": "Voice 'x' not found. Available: a, b"}}).encode(),
    json.dumps({"detail": "模型未加载 " * 200}, ensure_ascii=False).encode(),
    b"<!DOCTYPE html><html><title>502 Bad Gateway</title></html>",
    b"Internal Server Error",
    b"\xef\xbb\xbf{}",
    b'data: {"error": "busy"}\n\n',
    b"no",
    "声音不存在".encode(),
    b"x" * 5_000,
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("step", [1, 1000])
def test_text_is_not_played_and_kept_for_the_user(text: bytes, step: int) -> None:
    decoder = SoundDecoder(lambda pcm: pytest.fail("text was played"), RATE, "audio/wav")
    for at in range(0, len(text), step):
        assert decoder.feed(text[at : at + step]) == b""
    with pytest.raises(SpeechUnreadableError):
        decoder.flush()
    assert decoder.text == text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1",
        wav()[:44],
        wav()[:20],
        b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", bytes(16)) + chunk(b"data", bytes(1000)),
        b"RIFF\0\0\0\0WAVE" + chunk(b"junk", bytes(400_000)),
        b"ID3\4" + random.Random(2).randbytes(2_000),
        b"OggS" + bytes(2_000),
        b"fLaC" + bytes(2_000),
        b"\x1aE\xdf\xa3" + bytes(2_000),
        b"\0\0\0\x20ftypM4A " + bytes(2_000),
        bytes.fromhex("fff15080027ffc") + random.Random(3).randbytes(12),
        packed("MP3")[:60],
    ],
)  # fmt: skip
def test_what_is_no_sound_or_not_known_is_refused(data: bytes) -> None:
    with pytest.raises(SpeechUnreadableError):
        decoded(data)


def test_an_answer_without_end_is_refused() -> None:
    with pytest.raises(SpeechUnreadableError):
        decoded(b"so much text " * 100_000)


@given(st.binary(max_size=3_000), st.integers(1, 500), st.sampled_from([b"", b"RIFF", b"\xff\xfb", b"ID3", wav()[:44]]))
def test_whatever_comes_is_sound_or_refused(data: bytes, step: int, start: bytes) -> None:
    with contextlib.suppress(SpeechError):
        decoded(start + data, step)
