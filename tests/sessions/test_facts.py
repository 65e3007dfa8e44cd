"""What a conversation tells on the bus, for whoever watches it."""

from typing import Any

import pytest

from tests.client import client
from tests.conftest import RunningServer
from tests.recording_handler import RecordingHandler


@pytest.fixture
def settings_changes() -> dict[str, Any]:
    return {"environ": {"LANG": "en_US.UTF-8"}}


async def test_a_watcher_can_follow_a_turn_from_the_session_to_its_end(server: RunningServer) -> None:
    watcher = RecordingHandler()
    server.neko.bus.session.subscribe(watcher, "monitor")
    async with client(server.ws_url, "Mio") as page:
        await page.say("Hello there")
        reply, _ = await page.reply()
        await page.send("end_session")
        await page.until("status")
        await page.quiet()
    await watcher.until_fits(lambda fact: fact["event_type"] == "session_end")
    kinds = [fact["event_type"] for fact in watcher.received]
    assert sorted(set(kinds)) == ["line", "reply_start", "session_end", "session_start", "state", "turn_end"]
    assert [kind for kind in kinds if kind.startswith(("session", "reply", "turn"))] == [
        "session_start",
        "reply_start",
        "turn_end",
        "session_end",
    ]
    lines = [(fact["role"], fact["text"]) for fact in watcher.received if fact["event_type"] == "line"]
    assert lines == [("user", "Hello there"), ("assistant", reply.strip())]
    states = [fact["state"] for fact in watcher.received if fact["event_type"] == "state"]
    assert states[:2] == ["thinking", "speaking"]
    assert states[-1] == "idle"
    assert {fact["lanlan_name"] for fact in watcher.received} == {"Mio"}
    turns = {fact["turn_id"] for fact in watcher.received if "turn_id" in fact and fact.get("role") != "user"}
    assert len(turns) == 1


async def test_a_line_that_is_sent_again_is_told_once(server: RunningServer) -> None:
    watcher = RecordingHandler()
    server.neko.bus.session.subscribe(watcher, "monitor")
    async with client(server.ws_url, "Mio") as page:
        for _ in range(2):
            await page.say("Hello there", client_id="c1")
            await page.until("neko_line")
        await page.quiet()
    users = [fact for fact in watcher.received if fact["event_type"] == "line" and fact["role"] == "user"]
    assert len(users) == 1
