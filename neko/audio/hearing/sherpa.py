"""Models that the user brings, run by ``sherpa-onnx``: https://k2-fsa.github.io/sherpa/onnx/python/.

An utterance is recognised as a whole, by a streaming model too. Runs in the process of ``worker``; everything blocks.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neko.audio.hearing.pauses import cut_at_pauses
from neko.types.hearing import HEARING_RATE

_LONGEST_S: Final = 20.0
_TAIL_S: Final = 0.5
"""Seconds of silence without which a streaming model keeps its last word."""

Floats = NDArray[np.float32]


class Sherpa:
    """A model of ``kind`` ("sense_voice", "paraformer", "moonshine", "transducer"), the paths of whose files are
    ``files`` by what they are for. Raises what the library raises."""

    def __init__(self, kind: str, files: Mapping[str, str], threads: int) -> None:
        library = importlib.import_module("sherpa_onnx")
        if kind == "transducer":
            self._recogniser = library.OnlineRecognizer.from_transducer(**files, num_threads=threads)
            self._hear_part = self._streamed
            return
        more = {"use_itn": True} if kind == "sense_voice" else {}
        make = getattr(library.OfflineRecognizer, f"from_{kind}")
        self._recogniser = make(**files, num_threads=threads, **more)
        self._hear_part = self._whole

    def hear(self, samples: Floats, hint: str, language: str, vocabulary: Sequence[str]) -> dict[str, Any]:
        """The words in ``samples`` (-1..1, 16 kHz): ``text``, and ``language`` where the model tells it."""
        parts = [self._hear_part(part) for part in cut_at_pauses(samples, HEARING_RATE, _LONGEST_S)]
        spoken = next((part["language"] for part in parts if part.get("language")), "")
        return {"text": " ".join(part["text"] for part in parts if part["text"]), "language": spoken}

    def _whole(self, samples: Floats) -> dict[str, str]:
        stream = self._recogniser.create_stream()
        stream.accept_waveform(HEARING_RATE, samples)
        self._recogniser.decode_stream(stream)
        result = stream.result
        return {"text": result.text.strip(), "language": str(getattr(result, "lang", "")).strip("<|>")}

    def _streamed(self, samples: Floats) -> dict[str, str]:
        stream = self._recogniser.create_stream()
        stream.accept_waveform(HEARING_RATE, samples)
        stream.accept_waveform(HEARING_RATE, np.zeros(int(_TAIL_S * HEARING_RATE), np.float32))
        stream.input_finished()
        while self._recogniser.is_ready(stream):
            self._recogniser.decode_stream(stream)
        return {"text": self._recogniser.get_result(stream).strip()}
