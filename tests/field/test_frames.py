"""Frames of any size and shape: none holds the others up, each is answered or refused, the socket stays."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.sync.client import connect as connect_in_thread

from neko.errors import FrameError
from neko.sessions.actions import ScreenshotResponse, SendAudio, SendImage, SendText
from neko.web import wire
from tests.conftest import RunningServer

LARGE = 13_500_000
JPEG = base64.b64encode(b"\xff\xd8" + bytes(10_000_000)).decode()

NASTY = {
    "empty-lists": "[" + "[]," * (LARGE // 3) + "0]",
    "numbers": "[" + "1," * (LARGE // 2) + "0]",
    "one-number": "9" * LARGE,
    "one-fraction": "0." + "1" * LARGE,
    "many-fractions": "[" + "0.1," * (LARGE // 4) + "0]",
    "many-keys": "{" + ",".join(f'"{number}":1' for number in range(LARGE // 12)) + "}",
    "many-texts": "[" + '"",' * (LARGE // 3) + "0]",
    "deep": "[" * LARGE,
    "deep-objects": '{"a":' * (LARGE // 5),
    "blanks": " " * LARGE,
    "escapes": '{"action":"ping","x":"' + "\\n" * (LARGE // 2) + '"}',
    "escaped-quotes": '{"action":"ping","x":"' + '\\"' * (LARGE // 2) + '"}',
    "never-closed": '{"action":"ping","x":"' + "a" * LARGE,
    "samples": json.dumps({"action": "stream_data", "input_type": "audio", "data": [0] * (LARGE // 3)}),
    "text": json.dumps({"action": "stream_data", "input_type": "text", "data": "x" * LARGE}),
    "no-picture": json.dumps({"action": "stream_data", "input_type": "screen", "data": "x" * LARGE}),
    "no-jpeg": json.dumps({"action": "screenshot_response", "data": "AAAA" * (LARGE // 4)}),
    "no-action": json.dumps({"action": "x" * LARGE}),
}
DROPPED = {"no-picture", "no-jpeg"}
"""Well formed, and of no use: the original drops them without a word."""
MIDDLING = {name: frame[: wire.SMALL_FRAME - 1] + "]" for name, frame in NASTY.items() if frame.startswith("[")}


@asynccontextmanager
async def page(server: RunningServer) -> AsyncIterator[ClientConnection]:
    async with connect(f"{server.ws_url}/ws/Mio", proxy=None, max_queue=None, compression=None) as connection:
        yield connection


async def until(connection: ClientConnection, kind: str) -> list[dict[str, Any]]:
    """The frames up to the first of this type."""
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["type"] != kind:
        seen.append(json.loads(await connection.recv()))
    return seen


def answers(server: RunningServer, frame: bytes) -> list[dict[str, Any]]:
    """What a client in a thread of its own gets: the loop that is watched is the server's alone."""
    seen: list[dict[str, Any]] = []
    with connect_in_thread(f"{server.ws_url}/ws/Mio", proxy=None, compression=None) as connection:
        connection.send(frame, text=True)
        connection.send('{"action":"ping"}')
        while not seen or seen[-1]["type"] != "pong":
            seen.append(json.loads(connection.recv(timeout=30)))
    return seen


@pytest.mark.loop_watchdog
@pytest.mark.parametrize("frame", [*NASTY.values()], ids=[f"giant-{name}" for name in NASTY])
@pytest.mark.few(8)
async def test_a_giant_frame_is_told_holds_nobody_up_and_leaves_the_socket_open(
    server: RunningServer, frame: str, request: pytest.FixtureRequest
) -> None:
    seen = await asyncio.to_thread(answers, server, frame.encode())
    told = [one["code"] for one in seen if one["type"] == "status"]
    dropped = any(f"giant-{name}]" in request.node.name for name in DROPPED)
    assert len(told) == (0 if dropped else 1)


@pytest.mark.loop_watchdog
@pytest.mark.parametrize("frame", MIDDLING.values(), ids=MIDDLING.keys())
async def test_many_frames_at_the_limit_take_turns_with_the_rest(server: RunningServer, frame: str) -> None:
    async with page(server) as connection:
        await until(connection, "neko_hello")
        for _ in range(8):
            await connection.send(frame.encode(), text=True)
        await connection.send('{"action":"ping"}')
        seen = await until(connection, "pong")
        assert len([one for one in seen if one["type"] == "status"]) == 8


