"""The one way out of the process: every connection to somewhere else is opened by a ``Network``.

It asks through the proxies of the environment by one rule (``neko.proxies``), counts what passes by
purpose and host, and with ``local_only`` refuses every host but this one, after redirects too.
The listening sockets of ``serve`` and of the browser's gate are the only others of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

from neko.errors import LocalOnlyError, ProxyError, SocksSupportError
from neko.proxies import ProxyRules, shown
from neko.settings import is_loopback
from neko.tasks import in_thread

if TYPE_CHECKING:
    import httpx2
    from websockets.asyncio.client import ClientConnection, connect

_KEEP_ALIVE_S = 60.0
_HTTP_PORT = 80
_MOST_HOSTS = 256
_OTHER_HOSTS = "other"


@dataclass(slots=True)
class Traffic:
    """What passed for one purpose and host. Bytes are those of bodies and messages, without headers."""

    requests: int = 0
    connections: int = 0
    refused: int = 0
    bytes_out: int = 0
    bytes_in: int = 0


class WebSocketRefusedError(ConnectionError):
    """The server did not open a WebSocket; ``status`` is its HTTP status, 0 without an answer, ``body`` its words,
    ``location`` where it sends to."""

    def __init__(self, reason: str, status: int = 0, body: bytes = b"", location: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.body = body
        self.location = location


class WebSocketClosedError(ConnectionError):
    """The connection is over; ``code`` 1006 means that it broke."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code}")
        self.code = code
        self.reason = reason


