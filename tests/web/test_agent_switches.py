"""The agent's switches and commands over HTTP: off by default, on only when that can be, told once when not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from neko.errors import DiskFullError
from neko.i18n import notice
from neko.types.agent import Policy
from neko.types.hands import HandName, Job, Readiness, Workspace
from tests.client import client as socket_client
from tests.conftest import RunningServer
from tests.web.running_app import serving, started

MODEL = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test"}
OFF = {f"{name}_enabled": False for name in ("mcp", "computer_use", "browser_use", "user_plugin")}
FLAGS = sorted(OFF)


class Glove:
    """A hand that can do nothing, and says whether it could."""

    exclusive = False

    def __init__(self, name: HandName, *, ready: bool = True) -> None:
        self.name = name
        self.ready = ready
        self.after_probe = ready
        self.breaks = False
        self.probes = 0

    def readiness(self, language: str) -> Readiness:
        return Readiness(self.ready) if self.ready else Readiness(False, "glove", f"No glove ({language}).")

    async def probe(self) -> None:
        self.probes += 1
        if self.breaks:
            raise LookupError("the X server is gone")
        self.ready = self.after_probe

    def offer(self, words: str) -> str:
        return ""

    async def open(self, job: Job) -> Workspace:
        raise NotImplementedError

    async def aclose(self) -> None:
        return None


def give(neko: Neko, *hands: Glove) -> None:
    """Put these hands in the place of those that are there."""
    held: dict[HandName, Any] = neko.agent.hands  # type: ignore[assignment]
    held.clear()
    held.update({hand.name: hand for hand in hands})


@pytest.fixture
def launched_with() -> dict[str, Any]:
    return {"environ": MODEL}


async def command(client: httpx2.AsyncClient, **words: Any) -> dict[str, Any]:
    answer = await client.post("/api/agent/command", json=words)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def test_what_is_switched_on_is_in_force_is_told_and_outlives_the_process(data_dir: Path) -> None:
    async with started(data_dir, environ=MODEL) as neko, serving(neko.asgi) as client:
        give(neko, Glove("browser_use"))
        await command(client, command="set_agent_enabled", enabled=True)
        done = await command(client, request_id="r1", command="set_flag", key="browser_use_enabled", value=True)
        assert (done["success"], done["request_id"], done["notification"]) == (True, "r1", None)
        assert done["snapshot"]["flags"] == {**OFF, "browser_use_enabled": True}
        assert done["timing"].keys() == {"agent_total_ms", "set_flags_ms", "main_proxy_ms", "main_total_ms"}
    stored = json.loads((data_dir / "config" / "agent.json").read_text())
    assert stored == {"enabled": True, "flags": {**OFF, "browser_use_enabled": True}}
    async with started(data_dir, environ=MODEL) as neko:
        assert neko.agent.switches.allows("browser_use")
        assert not neko.agent.switches.allows("mcp")


async def test_every_change_is_told_to_pages_and_each_snapshot_is_newer(server: RunningServer) -> None:
    name = server.neko.characters.current
    async with socket_client(server.ws_url, name) as page, httpx2.AsyncClient(base_url=server.url) as http:
        before = (await http.get("/api/agent/state")).json()["snapshot"]["revision"]
        await command(http, command="set_agent_enabled", enabled=True)
        told = (await page.until("agent_status_update"))[-1]["snapshot"]
        assert (told["analyzer_enabled"], told["revision"] > before) == (True, True)


async def test_an_ability_that_cannot_be_used_stays_off_and_says_why_once(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    give(neko, Glove("computer_use", ready=False))
    await client.post("/api/agent/flags", json={"flags": {"agent_enabled": True}})
    answer = await client.post(
        "/api/agent/flags", json={"flags": {"computer_use_enabled": True}}, headers={"accept-language": "ja"}
    )
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert answer.json()["agent_flags"] == OFF
    assert answer.json()["notification"] == "No glove (ja)."
    flags = [(await client.get("/api/agent/flags")).json()["notification"] for _ in range(2)]
    assert flags == ["No glove (en).", None]


async def test_what_was_not_known_to_be_there_is_looked_for_when_it_is_switched_on(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    glove = Glove("computer_use", ready=False)
    glove.after_probe = True
    give(neko, glove)
    done = await command(client, command="set_flag", key="computer_use_enabled", value=True)
    assert (done["snapshot"]["flags"]["computer_use_enabled"], glove.probes) == (True, 1)


async def test_a_probe_that_breaks_leaves_the_ability_off_with_its_reason(
    neko: Neko, client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    glove = Glove("computer_use", ready=False)
    glove.breaks = True
    give(neko, glove)
    done = await command(client, command="set_flag", key="computer_use_enabled", value=True)
    assert (done["snapshot"]["flags"], done["notification"]) == (OFF, "No glove (en).")
    assert "was not found out: LookupError" in caplog.text
    assert "crashed" not in caplog.text


async def test_without_a_model_for_it_every_ability_goes_off(data_dir: Path) -> None:
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        give(neko, Glove("mcp"), Glove("browser_use"))
        neko.agent.switches.flags["browser_use_enabled"] = True
        gate = (await client.get("/api/agent/flags")).json()["agent_api_gate"]
        assert gate["ready"] is False
        assert gate["reasons"][0].startswith(notice("agent_no_model", "en").text)
        done = await command(client, command="set_flag", key="mcp_enabled", value=True)
        assert done["snapshot"]["flags"] == OFF
        assert done["notification"] == gate["reasons"][0]
        assert (await client.get("/api/agent/flags")).json()["notification"] == gate["reasons"][0]


async def test_switching_the_agent_off_takes_the_abilities_along(neko: Neko, client: httpx2.AsyncClient) -> None:
    give(neko, Glove("mcp"))
    await command(client, command="set_agent_enabled", enabled=True)
    await command(client, command="set_flag", key="mcp_enabled", value=True)
    control = await client.post("/api/agent/admin/control", json={"action": "disable_analyzer"})
    assert (control.json()["success"], control.json()["analyzer_enabled"]) == (True, False)
    assert neko.agent.switches.flags["mcp_enabled"]
    done = await command(client, command="set_agent_enabled", enabled=False)
    assert (done["snapshot"]["flags"], done["snapshot"]["analyzer_enabled"]) == (OFF, False)


async def test_what_runs_others_programs_is_tried_only_when_it_is_on(neko: Neko, client: httpx2.AsyncClient) -> None:
    servers, browser = Glove("mcp"), Glove("browser_use")
    give(neko, servers, browser)
    await command(client, command="set_agent_enabled", enabled=True)
    await client.get("/agent/capabilities")
    async with asyncio.timeout(10):
        while not browser.probes:
            await client.get("/api/agent/state")
    assert servers.probes == 0
    neko.agent.switches.flags["mcp_enabled"] = True
    async with asyncio.timeout(10):
        while not servers.probes:
            await client.get("/api/agent/state")


async def test_which_plug_ins_there_are_is_known_while_they_are_off(neko: Neko, client: httpx2.AsyncClient) -> None:
    await command(client, command="set_agent_enabled", enabled=True)
    assert not neko.agent.switches.allows("user_plugin")
    async with asyncio.timeout(10):
        while "looking" in neko.agent.readiness("user_plugin", "en").code:
            await client.get("/api/agent/state")
    answer = (await client.get("/api/agent/user_plugin/availability")).json()
    assert answer["ready"] == neko.agent.readiness("user_plugin", "en").ready
    assert bool(answer["reasons"]) is not answer["ready"]


async def test_what_changes_by_itself_is_told_while_the_agent_is_on(neko: Neko) -> None:
    glove, told = Glove("mcp"), []
    give(neko, glove)
    switches = neko.agent.switches
    switches.noticed()
    switches.on_change = lambda: told.append(glove.ready)
    for master, ready in ((False, False), (True, True), (True, True), (True, False)):
        switches.master, glove.ready = master, ready
        switches.noticed()
    assert told == [True, False]


async def test_asking_what_could_be_used_waits_for_nothing_and_looks_in_the_background(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    glove = Glove("browser_use", ready=False)
    glove.after_probe = True
    give(neko, glove)
    path = "/api/agent/browser_use/availability"
    first = (await client.get(path)).json()
    assert (first["ready"], first["reasons"], first["enabled"], glove.probes) == (False, ["No glove (en)."], False, 0)
    await command(client, command="set_agent_enabled", enabled=True)
    async with asyncio.timeout(10):
        while not (await client.get(path)).json()["ready"]:
            pass
    assert glove.probes == 1
    for other in ("computer_use", "mcp", "user_plugin"):
        answer = (await client.get(f"/api/agent/{other}/availability")).json()
        assert answer["ready"] is False
        assert isinstance(answer["reasons"], list)


@pytest.mark.parametrize(
    "words",
    [
        {"command": "end_of_the_world"},
        {"command": "set_flag", "key": "agent_enabled", "value": True},
        {"command": "set_flag", "key": "mcp_enabled", "value": "yes"},
        {"command": "pause"},
        {"command": "pause", "task_id": "../../etc"},
        {},
    ],
)
async def test_what_is_no_command_is_400(client: httpx2.AsyncClient, words: dict[str, Any]) -> None:
    answer = await client.post("/api/agent/command", json=words)
    assert (answer.status_code, answer.json()["success"]) == (400, False)


async def test_an_unknown_character_or_task_is_404(client: httpx2.AsyncClient) -> None:
    for path, body in (
        ("/api/agent/flags", {"lanlan_name": "Nobody", "flags": {"mcp_enabled": False}}),
        ("/api/agent/command", {"command": "refresh_state", "lanlan_name": "Nobody"}),
        ("/api/agent/internal/analyze_request", {"lanlan_name": "Nobody", "messages": []}),
        ("/agent/computer_use/run", {"instruction": "x", "lanlan_name": "Nobody"}),
        ("/api/agent/command", {"command": "cancel", "task_id": "5b1f"}),
        ("/api/agent/command", {"command": "retry", "task_id": "5b1f"}),
    ):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["success"]) == (404, False), path
    assert (await client.get("/api/agent/tasks/5b1f")).status_code == 404


async def test_what_is_switched_off_does_nothing_when_it_is_asked_by_its_address(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    give(neko, Glove("computer_use"), Glove("browser_use"), Glove("user_plugin"))
    for path, body in (
        ("/agent/computer_use/run", {"instruction": "x"}),
        ("/agent/browser_use/run", {"instruction": "x"}),
        ("/agent/plugin/execute", {"plugin_id": "p"}),
        ("/api/agent/command", {"command": "start", "instruction": "x"}),
    ):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "agent_off"), path
    assert (await client.get("/api/agent/tasks")).json() == {
        "tasks": [],
        "debug": {"task_registry_count": 0, "task_pool_count": 0, "total_returned": 0},
    }


async def test_what_is_to_be_analysed_goes_to_the_consumer_and_to_who_listens(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    neko.bus.session.subscribe(heard.put_nowait, "test", only=("analyze_request",))
    name = neko.characters.current
    body = {"trigger": "turn_end", "lanlan_name": name, "messages": [{"role": "user", "text": "open it"}]}
    answer = await client.post("/api/agent/internal/analyze_request", json=body)
    assert answer.json()["success"] in (True, False)
    async with asyncio.timeout(10):
        told = await heard.get()
    assert (told["lanlan_name"], told["messages"]) == (name, [{"role": "user", "content": "open it"}])
    assert "event_id" not in told


async def test_what_is_switched_off_is_off_though_the_disk_is_full_and_is_saved_when_it_has_room(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(neko, Glove("browser_use"))
    await command(client, command="set_agent_enabled", enabled=True)
    await command(client, command="set_flag", key="browser_use_enabled", value=True)
    ended: list[bool] = []

    async def end_all() -> None:
        ended.append(True)

    def refuse(path: Path, value: object) -> None:
        raise DiskFullError(str(path), file=str(path))

    never = {"hands": {"browser_use": "never"}}
    monkeypatch.setattr(neko.agent.switches, "on_off", end_all)
    with monkeypatch.context() as full:
        full.setattr("neko.agent.agent_file.write_json", refuse)
        off = {"command": "set_flag", "key": "browser_use_enabled", "value": False}
        refused = [await client.post("/api/agent/command", json=off)]
        assert not neko.agent.switches.allows("browser_use")
        refused.append(await client.put("/api/agent/policies", json=never))
        assert neko.agent.policies.on_hand("browser_use") is Policy.NEVER
        refused.append(await client.post("/api/agent/command", json={"command": "set_agent_enabled", "enabled": False}))
        assert not neko.agent.switches.master
        assert ended == [True]
        assert [one.status_code for one in refused] == [409] * 3
    await command(client, command="set_agent_enabled", enabled=False)
    stored = json.loads((data_dir / "config" / "agent.json").read_text())
    assert (stored["enabled"], stored["flags"]) == (False, OFF)
