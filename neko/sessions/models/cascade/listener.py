"""From microphone sound to words: voice activity, the end of the turn, the recogniser."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any
from uuid import uuid4

from neko.audio.turn_taking.patience import LONGEST_S, UNKNOWN_S, SaidSoFar, Strategy, patience
from neko.audio.turn_taking.segmenter import Segmenter, Speech
from neko.audio.voice_activity import WINDOW_BYTES, WINDOW_S, VoiceDetector
from neko.errors import HearingError, NekoError
from neko.sessions.models.cascade.room_sound import RoomSound
from neko.sessions.models.cascade.utterance import Utterance
from neko.tasks import TaskOwner, is_cancelled
from neko.types.hearing import HEARING_RATE, HearingEngine, HearingHints
from neko.types.model_session import (
    ModelEvent,
    Playback,
    SoundToPlay,
    SpeechLasts,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    Transcript,
    WordsAwaited,
)

logger = logging.getLogger(__name__)

PRE_ROLL_S = 0.5
"""Kept from before speech was noticed, so that its first syllable is heard."""
MOST_WAITING_S = 30.0
"""Sound that may wait to be judged; beyond it the oldest goes."""
MISSING_S = 5.0
"""Without any sound for so long, in the middle of a turn, the turn is over: a microphone that listens sends quiet."""
AWAITED_TOLD_S = 4.0
"""After so long without words of what was said, the user is told that they are waited for."""
_WINDOWS_AT_ONCE = 32
_SHOW_EVERY_S = 1.5
"""Seconds of speech between two looks at the words so far, where a look costs no request."""


class Listener:
    """Takes sound of ``HEARING_RATE``; ``emit`` gets what was heard, in order: ``SpeechStarted``, ``SpeechLasts``,
    partial ``Transcript``, ``SpeechStopped``, ``WordsAwaited`` where they take long, and at last one final
    ``Transcript`` or ``SpeechRejected`` of each utterance.
    """

    def __init__(
        self,
        engine: HearingEngine,
        detector: VoiceDetector,
        executor: Executor,
        strategies: Sequence[Strategy],
        *,
        owner: TaskOwner,
        emit: Callable[[ModelEvent], None],
    ) -> None:
        self.hints = HearingHints()
        self._engine = engine
        self._shows_words = engine.capabilities.local or engine.capabilities.streaming
        self._detector = detector
        self._executor = executor
        self._strategies = strategies
        self._owner = owner
        self._emit = emit
        self._clock = asyncio.get_running_loop().time
        self._segmenter = Segmenter()
        self._waiting = bytearray()
        self._room = RoomSound()
        self._reduce_noise = False
        self._arrived = asyncio.Event()
        self._ending = False
        self._ended = asyncio.Event()
        self._before: deque[bytes] = deque(maxlen=round(PRE_ROLL_S / WINDOW_S))
        self._utterance: Utterance | None = None
        self._unknown: set[Utterance] = set()
        self._shown_s = 0.0
        self._finishing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._task = self._spawn(self._run(), "listen to the microphone")
        self._task.add_done_callback(lambda _: self._ended.set())

    def feed(self, pcm: bytes, *, reduce_noise: bool = False) -> None:
        """Take sound; never waits. ``reduce_noise`` is for what waits to be judged too."""
        self._reduce_noise = reduce_noise
        self._waiting += pcm
        too_much = len(self._waiting) - round(MOST_WAITING_S * HEARING_RATE) * 2
        if too_much > 0:
            del self._waiting[: (too_much + WINDOW_BYTES - 1) // WINDOW_BYTES * WINDOW_BYTES]
        self._arrived.set()

    def tell(self, news: SoundToPlay | Playback) -> None:
        """What the client plays meanwhile, to be taken out of its sound."""
        self._room.tell(news, len(self._waiting) // 2)
        self._arrived.set()

    def go_on_from(self, before: Listener) -> None:
        """Listen to the microphone that this one listened to, before any sound of it has come."""
        self._room, before._room = before._room, RoomSound()
        self._room.taken += len(before._waiting) // 2
        self._before.extend(before._before)

    def hold(self) -> None:
        """The key to talk is pressed: what comes is one utterance until ``end``."""
        for event in self._segmenter.hold():
            self._on(event)

    def end(self) -> None:
        """The user has stopped: by the key, or because the microphone is shut. What has arrived is still heard."""
        self._ending = True
        self._arrived.set()

    async def finish(self) -> None:
        """``end``, and wait until what was said has been told as words. Raises ``HearingError`` when listening breaks
        off."""
        self._ended.clear()
        self.end()
        if not self._task.done():
            await self._ended.wait()
        if self._task.done() and not self._task.cancelled() and (crash := self._task.exception()):
            name = self._engine.capabilities.name
            raise HearingError(f"listening broke off: {type(crash).__name__}", engine=name) from crash
        if self._finishing:
            await asyncio.wait({self._finishing})

    async def aclose(self) -> None:
        """Hear nothing more; idempotent."""
        for utterance in self._unknown:
            utterance.cancel()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._owner.spawn(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ── sound to speech ───────────────────────────────────────────────────────

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(MISSING_S if self._utterance else None):
                    await self._arrived.wait()
            except TimeoutError:
                self._ending = True
            self._arrived.clear()
            while len(self._waiting) >= WINDOW_BYTES or self._room.news:
                count = min(len(self._waiting) // WINDOW_BYTES, _WINDOWS_AT_ONCE)
                sound = bytes(self._waiting[: count * WINDOW_BYTES])
                del self._waiting[: len(sound)]
                begins, news = self._room.take(len(sound) // 2)
                clean = partial(self._room.clean, sound, begins, news, reduce_noise=self._reduce_noise)
                judged = asyncio.get_running_loop().run_in_executor(self._executor, self._judge, clean)
                for window, probability in await judged:
                    self._take(window, probability)
            if self._ending:
                self._ending = False
                for event in self._segmenter.end():
                    self._on(event)
                self._ended.set()

    def _judge(self, clean: Callable[[], tuple[bytes, bytes]]) -> list[tuple[bytes, float]]:
        """In the executor: windows without her voice (and noise), and how likely each holds speech."""
        sound, judged = clean()
        return [
            (sound[at : at + WINDOW_BYTES], self._detector.probability(judged[at : at + WINDOW_BYTES]))
            for at in range(0, len(sound), WINDOW_BYTES)
        ]

    def _take(self, window: bytes, probability: float) -> None:
        if self._utterance:
            self._utterance.feed(window)
        else:
            self._before.append(window)
        for event in self._segmenter.feed(probability):
            self._on(event)
        if (utterance := self._utterance) and self._segmenter.silence_s == 0.0:
            utterance.spoken_until = self._clock()
            if self._shows_words and self._segmenter.speech_s - self._shown_s >= _SHOW_EVERY_S:
                self._look(utterance)

    def _on(self, event: Speech) -> None:
        utterance = self._utterance
        if event is Speech.BEGAN:
            self._begin()
        elif utterance is None:
            return
        elif event is Speech.LASTS:
            if self._segmenter.held or not self._room.lets_echo_through:
                self._emit(SpeechLasts(utterance.id))
        elif event is Speech.PAUSED:
            if utterance.known_s == self._segmenter.speech_s:  # looked at with the last of what was said
                self._segmenter.patience_s = self._patience(utterance)
                return
            self._segmenter.patience_s = LONGEST_S  # its end needs the same words as its patience
            self._look(utterance)
        elif event is Speech.WENT_ON:
            self._segmenter.patience_s = UNKNOWN_S
        elif event is Speech.WAS_NOISE:
            self._utterance = None
            self._unknown.discard(utterance)
            utterance.cancel()
            self._emit(SpeechStopped(utterance.id))
            self._emit(SpeechRejected(utterance.id))
        elif event is Speech.ENDED:
            self._end(utterance)

    def _begin(self) -> None:
        utterance = self._utterance = Utterance(uuid4().hex, self._engine, self.hints, self._spawn)
        self._unknown.add(utterance)
        utterance.spoken_until = self._clock()
        self._segmenter.patience_s = UNKNOWN_S
        self._shown_s = 0.0
        utterance.feed(b"".join(self._before))
        self._before.clear()
        self._emit(SpeechStarted(utterance.id))

    def _patience(self, utterance: Utterance) -> float:
        segmenter = self._segmenter
        known = utterance.known_s == segmenter.speech_s
        said = SaidSoFar(
            utterance.text if known else None,
            self.hints.language,
            segmenter.speech_s,
            segmenter.since_pause_s,
            segmenter.longest_pause_s,
            utterance.confidence if known else None,
        )
        return patience(said, self._strategies)

    # ── speech to words ───────────────────────────────────────────────────────

    def _look(self, utterance: Utterance) -> None:
        """Recognise what was said so far: to show it, and to know whether it sounds finished."""
        self._shown_s = self._segmenter.speech_s
        utterance.look(self._segmenter.speech_s, lambda: self._looked(utterance))

    def _looked(self, utterance: Utterance) -> None:
        if utterance is not self._utterance:
            return
        if utterance.text:
            self._emit(Transcript(utterance.id, utterance.text, final=False))
        if utterance.known_s == self._segmenter.speech_s:  # nothing was said since
            self._segmenter.patience_s = self._patience(utterance)
        elif self._segmenter.pausing:
            self._look(utterance)

    def _end(self, utterance: Utterance) -> None:
        self._utterance = None
        self._emit(SpeechStopped(utterance.id))
        work = self._finish(utterance, self._segmenter.speech_s, self._clock(), self._finishing)
        self._finishing = self._spawn(work, "recognise")

    async def _finish(
        self, utterance: Utterance, speech_s: float, ended: float, before: asyncio.Task[None] | None
    ) -> None:
        """The words of an utterance, after those of the one before it."""
        error: NekoError | None = None
        words = ""
        name = self._engine.capabilities.name
        told = asyncio.get_running_loop().call_later(AWAITED_TOLD_S, self._emit, WordsAwaited(utterance.id, name))
        try:
            words = await utterance.words(speech_s)
        except NekoError as failure:
            error = failure
        except (Exception, asyncio.CancelledError) as failure:
            if not isinstance(failure, Exception) and is_cancelled():
                raise
            logger.exception("an utterance was not recognised")
            error = HearingError(f"recognition broke off: {type(failure).__name__}", engine=name)
        finally:
            told.cancel()
        self._unknown.discard(utterance)
        if before:
            await asyncio.wait({before})
        if words:
            self._emit(Transcript(utterance.id, words, True, utterance.spoken_until, ended))
        else:
            self._emit(SpeechRejected(utterance.id, error))
