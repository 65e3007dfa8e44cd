"""Turns of a conversation with the pauses that people make inside them, spoken by the best voices there are.

``|0.6|`` in a text is a pause of 0.6 s: after a word that leads on, in a list, while one searches for a word, between
two sentences, after a question that is followed by another. Every second turn is spoken by another voice than the most
natural one. Sound is kept in the folder for temporary files by voice and text, because a natural voice takes minutes
for all of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.local_voices import MODELS
from neko.audio.engines.model_voice import ModelVoice
from neko.audio.resample import PcmStream
from neko.audio.speech_pipeline import say
from neko.types.hearing import HEARING_RATE
from neko.types.speech import SpeechEngine, Utterance, VoiceSettings
from tests.audio import held_out_turns, tuned_turns
from tests.spoken import trimmed

if TYPE_CHECKING:
    import numpy as np

_PAUSE = re.compile(r"\|([\d.]+)\|")
_ROOM = 12.0
"""RMS of the noise of the room, of 32768: some -69 dB."""
_VOICES = {"en": ("m3",), "zh": ("zf_xiaoni", "zm_yunxi"), "ja": ("mei",)}
_HELD_OUT_VOICES = {
    "en": ("f2", "m7"),
    "zh": ("zf_xiaoyi", "zm_yunyang", "zf_xiaoxiao", "zm_yunjian"),
    "ja": ("mei", "jf_nezumi"),
}
"""Besides the most natural one; of espeak-ng where no natural one is installed."""
_FOLDER = Path(tempfile.gettempdir()) / "neko-spoken-set"


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """``pieces``: what is said, with the seconds of quiet that follow each; none after the last. ``voice``: its name,
    "" for the most natural one."""

    language: str
    pieces: tuple[tuple[str, float], ...]
    voice: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return (" " if self.language == "en" else "").join(text for text, _ in self.pieces)


@dataclass(frozen=True, slots=True)
class Recording:
    """PCM16 mono at ``HEARING_RATE``: ``lead_s`` of quiet, the turn until ``end_s``, quiet. ``speech``: from and until
    when each piece is heard, seconds."""

    turn: SpokenTurn
    pcm: bytes
    speech: tuple[tuple[float, float], ...]

    @property
    def begin_s(self) -> float:
        """When it begins."""
        return self.speech[0][0]

    @property
    def end_s(self) -> float:
        """When its last sample is heard."""
        return self.speech[-1][1]


def spoken_set() -> list[SpokenTurn]:
    """All turns that were tuned on."""
    return _turns(tuned_turns.ENGLISH, tuned_turns.CHINESE, tuned_turns.JAPANESE, _VOICES)


def held_out_set() -> list[SpokenTurn]:
    """All turns that were not."""
    return _turns(held_out_turns.ENGLISH, held_out_turns.CHINESE, held_out_turns.JAPANESE, _HELD_OUT_VOICES)


def _turns(
    english: Sequence[str], chinese: Sequence[str], japanese: Sequence[str], voices: Mapping[str, Sequence[str]]
) -> list[SpokenTurn]:
    turns = []
    for language, texts in (("en", english), ("zh", chinese), ("ja", japanese)):
        others = voices[language]
        for number, text in enumerate(texts):
            voice = others[number // 2 % len(others)] if number % 2 else ""
            turns.append(parsed(language, text, voice))
    return turns


def recording(turn: SpokenTurn, *, lead_s: float = 0.8, tail_s: float = 3.0) -> Recording:
    """Speak it, in a room that is not quite silent. Blocks, at the first time for seconds; in no loop."""
    import numpy as np

    sounds: list[np.ndarray] = [np.zeros(round(lead_s * HEARING_RATE), np.float64)]
    speech, at = [], lead_s
    for text, pause_s in turn.pieces:
        voiced = np.frombuffer(_piece(turn, text), "<i2").astype(np.float64)
        sounds += [voiced, np.zeros(round(pause_s * HEARING_RATE))]
        speech.append((at, at + len(voiced) / HEARING_RATE))
        at += (len(voiced) + len(sounds[-1])) / HEARING_RATE
    sounds.append(np.zeros(round(tail_s * HEARING_RATE)))
    whole = np.concatenate(sounds)
    whole += np.random.default_rng(len(whole)).normal(0.0, _ROOM, len(whole))
    return Recording(turn, np.clip(whole, -32768, 32767).astype("<i2").tobytes(), tuple(speech))


def parsed(language: str, text: str, voice: str = "") -> SpokenTurn:
    """A turn from its text with pauses."""
    parts = _PAUSE.split(text)
    pauses = [float(pause) for pause in parts[1::2]] + [0.0]
    return SpokenTurn(language, tuple(zip((part.strip() for part in parts[0::2]), pauses, strict=True)), voice)


def _piece(turn: SpokenTurn, text: str) -> bytes:
    engine = _engine(turn.language, turn.voice)
    name = hashlib.sha256(f"{engine.capabilities.name} {turn.voice or turn.language} {text}".encode()).hexdigest()[:24]
    path = _FOLDER / f"{name}.pcm"
    if not path.exists():
        sound = asyncio.run(_said(engine, Utterance(text, turn.language, VoiceSettings(voice=turn.voice))))
        converter = PcmStream(48_000, HEARING_RATE)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(trimmed(converter.process(sound) + converter.flush()))
    return path.read_bytes()


async def _said(engine: SpeechEngine, utterance: Utterance) -> bytes:
    try:
        return await say(engine, utterance)
    finally:
        await engine.aclose()


def _engine(language: str, voice: str) -> SpeechEngine:
    """The one that has this voice, or the most natural one that is installed."""
    models = [model for make in MODELS if language in (model := make()).languages and model.installed()]
    for model in models:
        if not voice or voice in {one.name for one in model.voices()}:
            return ModelVoice(model)
    return EspeakEngine()
