"""One character's voice: streamed text, or a model's own sound, to frames of 48 kHz PCM16.

Two tasks per reply: one makes sound ahead (a bounded number of frames), one hands it over in
order. A cut swaps the whole reply: a late producer writes into an orphan that nobody reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field

from neko.audio.resample import SPEAKER_RATE, PcmStream
from neko.audio.sentences import SentenceCutter
from neko.audio.speakable import speakable
from neko.errors import NekoError
from neko.language import guess
from neko.tasks import Owner, in_thread
from neko.types import SpeechEngine, Utterance, VoiceSettings

logger = logging.getLogger(__name__)

BYTES_PER_MS = SPEAKER_RATE // 1000 * 2
FRAME = 150 * BYTES_PER_MS
FIRST_FRAME = 40 * BYTES_PER_MS
FRAMES_AHEAD = 64

OnAudio = Callable[[str, bytes], Awaitable[None]]
OnSentence = Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class _Sound:
    pcm: bytes
    rate: int


_Input = str | _Sound | None
"""A sentence, sound, or the end of the reply."""


@dataclass(slots=True)
class _Reply:
    """Everything that belongs to one speech id, dropped as a whole when it is cut."""

    speech_id: str
    voice: VoiceSettings
    language: str
    engine: SpeechEngine
    cutter: SentenceCutter = field(default_factory=SentenceCutter)
    waiting: asyncio.Queue[_Input] = field(default_factory=asyncio.Queue)
    frames: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(FRAMES_AHEAD))
    unframed: bytearray = field(default_factory=bytearray)
    resampler: PcmStream | None = None
    started: bool = False
    faulty: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Speaker:
    """``on_audio`` is awaited, which gives back-pressure; ``on_end`` follows the last frame and never
    comes after a cut; ``on_fault`` comes at most once per reply; ``on_sentence`` gets (speech id,
    text, language) of each sentence when the page speaks for itself."""

    def __init__(
        self,
        engine: SpeechEngine,
        executor: ThreadPoolExecutor,
        *,
        owner: Owner,
        on_audio: OnAudio,
        on_end: Callable[[str], None],
        on_fault: Callable[[NekoError], None],
        on_sentence: OnSentence | None = None,
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._owner = owner
        self._on_audio = on_audio
        self._on_end = on_end
        self._on_fault = on_fault
        self._on_sentence = on_sentence
        self._reply: _Reply | None = None

    @property
    def busy(self) -> bool:
        """Is there sound still to be handed over?"""
        return self._reply is not None

    def use(self, engine: SpeechEngine) -> None:
        """Speak with another engine from the next reply on."""
        self._engine = engine

    def begin(self, speech_id: str, voice: VoiceSettings, language: str) -> None:
        """Start a reply; whatever was running is cut."""
        self.cancel()
        reply = self._reply = _Reply(speech_id, voice, language, self._engine)
        reply.tasks = [
            self._owner.spawn(self._produce(reply), name="speech synthesis"),
            self._owner.spawn(self._deliver(reply), name="speech delivery"),
        ]

    def feed(self, text: str) -> None:
        """Text as it streams, markup and all."""
        if self._reply:
            for piece in self._reply.cutter.feed(text):
                self._reply.waiting.put_nowait(piece)

    def feed_audio(self, pcm: bytes, rate: int) -> None:
        """A model's own voice: PCM16 mono at ``rate`` Hz."""
        if self._reply:
            self._reply.waiting.put_nowait(_Sound(pcm, rate))

    def finish(self) -> None:
        """No more input for this reply."""
        if self._reply:
            for piece in self._reply.cutter.flush():
                self._reply.waiting.put_nowait(piece)
            self._reply.waiting.put_nowait(None)

    def cancel(self) -> None:
        """Cut the running reply: when this returns, nothing more of it is handed over."""
        reply, self._reply = self._reply, None
        if reply:
            for task in reply.tasks:
                task.cancel()

    async def aclose(self) -> None:
        """Cut what runs and free the engine."""
        reply = self._reply
        self.cancel()
        if reply:
            await asyncio.wait(reply.tasks)
        await self._engine.aclose()

    async def _produce(self, reply: _Reply) -> None:
        while (item := await reply.waiting.get()) is not None:
            if isinstance(item, _Sound):
                await self._convert(reply, item)
            else:
                language = guess(item, reply.language)
                if text := speakable(item, language):
                    await self._say(reply, text, language)
        if reply.resampler:
            loop = asyncio.get_running_loop()
            await self._pack(reply, await loop.run_in_executor(self._executor, reply.resampler.flush))
        if reply.unframed:
            await reply.frames.put(bytes(reply.unframed))
        await reply.frames.put(None)

    async def _say(self, reply: _Reply, text: str, language: str) -> None:
        if reply.engine.capabilities.on_page:
            if self._on_sentence:
                self._on_sentence(reply.speech_id, text, language)
            return
        resampler = reply.resampler = reply.resampler or PcmStream(reply.engine.capabilities.sample_rate)
        utterance = Utterance(text, language, reply.voice)
        try:
            async with aclosing(reply.engine.synthesise(utterance, resampler.process)) as pieces:
                async for piece in pieces:
                    await self._pack(reply, piece)
        except NekoError as error:
            logger.warning("a sentence could not be spoken: %s", error)
            if not reply.faulty:
                reply.faulty = True
                self._on_fault(error)

    async def _convert(self, reply: _Reply, sound: _Sound) -> None:
        resampler = reply.resampler = reply.resampler or PcmStream(sound.rate)
        loop = asyncio.get_running_loop()
        await self._pack(reply, await loop.run_in_executor(self._executor, resampler.process, sound.pcm))

    async def _pack(self, reply: _Reply, pcm: bytes) -> None:
        reply.unframed += pcm
        while len(reply.unframed) >= (FRAME if reply.started else FIRST_FRAME):
            frame = bytes(reply.unframed[:FRAME])
            del reply.unframed[:FRAME]
            reply.started = True
            await reply.frames.put(frame)

    async def _deliver(self, reply: _Reply) -> None:
        while (frame := await reply.frames.get()) is not None:
            if self._reply is not reply:
                return
            await self._on_audio(reply.speech_id, frame)
        if self._reply is reply:
            self._reply = None
            self._on_end(reply.speech_id)


async def say(engine: SpeechEngine, utterance: Utterance) -> bytes:
    """One utterance as a whole: PCM16 mono, 48 kHz. Raises ``SpeechError``."""
    resampler = PcmStream(engine.capabilities.sample_rate)
    async with aclosing(engine.synthesise(utterance, resampler.process)) as pieces:
        sound = [piece async for piece in pieces]
    return b"".join([*sound, await in_thread(resampler.flush)])
