"""What a call is heard with: voice activity, the strategies of turn-taking, and the recogniser in force."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from neko.audio import voice_activity
from neko.audio.turn_taking.by_confidence import by_confidence
from neko.audio.turn_taking.by_length import by_length
from neko.audio.turn_taking.by_pauses import by_pauses
from neko.audio.turn_taking.by_words import by_words
from neko.sessions.models.cascade.session import Ears
from neko.types.hearing import HearingEngine

STRATEGIES = (by_words, by_length, by_confidence, by_pauses)


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

    def close(self) -> None:
        """Stop the thread; nothing listens any more."""
        self._executor.shutdown(wait=False, cancel_futures=True)
