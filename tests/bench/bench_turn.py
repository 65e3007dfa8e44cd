"""A turn by text over a provider without delay, next to the ``openai`` client reading the same stream.

Neko, the provider and this client are three processes. The floor is timed from the call to the
first delta and to the end of the stream; Neko's figures from the text frame to the first
``gemini_response`` and to ``turn end``. The two take turns, so that both see the same machine.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect

from tests.bench import processes
from tests.bench.figures import median, ms, show

WARM_UP = 10
TURNS = 60
ROUNDS = 12
SAID = (
    "What shall we cook tonight?",
    "I walked along the river this morning and saw two herons.",
    "Do you remember the name of the bakery near the station?",
    "My sister is coming on Friday with her new dog.",
    "It has been raining since noon, so I stayed in and read.",
    "Tell me something about the moons of Jupiter.",
    "I finally finished the blue scarf for grandmother.",
    "Could you remind me what the doctor said about coffee?",
)
MESSAGES: list[Any] = [{"role": "system", "content": "You are c0."}, {"role": "user", "content": SAID[0]}]
_said = itertools.cycle(SAID)


async def bare_turn(client: AsyncOpenAI) -> tuple[float, float]:
    """Seconds to the first delta and to the end."""
    began = time.perf_counter()
    first = 0.0
    stream = await client.chat.completions.create(model="scripted-1", messages=MESSAGES, stream=True)
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content and not first:
            first = time.perf_counter() - began
    return first, time.perf_counter() - began


async def neko_turn(page: ClientConnection) -> tuple[float, float]:
    """Seconds from the text frame to the first delta and to turn end."""
    began = time.perf_counter()
    await page.send(json.dumps({"action": "stream_data", "input_type": "text", "data": next(_said)}))
    first = 0.0
    while True:
        frame = json.loads(await page.recv())
        if frame["type"] == "gemini_response" and not first:
            first = time.perf_counter() - began
        if frame["type"] == "system":
            return first, time.perf_counter() - began


async def latency(client: AsyncOpenAI, page: ClientConnection) -> None:
    floors: list[tuple[float, float]] = []
    turns: list[tuple[float, float]] = []
    for number in range(WARM_UP + TURNS):
        floor, turn = await bare_turn(client), await neko_turn(page)
        if number >= WARM_UP:
            floors.append(floor)
            turns.append(turn)
    rows = (("text frame → first delta", "≤ 1.6×"), ("text frame → turn end (20 deltas)", "≤ 1.5×"))
    for at, (name, aim) in enumerate(rows):
        floor_time, turn_time = median([f[at] for f in floors]), median([t[at] for t in turns])
        show(name, ms(turn_time), ms(floor_time), turn_time / floor_time, aim)


async def throughput(one_turn: Callable[[int], Any], parallel: int) -> float:
    """Turns a second with ``parallel`` talkers at once."""

    async def talk(number: int) -> None:
        for _ in range(ROUNDS):
            await one_turn(number)

    await asyncio.gather(*(one_turn(number) for number in range(parallel)))
    began = time.perf_counter()
    await asyncio.gather(*(talk(number) for number in range(parallel)))
    return parallel * ROUNDS / (time.perf_counter() - began)


async def measure() -> None:
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(processes.provider())
        neko = await stack.enter_async_context(processes.neko(provider.url))
        clients = [
            await stack.enter_async_context(AsyncOpenAI(api_key="sk-bench", base_url=f"{provider.url}/v1"))
            for _ in range(processes.CHARACTERS)
        ]
        pages = [
            await stack.enter_async_context(connect(f"{neko.ws_url}/ws/c{number}", max_size=None))
            for number in range(processes.CHARACTERS)
        ]
        await latency(clients[0], pages[0])
        bare = await throughput(lambda number: bare_turn(clients[number]), len(clients))
        ours = await throughput(lambda number: neko_turn(pages[number]), len(pages))
        show("turns/s, 8 characters at once", f"{ours:.1f}", f"{bare:.1f}", ours / bare, "≥ 0.7×")


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
