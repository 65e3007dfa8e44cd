"""Open JTalk, from the wheel ``pyopenjtalk-plus``: kanji to kana, and a fast Japanese voice.

20 times as fast as it speaks. Its readings know words and what stands around them; those of the small dictionary that
espeak-ng has without it do not.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from neko.audio.engines.model_voice import SpeechModel
from neko.types.speech import OfferedVoice

if TYPE_CHECKING:
    from neko.audio.engines.model_voice import Samples


class OpenJTalk(SpeechModel):
    """The voice "Mei" of Open JTalk; 60 MB when loaded, which its package keeps."""

    name = "Open JTalk"
    rate = 48_000
    packages = ("pyopenjtalk",)
    languages = reads = frozenset({"ja"})
    gain = 0.95

    def voices(self) -> Sequence[OfferedVoice]:
        """See ``SpeechModel``."""
        return (OfferedVoice("mei", "Mei (Open JTalk)", "woman", "ja-JP", "CC-BY-3.0"),)

    def load(self) -> None:
        """See ``SpeechModel``."""
        self.kana("猫")

    def kana(self, text: str) -> str:
        """``text`` as it is said, in katakana; the dictionary of Sudachi, 200 MB for a few words, is not used."""
        import pyopenjtalk

        return str(pyopenjtalk.g2p(text, kana=True, use_sudachi_kanji_yomi=False))

    def sound(self, clause: str, language: str, voice: str, speed: float, cancelled: threading.Event) -> Samples:
        """See ``SpeechModel``."""
        import numpy as np
        import pyopenjtalk

        text = unicodedata.normalize("NFKC", clause)
        if not any(letter.isalnum() for letter in text):
            return np.zeros(0, np.float32)
        made, _ = pyopenjtalk.tts(text, speed=speed, use_sudachi_kanji_yomi=False)
        sound: Samples = (made / 32768.0).astype(np.float32)
        return sound


@cache
def open_jtalk() -> OpenJTalk:
    """The one of this process."""
    return OpenJTalk()
