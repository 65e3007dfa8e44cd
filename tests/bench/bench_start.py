"""From process start to the first page and to a ready WebSocket; what an idle Neko costs; how long she takes to leave.

The floor is a bare Starlette on Hypercorn. The two take turns, so that both see the same machine.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import psutil
from websockets.asyncio.client import connect

from tests.bench import processes
from tests.bench.figures import median, show

ROUNDS = 5
SETTLE = 2.0
IDLE = 10.0

Start = Callable[[], AbstractAsyncContextManager[processes.Server]]


def get_page(url: str) -> None:
    """The bare server names its address a moment before it listens."""
    while True:
        try:
            with urllib.request.urlopen(url + "/", timeout=30) as answer:
                answer.read()
        except urllib.error.URLError:
            time.sleep(0.001)
        else:
            return


async def until_page(start: Start) -> float:
    async with start() as server:
        await asyncio.to_thread(get_page, server.url)
        return time.perf_counter() - server.began


async def until_socket(start: Start) -> float:
    """Until the socket has answered."""
    async with start() as server:
        while True:
            try:
                async with connect(f"{server.ws_url}/ws/c0") as page:
                    await page.send('{"action":"ping"}')
                    await page.recv()
                    return time.perf_counter() - server.began
            except ConnectionRefusedError:
                await asyncio.sleep(0.001)


async def idle(start: Start) -> tuple[float, float]:
    """MB that are this process's alone, and the percentage of one core, after a page was served."""
    async with start() as server:
        await asyncio.to_thread(get_page, server.url)
        await asyncio.sleep(SETTLE)
        seen = psutil.Process(server.pid)
        before = sum(seen.cpu_times()[:2])
        await asyncio.sleep(IDLE)
        busy = sum(seen.cpu_times()[:2]) - before
        return seen.memory_full_info().uss / 1e6, 100 * busy / IDLE


async def leaving() -> float:
    """Seconds from SIGTERM until the open page's process is gone."""
    async with processes.neko() as server, connect(f"{server.ws_url}/ws/c0") as page:
        await page.recv()
        seen = psutil.Process(server.pid)
        began = time.perf_counter()
        os.kill(server.pid, signal.SIGTERM)
        await page.wait_closed()
        while seen.is_running() and seen.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.005)
        return time.perf_counter() - began


async def measure() -> None:
    for name, until in (("process start → first page", until_page), ("process start → WebSocket ready", until_socket)):
        floors, ours = [], []
        for _ in range(ROUNDS):
            floors.append(await until(processes.bare_server))
            ours.append(await until(processes.neko))
        floor, own = median(floors), median(ours)
        show(name, f"{own:.2f} s", f"{floor:.2f} s", own / floor, "≤ 1.0 s")
    floor_memory, floor_busy = await idle(processes.bare_server)
    memory, busy = await idle(processes.neko)
    show("idle memory (USS)", f"{memory:.1f} MB", f"{floor_memory:.1f} MB", memory / floor_memory, "≤ 60 MB")
    show("idle processor, of one core", f"{busy:.2f} %", f"{floor_busy:.2f} %", None, "≤ 0.2 %")
    show("SIGTERM with an open page → gone", f"{await leaving():.2f} s", aim="≤ 3 s")


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
