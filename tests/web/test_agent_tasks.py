"""Tasks over HTTP: begun, held, ended and listed, with their pictures and files, by each of their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.agent.agent_file import AgentFile
from neko.agent.journal import Journal
from neko.agent.messages import AgentTask
from neko.agent.policies import Policies
from neko.agent.service import Agent
from neko.agent.switches import Switches
from neko.application import Neko
from neko.tasks import TaskOwner
from neko.types.agent import Decision
from neko.types.hands import Thought
from tests.agent.test_remote_bus import TIMEOUT_S, until
from tests.scripted_hand import PICTURE, ScriptedHand, ScriptedThinker, do, done


class Desk:
    """What is done at: an agent whose browser and computer are a small world, and whose model follows a script."""

    def __init__(self, neko: Neko, client: httpx2.AsyncClient, folder: Path) -> None:
        self.neko, self.http = neko, client
        self.name = neko.characters.current
        self.browser, self.computer = ScriptedHand(), ScriptedHand("computer_use", exclusive=True)
        self.thinker = ScriptedThinker(done())
        switches = Switches()
        switches.master = True
        switches.flags["browser_use_enabled"] = switches.flags["computer_use_enabled"] = True
        self.agent = Agent(
            neko.bus,
            neko.approvals,
            switches,
            Policies(AgentFile(folder / "agent.json")),
            {"browser_use": self.browser, "computer_use": self.computer},
            Journal(folder / "agent"),
            thinker=lambda: self.thinker,
        )

    def follows(self, *script: Thought) -> None:
        self.thinker = ScriptedThinker(*script)

    async def command(self, status: int = 200, **words: Any) -> dict[str, Any]:
        answer = await self.http.post("/api/agent/command", json=words)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def start(self, words: str = "note a word") -> str:
        told = await self.command(command="start", instruction=words, hand="browser_use")
        return str(told["task"]["id"])

    async def task(self, task_id: str) -> dict[str, Any]:
        told: dict[str, Any] = (await self.http.get(f"/api/agent/tasks/{task_id}")).json()
        return told

    async def over(self, task_id: str) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_S):
            await self.agent.tasks.wait(task_id)
        return await self.task(task_id)


@pytest.fixture
async def desk(neko: Neko, client: httpx2.AsyncClient, tmp_path: Path) -> AsyncIterator[Desk]:
    await neko.agent.aclose()
    desk = Desk(neko, client, tmp_path)
    neko.agent = desk.agent
    yield desk
    desk.browser.world.free.set()
    desk.computer.world.free.set()


async def test_a_task_is_begun_listed_with_its_picture_and_its_files_kept(desk: Desk) -> None:
    desk.follows(do("download", "a b.txt"), done("It is saved."))
    task_id = await desk.start()
    task = await desk.over(task_id)
    assert (task["status"], task["type"], task["lanlan_name"]) == ("completed", "browser_use", desk.name)
    assert task["result"] == {"success": True, "result": "It is saved."}
    assert task["params"] == {"instruction": "note a word"}
    listed = (await desk.http.get("/agent/tasks")).json()
    assert (listed["tasks"], listed["debug"]["task_registry_count"]) == ([task], 1)
    assert (await desk.http.get("/api/agent/tasks", params={"character": "Nobody"})).json()["tasks"] == []
    picture = await desk.http.get(task["neko"]["thumbnail"])
    assert (picture.content, picture.headers["content-type"]) == (PICTURE.data, PICTURE.media_type)
    (saved,) = task["neko"]["files"]
    kept = await desk.http.get(saved["url"])
    assert (kept.text, kept.headers["content-disposition"].startswith("attachment")) == ("x", True)


async def test_only_a_file_that_came_of_the_task_is_given_out(desk: Desk, tmp_path: Path) -> None:
    desk.follows(do("download", "a.txt"), done())
    task_id = await desk.start()
    await desk.over(task_id)
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    folder = desk.agent.journal.folder / "tasks" / task_id
    (folder / "other.txt").write_text("not told of")
    for name in ("other.txt", "..%2F..%2Fsecret.txt", "%2Fetc%2Fpasswd"):
        assert (await desk.http.get(f"/api/agent/tasks/{task_id}/files/{name}")).status_code == 404
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(secret)
    assert (await desk.http.get(f"/api/agent/tasks/{task_id}/files/a.txt")).status_code == 404


async def test_a_task_is_held_goes_on_is_ended_and_tried_again(desk: Desk) -> None:
    desk.follows(do("linger"))
    task_id = await desk.start()
    await desk.browser.world.busy.wait()
    held = await desk.command(command="pause", task_id=task_id)
    assert (held["task"]["neko"]["state"], held["snapshot"]["active_tasks"][0]["id"]) == ("paused", task_id)
    assert (await desk.command(409, command="pause", task_id=task_id))["code"] == "agent_not_now"
    assert (await desk.command(command="resume", task_id=task_id))["task"]["neko"]["state"] == "running"
    assert (await desk.command(command="cancel", task_id=task_id))["task"]["status"] == "cancelled"
    desk.follows(done())
    again = (await desk.command(command="retry", task_id=task_id))["task"]["id"]
    assert (await desk.over(again))["status"] == "completed"
    assert (await desk.command(409, command="retry", task_id=again))["code"] == "agent_not_now"


async def test_everything_can_be_stopped_at_once_in_each_way(desk: Desk) -> None:
    for path, body in (
        ("/api/agent/command", {"command": "stop_all"}),
        ("/api/agent/command", {"command": "stop_all", "lanlan_name": desk.name}),
        ("/api/agent/admin/control", {"action": "end_all"}),
        ("/agent/admin/control", {"action": "disable_analyzer"}),
        ("/agent/command", {"command": "set_agent_enabled", "enabled": False}),
    ):
        desk.agent.switches.master = desk.agent.switches.flags["browser_use_enabled"] = True
        desk.browser.world.busy.clear()
        desk.follows(do("linger"))
        task_id = await desk.start()
        await desk.browser.world.busy.wait()
        assert (await desk.http.post(path, json=body)).status_code == 200
        assert (await desk.over(task_id))["status"] == "cancelled", body


async def test_a_run_in_a_browser_answers_with_what_came_of_it(desk: Desk) -> None:
    desk.follows(done("Three flights."))
    answer = (await desk.http.post("/agent/browser_use/run", json={"instruction": "flights"})).json()
    result = answer["result"]
    assert (answer["success"], result["success"], result["result"]) == (True, True, "Three flights.")
    desk.follows(Thought("", ()))
    failed = (await desk.http.post("/agent/browser_use/run", json={"instruction": "more"})).json()["result"]
    assert (failed["success"], failed["done"], failed["error"] != "") == (False, True, True)


async def test_what_is_being_done_already_is_not_begun_again(desk: Desk) -> None:
    desk.follows(do("linger"))
    first = (await desk.http.post("/agent/computer_use/run", json={"instruction": "open it"})).json()
    assert (first["success"], first["status"]) == (True, "queued")
    second = await desk.http.post("/agent/computer_use/run", json={"instruction": " Open  it "})
    assert second.status_code == 409
    assert (second.json()["duplicate"], second.json()["matched_id"]) == (True, first["task_id"])
    desk.computer.world.free.set()


async def test_an_ability_that_is_off_is_not_run_though_the_agent_is_on(desk: Desk) -> None:
    answer = await desk.http.post("/agent/plugin/execute", json={"plugin_id": "weather", "args": {"city": "Kyoto"}})
    assert (answer.status_code, answer.json()["code"]) == (403, "agent_hand_off")
    assert (await desk.http.post("/agent/browser_use/run", json={})).status_code == 400


async def test_policies_are_read_changed_and_taken_back(desk: Desk) -> None:
    empty = {"success": True, "hands": {}, "domains": {}, "plugins": {}, "tools": {}}
    assert (await desk.http.get("/api/agent/policies")).json() == empty
    changes = {"hands": {"browser_use": "ask"}, "domains": {"Example.com": "never"}}
    told = (await desk.http.put("/api/agent/policies", json=changes)).json()
    assert told == {**empty, "hands": {"browser_use": "ask"}, "domains": {"example.com": "never"}}
    back = (await desk.http.put("/api/agent/policies", json={"domains": {"other.org": "allow"}})).json()
    assert back == {**empty, "hands": {"browser_use": "ask"}, "domains": {"other.org": "allow"}}
    gone = (await desk.http.put("/api/agent/policies", json={"hands": {}, "domains": {}})).json()
    assert gone == empty
    for wrong in ({"hands": {"feet": "ask"}}, {"domains": {"x": "always"}}, {"tools": {"": "ask"}}):
        assert (await desk.http.put("/api/agent/policies", json=wrong)).status_code == 422


async def test_a_task_that_waits_for_nobody_is_told_as_active_to_who_asks(desk: Desk) -> None:
    desk.follows(do("linger"))
    task_id = await desk.start()
    await until(lambda: desk.browser.world.busy.is_set())
    (active,) = (await desk.http.get("/agent/state")).json()["snapshot"]["active_tasks"]
    assert (active["id"], active["status"], active["neko"]["commands"]) == (task_id, "running", ["pause", "cancel"])


async def test_every_act_is_in_the_trail_with_its_picture_and_the_trail_can_be_taken_along(desk: Desk) -> None:
    assert (await desk.http.get("/api/agent/audit")).json() == {"rows": []}
    desk.follows(do("look"), do("erase", "all of it"), done())
    task_id = await desk.start()
    await until(lambda: desk.neko.approvals.pending())
    (question,) = desk.neko.approvals.pending()
    assert desk.neko.approvals.answer(question["id"], Decision.DENY)
    await desk.over(task_id)
    rows = (await desk.http.get("/api/agent/audit")).json()["rows"]
    assert [(row["tool"], row["verdict"], row["outcome"]) for row in rows] == [
        ("erase", "denied", ""),
        ("look", "allowed", "done"),
    ]
    shown = await desk.http.get(rows[0]["picture"])
    assert shown.content == PICTURE.data
    found = (await desk.http.get("/api/agent/audit", params={"q": "all of it", "task": task_id})).json()["rows"]
    assert found == rows[:1]
    assert (await desk.http.get("/api/agent/audit", params={"before": rows[0]["id"]})).json()["rows"] == rows[1:]
    exported = await desk.http.get("/api/agent/audit/export")
    assert [row["tool"] for row in exported.json()] == ["erase", "look"]
    table = await desk.http.get("/api/agent/audit/export", params={"format": "csv"})
    assert (len(table.text.splitlines()), table.headers["content-type"].startswith("text/csv")) == (3, True)
    assert (await desk.http.get("/api/agent/audit/pictures/..%2Fagent.sqlite")).status_code in (404, 422)


@pytest.mark.parametrize("command", [{"command": "cancel", "task_id": "c1"}, {"command": "stop_all"}])
async def test_a_call_of_a_tool_by_her_model_is_listed_and_ended_like_a_task(
    neko: Neko, client: httpx2.AsyncClient, command: dict[str, str]
) -> None:
    told = AgentTask(id="c1", status="running", type="mcp", start_time="", params={"tool_name": "write"})

    async def call() -> None:
        async with neko.agent.calls.during("Mio", told):
            neko.agent.calls.show("c1")
            await asyncio.Event().wait()

    async with TaskOwner("test") as owner:
        calling = owner.spawn(call(), name="call")
        await asyncio.sleep(0)
        (listed,) = (await client.get("/api/agent/tasks?character=Mio")).json()["tasks"]
        assert listed == (await client.get("/api/agent/tasks/c1")).json()
        assert (listed["id"], listed["lanlan_name"], listed["params"]) == ("c1", "Mio", {"tool_name": "write"})
        answer = await client.post("/api/agent/command", json=command)
        assert (answer.status_code, answer.json()["snapshot"]["active_tasks"]) == (200, [])
        with pytest.raises(TimeoutError):
            await calling
        assert (await client.post("/api/agent/command", json={"command": "cancel", "task_id": "c1"})).status_code == 404
