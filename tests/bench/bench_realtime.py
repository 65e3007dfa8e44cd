"""Calls with a voice model: from a piece of the provider's sound to its frame at the client, 50 calls in one process.

Provider and clients are processes of their own, so that Neko's loop alone is under load. Calls begin one after the
other, and the provider speaks once it has been asked in all of them. Pieces are matched with what arrives by how much
sound came before. The floor is the same messages through a loop that hands them on as they are.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from neko.application import Neko
from neko.serve import listen, serving
from neko.settings import Settings
from tests.bench.figures import ms, show
from tests.scripted_provider import tone

CALLS: Final = 50
PIECES: Final = 60
PIECE_S: Final = 0.15
PACE_S: Final = 0.12
"""Between two pieces: providers are somewhat ahead of the sound."""
APART_S: Final = 0.1
"""Between the beginnings of two calls, and two questions."""
INTO_S: Final = 0.02
"""A piece has arrived when so much of it has: the sample-rate converter holds back the end of it, 20 ms at most."""
DEADLINE_S: Final = 120.0
FIRST: Final = 2
"""Pieces that do not count."""
PIECE: Final = b64encode(tone(PIECE_S, rate=24_000)).decode()

Times = dict[str, list[float]]
"""Monotonic seconds by call, for each piece."""


def percentile(values: Sequence[float], percent: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]


async def until_told(pipe: Connection) -> None:
    await asyncio.get_running_loop().run_in_executor(None, pipe.recv)


async def provide(pipe: Connection) -> None:
    """Answer what is typed by sound at its own pace, of a call that the typed word names."""
    left: Times = {}
    all_asked = asyncio.Barrier(CALLS)

    async def speak(connection: ServerConnection, name: str) -> None:
        left[name] = []
        await all_asked.wait()
        begins = time.monotonic() + int(name[1:]) / CALLS * PACE_S  # calls do not speak in step
        with suppress(ConnectionClosed):  # once enough has arrived
            await connection.send(json.dumps({"type": "response.created", "response": {"id": "r"}}))
            for number in range(PIECES):
                await asyncio.sleep(max(0.0, begins + number * PACE_S - time.monotonic()))
                left[name].append(time.monotonic())
                about = {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i"}
                await connection.send(json.dumps({**about, "delta": PIECE}))
            done = {"type": "response.done", "response": {"id": "r", "status": "completed"}}
            await connection.send(json.dumps(done))

    async def talk(connection: ServerConnection) -> None:
        name, speaking = "", []
        async for message in connection:
            event = json.loads(message)
            if event["type"] == "session.update":
                await connection.send(json.dumps({"type": "session.updated", "session": {}}))
            elif event["type"] == "conversation.item.create":
                name = event["item"]["content"][-1]["text"].split()[-1]
            elif event["type"] == "response.create":
                speaking.append(asyncio.create_task(speak(connection, name)))

    async with serve(talk, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        pipe.send(next(iter(server.sockets)).getsockname()[1])
        await until_told(pipe)
        pipe.send(left)


async def listen_to(pipe: Connection) -> None:
    """Hold so many calls, tell when all have begun, have something said in each, and note when its sound arrives."""
    port = pipe.recv()
    arrived: Times = {f"c{number}": [] for number in range(CALLS)}

    async def call(number: int, name: str) -> None:
        await asyncio.sleep(number * APART_S)
        async with connect(f"ws://127.0.0.1:{port}/ws/{name}", compression=None, ping_interval=None) as page:
            how = {"input_type": "audio", "audio_format": "pcm16", "sample_rate": 16_000}
            await page.send(json.dumps({"action": "start_session", **how}))
            while json.loads(await page.recv())["type"] != "session_started":
                pass
            await ready.wait()
            if number == 0:
                pipe.send("all began")
            await asyncio.sleep(number * APART_S)
            said = {"action": "stream_data", "input_type": "text", "data": f"speak {name}", "client_id": name}
            await page.send(json.dumps(said))
            heard_s = 0.0
            while len(arrived[name]) < PIECES - 1:
                message = await page.recv()
                if not isinstance(message, bytes):
                    continue
                heard_s += PIECE_S if message.startswith(b"{") else len(message) / (2 * 48_000)
                while heard_s > len(arrived[name]) * PIECE_S + INTO_S:
                    arrived[name].append(time.monotonic())
            await done.wait()

    ready, done = asyncio.Barrier(CALLS), asyncio.Barrier(CALLS)
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(*(call(number, name) for number, name in enumerate(arrived)))
    pipe.send(arrived)


def in_process(work: Callable[[Connection], Awaitable[None]]) -> Connection:
    """The pipe of a process that does this; reading from it fails when that has ended."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    multiprocessing.get_context("spawn").Process(target=_run, args=(work, there), daemon=True).start()
    there.close()
    return here


