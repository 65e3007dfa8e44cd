"""The bus to an agent, or to a main, in another process: real ZeroMQ sockets, real processes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest

from neko.agent.approvals import Approvals
from neko.agent.messages import Utterance, analyze_request, task_result
from neko.agent.remote import keys
from neko.agent.remote.address import Address, Channel
from neko.agent.remote.keys import Role
from neko.agent.remote_bus import RemoteBus
from neko.bus import Bus
from neko.bus_errors import RemoteBusError
from neko.tasks import TaskOwner
from neko.types.agent import Act, Approval, Decision

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 20.0
"""Long enough for a busy machine."""
HELLO: list[Utterance] = [{"role": "user", "content": "open the calculator"}]
SHOP = Approval("Mio", "browser_use", "click", "click “Buy”", "{}", Act.DESTRUCTIVE)


def free_ports() -> dict[Channel, int]:
    """None that a connection of another process may be given until it is listened at."""
    ports: list[int] = []
    while len(ports) < len(Channel):
        port = SystemRandom().randrange(20_000, 32_768)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
    return dict(zip(Channel, ports, strict=True))


async def until(condition: Callable[[], object]) -> None:
    """Look until it is true."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110  what happens in another process sets no event here
            await asyncio.sleep(0.005)


class Peer:
    """A scripted other side in its own process; ``heard`` is what it was told."""

    def __init__(self, role: Role, ports: dict[Channel, int], folder: Path | None = None) -> None:
        self._arguments = ["-m", "tests.scripted_agent", role, *(str(ports[channel]) for channel in Channel)]
        self._environ = {**os.environ, **({"NEKO_BUS_KEYS": str(folder)} if folder else {})}
        self.heard: list[dict[str, Any]] = []

    async def __aenter__(self) -> Peer:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environ,
            cwd=ROOT,
        )
        assert await self._next() == {"event_type": "open"}
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reader
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def send(self, channel: str, message: object) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{channel} {text}\n".encode())
        await self._process.stdin.drain()

    def kinds(self) -> list[str]:
        return [message["event_type"] for message in self.heard]

    async def _next(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        found: dict[str, Any] | None = json.loads(line) if line else None
        return found

    async def _read(self) -> None:
        while (message := await self._next()) is not None:
            self.heard.append(message)


class Side:
    """Our own side: a bus with what is joined to it, and everything that its topic ``agent`` told."""

    def __init__(self, role: Role, ports: dict[Channel, int], host: str = "127.0.0.1", folder: Path | None = None):
        self.bus = Bus()
        self.approvals = Approvals(self.bus.agent.publish, approval_s=TIMEOUT_S)
        self.told: list[dict[str, Any]] = []
        self.faults: list[str | None] = []
        self.commands: list[dict[str, Any]] = []
        self.remote = RemoteBus(
            self.bus,
            self.approvals,
            Address(role, host, ports, folder),
            on_fault=lambda error: self.faults.append(error.code if error else None),
            on_command=self.commands.append,
        )

    async def __aenter__(self) -> Side:
        self.bus.agent.attach(self.remote.handler(self.told.append))
        await self.remote.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.remote.aclose()
        await self.bus.aclose()

    def kinds(self) -> list[str]:
        return [message["event_type"] for message in self.told]


@asynccontextmanager
async def two_sides(folder: Path | None = None) -> AsyncIterator[tuple[Side, Side]]:
    """A main and an agent of ours that have found each other."""
    ports = free_ports()
    async with Side("main", ports, folder=folder) as main, Side("agent", ports, folder=folder) as agent:
        await until(lambda: main.remote.online and agent.remote.online)
        yield main, agent


# ── as the main of N.E.K.O.'s own agent server ──────────────────────────────────


async def test_the_agent_server_of_neko_attaches_is_asked_and_reports() -> None:
    ports = free_ports()
    async with Side("main", ports) as main, Peer("agent", ports) as agent:
        await until(lambda: main.remote.online)
        request = analyze_request("Mio", HELLO, turn_id="t1")
        await until(lambda: main.remote.has_consumer)
        assert await main.bus.analyze.request(request, ack_timeout_s=TIMEOUT_S)
        await until(lambda: len(main.told) >= 3)
        assert main.kinds()[:3] == ["task_update", "task_update", "task_result"]
        assert main.told[2]["text"] == "did: open the calculator"
        assert agent.heard[0] == request
        main.bus.session.publish({"event_type": "analyze_request", "lanlan_name": "Mio", "messages": HELLO})
        await until(lambda: any("event_id" not in message for message in agent.heard))


async def test_without_an_agent_requests_are_refused_at_once() -> None:
    async with Side("main", free_ports()) as main:
        async with asyncio.timeout(TIMEOUT_S):
            assert not await main.bus.analyze.request(analyze_request("Mio", HELLO), ack_timeout_s=10 * TIMEOUT_S)


async def test_what_is_no_message_is_counted_and_passed_over() -> None:
    ports = free_ports()
    async with Side("main", ports) as main, Peer("agent", ports) as agent:
        for bad in ("no json", "[1]", "{}", '{"event_type": 5}', "{"):
            await agent.send("agent", bad)
        for stranger in (
            {"event_type": "reload_page"},
            {"event_type": "task_update", "task": "none"},
            {"event_type": "task_result", "text": "hi", "lanlan_name": 5},
            {"event_type": "neko_approval", "lanlan_name": "Mio", "question": {"id": 5}},
        ):
            await agent.send("agent", stranger)
        await agent.send("agent", {"event_type": "proactive_message", "lanlan_name": "Mio", "text": "hello"})
        await until(lambda: main.told)
        assert main.kinds() == ["proactive_message"]
        counted = main.remote.snapshot()
        assert (counted["malformed"]["agent"], counted["unknown"]) == (5, 4)


async def test_a_port_that_is_taken_is_told_and_had_once_it_is_free() -> None:
    ports = free_ports()
    with socket.create_server(("127.0.0.1", ports[Channel.AGENT])):
        async with Side("main", ports) as main:
            await until(lambda: main.faults)
            assert main.faults[0] == "remote_bus_port"
    async with Side("main", ports) as main:
        await until(lambda: main.faults)
        assert main.faults == [None]


# ── as the agent of a main ──────────────────────────────────────────────────────


async def test_an_agent_of_ours_acknowledges_what_it_takes_and_reports_to_its_main() -> None:
    ports = free_ports()
    asked: list[dict[str, Any]] = []
    async with Peer("main", ports) as main, Side("agent", ports) as agent:
        await until(lambda: agent.remote.online)
        await main.send("analyze", analyze_request("Mio", HELLO))
        await until(lambda: agent.bus.snapshot()["drops"].get("analyze"))
        agent.bus.analyze.consume(asked.append)
        request = analyze_request("Mio", HELLO)
        await main.send("analyze", request)
        await until(lambda: asked and main.heard)
        assert asked == [request]  # the first was refused: nobody worked here yet
        assert main.heard == [{"event_type": "analyze_ack", "event_id": request["event_id"]}]
        agent.bus.agent.publish(task_result("Mio", "mcp", success=True, summary="done"))
        await until(lambda: len(main.heard) == 2)
        assert (main.heard[1]["text"], agent.told) == ("done", [])


async def test_a_main_that_was_killed_and_started_again_is_found_and_gets_what_was_reported_meanwhile() -> None:
    ports = free_ports()
    async with Side("agent", ports) as agent:
        async with Peer("main", ports) as main:
            await until(lambda: agent.remote.online)
            await main.kill()
            await until(lambda: not agent.remote.online)
        for number in range(3):
            agent.bus.agent.publish(task_result("Mio", "mcp", success=True, summary=f"result {number}"))
        async with Peer("main", ports) as main:
            await until(lambda: len(main.heard) == 3)
            assert [message["text"] for message in main.heard] == ["result 0", "result 1", "result 2"]


# ── both of them ours ───────────────────────────────────────────────────────────


async def test_a_question_of_the_agent_is_answered_at_the_main() -> None:
    async with two_sides() as (main, agent):
        asking = asyncio.create_task(agent.approvals.ask(SHOP))
        await until(main.approvals.pending)
        (question,) = main.approvals.pending("Mio")
        assert (question["title"], question["act"]) == ("click “Buy”", "destructive")
        assert main.approvals.answer(question["id"], Decision.ONCE)
        assert await asking is Decision.ONCE
        await until(lambda: main.kinds()[-1:] == ["neko_approval_over"])
        assert not main.approvals.answer(question["id"], Decision.ONCE)


async def test_a_question_that_the_agent_withdraws_can_not_be_answered_any_more() -> None:
    async with two_sides() as (main, agent):
        asking = asyncio.create_task(agent.approvals.ask(SHOP))
        await until(main.approvals.pending)
        (question,) = main.approvals.pending("Mio")
        asking.cancel()
        await until(lambda: not main.approvals.pending())
        assert not main.approvals.answer(question["id"], Decision.ONCE)


async def test_an_agent_cannot_end_what_is_asked_here() -> None:
    async with two_sides() as (main, agent):
        asking = asyncio.create_task(main.approvals.ask(SHOP))
        await until(main.approvals.pending)
        (question,) = main.approvals.pending("Mio")
        over = {"event_type": "neko_approval_over", "lanlan_name": "Mio", "id": question["id"], "outcome": "once"}
        agent.bus.agent.publish(over)
        await until(lambda: main.remote.snapshot()["received"].get("agent"))
        assert main.approvals.answer(question["id"], Decision.DENY)
        assert await asking is Decision.DENY


async def test_only_what_concerns_an_agent_leaves_the_main_and_commands_arrive() -> None:
    async with two_sides() as (main, agent):
        main.bus.session.publish({"event_type": "turn_end", "text": "a secret"})
        main.bus.session.publish({"event_type": "neko_command", "command": "stop_all"})
        await until(lambda: agent.commands)
        assert agent.commands == [{"event_type": "neko_command", "command": "stop_all"}]
        assert main.remote.snapshot()["sent"]["session"] == 1


async def test_more_reports_than_the_link_holds_arrive_in_order() -> None:
    async with two_sides() as (main, agent):
        for number in range(3000):
            await until(lambda: not agent.bus.agent.is_full)
            assert agent.bus.agent.publish(task_result("Mio", "mcp", success=True, summary=str(number)))
        await until(lambda: len(main.told) == 3000)
        assert [message["text"] for message in main.told] == [str(number) for number in range(3000)]
        assert agent.remote.snapshot()["drops"] == {}


async def test_who_ends_still_tells_what_was_reported() -> None:
    ports = free_ports()
    async with Side("main", ports) as main:
        async with Side("agent", ports) as agent:
            await until(lambda: main.remote.online and agent.remote.online)
            for number in range(300):
                agent.bus.agent.publish(task_result("Mio", "mcp", success=True, summary=str(number)))
        await until(lambda: len(main.told) == 300)


# ── keys ────────────────────────────────────────────────────────────────────────


async def test_with_keys_an_agent_that_has_them_is_let_in_and_others_are_not(tmp_path: Path) -> None:
    ours, others, ports = tmp_path / "ours", tmp_path / "others", free_ports()
    keys.generate(ours)
    keys.generate(others)
    (others / "main.key").write_bytes((ours / "main.key").read_bytes())
    assert {path.stat().st_mode & 0o777 for path in ours.iterdir()} == {0o600}
    async with Side("main", ports, folder=ours) as main:
        async with Side("agent", ports, folder=others) as stranger, Peer("agent", ports):
            await until(lambda: "remote_bus_refused" in stranger.faults)
            await until(lambda: main.remote.snapshot()["refused"] >= 3)
            assert not main.remote.online
            assert not stranger.remote.online
        async with Peer("agent", ports, ours) as agent:
            await until(lambda: main.remote.online)
            await agent.send("agent", {"event_type": "proactive_message", "lanlan_name": "Mio", "text": "hello"})
            await until(lambda: main.told)


@asynccontextmanager
async def overheard(ports: dict[Channel, int]) -> AsyncIterator[tuple[dict[Channel, int], bytearray]]:
    """A wire to these ports on which everything is noted: its ends, and what went over it in both directions."""
    heard = bytearray()
    async with AsyncExitStack() as stack, TaskOwner("wire") as owner:

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while chunk := await reader.read(65536):
                    heard.extend(chunk)
                    writer.write(chunk)
                    await writer.drain()
            writer.close()

        async def join(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                far, out = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                writer.close()
                return
            owner.spawn(carry(reader, out), name="there")
            owner.spawn(carry(far, writer), name="back")

        ends: dict[Channel, int] = {}
        for channel, port in ports.items():
            server = await asyncio.start_server(partial(join, port), "127.0.0.1", 0)
            stack.callback(server.close)
            ends[channel] = server.sockets[0].getsockname()[1]
        yield ends, heard


@pytest.mark.parametrize("encrypted", [False, True])
async def test_what_goes_off_this_computer_cannot_be_read_on_its_way(tmp_path: Path, encrypted: bool) -> None:
    folder = tmp_path if encrypted else None
    if folder:
        keys.generate(folder)
    ports, host = free_ports(), "0.0.0.0" if encrypted else "127.0.0.1"
    async with Side("main", ports, host, folder) as main, overheard(ports) as (ends, heard):
        assert not any(main.faults)
        async with Peer("agent", ends, folder) as agent:
            await until(lambda: main.remote.online)
            await until(lambda: main.remote.has_consumer)
            request = analyze_request("Mio", HELLO, turn_id="t1")
            assert await main.bus.analyze.request(request, ack_timeout_s=TIMEOUT_S)
            await until(lambda: "task_result" in [one["event_type"] for one in main.told])
            assert any("open the calculator" in str(one) for one in agent.heard)
        words = (b"open the calculator", b"Mio", b"analyze_request", b"task_result")
        assert [word in heard for word in words] == [not encrypted] * len(words)
        assert len(heard) > 1_000


async def test_nothing_leaves_this_computer_in_clear_text() -> None:
    async with Side("main", free_ports(), host="0.0.0.0") as main:
        assert main.faults == ["remote_bus_clear"]


async def test_keys_that_are_not_there_are_told_and_none_are_overwritten(tmp_path: Path) -> None:
    async with Side("agent", free_ports(), folder=tmp_path) as agent:
        assert agent.faults == ["remote_bus_keys"]
    keys.generate(tmp_path)
    with pytest.raises(RemoteBusError, match="is there already"):
        keys.generate(tmp_path)
