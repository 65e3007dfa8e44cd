"""A reply does not depend on the socket: it goes on while nobody is there, and is there when somebody comes back."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from neko.sessions.events import Status
from neko.web import socket as web_socket
from tests.client import Client, client, is_turn_end
from tests.conftest import RunningServer
from tests.field.gated_reply import END_OF_STREAM, WHOLE, WORDS, GatedReply
from tests.field.hostile_provider import DONE, HostileProvider, Raw, chunk, deltas, event
from tests.field.talk import CHARACTER, Talk, talking
from tests.scripted_provider import Request


@pytest.fixture
async def talk(server: RunningServer, hostile: HostileProvider) -> AsyncIterator[Talk]:
    await server.neko.config.change({"neko": {"speech": {"engine": "off"}}})
    async with talking(server, hostile) as opened:
        yield opened


def words_of(page: Client) -> str:
    """The reply as a page shows it."""
    text = ""
    for frame in page.frames:
        if frame["type"] == "gemini_response":
            text = frame["text"] if frame["isNewMessage"] else text + frame["text"]
    return text


async def drop(page: Client) -> None:
    """As a network does that is gone: nothing is said."""
    page.connection.transport.abort()
    await page.connection.wait_closed()


async def kept(talk: Talk) -> list[tuple[str, str, str]]:
    return [(line["role"], line["text"], line["status"]) for line in await talk.history()]


COMPLETE = [("user", "hello", "complete"), ("assistant", WHOLE, "complete")]
MOMENTS = [(gone, back) for gone in range(END_OF_STREAM + 1) for back in range(gone, END_OF_STREAM + 1)]


@pytest.mark.parametrize(("gone", "back"), MOMENTS, ids=[f"E1-gone-{gone}-back-{back}" for gone, back in MOMENTS])
@pytest.mark.few(6)
async def test_a_reply_goes_on_without_its_page_and_is_whole_when_it_is_back(talk: Talk, gone: int, back: int) -> None:
    """The page leaves after ``gone`` words (0: before the first) and is back when ``back`` have been sent."""
    reply = GatedReply()
    talk.provider.answers = [reply.answer()]
    await talk.page.say("hello")
    await talk.provider.wait_for_requests(1, 30)
    await reply.open(gone)
    if gone:
        await talk.page.until(lambda frame: words_of(talk.page) == "".join(WORDS[:gone]))
    await drop(talk.page)
    await reply.open(back)
    await reply.until_sent(back)
    async with client(talk.server.ws_url, CHARACTER) as page:
        assert page.frames[0]["state"] in ("thinking", "speaking")
        await reply.open(END_OF_STREAM + 2)
        await page.until(is_turn_end)
        assert words_of(page) == WHOLE
        firsts = [frame for frame in page.frames if frame["type"] == "gemini_response" and frame["isNewMessage"]]
        assert len(firsts) == 1
        assert await kept(talk) == COMPLETE
        assert len(talk.provider.chats) == 1
        assert not [frame for frame in page.frames if frame["type"] == "status"]


@pytest.mark.parametrize("gone", range(END_OF_STREAM + 1), ids=[f"E1-gone-{n}" for n in range(END_OF_STREAM + 1)])
async def test_a_reply_that_ended_while_nobody_was_there_is_in_the_history(talk: Talk, gone: int) -> None:
    reply = GatedReply()
    talk.provider.answers = [reply.answer()]
    await talk.page.say("hello")
    await talk.provider.wait_for_requests(1, 30)
    await reply.open(gone)
    if gone:
        await talk.page.until(lambda frame: words_of(talk.page) == "".join(WORDS[:gone]))
    await drop(talk.page)
    over = asyncio.Event()

    async def note(_: object) -> None:
        over.set()

    talk.server.neko.bus.session.subscribe(note, name="test", only=("turn_end",))
    await reply.open(END_OF_STREAM + 2)
    await asyncio.wait_for(over.wait(), 30)
    assert await kept(talk) == COMPLETE
    async with client(talk.server.ws_url, CHARACTER) as page:
        assert page.frames[0]["state"] == "idle"
        assert page.frames[0]["last_line_id"] == (await talk.history())[-1]["id"]
        assert await page.quiet() == [], "it is in the history, and not told again"


async def test_E1_a_new_message_of_the_page_that_is_back_ends_the_old_reply(talk: Talk) -> None:
    reply = GatedReply(allowed=2)
    talk.provider.answers = [reply.answer(), Raw([*deltas("Fine."), event(chunk({}, "stop")), DONE])]
    await talk.page.say("hello")
    await talk.page.until("gemini_response")
    await drop(talk.page)
    async with client(talk.server.ws_url, CHARACTER) as page:
        await page.until(lambda frame: words_of(page) == "The sea ")
        await page.say("another thing")
        await page.until(is_turn_end)
        await page.until(is_turn_end)
    texts = await kept(talk)
    assert texts[1] == ("assistant", "The sea ", "interrupted")
    assert texts[3] == ("assistant", "Fine.", "complete")


async def test_E1_stop_works_for_the_page_that_is_back(talk: Talk) -> None:
    reply = GatedReply(allowed=2)
    talk.provider.answers = [reply.answer()]
    await talk.page.say("hello")
    await talk.page.until("gemini_response")
    await drop(talk.page)
    async with client(talk.server.ws_url, CHARACTER) as page:
        await page.send("stop_reply")
        await page.until(is_turn_end)
    assert (await kept(talk))[-1] == ("assistant", "The sea ", "interrupted")


async def test_E1_what_went_wrong_while_nobody_was_there_is_told_to_who_comes_back(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = asyncio.Event()
    monkeypatch.setattr(talk.server.neko.conversations, "clients", _Watched(gone.set))

    async def refuse(_: Request) -> Raw:
        await gone.wait()
        return Raw([b'{"error": {"message": "no such key"}}'], status=401, content_type="application/json")

    talk.provider.answers = [refuse]
    await talk.page.say("hello")
    await talk.provider.wait_for_requests(1, 30)
    over = asyncio.Event()

    async def note(_: object) -> None:
        over.set()

    talk.server.neko.bus.session.subscribe(note, name="test", only=("turn_end",))
    await drop(talk.page)
    await asyncio.wait_for(over.wait(), 30)
    async with client(talk.server.ws_url, CHARACTER) as page:
        (told,) = [frame for frame in await page.quiet() if frame["type"] == "status"]
        assert (told["code"], told["level"]) == ("model_refused_key", "error")
    async with client(talk.server.ws_url, CHARACTER) as page:
        assert await page.quiet() == [], "once"


@pytest.mark.parametrize("how", ["drop", "newer-page"])
async def test_E1_she_goes_on_speaking_to_the_page_that_is_back(talk: Talk, how: str) -> None:
    await talk.server.neko.config.change({"neko": {"speech": {"engine": "builtin"}}})
    story = [f"This is sentence number {number} of a long story. " for number in range(40)]
    talk.provider.answers = [Raw([*deltas(*story), event(chunk({}, "stop")), DONE])]
    await talk.page.say("tell me a story")
    speech = (await talk.page.until("audio_chunk"))[-1]["speech_id"]
    if not any(map(is_turn_end, talk.page.frames)):
        await talk.page.until(is_turn_end)
    if how == "drop":
        await drop(talk.page)
    async with client(talk.server.ws_url, CHARACTER) as page:
        assert page.frames[0]["state"] == "speaking"
        await page.until("neko_speech_end")
        chunks = [frame["speech_id"] for frame in page.frames if frame["type"] == "audio_chunk"]
        assert set(chunks) == {speech}
        sounds = [frame["data"] for frame in page.frames if frame["type"] == "binary"]
        assert len(sounds) == len(chunks)
        before = {frame["data"] for frame in talk.page.frames if frame["type"] == "binary"}
        assert not before & {sound for sound in sounds if any(sound)}, "no sound comes twice"
        assert words_of(page) == "", "the words are in the history by now"


async def redialling(talk: Talk, dialled: asyncio.Queue[None], stop: asyncio.Event) -> None:
    """What N.E.K.O.'s page does: dial again after any close."""
    while not stop.is_set():
        async with client(talk.server.ws_url, CHARACTER, knows_takeover=False) as page:
            dialled.put_nowait(None)
            closed = asyncio.ensure_future(page.connection.wait_closed())
            stopped = asyncio.ensure_future(stop.wait())
            await asyncio.wait({closed, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()


async def test_pages_that_redial_after_any_close_do_not_fight(talk: Talk) -> None:
    talk.provider.answers = [Raw([*deltas(*WORDS), event(chunk({}, "stop")), DONE])]
    dialled, stop = asyncio.Queue[None](), asyncio.Event()
    pages = []
    for _ in range(3):
        pages.append(asyncio.ensure_future(redialling(talk, dialled, stop)))
        await asyncio.wait_for(dialled.get(), 30)
    for count in range(3):
        async with client(talk.server.ws_url, CHARACTER) as page:
            await page.say(f"line {count}")
            assert (await page.reply())[0] == WHOLE
    stop.set()
    await asyncio.gather(*pages)
    assert dialled.empty()


# ── a line, then goodbye ────────────────────────────────────────────────────────────────

LINES = 40


def masked(opcode: int, payload: bytes) -> bytes:
    """One frame of a client, as it is on the wire."""
    key = os.urandom(4)
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack("!H", len(payload))
    return bytes([0x80 | opcode]) + size + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def action(name: str, **fields: object) -> bytes:
    return masked(1, json.dumps({"action": name, **fields}).encode())


@asynccontextmanager
async def raw_socket(url: str, query: str = "") -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket to the character whose every byte is the test's. It reads little, and only when it is asked."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    key = base64.b64encode(os.urandom(16)).decode()
    headers = f"Host: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    writer.write(f"GET /ws/{CHARACTER}{query} HTTP/1.1\r\n{headers}Sec-WebSocket-Key: {key}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.close()


async def all_kept(server: RunningServer, lines: list[str]) -> None:
    found: list[str] = []
    async with asyncio.timeout(10):
        while len(found) < len(lines):
            stored = await server.neko.memory.lines(CHARACTER, limit=4 * LINES)
            found = [line.text for line in stored if line.role == "user"]
    assert sorted(found) == sorted(lines)


GOODBYES = {
    "tcp-close": b"",
    "close": masked(8, struct.pack("!H", 1000)),
    "end_session": action("end_session"),
    "pause_session": action("pause_session"),
    "new_session": action("start_session", input_type="text", new_session=True),
    "call": action("start_session", input_type="audio"),
    "not-json": masked(1, b"{{{"),
    "no-frame": b"\xff\xff\xff\xff\xff",
}


@pytest.mark.parametrize("goodbye", GOODBYES.values(), ids=GOODBYES)
async def test_what_was_read_before_a_goodbye_is_kept(server: RunningServer, goodbye: bytes) -> None:
    for number in range(LINES):
        async with raw_socket(server.url) as (_, writer):
            writer.write(action("stream_data", input_type="text", data=f"line {number}") + goodbye)
            await writer.drain()
    await all_kept(server, [f"line {number}" for number in range(LINES)])


@pytest.mark.parametrize("size", [10, 1000], ids=["short", "long"])
async def test_all_that_was_sent_in_one_breath_before_a_goodbye_is_kept(server: RunningServer, size: int) -> None:
    async with raw_socket(server.url) as (_, writer):
        lines = [f"{number} ".ljust(size, "x") for number in range(LINES)]
        writer.write(b"".join(action("stream_data", input_type="text", data=line) for line in lines))
        await writer.drain()
    await all_kept(server, lines)


async def test_a_line_before_a_goodbye_is_answered_too(talk: Talk) -> None:
    talk.provider.answers = [Raw([*deltas(*WORDS), event(chunk({}, "stop")), DONE])]
    async with raw_socket(talk.server.url) as (_, writer):
        writer.write(action("stream_data", input_type="text", data="hello") + masked(8, struct.pack("!H", 1001)))
        await writer.drain()
    async with asyncio.timeout(30):
        while await kept(talk) != COMPLETE:
            pass


# ── clients that never read ─────────────────────────────────────────────────────────────


def too_slow(server: RunningServer) -> None:
    """Say more to the page than it may let pile up."""
    manager = server.neko.conversations.get(CHARACTER)
    assert manager is not None
    for _ in range(2001):
        manager.emit(Status("x" * 100_000))


@pytest.mark.parametrize("why", ["4001", "4008", "character-gone"])
async def test_a_client_that_reads_nothing_is_cut_soon_after_it_was_closed(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(web_socket, "_FAREWELL_TIMEOUT_S", 0.05)
    cut = asyncio.Event()
    monkeypatch.setattr(server.neko.conversations, "clients", _Watched(cut.set))
    async with raw_socket(server.url, "?neko_close_codes=4001") as (reader, _):
        await asyncio.wait_for(reader.read(1), 30)
        if why == "4008":
            too_slow(server)
        elif why == "4001":
            async with client(server.ws_url, CHARACTER):
                await asyncio.wait_for(cut.wait(), 30)
        else:
            await server.neko.characters.rename(CHARACTER, "Other")
        await asyncio.wait_for(cut.wait(), 30)
        with pytest.raises((ConnectionError, EOFError, asyncio.IncompleteReadError)):
            async with asyncio.timeout(30):
                await reader.readexactly(1 << 30)


class _Watched(set[object]):
    """Tells when a client has left."""

    def __init__(self, on_left: Callable[[], None]) -> None:
        super().__init__()
        self._on_left = on_left

    def discard(self, one: object) -> None:
        super().discard(one)
        self._on_left()
