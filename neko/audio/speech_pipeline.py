"""One character's voice: streamed text, or a model's own sound, to frames of 48 kHz PCM16.

Two tasks per reply: one makes sound ahead (a bounded number of frames), one hands it over in
order. A cut swaps the whole reply: a late producer writes into an orphan that nobody reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field

from neko.audio.resample import SPEAKER_RATE, PcmStream
from neko.audio.sentences import SentenceCutter
from neko.audio.speakable import condensed, speakable
from neko.audio.spoken_language import SpokenLanguage
from neko.audio.spoken_text import SpokenText
from neko.errors import NekoError, SpeechError
from neko.speech_errors import SpeechTooLongError
from neko.tasks import TaskOwner, in_thread
from neko.types.speech import SpeechEngine, Utterance, VoiceSettings

logger = logging.getLogger(__name__)

BYTES_PER_MS = SPEAKER_RATE // 1000 * 2
FRAME = 150 * BYTES_PER_MS
FIRST_FRAME = 40 * BYTES_PER_MS
SMALLEST_FRAME = 4
"""Bytes; the page does not take less."""
FRAMES_AHEAD = 64
LONGEST_TEXT = 20_000
"""Characters that may wait to be spoken, some twenty minutes."""
_LONG_PIECE = 400
"""Characters that no piece exceeds but one of blanks, which are not spoken."""
LONGEST_SOUND_S = 600.0
"""Seconds of a model's own voice that may wait."""
_FLUSH_TIMEOUT_S = 0.1
"""Seconds without input after which what is left of the last sentence goes out as a short frame."""
_MOST_FAILURES = 3
"""Sentences in a row that may fail; what follows in the reply goes unspoken."""
_CLOSE_TIMEOUT_S = 2.0
_LAST_SENTENCE_S = 10.0
"""Seconds that a voice may go on after another was chosen."""

OnAudio = Callable[[str, bytes], Awaitable[None]]
OnAudioNow = Callable[[str, bytes], bool]
OnSentence = Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class _Sound:
    pcm: bytes
    rate: int

    @property
    def share(self) -> float:
        """Of what may wait."""
        return len(self.pcm) / (2 * self.rate * LONGEST_SOUND_S)


@dataclass(slots=True)
class _Reply:
    """Everything that belongs to one speech id, dropped as a whole when it is cut.

    ``inbox`` holds sentences, sound, and None for the end; ``waiting`` is how full it is, up to 1.
    ``between``: no sentence is being made. ``on_page``: the engine in whose place the page speaks.
    ``closed``: it takes no more input. ``flowing``: not paused. ``told``: codes of the faults that were.
    ``making``, ``delivering``: its tasks are at work, or will be by themselves.
    ``made``: bytes of sound so far. ``fed_ms``: how long the sound is that a model spoke itself.
    """

    speech_id: str
    voice: VoiceSettings
    language: str
    engine: SpeechEngine
    cutter: SentenceCutter = field(default_factory=SentenceCutter)
    inbox: asyncio.Queue[str | _Sound | None] = field(default_factory=asyncio.Queue)
    waiting: float = 0.0
    frames: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FRAMES_AHEAD))
    unframed: bytearray = field(default_factory=bytearray)
    resampler: PcmStream | None = None
    started: bool = False
    between: asyncio.Event = field(default_factory=asyncio.Event)
    on_page: SpeechEngine | None = None
    closed: bool = False
    told: set[str] = field(default_factory=set)
    failures: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    making: bool = True
    delivering: bool = True
    made: int = 0
    fed_ms: float = 0.0
    spoken_text: SpokenText = field(default_factory=SpokenText)

    spoken_language: SpokenLanguage = field(init=False)

    def __post_init__(self) -> None:
        self.spoken_language = SpokenLanguage(self.language)
        self.between.set()
        self.flowing.set()

    @property
    def idle(self) -> bool:
        """Do both of its tasks wait, with nothing to do, and is nothing held?"""
        is_busy = self.making or self.delivering or self.inbox.qsize() or self.frames.qsize() or self.unframed
        return not is_busy and self.flowing.is_set()

    def end_frames(self) -> None:
        """All sound is made: queue what is left of it as frames, and the end mark."""
        while self.unframed:
            self.frames.put_nowait(self.cut_frame())
        self.frames.put_nowait(None)

    def cut_frame(self, size: int = FRAME) -> bytes:
        frame = bytes(self.unframed[:size])
        del self.unframed[:size]
        self.started = True
        return frame.ljust(SMALLEST_FRAME, b"\0")

    def stop(self) -> None:
        for task in self.tasks:
            task.cancel()


