"""A model of 200 MB to a browser, whole and in ranges, next to Starlette's ``StaticFiles`` on the same server."""

from __future__ import annotations

import asyncio
import http.client
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import processes
from tests.bench.figures import median, show

SIZE = 200_000_000
RANGE = 1_000_000
RANGES = 100
ROUNDS = 7
ADDRESS = "/user_vrm/large.vrm"

STARLETTE = """
import asyncio, sys
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from neko.serve import HttpServer, listen

async def main():
    with listen("127.0.0.1", 0) as listener:
        print(f"http://127.0.0.1:{listener.port}", flush=True)
        await HttpServer(Starlette(routes=[Mount("/user_vrm", StaticFiles(directory=sys.argv[1]))]), listener).run()

asyncio.run(main())
"""

Transfer = Callable[[http.client.HTTPConnection], int]


def whole(connection: http.client.HTTPConnection) -> int:
    return _received(connection, {})


def in_ranges(connection: http.client.HTTPConnection) -> int:
    """As something that seeks does: a megabyte from anywhere, again and again, over one connection."""
    starts = random.Random(7).choices(range(SIZE - RANGE), k=RANGES)
    return sum(_received(connection, {"range": f"bytes={at}-{at + RANGE - 1}"}) for at in starts)


def _received(connection: http.client.HTTPConnection, headers: dict[str, str]) -> int:
    connection.request("GET", ADDRESS, headers=headers)
    answer = connection.getresponse()
    assert answer.status == (206 if headers else 200), answer.status
    buffer, count = memoryview(bytearray(1 << 20)), 0
    while read := answer.readinto(buffer):
        count += read
    return count


def speed(url: str, transfer: Transfer) -> float:
    """Megabytes a second."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    began = time.perf_counter()
    count = transfer(connection)
    took = time.perf_counter() - began
    connection.close()
    return count / took / 1e6


async def compare(name: str, transfer: Transfer, ours: str, floor: str) -> None:
    """By turns, so that both see the machine in the same state."""
    speeds: dict[str, list[float]] = {ours: [], floor: []}
    for _ in range(1 + ROUNDS):
        for url, found in speeds.items():
            found.append(await asyncio.to_thread(speed, url, transfer))
    mine, theirs = (speeds[url][1:] for url in (ours, floor))
    ratio = median([one / other for one, other in zip(mine, theirs, strict=True)])
    show(name, f"{median(mine):.0f} MB/s", f"{median(theirs):.0f} MB/s", ratio, "≥ 0.8×")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "vrm"
        models.mkdir()
        (models / "large.vrm").write_bytes(random.Random(1).randbytes(SIZE))
        neko = ["-m", "neko", "--port", "0", "--no-browser", "--data-dir", folder, "--log-level", "warning"]
        async with (
            processes.process(neko, {}) as ours,
            processes.process(["-c", STARLETTE, str(models)], {}) as floor,
        ):
            await compare("a model of 200 MB, whole", whole, ours.url, floor.url)
            await compare("ranges of 1 MB of it", in_ranges, ours.url, floor.url)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
