"""English by hibari: a model of 8 MB distilled from Kokoro, with its own dictionary, from the wheel ``hibari-tts``.

Its phonemes (misaki's alphabet) and its signal processing are taken from the package, which nobody else maintains
either; what it would download, other voices, is never asked for. https://github.com/MMWilliams/hibari
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from neko.audio.engines.model_voice import SpeechModel
from neko.types.speech import OfferedVoice

if TYPE_CHECKING:
    from neko.audio.engines.model_voice import Samples


class Hibari(SpeechModel):
    """A sentence takes it 10 to 80 ms; 140 MB when loaded."""

    name = "hibari"
    packages = ("hibari", "onnxruntime")
    languages = reads = frozenset({"en"})
    gain = 2.4

    def __init__(self) -> None:
        super().__init__()
        self._voice: Any = None

    def voices(self) -> Sequence[OfferedVoice]:
        """See ``SpeechModel``."""
        return (OfferedVoice("heart", "Heart (hibari)", "woman", "en-US", "Apache-2.0"),)

    def load(self) -> None:
        """See ``SpeechModel``."""
        import hibari as package

        voice = package.Hibari(voice="heart", threads=1)
        voice.g2p.oov("neko")  # its rules for unknown words are loaded at the first one
        self._voice = voice

    def unload(self) -> None:
        """See ``SpeechModel``."""
        self._voice = None

    def sound(self, clause: str, language: str, voice: str, speed: float, cancelled: threading.Event) -> Samples:
        """See ``SpeechModel``: as one piece, for the sake of its melody."""
        sound: Samples = self._voice(clause, speed=speed, seed=0)
        return sound

    def phonemes(self, text: str) -> str:
        """English in misaki's alphabet, which is Kokoro's too; empty where it is not loaded. In any thread."""
        with self._loading:
            return " ".join(self._voice.phonemize(text)) if self.loaded else ""


@cache
def hibari() -> Hibari:
    """The one of this process."""
    return Hibari()
