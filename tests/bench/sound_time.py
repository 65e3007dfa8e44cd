"""Time that is the sound's: a loop whose clock jumps to the next timer when nobody has anything to do.

What takes real time (a model) is done while the clock stands, and takes what it was measured to take. So a busy
machine does not change a figure, and 70 turns take as long as their recognition.
"""

from __future__ import annotations

import asyncio
import hashlib
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

import numpy as np

from neko.audio.hearing import worker
from neko.audio.hearing.buffered import BufferedRecognition
from neko.audio.hearing.models import LocalModel
from neko.types.hearing import Heard, HearingCapabilities, HearingHints, Recognition

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events and timeout:
            self.now += timeout
        return events


class SoundTimeLoop(asyncio.SelectorEventLoop):
    """See the module. Nothing may wait for a thread or a socket in it."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def in_sound_time(work: Coroutine[Any, Any, T]) -> T:
    """Run it."""
    with asyncio.Runner(loop_factory=SoundTimeLoop) as runner:
        return runner.run(work)


class AtOnce(Executor):
    """Does everything in the caller's thread."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Timed:
    """A local model whose words come after what they took of the processor, spread over its ``threads`` on idle cores.

    The same sound is recognised once. ``sounds``: what each utterance was fed.
    """

    def __init__(self, model: LocalModel) -> None:
        self.capabilities = HearingCapabilities(model.title, local=True, languages=model.languages)
        self.sounds: list[bytearray] = []
        self.known: dict[bytes, tuple[Heard, float]] = {}
        self._model = worker.load(model.order)
        self._one = asyncio.Lock()

    async def prewarm(self) -> None:
        """It is loaded."""

    def begin(self, utterance_id: str, hints: HearingHints) -> Recognition:
        sound = bytearray()
        self.sounds.append(sound)
        return _Kept(sound, self.capabilities, utterance_id, hints, self._transcribe)

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _transcribe(self, pcm: bytes, hints: HearingHints) -> Heard:
        async with self._one:
            key = hashlib.sha256(hints.language.encode() + pcm).digest()
            if key not in self.known:
                samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(2**15)
                began = time.process_time()
                answer = self._model.hear(samples, hints.language, "", list(hints.vocabulary))
                seconds = (time.process_time() - began) / worker.threads()
                self.known[key] = Heard("", final=True, **answer), seconds
            heard, seconds = self.known[key]
            await asyncio.sleep(seconds)
            return heard


class _Kept(BufferedRecognition):
    def __init__(self, sound: bytearray, *args: Any) -> None:
        super().__init__(*args)
        self._kept = sound

    def feed(self, pcm: bytes) -> None:
        self._kept += pcm
        super().feed(pcm)