def _run(work: Callable[[Connection], Any], pipe: Connection) -> None:
    asyncio.run(work(pipe))


@asynccontextmanager
async def whole_neko(provider_port: int) -> AsyncIterator[int]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        config.mkdir()
        cards = {f"c{number}": {"system_prompt": f"You are c{number}."} for number in range(CALLS)}
        people = {"主人": {"档案名": "Sam"}, "猫娘": cards, "当前猫娘": "c0"}
        url = f"ws://127.0.0.1:{provider_port}"
        model = {"omniModelUrl": url, "omniModelId": "voice", "omniModelApiKey": "key", "coreApi": "openai"}
        (config / "characters.json").write_text(json.dumps(people), encoding="utf-8")
        (config / "core_config.json").write_text(json.dumps({"enableCustomApi": True, **model}), encoding="utf-8")
        settings = Settings(data_dir=Path(folder), port=0, environ={"LANG": "en"}, find_local_servers=False)
        with listen(settings.host, settings.port) as door:
            async with Neko(settings) as neko, serving(neko, door):
                yield door.port


@asynccontextmanager
async def bare_echo(provider_port: int) -> AsyncIterator[int]:
    async def relay(page: ServerConnection) -> None:
        async with connect(f"ws://127.0.0.1:{provider_port}", compression=None, ping_interval=None) as provider:
            await page.recv()
            await page.send('{"type": "session_started"}')
            content = [{"text": json.loads(await page.recv())["data"]}]
            item = {"type": "conversation.item.create", "item": {"content": content}}
            await provider.send(json.dumps(item))
            await provider.send('{"type": "response.create"}')
            await provider.recv()  # the response has begun
            passing = asyncio.create_task(pass_on(provider, page))
            await page.wait_closed()
            passing.cancel()

    async def pass_on(provider: ClientConnection, page: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in provider:
                await page.send(message.encode() if isinstance(message, str) else message)

    async with serve(relay, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def measure(house: Callable[[int], AbstractAsyncContextManager[int]]) -> tuple[list[float], float]:
    """The delay of each piece, and the processor time of this process for a second of one call."""
    provider, clients = in_process(provide), in_process(listen_to)
    loop = asyncio.get_running_loop()
    port = await loop.run_in_executor(None, provider.recv)
    async with asyncio.timeout(DEADLINE_S), house(port) as here:
        clients.send(here)
        await loop.run_in_executor(None, clients.recv)
        before = time.process_time()
        arrived: Times = await loop.run_in_executor(None, clients.recv)
        busy = time.process_time() - before
    provider.send(None)
    left: Times = await loop.run_in_executor(None, provider.recv)
    delays = [
        at - gone
        for name, times in arrived.items()
        for at, gone in list(zip(times, left[name], strict=False))[FIRST : PIECES - 3]
    ]
    return delays, busy / (CALLS * PIECES * PIECE_S)


async def main() -> None:
    floor, _ = await measure(bare_echo)
    ours, busy = await measure(whole_neko)
    for name, percent, aim in (("p50", 50, "≤ 1 ms"), ("p99", 99, "≤ 5 ms")):
        mine, bare = percentile(ours, percent), percentile(floor, percent)
        show(f"provider's sound → client, {CALLS} calls, {name}", ms(mine), ms(bare), mine / bare, aim)
    show("processor time of a second of one call", ms(busy))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
