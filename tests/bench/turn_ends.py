"""Where the real listener ends the turns of ``tests/audio/spoken_set.py``, in the time of the sound."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from neko.audio.turn_taking.patience import SaidSoFar, Strategy
from neko.audio.voice_activity import detector
from neko.sessions.models.cascade.listener import Listener
from neko.tasks import TaskOwner
from neko.types.hearing import HEARING_RATE, HearingHints
from neko.types.model_session import ModelEvent, SpeechStarted, SpeechStopped, Transcript
from tests.audio.spoken_set import Recording
from tests.bench.sound_time import AtOnce, Timed
from tests.spoken import FRAME

FRAME_S = FRAME / 2 / HEARING_RATE
LATEST_S = 3.0
"""A turn that has not ended by then never will."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One turn. ``wait_s``: from its last sample to its end, ``None`` if it never ended. ``cuts``: ends before
    all of it was said. ``lost_s``: how much of its beginning the recogniser was not given. ``heard``: its final
    words. ``words_s``: from its last sample to them."""

    recording: Recording
    wait_s: float | None
    cuts: int
    lost_s: float
    heard: str
    words_s: float | None


def fixed(seconds: float) -> Strategy:
    """A timer, as others have it."""

    def wait(_said: SaidSoFar, _wait_s: float) -> float:
        return seconds

    return wait


async def play(recording: Recording, engine: Timed, strategies: Sequence[Strategy], *, silero: bool) -> Ended:
    """Play it to a listener as a microphone would."""
    clock = asyncio.get_running_loop().time
    began = clock()
    told: list[tuple[float, ModelEvent]] = []
    first = len(engine.sounds)
    async with TaskOwner("bench") as owner:
        listener = Listener(
            engine,
            detector(silero=silero),
            AtOnce(),
            strategies,
            owner=owner,
            emit=lambda event: told.append((clock() - began, event)),
        )
        listener.hints = HearingHints(recording.turn.language)
        for number, at in enumerate(range(0, len(recording.pcm), FRAME)):
            await asyncio.sleep(began + (number + 1) * FRAME_S - clock())
            listener.feed(recording.pcm[at : at + FRAME])
        await asyncio.sleep(3.0)
        await listener.aclose()
    stops = [at for at, event in told if isinstance(event, SpeechStopped)]
    finals = [(at, event) for at, event in told if isinstance(event, Transcript) and event.final]
    last_piece = recording.speech[-1][0]
    ends = [at for at in stops if at >= last_piece]
    starts = [at for at, event in told if isinstance(event, SpeechStarted)]
    lost = recording.end_s - recording.begin_s
    if starts:
        offset = recording.pcm.find(bytes(engine.sounds[first][:FRAME]))
        lost = max(0.0, offset / 2 / HEARING_RATE - recording.begin_s)
    return Ended(
        recording,
        ends[-1] - recording.end_s if ends else None,
        max(0, len(finals) - 1),
        lost,
        " / ".join(event.text for _, event in finals),
        finals[-1][0] - recording.end_s if finals else None,
    )
