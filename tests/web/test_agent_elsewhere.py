"""One Neko talks and another one does: what is switched on the page of the one holds in the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2

from neko.agent.remote.address import Channel
from tests.agent.test_remote_bus import TIMEOUT_S, free_ports, until
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
            await client.post("/api/agent/command", json={"command": "set_agent_enabled", "enabled": True})
            await until(lambda: agent.agent.switches.master)
            async with asyncio.timeout(TIMEOUT_S):
                while not (await _state(client))["analyzer_enabled"]:
                    pass
            assert not main.agent.switches.master
        await until(lambda: not main.agent.snapshot()["server_online"])
        assert (await _state(client))["analyzer_enabled"] is False


async def _state(client: httpx2.AsyncClient) -> dict[str, object]:
    snapshot: dict[str, object] = (await client.get("/api/agent/state")).json()["snapshot"]
    return snapshot
