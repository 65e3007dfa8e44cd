"""One Neko talks and another one does: what is switched on the page of the one holds in the other."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import httpx2
import pytest

from neko.agent.remote.address import Channel
from neko.agent.task_list import ActiveTask, Ending
from neko.agent.tasks import TaskState
from tests.agent.test_remote_bus import TIMEOUT_S, Peer, free_ports, until
from tests.web.running_app import serving, started

PORTS = {
    Channel.SESSION: "NEKO_ZMQ_SESSION_PUB_PORT",
    Channel.AGENT: "NEKO_ZMQ_AGENT_PUSH_PORT",
    Channel.ANALYZE: "NEKO_ZMQ_ANALYZE_PUSH_PORT",
}


async def test_the_page_of_the_main_shows_and_switches_its_agent(data_dir: Path, tmp_path: Path) -> None:
    environ = {"NEKO_BUS": "zmq", **{PORTS[channel]: str(port) for channel, port in free_ports().items()}}
    async with started(data_dir, environ=environ) as main, serving(main.asgi) as client:
        assert (await _state(client))["server_online"] is False
        away = await client.post("/api/agent/command", json={"command": "set_agent_enabled", "enabled": True})
        assert (away.status_code, away.json()["code"]) == (409, "agent_away")
        async with started(tmp_path / "agent", environ={**environ, "NEKO_BUS_ROLE": "agent"}) as agent:
            await until(lambda: main.remote and main.remote.online and main.agent.snapshot()["server_online"])
            on = {"command": "set_agent_enabled", "enabled": True}
            async with asyncio.timeout(TIMEOUT_S):  # a busy one may not answer in its time at first
                while not (await client.post("/api/agent/command", json=on)).json()["success"]:
                    pass
            await until(lambda: agent.agent.switches.master and main.agent.snapshot()["analyzer_enabled"])
            assert not main.agent.switches.master
            flags = {"flags": {"agent_enabled": False}}
            assert (await client.post("/api/agent/flags", json=flags)).json()["success"] is True
            await until(lambda: not agent.agent.switches.master)
        await until(lambda: not main.agent.snapshot()["server_online"])
        assert (await _state(client))["analyzer_enabled"] is False


async def test_what_is_run_and_ended_at_the_main_is_run_and_ended_by_its_agent(data_dir: Path, tmp_path: Path) -> None:
    environ = {"NEKO_BUS": "zmq", **{PORTS[channel]: str(port) for channel, port in free_ports().items()}}
    agent_environ = {**environ, "NEKO_BUS_ROLE": "agent"}
    run = {"instruction": "Look up Paris.", "lanlan_name": None}
    async with started(data_dir, environ=environ) as main, serving(main.asgi) as client:
        refused = await client.post("/agent/admin/control", json={"action": "end_all"})
        assert (refused.status_code, refused.json()["code"]) == (409, "agent_away")
        async with started(tmp_path / "agent", environ=agent_environ) as there:
            agent, held = there.agent, asyncio.Event()
            await until(lambda: main.remote and main.remote.online and main.agent.snapshot()["server_online"])
            async with asyncio.timeout(TIMEOUT_S):
                on = {"action": "enable_analyzer"}
                while not (await client.post("/agent/admin/control", json=on)).json()["success"]:
                    pass
            await until(lambda: main.agent.snapshot()["analyzer_enabled"])
            off = await client.post("/agent/browser_use/run", json=run)
            assert (off.status_code, off.json()["code"]) == (403, "agent_hand_off")
            agent.switches.flags["computer_use_enabled"] = agent.switches.flags["browser_use_enabled"] = True
            agent.tell()
            await until(lambda: main.agent.snapshot()["flags"]["browser_use_enabled"])
            none = await client.post("/agent/browser_use/run", json=run)
            assert (none.status_code, none.json()["code"]) == (409, "agent_not_begun")

            async def work(active: ActiveTask) -> Ending:
                await held.wait()
                return Ending(TaskState.COMPLETED, "It is in France.")

            agent.tasks._do, agent.tasks._allow = work, lambda hand: None
            begun = (await client.post("/agent/computer_use/run", json=run)).json()
            assert begun["success"]
            assert begun["status"] in ("queued", "running")
            same = await client.post("/agent/computer_use/run", json={**run, "instruction": "look up paris"})
            assert (same.status_code, same.json()["matched_id"]) == (409, begun["task_id"])
            ended = (await client.post("/agent/admin/control", json={"action": "end_all"})).json()
            assert ended["ended"] == 1
            await until(lambda: not agent.tasks.listed(active=True))
            held.set()
            done = (await client.post("/agent/browser_use/run", json=run)).json()
            assert (done["result"]["success"], done["result"]["result"]) == (True, "It is in France.")


async def test_the_agent_server_of_neko_shows_its_tasks_and_says_where_it_takes_commands(data_dir: Path) -> None:
    ports = free_ports()
    environ = {"NEKO_BUS": "zmq", **{PORTS[channel]: str(port) for channel, port in ports.items()}}
    async with started(data_dir, environ=environ) as main, serving(main.asgi) as client, Peer("agent", ports) as agent:
        name, remote = main.characters.current, main.remote
        await until(lambda: remote and remote.has_consumer and remote.online)
        body = {"lanlan_name": name, "messages": [{"role": "user", "content": "open the calculator"}]}
        async with asyncio.timeout(TIMEOUT_S):
            assert (await client.post("/api/agent/internal/analyze_request", json=body)).json() == {"success": True}
            while not (listed := (await client.get("/api/agent/tasks")).json()["tasks"]) or not listed[0]["end_time"]:
                pass
        assert [(task["status"], task["lanlan_name"]) for task in listed] == [("completed", name)]
        assert {"event_id" in message for message in agent.heard} == {True, False}
        refused = await client.post("/api/agent/command", json={"command": "stop_all"})
        assert (refused.status_code, refused.json()["code"]) == (409, "agent_no_commands")


async def test_the_tasks_of_an_agent_that_was_killed_are_told_as_lost_and_those_of_one_that_is_back_go_on(
    data_dir: Path,
) -> None:
    ports = free_ports()
    environ = {"NEKO_BUS": "zmq", **{PORTS[channel]: str(port) for channel, port in ports.items()}}
    async with started(data_dir, environ=environ) as main, serving(main.asgi) as client:
        remote = main.remote
        assert remote is not None

        async def known() -> dict[str, str]:
            return {one["id"]: one["status"] for one in (await client.get("/api/agent/tasks")).json()["tasks"]}

        async def begin(agent: Peer, *tasks: dict[str, str]) -> None:
            for task in tasks:
                told = {"event_type": "task_update", "lanlan_name": "Mio", "task": {"type": "mcp", **task}}
                await agent.send("agent", told)
            async with asyncio.timeout(TIMEOUT_S):
                while not {task["id"] for task in tasks} <= (await known()).keys():
                    pass

        async with Peer("agent", ports) as agent:
            await until(lambda: remote.online)
            over = {"id": "c", "status": "completed"}
            await begin(agent, {"id": "a", "status": "running"}, {"id": "b", "status": "running"}, over)
            await agent.kill()
            await until(lambda: not remote.online)
        assert await known() == {"a": "running", "b": "running", "c": "completed"}
        async with Peer("agent", ports) as agent:
            await until(lambda: remote.online)
            snapshot = {"active_tasks": [{"id": "a", "status": "running"}]}
            await agent.send("agent", {"event_type": "agent_status_update", "snapshot": snapshot})
            async with asyncio.timeout(TIMEOUT_S):
                while await known() != {"a": "running", "b": "failed", "c": "completed"}:
                    pass
            remote._gone_s = 0.01
            await agent.kill()
        async with asyncio.timeout(TIMEOUT_S):
            while (await known())["a"] != "failed":
                pass
        (lost,) = [one for one in (await client.get("/api/agent/tasks")).json()["tasks"] if one["id"] == "a"]
        assert "has ended" in lost["error"]
        assert lost["end_time"]


async def _state(client: httpx2.AsyncClient) -> dict[str, object]:
    snapshot: dict[str, object] = (await client.get("/api/agent/state")).json()["snapshot"]
    return snapshot


@pytest.mark.slow
async def test_a_main_that_is_killed_and_started_again_finds_its_agent_as_it_stands(
    data_dir: Path, tmp_path: Path
) -> None:
    environ = {"NEKO_BUS": "zmq", **{PORTS[channel]: str(port) for channel, port in free_ports().items()}}
    async with started(data_dir, environ={**environ, "NEKO_BUS_ROLE": "agent"}) as agent:
        await agent.agent.switches.set_master(True)
        for _ in range(2):
            process, address = await _main(tmp_path, environ)
            try:
                await until(lambda: agent.remote and agent.remote.online)
                async with httpx2.AsyncClient(base_url=address, trust_env=False) as client, asyncio.timeout(TIMEOUT_S):
                    while not (await _state(client))["analyzer_enabled"]:
                        pass
            finally:
                process.kill()
                await process.wait()
            await until(lambda: agent.remote and not agent.remote.online)


async def _main(folder: Path, environ: dict[str, str]) -> tuple[asyncio.subprocess.Process, str]:
    """A Neko of its own process that talks, and the address of its page."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "neko", "--port", "0", "--no-browser", "--data-dir", str(folder)),
        env={**os.environ, **environ, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    async with asyncio.timeout(TIMEOUT_S):
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", (await process.stdout.readline()).decode())):
            assert process.returncode is None
    return process, found.group()