class Network:
    """Opens connections for one running Neko.

    ``purpose`` is a short word for what a connection is for ("chat", "speech"), ``url`` the server a
    client is made for. ``local_only`` may be changed at any time; it holds from the next request or
    message on and makes it raise ``LocalOnlyError``.
    """

    def __init__(self, *, local_only: bool = False) -> None:
        self.local_only = local_only
        self._traffic: dict[tuple[str, str], Traffic] = {}
        self._streams: WeakSet[Any] = WeakSet()

    async def http_client(
        self,
        purpose: str,
        url: str,
        *,
        connect_timeout_s: float,
        read_timeout_s: float | None = None,
        follow_redirects: bool = False,
    ) -> httpx2.AsyncClient:
        """A client with keep-alive, made off the loop; nothing is sent. Close it with ``aclose()``.

        ``read_timeout_s`` None leaves the deadline of an answer to the caller.
        """
        return await in_thread(self._make_client, purpose, url, connect_timeout_s, read_timeout_s, follow_redirects)

    async def websocket(
        self,
        purpose: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        open_timeout_s: float = 10.0,
        largest_message: int = 16 * 1024 * 1024,
        ping_every_s: float = 20.0,
        pong_timeout_s: float = 20.0,
    ) -> WebSocket:
        """An open WebSocket; raises ``LocalOnlyError``, ``ProxyError`` or ``WebSocketRefusedError``.

        Redirects are not followed. A peer that does not answer a ping in time is gone.
        """
        parts = urlsplit(url)
        host, traffic = parts.hostname or "", self._entry(purpose, parts.netloc.rpartition("@")[2])
        self._admit(host, traffic)
        traffic.requests += 1
        opening = await in_thread(_websocket_type)
        proxy = await in_thread(lambda: ProxyRules.read().proxy_for(url))
        try:
            connection = await opening(
                url,
                additional_headers=headers,
                subprotocols=list(subprotocols) or None,  # type: ignore[arg-type]
                proxy=proxy,
                ssl=await in_thread(_tls) if parts.scheme == "wss" else None,
                open_timeout=open_timeout_s,
                max_size=largest_message,
                close_timeout=1.0,
                ping_interval=ping_every_s,
                ping_timeout=pong_timeout_s,
            )
        except _opening_errors() as error:
            if proxy is not None and _is_of_the_proxy(error):
                raise _proxy_error(proxy, error) from error
            if isinstance(error, ImportError | ValueError):
                raise
            answer = getattr(error, "response", None)
            status, body = getattr(answer, "status_code", 0), getattr(answer, "body", None)
            location = answer.headers.get("Location", "") if answer else ""
            raise WebSocketRefusedError(type(error).__name__, status, bytes(body or b""), location) from error
        traffic.connections += 1
        return WebSocket(connection, lambda: self._admit(host, traffic), traffic)

    async def is_listening(self, purpose: str, host: str, port: int, timeout_s: float, *, tls: bool = False) -> bool:
        """Whether something takes connections there, by TLS with whatever certificate if ``tls``; loads nothing, and
        is quick where nothing listens."""
        traffic = self._entry(purpose, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        self._admit(host, traffic)
        try:
            async with asyncio.timeout(timeout_s):
                _, writer = await asyncio.open_connection(host, port, ssl=_any_certificate() if tls else None)
        except OSError:
            return False
        traffic.connections += 1
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    async def tunnel(
        self,
        purpose: str,
        host: str,
        port: int,
        admitted: Callable[[Sequence[str]], Sequence[str]],
        timeout_s: float,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Traffic]:
        """A connection for bytes that another program speaks (a browser's, by TLS or not); close its writer.

        Of the addresses of ``host`` only those that are ``admitted`` are connected to. Where the environment names a
        proxy, that looks the name up, and is asked for a tunnel whatever the port. Counted for all hosts together.
        Raises ``LocalOnlyError``, ``ProxyError``, ``OSError``: ``PermissionError`` when no address is admitted.
        """
        traffic = self._entry(purpose, _OTHER_HOSTS)
        self._admit(host, traffic)
        traffic.requests += 1
        scheme = "http" if port == _HTTP_PORT else "https"
        proxy = await in_thread(lambda: ProxyRules.read().proxy_for(f"{scheme}://{_bracketed(host)}:{port}"))
        async with asyncio.timeout(timeout_s):
            if proxy is not None:
                streams = await _through_proxy(proxy, host, port)
            else:
                streams = await _to_admitted(host, port, admitted)
        traffic.connections += 1
        return *streams, traffic

    def snapshot(self) -> dict[str, Any]:
        """``{"local_only": bool, "hosts": [{"purpose", "host", …the fields of Traffic}]}``, in order of first use."""
        hosts = [{"purpose": purpose, "host": host, **asdict(t)} for (purpose, host), t in self._traffic.items()]
        return {"local_only": self.local_only, "hosts": hosts}

    # ── the gate ──────────────────────────────────────────────────────────────

    def _entry(self, purpose: str, host: str) -> Traffic:
        """The counters of a host; beyond ``_MOST_HOSTS`` new ones share an entry for each purpose."""
        if (purpose, host) not in self._traffic and len(self._traffic) >= _MOST_HOSTS:
            host = _OTHER_HOSTS
        return self._traffic.setdefault((purpose, host), Traffic())

    def _admit(self, host: str, traffic: Traffic) -> None:
        if self.local_only and not is_loopback(host):
            traffic.refused += 1
            raise LocalOnlyError(f"{host} is another machine", host=host)

    def _make_client(
        self, purpose: str, url: str, connect_timeout_s: float, read_timeout_s: float | None, follow_redirects: bool
    ) -> httpx2.AsyncClient:
        http = _load_http()
        tls = _tls() if not url.startswith("http:") or follow_redirects else False
        limits = http.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=_KEEP_ALIVE_S)

        def transport(proxy: str | None) -> httpx2.AsyncBaseTransport:
            verify = tls if proxy is None else _tls()
            made: httpx2.AsyncBaseTransport = http.AsyncHTTPTransport(verify=verify, limits=limits, proxy=proxy)
            return made

        async def on_request(request: httpx2.Request) -> None:
            traffic = self._entry(purpose, request.url.netloc.decode("ascii"))
            self._admit(request.url.host, traffic)
            traffic.requests += 1
            traffic.bytes_out += int(request.headers.get("content-length", 0))

        async def on_response(response: httpx2.Response) -> None:
            traffic = self._entry(purpose, response.request.url.netloc.decode("ascii"))
            stream = response.extensions.get("network_stream")
            if stream is not None and stream not in self._streams:
                self._streams.add(stream)
                traffic.connections += 1
            response.stream = _counted_stream_type()(response.stream, traffic)

        client: httpx2.AsyncClient = http.AsyncClient(
            transport=_routes_type()(transport, ProxyRules.read()),
            trust_env=False,
            follow_redirects=follow_redirects,
            timeout=http.Timeout(read_timeout_s, connect=connect_timeout_s),
            event_hooks={"request": [on_request], "response": [on_response]},
        )
        return client