class SpeechPipeline:
    """``on_audio`` is awaited, which gives back-pressure; ``on_audio_now`` takes sound only if it need not wait.
    ``on_end`` follows the last frame, once, and never comes after a cut. ``on_fault`` comes at most once per reply and
    code, and what can still be spoken is; ``on_sentence`` gets (speech id, text, language) of each sentence when
    the page speaks for itself. A reply that runs too far ahead of its sound stays unspoken from there on."""

    def __init__(
        self,
        engine: SpeechEngine,
        executor: ThreadPoolExecutor,
        *,
        owner: TaskOwner,
        on_audio: OnAudio,
        on_end: Callable[[str], None],
        on_fault: Callable[[NekoError], None],
        on_sentence: OnSentence | None = None,
        on_audio_now: OnAudioNow | None = None,
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._owner = owner
        self._on_audio = on_audio
        self._on_end = on_end
        self._on_fault = on_fault
        self._on_sentence = on_sentence
        self._on_audio_now = on_audio_now
        self._reply: _Reply | None = None
        self._latest: _Reply | None = None
        self._leaving: set[SpeechEngine] = set()
        self._paused = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Is there sound still to be handed over?"""
        return self._reply is not None

    async def use(self, engine: SpeechEngine, voice: VoiceSettings) -> None:
        """Speak with another engine and voice from the next sentence on that is made.

        Takes effect at once; returns when the sentence that is being made is over, or takes too long, and the engine
        before is closed.
        """
        old, self._engine = self._engine, engine
        self._leaving.add(old)
        if reply := self._reply:
            reply.engine, reply.voice, reply.failures = engine, voice, 0
            reply.told.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SENTENCE_S):
                    await reply.between.wait()
        await old.aclose()
        self._leaving.discard(old)

    def expect(self, voice: VoiceSettings) -> None:
        """A reply is about to ``begin``, once its first words are there: see ``SpeechEngine``."""
        self._engine.expect(voice)

    def begin(self, speech_id: str, voice: VoiceSettings, language: str) -> None:
        """Start a reply; whatever was running is cut."""
        self.cancel()
        reply = _Reply(speech_id, voice, language, self._engine)
        reply.tasks = [
            self._owner.spawn(self._produce(reply), name="speech synthesis"),
            self._owner.spawn(self._deliver(reply), name="speech delivery"),
        ]
        for task in reply.tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        reply.tasks[1].add_done_callback(lambda _: self._forget(reply))
        self._reply = self._latest = reply
        if self._paused:
            reply.flowing.clear()

    def feed(self, text: str) -> None:
        """Text as it streams, markup and all."""
        reply = self._reply
        if reply and not reply.closed:
            for piece in reply.cutter.feed(text):
                self._put(reply, piece, _share(piece))

    def feed_audio(self, pcm: bytes, rate: int) -> None:
        """A model's own voice: PCM16 mono at ``rate`` Hz."""
        reply = self._reply
        if reply and not reply.closed and pcm:
            sound = _Sound(pcm, rate)
            reply.fed_ms += len(pcm) / (2 * rate) * 1000
            if not self._pass_on(reply, sound):
                self._put(reply, sound, sound.share)

    def _pass_on(self, reply: _Reply, sound: _Sound) -> bool:
        """Hand over a piece of a model's own voice at once, past the tasks; false, and nothing done, where something is
        before it or converting it takes long. What cannot be handed over now goes by the tasks after all."""
        resampler = reply.resampler
        if self._on_audio_now is None or resampler is None or not reply.idle:
            return False
        if resampler.in_rate != sound.rate or not resampler.is_quick(sound.pcm):
            return False
        pcm = resampler.process(sound.pcm)
        reply.made += len(pcm)
        if len(pcm) < FIRST_FRAME or not self._on_audio_now(reply.speech_id, pcm):
            reply.unframed += pcm
            reply.inbox.put_nowait(_Sound(b"", sound.rate))
        return True

    def finish(self) -> None:
        """No more input for this reply."""
        reply = self._reply
        if reply is None:
            return
        if not reply.closed:
            for piece in reply.cutter.flush():
                self._put(reply, piece, _share(piece))
        reply.closed = True
        reply.inbox.put_nowait(None)

    def pause(self) -> None:
        """Hand over nothing until ``resume``, of a reply that begins meanwhile either; sound goes on being made."""
        self._paused = True
        if self._reply:
            self._reply.flowing.clear()

    def resume(self) -> None:
        """Go on where ``pause`` stopped."""
        self._paused = False
        if self._reply:
            self._reply.flowing.set()

    def cancel(self) -> None:
        """Cut the running reply: when this returns, nothing more of it is handed over."""
        reply, self._reply = self._reply, None
        if reply:
            reply.stop()

    def heard(self, speech_id: str, played_ms: float) -> str | None:
        """The text of this reply that was heard when so much of it had been played; ``None``: it is not the latest."""
        latest = self._latest
        return latest.spoken_text.until(played_ms) if latest and latest.speech_id == speech_id else None

    def heard_of(self, speech_id: str, text: str, played_ms: float) -> str | None:
        """The same for a reply that a model speaks itself, whose ``text`` this is: by how much of its sound it was."""
        latest = self._latest
        if latest is None or latest.speech_id != speech_id or not latest.fed_ms:
            return None
        whole = SpokenText()
        whole.add(text, latest.fed_ms)
        return whole.until(played_ms)

    def said_between(self, speech_id: str, from_ms: float, to_ms: float) -> str:
        """The text of a part of this reply's sound, "" if it is not the latest."""
        latest = self._latest
        return latest.spoken_text.between(from_ms, to_ms) if latest and latest.speech_id == speech_id else ""

    def sound_ms(self, speech_id: str) -> float:
        """How much sound there is of this reply, if it is the latest; milliseconds."""
        return self._latest.made / BYTES_PER_MS if self._latest and self._latest.speech_id == speech_id else 0.0

    async def aclose(self) -> None:
        """Cut what runs and free the engine; idempotent."""
        self.cancel()
        if ending := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(ending, timeout=_CLOSE_TIMEOUT_S)
        for engine in (*self._leaving, self._engine):
            await engine.aclose()

    def _put(self, reply: _Reply, item: str | _Sound, share: float) -> None:
        if reply.closed:
            return
        if reply.waiting + share > 1.0:
            reply.closed = True
            name = reply.engine.capabilities.name
            self._fault(reply, SpeechTooLongError("a reply is too long to be spoken", engine=name))
            return
        reply.waiting += share
        reply.inbox.put_nowait(item)

    def _fault(self, reply: _Reply, error: NekoError) -> None:
        if self._reply is reply and error.code not in reply.told:
            reply.told.add(error.code)
            self._on_fault(error)

    # ── making sound ──────────────────────────────────────────────────────────

    async def _produce(self, reply: _Reply) -> None:
        try:
            await self._make(reply)
        except Exception as error:
            logger.exception("speech broke off")
            name = reply.engine.capabilities.name
            self._fault(reply, SpeechError(f"speech broke off: {type(error).__name__}", engine=name))
        finally:
            reply.closed = True
            reply.end_frames()

    async def _make(self, reply: _Reply) -> None:
        while (item := await self._next(reply)) is not None and self._reply is reply:
            if isinstance(item, _Sound):
                reply.waiting -= item.share
                await self._pack(reply, await self._converted(reply, item), soon=True)
                continue
            reply.waiting -= _share(item)
            if reply.failures < _MOST_FAILURES and (text := speakable(item, reply.language)):
                await self._say(reply, text)
            reply.spoken_text.add(item, reply.made / BYTES_PER_MS)
        if reply.resampler:
            await self._pack(reply, await self._run(reply.resampler.flush))

    async def _next(self, reply: _Reply) -> str | _Sound | None:
        if reply.unframed:
            try:
                async with asyncio.timeout(_FLUSH_TIMEOUT_S):
                    return await reply.inbox.get()
            except TimeoutError:
                await self._queue_frame(reply)
        reply.making = False
        item = await reply.inbox.get()
        reply.making = True
        return item

    async def _say(self, reply: _Reply, text: str) -> None:
        language = reply.spoken_language.of(text)
        engine = reply.engine
        if self._is_said_on_page(reply, engine, text, language):
            return
        reply.between.clear()
        utterance, is_heard = Utterance(text, language, reply.voice, reply.speech_id), False
        try:
            resampler = await self._resampler(reply, engine.capabilities.sample_rate)
            async with aclosing(engine.synthesise(utterance, resampler.process)) as pieces:
                async for piece in pieces:
                    is_heard = True
                    await self._pack(reply, piece)
            reply.failures = 0
        except NekoError as error:
            logger.warning("a sentence could not be spoken: %s", error)
            if engine is reply.engine:
                reply.failures += 1
                self._fault(reply, error)
            if not is_heard:
                self._is_said_on_page(reply, engine, text, language)
        finally:
            reply.between.set()

    def _is_said_on_page(self, reply: _Reply, engine: SpeechEngine, text: str, language: str) -> bool:
        """Whether it is the page's turn to speak, which then goes on in place of that engine; it is told what."""
        if engine.capabilities.on_page:
            reply.on_page = engine
        on_page = reply.on_page is engine
        if on_page and self._on_sentence:
            self._on_sentence(reply.speech_id, text, language)
        return on_page

    async def _converted(self, reply: _Reply, sound: _Sound) -> bytes:
        """A piece of a model's own voice, in the loop if converting it is quicker than a thread would be."""
        resampler = await self._resampler(reply, sound.rate)
        if resampler.is_quick(sound.pcm):
            return resampler.process(sound.pcm)
        return await self._run(resampler.process, sound.pcm)

    async def _resampler(self, reply: _Reply, rate: int) -> PcmStream:
        """The reply's converter; when the rate changes, the old one gives what it holds."""
        if reply.resampler is None or reply.resampler.in_rate != rate:
            if reply.resampler:
                await self._pack(reply, await self._run(reply.resampler.flush))
            reply.resampler = PcmStream(rate)
        return reply.resampler

    async def _run(self, convert: Callable[..., bytes], *pcm: bytes) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._executor, convert, *pcm)

    async def _pack(self, reply: _Reply, pcm: bytes, *, soon: bool = False) -> None:
        """``soon``: what is made does not wait for a whole frame."""
        reply.made += len(pcm)
        reply.unframed += pcm
        while len(reply.unframed) >= (FRAME if reply.started and not soon else FIRST_FRAME):
            is_one = soon and len(reply.unframed) < 2 * FRAME
            await self._queue_frame(reply, len(reply.unframed) if is_one else FRAME)

    async def _queue_frame(self, reply: _Reply, size: int = FRAME) -> None:
        await reply.room.acquire()
        reply.frames.put_nowait(reply.cut_frame(size))

    # ── handing it over ───────────────────────────────────────────────────────

    async def _next_frame(self, reply: _Reply) -> bytes | None:
        reply.delivering = False
        frame = await reply.frames.get()
        reply.delivering = True
        return frame

    async def _deliver(self, reply: _Reply) -> None:
        try:
            while (frame := await self._next_frame(reply)) is not None and self._reply is reply:
                reply.room.release()
                await reply.flowing.wait()
                await self._on_audio(reply.speech_id, frame)
        except Exception as error:
            logger.exception("sound could not be handed over")
            name = reply.engine.capabilities.name
            self._fault(reply, SpeechError(f"delivery broke off: {type(error).__name__}", engine=name))
            reply.tasks[0].cancel()
        if self._reply is reply:
            self._reply = None
            self._on_end(reply.speech_id)

    def _forget(self, reply: _Reply) -> None:
        """The delivery has ended, maybe because the owner was closed."""
        reply.resampler = None
        if self._reply is reply:
            self.cancel()


def _share(piece: str) -> float:
    """How much of what may wait a piece of text takes."""
    return len(piece if len(piece) <= _LONG_PIECE else condensed(piece)) / LONGEST_TEXT


async def say(engine: SpeechEngine, utterance: Utterance) -> bytes:
    """One utterance as a whole: PCM16 mono, 48 kHz. Raises ``SpeechError``."""
    resampler = PcmStream(engine.capabilities.sample_rate)
    async with aclosing(engine.synthesise(utterance, resampler.process)) as pieces:
        sound = [piece async for piece in pieces]
    return b"".join([*sound, await in_thread(resampler.flush)])
