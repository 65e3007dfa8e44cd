"""What a call is heard with: voice activity, the strategies of turn-taking, and the recogniser in force."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from neko.audio import voice_activity
from neko.audio.turn_taking.by_confidence import by_confidence
from neko.audio.turn_taking.by_length import by_length
from neko.audio.turn_taking.by_pauses import by_pauses
from neko.audio.turn_taking.by_words import by_words
from neko.sessions.models.cascade.listener import Listener
from neko.sessions.models.cascade.session import Ears
from neko.sessions.models.realtime.own_turns import Detection
from neko.tasks import TaskOwner
from neko.types.hearing import HearingEngine, HearingHints
from neko.types.model_session import ModelEvent, SpeechRejected, SpeechStarted, Transcript

STRATEGIES = (by_words, by_length, by_confidence, by_pauses)


@dataclass(frozen=True, slots=True)
class HeardRecording:
    """What a call would have made of a recording. ``speech``: it holds some, even if no words were made out.
    ``seconds``: from its end to the words."""

    engine: str
    speech: bool
    text: str
    seconds: float


class Listening:
    """``neko.listening``. ``engine`` gives the recogniser in force and raises the ``NekoError`` that says why there is
    none. One thread of its own judges voice activity, so that no synthesis keeps it up."""

    def __init__(self, engine: Callable[[], HearingEngine], *, silero: bool) -> None:
        self._engine = engine
        self._silero = silero
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="neko-voice-activity")

    def ears(self) -> Ears:
        """For one session. Raises ``NekoError``."""
        return Ears(self._engine(), voice_activity.detector(silero=self._silero), self._executor, STRATEGIES)

    def detection(self) -> Detection:
        """For one call with a voice model."""
        return Detection(voice_activity.detector(silero=self._silero), self._executor)

    async def hear(self, pcm: bytes, hints: HearingHints, *, reduce_noise: bool = False) -> HeardRecording:
        """The words of a recording (PCM16 mono at ``HEARING_RATE``), by everything that a call is heard with.

        Raises ``NekoError``.
        """
        ears = self.ears()
        await ears.engine.prewarm()
        events: list[ModelEvent] = []
        async with TaskOwner("recording") as owner:
            listener = Listener(
                ears.engine, ears.detector, ears.executor, ears.strategies, owner=owner, emit=events.append
            )
            listener.hints = hints
            listener.feed(pcm, reduce_noise=reduce_noise)
            began = time.perf_counter()
            try:
                await listener.finish()
            finally:
                await listener.aclose()
        for event in events:
            if isinstance(event, SpeechRejected) and event.error is not None:
                raise event.error
        return HeardRecording(
            ears.engine.capabilities.name,
            any(isinstance(event, SpeechStarted) for event in events),
            " ".join(event.text for event in events if isinstance(event, Transcript) and event.final),
            time.perf_counter() - began,
        )

    def close(self) -> None:
        """Stop the thread; nothing listens any more."""
        self._executor.shutdown(wait=False, cancel_futures=True)
