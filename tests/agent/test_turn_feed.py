"""Each finished turn in which the user said something is handed over for analysis once, while somebody wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from neko.agent.feed import TurnFeed
from neko.agent.messages import turn_keys
from neko.bus import Bus
from neko.types import facts
from neko.types.lines import Line, Role


class Fed:
    """A bus with a feed, and what its consumer got."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.wanted = True
        self.requests: list[dict[str, Any]] = []
        self.arrived = asyncio.Event()
        self.feed = TurnFeed(bus.session, bus.analyze, lambda: self.wanted)
        bus.analyze.consume(self._take, keys=turn_keys)

    def _take(self, request: dict[str, Any]) -> None:
        self.requests.append(request)
        self.arrived.set()

    def say(self, role: Role, text: str, character: str = "Mio") -> None:
        line = Line(1, "s", "l", role, role, text, datetime(2026, 11, 27))
        self.bus.session.publish(facts.line_committed(character, line))

    def end(self, turn_id: str, character: str = "Mio") -> None:
        self.bus.session.publish(facts.turn_ended(character, turn_id, "complete", {}))

    async def settled(self) -> list[dict[str, Any]]:
        """All requests, once a last turn of somebody else has come through, too."""
        self.say("user", "x", "Last")
        self.end(f"last {len(self.requests)}", "Last")
        async with asyncio.timeout(5):
            while not any(request["lanlan_name"] == "Last" for request in self.requests):
                self.arrived.clear()
                await self.arrived.wait()
        return [request for request in self.requests if request["lanlan_name"] != "Last"]


@pytest.fixture
async def fed() -> AsyncIterator[Fed]:
    bus = Bus()
    fed = Fed(bus)
    fed.feed.follow()
    yield fed
    fed.feed.close()
    await bus.aclose()


async def test_a_turn_with_words_of_the_user_is_handed_over_once_with_what_was_said_and_called(fed: Fed) -> None:
    fed.say("user", "Note it.")
    fed.bus.session.publish(facts.tool_called("Mio", "t1", "files__write", {"path": "a.txt"}))
    fed.say("assistant", "Done.")
    fed.end("t1")
    fed.end("t1")
    [request] = await fed.settled()
    assert (request["event_type"], request["trigger"], request["turn_id"]) == ("analyze_request", "turn_end", "t1")
    assert request["messages"] == [{"role": "user", "content": "Note it."}, {"role": "assistant", "content": "Done."}]
    assert (request["called"], request["fresh"]) == (['files__write {"path": "a.txt"}'], 1)


async def test_a_turn_in_which_the_user_said_nothing_is_not(fed: Fed) -> None:
    fed.say("user", "Note it.")
    fed.end("t1")
    fed.say("assistant", "By the way …")
    fed.end("t2")
    fed.say("user", "Yes?")
    fed.say("user", "Tell me.")
    fed.end("t3")
    assert [(request["turn_id"], request["fresh"]) for request in await fed.settled()] == [("t1", 1), ("t3", 2)]


async def test_only_the_last_six_entries_go_along_and_calls_only_with_their_own_turn(fed: Fed) -> None:
    for number in range(5):
        fed.say("user", f"u{number}")
        fed.say("assistant", f"a{number}")
        fed.bus.session.publish(facts.tool_called("Mio", f"t{number}", f"f{number}", {}))
        fed.end(f"t{number}")
    requests = await fed.settled()
    assert [entry["content"] for entry in requests[-1]["messages"]] == ["u2", "a2", "u3", "a3", "u4", "a4"]
    assert requests[-1]["called"] == ["f4 {}"]


async def test_a_turn_that_the_end_of_the_session_cut_short_says_so(fed: Fed) -> None:
    fed.say("user", "Note it.")
    fed.bus.session.publish(facts.session_ended("Mio"))
    fed.end("t1")
    fed.say("user", "And now?")
    fed.end("t2")
    assert [request["trigger"] for request in await fed.settled()] == ["session_end", "turn_end"]


async def test_characters_are_kept_apart(fed: Fed) -> None:
    fed.say("user", "Hello Mio.", "Mio")
    fed.say("user", "Hello Yui.", "Yui")
    fed.end("t1", "Mio")
    [request] = await fed.settled()
    assert [entry["content"] for entry in request["messages"]] == ["Hello Mio."]


async def test_while_nobody_wants_it_nobody_listens(fed: Fed) -> None:
    fed.wanted = False
    fed.feed.follow()
    assert "session:agent" not in fed.bus.snapshot()["waiting"]
    fed.say("user", "Note it.")
    fed.end("t1")
    fed.wanted = True
    fed.feed.follow()
    fed.feed.follow()
    fed.say("user", "And this.")
    fed.end("t2")
    assert [request["turn_id"] for request in await fed.settled()] == ["t2"]
