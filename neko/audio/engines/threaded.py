"""What voices that reckon on this computer share: one worker thread a library or model, whoever speaks with it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Final

from neko.audio.resample import PcmStream
from neko.errors import SpeechError
from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceSettings

HandOver = Callable[[bytes | None], None]

BREATH_MS: Final = 380
SHORT_PAUSE_MS: Final = 110
"""After a sentence, and after a piece of one."""
_SENTENCE_ENDS: Final = tuple(".!?…。！？")
CLOSING: Final = " \"'”’»)）」』"
"""What may follow the end of a sentence."""
_CLOSE_TIMEOUT_S: Final = 1.0


def pause_after(text: str) -> int:
    """Milliseconds of silence that follow ``text``."""
    return BREATH_MS if text.rstrip(CLOSING).endswith(_SENTENCE_ENDS) else SHORT_PAUSE_MS


class SharedWorker:
    """Whoever speaks borrows the worker thread and gives it back; the last one to leave ends it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._worker: ThreadPoolExecutor | None = None
        self._borrowers = 0
        self._lock = threading.Lock()

    def borrow(self) -> ThreadPoolExecutor:
        """The one worker thread."""
        with self._lock:
            self._borrowers += 1
            if self._worker is None:
                self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self._name)
            return self._worker

    def give_back(self) -> None:
        """The counterpart of ``borrow``."""
        with self._lock:
            self._borrowers -= 1
            if self._borrowers == 0 and self._worker is not None:
                self._worker.shutdown(wait=False)
                self._worker = None


class ThreadedVoice(ABC):
    """A ``SpeechEngine`` whose utterances are jobs of a shared worker; ``speak`` is what a job does."""

    capabilities: SpeechCapabilities

    def __init__(self, name: str, worker: SharedWorker) -> None:
        """``name`` is what errors call the engine."""
        self._name = name
        self._shared = worker
        self._running: dict[asyncio.Future[None], threading.Event] = {}
        self._borrowed: ThreadPoolExecutor | None = None
        self._closed = False

    @abstractmethod
    def speak(self, utterance: Utterance, convert: Convert, hand_over: HandOver, cancelled: threading.Event) -> None:
        """Hand over all sound of ``utterance``, converted; soon over once ``cancelled``. In the worker thread."""

    @abstractmethod
    def word(self, language: str) -> str:
        """Something short to warm up with, which has everything loaded that ``language`` needs."""

    async def prewarm(self, language: str = "") -> None:
        """Load everything and say a word to nobody; raises ``SpeechError`` when something is missing."""
        silence = PcmStream(self.capabilities.sample_rate)
        word = Utterance(self.word(language), language or "en")
        async with aclosing(self.synthesise(word, silence.process)) as pieces:
            async for _ in pieces:
                pass

    def expect(self, voice: VoiceSettings) -> None:
        """Nobody has to be reached."""
        return

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``.

        What is made ahead of the listener is bounded by the utterance, not by waiting: the one
        worker serves every character and must not wait for one of them.
        """
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        cancelled = threading.Event()

        def hand_over(piece: bytes | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        job = loop.run_in_executor(self._worker(), self._job, utterance, convert, hand_over, cancelled)
        self._running[job] = cancelled
        try:
            while (piece := await pieces.get()) is not None:
                if piece and not cancelled.is_set():
                    yield piece
            await job
        finally:
            self.stop(cancelled)
            del self._running[job]
            if not job.cancel() and not job.cancelled():
                job.exception()

    def stop(self, cancelled: threading.Event) -> None:
        """End the job that looks at ``cancelled``."""
        cancelled.set()

    def _worker(self) -> ThreadPoolExecutor:
        if self._closed:
            raise SpeechError("the voice is closed", engine=self._name)
        if self._borrowed is None:
            self._borrowed = self._shared.borrow()
        return self._borrowed

    def _job(self, utterance: Utterance, convert: Convert, hand_over: HandOver, cancelled: threading.Event) -> None:
        try:
            if not cancelled.is_set():
                self.speak(utterance, convert, hand_over, cancelled)
        except SpeechError:
            raise
        except Exception as error:
            raise SpeechError(f"the voice failed: {error!r}", engine=self._name) from error
        finally:
            hand_over(None)

    async def aclose(self) -> None:
        """Cancel what is being said. What is loaded belongs to the process."""
        self._closed = True
        for cancelled in self._running.values():
            self.stop(cancelled)
        if self._running:
            await asyncio.wait(list(self._running), timeout=_CLOSE_TIMEOUT_S)
        if self._borrowed is not None:
            self._borrowed = None
            self._shared.give_back()
