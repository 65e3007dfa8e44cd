"""A page that asks for the agent's state and is told of changes sees one clock."""

import httpx2

from neko.agent.messages import agent_status_update
from tests.client import client
from tests.conftest import RunningServer


async def test_a_snapshot_pushed_after_one_that_was_asked_for_is_not_stale(server: RunningServer) -> None:
    name = server.neko.characters.current
    async with client(server.ws_url, name) as page, httpx2.AsyncClient(base_url=server.url, trust_env=False) as rest:
        revisions = []
        for _ in range(3):
            revisions.append((await rest.get("/api/agent/state")).json()["snapshot"]["revision"])
            revisions.append((await rest.get("/api/agent/flags")).json()["revision"])
            server.neko.bus.agent.publish(agent_status_update(server.neko.agent.snapshot()))
            revisions.append((await page.until("agent_status_update"))[-1]["snapshot"]["revision"])
    assert revisions == sorted(set(revisions))


async def test_what_is_asked_for_has_the_shape_of_what_is_pushed(server: RunningServer) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as rest:
        answer = (await rest.get("/api/agent/state")).json()["snapshot"]
    pushed = server.neko.agent.snapshot()
    passing = {"revision", "updated_at"}
    assert {key: answer[key] for key in answer.keys() - passing} == {
        key: value for key, value in pushed.items() if key not in passing
    }
