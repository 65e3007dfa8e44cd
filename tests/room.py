"""A room with a loudspeaker and a microphone in it: her voice comes back delayed, filtered and quieter.

Everything runs on the clock of the microphone, in steps of 20 ms: nothing waits, and the same seed gives the same call.
What the page and the server do with what is heard (hold her, let her go on, stop her) is done as they do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from neko.audio.echo import EchoGuard
from neko.audio.turn_taking.segmenter import Segmenter, Speech
from neko.audio.voice_activity import WINDOW_BYTES, VoiceDetector
from neko.types.hearing import HEARING_RATE
from neko.types.model_session import Playback, PlaybackState, SoundToPlay

Sound: TypeAlias = NDArray[np.float32]

STEP = HEARING_RATE // 50
"""Samples of a microphone frame: 20 ms."""
_FFT = 16_384
_PIECE = 150 * HEARING_RATE // 1000
_REPORT_EVERY = 12
"""Steps: about 250 ms."""
_SPEECH_DB = -23.0
"""Level of her sound, and of the user's, where they speak."""


def levelled(pcm: bytes, db: float = _SPEECH_DB) -> Sound:
    """Speech at this level (decibels of full scale, over its loud half), full scale 1."""
    sound = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32) / 32768
    blocks = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = np.sort((blocks**2).mean(axis=1))[len(blocks) // 2 :].mean()
    return np.asarray(sound * (10 ** (db / 20) / np.sqrt(power)), dtype=np.float32)


def alike(pcm: bytes | bytearray, speech: Sound) -> float:
    """How much this sound is that speech, wherever in it: 1 for nothing else."""
    sound = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    size = len(sound) + len(speech)
    together = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(speech, size)), size)
    return float(np.abs(together).max() / (np.linalg.norm(sound) * np.linalg.norm(speech) + 1e-9))


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """``delay_ms``: from the page's clock to the microphone. ``echo_db``: of the echo over her sound. ``decay_s``: in
    which the reverberation falls by 60 dB. ``hold_steps``: from the server's word until the page is quiet, or plays."""

    delay_ms: int = 120
    echo_db: float = -12.0
    decay_s: float = 0.3
    noise_db: float = -65.0
    hold_steps: int = 5
    jitter_ms: int = 15


