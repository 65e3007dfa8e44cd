from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from neko.bus import Bus
from neko.types import facts
from neko.types.lines import Line
from tests.recording_handler import RecordingHandler

LINE = Line(7, "s1", "t1", "assistant", "Mio", "Good morning.", datetime(2026, 2, 22, 8, 0))


@pytest.mark.parametrize(
    "fact",
    [
        facts.session_started("Mio", "text"),
        facts.state_entered("Mio", "thinking"),
        facts.line_committed("Mio", LINE),
        facts.reply_started("Mio", "t1"),
        facts.turn_ended("Mio", "t1", "complete", {"first_delta": 0.2}),
        facts.session_ended("Mio"),
    ],
    ids=lambda fact: fact["event_type"],
)
async def test_a_fact_crosses_the_bus_as_it_is(fact: Mapping[str, Any]) -> None:
    bus, monitor = Bus(), RecordingHandler()
    bus.session.subscribe(monitor, "monitor")
    assert bus.session.publish(fact)
    await monitor.until(1)
    await bus.aclose()
    assert monitor.received == [fact]
    assert fact["lanlan_name"] == "Mio"
