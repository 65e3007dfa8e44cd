"""One life of a plug-in's process (``child``), from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from neko.agent.mcp.server_log import ServerLog
from neko.agent.plugins.manifest import Manifest
from neko.child_process import MARK, end_marked, own_environment
from neko.tasks import TaskOwner, in_thread, to_the_end
from neko.tool_errors import PluginError
from neko.well_formed import load_json

_ROOT: Final = Path(__file__).parents[3]
_PROGRAM: Final = "neko.agent.plugins.child"
_LONGEST_LINE: Final = 4_000_000
"""Bytes; more than the process tells at once."""
_MOST_WAITING: Final = 32
"""Calls at the same time."""
_MOST_UNREAD: Final = 1_000_000
"""Bytes that a plug-in may leave unread before it gets no more messages."""
_SOON_S: Final = 0.1
"""What a call that is given up has to end by itself, before the whole process is ended for it."""
_LAST_WORDS_S: Final = 0.2
_STOP_S: Final = 2.5
"""A little more than the plug-in has for its ``shutdown``."""
TELL_RATE: Final = 2_000_000
"""Bytes of what it tells that are read in a second, each message counting as ``_COST`` more; then it has to wait."""
_COST: Final = 2_000
_CHUNK: Final = 65_536
_SHARE: Final = 100_000
"""Bytes after which others have their turn."""
LOG_RATE: Final = 200_000
"""Bytes of its output that are read in a second; a plug-in that writes more has to wait."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for starting and for one call; bytes of memory."""

    start_s: float = 30.0
    call_s: float = 30.0
    memory: int = 2 << 30


