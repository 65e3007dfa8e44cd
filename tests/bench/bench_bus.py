"""The bus: a request and its acknowledgement, and messages a second, in this process and to another one over ZeroMQ.

Each stands next to its floor in the same run: a bare ``asyncio.Queue``, and bare ZeroMQ sockets of two processes, with
the same JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import zmq

from neko.agent.approvals import Approvals
from neko.agent.messages import Utterance, analyze_request, task_result
from neko.agent.remote.address import Address, Channel
from neko.agent.remote_bus import RemoteBus
from neko.bus import Bus
from neko.bus_errors import RemoteBusError
from tests.agent.test_remote_bus import free_ports, until
from tests.bench.figures import median, ms, show

REQUESTS = 2_000
MESSAGES = 20_000
START_S = 60.0
SAID: list[Utterance] = [{"role": "user", "content": f"Could you look up line {number}?"} for number in range(6)]
REPORT = task_result("Mio", "browser_use", success=True, summary="Three flights were found." * 8, task_id="5b1f")


async def ack_times(request: Callable[[], Awaitable[object]]) -> list[float]:
    times = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        await request()
        times.append(time.perf_counter() - began)
    return times


def per_second(seconds: float, count: int = MESSAGES) -> str:
    return f"{count / seconds / 1000:.1f} k/s"


# ── in this process ─────────────────────────────────────────────────────────────


async def asked(bus: Bus) -> None:
    assert await bus.analyze.request(analyze_request("Mio", SAID))


async def ack_here() -> float:
    bus = Bus()
    bus.analyze.consume(lambda request: None)
    times = await ack_times(lambda: asked(bus))
    await bus.aclose()
    return median(times)


async def ack_floor() -> float:
    """The same request as JSON through a queue, and a future back."""
    queue: asyncio.Queue[tuple[str, asyncio.Future[bool]]] = asyncio.Queue()

    async def consume() -> None:
        while True:
            text, acked = await queue.get()
            json.loads(text)
            acked.set_result(True)

    async def request() -> None:
        acked: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        await queue.put((json.dumps(analyze_request("Mio", SAID)), acked))
        await acked

    consumer = asyncio.create_task(consume())
    times = await ack_times(request)
    consumer.cancel()
    return median(times)


async def flood(bus: Bus) -> None:
    for _ in range(MESSAGES):
        while not bus.agent.publish(REPORT):
            await asyncio.sleep(0)


async def counted(bus: Bus, begin: Callable[[], object]) -> float:
    """Seconds from the first of many messages to the last one's handler."""
    came, over = 0, asyncio.Event()
    first = 0.0

    def handle(_message: dict[str, Any]) -> None:
        nonlocal came, first
        came += 1
        first = first or time.perf_counter()
        if came == MESSAGES:
            over.set()

    bus.agent.attach(handle)
    pending = begin()
    await over.wait()
    taken = time.perf_counter() - first
    if isinstance(pending, asyncio.Task):
        await pending
    return taken


async def messages_here() -> float:
    bus = Bus()
    taken = await counted(bus, lambda: asyncio.create_task(flood(bus)))
    await bus.aclose()
    return taken


async def messages_floor() -> float:
    queue: asyncio.Queue[str] = asyncio.Queue(1000)

    async def produce() -> None:
        for _ in range(MESSAGES):
            await queue.put(json.dumps(REPORT))

    producer = asyncio.create_task(produce())
    began = time.perf_counter()
    for _ in range(MESSAGES):
        json.loads(await queue.get())
    taken = time.perf_counter() - began
    await producer
    return taken


# ── to another process ──────────────────────────────────────────────────────────


