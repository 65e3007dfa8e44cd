"""``/ws/{character}``: one reader, one writer, nothing in between.

The reader is always pending, since a server may drop sends after a disconnect in silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from neko.agent.approvals import Approvals
from neko.app.conversations import Conversations
from neko.errors import FrameError
from neko.i18n import notice
from neko.language import normalise
from neko.sessions.actions import AnswerApproval, StartSession
from neko.sessions.events import ApprovalAsked, Audio, CharacterSwitched, SessionFailed, Status
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import TAKEN_OVER, Outbox
from neko.tasks import in_thread
from neko.web import wire
from neko.web.request_language import client_language, client_region, region_code

logger = logging.getLogger(__name__)

_INTERNAL_ERROR = 1011
_REDIRECT_TIMEOUT_S = 0.5
"""Seconds between telling a client that its character is unknown and closing, so that it can act."""
CUT_EXTENSION = "neko.cut"
"""ASGI extension of our own server: ``cut()`` ends the connection at once, whatever is unsent. Harmless later."""
WITH_NEXT = "neko.with_next"
"""Key of an ASGI message to our own server, which may send it together with the next one."""
_FAREWELL_TIMEOUT_S = 5.0
"""Seconds from closing a client to the end of its connection."""
_DRAIN_TIMEOUT_S = 1.0
"""Seconds that a client we close gets to take what was said before."""


class SocketContext(Protocol):
    """What the socket needs of the application."""

    @property
    def conversations(self) -> Conversations: ...

    @property
    def approvals(self) -> Approvals: ...


class Socket:
    """One accepted connection."""

    def __init__(self, websocket: WebSocket, context: SocketContext) -> None:
        self._websocket = websocket
        self._context = context
        self._cut = websocket.scope.get("extensions", {}).get(CUT_EXTENSION, {}).get("cut")
        self._outbox = Outbox(
            language=client_language(websocket),
            region=client_region(websocket),
            knows_takeover=_knows_takeover(websocket),
            can_undo="neko_undo" in websocket.query_params,
            on_close=self._on_close,
        )
        self._binary_rate: int | None = None

    async def serve(self, character: str) -> None:
        """Talk until either side leaves."""
        await self._websocket.accept()
        manager = self._context.conversations.get(character)
        if manager is None:
            await self._turn_away(character)
            return
        writer = self._context.conversations.sockets.spawn(self._write(), name=f"socket writer {character}")
        self._context.conversations.clients.add(self._outbox)
        greeting = self._context.conversations.sockets.spawn(self._greet(manager), name=f"socket greeting {character}")
        try:
            await self._read(manager, greeting)
        finally:
            greeting.cancel()
            self._context.conversations.clients.discard(self._outbox)
            manager.detach(self._outbox)
            if self._outbox.closed:  # by us: the farewell may still be on its way
                await asyncio.wait({writer}, timeout=_DRAIN_TIMEOUT_S)
            self._outbox.close(1000, "")
            writer.cancel()

    async def _greet(self, manager: SessionManager) -> None:
        await manager.attach(self._outbox)
        for question in self._context.approvals.pending(manager.character):
            self._outbox.put(ApprovalAsked(question))

    def _on_close(self) -> None:
        """Whoever reads nothing, or never answers a close, is not waited for."""
        if self._cut:
            asyncio.get_running_loop().call_later(_FAREWELL_TIMEOUT_S, self._cut)

    async def _turn_away(self, character: str) -> None:
        instead = self._context.conversations.fallback_character()
        if instead is not None:
            await self._websocket.send_text(wire.encode(CharacterSwitched(instead, character)))
            try:
                async with asyncio.timeout(_REDIRECT_TIMEOUT_S):
                    await self._websocket.receive()
            except TimeoutError:
                pass
        if self._websocket.client_state is WebSocketState.CONNECTED:
            await self._websocket.close(1000)

    async def _read(self, manager: SessionManager, greeting: asyncio.Task[None]) -> None:
        """Take frames until the client leaves; none is acted on before its greeting is out."""
        while True:
            frame = await self._websocket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            if not greeting.done():
                await asyncio.wait({greeting})
            if self._context.conversations.get(manager.character) is not manager:
                self._outbox.close(1000, "character gone")
            elif (text := frame.get("text")) is not None:
                await self._act(manager, text)
            elif self._binary_rate and (sound := wire.binary_audio(frame.get("bytes") or b"", self._binary_rate)):
                await manager.take(sound, self._outbox)

    async def _act(self, manager: SessionManager, text: str) -> None:
        try:
            large = len(text) > wire.SMALL_FRAME
            frame = await in_thread(wire.decode, text) if large else wire.decode(text)
        except FrameError as error:
            words = notice(error.code, self._outbox.language or manager.language, error.params)
            if error.failed_mode is not None:
                self._outbox.put(SessionFailed(error.failed_mode, words.text))
            self._outbox.put(Status(words.text, words.code, words.remedy, level="error"))
            return
        if frame.language:
            self._outbox.language = normalise(frame.language)
        if frame.region:
            self._outbox.region = region_code(frame.region) or self._outbox.region
        if isinstance(frame.action, StartSession):
            self._binary_rate = frame.action.binary_rate
        if isinstance(frame.action, AnswerApproval):
            self._context.approvals.answer(frame.action.id, frame.action.answer)
        elif frame.action is not None:
            await manager.take(frame.action, self._outbox)

    async def _give_up(self, error: Exception) -> None:
        """Nothing can be sent any more: a client that is told so comes back, one that is left open waits for ever."""
        self._outbox.close(_INTERNAL_ERROR, type(error).__name__)
        with contextlib.suppress(WebSocketDisconnect, OSError, RuntimeError):
            await self._websocket.close(_INTERNAL_ERROR)

    async def _write(self) -> None:
        websocket = self._websocket
        try:
            while (event := await self._outbox.get()) is not None:
                text = wire.encode(event)
                if isinstance(event, Audio):
                    await websocket.send({"type": "websocket.send", "text": text, WITH_NEXT: True})
                    await websocket.send_bytes(event.pcm)
                else:
                    await websocket.send_text(text)
            if self._outbox.closed and websocket.client_state is WebSocketState.CONNECTED:
                await websocket.close(*self._outbox.closed)
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            logger.debug("the client left while we were sending: %s", type(error).__name__)
        except Exception as error:
            logger.exception("a client could not be written to")
            await self._give_up(error)


def _knows_takeover(websocket: WebSocket) -> bool:
    """Has the client said that it stays away after a close with this code?"""
    return str(TAKEN_OVER) in websocket.query_params.get("neko_close_codes", "").split(",")
