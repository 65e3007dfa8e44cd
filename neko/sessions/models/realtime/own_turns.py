"""Where the user's turns begin and end in the sound for a realtime provider that does not find out itself.

Only what belongs to a turn is sent, with a moment before it: between turns the provider is sent nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from neko.audio.resample import PcmStream
from neko.audio.turn_taking.by_pauses import by_pauses
from neko.audio.turn_taking.patience import UNKNOWN_S, SaidSoFar, patience
from neko.audio.turn_taking.segmenter import Segmenter, Speech
from neko.audio.voice_activity import WINDOW_BYTES, WINDOW_S, VoiceDetector
from neko.types.hearing import HEARING_RATE

PRE_ROLL_S: Final = 0.5
"""Kept from before speech was noticed, so that its first syllable is heard."""
SURE_S: Final = 5 * WINDOW_S
"""So much speech is told while it lasts; a click or a cough is shorter, and cuts nobody."""
MISSING_S: Final = 5.0
"""Without any sound for so long in the middle of a turn it is over: a microphone that listens sends quiet."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What finds speech: ``detector`` is this session's own, and judges in ``executor``."""

    detector: VoiceDetector
    executor: Executor


class OwnTurns:
    """Takes PCM16 mono at ``rate`` Hz. Calls of ``feed`` must not overlap.

    What it gives, in order: ``Speech.BEGAN``, then the sound of the turn, then ``Speech.ENDED``. The words are not
    known here, so only the pauses of a turn say how long the next one may be.
    """

    def __init__(self, detection: Detection, rate: int) -> None:
        self._detection = detection
        self._window = round(WINDOW_S * rate) * 2
        self._to_hearing_rate = PcmStream(rate, HEARING_RATE)
        self._segmenter = Segmenter(patience_s=UNKNOWN_S)
        self._waiting = bytearray()
        self._unjudged = bytearray()
        self._before: list[bytes] = []
        self.open = False
        """Is a turn under way that has been told?"""

    async def feed(self, pcm: bytes) -> list[bytes | Speech]:
        """What comes of more sound."""
        self._waiting += pcm
        whole = len(self._waiting) // self._window * self._window
        sound = bytes(self._waiting[:whole])
        del self._waiting[:whole]
        windows = [sound[at : at + self._window] for at in range(0, whole, self._window)]
        if not windows:
            return []
        loop = asyncio.get_running_loop()
        judged = await loop.run_in_executor(self._detection.executor, self._judge, windows)
        return [item for window, likely in zip(windows, judged, strict=True) for item in self._take(window, likely)]

    def go_on_from(self, before: OwnTurns) -> None:
        """Hear on where that one did, which hears nothing more: with what it knows of the room, and its last moment."""
        self._detection = before._detection
        self._before += before._before

    def end(self) -> list[bytes | Speech]:
        """The user has stopped: the microphone is shut."""
        return list(self._tell(self._segmenter.end()))

    def leave(self) -> list[bytes | Speech]:
        """Somebody else decides from here on: what was kept belongs to the turn that begins, or goes on."""
        self._segmenter.reset()
        begun = list(self._begin())
        self.open = False
        return begun

    def _judge(self, windows: Sequence[bytes]) -> list[float | None]:
        """In the executor: how likely each window holds speech; None where too little of it has been converted."""
        judged: list[float | None] = []
        for window in windows:
            self._unjudged += self._to_hearing_rate.process(window)
            if len(self._unjudged) < WINDOW_BYTES:
                judged.append(None)
                continue
            judged.append(self._detection.detector.probability(bytes(self._unjudged[:WINDOW_BYTES])))
            del self._unjudged[:WINDOW_BYTES]
        return judged

    def _take(self, window: bytes, likely: float | None) -> Iterator[bytes | Speech]:
        if self.open:
            yield window
        else:
            self._before.append(window)
        if likely is not None:
            yield from self._tell(self._segmenter.feed(likely))
        if self._segmenter.open and self._segmenter.speech_s >= SURE_S:
            yield from self._begin()
        elif not self._segmenter.open:
            del self._before[: -round(PRE_ROLL_S / WINDOW_S)]

    def _tell(self, events: Iterator[Speech]) -> Iterator[bytes | Speech]:
        segmenter = self._segmenter
        for event in events:
            if event is Speech.PAUSED:
                paused = SaidSoFar(None, "", segmenter.speech_s, segmenter.since_pause_s, segmenter.longest_pause_s)
                segmenter.patience_s = patience(paused, (by_pauses,))
            elif event is Speech.WENT_ON:
                segmenter.patience_s = UNKNOWN_S
            elif event is Speech.ENDED:
                yield from self._begin()  # a word may be shorter than what is told at once
                self.open = False
                yield Speech.ENDED

    def _begin(self) -> Iterator[bytes | Speech]:
        if not self.open:
            self.open = True
            yield Speech.BEGAN
            yield b"".join(self._before)
            self._before.clear()
