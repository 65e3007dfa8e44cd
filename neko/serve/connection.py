"""One connection: its bytes in and out, and when it ends.

It ends when the client has gone, when nothing was asked for a while, when one message takes too long to come or one
answer too long to leave, and when its protocol says so. Then what was written is sent, what still comes is thrown
away for a moment (or the client would lose the answer), and the rest is cut.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import ConnectionState, WorkerContext
from hypercorn.utils import parse_socket_addr
from starlette.types import ASGIApp

from neko.serve.protocol import Http11, Streams, WebSocket
from neko.tasks import TaskOwner
from neko.web.pace import SLOWEST, allowed_seconds

KEEP_ALIVE_TIMEOUT_S = 30.0
"""How long a connection may stand without a whole request."""
STALLED_TIMEOUT_S = 10.0
"""How long a client may take nothing of what is sent to it."""
LINGER_SILENCE_S, LINGER_S = 2.0, 30.0
"""How long we listen to a client that was hung up on: in silence, and in all."""
CLOSE_TIMEOUT_S = 2.0
"""How long the last bytes may take, once nothing is read any more."""
_READ = 64 * 1024


class Reader(asyncio.StreamReader):
    """A reset counts as an end: what came before it is read."""

    def set_exception(self, exc: Exception) -> None:
        self.feed_eof()


class Connection:
    """Serves one accepted socket, by ``run``."""

    def __init__(
        self,
        app: ASGIApp,
        config: Config,
        context: WorkerContext,
        owner: TaskOwner,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.idle = True
        """Between requests: nothing is lost when it is closed."""
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._hung_up = False
        self._deadline: float | None = self._loop.time() + KEEP_ALIVE_TIMEOUT_S
        self._reading: asyncio.Timeout | None = None
        self._send_lock = asyncio.Lock()
        self._streams = Streams(owner, writer.transport.abort)
        server, client = (_address(writer, name) for name in ("sockname", "peername"))
        streams: Any = self._streams
        self._protocol = Http11(app, config, context, streams, ConnectionState({}), False, client, server, self._act)  # type: ignore[arg-type]

    @property
    def lost(self) -> bool:
        """Nothing can be sent any more."""
        return self._writer.is_closing()

    async def run(self) -> None:
        """Serve until the connection is closed, and what it started has ended."""
        try:
            await self._serve()
            if not self.idle:
                await self._linger()
        finally:
            await self._close()
        if self._streams.tasks:
            await asyncio.wait(self._streams.tasks)

    def hang_up(self) -> None:
        """Take no further request, and let the client read what it was sent."""
        self._hung_up = True
        with suppress(OSError, RuntimeError):
            self._writer.write_eof()
        self._stop_reading_at(self._loop.time())

    async def _serve(self) -> None:
        while not self._hung_up and (data := await self._read(self._due())):
            await self._protocol.handle(RawData(data))
        if self._reader.at_eof() and not self._hung_up:
            await self._protocol.handle(RawData(b""))
        await self._protocol.handle(Closed())
        if self._reader.at_eof() and self._streams.tasks and not self._hung_up:
            await asyncio.wait(self._streams.tasks)  # the client may have closed its side only, and wait for the answer
        self.hang_up()

    async def _read(self, due: float | None) -> bytes:
        """The next bytes; none at the end, or when they do not come in time."""
        try:
            async with asyncio.timeout_at(due) as self._reading:
                return await self._reader.read(_READ)
        except (OSError, TimeoutError):
            return b""
        finally:
            self._reading = None

    def _due(self) -> float | None:
        stream = self._protocol.stream
        if isinstance(stream, WebSocket) and stream.message_began is not None:
            return stream.message_began + allowed_seconds(stream.received)
        return self._deadline

    def _stop_reading_at(self, when: float | None) -> None:
        self._deadline = when
        if self._reading is not None:
            self._reading.reschedule(when)

    async def _act(self, event: Event) -> None:
        """What the protocol wants done."""
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Closed):
            self.hang_up()
        elif isinstance(event, Updated):
            self.idle = event.idle
            self._stop_reading_at(self._loop.time() + KEEP_ALIVE_TIMEOUT_S if event.idle else None)

    async def _write(self, data: bytes) -> None:
        async with self._send_lock:
            if self.lost:
                return
            try:
                self._writer.write(data)
                if waiting := self._writer.transport.get_write_buffer_size():
                    async with asyncio.timeout(STALLED_TIMEOUT_S + waiting / SLOWEST):
                        await self._writer.drain()
            except TimeoutError:
                self._writer.transport.abort()
            except (OSError, RuntimeError):
                self._stop_reading_at(self._loop.time())

    async def _linger(self) -> None:
        end = self._loop.time() + LINGER_S
        while await self._read(min(end, self._loop.time() + LINGER_SILENCE_S)):
            pass

    async def _close(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()


def _address(writer: asyncio.StreamWriter, name: str) -> tuple[str, int] | None:
    socket = writer.get_extra_info("socket")
    address = writer.get_extra_info(name)
    return parse_socket_addr(socket.family, address) if address else None
