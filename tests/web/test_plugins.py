"""The routes of plug-ins: listed, started, called, ended and read, with honest refusals."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from neko.types.agent import Policy

CLOCK = """
import time
from neko.plugin import *

@neko_plugin
class Clock(NekoPluginBase):
    @plugin_entry(id="tell", name="Tell the time", description="Tells it.",
                  input_schema={"type": "object", "properties": {"zone": {"type": "string"}}})
    def tell(self, zone="UTC"):
        self.report_status({"zone": zone})
        self.ctx.push_message("clock", "binary", content="cuckoo", priority=3, binary_data=b"\\x00\\x01")
        return {"zone": zone}

    @plugin_entry(id="stop")
    def stop(self):
        raise RuntimeError("the spring broke")

    @plugin_entry(id="sleep")
    def sleep(self):
        time.sleep(60)
"""
PLUGINS = "/api/agent/plugins"


@pytest.fixture
def launched_with() -> dict[str, Any]:
    return {"environ": {"NEKO_PLUGIN_TIMEOUT_S": "1", "NEKO_ASSIST_API_KEY_OPENAI": "sk-x"}}


@pytest.fixture
async def clock(neko: Neko, data_dir: Path, client: httpx2.AsyncClient) -> Path:
    """Its folder; it is dropped in while she runs, and noticed when they are listed."""
    place = data_dir / "plugins" / "clock"
    place.mkdir(parents=True)
    (place / "plugin.toml").write_text('[plugin]\nid = "clock"\nentry = "clockwork:Clock"\nname = "Clock"\n')
    (place / "clockwork.py").write_text(CLOCK)
    neko.plugins.on = True
    await listed(client)
    return place


async def listed(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await client.get(PLUGINS)
    assert answer.status_code == 200, answer.text
    return {one["id"]: one for one in answer.json()["plugins"]}


async def trigger(client: httpx2.AsyncClient, entry: str, **args: Any) -> httpx2.Response:
    return await client.post(f"{PLUGINS}/trigger", json={"plugin_id": "clock", "entry_id": entry, "args": args})


async def test_a_plug_in_is_listed_with_what_can_be_called_of_it(client: httpx2.AsyncClient, clock: Path) -> None:
    before = (await listed(client))["clock"]
    assert (before["name"], before["version"], before["neko"]["state"]) == ("Clock", "0.1.0", "stopped")
    assert not before["neko"]["known"]
    assert (await client.post(f"{PLUGINS}/clock/start")).status_code == 200
    after = (await listed(client))["clock"]
    assert after["neko"]["state"] == "running"
    assert after["neko"]["problem"] is None
    told = after["entries"][2]
    assert (told["id"], told["name"], told["event_key"], told["act"]) == (
        "tell",
        "Tell the time",
        "clock.tell",
        "destructive",
    )
    assert told["input_schema"]["properties"] == {"zone": {"type": "string"}}


async def log_of(client: httpx2.AsyncClient) -> list[str]:
    """What the plug-in has printed by now."""
    return [line["text"] for line in (await client.get(f"{PLUGINS}/clock/log")).json()["lines"]]


async def test_an_entry_is_called_and_its_failure_is_an_answer(client: httpx2.AsyncClient, clock: Path) -> None:
    answer = (await trigger(client, "tell", zone="JST")).json()
    assert answer.pop("received_at")
    assert answer == {
        "success": True,
        "plugin_id": "clock",
        "executed_entry": "tell",
        "args": {"zone": "JST"},
        "plugin_response": {"zone": "JST"},
        "plugin_forward_error": None,
    }
    failed = await trigger(client, "stop")
    assert failed.status_code == 200
    assert not failed.json()["success"]
    assert "the spring broke" in failed.json()["plugin_forward_error"]
    async with asyncio.timeout(20):  # what it prints comes by a pipe of its own
        while not any("Traceback" in text for text in await log_of(client)):
            continue


async def test_what_is_called_of_it_is_in_the_audit_trail(neko: Neko, client: httpx2.AsyncClient, clock: Path) -> None:
    await trigger(client, "tell", zone="JST")
    await trigger(client, "stop")
    await neko.agent.policies.put({"tools": {"user_plugin/clock/clock__tell": Policy.NEVER}})
    await trigger(client, "tell")
    rows = (await client.get("/api/agent/audit")).json()["rows"]
    assert [(row["tool"], row["verdict"], row["outcome"]) for row in reversed(rows)] == [
        ("tell", "allowed", "done"),
        ("stop", "allowed", "failed"),
        ("tell", "refused", ""),
    ]
    assert (json.loads(rows[-1]["arguments"]), rows[-1]["detail"]) == ({"zone": "JST"}, '{"zone": "JST"}')


async def test_what_cannot_be_is_refused_with_the_status_that_says_why(
    neko: Neko, client: httpx2.AsyncClient, clock: Path
) -> None:
    assert (await trigger(client, "fly")).status_code == 404
    assert (await trigger(client, "tell", zone=3)).status_code == 422
    assert (await trigger(client, "sleep")).status_code == 504
    assert (await client.post(f"{PLUGINS}/trigger", json={"plugin_id": "clock"})).status_code == 422
    nobody = await client.post(f"{PLUGINS}/trigger", json={"plugin_id": "moon", "entry_id": "x"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "plugin_unknown")
    (clock / "clockwork.py").write_text("import moonlight")
    reloaded = await client.post(f"{PLUGINS}/clock/reload")
    assert reloaded.status_code == 503
    assert "No module named 'moonlight'" in reloaded.json()["error"]
    assert (await listed(client))["clock"]["neko"]["problem"]["code"] == "plugin_broken"
    neko.plugins.on = False
    assert (await trigger(client, "tell")).json()["code"] == "plugin_off"


@pytest.mark.parametrize("command", ["start", "reload"])
async def test_while_plug_ins_are_off_that_is_no_fault_of_ours(
    neko: Neko, client: httpx2.AsyncClient, clock: Path, caplog: pytest.LogCaptureFixture, command: str
) -> None:
    neko.plugins.on = False
    off = await client.post(f"{PLUGINS}/clock/{command}")
    assert (off.status_code, off.json()["code"]) == (403, "plugin_off")
    unknown = await client.post(f"{PLUGINS}/moon/{command}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "plugin_unknown")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_what_the_user_never_wants_is_not_called(neko: Neko, client: httpx2.AsyncClient, clock: Path) -> None:
    await neko.agent.policies.put({"tools": {"user_plugin/clock/clock__tell": Policy.NEVER}})
    refused = await trigger(client, "tell")
    assert (refused.status_code, refused.json()["code"]) == (403, "plugin_not_allowed")
    assert "Traceback" not in refused.text


async def test_plug_ins_run_while_their_ability_is_switched_on(
    neko: Neko, client: httpx2.AsyncClient, clock: Path
) -> None:
    await neko.agent.switches.set_master(True)
    assert not (await client.get(PLUGINS)).json()["on"]
    assert await neko.agent.switches.set_flags({"user_plugin_enabled": True}, "en") is None
    assert (await client.get(PLUGINS)).json()["on"]
    assert (await trigger(client, "tell")).json()["success"]
    await neko.agent.switches.set_master(False)
    assert (await trigger(client, "tell")).json()["code"] == "plugin_off"


async def test_its_status_is_what_it_told_last(client: httpx2.AsyncClient, clock: Path) -> None:
    await trigger(client, "tell", zone="CET")
    told = (await client.get(f"{PLUGINS}/status", params={"plugin_id": "clock"})).json()["plugins"]["clock"]
    assert (told["status"], told["state"], told["source"]) == ({"zone": "CET"}, "running", "plugin")
    assert "this_computer" in (await client.get(f"{PLUGINS}/status")).json()["plugins"]
    assert (await client.get(f"{PLUGINS}/status", params={"plugin_id": "moon"})).status_code == 404
    assert (await client.post(f"{PLUGINS}/clock/stop")).status_code == 200
    assert (await listed(client))["clock"]["neko"]["state"] == "stopped"


async def test_what_is_pushed_is_read_once(client: httpx2.AsyncClient, clock: Path) -> None:
    await trigger(client, "tell")
    push = {"plugin_id": "clock", "source": "script", "description": "tick", "priority": 9, "message_type": "text"}
    pushed = (await client.post(f"{PLUGINS}/push", json=push)).json()
    assert (await client.post(f"{PLUGINS}/push", json={**push, "plugin_id": "moon"})).status_code == 404
    assert (await client.post(f"{PLUGINS}/push", json={**push, "priority": 11})).status_code == 422
    urgent = (await client.get(f"{PLUGINS}/messages", params={"priority_min": 5})).json()
    assert [one["message_id"] for one in urgent["messages"]] == [pushed["message_id"]]
    rest = (await client.get(f"{PLUGINS}/messages")).json()
    assert [(one["content"], one["binary_data"]) for one in rest["messages"]] == [("cuckoo", "AAE=")]
    assert (await client.get(f"{PLUGINS}/messages")).json()["count"] == 0
