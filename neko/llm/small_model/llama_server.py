"""The program of the small model's process: llama.cpp's server (``xllamacpp``) on loopback, by ``model_server``.

Run by its path, so that nothing of ours is imported. Its input begins with one line of JSON: ``path`` of the GGUF
file, ``name``, ``port``, ``key``, ``context`` and ``reply`` (tokens), ``parent`` (process id). It writes one line,
``ready``, when the model is loaded (until then every request is answered with 503), and exits with another code than
0 when it cannot be. What llama.cpp has to say goes to the error output; it holds nobody's words.

It ends with its parent, however that ends: its input is closed then. llama.cpp holds the interpreter while it loads,
so that nobody reads the input for so long; Linux is asked to end the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
import threading
from typing import Any

PR_SET_PDEATHSIG = 1  # prctl(2)
WARNINGS = 2
"""How much llama.cpp tells: errors and warnings."""
FEW_CORES = 4
NICENESS = 5
"""The page and her voice come before the model."""


def main() -> None:
    task: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    _end_with(task["parent"])
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is for the log
    xllamacpp = importlib.import_module("xllamacpp")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = task["path"]
    parameters.model_alias = {task["name"]}
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads()
    parameters.n_ctx = task["context"]
    parameters.n_predict = task["reply"]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = task["port"]
    parameters.api_keys = [task["key"]]
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.verbosity = WARNINGS
    server = xllamacpp.Server(parameters)  # it serves until it is collected
    answer.write("ready\n")
    answer.flush()
    threading.Event().wait()
    del server


def threads() -> int:
    """How many are to reckon; -1 is llama.cpp's choice, one for each real core.

    They wait for each other by spinning: where there are few cores and one of them is busy otherwise, with her voice or
    her face, a thread for each makes the model twenty times slower than one less.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, cores - 1) if cores <= FEW_CORES else -1


def _end_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
    threading.Thread(target=_wait_for_the_end_of_input, daemon=True).start()


def _wait_for_the_end_of_input() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(0)


if __name__ == "__main__":
    main()