def masked(text: str) -> bytes:
    """A frame of a client with the mask 0, made before the loop is watched."""
    payload = text.encode()
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xff" + size.to_bytes(8, "big")
    return b"\x81" + length + bytes(4) + payload


PIECE = 256 * 1024
PING = '{"action":"ping"}'
RAW = {
    "10000-ends": masked('{"action":"end_session"}') * 10_000,
    "10000-unknown": masked('{"action":"?"}') * 10_000,
    "picture": masked(f'{{"action":"stream_data","data":"data:image/jpeg;base64,{JPEG}","input_type":"screen"}}'),
    "three-pictures": masked(f'{{"action":"screenshot_response","data":"{JPEG}"}}') * 3,
}


@pytest.mark.loop_watchdog
@pytest.mark.parametrize("frames", RAW.values(), ids=RAW.keys())
async def test_much_at_once_takes_turns_with_the_rest(server: RunningServer, frames: bytes) -> None:
    async with page(server) as connection:
        await until(connection, "neko_hello")
        for at in range(0, len(frames), PIECE):
            connection.transport.write(frames[at : at + PIECE])
            await asyncio.sleep(0)
        await connection.send(PING)
        await until(connection, "pong")


@pytest.mark.parametrize("size", [0, 1, 2, wire.MAX_AUDIO, wire.MAX_AUDIO + 1, LARGE])
def test_sound_in_binary_frames_is_bounded_like_any_other(size: int) -> None:
    taken = wire.binary_audio(bytes(size), 48_000)
    assert (taken is not None) == (2 <= size <= wire.MAX_AUDIO)


@pytest.mark.parametrize("first", ["action", "input_type", "data"])
def test_the_largest_of_each_action_passes_in_any_order_of_its_fields(first: str) -> None:
    def sent(**fields: Any) -> str:
        ordered = {first: fields[first]} if first in fields else {}
        return json.dumps({**ordered, **fields})

    picture = wire.decode(sent(action="stream_data", input_type="camera", data=f"data:image/jpeg;base64,{JPEG}")).action
    assert isinstance(picture, SendImage)
    assert len(picture.jpeg) == 10_000_002
    shot = wire.decode(sent(action="screenshot_response", data=JPEG)).action
    assert isinstance(shot, ScreenshotResponse)
    samples = wire.decode(sent(action="stream_data", input_type="audio", data=[-32768] * wire.MAX_SAMPLES)).action
    assert isinstance(samples, SendAudio)
    sound = base64.b64encode(bytes(wire.MAX_ENCODED_AUDIO // 4 * 3 - 2)).decode()
    encoded = wire.decode(sent(action="stream_data", input_type="audio", data=sound)).action
    assert isinstance(encoded, SendAudio)
    for letter in ("x", "\n", "字", "😀", '"', "[", "\\"):
        text = wire.decode(sent(action="stream_data", input_type="text", data=letter * wire.MAX_TEXT)).action
        assert isinstance(text, SendText)
    slashed = JPEG.replace("/", "\\/")
    picture = wire.decode(
        f'{{"action":"stream_data","input_type":"screen","data":"data:image/jpeg;base64,{slashed}"}}'
    ).action
    assert isinstance(picture, SendImage)


@given(st.lists(st.sampled_from(['"', "[", "]", "{", "}", ",", ":", "\\", "a", "1", " ", "\\u0000", "é"]), max_size=12))
def test_whatever_a_large_frame_repeats_it_is_an_action_or_refused(parts: list[str]) -> None:
    piece = "".join(parts) or " "
    frame = piece * (wire.SMALL_FRAME // len(piece) + 2)
    for whole in (frame, f'{{"action":"ping","x":"{frame}"}}', f'{{"action":"ping","x":[{frame}0]}}'):
        try:
            wire.decode(whole)
        except FrameError as error:
            assert error.code in ("too_large", "invalid_json", "unknown_action")  # noqa: PT017
