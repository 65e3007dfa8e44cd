"""Plays the package ``xllamacpp`` in the small model's process: its parameters, and llama.cpp's server with its wire.

A "model" is what ``scripted_llama.model`` writes: the letters GGUF, then JSON that says how it behaves:

``loads_when``  a file; the model is loaded when it is there. Until then chats are answered with 503
``holds``       loading holds the interpreter, as llama.cpp does, and never ends
``error``       loading fails, and this is what llama.cpp says of it
``reply``       the words of its answers
``dies_once``   a file; the process ends in the middle of its first answer, unless the file is there, and makes it
``environ``     a file that gets the environment of the process
``counts``      a file that gets a line for each process that began to load
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

LOADING = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
REFUSED = {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}}


class CommonParams(SimpleNamespace):
    """What the program of the process sets on it is asked for by ``Server``."""

    def __init__(self) -> None:
        super().__init__(model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())


class Server:
    """Serves from the moment it is made; the call returns when the model is loaded. Raises ``RuntimeError``."""

    def __init__(self, parameters: Any) -> None:
        script = json.loads(Path(parameters.model.path).read_bytes()[4:])
        if "counts" in script:
            with Path(script["counts"]).open("a") as file:
                file.write(f"{os.getpid()}\n")
        if "environ" in script:
            Path(script["environ"]).write_text(json.dumps(dict(os.environ)))
        handler = type("Handler", (_Handler,), {"parameters": parameters, "script": script, "loaded": False})
        http = ThreadingHTTPServer((parameters.hostnames[0], parameters.port), handler)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        if script.get("holds"):
            ctypes.PyDLL(None).sleep(600)  # unlike CDLL it keeps the interpreter's lock
        while "loads_when" in script and not Path(script["loads_when"]).exists():
            time.sleep(0.01)
        if "error" in script:
            sys.stderr.write(f"0.00.004.024 E llama_model_load: {script['error']}\n")
            raise RuntimeError("Failed to init server, please check the input params.")
        handler.loaded = True  # type: ignore[attr-defined]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    parameters: Any
    script: dict[str, Any]
    loaded: bool

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {self.parameters.api_keys[0]}":
            self._answer(401, REFUSED)
        elif not self.loaded:
            self._answer(503, LOADING)
        else:
            self._stream()

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for word in self.script.get("reply", "Hello from the small model.").split(" "):
            self._event({"delta": {"content": f"{word} "}, "finish_reason": None})
            if "dies_once" in self.script and not (died := Path(self.script["dies_once"])).exists():
                died.touch()
                os._exit(1)
        self._event({"delta": {}, "finish_reason": "stop"})
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, choice: dict[str, Any]) -> None:
        chunk = {"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, **choice}]}
        self._chunk(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def log_message(self, *_: Any) -> None:
        """Says nothing."""