class WebSocket:
    """One open WebSocket. Sound and other binary messages are ``bytes``, text ones ``str``.

    Pings are answered while nobody reads; the peer is slowed down when messages pile up.
    """

    def __init__(self, connection: ClientConnection, admit: Callable[[], None], traffic: Traffic) -> None:
        self._connection = connection
        self._admit = admit
        self._traffic = traffic

    async def send(self, message: str | bytes) -> None:
        """Send one message; waits while the peer is slow. Raises ``WebSocketClosedError``, ``LocalOnlyError``."""
        self._admit()
        try:
            await self._connection.send(message)
        except _websocket_errors() as error:
            raise _closed(error) from error
        self._traffic.bytes_out += _size(message)

    async def send_text(self, message: bytes) -> None:
        """The same for a text message that is UTF-8 already."""
        self._admit()
        try:
            await self._connection.send(message, text=True)
        except _websocket_errors() as error:
            raise _closed(error) from error
        self._traffic.bytes_out += len(message)

    async def receive_text(self) -> bytes:
        """The next message as bytes, which of a text message are its UTF-8; raises as ``receive`` does."""
        try:
            message = await self._connection.recv(decode=False)
        except _websocket_errors() as error:
            raise _closed(error) from error
        self._traffic.bytes_in += len(message)
        return message

    async def receive(self) -> str | bytes:
        """The next message; raises ``WebSocketClosedError`` when there is none any more."""
        try:
            message = await self._connection.recv()
        except _websocket_errors() as error:
            raise _closed(error) from error
        self._traffic.bytes_in += _size(message)
        return message

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """All messages; ends when the peer closes properly, raises ``WebSocketClosedError`` when it breaks."""
        while True:
            try:
                message = await self.receive()
            except WebSocketClosedError as closed:
                if closed.code in (1000, 1001):
                    return
                raise
            yield message

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """Close, within a second; idempotent."""
        await self._connection.close(code, reason)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _closed(error: Exception) -> WebSocketClosedError:
    """By the peer's code and words, else by our code, else broken."""
    received, sent = getattr(error, "rcvd", None), getattr(error, "sent", None)
    if received:
        return WebSocketClosedError(int(received.code), received.reason)
    return WebSocketClosedError(int(sent.code) if sent else 1006, "")


def _size(message: str | bytes) -> int:
    return len(message.encode()) if isinstance(message, str) else len(message)


