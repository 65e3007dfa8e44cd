"""``/sync/{name}``, ``/sync_binary/{name}`` and ``/subtitle_ws``: a talk for those who only look on.

A viewer takes nothing from the owner of the conversation: what waits for it is bounded, and one that does not keep up
is closed with ``TOO_SLOW``. What it sends is ignored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from neko.app import Neko
from neko.sessions.events import CharacterSwitched
from neko.sessions.outbox import TOO_SLOW, Outbox
from neko.web import wire
from neko.web.request_language import client_language
from neko.web.socket import CUT_EXTENSION, WITH_NEXT
from neko.web.viewer_wire import Feed, Frame, SoundFeed, SubtitleFeed, TalkFeed

HEARTBEAT_S = 10.0
SEND_TIMEOUT_S = 10.0
"""Seconds that a viewer gets to take one frame, and to answer our close."""
BEHIND_S = 0.04
"""Seconds that viewers are behind the owner: what comes meanwhile goes to each of them in one piece, and her turn is
not kept waiting by what they are sent."""
MOST_AT_ONCE = 50
MOST_EVENTS = 1000
MOST_SOUND = 2_000_000
"""Bytes, some twenty seconds; more is lost to whoever lags."""
_UNKNOWN_CHARACTER = 4004


def viewer_routes(neko: Neko) -> list[WebSocketRoute]:
    """The sockets of viewers. The subtitles are those of the character ``name`` (or ``lanlan_name``), or of the one who
    is current."""

    async def talk(websocket: WebSocket) -> None:
        await _serve(websocket, neko, TalkFeed())

    async def sound(websocket: WebSocket) -> None:
        await _serve(websocket, neko, SoundFeed())

    async def subtitles(websocket: WebSocket) -> None:
        await _serve(websocket, neko, SubtitleFeed())

    return [
        WebSocketRoute("/sync/{name}", talk),
        WebSocketRoute("/sync_binary/{name}", sound),
        WebSocketRoute("/subtitle_ws", subtitles),
    ]


async def _serve(websocket: WebSocket, neko: Neko, feed: Feed) -> None:
    """Tell one viewer until it leaves, lags or the conversation is over."""
    query = websocket.query_params
    wanted = websocket.path_params.get("name") or query.get("name") or query.get("lanlan_name")
    name = wanted or neko.characters.current
    await websocket.accept()
    conversations = neko.conversations
    manager = conversations.get(name)
    if manager is None:
        await _turn_away(websocket, name, conversations.fallback_character(), feed)
        return
    cut: Callable[[], None] | None = websocket.scope.get("extensions", {}).get(CUT_EXTENSION, {}).get("cut")
    outbox = Outbox(
        wants_audio=feed.wants_audio,
        max_events=MOST_EVENTS,
        max_audio=MOST_SOUND,
        language=client_language(websocket),
        on_close=lambda: _give_up_later(cut),
    )
    with manager.view(outbox):
        conversations.clients.add(outbox)
        writer = conversations.sockets.spawn(
            _write(websocket, outbox, feed, follows=not wanted), name=f"viewer of {name}"
        )
        try:
            while (await websocket.receive())["type"] != "websocket.disconnect":
                pass
        finally:
            conversations.clients.discard(outbox)
            outbox.close(1000, "")
            writer.cancel()


async def _turn_away(websocket: WebSocket, name: str, instead: str | None, feed: Feed) -> None:
    if instead is not None and not feed.wants_audio:
        await websocket.send_text(wire.encode(CharacterSwitched(instead, name)))
    await websocket.close(_UNKNOWN_CHARACTER, "unknown character")


async def _write(websocket: WebSocket, outbox: Outbox, feed: Feed, *, follows: bool) -> None:
    """A heartbeat comes at once and after each quiet ``HEARTBEAT_S``: a quiet talk is no dead line.

    One that ``follows`` whoever is current is closed when that is somebody else, and comes back to the new one.
    """
    with suppress(WebSocketDisconnect, OSError, RuntimeError, TimeoutError):
        await _tell(websocket, outbox, feed, follows=follows)
    outbox.close(TOO_SLOW, "too slow")
    code, reason = outbox.closed or (TOO_SLOW, "")
    with suppress(WebSocketDisconnect, OSError, RuntimeError, TimeoutError):
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await websocket.close(code, reason)


async def _tell(websocket: WebSocket, outbox: Outbox, feed: Feed, *, follows: bool) -> None:
    """Until the outbox is closed. Raises ``TimeoutError`` when the viewer does not take a frame."""
    await _send(websocket, feed.heartbeat())
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                event = await outbox.get()
        except TimeoutError:
            await _send(websocket, feed.heartbeat())
            continue
        if event is None:
            return
        await asyncio.sleep(BEHIND_S)
        frames = [*feed.frames(event)]
        while outbox.waiting and len(frames) < MOST_AT_ONCE and (event := await outbox.get()) is not None:
            frames += feed.frames(event)
            if follows and isinstance(event, CharacterSwitched):
                break
        await _send(websocket, *frames)
        if follows and isinstance(event, CharacterSwitched):
            outbox.close(1000, "character switched")


async def _send(websocket: WebSocket, *frames: Frame) -> None:
    """Text in one piece with what follows, where the server can do that."""
    for number, frame in enumerate(frames, 1):
        async with asyncio.timeout(SEND_TIMEOUT_S):
            if isinstance(frame, str):
                await websocket.send({"type": "websocket.send", "text": frame, WITH_NEXT: number < len(frames)})
            else:
                await websocket.send_bytes(frame)


def _give_up_later(cut: Callable[[], None] | None) -> None:
    """Whoever reads nothing never answers a close either."""
    if cut:
        asyncio.get_running_loop().call_later(SEND_TIMEOUT_S, cut)