class PluginProcess:
    """``config_path``: the ``plugin.toml``, or where one would be. ``on_told`` takes what the plug-in tells unasked,
    ``on_end`` is called once the process is gone without ``stop``; ``is_private``: it shall neither look nor listen."""

    def __init__(
        self,
        manifest: Manifest,
        config_path: Path,
        log: ServerLog,
        limits: Limits,
        on_told: Callable[[dict[str, Any]], None],
        on_end: Callable[[PluginError], None],
        is_private: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_private = is_private
        self._manifest = manifest
        self._config_path = config_path
        self._log = log
        self._limits = limits
        self._on_told = on_told
        self._on_end = on_end
        self._owner = TaskOwner(f"plugin {manifest.id}")
        self._mark = uuid4().hex
        self._process: asyncio.subprocess.Process | None = None
        self._loaded: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._stopping = False
        self._killed = False
        self._blame: PluginError | None = None
        self.end: PluginError | None = None
        """Why there is no process any more."""

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self, *, inspect: bool = False, reloaded: bool = False) -> dict[str, Any]:
        """What the plug-in tells of itself once it runs; with ``inspect`` it only tells, and ends. Raises
        ``PluginError``, and then there is no process."""
        try:
            await self._launch()
            self.send(self._order(inspect, reloaded))
            async with asyncio.timeout(self._limits.start_s):
                return await self._loaded
        except TimeoutError:
            await to_the_end(self.stop())
            raise self._error("slow_start", seconds=round(self._limits.start_s)) from None
        except OSError as error:
            raise self._error("broken", reason=error.strerror or type(error).__name__) from error
        except BaseException:
            await to_the_end(self.stop())
            raise

    async def call(self, entry: str, arguments: Mapping[str, Any], timeout_s: float | None = None) -> Any:
        """What an entry returns. Raises ``PluginError``: "failed" with what it says, "timeout", "ended", "busy"."""
        if self._process is None or self._stopping or self._process.returncode is not None:
            raise self.end or self._blame or self._error("ended")
        if len(self._pending) >= _MOST_WAITING:
            raise self._error("busy")
        limit = self._limits.call_s if timeout_s is None else timeout_s
        request_id = uuid4().hex
        answer = self._pending[request_id] = asyncio.get_running_loop().create_future()
        try:
            self.send({"type": "TRIGGER", "req_id": request_id, "entry_id": entry, "args": dict(arguments)})
            async with asyncio.timeout(limit):
                result = await asyncio.shield(answer)
        except TimeoutError:
            error = self._error("timeout", entry=entry, seconds=round(limit, 1))
            await to_the_end(self._give_up(request_id, answer, error))
            raise error from None
        except asyncio.CancelledError:
            error = self._error("stopped", entry=entry)
            await to_the_end(self._give_up(request_id, answer, error))
            raise
        finally:
            self._pending.pop(request_id, None)
            if answer.done() and not answer.cancelled():
                answer.exception()
        if not result.get("success"):
            raise self._error("failed", entry=entry, said=str(result.get("error") or ""))
        return result.get("data")

    def message(self, sent: Mapping[str, Any]) -> bool:
        """Hand on a message; false when the plug-in does not read."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.transport.get_write_buffer_size() > _MOST_UNREAD:
            return False
        self.send({"type": "MESSAGE", **sent})
        return True

    def send(self, message: Mapping[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def stop(self) -> None:
        """Have the plug-in shut down, and end its process and all that it has started; idempotent."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(_STOP_S):
                    self.send({"type": "STOP"})
                    await self._process.wait()
        self._kill()
        if self._reading is not None:
            await asyncio.wait({self._reading})
        await self._owner.aclose()

    # ──────────────────────────────────────────────────────────────────────────

    async def _launch(self) -> None:
        with self._log.capture(LOG_RATE) as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", _PROGRAM),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**own_environment(_ROOT), MARK: self._mark},
                cwd=self._config_path.parent if self._config_path.is_file() else None,
                start_new_session=hasattr(os, "killpg"),
            )
        self._reading = self._owner.spawn(self._read(self._process), name="answers")

    def _order(self, inspect: bool, reloaded: bool) -> dict[str, Any]:
        declared = [
            {
                "id": entry.id,
                "name": entry.name,
                "description": entry.description,
                "input_schema": dict(entry.input_schema),
                "extra": dict(entry.extra),
            }
            for entry in self._manifest.entries
        ]
        return {
            "plugin_id": self._manifest.id,
            "config_path": str(self._config_path),
            "installed": self._manifest.installed,
            "entry": self._manifest.entry,
            "declared": declared,
            "inspect": inspect,
            "reloaded": reloaded,
            "memory": self._limits.memory,
            "private": self._is_private(),
        }

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Until the end of its output, which is its own."""
        assert process.stdout is not None
        began, size = time.monotonic(), 0
        try:
            async for line in _lines(process.stdout):
                if self._blame:
                    continue  # it was ended: what it still had to say is read, so that the pipe is closed
                self._told(load_json(line))
                size += len(line) + _COST
                if size > _SHARE and not self._killed:
                    await asyncio.sleep(max(0.0, began + size / TELL_RATE - time.monotonic()))
                    began, size = time.monotonic(), 0
        except (ValueError, KeyError, TypeError, RecursionError) as fault:
            self._blame = self._error("ended", said=f"it wrote what is no message ({type(fault).__name__})")
        self._kill()
        await in_thread(end_marked, self._mark)
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        # the last words come through a thread of their own
        await in_thread(self._log.wait, _LAST_WORDS_S)
        ended = self._error("ended", said=str(self._blame or self._log.last_words() or _way(process.returncode)))
        self.end = self._blame or ended
        for answer in (*self._pending.values(), self._loaded):
            if not answer.done():
                answer.set_exception(ended)
        if not self._loaded.cancelled():
            self._loaded.exception()
        if not self._stopping:
            self._on_end(self.end)

    def _told(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "RESULT":
                answer = self._pending.get(message["req_id"])
                if answer is not None and not answer.done():
                    answer.set_result(message)
            case "LOADED" if not self._loaded.done():
                self._loaded.set_result(message)
            case "FAILED" if not self._loaded.done():
                self._loaded.set_exception(self._error("broken", reason=str(message["error"])[:500]))
            case _:
                self._on_told(message)

    async def _give_up(self, request_id: str, answer: asyncio.Future[dict[str, Any]], error: PluginError) -> None:
        """End a call: the process with it, if it does not end by itself."""
        self.send({"type": "CANCEL", "req_id": request_id})
        await asyncio.wait({answer}, timeout=_SOON_S)
        if not answer.done():
            self._blame = error
            self._kill()
            if self._reading is not None:
                await asyncio.wait({self._reading})

    def _kill(self) -> None:
        """End the process and its group. There is a group as long as one process of it is left."""
        self._killed = True
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            elif process.returncode is None:
                process.kill()

    def _error(self, why: str, **params: str | float) -> PluginError:
        said = str(params.pop("said", ""))
        detail = " ".join(filter(None, (self._manifest.id, str(params.get("entry", "")), why)))
        return PluginError(why, f"plug-in {detail}", name=self._manifest.name, said=said, **params)


def _way(status: int | None) -> str:
    """How a process went that wrote nothing of it."""
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return f"its process was ended by {signal.Signals(-status).name}"
    return f"its process ended by itself (exit status {status})"


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines. Raises ``ValueError`` for one that is too long."""
    begun = b""
    while chunk := await reader.read(_CHUNK):
        *whole, begun = (begun + chunk).split(b"\n")
        for line in whole:
            yield line
        if len(begun) > _LONGEST_LINE:
            raise ValueError("a line is too long")
