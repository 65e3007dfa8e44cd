"""Serve Neko over HTTP: the listening socket, Hypercorn, the signals, an orderly end.

Hypercorn 0.18 waits for ever for open WebSockets on Python 3.12.1 and later, and skips the lifespan
when it is cancelled. So this module closes the clients itself, cuts those that do not listen, gives
Hypercorn a deadline, and leaves all cleaning up to ``Neko.__aexit__``.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType
from typing import Any, cast
from urllib.parse import quote
from weakref import WeakSet, ref

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config, Sockets
from hypercorn.protocol import ws_stream
from hypercorn.typing import ASGIFramework
from starlette.types import ASGIApp, Receive, Scope, Send

from neko.application import Neko
from neko.errors import ConfigError, NekoError
from neko.settings import Settings
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import ROOT_PATH
from neko.tasks import TaskOwner, in_thread
from neko.web.socket import CUT_EXTENSION

logger = logging.getLogger(__name__)

BACKLOG = 128
PROBE_AFTER_S = 20
"""Seconds of silence after which the kernel asks whether the other side is still there."""
KEEP_ALIVE_TIMEOUT_S = 30.0
LARGEST_HEADERS = 64 * 1024

CLIENTS_TIMEOUT_S = 1.0
"""Seconds that clients get to take their goodbye, once we stop."""
SERVER_TIMEOUT_S = 0.3
"""Seconds that Hypercorn gets to end, before and again after the last connections are cut."""
THREADS_TIMEOUT_S = 0.7
"""Seconds that threads get to end, once all is saved."""

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class PortTakenError(ConfigError):
    """``params``: port."""

    code = "port_taken"


class AddressError(ConfigError):
    """The address cannot be listened on at all. ``params``: host, port, why."""

    code = "address"


# ── the socket ──────────────────────────────────────────────────────────────────────────


class Listener(socket.socket):
    """A listening socket that can cut the connections it has accepted."""

    def __init__(self, family: int) -> None:
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY only for this
        self._accepted: WeakSet[socket.socket] = WeakSet()

    @property
    def port(self) -> int:
        port: int = self.getsockname()[1]
        return port

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        notice_dead_peer(connection)
        self._accepted.add(connection)
        return connection, address

    def cutter(self, client: tuple[str, int]) -> Callable[[], None]:
        """What cuts the connection that is open from this address, at any later time."""
        found = next((one for one in self._accepted if _peer(one) == client), None)
        connection = ref(found) if found else lambda: None

        def cut() -> None:
            if (still_open := connection()) is not None:
                with suppress(OSError):
                    still_open.shutdown(socket.SHUT_RDWR)

        return cut

    def cut_connections(self) -> None:
        """End every connection, whatever is still unsent."""
        for connection in list(self._accepted):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _peer(connection: socket.socket) -> tuple[str, int] | None:
    try:
        host, port, *_ = connection.getpeername()
    except OSError:
        return None
    return host, port


def notice_dead_peer(connection: socket.socket) -> None:
    """Let TCP find out about a peer that vanished, within half a minute.

    Hypercorn's own pings never look at the answer, and keep a closed connection's task alive until the next one.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", PROBE_AFTER_S), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def listen(host: str, port: int) -> Listener:
    """Open the socket, so that nothing else is touched when the port is taken.

    Raises ``PortTakenError`` and ``AddressError``. Port 0 takes any free one.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise _address_error(host, port, f"{host} is not an address of this computer") from error
    listener = Listener(family)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"Port {port} is already in use, maybe by another Neko. Start her with another one: --port {port + 1}",
                port=port,
                other=port + 1,
            ) from error
        raise _address_error(host, port, error.strerror or str(error)) from error
    return listener


def _address_error(host: str, port: int, why: str) -> AddressError:
    sentence = f"Cannot listen on {host}, port {port}: {why}. Choose others with --host and --port."
    return AddressError(sentence, host=host, port=port, why=why)


def url_of(listener: Listener, host: str) -> str:
    """The address to type into a browser."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)
    if ":" in reachable and not reachable.startswith("["):
        reachable = f"[{reachable}]"
    return f"http://{reachable}:{listener.port}"


# ── Hypercorn ───────────────────────────────────────────────────────────────────────────


