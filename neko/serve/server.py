"""Accept connections and answer them; at the end say goodbye and cut those that do not listen."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from starlette.types import ASGIApp, Receive, Scope, Send

from neko.application import Neko
from neko.serve.connection import Connection, Reader
from neko.serve.listener import Listener
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import ROOT_PATH
from neko.tasks import TaskOwner

logger = logging.getLogger(__name__)

LARGEST_HEADERS = 64 * 1024
LARGEST_MESSAGE = 14 * 1024 * 1024
"""Characters or bytes of a WebSocket message: a picture of 10 MiB in base64, and what is around it."""
MOST_CONNECTIONS = 512
RETRY_S = 0.5
"""How long to wait for a free descriptor, or what else is missing, before the next try."""

CLIENTS_TIMEOUT_S = 1.0
"""Seconds that clients get to take their goodbye, once we stop."""
SERVER_TIMEOUT_S = 0.3
"""Seconds that connections get to end, before and again after they are cut."""


class HttpServer:
    """Answers what comes in at ``listener`` by ``app``, while ``run`` runs."""

    def __init__(self, app: ASGIApp, listener: Listener) -> None:
        self._app = app
        self._listener = listener
        self._config = Config()
        self._config.accesslog = self._config.errorlog = None
        self._config.include_server_header = False
        self._config.keep_alive_max_requests = 100_000
        self._config.h11_max_incomplete_size = LARGEST_HEADERS
        self._config.websocket_max_message_size = LARGEST_MESSAGE
        self._context = WorkerContext(None)
        self.connections: dict[socket.socket, Connection | None] = {}
        """What is open, the oldest first; None while a connection is set up."""
        self._one_ended = asyncio.Event()
        self._most = most_connections()

    async def run(self) -> None:
        try:
            async with TaskOwner("http") as owner:
                while True:
                    connection = await self._accepted()
                    self._listener.adopt(connection)
                    self.connections[connection] = None
                    owner.spawn(self._serve(connection, owner), name="connection")
        finally:
            self._listener.close_untaken()
            for connection in self.connections:  # whose task was ended before its first step
                connection.close()

    async def _accepted(self) -> socket.socket:
        """The next connection, as soon as there is room for one. What has to wait waits in the system's queue."""
        loop, told = asyncio.get_running_loop(), False
        while True:
            while len(self.connections) >= self._most:
                await self._make_room()
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except ConnectionError:  # it has gone while it waited
                continue
            except OSError as error:
                if self._listener.fileno() < 0:
                    raise
                if not told:
                    logger.warning("new connections wait, since none can be accepted: %s", error.strerror)
                told = True
                await asyncio.sleep(RETRY_S)
            else:
                return connection

    async def _make_room(self) -> None:
        """End the connection that has been asked for nothing the longest, or wait for one to end."""
        idle = next((one for one in self.connections.values() if one and one.idle), None)
        if idle:
            idle.hang_up()
        self._one_ended.clear()
        await self._one_ended.wait()

    async def _serve(self, connection: socket.socket, owner: TaskOwner) -> None:
        try:
            loop = asyncio.get_running_loop()
            reader = Reader(loop=loop)
            protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
            with suppress(OSError):  # gone already
                transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection)
                writer = asyncio.StreamWriter(transport, protocol, reader, loop)
                served = Connection(self._app, self._config, self._context, owner, reader, writer)
                self.connections[connection] = served
                await served.run()
        finally:
            self.connections.pop(connection, None)
            connection.close()
            self._one_ended.set()

    async def stop(self) -> None:
        """Close what is idle, and give the rest ``SERVER_TIMEOUT_S`` to end."""
        await self._context.terminated.set()
        for connection in self.connections.values():
            if connection and connection.idle:
                connection.hang_up()
        await self._wait_for_the_last()

    async def cut(self) -> None:
        """End every connection, whatever is still unsent."""
        self._listener.cut_connections()
        await self._wait_for_the_last()

    async def _wait_for_the_last(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SERVER_TIMEOUT_S):
                while self.connections:
                    self._one_ended.clear()
                    await self._one_ended.wait()


def most_connections() -> int:
    """How many connections may be open at once: half of the descriptors that this process may have at the most."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MOST_CONNECTIONS
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if limit == resource.RLIM_INFINITY else max(8, min(MOST_CONNECTIONS, limit // 2))


def _below_root_path(neko: Neko) -> ASGIApp:
    """The app below the path that a proxy is said to hand on; one that keeps it to itself is as welcome."""
    given = SettingsInForce({}, neko.settings.environ).get(ROOT_PATH).strip("/")
    if not given:
        return neko.asgi
    root_path = f"/{given}"

    async def below(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(root_path)
        rest = path if path.startswith("/") else "/" + path
        await neko.asgi({**scope, "root_path": root_path, "path": root_path + rest}, receive, send)

    return below


@asynccontextmanager
async def serving(neko: Neko, listener: Listener) -> AsyncIterator[asyncio.Task[None]]:
    """Answer requests meanwhile; yields the task of the server, which ends early only by a fault.

    At the end: accept no more, say goodbye to the clients, cut those who do not take it. Takes at
    most ``CLIENTS_TIMEOUT_S + 2 * SERVER_TIMEOUT_S`` seconds and leaves ``neko`` open.
    """
    server = HttpServer(_below_root_path(neko), listener)
    async with TaskOwner("serve") as owner:
        running = owner.spawn(server.run(), name="http server")
        try:
            yield running
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLIENTS_TIMEOUT_S):
                    await neko.conversations.close_clients("server stopping")
            await server.stop()
            await server.cut()
