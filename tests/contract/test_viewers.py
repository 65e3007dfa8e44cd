"""``sessions.md`` §15: those who look on get the monitor's frames, and nobody notices them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Origin

from neko.sessions.events import StateChanged
from neko.sessions.outbox import TOO_SLOW
from neko.web import viewer_sockets
from neko.web.viewer_wire import SOUND_HEARTBEAT
from tests.client import TIMEOUT_S, Client, Frame, client, is_turn_end
from tests.conftest import RunningServer
from tests.scripted_provider import Script, ScriptedProvider

NAME = "Mio"
VIEWERS = 50
REPLY = Script(["Hi", " there", "."])


@asynccontextmanager
async def viewer(server: RunningServer, path: str) -> AsyncIterator[ClientConnection]:
    """Connected: the first heartbeat has come."""
    async with connect(server.ws_url + path, max_size=None) as connection:
        async with asyncio.timeout(TIMEOUT_S):
            first = await connection.recv()
        assert first == SOUND_HEARTBEAT if isinstance(first, bytes) else json.loads(first)["type"] == "heartbeat"
        yield connection


async def told(connection: ClientConnection, last: Frame) -> list[Frame]:
    """The frames of the contract up to this one."""
    frames: list[Frame] = []
    async with asyncio.timeout(TIMEOUT_S):
        while not frames or frames[-1] != last:
            frame = json.loads(await connection.recv())
            frames += [] if frame["type"].startswith("neko_") else [frame]
    return frames


async def asked(page: Client, text: str) -> list[Frame]:
    """What the owner is told of one turn, without what is another each time."""
    await page.say(text)
    seen = await page.until(is_turn_end)
    passing = ("turn_id", "speech_id", "line", "replaces", "ms")
    return [{name: value for name, value in frame.items() if name not in passing} for frame in seen]


@pytest.mark.contract("sessions-15-sync")
async def test_a_viewer_is_told_what_is_said_in_the_frames_of_the_monitor(
    connected: RunningServer, provider: ScriptedProvider
) -> None:
    provider.default = REPLY
    async with client(connected.ws_url, NAME) as page, viewer(connected, f"/sync/{NAME}") as sync:
        for words in ("Hello", "And you?"):
            await page.say(words)
            seen = await told(sync, {"type": "turn end"})
            assert seen[:2] == [{"type": "user_activity"}, {"type": "user_transcript", "text": words}]
            replies = [frame for frame in seen if frame["type"] == "gemini_response"]
            assert "".join(frame["text"] for frame in replies) == "Hi there."
            assert [frame["isNewMessage"] for frame in replies] == [True] + [False] * (len(replies) - 1)
            assert {frame["type"] for frame in seen[2:-1]} <= {"gemini_response", "emotion", "status"}


@pytest.mark.contract("sessions-15-subtitles")
async def test_subtitles_are_the_whole_reply_so_far_and_go_before_the_next(
    connected: RunningServer, provider: ScriptedProvider
) -> None:
    provider.default = REPLY
    whole = {"type": "subtitle", "text": "Hi there."}
    async with client(connected.ws_url, NAME) as page, viewer(connected, "/subtitle_ws") as subtitles:
        await page.say("Hello")
        first = await told(subtitles, whole)
        assert all(whole["text"].startswith(frame["text"]) for frame in first)
        await page.say("And you?")
        assert (await told(subtitles, whole))[0] == {"type": "clear"}


@pytest.mark.contract("sessions-15-sound")
async def test_a_viewer_hears_what_her_page_hears(server: RunningServer) -> None:
    async with client(server.ws_url, NAME) as page, viewer(server, f"/sync_binary/{NAME}") as sound:
        await page.say("Hello")
        seen = await page.until("neko_speech_end")
        for frame in seen:
            if frame["type"] == "binary":
                async with asyncio.timeout(TIMEOUT_S):
                    assert await sound.recv() == frame["data"]
        assert any(frame["type"] == "binary" for frame in seen)


@pytest.mark.contract("sessions-15-heartbeat")
async def test_a_quiet_talk_has_a_heartbeat(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_sockets, "HEARTBEAT_S", 0.02)
    async with viewer(server, f"/sync/{NAME}") as sync, viewer(server, f"/sync_binary/{NAME}") as sound:
        frames = [json.loads(await sync.recv()) for _ in range(2)]
        assert [frame["type"] for frame in frames] == ["heartbeat", "heartbeat"]
        assert frames[0]["timestamp"] < frames[1]["timestamp"]
        assert await sound.recv() == SOUND_HEARTBEAT


@pytest.mark.contract("sessions-15-many")
async def test_nobody_notices_fifty_viewers_and_one_that_never_reads(
    connected: RunningServer, provider: ScriptedProvider
) -> None:
    provider.default = REPLY
    async with client(connected.ws_url, NAME) as page:
        await asked(page, "Hello")
        alone = await asked(page, "Hello")
        async with AsyncExitStack() as stack:
            lazy = await stack.enter_async_context(
                connect(f"{connected.ws_url}/sync/{NAME}", max_queue=1, ping_interval=None, close_timeout=0.1)
            )
            viewers = [await stack.enter_async_context(viewer(connected, f"/sync/{NAME}")) for _ in range(VIEWERS)]
            assert await asked(page, "Hello") == alone
            for one in viewers:
                assert (await told(one, {"type": "turn end"}))[-1] == {"type": "turn end"}
            manager = connected.neko.conversations.get(NAME)
            assert manager is not None
            for _ in range(viewer_sockets.MOST_EVENTS + 1):  # at one go: nobody could take so much
                manager.emit(StateChanged("idle"))
            async with asyncio.timeout(TIMEOUT_S):
                with suppress(ConnectionClosedError):
                    while await lazy.recv():
                        pass
            assert (lazy.close_code, lazy.close_reason) == (TOO_SLOW, "too slow")


async def test_the_viewer_of_nobody_is_told_whom_there_is(server: RunningServer) -> None:
    async with connect(f"{server.ws_url}/sync/Nobody") as sync:
        assert json.loads(await sync.recv())["new_catgirl"] == NAME
        await sync.wait_closed()
        assert sync.close_code == 4004


async def test_another_site_cannot_look_on(server: RunningServer) -> None:
    with pytest.raises(InvalidStatus):
        await connect(f"{server.ws_url}/sync/{NAME}", origin=Origin("https://evil.example"))
