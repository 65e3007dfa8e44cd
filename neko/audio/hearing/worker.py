"""The program of the process that recognises speech on this computer, for ``local.LocalHearing``.

A process of its own: reading a model holds the interpreter for up to a second, what a model took is only given back
whole when its process ends, and a library that crashes takes nothing else with it.

Its input begins with one line of JSON, an ``Order``. It answers ``{"ready": true}`` once the model is loaded, or
``{"error": …}`` and ends. Then each utterance is a line ``{"size", "hint", "language", "vocabulary"}`` and ``size``
bytes of PCM16 mono at 16 kHz, and its answer a line: the fields of ``Heard``, or ``{"error": …}``. The end of its
input is its own.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from neko.audio.hearing.sherpa import Sherpa
from neko.audio.hearing.whisper import Whisper


class Recogniser(Protocol):
    """A loaded model."""

    def hear(self, samples: NDArray[np.float32], hint: str, language: str, vocabulary: list[str]) -> dict[str, Any]: ...


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is for the log
    requests = sys.stdin.buffer
    order = json.loads(requests.readline())
    try:
        recogniser = load(order)
    except Exception as error:
        _answer(answers, {"error": _words(error)})
        return
    _answer(answers, {"ready": True})
    while line := requests.readline():
        _answer(answers, _hear(recogniser, json.loads(line), requests))


def load(order: dict[str, Any]) -> Recogniser:
    """The model of an order: its ``kind`` and ``files``, the parts of each file by its name."""
    if order["kind"] != "whisper":
        return Sherpa(order["kind"], {name: parts[0] for name, parts in order["files"].items()}, threads())
    files = {name: b"".join(Path(part).read_bytes() for part in parts) for name, parts in order["files"].items()}
    return Whisper(files, threads())


def threads() -> int:
    """How many are to reckon: one is left for the voice and the page where there are more."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(4, cores if cores <= 2 else cores - 1)


def _hear(recogniser: Recogniser, request: dict[str, Any], requests: BinaryIO) -> dict[str, Any]:
    pcm = requests.read(request["size"])
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(2**15)
    try:
        return recogniser.hear(samples, request["hint"], request["language"], request["vocabulary"])
    except Exception as error:
        return {"error": _words(error)}


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _answer(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
