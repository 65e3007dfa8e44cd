"""The program of the process that a plug-in runs in, for ``neko.agent.plugins.process``.

Lines of JSON come on its input and go to what its output was; what the plug-in prints goes where its errors go, to its
log. The first line says what to run (``PluginProcess._order``). The answer is ``LOADED``, which tells what can be
called, or ``FAILED``. With ``inspect`` that is all: the class is imported and no instance made. Then ``TRIGGER``,
``CANCEL``, ``MESSAGE`` and ``STOP`` come in; ``RESULT``, ``STATUS_UPDATE`` and ``MESSAGE_PUSH`` go out
(``contract/agent.md`` §13.1).

Async entries run side by side on the loop of the main thread, the others one after the other in a thread. When the
input ends, Neko has gone, and all that the plug-in has started goes with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

from neko.agent.plugins.child.loading import LoadError
from neko.agent.plugins.child.running import Running
from neko.child_process import MARK, end_marked

NICENESS: Final = 5
GRACE_S: Final = 2.0
"""Seconds that a plug-in has for its ``shutdown``."""
LONGEST_LINE: Final = 3_000_000
MOST_DESCRIPTORS: Final = 256
"""More than are open at the beginning."""


class Output:
    """Messages to Neko, a line each; for any thread."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "wb")
        self._lock = threading.Lock()

    def tell(self, message: Mapping[str, Any]) -> None:
        """Raises ``TypeError`` or ``ValueError`` for what JSON cannot hold, and for more than ``LONGEST_LINE``."""
        line = json.dumps(message, ensure_ascii=True, allow_nan=False).encode() + b"\n"
        if len(line) > LONGEST_LINE:
            raise ValueError(f"{len(line)} bytes are too many to tell Neko at once")
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._file.write(line)
            self._file.flush()


def main() -> None:
    output = Output(os.dup(1))
    os.dup2(2, 1)
    requests = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # a plug-in that asks on the terminal must not read what is not for it
    watch(requests.fileno())
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    order = json.loads(requests.readline())
    limit_memory(order["memory"])
    try:
        running = Running(order, output.tell)
        if order["inspect"]:
            output.tell({"type": "LOADED", **running.told})
        else:
            with contextlib.suppress(KeyboardInterrupt):
                asyncio.run(serve(running, requests, output, order["reloaded"]))
    except LoadError as error:
        output.tell({"type": "FAILED", "error": str(error)})
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # not every thread of a plug-in ends when it should


def watch(requests: int) -> None:
    """Have a small process of this group end all that the plug-in has started when Neko is gone, whatever it is
    doing."""
    if not hasattr(os, "fork") or os.getpgrp() != os.getpid() or os.fork():
        return
    os.closerange(0, requests)
    os.closerange(requests + 1, MOST_DESCRIPTORS)
    poll = select.poll()
    poll.register(requests, 0)
    poll.poll()
    time.sleep(GRACE_S)
    end_marked(os.environ.get(MARK, ""))
    os.killpg(0, signal.SIGKILL)


def limit_memory(size: int) -> None:
    """At most so many bytes of it, where the system can count them."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


async def serve(running: Running, requests: BinaryIO, output: Output, reloaded: bool) -> None:
    """Until ``STOP`` or the end of the input."""
    loop = asyncio.get_running_loop()
    inbox: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    await running.start(reloaded)
    output.tell({"type": "LOADED", **running.told})

    def read() -> None:
        for line in requests:
            loop.call_soon_threadsafe(inbox.put_nowait, json.loads(line))
        loop.call_soon_threadsafe(inbox.put_nowait, None)

    threading.Thread(target=read, name="requests", daemon=True).start()
    while (request := await inbox.get()) is not None and request["type"] != "STOP":
        match request["type"]:
            case "TRIGGER":
                running.call(request["req_id"], request["entry_id"], request["args"])
            case "CANCEL":
                running.cancel(request["req_id"])
            case "MESSAGE":
                running.message(request)
            case "PRIVACY":
                running.context.is_private = request["on"]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await running.stop()


if __name__ == "__main__":
    main()