class _HypercornConfig(Config):
    """Hypercorn on a socket that is open already."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener
        self.accesslog = None
        self.errorlog = logging.getLogger("hypercorn")
        self.include_server_header = False
        self.backlog = BACKLOG
        self.keep_alive_timeout = KEEP_ALIVE_TIMEOUT_S
        self.keep_alive_max_requests = 100_000
        self.h11_max_incomplete_size = LARGEST_HEADERS
        self.graceful_timeout = CLIENTS_TIMEOUT_S + 3 * SERVER_TIMEOUT_S

    def create_sockets(self) -> Sockets:
        return Sockets([], [self._listener], [])


class _PlainHandshake(ws_stream.Handshake):
    """Agrees to no extension: on one machine compression costs more than all else in a frame, and a small
    compressed frame could become a very large one."""

    def __init__(self, headers: list[tuple[bytes, bytes]], http_version: str) -> None:
        super().__init__(headers, http_version)
        self.extensions = None


ws_stream.Handshake = _PlainHandshake  # type: ignore[misc]  # Hypercorn has no setting for it


def _served(app: ASGIApp, listener: Listener) -> ASGIFramework:
    """The application as Hypercorn runs it: without a lifespan, and with a way to cut a WebSocket's connection.

    Starting and stopping are not Hypercorn's to do; answered here, a cancelled lifespan is no error.
    """

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["client"]:
            scope["extensions"][CUT_EXTENSION] = {"cut": listener.cutter(tuple(scope["client"]))}
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for moment in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{moment}.complete"})

    return cast(ASGIFramework, served)


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
    stop = asyncio.Event()
    async with TaskOwner("serve") as owner:
        app, config = _served(_below_root_path(neko), listener), _HypercornConfig(listener)
        server = owner.spawn(hypercorn_serve(app, config, shutdown_trigger=stop.wait), name="http server")
        try:
            yield server
        finally:
            stop.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLIENTS_TIMEOUT_S):
                    await neko.conversations.close_clients("server stopping")
            await asyncio.wait({server}, timeout=SERVER_TIMEOUT_S)
            listener.cut_connections()
            await asyncio.wait({server}, timeout=SERVER_TIMEOUT_S)


# ── the whole run ───────────────────────────────────────────────────────────────────────


def run(settings: Settings) -> int:
    """Serve until a signal asks to stop; the exit code. Raises ``NekoError`` when that is impossible."""
    set_up_logging(settings.log_level)
    with listen(settings.host, settings.port) as listener:
        asyncio.run(_run(settings, listener))
    return 0


async def _run(settings: Settings, listener: Listener) -> None:
    asyncio.get_running_loop().set_exception_handler(_on_loop_error)
    with stop_signals() as stop:
        async with Neko(settings) as neko, serving(neko, listener) as server, TaskOwner("start") as owner:
            stop_request = owner.spawn(stop.wait(), name="stop signal")
            _announce(settings, url_of(listener, settings.host), owner)
            await asyncio.wait({server, stop_request}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                raise NekoError("the HTTP server ended by itself")
            logger.info("stopping")
    _leave_soon()


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Python 3.11 and early 3.12 report every connection that is cancelled as an error of the loop."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


def _announce(settings: Settings, url: str, owner: TaskOwner) -> None:
    sys.stdout.write(f"Neko is here: {url}   (Ctrl-C to stop)\n")
    sys.stdout.flush()
    if settings.open_browser and has_screen(settings.environ):
        login = f"/?token={quote(settings.token, safe='')}" if settings.token else ""
        owner.spawn(in_thread(webbrowser.open, url + login), name="open the browser")


def has_screen(environ: Mapping[str, str]) -> bool:
    """Without one ``webbrowser`` would start a text browser in this very terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _leave_soon() -> None:
    """All is saved: a thread that hangs (a name look-up, a device) does not keep the process."""

    def leave() -> None:
        logger.warning("left without waiting for a thread that hangs")
        logging.shutdown()
        os._exit(0)

    timer = threading.Timer(THREADS_TIMEOUT_S, leave)
    timer.daemon = True
    timer.start()


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that the first signal to stop sets; the second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    wanted = [getattr(signal, name) for name in STOP_SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in wanted}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        for number in heeded:
            signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop.set)

    for number in heeded:
        signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        if not stop.is_set():
            for number in heeded:
                signal.signal(number, before[number])


def set_up_logging(level: str) -> None:
    """One line an event on stderr. Libraries that would log what was said stay quiet."""
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    for name in ("httpcore", "httpcore2", "httpx", "httpx2", "hypercorn", "openai", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)
