"""What the process of a tool server has started goes with it, and with us, however either ends.

The SDK ends the group of a process that outlives the end of its input. Here is what it leaves running: the children of
one that ended by itself or was killed (``npx`` whose ``node`` goes on), and a whole group when Neko itself is killed.
On Windows the SDK's job objects do both.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import Thread
from types import ModuleType
from typing import Any, Final
from uuid import uuid4

from neko.child_process import MARK, end_marked
from neko.tasks import in_thread

GRACE_S: Final = 1.0
"""What the rest of a group has after a signal; then it is killed."""
_LOOK_S: Final = 0.01
_WHEN_WE_ARE_GONE: Final = 'read -r _; kill -s TERM -- "-$0"; sleep 1; kill -s KILL -- "-$0"'
"""For ``sh``, whose input ends with us; its name is the group."""


@cache
def end_whole_groups(stdio: ModuleType) -> None:
    """Have the SDK's client over stdio (``mcp.client.stdio``) start and stop its processes so: it has no hook."""
    if os.name != "posix":
        return
    start, stop = stdio._create_platform_compatible_process, stdio._stop_server_process
    watches: dict[int, Thread] = {}

    async def start_watched(*args: Any, env: dict[str, str], **kwargs: Any) -> Any:
        mark = uuid4().hex
        process = await start(*args, env={**env, MARK: mark}, **kwargs)
        watch = watches[process.pid] = Thread(target=_watch, args=(process.pid, mark), name="tool server", daemon=True)
        watch.start()
        return process

    async def stop_wholly(process: Any) -> None:
        watch = watches.pop(process.pid)
        await stop(process)
        await in_thread(watch.join, 2 * GRACE_S)

    vars(stdio).update(_create_platform_compatible_process=start_watched, _stop_server_process=stop_wholly)


def _watch(process_id: int, mark: str) -> None:
    """Wait for the process to end, and end the rest of its group, and what has left that. Blocks."""
    with guarded(process_id):
        with suppress(ChildProcessError):  # the loop was told of it first
            os.waitid(os.P_PID, process_id, os.WEXITED | os.WNOWAIT)
        _end(process_id)
    end_marked(mark)


def _end(group: int) -> None:
    """There is a group as long as one process of it is left."""
    with suppress(ProcessLookupError):
        _signal(group, signal.SIGTERM)
        until = time.monotonic() + GRACE_S
        while time.monotonic() < until:
            time.sleep(_LOOK_S)
            _signal(group, 0)
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> None:
    with suppress(PermissionError):  # macOS says so of one that is about to be gone
        os.killpg(group, number)


@contextmanager
def guarded(group: int) -> Iterator[None]:
    """Meanwhile a shell waits beside us, and ends the group if we are gone."""
    command = ["/bin/sh", "-c", _WHEN_WE_ARE_GONE, str(group)]
    nothing = subprocess.DEVNULL
    try:
        guard = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing, env={}, start_new_session=True
        )
    except OSError:
        yield
        return
    with guard:
        yield
        guard.kill()
