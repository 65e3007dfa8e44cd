from collections.abc import AsyncIterator

import pytest

from neko.agent.messages import Utterance, analyze_request, task_result, turn_keys
from neko.agent.revisions import Revisions
from neko.bus import Bus
from tests.recording_handler import RecordingHandler


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    bus = Bus()
    yield bus
    await bus.aclose(timeout_s=0.1)


def test_rule_1_an_analyze_request_has_the_shape_of_the_contract() -> None:
    lines: list[Utterance] = [{"role": "user" if n % 2 else "assistant", "content": f"line {n}"} for n in range(9)]
    lines.append({"role": "user", "content": "  "})
    message = analyze_request("Tian", lines)
    assert list(message) == ["event_type", "event_id", "trigger", "lanlan_name", "messages"]
    assert len(message["event_id"]) == 32
    assert message["trigger"] == "turn_end"
    assert [entry["content"] for entry in message["messages"]] == [f"line {n}" for n in range(3, 9)]
    assert analyze_request("Tian", lines, turn_id="t1")["turn_id"] == "t1"


@pytest.mark.parametrize(
    ("success", "detail", "status"),
    [(True, "", "completed"), (True, "d", "completed"), (False, "d", "partial"), (False, "", "failed")],
)
def test_rule_1_a_task_result_has_the_shape_and_the_limits_of_the_contract(
    success: bool, detail: str, status: str
) -> None:
    message = task_result("Tian", "mcp", success=success, summary="s" * 600, detail=detail * 2000, error="e" * 600)
    assert set(message) == {
        *("event_type", "lanlan_name", "text", "task_id", "channel", "status", "success"),
        *("summary", "detail", "error_message", "timestamp"),
    }
    assert message["status"] == status
    assert message["text"] == message["summary"] == "s" * 500
    assert len(message["detail"]) <= 1500
    assert len(message["error_message"]) == 500
    assert message["timestamp"].endswith("Z")


async def test_rule_3_a_turn_is_analysed_once_however_its_window_of_words_looks(bus: Bus) -> None:
    analyser = RecordingHandler()
    bus.analyze.consume(analyser, turn_keys)
    same_words: list[Utterance] = [{"role": "user", "content": "again"}]
    other_words: list[Utterance] = [*same_words, {"role": "assistant", "content": "sure"}]
    requests = [
        analyze_request("Mio", same_words, turn_id="1"),
        analyze_request("Mio", other_words, turn_id="1", trigger="session_end"),
        analyze_request("Mio", same_words, turn_id="2"),
        analyze_request("Tian", same_words, turn_id="1"),
        analyze_request("Tian", same_words),
        analyze_request("Tian", same_words),
    ]
    for message in requests:
        assert await bus.analyze.request(message)
    await analyser.until(5)
    turns = [(message["lanlan_name"], message.get("turn_id")) for message in analyser.received]
    assert turns == [("Mio", "1"), ("Mio", "2"), ("Tian", "1"), ("Tian", None), ("Tian", None)]


def test_rule_7_revisions_grow_within_a_run_and_across_restarts() -> None:
    before = Revisions(clock=lambda: 1_700_000_000.0)
    revisions = [before.next() for _ in range(999)]
    assert revisions == sorted(set(revisions))
    after = Revisions(clock=lambda: 1_700_000_001.0)
    assert after.next() > revisions[-1]
    assert revisions[-1] < 2**53