# ── tunnels ─────────────────────────────────────────────────────────────────────────────

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def addresses_of(host: str, port: int) -> list[str]:
    """What the system's resolver tells of a name, as IP addresses. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def _to_admitted(host: str, port: int, admitted: Callable[[Sequence[str]], Sequence[str]]) -> _Streams:
    """By the first of its addresses that is admitted and answers."""
    addresses = admitted(await addresses_of(host, port))
    if not addresses:
        raise PermissionError(f"{host} has no address that is admitted")
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(address, port)
    return await asyncio.open_connection(addresses[-1], port)


async def _through_proxy(proxy: str, host: str, port: int) -> _Streams:
    """By ``CONNECT``, or as SOCKS has it."""
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https"):
        try:
            socks = importlib.import_module("python_socks.async_.asyncio")
            opened = await socks.Proxy.from_url(proxy.replace("socks5h:", "socks5:")).connect(host, port)
        except TimeoutError:
            raise
        except Exception as error:
            raise _proxy_error(proxy, error) from error
        return await asyncio.open_connection(sock=opened)
    try:
        tls = _tls() if parts.scheme == "https" else None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or _HTTP_PORT, ssl=tls)
        try:
            place = f"{_bracketed(host)}:{port}"
            token = b64encode(unquote(parts.netloc.rpartition("@")[0]).encode()).decode()
            login = f"Proxy-Authorization: Basic {token}\r\n" if parts.username else ""
            writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{login}\r\n".encode())
            status = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode("ascii", "replace")
            if status.split()[1:2] != ["200"]:
                raise ProxyError("it opens no tunnel", host=shown(proxy), reason=status)
        except BaseException:
            writer.close()
            raise
    except TimeoutError:
        raise
    except (OSError, ValueError, EOFError) as error:
        raise _proxy_error(proxy, error) from error
    return reader, writer


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


# ── proxies ─────────────────────────────────────────────────────────────────────────────


def _proxy_error(proxy: str, error: Exception) -> ProxyError:
    """What to tell of a proxy that cannot be used. The text of a connection error names no more than its address."""
    if isinstance(error, ImportError):
        return SocksSupportError("the package for SOCKS is not installed", host=shown(proxy))
    reason = "" if isinstance(error, ValueError) else str(error)
    return ProxyError(f"{type(error).__name__} {reason}".strip(), host=shown(proxy), reason=reason or "?")


def _is_of_the_proxy(error: Exception) -> bool:
    """Whether opening a WebSocket failed at its proxy: there is none, it refuses, or it is of an unknown kind."""
    from websockets import exceptions

    if isinstance(error, ssl.SSLError | TimeoutError):
        return False
    return isinstance(error, exceptions.InvalidProxy | exceptions.ProxyError | ImportError | ValueError | OSError)


@cache
def _routes_type() -> Callable[[Callable[[str | None], httpx2.AsyncBaseTransport], ProxyRules], Any]:
    import httpx2

    class Routes(httpx2.AsyncBaseTransport):
        """Sends each request on its way, with or without a proxy; that of a proxy is made when it is first taken.

        Raises ``ProxyError`` where a proxy cannot be used.
        """

        def __init__(self, make: Callable[[str | None], httpx2.AsyncBaseTransport], rules: ProxyRules) -> None:
            self._make = make
            self._rules = rules
            self._proxies: dict[tuple[str, str, int | None], str | None] = {}
            self._direct = make(None)
            self._through: dict[str, httpx2.AsyncBaseTransport] = {}

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            url = request.url
            origin = (url.scheme, url.host, url.port)
            if origin not in self._proxies:
                self._proxies[origin] = await in_thread(self._rules.proxy_for, str(url))
            proxy = self._proxies[origin]
            if proxy is None:
                return await self._direct.handle_async_request(request)
            try:
                response = await (await self._by(proxy)).handle_async_request(request)
            except Exception as error:
                if not self._is_of_the_proxy(error):
                    raise
                raise _proxy_error(proxy, error) from error
            if response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                await response.aclose()
                raise ProxyError("407", host=shown(proxy), reason="407 Proxy Authentication Required")
            return response

        @staticmethod
        def _is_of_the_proxy(error: Exception) -> bool:
            """Whether it cannot be reached, refuses, speaks something else, or is of an unknown kind; TLS is the
            server's beyond it."""
            if isinstance(error.__cause__ and error.__cause__.__cause__, ssl.SSLError):
                return False
            unusable = (httpx2.ProxyError, httpx2.ConnectError, httpx2.ConnectTimeout, ImportError, ValueError)
            return isinstance(error, unusable) or type(error).__module__.startswith("socksio")

        async def _by(self, proxy: str) -> httpx2.AsyncBaseTransport:
            if proxy not in self._through:
                made = await in_thread(self._make, proxy)
                self._through.setdefault(proxy, made)
            return self._through[proxy]

        async def aclose(self) -> None:
            for transport in (self._direct, *self._through.values()):
                await transport.aclose()

    return Routes


# ── loaded at first use, away from the loop ───────────────────────────────────


@cache
def _tls() -> ssl.SSLContext:
    """Shared by all clients: reading the certificates takes 20 ms."""
    context: ssl.SSLContext = _load_http().create_ssl_context()
    return context


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def _load_http() -> Any:
    """``httpx2`` with all that its first request would import."""
    for name in ("httpcore2", "anyio._backends._asyncio", "anyio.streams.memory"):
        importlib.import_module(name)
    _counted_stream_type()
    _routes_type()
    return importlib.import_module("httpx2")


@cache
def _counted_stream_type() -> Callable[[Any, Traffic], httpx2.AsyncByteStream]:
    import httpx2

    class CountedStream(httpx2.AsyncByteStream):
        """The body of a response, counted as it passes."""

        def __init__(self, stream: httpx2.AsyncByteStream, traffic: Traffic) -> None:
            self._stream = stream
            self._traffic = traffic

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self._stream:
                self._traffic.bytes_in += len(chunk)
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    return CountedStream


@cache
def _websocket_type() -> type[connect]:
    from websockets.asyncio.client import connect

    class Connect(connect):
        """Follows no redirect: it would go to a host that the gate has not seen."""

        def process_redirect(self, exc: Exception) -> Exception:
            return exc

    return Connect


@cache
def _websocket_errors() -> tuple[type[Exception], ...]:
    from websockets.exceptions import WebSocketException

    return OSError, WebSocketException


@cache
def _opening_errors() -> tuple[type[Exception], ...]:
    """What is raised besides where a proxy is of an unknown kind, or its package is not installed."""
    return *_websocket_errors(), ImportError, ValueError
