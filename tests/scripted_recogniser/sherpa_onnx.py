"""Plays the package ``sherpa-onnx`` in the process of the recogniser: each maker takes the arguments of version 2.0,
and the words are those in the first file that it is given, behind the kind of the model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any


class _Stream:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.finished = False
        self.result = SimpleNamespace(text="", lang="")

    def accept_waveform(self, rate: int, samples: Any) -> None:
        assert not self.finished
        self.seconds += len(samples) / rate

    def input_finished(self) -> None:
        self.finished = True


class _Recogniser:
    def __init__(self, kind: str, file: str) -> None:
        self._words = f"{kind} {Path(file).read_text()}"
        self._left = 3

    def create_stream(self) -> _Stream:
        self._left = 3
        return _Stream()

    def decode_stream(self, stream: _Stream) -> None:
        self._left -= 1
        stream.result = SimpleNamespace(text=self._words, lang="<|en|>")

    def is_ready(self, stream: _Stream) -> bool:
        return stream.finished and self._left > 0

    def get_result(self, stream: _Stream) -> str:
        return stream.result.text if self._left == 0 else ""


class OfflineRecognizer:
    @staticmethod
    def from_sense_voice(*, model: str, tokens: str, num_threads: int, use_itn: bool) -> _Recogniser:
        return _Recogniser("sense_voice", model)

    @staticmethod
    def from_paraformer(*, paraformer: str, tokens: str, num_threads: int) -> _Recogniser:
        return _Recogniser("paraformer", paraformer)

    @staticmethod
    def from_moonshine(
        *, preprocessor: str, encoder: str, uncached_decoder: str, cached_decoder: str, tokens: str, num_threads: int
    ) -> _Recogniser:
        return _Recogniser("moonshine", encoder)


class OnlineRecognizer:
    @staticmethod
    def from_transducer(*, tokens: str, encoder: str, decoder: str, joiner: str, num_threads: int) -> _Recogniser:
        return _Recogniser("transducer", encoder)
