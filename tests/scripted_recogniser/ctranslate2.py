"""Plays the package ``ctranslate2`` in the process of the recogniser. ``model.bin`` is JSON that says how:

``text``        the words of every utterance
``language``    what is detected
``no_speech``   the probability that it was none
``error``       loading fails with these words
``fails``       recognising fails with these words
``holds``       a file; recognising waits until it is there
``prints``      a line in place of an answer
``dies``        recognising ends the process
``prompts``     a file that gets the prompt of each utterance, a line of JSON
"""

from __future__ import annotations

import gc
import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class StorageView:
    @staticmethod
    def from_array(array: Any) -> Any:
        return array


class _Whisper:
    n_mels = 80
    is_multilingual = True

    def __init__(self, path: str, *, files: Mapping[str, bytes], **_options: Any) -> None:
        self._script = json.loads(files["model.bin"])
        if "error" in self._script:
            raise RuntimeError(self._script["error"])

    def encode(self, features: Any) -> Any:
        return features

    def detect_language(self, encoded: Any) -> list[list[tuple[str, float]]]:
        spoken = self._script.get("language", "en")
        others = [one for one in ("en", "zh", "ja", "ko", "cy") if one != spoken]
        return [[(f"<|{spoken}|>", 0.8), *((f"<|{one}|>", 0.05) for one in others)]]

    def generate(self, encoded: Any, prompts: Sequence[Sequence[int]], **_options: Any) -> list[Any]:
        script = self._script
        if "prompts" in script:
            with Path(script["prompts"]).open("a", encoding="utf-8") as file:
                file.write(json.dumps(list(prompts[0])) + "\n")
        while "holds" in script and not Path(script["holds"]).exists():
            time.sleep(0.01)
        if "dies" in script:
            os._exit(7)
        if "prints" in script:
            answers = next(one for one in gc.get_objects() if isinstance(one, io.BufferedWriter) and one.fileno() > 2)
            answers.write(script["prints"].encode() + b"\n")
        if "fails" in script:
            raise ValueError(script["fails"])
        ids = [ord(letter) for letter in script.get("text", "hello there")]
        return [SimpleNamespace(sequences_ids=[ids], scores=[-0.1], no_speech_prob=script.get("no_speech", 0.01))]


models = SimpleNamespace(Whisper=_Whisper)
