"""HTTP/1.1 and WebSockets as Hypercorn's protocols speak them, where we want them otherwise.

* A request may name its whole address (RFC 9112 §3.2.2).
* An answer to a request whose body has not come whole says that the connection ends with it: a client that went on to
  use it would be cut off.
* No HTTP/2 in clear text: no browser speaks it, and its streams would outlive their connection.
* No compression of WebSocket frames: on one machine it costs more than all else in a frame, and a small compressed
  frame could become a very large one.
* A WebSocket message that is too large, or no message at all, closes the socket with a code that says so.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import h11
from hypercorn.protocol import h11 as hypercorn_h11
from hypercorn.protocol.events import Body, Data, Event, Request, Response, StreamClosed
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import ASGIWebsocketState, FrameTooLargeError, WSStream
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Message, Ping, TextMessage
from wsproto.events import Event as WSEvent
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError

from neko.tasks import TaskOwner
from neko.web.socket import CUT_EXTENSION, WITH_NEXT

logger = logging.getLogger(__name__)

LARGEST_WAITING = 1024 * 1024
"""Bytes that a client may have sent and the app has not taken yet; one message more may be on its way."""
_COST_OF_A_MESSAGE = 4096
SLICE_S = 0.005
"""How long an app may take messages that wait already before the others have their turn."""
_ABSOLUTE_FORM = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)

AppSend = Callable[[Any], Awaitable[None]]


class Http11(H11Protocol):
    """One connection; ``stream`` is the request or the WebSocket that it carries now."""

    async def _check_protocol(self, event: h11.Request) -> None:
        """Nothing else is spoken: an offer to change to HTTP/2 is passed over."""

    async def _create_stream(self, request: h11.Request) -> None:
        await super()._create_stream(_origin_form(request))

    async def stream_send(self, event: Event) -> None:
        if isinstance(event, Response) and self.connection.their_state is h11.SEND_BODY:
            event = replace(event, headers=[*event.headers, (b"connection", b"close")])
        await super().stream_send(event)


def _origin_form(request: h11.Request) -> h11.Request:
    """A request for a whole address as one for its path: the address decides the host, whatever ``Host`` says."""
    match = _ABSOLUTE_FORM.fullmatch(request.target)
    if match is None:
        return request
    host, rest = match.groups()
    return h11.Request(
        method=request.method,
        headers=[*((name, value) for name, value in request.headers if name != b"host"), (b"host", host)],
        target=rest if rest.startswith(b"/") else b"/" + rest,
        http_version=request.http_version,
    )


class WebSocket(WSStream):
    """``received`` bytes of a message have come since ``message_began`` (loop time); None between messages."""

    message_began: float | None = None
    received = 0
    _with_next = b""
    """The frame of a message that goes out with the next one."""

    async def app_send(self, message: Any) -> None:
        is_open = self.state is ASGIWebsocketState.CONNECTED and not self.closed
        if message is not None and message.get(WITH_NEXT) and is_open:
            self._with_next += self.connection.send(TextMessage(data=message["text"]))
            return
        await super().app_send(message)

    async def _send_wsproto_event(self, event: WSEvent) -> None:
        with suppress(LocalProtocolError):
            data, self._with_next = self._with_next + self.connection.send(event), b""
            await self.send(Data(stream_id=self.stream_id, data=data))

    async def handle(self, event: Event) -> None:
        if isinstance(event, Request):
            plain = [(name, value) for name, value in event.headers if name.lower() != b"sec-websocket-extensions"]
            event = replace(event, headers=plain)
        elif isinstance(event, Body | Data) and not self.closed:
            self.received += len(event.data)
            if not self.handshake.accepted:  # a client waits for the answer to its handshake (RFC 6455 §4.1)
                await self._send_error_response(HTTPStatus.BAD_REQUEST)
                await self.send(StreamClosed(stream_id=self.stream_id))
        await super().handle(event)

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if isinstance(event, Message):
                try:
                    self.buffer.extend(event)
                except FrameTooLargeError:
                    await self._end(CloseReason.MESSAGE_TOO_BIG)
                    return
                if event.message_finished and self.app_put is not None:
                    await self.app_put(self.buffer.to_message())
                    self.buffer.clear()
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):
                await self._end(event.code)
                return
        if self.buffer.value is None:
            self.message_began, self.received = None, 0
        elif self.message_began is None:
            self.message_began = asyncio.get_running_loop().time()

    async def _end(self, code: int) -> None:
        """Answer the client's close, or close for what it sent; both end the connection."""
        if self.connection.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            await self._send_wsproto_event(CloseConnection(code=code))
        await self.send(StreamClosed(stream_id=self.stream_id))


setattr(hypercorn_h11, "WSStream", WebSocket)  # noqa: B010  # its H11Protocol names the class in the midst of a method, and takes none


class _Inbox:
    """What a client sent, on its way to the app: bounded in bytes; never blocks once either side has gone."""

    def __init__(self) -> None:
        self._messages: deque[Any] = deque()
        self._waiting = 0
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._resumed = 0.0
        self._came = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, message: Any) -> None:
        leaves = message["type"].endswith(".disconnect")
        while self._waiting > LARGEST_WAITING and not self._ended and not leaves:
            self._room.clear()
            await self._room.wait()
        if self._ended:
            return
        self._messages.append(message)
        self._waiting += _size(message)
        self._came.set()
        if leaves:
            self.end()

    async def get(self) -> Any:
        while not self._messages:
            self._came.clear()
            await self._came.wait()
            self._resumed = self._loop.time()
        if self._loop.time() - self._resumed > SLICE_S:
            await asyncio.sleep(0)
            self._resumed = self._loop.time()
        message = self._messages.popleft()
        self._waiting -= _size(message)
        self._room.set()
        return message

    def end(self) -> None:
        """Nothing more is taken in."""
        self._ended = True
        self._room.set()


def _size(message: Any) -> int:
    content = message.get("body") or message.get("bytes") or message.get("text") or b""
    return len(content) + _COST_OF_A_MESSAGE


class Streams:
    """Runs the app for each stream of a connection: what Hypercorn calls a task group. ``cut`` ends the connection."""

    def __init__(self, owner: TaskOwner, cut: Callable[[], None]) -> None:
        self._owner = owner
        self._cut = cut
        self.tasks: set[asyncio.Task[None]] = set()

    async def spawn_app(
        self, app: ASGIApp, _config: object, scope: Any, send: AppSend
    ) -> Callable[[Any], Awaitable[None]]:
        inbox = _Inbox()
        scope["extensions"][CUT_EXTENSION] = {"cut": self._cut}
        task = self._owner.spawn(_run_app(app, scope, inbox, send), name=scope["type"])
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return inbox.put

    def spawn(self, work: Callable[..., Any], *args: Any) -> None:
        self._owner.spawn(work(*args), name="protocol")


async def _run_app(app: ASGIApp, scope: Any, inbox: _Inbox, send: AppSend) -> None:
    try:
        await app(scope, inbox.get, send)
    except ClientDisconnect:
        logger.debug("a client left in the middle of its request")
    except Exception:
        logger.exception("a request crashed")
    finally:
        inbox.end()
        await send(None)
