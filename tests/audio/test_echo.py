"""Her own voice in the microphone: laid beside what is played, taken out, and the user left in."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import pytest

from neko.audio import echo
from neko.audio.echo import LATENCY_BYTES, LEAD, TOLERANCE, Canceller, EchoGuard, FarEnd
from neko.audio.echo_level import BLOCK
from neko.types.hearing import HEARING_RATE as RATE
from neko.types.model_session import Playback, SoundToPlay
from tests.room import Room, RoomSettings, Sound, levelled
from tests.spoken import spoken

STORY = (
    "Once upon a time there was a small cat who lived at the edge of a quiet village. Every evening she climbed the "
    "hill to watch the lights come on, one after another, and she thought about the sea."
)
HAS_AEC3 = importlib.util.find_spec("pywebrtc_audio") is not None


def numbered(samples: int) -> SoundToPlay:
    """Sound whose samples are 1, 2, 3 …"""
    return SoundToPlay("s", np.arange(1, samples + 1, dtype="<i2").tobytes(), RATE)


def first(far: FarEnd, at: int) -> int:
    """The first sample that is played at this sample of the microphone."""
    return int(far.take(at, BLOCK)[0])


def test_nothing_is_played_before_anything_was_given() -> None:
    assert not FarEnd().take(0, BLOCK).any()


def test_a_client_that_reports_nothing_plays_what_it_gets_at_once() -> None:
    far = FarEnd()
    far.tell(numbered(3 * RATE // 10), at=1_000)
    assert first(far, 1_000) == LEAD + 1
    assert first(far, 1_000 + BLOCK) == LEAD + BLOCK + 1


def test_a_report_says_what_is_played_and_a_small_difference_moves_nothing() -> None:
    far = FarEnd()
    far.tell(numbered(RATE), at=0)
    far.tell(Playback("s", 200, "playing"), at=RATE // 2)
    assert first(far, RATE // 2) == RATE // 5 + LEAD + 1
    far.tell(Playback("s", 200 + 100, "playing"), at=RATE // 2 + RATE // 10 + TOLERANCE // 2)
    assert first(far, RATE // 2 + RATE // 10) == RATE // 5 + RATE // 10 + LEAD + 1


def test_how_late_a_client_begins_is_remembered_for_the_next_speech() -> None:
    far = FarEnd()
    far.tell(numbered(RATE), at=0)
    far.tell(Playback("s", 100, "playing"), at=RATE // 10 + RATE // 4)  # a quarter of a second late
    far.tell(SoundToPlay("t", numbered(RATE).pcm, RATE), at=10 * RATE)
    assert not far.take(10 * RATE, BLOCK).any()
    assert first(far, 10 * RATE + RATE // 4) == LEAD + 1


def test_while_it_is_held_nothing_is_played_and_then_it_goes_on_where_it_was() -> None:
    far = FarEnd()
    far.tell(numbered(RATE), at=0)
    far.tell(Playback("s", 300, "paused"), at=RATE // 2)
    assert not far.take(RATE // 2, BLOCK).any()
    far.tell(Playback("s", 280, "playing"), at=2 * RATE)
    assert first(far, 2 * RATE) == RATE * 28 // 100 + LEAD + 1


def test_a_report_of_another_speech_is_not_for_this_one() -> None:
    far = FarEnd()
    far.tell(numbered(RATE), at=0)
    far.tell(Playback("before", 0, "ended"), at=0)
    assert first(far, 0) == LEAD + 1


def test_a_client_that_has_run_dry_goes_on_with_what_comes() -> None:
    far = FarEnd()
    far.tell(numbered(RATE // 10), at=0)
    for at in range(0, RATE, BLOCK):
        far.take(at, BLOCK)
    far.tell(SoundToPlay("s", np.full(RATE // 10, 7, dtype="<i2").tobytes(), RATE), at=RATE)
    assert first(far, RATE) == 7


def test_what_was_played_long_ago_is_not_kept() -> None:
    far = FarEnd()
    far.tell(SoundToPlay("s", bytes(2 * 60 * RATE), RATE), at=0)
    for at in range(0, 50 * RATE, BLOCK):
        far.take(at, BLOCK)
    assert len(far._sound) < 2 * 13 * RATE


def test_sound_of_the_loudspeaker_s_rate_is_brought_to_that_of_the_microphone() -> None:
    far = FarEnd()
    tone = 8_000 * np.sin(2 * np.pi * 500 * np.arange(48_000) / 48_000)
    far.tell(SoundToPlay("s", tone.astype("<i2").tobytes(), 48_000), at=0)
    played = far.take(1_000, RATE // 2).astype(float)
    assert np.argmax(np.abs(np.fft.rfft(played))) * 2 == 500


class AsItIs:
    """A canceller that changes nothing."""

    def process(self, near: echo.Samples, far: echo.Samples) -> echo.Samples:
        return near


@pytest.mark.parametrize("piece", [512, 320, 1_024, 7])
def test_as_much_comes_out_as_goes_in_a_little_later(piece: int) -> None:
    guard = EchoGuard(AsItIs())
    pcm = numbered(10 * piece).pcm
    clean = [guard.clean(pcm[at : at + 2 * piece])[0] for at in range(0, len(pcm), 2 * piece)]
    assert {len(one) for one in clean} == {2 * piece}
    assert b"".join(clean) == (bytes(LATENCY_BYTES) + pcm)[: len(pcm)]


def db(sound: bytes) -> float:
    samples = np.frombuffer(sound, dtype="<i2").astype(float)
    return float(10 * np.log10((samples**2).mean() + 1e-9))


async def in_room(
    canceller: Canceller | None, user: Sound | None = None, user_at_s: float = 8.0
) -> tuple[bytes, bytes, bytes]:
    """Her story twice, and maybe the user over it: what the microphone hears, and what is left of it for whoever
    recognises words and for whoever judges voice activity."""
    her = np.tile(levelled(await spoken(STORY)), 2)
    room = Room(RoomSettings(delay_ms=150, echo_db=-8.0), np.random.default_rng(1))
    guard = EchoGuard(canceller)
    guard.far_end.tell(SoundToPlay("s", (her * 32767).astype("<i2").tobytes(), RATE), at=0)
    over = np.zeros_like(her)
    if user is not None:
        begins = round(user_at_s * RATE)
        over[begins : begins + len(user)] = user
    heard, clean, judged = bytearray(), bytearray(), bytearray()
    for at in range(0, len(her) - 320, 320):
        mic = room.step(her[at : at + 320], over[at : at + 320])
        heard += mic
        for_words, for_judging = guard.clean(mic)
        clean += for_words
        judged += for_judging
    return bytes(heard), bytes(clean), bytes(judged)


CANCELLERS = [
    pytest.param(echo.canceller, 20.0, id="aec3", marks=pytest.mark.skipif(not HAS_AEC3, reason="no AEC3")),
    pytest.param(lambda: None, 10.0, id="by level"),
]


@pytest.mark.parametrize(("canceller", "least_db"), CANCELLERS)
async def test_her_echo_is_taken_out(canceller: Callable[[], Canceller | None], least_db: float) -> None:
    heard, *left = await in_room(canceller())
    settled = 2 * 4 * RATE
    for sound in left:
        assert db(heard[settled:]) - db(sound[settled:]) > least_db


@pytest.mark.parametrize(("canceller", "least_db"), CANCELLERS)
async def test_the_user_is_heard_over_her(canceller: Callable[[], Canceller | None], least_db: float) -> None:
    user = levelled(await spoken("Wait, I would like to say something."))
    _, *alone = await in_room(canceller())
    _, *left = await in_room(canceller(), user)
    part = slice(2 * 8 * RATE, 2 * (8 * RATE + len(user)))
    for sound, echo_alone in zip(left, alone, strict=True):
        assert db(sound[part]) > db(echo_alone[part]) + 10
        assert abs(db(sound[part]) - db((user * 32767).astype("<i2").tobytes())) < 7
