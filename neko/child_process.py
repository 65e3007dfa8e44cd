"""What the processes that we start have in common: their environment and their log."""

from __future__ import annotations

import os
import re
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

MARK: Final = "NEKO_STARTED"
"""A variable by which all that a process has started is known, wherever it has gone."""
_GONE_S: Final = 1.0
_SECRET: Final = re.compile(r"KEY|TOKEN|SECRET|PASSW", re.IGNORECASE)


def own_environment(root: Path | None = None) -> dict[str, str]:
    """Ours, without what such a process has no use for: keys and passwords. From ``root`` it may import."""
    environ = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    if root is not None:
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, (environ.get("PYTHONPATH"), str(root))))
    return environ


def end_marked(mark: str) -> None:
    """Kill whatever has this ``MARK``, also what has left the group and the session of who started it, and wait until
    it is gone, a second at most: a signal returns before. Blocks; Linux alone tells what variables a process has."""
    if not mark:
        return
    wanted = f"{MARK}={mark}".encode()
    killed: list[int] = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if wanted in path.read_bytes().split(b"\0") and (process_id := int(path.parent.name)) != os.getpid():
                killed += _killed(process_id)
    _see_them_gone(killed)


def _killed(process_id: int) -> list[int]:
    """Kill it; what tells of its end, where the system has that (Linux 5.3). Raises ``OSError``."""
    if hasattr(os, "pidfd_open"):
        with suppress(OSError):
            handle = os.pidfd_open(process_id)
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return [handle]
    os.kill(process_id, signal.SIGKILL)
    return []


def _see_them_gone(killed: list[int]) -> None:
    if not killed:
        return
    ending, left = select.poll(), len(killed)
    for handle in killed:
        ending.register(handle, select.POLLIN)
    until = time.monotonic() + _GONE_S
    while left and (rest := until - time.monotonic()) > 0:
        for handle, _ in ending.poll(rest * 1000):
            ending.unregister(handle)
            left -= 1
    for handle in killed:
        os.close(handle)


def open_log(path: Path, *, anew: bool = True) -> BinaryIO:
    """A file for the owner's eyes, begun ``anew`` or written on. Blocks; raises ``OSError``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if anew else os.O_APPEND)
    return os.fdopen(os.open(path, flags, 0o600), "wb")
