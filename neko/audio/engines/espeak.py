"""The built-in voice: espeak-ng on this machine, shaped to be pleasant."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Final

from neko.audio.engines.espeak_library import host
from neko.audio.engines.japanese import reading
from neko.audio.engines.shaping import Shaper
from neko.audio.engines.spelling import in_words
from neko.audio.engines.threaded import CLOSING, HandOver, ThreadedVoice, pause_after
from neko.audio.scripts import is_latin, merged, primary, runs
from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceKind

# Of the female variants f2 hisses least (3-6 kHz at -13 dB of the whole, f3 and f5 at -11, Alicia at -8)
# and keeps its formants clear, unlike steph and anika (1-3 kHz at -20 dB); belinda and linda hardly move
# their pitch and Annie is nasal. Raised to a median of 230 Hz it sounds young, and its melody spans half an octave.
_VARIANT = "f2"
VOICES: Final[Mapping[str, VoiceKind]] = {
    **dict.fromkeys(("f2", "f1", "f3", "f4", "f5", "Annie", "Alicia", "anika", "belinda", "linda", "steph"), "woman"),
    **dict.fromkeys(("m1", "m2", "m3", "m7", "Andy", "Lee", "Michael"), "man"),
    "whisperf": "whisper",
}
"""The variants that are worth a choice."""
_NAMES = {"en": "en-us", "zh": "cmn", "pt": "pt-br", "no": "nb"}
"""Where espeak-ng has another name for a language, or several voices of it."""
_PACE = {"en": 134, "zh": 180, "ja": 142, "ko": 150}
_USUAL_PACE = 140
_PITCH = {"zh": 75}
_USUAL_PITCH = 67
_PITCH_PER_SEMITONE = 5.5
_RANGE = {"zh": 80, "ja": 99}
_USUAL_RANGE = 80

_A_WORD = {"zh": "猫", "ja": "猫", "ko": "야"}


def _named(language: str) -> str:
    return _NAMES.get(primary(language), primary(language))


class EspeakEngine(ThreadedVoice):
    """``VoiceSettings.voice`` may name another variant of espeak-ng ("f2", "Annie", "m3", …)."""

    def __init__(self) -> None:
        self._host = host()
        super().__init__("builtin", self._host)
        self.capabilities = SpeechCapabilities("builtin", self._host.rate, local=True)

    def word(self, language: str) -> str:
        """The Japanese one has the readings of kanji loaded, a quantity the names of units."""
        return f"{_A_WORD.get(primary(language), 'a')} 1 kg"

    def speak(self, utterance: Utterance, convert: Convert, hand_over: HandOver, cancelled: threading.Event) -> None:
        """See ``ThreadedVoice``."""
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
        hand_over(convert(shaper.finish(pause_after(utterance.text))))

    def _runs(self, utterance: Utterance) -> Iterator[tuple[str, str]]:
        """What to say in which language (a code without region): a voice spells the letters of another script.

        Most voices go over to English for Latin words themselves, with less of a break. What no voice can read is left
        out.
        """
        self._host.load()
        main = utterance.language
        if not self._host.has_voice(_named(main)):
            main = "en"
        texts = runs(in_words(utterance.text.rstrip(CLOSING), primary(main)), main)
        if _named(main) != "ja" and not is_latin(main):
            texts = merged(texts, main)
        for text, tag in texts:
            if self._host.has_voice(_named(tag)):
                language = primary(tag)
                text = text if language == primary(main) else in_words(text, language)
                yield reading(text) if language == "ja" else text, language
