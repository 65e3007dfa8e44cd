"""Her replies as sound: handed to the clients, paused, cut, and how much of them was really heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from neko.audio.resample import SPEAKER_RATE
from neko.audio.speech_pipeline import SpeechPipeline
from neko.errors import NekoError
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies, Voice
from neko.sessions.events import Audio, SpeakOnPage, SpeechPaused, SpeechResumed, UserActivity
from neko.sessions.reply_stream import ReplyStream
from neko.sessions.status_reporter import StatusReporter
from neko.speech_errors import SpeechTooLongError
from neko.tasks import TaskOwner
from neko.types.model_session import Playback, SoundToPlay

logger = logging.getLogger(__name__)

_MOST_FAULTS = 8
_CLOSE_TIMEOUT_S = 5.0
_ECHO_LATE_MS = 3_000.0
"""How long before her voice was held the words may be that come back as its echo."""
_REPORT_LATE_MS = 700.0
"""How much more may have been played than was reported."""
_LATE_REPORT_S = 2.0
"""Seconds that the report of the end of a speech may come later than its sound is long."""


class ReplyVoice:
    """The sound of one character's replies, one at a time.

    ``on_first_sound`` gets the speech id with its first frame. ``on_made`` follows its last one. ``on_heard`` follows
    when its last sample has been played: as a client reports it, in a call (``in_call``) with one that does not
    when the sound has lasted, else at once; neither comes after a cut. ``on_first_played`` gets the first report of a
    client, and how many milliseconds it had played by then. ``on_played`` gets what a client is given to play and what
    it reports, unless it is ``echo_cancelled``.
    """

    def __init__(
        self,
        character: str,
        dependencies: SessionDependencies,
        clients: Clients,
        owner: TaskOwner,
        status: StatusReporter,
        *,
        on_first_sound: Callable[[str], None],
        on_made: Callable[[str], None],
        on_first_played: Callable[[str, float], None],
        on_heard: Callable[[str], None],
        in_call: Callable[[], bool],
        on_played: Callable[[SoundToPlay | Playback], None],
    ) -> None:
        self._character = character
        self._dependencies = dependencies
        self._clients = clients
        self._owner = owner
        self._status = status
        self._on_first_sound = on_first_sound
        self._on_first_played = on_first_played
        self._on_heard = on_heard
        self._on_played = on_played
        self.echo_cancelled = True
        """False in a call with a client that does not take what it plays out of its sound."""
        self._current: str | None = None
        self._unanswered = False
        self.in_call = in_call
        self._clock = asyncio.get_running_loop().time
        self._began = ""
        self._began_at = 0.0
        self._held_at: float | None = None
        self._playback: Playback | None = None
        self._hearing_out: asyncio.TimerHandle | None = None
        self._faults_told: set[tuple[str, str]] = set()
        self.voice: Voice = dependencies.voice()
        self._pipeline = SpeechPipeline(
            self.voice.engine,
            dependencies.executor,
            owner=owner,
            on_audio=self._on_audio,
            on_end=on_made,
            on_fault=self._on_fault,
            on_sentence=self._on_sentence,
            on_audio_now=self._on_audio_now,
        )

    def expect(self, *, own_voice: bool) -> None:
        """A model is asked for a reply, which it speaks itself if it has an ``own_voice``."""
        if not (own_voice or self.is_silent()):
            self._pipeline.expect(self.voice.settings)

    def begin(self, stream: ReplyStream) -> None:
        """A reply begins; ``stream.silent`` says whether there is anybody to make sound for."""
        self._unanswered = True
        self._current = stream.speech_id
        self._hear_out(None)
        if not stream.silent:
            self._pipeline.begin(stream.speech_id, self.voice.settings, self._dependencies.persona().language)

    def is_silent(self) -> bool:
        """Will nobody hear a reply that begins?"""
        return self.voice.kind == "off" or not self._clients.wants_audio

    def feed(self, text: str) -> None:
        """Text of the reply, markup and all."""
        self._pipeline.feed(text)

    def feed_audio(self, pcm: bytes, rate: int) -> None:
        """A model's own voice."""
        self._pipeline.feed_audio(pcm, rate)

    def finish(self, stream: ReplyStream) -> None:
        """No more of the reply will come."""
        if stream.silent:
            self._current = None
        else:
            self._pipeline.finish()

    def silence(self, *, begins: bool) -> None:
        """Stop all sound and tell the clients that the user took the floor, unless nothing ``begins`` and nothing was
        said since they were told last."""
        interrupted = self._current
        self.drop()
        if begins or self._unanswered:
            self._clients.emit(UserActivity(interrupted))
        self._unanswered = False

    def drop(self) -> None:
        """Stop all sound."""
        self._current = None
        self._held_at = None
        self._hear_out(None)
        self._tell_played(Playback(self._began, 0.0, "ended"))
        self._pipeline.cancel()
        self._pipeline.resume()
        self._clients.drop_audio()

    def pause(self) -> None:
        """Hold the sound, also of a reply that begins meanwhile."""
        self._pipeline.pause()
        self._held_at = self._clock()
        if self._current:
            self._clients.emit(SpeechPaused(self._current))

    def resume(self) -> None:
        """Go on where it was held."""
        self._pipeline.resume()
        if self._held_at is not None:
            self._began_at += self._clock() - self._held_at
            self._held_at = None
        if self._current:
            self._clients.emit(SpeechResumed(self._current))

    # ── what was heard ────────────────────────────────────────────────────────

    def playback(self, report: Playback) -> None:
        """A client says how much it has played."""
        if self._playback is None or self._playback.speech_id != report.speech_id:
            self._on_first_played(report.speech_id, report.played_ms)
        self._playback = report
        self._tell_played(report)
        if report.state == "ended" and self._hearing_out and report.speech_id == self._current:
            self._heard_out(report.speech_id)

    def made(self, speech_id: str) -> None:
        """All sound of the reply was handed over, and the end of its turn told."""
        if self._current != speech_id:
            return
        played = self._played_ms(speech_id)
        if played is None or (self._playback and self._playback.state == "ended"):
            self._heard_out(speech_id)
        else:
            self._hear_out(speech_id, (self._pipeline.sound_ms(speech_id) - played) / 1000 + _LATE_REPORT_S)

    def heard(self, stream: ReplyStream) -> str | None:
        """How much of this reply's text was heard; ``None`` where that is not known."""
        if stream.silent:
            return None
        played = self._played_ms(stream.speech_id)
        if stream.own_voice:
            return None if played is None else self._pipeline.heard_of(stream.speech_id, stream.text, played)
        is_made_here = not self.voice.engine.capabilities.on_page
        if played is None and is_made_here and self.in_call() and stream.speech_id == self._current:
            played = 0.0  # its first sound is still to be made
        return None if played is None else self._pipeline.heard(stream.speech_id, played)

    def being_said(self) -> str:
        """Her words around the place where a client is; "" where that is not known."""
        at_ms = self._played_ms(self._began)
        if at_ms is None:
            return ""
        return self._pipeline.said_between(self._began, at_ms - _ECHO_LATE_MS, at_ms + _REPORT_LATE_MS)

    def _played_ms(self, speech_id: str) -> float | None:
        """As reported; of a client that reports nothing in a call, as much as time has passed."""
        if self._playback and self._playback.speech_id == speech_id:
            return self._playback.played_ms
        if self._began == speech_id and self.in_call():
            now = self._clock() if self._held_at is None else self._held_at
            return min((now - self._began_at) * 1000, self._pipeline.sound_ms(speech_id))
        return None

    def _hear_out(self, speech_id: str | None, within_s: float = 0.0) -> None:
        """Wait until a client has played this to its end, at most so long; ``None``: for nothing."""
        if self._hearing_out:
            self._hearing_out.cancel()
            self._hearing_out = None
        if speech_id:
            loop = asyncio.get_running_loop()
            self._hearing_out = loop.call_later(within_s, self._heard_out, speech_id)

    def _heard_out(self, speech_id: str) -> None:
        self._hear_out(None)
        self._current = None
        self._on_heard(speech_id)

    def _tell_played(self, news: SoundToPlay | Playback) -> None:
        if not self.echo_cancelled:
            self._on_played(news)

    # ── the pipeline ──────────────────────────────────────────────────────────

    def _on_audio_now(self, speech_id: str, pcm: bytes) -> bool:
        if not self._clients.has_room:
            return False
        self._note_audio(speech_id, pcm)
        self._clients.offer_audio(Audio(speech_id, pcm))
        return True

    async def _on_audio(self, speech_id: str, pcm: bytes) -> None:
        self._note_audio(speech_id, pcm)
        await self._clients.emit_audio(Audio(speech_id, pcm))

    def _note_audio(self, speech_id: str, pcm: bytes) -> None:
        if speech_id != self._began:
            self._began, self._began_at = speech_id, self._clock()
            self._on_first_sound(speech_id)
        self._tell_played(SoundToPlay(speech_id, pcm, SPEAKER_RATE))

    def _on_sentence(self, speech_id: str, text: str, language: str) -> None:
        how = self.voice.settings
        self._clients.emit(SpeakOnPage(speech_id, text, language, how.rate, how.pitch))

    def _on_fault(self, error: NekoError) -> None:
        """A voice fails at every sentence: each cause is told once until another voice is chosen."""
        cause = error.code, error.said
        known = cause in self._faults_told or len(self._faults_told) >= _MOST_FAULTS
        if not known or isinstance(error, SpeechTooLongError):
            self._faults_told.add(cause)
            self._status.report(error)

    # ── the engine ────────────────────────────────────────────────────────────

    def use(self, voice: Voice) -> None:
        """Speak with another engine or setting from the next sentence on."""
        self.voice = voice
        self._faults_told.clear()
        self._owner.spawn(self._pipeline.use(voice.engine, voice.settings), name="change of voice")

    async def prewarm(self, *, own_voice: bool = False) -> None:
        """Load the voice ahead of the first sentence, if anybody is to hear it; a fault is told. ``own_voice``: the
        model speaks itself."""
        if own_voice or self.is_silent():
            return
        try:
            async with asyncio.timeout(self._dependencies.timeouts.prewarm_timeout_s):
                await self.voice.engine.prewarm(self._dependencies.persona().language)
        except NekoError as error:
            self._status.report(error)
        except TimeoutError:
            logger.warning("%s: the voice is slow to warm up", self._character)

    async def aclose(self) -> None:
        """Cut what runs and free the engine; idempotent."""
        self._hear_out(None)
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._pipeline.aclose()
        except Exception:
            logger.exception("%s: the voice did not close cleanly", self._character)
