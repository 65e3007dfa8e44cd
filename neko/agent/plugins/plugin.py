"""One plug-in: what is known of it, and its process, which is started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from neko.agent.mcp.server_log import ServerLog
from neko.agent.messages import timestamp
from neko.agent.plugins.code_version import code_version
from neko.agent.plugins.manifest import DeclaredEntry, Manifest
from neko.agent.plugins.process import Limits, PluginProcess
from neko.agent.policy import act_of
from neko.agent.privacy import HINT, looks_or_listens
from neko.agent.restarts import Restarts
from neko.tasks import TaskOwner, in_thread
from neko.tool_errors import PluginError
from neko.types.agent import Act

MOST_DEATHS: Final = 5
"""In a row; then it is not started again by itself."""
WAIT_S: Final = 15.0
"""Seconds that a call waits for a plug-in which is about to be started again."""


class PluginState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """It ended by itself, and is started again after a pause."""
    FAILED = "failed"
    """It cannot run until it is changed, or until the user has it started."""


class Plugin:
    """``error`` is why it does not run. ``entries``: what can be called; None while nobody has asked the plug-in and
    its ``plugin.toml`` does not say. ``status``: what it told last of itself."""

    def __init__(
        self,
        manifest: Manifest,
        config_path: Path,
        owner: TaskOwner,
        limits: Callable[[], Limits],
        on_push: Callable[[Plugin, dict[str, Any]], None],
        on_change: Callable[[], object],
        is_private: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_private = is_private
        self.manifest = manifest
        self.state = PluginState.STOPPED
        self.error: PluginError | None = None
        self.log = ServerLog()
        self.code = ""
        """Of what is running, or would (``code_version``)."""
        self.status: dict[str, Any] = {}
        self.status_time = ""
        self.problems: tuple[str, ...] = ()
        self.sources: tuple[str | None, ...] = ()
        """Where the messages come from that it wants; None stands for everywhere."""
        self.runs_by_itself = manifest.auto_start
        """It has timers, waits for messages, or asks for it: it is started with Neko."""
        self._config_path = config_path
        self._owner = owner
        self._limits = limits
        self._on_push = on_push
        self._on_change = on_change
        self._told: tuple[DeclaredEntry, ...] | None = None
        self._process: PluginProcess | None = None
        self._changing = asyncio.Lock()
        self._settled = asyncio.Event()
        self._restarts = Restarts()
        self._again: asyncio.Task[None] | None = None
        if manifest.problem:
            self._fail(PluginError("refused", manifest.problem, name=manifest.id, reason=manifest.problem))

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def entries(self) -> tuple[DeclaredEntry, ...] | None:
        if self._told is not None:
            return self._told
        return self.manifest.entries or None

    @property
    def is_known(self) -> bool:
        """The plug-in has told of itself since it was found, or cannot."""
        return self._told is not None or self.state is PluginState.FAILED

    @property
    def process_id(self) -> int | None:
        return self._process.process_id if self._process else None

    def entry(self, entry_id: str) -> DeclaredEntry:
        """Raises ``PluginError`` for one that there is not."""
        for entry in self.entries or ():
            if entry.id == entry_id:
                return entry
        raise PluginError("no_entry", f"no entry {entry_id}", name=self.manifest.name, entry=entry_id[:80])

    # ── from beginning to end ─────────────────────────────────────────────────

    async def inspect(self) -> None:
        """Find out what it has, in a process that ends; what is wrong with it is its ``error`` then."""
        async with self._changing:
            if self.is_known or self._process is not None:
                return
            process = self._new_process(lambda _error: None)
            try:
                self._learn(await process.start(inspect=True))
            except PluginError as error:
                self._fail(error)
            finally:
                await process.stop()
        self._on_change()

    async def start(self, *, reloaded: bool = False) -> None:
        """Start its process, if it does not run. Raises ``PluginError``."""
        async with self._changing:
            if self.state is PluginState.FAILED:
                self._restarts.forget()
            await self._start(reloaded)

    async def stop(self) -> None:
        """End its process, after its ``shutdown``; idempotent."""
        async with self._changing:
            await self._end()
            if self.state is not PluginState.FAILED:
                self._become(PluginState.STOPPED)

    async def restart(self, manifest: Manifest) -> None:
        """Begin anew with what ``plugin.toml`` says now. Raises ``PluginError``."""
        async with self._changing:
            await self._end()
            self.manifest, self._told, self.error, self.problems = manifest, None, None, ()
            self._restarts.forget()
            if manifest.problem:
                self._fail(PluginError("refused", manifest.problem, name=manifest.id, reason=manifest.problem))
                return
            self._become(PluginState.STOPPED)
            await self._start(reloaded=True)

    async def know_code(self) -> None:
        """Read which code would run, if none does."""
        if self._process is None:
            self.code = await in_thread(code_version, self.manifest)

    async def ready(self) -> None:
        """Have it run, if it can. Raises ``PluginError``."""
        if self.state is PluginState.WAITING:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAIT_S):
                    await self._settled.wait()
        if self.state is PluginState.STOPPED or self._changing.locked():
            await self.start()
        if self._process is None or self.state is not PluginState.RUNNING:
            raise self.error or PluginError("ended", "it does not run", name=self.manifest.name)

    async def call(self, entry_id: str, arguments: Mapping[str, Any]) -> Any:
        """What an entry returns; the plug-in is started if need be. Raises ``PluginError``."""
        await self.ready()
        assert self._process is not None
        self.entry(entry_id)
        return await self._process.call(entry_id, arguments)

    def message(self, source: str, text: str, time_: str) -> bool:
        """Hand a message to a plug-in that runs and wants it; false for another."""
        wanted = any(one in (None, source) for one in self.sources)
        if self._process is None or self.state is not PluginState.RUNNING or not wanted:
            return False
        return self._process.message({"source": source, "text": text, "sender": source, "ts": time_})

    # ──────────────────────────────────────────────────────────────────────────

    async def _start(self, reloaded: bool) -> None:
        if self.state is PluginState.RUNNING:
            return
        if self.manifest.problem:
            assert self.error is not None
            raise self.error
        await self.know_code()
        self._cancel_pause()
        self._become(PluginState.STARTING)
        process = self._process = self._new_process(self._ended)
        self._restarts.begin()
        try:
            self._learn(await process.start(reloaded=reloaded))
        except PluginError as error:
            self._process = None
            self.log.add("neko", f"it does not start: {error.said or error.params.get('reason') or error}")
            self._fail(error)
            raise
        except BaseException:
            self._process = None
            self._become(PluginState.STOPPED)
            raise
        self.error = None
        self._become(PluginState.RUNNING)
        if process.end is not None:
            self._ended(process.end)

    async def _end(self) -> None:
        self._cancel_pause()
        process, self._process = self._process, None
        if process is not None:
            await process.stop()

    def tell_privacy(self) -> None:
        """Tell its process, if there is one, whether it may look and listen."""
        if self._process is not None:
            self._process.send({"type": "PRIVACY", "on": self._is_private()})

    def _new_process(self, on_end: Callable[[PluginError], None]) -> PluginProcess:
        limits = self._limits()
        return PluginProcess(self.manifest, self._config_path, self.log, limits, self._hear, on_end, self._is_private)

    def _learn(self, told: Mapping[str, Any]) -> None:
        self._told = tuple(
            DeclaredEntry(
                str(one["id"]),
                str(one["name"]),
                str(one["description"]),
                one["input_schema"],
                str(one["kind"]),
                one["extra"],
            )
            for one in told["entries"]
        )
        self.sources = tuple(told["messages"])
        self.problems = (*self.manifest.warnings, *map(str, told["problems"]))
        self.runs_by_itself = bool(self.manifest.auto_start or told["auto_start"] or told["timers"] or told["messages"])

    def _hear(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "STATUS_UPDATE" if isinstance(message.get("data"), dict):
                self.status, self.status_time = message["data"], timestamp()
            case "MESSAGE_PUSH":
                self._on_push(self, message)

    def _ended(self, error: PluginError) -> None:
        """Its process has gone by itself, or because it hung."""
        if self.state is PluginState.STARTING:
            return  # whoever starts it is told
        self._process, self.error = None, error
        self.log.add("neko", f"it has ended: {error.said or error}")
        is_ours = error.code == "plugin_stopped"
        pause_s = 0.0 if is_ours else self._restarts.ended()
        if self._restarts.in_a_row >= MOST_DEATHS or self._owner.closed:
            self._fail(error)
            return
        self._become(PluginState.WAITING)
        self._again = self._owner.spawn(self._start_again(pause_s), name=f"again {self.id}")

    async def _start_again(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        async with self._changing:
            self._again = None
            if self.state is PluginState.WAITING:
                with contextlib.suppress(PluginError):  # it is its ``error`` then
                    await self._start(reloaded=False)

    def _cancel_pause(self) -> None:
        again, self._again = self._again, None
        if again is not None:
            again.cancel()

    def _fail(self, error: PluginError) -> None:
        self.error = error
        self._become(PluginState.FAILED)

    def _become(self, state: PluginState) -> None:
        self.state = state
        if state in (PluginState.WAITING, PluginState.STARTING):
            self._settled.clear()
        else:
            self._settled.set()
        self._on_change()


def entry_looks_or_listens(entry: DeclaredEntry) -> bool:
    """Does it look at a screen, through a camera, or listen, by its own hint or else by its name?"""
    told = entry.extra.get(HINT)
    return told if isinstance(told, bool) else looks_or_listens(entry.id, entry.name)


def act(entry: DeclaredEntry) -> Act:
    """What an entry can do at worst, by its own hints (as those of MCP: ``read_only``, ``destructive``,
    ``open_world``)."""

    def hint(name: str) -> bool | None:
        value = entry.extra.get(name)
        return value if isinstance(value, bool) else None

    return act_of(read_only=hint("read_only"), destructive=hint("destructive"), open_world=hint("open_world"))
