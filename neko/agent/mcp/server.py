"""One MCP server: kept connected by a task of its own, and started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from neko.agent.mcp.config import ServerConfig
from neko.agent.mcp.connection import CONNECT_S, Asked, Connection, Progress, ServerTool, connect
from neko.agent.mcp.results import Outcome
from neko.agent.mcp.server_log import ServerLog
from neko.agent.restarts import Restarts
from neko.errors import NekoError
from neko.net import Network
from neko.tasks import TaskOwner
from neko.tool_errors import ToolServerError

STOP_S: Final = 3.0
"""Longer than it takes to end a process that will not go."""
WAIT_S: Final = 15.0
"""Seconds that a call waits for a server which is being connected, or for its new list of tools."""
_LIST_PAUSE_S: Final = 0.25
"""Between two lists of tools, however often a server says that it has others."""


class ServerState(StrEnum):
    OFF = "off"
    CONNECTING = "connecting"
    READY = "ready"
    WAITING = "waiting"
    """It failed, and is tried again after a pause, or when it is called."""
    FAILED = "failed"
    """It cannot work until its settings are changed."""


class Server:
    """``error`` is why it does not work. ``on_change`` is called when its state or its tools are others."""

    def __init__(
        self,
        config: ServerConfig,
        network: Network,
        owner: TaskOwner,
        on_change: Callable[[], object] = lambda: None,
        auth: Callable[[], Any] = lambda: None,
    ) -> None:
        self.config = config
        self.state = ServerState.OFF
        self.tools: tuple[ServerTool, ...] = ()
        self.error: NekoError | None = None
        self.log = ServerLog(config.secrets())
        self._network = network
        self._owner = owner
        self._on_change = on_change
        self._auth = auth
        self._connection: Connection | None = None
        self._news = asyncio.Event()
        self._settled = asyncio.Event()
        """Set while it is known whether it works."""
        self._listed = asyncio.Event()
        """Set while it has not said that its tools are others than those of the list."""
        self._stopping = False
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    @property
    def version(self) -> str:
        """What the server calls itself, while it is connected."""
        return self._connection.version if self._connection else ""

    @property
    def is_coming(self) -> bool:
        """It is not known yet whether it works."""
        return not self._settled.is_set()

    def tool(self, name: str) -> ServerTool | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    def start(self) -> None:
        """Connect, and stay so."""
        self._task = self._owner.spawn(self._run(), name=f"mcp {self.config.name}")

    async def stop(self) -> None:
        """End the connection, and the process if it is one; idempotent."""
        self._stopping = True
        self._news.set()
        if self._task and not self._task.done():
            if self._connection is None or not self._listed.is_set():  # it is waited for, and may never answer
                self._task.cancel()
            await asyncio.wait({self._task}, timeout=STOP_S)
            self._task.cancel()
        self._become(ServerState.OFF)

    async def call(
        self, tool: str, arguments: Mapping[str, Any], asked: Asked, on_progress: Progress, *, definition: str = ""
    ) -> Outcome:
        """Call a tool, once the server is there and, where that is given, if the tool still has this ``definition``.
        Raises ``NekoError`` when it is not so, or the server is lost meanwhile."""
        connection = await self._ready()
        if definition:
            known = self.tool(tool)
            if known is None or known.definition != definition:
                raise ToolServerError("changed", "the tool is another one now", name=self.config.name, tool=tool[:80])
        outcome = await connection.call(tool, arguments, asked, on_progress)
        text = self.log.without_secrets(outcome.text)
        return outcome if text == outcome.text else replace(outcome, text=text)

    async def settled(self, timeout_s: float) -> None:
        """Wait until it is known whether it works, or for ``timeout_s``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._settled.wait()

    async def _ready(self) -> Connection:
        if self.state is ServerState.READY and self._connection is not None and not self._connection.lost:
            return await self._with_new_list(self._connection)
        if self.state is ServerState.WAITING or (self._connection is not None and self._connection.lost):
            self._wanted = True
            self._news.set()
            self._become(ServerState.CONNECTING)
        await self.settled(WAIT_S)
        if self._connection is not None and self.state is ServerState.READY:
            return self._connection
        raise self.error or ToolServerError("silent", "it is not connected", name=self.config.name, lasting=False)

    async def _with_new_list(self, connection: Connection) -> Connection:
        """Once there is one, where it has said that its tools are others."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self._listed.wait()
        except TimeoutError:
            error = ToolServerError("silent", "its tools are not known", name=self.config.name, lasting=False)
            raise error from None
        return connection

    # ── the task ──────────────────────────────────────────────────────────────

    def _hear(self) -> None:
        """The connection has news."""
        self._listed.clear()
        self._news.set()

    async def _run(self) -> None:
        restarts = Restarts()
        while not self._stopping:
            restarts.begin()
            self._become(ServerState.CONNECTING)
            try:
                async with connect(self.config, self._network, self.log, self._hear, auth=self._auth) as connection:
                    await self._serve(connection)
                if self._is_ending():
                    break
                words = self.log.last_words()
                error: NekoError = ToolServerError(
                    "ended", "the connection ended", name=self.config.name, lasting=False, said=words
                )
            except NekoError as failure:
                error = failure
            self._connection = None
            self._listed.set()
            if self._is_ending():
                break
            self.error = error
            self.log.add("neko", f"{error.code}: {error}")
            if getattr(error, "lasting", True):
                self._become(ServerState.FAILED)
                return
            if not self._wanted:
                self._become(ServerState.WAITING)
                await self._pause(restarts.ended(), lambda: self._stopping or self._wanted)
            self._wanted = False
        self._connection = None
        self._become(ServerState.OFF)

    async def _serve(self, connection: Connection) -> None:
        """Keep the list of tools, until the connection is lost or not wanted any more."""
        connection.changed = True
        while not (connection.lost or self._stopping):
            if connection.changed:
                await self._list(connection)
                await self._pause(_LIST_PAUSE_S, lambda: connection.lost or self._stopping)
            if not (connection.changed or connection.lost or self._stopping):
                await self._news.wait()
            self._news.clear()

    async def _list(self, connection: Connection) -> None:
        async with asyncio.timeout(CONNECT_S):
            tools = await connection.list_tools()
        if not connection.changed:
            self._listed.set()
        if (self._connection, self.state, self.tools) == (connection, ServerState.READY, tools):
            return
        self.tools, self._connection, self.error = tools, connection, None
        self.log.add("neko", f"{connection.version or 'connected'}: {len(tools)} tools")
        self._become(ServerState.READY)

    async def _pause(self, seconds: float, ends: Callable[[], bool]) -> None:
        """Until the time is over, or news come with which it ends."""
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not ends():
                    await self._news.wait()
                    self._news.clear()

    def _is_ending(self) -> bool:
        return self._stopping

    def _become(self, state: ServerState) -> None:
        self.state = state
        if state is ServerState.CONNECTING:
            self._settled.clear()
        else:
            self._settled.set()
        self._on_change()
