"""``/api/monitor``: how every part is just now."""

from __future__ import annotations

import asyncio
import time

import httpx2

from neko.application import Neko
from neko.sessions.outbox import Outbox


async def test_a_look_at_every_part_names_sessions_queues_memories_hosts_and_faults(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    name = neko.characters.current
    async for _ in neko.chat(name, "Hello"):
        pass
    manager = neko.conversations.get(name)
    assert manager is not None
    with manager.view(Outbox()):
        seen = (await client.get("/api/monitor")).json()
    (conversation,) = seen["conversations"]
    assert {key: conversation[key] for key in ("character", "phase", "slot", "viewers", "owner", "lines")} == {
        "character": name,
        "phase": "idle",
        "slot": "ready",
        "viewers": 1,
        "owner": False,
        "lines": 0,
    }
    assert conversation["session"]["offline"] is True
    assert seen["bus"]["capacity"] == 1000
    assert {"analyze", "agent", "session:memory"} <= {queue["name"] for queue in seen["bus"]["queues"]}
    assert [memory["character"] for memory in seen["memories"]] == [name]
    assert seen["agent"] == {"on": False, "tasks": [], "questions": 0, "servers": []}
    assert seen["network"] == {"local_only": False, "steam": False, "hosts": []}
    assert (seen["faults"], seen["process"]["uptime_s"] > 0) == ([], True)


async def test_a_blocked_loop_is_seen_while_somebody_looks(client: httpx2.AsyncClient, neko: Neko) -> None:
    await client.get("/api/monitor")
    asyncio.get_running_loop().call_soon(time.sleep, 0.3)
    async with asyncio.timeout(10):
        while (await client.get("/api/monitor")).json()["process"]["worst_lag_s"] < 0.15:
            pass


async def test_what_is_kept_secret_is_in_no_look(client: httpx2.AsyncClient, neko: Neko) -> None:
    await client.post("/api/config/core_api", json={"coreApi": "openai", "coreApiKey": "sk-very-secret-0123456789"})
    assert "sk-very-secret" not in (await client.get("/api/monitor")).text