@dataclass(slots=True)
class Outcome:
    """What came of a call. ``spoken_s``: for how long she was heard. ``onset_ms``: from the user's first sample to
    ``SpeechStarted``, where they were noticed."""

    spoken_s: float = 0.0
    false_holds: int = 0
    false_stops: int = 0
    echo_utterances: int = 0
    interruptions: int = 0
    missed: int = 0
    onset_ms: list[float] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Count another call in."""
        self.spoken_s += other.spoken_s
        self.false_holds += other.false_holds
        self.false_stops += other.false_stops
        self.echo_utterances += other.echo_utterances
        self.interruptions += other.interruptions
        self.missed += other.missed
        self.onset_ms += other.onset_ms

    def __str__(self) -> str:
        tens = max(self.spoken_s / 600, 1e-9)
        onset = f"{np.median(self.onset_ms):.0f} ms" if self.onset_ms else "-"
        return (
            f"{self.spoken_s:.0f} s of her; in 10 min {self.false_stops / tens:.1f} false stops, "
            f"{self.echo_utterances / tens:.1f} echoes for the recogniser, {self.false_holds / tens:.1f} false holds; "
            f"missed {self.missed} of {self.interruptions}; noticed after {onset}"
        )


class Room:
    """The microphone of a room. ``step`` gives 20 ms of it, with what the loudspeaker plays meanwhile."""

    def __init__(self, settings: RoomSettings, random: np.random.Generator) -> None:
        self._settings = settings
        self._random = random
        taps = round(settings.decay_s * HEARING_RATE)
        fall = np.exp(-6.9 * np.arange(taps) / taps)
        response = random.normal(size=taps) * fall * 0.15
        response[0] += 1.0
        response = np.convolve(response, [0.6, 0.3, -0.4, 0.1])  # a small loudspeaker has no bass
        response *= 10 ** (settings.echo_db / 20) / np.sqrt((response**2).sum())
        delay = np.zeros(settings.delay_ms * HEARING_RATE // 1000)
        self._response = np.fft.rfft(np.concatenate([delay, response]).astype(np.float32), _FFT)
        self._length = len(delay) + len(response)
        assert self._length + STEP < _FFT
        self._played = np.zeros(_FFT, dtype=np.float32)

    def step(self, played: Sound, user: Sound) -> bytes:
        """PCM16 of the microphone."""
        self._played = np.concatenate([self._played[STEP:], played])
        echo = np.fft.irfft(np.fft.rfft(self._played) * self._response, _FFT)[-STEP:]
        noise = self._random.normal(size=STEP) * 10 ** (self._settings.noise_db / 20)
        heard = np.clip((echo + user + noise) * 32768, -32768, 32767)
        return bytes(heard.astype("<i2").tobytes())


@dataclass(slots=True)
class _Page:
    """What plays her sound: where it is, and whether it is to change."""

    speech: Sound
    speech_id: str = "s0"
    at: int = 0
    playing: bool = True
    change_in: int = -1
    change_to: bool = True
    since_report: int = 0

    def order(self, playing: bool, steps: int) -> None:
        self.change_in, self.change_to = steps, playing


class Call:
    """She talks, with or without a ``user`` who talks over her; ``guard`` None: nothing takes the echo out.

    ``user``: the steps at which they begin, and what they say. She begins anew after each interruption.
    """

    def __init__(
        self,
        her: Sound,
        detector: VoiceDetector,
        guard: EchoGuard | None,
        settings: RoomSettings,
        *,
        seed: int = 0,
        user: Sequence[tuple[int, Sound]] = (),
    ) -> None:
        self._random = np.random.default_rng(seed)
        self._settings = settings
        self._room = Room(settings, self._random)
        self._detector = detector
        self._guard = guard
        self._segmenter = Segmenter()
        self._page = _Page(her)
        self._user = list(user)
        self._said: list[tuple[int, int]] = [(begin, begin + -(-len(said) // STEP)) for begin, said in user]
        self._heard: set[int] = set()
        self._noticed: set[int] = set()
        self._waiting = bytearray()
        self._now = 0
        self._utterance_began = 0
        self._lasting = False
        self.outcome = Outcome()

    def run(self, steps: int) -> Outcome:
        """So many times 20 ms."""
        self._begin()
        for self._now in range(steps):
            self._turn_page()
            mic = self._room.step(self._play(), self._talk())
            if self._guard:
                _, mic = self._guard.clean(mic)
            self._waiting += mic
            while len(self._waiting) >= WINDOW_BYTES:
                window = bytes(self._waiting[:WINDOW_BYTES])
                del self._waiting[:WINDOW_BYTES]
                for event in self._segmenter.feed(self._detector.probability(window)):
                    self._on(event)
        over = [at for at, (_, end) in enumerate(self._said) if end + 75 < steps]
        self.outcome.interruptions = len(over)
        self.outcome.missed = len([at for at in over if at not in self._heard])
        return self.outcome

    # ── the page and the user ─────────────────────────────────────────────────

    def _tell(self, news: SoundToPlay | Playback) -> None:
        if self._guard:
            self._guard.far_end.tell(news, self._now * STEP)

    def _begin(self) -> None:
        """She says something else, from anywhere in her sound."""
        page = self._page
        page.speech_id = f"s{self._now}"
        page.speech = np.roll(page.speech, -int(self._random.integers(len(page.speech))))
        page.at, page.playing, page.change_in, page.since_report = 0, True, -1, 0
        pcm = (page.speech * 32767).astype("<i2").tobytes()
        for at in range(0, len(pcm), 2 * _PIECE):
            self._tell(SoundToPlay(page.speech_id, pcm[at : at + 2 * _PIECE], HEARING_RATE))

    def _report(self, state: PlaybackState) -> None:
        late = self._random.uniform(0, self._settings.jitter_ms)
        played_ms = max(0.0, self._page.at * 1000 / HEARING_RATE - late)
        self._tell(Playback(self._page.speech_id, played_ms, state))

    def _turn_page(self) -> None:
        page = self._page
        if page.change_in >= 0:
            page.change_in -= 1
            if page.change_in < 0 and page.playing is not page.change_to:
                page.playing = page.change_to
                page.since_report = 0
                self._report("playing" if page.playing else "paused")
        page.since_report += 1
        if page.playing and page.since_report % _REPORT_EVERY == 0:
            self._report("playing")

    def _play(self) -> Sound:
        page = self._page
        if page.at + STEP > len(page.speech):
            self._begin()
        if not page.playing:
            return np.zeros(STEP, dtype=np.float32)
        self.outcome.spoken_s += STEP / HEARING_RATE
        page.at += STEP
        return page.speech[page.at - STEP : page.at]

    def _talk(self) -> Sound:
        talk = np.zeros(STEP, dtype=np.float32)
        for begin, said in self._user:
            at = (self._now - begin) * STEP
            if 0 <= at < len(said):
                piece = said[at : at + STEP]
                talk[: len(piece)] += piece
        return talk

    # ── the server ────────────────────────────────────────────────────────────

    def _speaking_now(self) -> list[int]:
        """The things that the user says which this utterance holds."""
        return [at for at, (begin, end) in enumerate(self._said) if begin <= self._now and end >= self._utterance_began]

    def _on(self, event: Speech) -> None:
        hold = self._settings.hold_steps
        if event is Speech.BEGAN:
            self._utterance_began, self._lasting = self._now, False
            self._page.order(False, hold)
            said = self._speaking_now()
            if not said:
                self.outcome.false_holds += 1
            self._notice(said)
        elif event is Speech.LASTS and not (self._guard and self._guard.lets_echo_through):
            self._lasting = True
            if not self._speaking_now():
                self.outcome.false_stops += 1
            self._heard.update(self._speaking_now())
        elif event in (Speech.ENDED, Speech.WAS_NOISE):
            said = self._speaking_now()
            if event is Speech.ENDED and said:
                self._heard.update(said)
            elif event is Speech.ENDED:
                self.outcome.echo_utterances += 1
            if self._lasting or (said and event is Speech.ENDED):
                self._begin()
            else:
                self._page.order(True, hold)

    def _notice(self, said: Sequence[int]) -> None:
        for at in said:
            if at not in self._noticed:
                self._noticed.add(at)
                self.outcome.onset_ms.append((self._now - self._said[at][0] + 1) * 20.0)