async def agent(ports: dict[Channel, int]) -> None:
    """The other process: acknowledges what it is asked, and reports as fast as it can when it is told to."""
    bus = Bus()
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    address = Address("agent", "127.0.0.1", ports)
    remote = RemoteBus(bus, Approvals(bus.agent.publish), address, on_command=told.put_nowait)
    bus.analyze.consume(lambda request: None)
    bus.agent.attach(remote.handler(lambda report: None))
    await remote.start()
    while (await told.get())["command"] == "flood":
        await flood(bus)
    await remote.aclose()
    await bus.aclose()


async def over_zmq() -> tuple[float, float]:
    """Seconds for an acknowledgement, and for all messages."""
    ports, bus = free_ports(), Bus()
    faults: list[RemoteBusError | None] = []
    address = Address("main", "127.0.0.1", ports)
    remote = RemoteBus(bus, Approvals(bus.agent.publish), address, on_fault=faults.append)
    async with _child("agent", ports) as child:
        await remote.start()
        try:
            await until(lambda: remote.online and remote.has_consumer)
        except TimeoutError:
            raise RuntimeError(f"no agent came: {remote.snapshot()}, {faults}") from None
        times = await ack_times(lambda: asked(bus))
        taken = await counted(bus, lambda: remote.command({"command": "flood"}))
        remote.command({"command": "end"})
        await child.wait()
        await remote.aclose()
        await bus.aclose()
    return median(times), taken


def bare_agent(ports: dict[Channel, int]) -> None:
    """The floor's other process: sends every frame back, then as many as it can."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    back, taken = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    back.connect(f"tcp://127.0.0.1:{ports[Channel.AGENT]}")
    taken.connect(f"tcp://127.0.0.1:{ports[Channel.ANALYZE]}")
    for _ in range(REQUESTS):
        back.send_json({"event_type": "analyze_ack", "event_id": taken.recv_json()["event_id"]})  # type: ignore[call-overload,index]
    taken.recv()
    for _ in range(MESSAGES):
        back.send_json(REPORT)
    context.destroy(linger=1000)


async def bare_zmq() -> tuple[float, float]:
    ports = free_ports()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    taken, out = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    taken.bind(f"tcp://127.0.0.1:{ports[Channel.AGENT]}")
    out.bind(f"tcp://127.0.0.1:{ports[Channel.ANALYZE]}")
    times = []
    async with _child("bare", ports) as child:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            out.send_json(analyze_request("Mio", SAID))
            taken.recv_json()
            times.append(time.perf_counter() - began)
        out.send(b"flood")
        taken.recv_json()
        began = time.perf_counter()
        for _ in range(MESSAGES - 1):
            taken.recv_json()
        seconds = time.perf_counter() - began
        await child.wait()
    context.destroy(linger=0)
    return median(times), seconds


@asynccontextmanager
async def _child(kind: str, ports: dict[Channel, int]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The other process, once all is imported there, which takes long on a busy machine."""
    numbers = [str(ports[channel]) for channel in Channel]
    command = (sys.executable, "-m", "tests.bench.bench_bus", kind, *numbers)
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            if not await child.stdout.readline():
                raise RuntimeError(f"the other process ended ({await child.wait()})")
        yield child
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def main() -> None:
    here, floor = asyncio.run(ack_here()), asyncio.run(ack_floor())
    show("request → ack, in process", ms(here), ms(floor), here / floor)
    here, floor = asyncio.run(messages_here()), asyncio.run(messages_floor())
    show("messages, in process", per_second(here), per_second(floor), here / floor)
    (ack, taken), (bare_ack, bare_taken) = asyncio.run(over_zmq()), asyncio.run(bare_zmq())
    show("request → ack, over ZeroMQ", ms(ack), ms(bare_ack), ack / bare_ack, "≤ 1.1 ms")
    show("messages, over ZeroMQ", per_second(taken), per_second(bare_taken), taken / bare_taken)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(flush=True)
        named = dict(zip(Channel, map(int, sys.argv[2:]), strict=True))
        if sys.argv[1] == "agent":
            asyncio.run(agent(named))
        else:
            bare_agent(named)
    else:
        main()
