"""The built-in voice: espeak-ng on this machine, shaped to be pleasant."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Final

from neko.audio.engines.espeak_library import host
from neko.audio.engines.japanese import to_kana
from neko.audio.engines.shaping import Shaper
from neko.audio.engines.spelling import in_words
from neko.audio.resample import PcmStream
from neko.audio.scripts import is_latin, merged, runs
from neko.errors import SpeechError
from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceKind

HandOver = Callable[[bytes | None], None]

# Of the female variants f2 hisses least (3-6 kHz at -13 dB of the whole, f3 and f5 at -11, Alicia at -8)
# and keeps its formants clear, unlike steph and anika (1-3 kHz at -20 dB); belinda and linda hardly move
# their pitch and Annie is nasal. Raised to a median of 230 Hz it sounds young, and its melody spans half an octave.
_VARIANT = "f2"
VOICES: Final[Mapping[str, VoiceKind]] = {
    **dict.fromkeys(("f1", "f3", "f4", "f5", "Annie", "Alicia", "anika", "belinda", "linda", "steph"), "woman"),
    **dict.fromkeys(("m1", "m2", "m3", "m7", "Andy", "Lee", "Michael"), "man"),
    "whisperf": "whisper",
}
"""The other variants that are worth a choice."""
_NAMES = {"en": "en-us", "zh": "cmn", "pt": "pt-br", "no": "nb"}
"""Where espeak-ng has another name for a language, or several voices of it."""
_PACE = {"en": 134, "zh": 180, "ja": 142, "ko": 150}
_USUAL_PACE = 140
_PITCH = {"zh": 75}
_USUAL_PITCH = 67
_PITCH_PER_SEMITONE = 5.5
_RANGE = {"zh": 80, "ja": 99}
_USUAL_RANGE = 80
_CLOSE_TIMEOUT_S = 1.0
_BREATH_MS = 380
_SHORT_PAUSE_MS = 110
"""After a sentence, and after a piece of one; espeak-ng adds some 30 ms."""
_SENTENCE_ENDS = tuple(".!?…。！？")
_CLOSING = " \"'”’»)）」』"
"""What may follow the end of a sentence, and would have espeak-ng pause once more."""


_A_WORD = {"zh": "猫", "ja": "猫", "ko": "야"}
"""Something to warm up with: the Japanese one has the readings of kanji loaded, a quantity the names of units."""


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()


def _named(language: str) -> str:
    primary = _primary(language)
    return _NAMES.get(primary, primary)


class EspeakEngine:
    """``VoiceSettings.voice`` may name another variant of espeak-ng ("f2", "Annie", "m3", …)."""

    def __init__(self) -> None:
        self._host = host()
        self.capabilities = SpeechCapabilities("builtin", self._host.rate, local=True)
        self._running: dict[asyncio.Future[None], threading.Event] = {}
        self._borrowed: ThreadPoolExecutor | None = None
        self._closed = False

    async def prewarm(self, language: str = "") -> None:
        """Load everything and say a word to nobody; raises ``SpeechError`` when the voice is not installed."""
        silence = PcmStream(self.capabilities.sample_rate)
        word = Utterance(f"{_A_WORD.get(language.split('-')[0].lower(), 'a')} 1 kg", language or "en")
        async with aclosing(self.synthesise(word, silence.process)) as pieces:
            async for _ in pieces:
                pass

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
            cancelled.set()
            del self._running[job]
            if not job.cancel() and not job.cancelled():
                job.exception()

    def _worker(self) -> ThreadPoolExecutor:
        if self._closed:
            raise SpeechError("the voice is closed", engine="builtin")
        if self._borrowed is None:
            self._borrowed = self._host.borrow()
        return self._borrowed

    def _job(self, utterance: Utterance, convert: Convert, hand_over: HandOver, cancelled: threading.Event) -> None:
        try:
            if not cancelled.is_set():
                self._speak(utterance, convert, hand_over, cancelled)
        except SpeechError:
            raise
        except Exception as error:
            raise SpeechError(f"the built-in voice failed: {error!r}", engine="builtin") from error
        finally:
            hand_over(None)

    def _speak(self, utterance: Utterance, convert: Convert, hand_over: HandOver, cancelled: threading.Event) -> None:
        shaper = Shaper(self._host.rate)
        for text, language in self._runs(utterance):
            voice = utterance.voice
            self._host.speak(
                text,
                _NAMES.get(language, language),
                variants=(voice.voice, _VARIANT),
                words_per_minute=round(min(450, max(80, _PACE.get(language, _USUAL_PACE) * voice.rate))),
                pitch=round(min(100, max(0, _PITCH.get(language, _USUAL_PITCH) + _PITCH_PER_SEMITONE * voice.pitch))),
                pitch_range=_RANGE.get(language, _USUAL_RANGE),
                on_sound=lambda pcm: hand_over(convert(shaper.process(pcm))),
                cancelled=cancelled,
            )
            if cancelled.is_set():
                return
        ends = utterance.text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS)
        hand_over(convert(shaper.finish(_BREATH_MS if ends else _SHORT_PAUSE_MS)))

    def _runs(self, utterance: Utterance) -> Iterator[tuple[str, str]]:
        """What to say in which language (a code without region): a voice spells the letters of another script.

        Most voices go over to English for Latin words themselves, with less of a break. What no voice can read is left
        out.
        """
        self._host.load()
        main = utterance.language
        if not self._host.has_voice(_named(main)):
            main = "en"
        texts = runs(in_words(utterance.text.rstrip(_CLOSING), _primary(main)), main)
        if _named(main) != "ja" and not is_latin(main):
            texts = merged(texts, main)
        for text, tag in texts:
            if self._host.has_voice(_named(tag)):
                language = _primary(tag)
                text = text if language == _primary(main) else in_words(text, language)
                yield to_kana(text) if language == "ja" else text, language

    async def aclose(self) -> None:
        """Cancel what is being said. The library stays, it belongs to the process."""
        self._closed = True
        for cancelled in self._running.values():
            cancelled.set()
        if self._running:
            await asyncio.wait(list(self._running), timeout=_CLOSE_TIMEOUT_S)
        if self._borrowed is not None:
            self._borrowed = None
            self._host.give_back()
