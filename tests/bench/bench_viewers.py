"""Fifty who look on at one talk: what the owner of it notices. The viewers are a process of their own."""

from __future__ import annotations

import asyncio
import sys

from websockets.asyncio.client import connect

from tests.bench import processes
from tests.bench.bench_turn import neko_turn
from tests.bench.figures import median, ms, show

VIEWERS = 50
WARM_UP = 5
TURNS = 60
PAUSE_S = 0.15
"""Between two turns, as nobody asks again at once: what viewers are still sent is none of the next one's cost."""

LOOKING_ON = """
import asyncio, sys
from websockets.asyncio.client import connect

async def look_on(address, connected):
    async with connect(address, max_size=None) as viewer:
        await viewer.recv()
        connected.release()
        async for _ in viewer:
            pass

async def main(url, count):
    connected = asyncio.Semaphore(0)
    kinds = ("sync", "sync_binary")
    addresses = [f"ws{url[4:]}/{kinds[number % 2]}/c0" for number in range(count)]
    viewers = [asyncio.ensure_future(look_on(address, connected)) for address in addresses]
    for _ in viewers:
        await connected.acquire()
    print(url, flush=True)
    await asyncio.gather(*viewers)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def main() -> None:
    """Turns of two characters by turns, of which one is looked at: both see the machine in the same state."""
    found: list[tuple[float, float, float, float]] = []
    async with (
        processes.provider() as provider,
        processes.neko(provider.url) as neko,
        connect(f"{neko.ws_url}/ws/c0", max_size=None) as watched,
        connect(f"{neko.ws_url}/ws/c1", max_size=None) as alone,
        processes.process(["-c", LOOKING_ON, neko.url, str(VIEWERS)], {}),
    ):
        for number in range(WARM_UP + TURNS):
            turns: list[float] = []
            for page in (watched, alone):
                turns += await neko_turn(page)
                await asyncio.sleep(PAUSE_S)
            if number >= WARM_UP:
                found.append((turns[0], turns[1], turns[2], turns[3]))
    for at, (name, aim) in enumerate(
        (("first words, 50 look on", "≤ 10 ms more"), ("end of the turn", "≤ 20 ms more"))
    ):
        times, floor = median([one[at] for one in found]), median([one[at + 2] for one in found])
        more = median([one[at] - one[at + 2] for one in found])
        show(name, ms(times), ms(floor), times / floor, aim)
        show("  more, turn by turn", ms(more))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
