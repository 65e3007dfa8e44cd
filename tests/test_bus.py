"""Tests named ``test_rule_<n>_…`` prove the mirror rules of the bus contract (bus.md §10)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from neko.bus import CAPACITY, Bus, BusMessageError, Message
from neko.bus_messages import Revisions, Said, analyze_request, task_result, task_update

DEADLINE = 5.0


class Listener:
    """A handler that keeps what it hears and can be waited for or made to stand still."""

    def __init__(self, *, held: bool = False) -> None:
        self.heard: list[Message] = []
        self._more = asyncio.Condition()
        self._go = asyncio.Event()
        if not held:
            self._go.set()

    async def __call__(self, message: Message) -> None:
        await self._go.wait()
        async with self._more:
            self.heard.append(message)
            self._more.notify_all()

    def go_on(self) -> None:
        self._go.set()

    async def until(self, number: int) -> list[Any]:
        async with asyncio.timeout(DEADLINE), self._more:
            await self._more.wait_for(lambda: len(self.heard) >= number)
        return [message.get("n") for message in self.heard]


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    bus = Bus()
    yield bus
    await bus.aclose(timeout=0.1)


def note(n: int, **more: Any) -> Message:
    return {"event_type": "note", "lanlan_name": "Mio", "n": n, **more}


def request(n: int, **more: Any) -> Message:
    said: list[Said] = [{"role": "user", "content": "open the calculator"}]
    return {**analyze_request("Mio", said), "n": n, **more}


def update(task_id: str, status: Any) -> Message:
    return dict(
        task_update(
            "Mio", {"id": task_id, "status": status, "type": "computer_use", "start_time": "2026-02-22T06:03:11Z"}
        )
    )


def result(task_id: str) -> Message:
    return dict(task_result("Mio", "computer_use", success=True, summary="done", task_id=task_id))


# ── rule 1: topics and messages ───────────────────────────────────────────────


@pytest.mark.parametrize(
    "message",
    [
        {"event_type": "note", "raw": b"bytes"},
        {"event_type": "note", "when": object()},
        {"event_type": "note", "number": float("nan")},
        {"n": 1},
        {"event_type": None},
        ["event_type"],
    ],
)
async def test_rule_1_what_is_not_a_json_message_fails_loudly_at_once(bus: Bus, message: Any) -> None:
    for publish in (bus.session.publish, bus.agent.publish):
        with pytest.raises(BusMessageError):
            publish(message)
    with pytest.raises(TypeError):
        await bus.analyze.request(message)


async def test_rule_1_session_tells_everyone_who_listens_in_order(bus: Bus) -> None:
    memory, monitor = Listener(), Listener()
    bus.session.subscribe(memory, "memory")
    bus.session.subscribe(monitor, "monitor")
    for n in range(3):
        assert bus.session.publish(note(n))
    assert await memory.until(3) == await monitor.until(3) == [0, 1, 2]


async def test_rule_1_every_listener_gets_a_copy_from_the_moment_of_publishing(bus: Bus) -> None:
    heard: list[Any] = []

    def careless(message: Message) -> None:
        message["task"]["status"] = "changed by a listener"

    last = Listener()
    bus.session.subscribe(careless, "careless")
    bus.session.subscribe(last, "last")
    task = {"status": "running"}
    bus.session.publish({"event_type": "note", "task": task})
    task["status"] = "changed by the publisher"
    await last.until(1)
    heard.extend(last.heard)
    assert heard[0]["task"] == {"status": "running"}


async def test_rule_1_a_name_listens_once_and_again_after_it_left(bus: Bus) -> None:
    first, second = Listener(), Listener()
    subscription = bus.session.subscribe(first, "memory")
    with pytest.raises(ValueError, match="memory"):
        bus.session.subscribe(second, "memory")
    subscription.close()
    bus.session.publish(note(1))
    bus.session.subscribe(second, "memory")
    subscription.close()
    bus.session.publish(note(2))
    assert await second.until(1) == [2]
    assert first.heard == []


def test_rule_1_an_analyze_request_has_the_shape_of_the_contract() -> None:
    said: list[Said] = [{"role": "user" if n % 2 else "assistant", "content": f"line {n}"} for n in range(9)]
    said.append({"role": "user", "content": "  "})
    message = analyze_request("Tian", said)
    assert list(message) == ["event_type", "event_id", "trigger", "lanlan_name", "messages"]
    assert len(message["event_id"]) == 32
    assert message["trigger"] == "turn_end"
    assert [entry["content"] for entry in message["messages"]] == [f"line {n}" for n in range(3, 9)]
    assert analyze_request("Tian", said, turn_id="t1")["turn_id"] == "t1"


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


# ── rule 2: bounded, counted ──────────────────────────────────────────────────


async def test_rule_2_a_listener_a_thousand_messages_behind_loses_the_newest_and_they_are_counted(bus: Bus) -> None:
    slow, quick = Listener(held=True), Listener()
    bus.session.subscribe(slow, "slow")
    bus.session.subscribe(quick, "quick")
    for n in range(CAPACITY):
        assert bus.session.publish(note(n))
    await quick.until(CAPACITY)
    for n in range(10):
        assert bus.session.publish(note(CAPACITY + n))
    await quick.until(CAPACITY + 10)
    slow.go_on()
    assert await slow.until(CAPACITY + 1) == list(range(CAPACITY + 1))
    assert bus.drops() == {"session:slow": 9}


async def test_rule_2_publishing_to_a_full_agent_queue_says_false_and_counts(bus: Bus) -> None:
    assert all(bus.agent.publish(note(n)) for n in range(CAPACITY))
    assert not bus.agent.publish(note(-1))
    assert bus.drops() == {"agent": 1}


async def test_rule_2_work_beyond_a_thousand_requests_is_refused_and_counted(bus: Bus) -> None:
    worker = Listener(held=True)
    bus.analyze.consume(worker)
    assert await bus.analyze.request(request(0))
    await asyncio.sleep(0)
    for n in range(1, CAPACITY + 1):
        assert await bus.analyze.request(request(n))
    assert not await bus.analyze.request(request(-1), ack_timeout=0.01)
    assert bus.drops() == {"analyze": 1}
    worker.go_on()
    assert await worker.until(CAPACITY + 1) == list(range(CAPACITY + 1))


# ── rule 3: acknowledged work ─────────────────────────────────────────────────


async def test_rule_3_an_acknowledgement_says_received_while_the_work_goes_on(bus: Bus) -> None:
    worker = Listener(held=True)
    bus.analyze.consume(worker)
    async with asyncio.timeout(DEADLINE):
        assert await bus.analyze.request(request(1))
        assert await bus.analyze.request(request(2))
    assert worker.heard == []
    worker.go_on()
    assert await worker.until(2) == [1, 2]


async def test_rule_3_a_request_without_an_id_gets_one(bus: Bus) -> None:
    worker = Listener()
    bus.analyze.consume(worker)
    assert await bus.analyze.request(note(1))
    await worker.until(1)
    assert len(worker.heard[0]["event_id"]) == 32


async def test_rule_3_an_unacknowledged_request_is_repeated_once_with_the_same_id_then_given_up(bus: Bus) -> None:
    deaf = Listener()
    bus.analyze.receive(deaf)
    asked = request(1)
    assert not await bus.analyze.request(asked, ack_timeout=0.01)
    await deaf.until(2)
    assert [message["event_id"] for message in deaf.heard] == [asked["event_id"]] * 2
    assert bus.drops() == {"analyze": 1}


async def test_rule_3_an_acknowledgement_of_the_repetition_counts(bus: Bus) -> None:
    heard: list[str] = []

    def second_time_only(message: Message) -> None:
        heard.append(message["event_id"])
        if len(heard) == 2:
            bus.analyze.ack(message["event_id"])

    bus.analyze.receive(second_time_only)
    assert await bus.analyze.request(request(1), ack_timeout=0.05)
    assert len(heard) == 2


async def test_rule_3_concurrent_requests_match_their_own_acknowledgements(bus: Bus) -> None:
    def only_even(message: Message) -> None:
        if message["n"] % 2 == 0:
            bus.analyze.ack(message["event_id"])

    bus.analyze.receive(only_even)
    answers = await asyncio.gather(*(bus.analyze.request(request(n), ack_timeout=0.05) for n in range(6)))
    assert answers == [True, False] * 3


async def test_rule_3_an_unknown_acknowledgement_is_ignored(bus: Bus) -> None:
    bus.analyze.ack("")
    bus.analyze.ack("nobody asked")
    assert bus.drops() == {}


async def test_rule_3_the_same_event_id_is_acknowledged_again_but_worked_on_once(bus: Bus) -> None:
    worker = Listener()
    bus.analyze.consume(worker)
    asked = request(1)
    assert await asyncio.gather(bus.analyze.request(asked), bus.analyze.request(asked)) == [True, True]
    assert await bus.analyze.request(asked)
    assert await bus.analyze.request(request(2))
    assert await worker.until(2) == [1, 2]


async def test_rule_3_a_turn_is_worked_on_once_however_its_window_of_words_looks(bus: Bus) -> None:
    worker = Listener()
    bus.analyze.consume(worker)
    same_words: list[Said] = [{"role": "user", "content": "again"}]
    other_words: list[Said] = [*same_words, {"role": "assistant", "content": "sure"}]
    sent = [
        analyze_request("Mio", same_words, turn_id="1"),
        analyze_request("Mio", other_words, turn_id="1", trigger="session_end"),
        analyze_request("Mio", same_words, turn_id="2"),
        analyze_request("Tian", same_words, turn_id="1"),
    ]
    for message in sent:
        assert await bus.analyze.request(message)
    await worker.until(3)
    assert [(m["lanlan_name"], m["turn_id"]) for m in worker.heard] == [("Mio", "1"), ("Mio", "2"), ("Tian", "1")]


# ── rule 4: nobody there ──────────────────────────────────────────────────────


async def test_rule_4_work_without_a_consumer_is_refused_at_once(bus: Bus) -> None:
    async with asyncio.timeout(0.4):
        assert not await bus.analyze.request(request(1), ack_timeout=60)
    assert bus.drops() == {"analyze": 1}


async def test_rule_4_a_request_is_refused_at_once_when_its_consumer_leaves(bus: Bus) -> None:
    arrived = asyncio.Event()
    reception = bus.analyze.receive(lambda message: arrived.set())
    asking = asyncio.create_task(bus.analyze.request(request(1), ack_timeout=60))
    async with asyncio.timeout(DEADLINE):
        await arrived.wait()
        reception.close()
        assert not await asking


async def test_rule_4_work_has_one_consumer_and_the_next_after_it_left(bus: Bus) -> None:
    first, second = Listener(), Listener()
    subscription = bus.analyze.consume(first)
    with pytest.raises(RuntimeError):
        bus.analyze.consume(second)
    subscription.close()
    assert not await bus.analyze.request(request(1))
    bus.analyze.consume(second)
    subscription.close()
    assert await bus.analyze.request(request(2))
    assert await second.until(1) == [2]


async def test_rule_4_agent_messages_wait_for_their_handler_in_order(bus: Bus) -> None:
    for n in range(CAPACITY):
        bus.agent.publish(note(n))
    listener = Listener()
    bus.agent.attach(listener)
    await listener.until(CAPACITY)
    bus.agent.publish(note(CAPACITY))
    assert await listener.until(CAPACITY + 1) == list(range(CAPACITY + 1))


async def test_rule_4_agent_messages_wait_again_when_the_handler_left(bus: Bus) -> None:
    first, second = Listener(held=True), Listener()
    subscription = bus.agent.attach(first)
    with pytest.raises(RuntimeError):
        bus.agent.attach(second)
    bus.agent.publish(note(1))
    await asyncio.sleep(0)
    subscription.close()
    bus.agent.publish(note(2))
    bus.agent.attach(second)
    assert await second.until(2) == [1, 2]
    assert first.heard == []


async def test_rule_4_session_messages_that_nobody_hears_are_taken_dropped_and_counted(bus: Bus) -> None:
    assert bus.session.publish(note(1))
    late = Listener()
    bus.session.subscribe(late, "late")
    bus.session.publish(note(2))
    assert await late.until(1) == [2]
    assert bus.drops() == {"session": 1}


# ── rule 5: the end, and failing handlers ─────────────────────────────────────


async def test_rule_5_closing_delivers_what_waits_on_agent() -> None:
    bus = Bus()
    listener = Listener()
    bus.agent.attach(listener)
    for n in range(500):
        bus.agent.publish(note(n))
    await bus.aclose()
    assert [message["n"] for message in listener.heard] == list(range(500))
    assert bus.drops() == {}


async def test_rule_5_a_closed_bus_takes_nothing_and_says_so() -> None:
    bus = Bus()
    listener = Listener()
    bus.session.subscribe(listener, "memory")
    bus.analyze.consume(listener)
    await bus.aclose()
    await bus.aclose()
    assert not bus.session.publish(note(1))
    assert not bus.agent.publish(note(1))
    async with asyncio.timeout(0.4):
        assert not await bus.analyze.request(request(1), ack_timeout=60)
    with pytest.raises(RuntimeError):
        bus.session.subscribe(listener, "late")
    with pytest.raises(RuntimeError):
        bus.analyze.consume(listener)
    assert bus.drops() == {"session": 1, "agent": 1, "analyze": 1}


async def test_rule_5_closing_gives_up_on_a_handler_that_stands_still_and_counts_what_is_left() -> None:
    bus = Bus()
    bus.agent.attach(Listener(held=True))
    for n in range(3):
        bus.agent.publish(note(n))
    async with asyncio.timeout(DEADLINE):
        await bus.aclose(timeout=0.01)
    assert bus.drops() == {"agent": 3}


async def test_rule_5_closing_answers_a_request_that_waits() -> None:
    bus = Bus()
    arrived = asyncio.Event()
    bus.analyze.receive(lambda message: arrived.set())
    asking = asyncio.create_task(bus.analyze.request(request(1), ack_timeout=60, retries=5))
    async with asyncio.timeout(DEADLINE):
        await arrived.wait()
        await bus.aclose()
        assert not await asking


async def test_rule_5_a_failing_handler_is_logged_and_counted_and_the_next_message_comes(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    after = Listener()

    async def fails_first(message: Message) -> None:
        if message["n"] == 1:
            raise ValueError("broken")
        await after(message)

    bus.session.subscribe(fails_first, "memory")
    bus.agent.attach(Listener())
    bus.session.publish(note(1, text="private words"))
    bus.session.publish(note(2))
    assert await after.until(1) == [2]
    assert bus.failures() == {"session:memory": 1}
    assert "session:memory failed" in caplog.text
    assert "private words" not in caplog.text


async def test_rule_5_a_failing_worker_and_a_failing_agent_handler_go_on(bus: Bus) -> None:
    after = Listener()

    async def fails_first(message: Message) -> None:
        if message["n"] == 1:
            raise ValueError("broken")
        await after(message)

    bus.analyze.consume(fails_first)
    bus.agent.attach(fails_first)
    for n in (1, 2):
        assert await bus.analyze.request(request(n))
        assert bus.agent.publish(note(n))
    assert await after.until(2) == [2, 2]
    assert bus.failures() == {"analyze": 1, "agent": 1}


# ── rule 6: a task's end, then its result ─────────────────────────────────────


async def order_of(bus: Bus, number: int) -> list[str]:
    listener = Listener()
    bus.agent.attach(listener)
    await listener.until(number)
    return [m["event_type"] + ":" + str(m.get("task", {}).get("status", "")) for m in listener.heard]


@pytest.mark.parametrize("terminal", ["completed", "failed", "cancelled"])
async def test_rule_6_a_result_published_too_early_comes_after_the_end_of_its_task(bus: Bus, terminal: str) -> None:
    for message in (update("1", "running"), result("1"), note(1), update("1", terminal)):
        assert bus.agent.publish(message)
    assert await order_of(bus, 4) == ["task_update:running", "note:", f"task_update:{terminal}", "task_result:"]


async def test_rule_6_a_result_of_a_task_without_updates_does_not_wait(bus: Bus) -> None:
    bus.agent.publish(result(""))
    bus.agent.publish(result("unheard of"))
    assert await order_of(bus, 2) == ["task_result:", "task_result:"]


async def test_rule_6_a_result_waits_for_its_own_task_only(bus: Bus) -> None:
    for message in (update("1", "running"), update("2", "running"), result("1"), update("2", "completed"), result("2")):
        bus.agent.publish(message)
    bus.agent.publish(update("1", "completed"))
    assert (await order_of(bus, 6))[2:] == [
        "task_update:completed",
        "task_result:",
        "task_update:completed",
        "task_result:",
    ]


async def test_rule_6_a_result_whose_task_never_ends_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = Bus()
    monkeypatch.setattr(type(bus.agent), "PATIENCE", 0.01)
    bus.agent.publish(update("1", "running"))
    bus.agent.publish(result("1"))
    assert await order_of(bus, 2) == ["task_update:running", "task_result:"]
    await bus.aclose()


async def test_rule_6_closing_delivers_a_result_that_still_waits() -> None:
    bus = Bus()
    listener = Listener()
    bus.agent.attach(listener)
    bus.agent.publish(update("1", "running"))
    bus.agent.publish(result("1"))
    await bus.aclose()
    assert [message["event_type"] for message in listener.heard] == ["task_update", "task_result"]


# ── rule 7: revisions ─────────────────────────────────────────────────────────


def test_rule_7_revisions_grow_within_a_run_and_across_restarts() -> None:
    before = Revisions(clock=lambda: 1_700_000_000.0)
    seen = [before.next() for _ in range(999)]
    assert seen == sorted(set(seen))
    after = Revisions(clock=lambda: 1_700_000_001.0)
    assert after.next() > seen[-1]
    assert seen[-1] < 2**53
