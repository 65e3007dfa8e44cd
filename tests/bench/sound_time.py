"""Time that is the sound's: a loop whose clock jumps to the next timer when nobody has anything to do.

What takes real time (a model) is done while the clock stands, and takes what it was measured to take. So a busy
machine does not change a figure, and 70 turns take as long as their recognition.
"""

from __future__ import annotations

import asyncio
import hashlib
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from neko.audio.hearing.buffered import BufferedRecognition
from neko.types.hearing import Heard, HearingCapabilities, HearingEngine, HearingHints

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
    """A local recogniser whose words come after what they took of the processor, spread over ``threads`` idle cores.

    The same sound is recognised once. ``sounds``: what each utterance was fed.
    """

    def __init__(self, engine: HearingEngine, threads: int = 2) -> None:
        self.capabilities = HearingCapabilities(engine.capabilities.name, local=True)
        self.sounds: list[bytearray] = []
        self.known: dict[bytes, tuple[Heard, float]] = {}
        self._engine = engine
        self._threads = threads
        self._one = asyncio.Lock()
        self._elsewhere = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._elsewhere.run_forever, daemon=True)
        self._thread.start()

    async def prewarm(self) -> None:
        asyncio.run_coroutine_threadsafe(self._engine.prewarm(), self._elsewhere).result()

    def begin(self, utterance_id: str, hints: HearingHints) -> BufferedRecognition:
        sound = bytearray()
        self.sounds.append(sound)
        return _Kept(sound, utterance_id, hints, self._transcribe)

    async def aclose(self) -> None:
        asyncio.run_coroutine_threadsafe(self._engine.aclose(), self._elsewhere).result()
        self._elsewhere.call_soon_threadsafe(self._elsewhere.stop)
        self._thread.join()
        self._elsewhere.close()

    async def _transcribe(self, pcm: bytes, hints: HearingHints) -> Heard:
        async with self._one:
            key = hashlib.sha256(hints.language.encode() + pcm).digest()
            if key not in self.known:
                began = time.process_time()
                heard = asyncio.run_coroutine_threadsafe(self._once(pcm, hints), self._elsewhere).result()
                self.known[key] = heard, (time.process_time() - began) / self._threads
            heard, seconds = self.known[key]
            await asyncio.sleep(seconds)
            return heard

    async def _once(self, pcm: bytes, hints: HearingHints) -> Heard:
        recognition = self._engine.begin("", hints)
        recognition.feed(pcm)
        return await recognition.partial()


class _Kept(BufferedRecognition):
    def __init__(self, sound: bytearray, *args: Any) -> None:
        super().__init__(*args)
        self._kept = sound

    def feed(self, pcm: bytes) -> None:
        self._kept += pcm
        super().feed(pcm)
