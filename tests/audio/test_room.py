"""Calls through a loudspeaker and a microphone in one room: her own echo does not stop her, and the user does.

The short calls are part of a plain run; ``long`` ones print what the short ones only bound:
``pytest -m long -s tests/audio/test_room.py``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import pytest

from neko.audio import echo
from neko.audio.echo import Canceller, EchoGuard
from neko.audio.voice_activity import detector, silero_installed
from tests.room import Call, Outcome, RoomSettings, Sound, levelled
from tests.spoken import spoken

HER = (
    "Once upon a time there was a small cat who lived at the edge of a quiet village. Every evening she climbed the "
    "hill to watch the lights come on, one after another. Some people said that she was waiting for somebody, but she "
    "only liked the view. One night the wind brought a strange song from the forest, and she followed it between the "
    "old trees. There she met an owl who had forgotten the last line of his song. They tried every word they knew, "
    "and laughed until the moon went down. What would you like to hear next? I know a recipe for soup with carrots "
    "and ginger, and it takes no more than twenty minutes. First you chop an onion, then you let it turn golden."
)
USER = (
    "Wait, stop for a moment please.",
    "No, that is not what I meant.",
    "Can you say that again?",
    "Stop.",
    "Sorry, what was that?",
    "Hold on.",
    "I have a question about this.",
)
ROOMS = (
    RoomSettings(delay_ms=50, echo_db=-6.0),
    RoomSettings(delay_ms=120, echo_db=-12.0),
    RoomSettings(delay_ms=250, echo_db=-20.0),
    RoomSettings(delay_ms=180, echo_db=-6.0, decay_s=0.4),
    RoomSettings(delay_ms=250, echo_db=-6.0),
    RoomSettings(delay_ms=80, echo_db=-20.0, noise_db=-55.0),
)
STEPS_A_SECOND = 50


async def her_voice() -> Sound:
    """By hibari where it is installed: the best voice has the most like a user's."""
    if importlib.util.find_spec("hibari") is None:
        return levelled(await spoken(HER))
    import hibari
    import soxr

    sound = soxr.resample(hibari.Hibari()(HER, seed=1), hibari.SAMPLE_RATE, 16_000)
    return levelled((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


async def calls(
    seconds: float,
    *,
    silero: bool,
    talked_over: bool,
    canceller: Callable[[], Canceller | None],
    rooms: tuple[RoomSettings, ...] = ROOMS,
) -> Outcome:
    """One call of so many seconds in each room."""
    her, says = await her_voice(), [levelled(await spoken(text)) for text in USER]
    total = Outcome()
    for seed, room in enumerate(rooms):
        random = np.random.default_rng(seed)
        user, at = [], 3 * STEPS_A_SECOND
        while talked_over and at < (seconds - 4) * STEPS_A_SECOND:
            user.append((at, says[random.integers(len(says))]))
            at += int(random.integers(5 * STEPS_A_SECOND, 8 * STEPS_A_SECOND))
        call = Call(her, detector(silero=silero), EchoGuard(canceller()), room, seed=seed, user=user)
        total.add(call.run(round(seconds * STEPS_A_SECOND)))
    return total


DETECTORS = [
    pytest.param(True, id="silero", marks=pytest.mark.skipif(not silero_installed(), reason="no Silero")),
    pytest.param(False, id="energy"),
]


CANCELLERS = [
    pytest.param(
        echo.canceller,
        id="aec3",
        marks=pytest.mark.skipif(importlib.util.find_spec("pywebrtc_audio") is None, reason="no AEC3"),
    ),
    pytest.param(lambda: None, id="by level"),
]


WAYS = [
    pytest.param(*heard.values, *canceller.values, id=f"{heard.id}-{canceller.id}", marks=marks)
    for heard, canceller in zip(DETECTORS * 2, CANCELLERS + CANCELLERS[::-1], strict=True)
    for marks in [(*heard.marks, *canceller.marks)]
]
"""The first two have each detector and each canceller once."""


@pytest.mark.few(2)
@pytest.mark.parametrize(("silero", "canceller"), WAYS)
async def test_she_is_not_stopped_by_her_echo_and_is_by_the_user(
    silero: bool, canceller: Callable[[], Canceller | None]
) -> None:
    outcome = await calls(13, silero=silero, talked_over=True, canceller=canceller, rooms=ROOMS[1:3])
    assert outcome.interruptions >= 2
    assert (outcome.false_stops, outcome.missed) == (0, 0), outcome


@pytest.mark.few(2)
@pytest.mark.parametrize(("silero", "canceller"), WAYS)
async def test_her_echo_does_not_hold_her_once_the_room_is_known(
    silero: bool, canceller: Callable[[], Canceller | None]
) -> None:
    rooms = ROOMS[1:3]
    outcome = await calls(10, silero=silero, talked_over=False, canceller=canceller, rooms=rooms)
    assert outcome.false_holds <= len(rooms), outcome


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("talked_over", [False, True], ids=["alone", "talked over"])
@pytest.mark.parametrize("canceller", CANCELLERS)
@pytest.mark.parametrize("silero", DETECTORS)
async def test_ten_minutes_of_her(silero: bool, canceller: Callable[[], Canceller | None], talked_over: bool) -> None:
    outcome = await calls(240, silero=silero, talked_over=talked_over, canceller=canceller)
    name = f"{'silero' if silero else 'energy'}, {'AEC3' if canceller() else 'by level'}"
    print(f"\n{name}, {'talked over' if talked_over else 'alone'}: {outcome}")  # noqa: T201
    assert outcome.spoken_s >= 600
    assert outcome.false_stops <= outcome.spoken_s / 600
    assert outcome.missed <= 0.05 * outcome.interruptions
    if not talked_over:
        assert outcome.false_holds <= 20 * outcome.spoken_s / 600
    elif silero:  # each interruption begins another speech, whose first words are the hardest to expect
        assert outcome.false_holds <= 40 * outcome.spoken_s / 600
