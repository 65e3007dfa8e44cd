"""Tests named ``test_rule_<n>_…`` prove the mirror rules of the bus contract (bus.md §10)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from neko.bus import CAPACITY, Bus, BusMessageError, Message
from tests.recording_handler import RecordingHandler

DEADLINE = 15.0


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    bus = Bus()
    yield bus
    await bus.aclose(timeout_s=0.1)


def note(n: int, **more: Any) -> Message:
    return {"event_type": "note", "lanlan_name": "Mio", "n": n, **more}


def request(n: int, **more: Any) -> Message:
    return {"event_type": "work", "event_id": f"request {n}", "n": n, **more}


def drops(bus: Bus) -> dict[str, int]:
    return bus.snapshot()["drops"]


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
    memory, monitor = RecordingHandler(), RecordingHandler()
    bus.session.subscribe(memory, "memory")
    bus.session.subscribe(monitor, "monitor")
    for n in range(3):
        assert bus.session.publish(note(n))
    assert await memory.until(3) == await monitor.until(3) == [0, 1, 2]


async def test_rule_1_every_listener_gets_a_copy_from_the_moment_of_publishing(bus: Bus) -> None:
    def careless(message: Message) -> None:
        message["task"]["status"] = "changed by a listener"

    last = RecordingHandler()
    bus.session.subscribe(careless, "careless")
    bus.session.subscribe(last, "last")
    task = {"status": "running"}
    bus.session.publish({"event_type": "note", "task": task})
    task["status"] = "changed by the publisher"
    await last.until(1)
    assert last.received[0]["task"] == {"status": "running"}


async def test_rule_1_a_name_listens_once_and_again_after_it_left(bus: Bus) -> None:
    first, second = RecordingHandler(), RecordingHandler()
    subscription = bus.session.subscribe(first, "memory")
    with pytest.raises(ValueError, match="memory"):
        bus.session.subscribe(second, "memory")
    subscription.close()
    bus.session.publish(note(1))
    bus.session.subscribe(second, "memory")
    subscription.close()
    bus.session.publish(note(2))
    assert await second.until(1) == [2]
    assert first.received == []


# ── rule 2: bounded, counted ──────────────────────────────────────────────────


async def test_rule_2_a_listener_a_thousand_messages_behind_loses_the_newest_and_they_are_counted(bus: Bus) -> None:
    slow, quick = RecordingHandler(blocked=True), RecordingHandler()
    bus.session.subscribe(slow, "slow")
    bus.session.subscribe(quick, "quick")
    for n in range(CAPACITY):
        assert bus.session.publish(note(n))
    await quick.until(CAPACITY)
    for n in range(10):
        assert bus.session.publish(note(CAPACITY + n))
    await quick.until(CAPACITY + 10)
    slow.release()
    assert await slow.until(CAPACITY + 1) == list(range(CAPACITY + 1))
    assert drops(bus) == {"session:slow": 9}


async def test_rule_2_publishing_to_a_full_agent_queue_says_false_and_counts(bus: Bus) -> None:
    assert all(bus.agent.publish(note(n)) for n in range(CAPACITY))
    assert not bus.agent.publish(note(-1))
    assert drops(bus) == {"agent": 1}


async def test_rule_2_work_beyond_a_thousand_requests_is_refused_and_counted(bus: Bus) -> None:
    worker = RecordingHandler(blocked=True)
    bus.analyze.consume(worker)
    assert await bus.analyze.request(request(0))
    await asyncio.sleep(0)
    for n in range(1, CAPACITY + 1):
        assert await bus.analyze.request(request(n))
    assert not await bus.analyze.request(request(-1), ack_timeout_s=0.01)
    assert drops(bus) == {"analyze": 1}
    worker.release()
    assert await worker.until(CAPACITY + 1) == list(range(CAPACITY + 1))


# ── rule 3: acknowledged work ─────────────────────────────────────────────────


async def test_rule_3_an_acknowledgement_says_received_while_the_work_goes_on(bus: Bus) -> None:
    worker = RecordingHandler(blocked=True)
    bus.analyze.consume(worker)
    async with asyncio.timeout(DEADLINE):
        assert await bus.analyze.request(request(1))
        assert await bus.analyze.request(request(2))
    assert worker.received == []
    worker.release()
    assert await worker.until(2) == [1, 2]


async def test_rule_3_a_request_without_an_id_gets_one(bus: Bus) -> None:
    worker = RecordingHandler()
    bus.analyze.consume(worker)
    assert await bus.analyze.request(note(1))
    await worker.until(1)
    assert len(worker.received[0]["event_id"]) == 32


async def test_rule_3_an_unacknowledged_request_is_repeated_once_with_the_same_id_then_given_up(bus: Bus) -> None:
    deaf = RecordingHandler()
    bus.analyze.receive(deaf)
    repeated = request(1)
    assert not await bus.analyze.request(repeated, ack_timeout_s=0.01)
    await deaf.until(2)
    assert [message["event_id"] for message in deaf.received] == [repeated["event_id"]] * 2
    assert drops(bus) == {"analyze": 1}


async def test_rule_3_an_acknowledgement_of_the_repetition_counts(bus: Bus) -> None:
    event_ids: list[str] = []

    def second_time_only(message: Message) -> None:
        event_ids.append(message["event_id"])
        if len(event_ids) == 2:
            bus.analyze.ack(message["event_id"])

    bus.analyze.receive(second_time_only)
    assert await bus.analyze.request(request(1), ack_timeout_s=0.05)
    assert len(event_ids) == 2


async def test_rule_3_concurrent_requests_match_their_own_acknowledgements(bus: Bus) -> None:
    def only_even(message: Message) -> None:
        if message["n"] % 2 == 0:
            bus.analyze.ack(message["event_id"])

    bus.analyze.receive(only_even)
    answers = await asyncio.gather(*(bus.analyze.request(request(n), ack_timeout_s=0.05) for n in range(6)))
    assert answers == [True, False] * 3


async def test_rule_3_an_unknown_acknowledgement_is_ignored(bus: Bus) -> None:
    bus.analyze.ack("")
    bus.analyze.ack("nobody asked")
    assert drops(bus) == {}


async def test_rule_3_the_same_event_id_is_acknowledged_again_but_worked_on_once(bus: Bus) -> None:
    worker = RecordingHandler()
    bus.analyze.consume(worker)
    repeated = request(1)
    assert all(await asyncio.gather(*(bus.analyze.request(repeated) for _ in range(2))))
    assert await bus.analyze.request(repeated)
    assert await bus.analyze.request(request(2))
    assert await worker.until(2) == [1, 2]


async def test_rule_3_the_consumer_says_what_else_makes_two_requests_the_same(bus: Bus) -> None:
    worker = RecordingHandler()
    bus.analyze.consume(worker, keys=lambda message: [message["job"]] if message.get("job") else [])
    for message in (request(1, job="a"), request(2, job="a"), request(3, job="b"), request(4), request(5)):
        assert await bus.analyze.request(message)
    assert await worker.until(4) == [1, 3, 4, 5]


# ── rule 4: nobody there ──────────────────────────────────────────────────────


async def test_rule_4_work_without_a_consumer_is_refused_at_once(bus: Bus) -> None:
    async with asyncio.timeout(0.4):
        assert not await bus.analyze.request(request(1), ack_timeout_s=60)
    assert drops(bus) == {"analyze": 1}


async def test_rule_4_a_request_is_refused_at_once_when_its_consumer_leaves(bus: Bus) -> None:
    arrived = asyncio.Event()
    reception = bus.analyze.receive(lambda message: arrived.set())
    asking = asyncio.create_task(bus.analyze.request(request(1), ack_timeout_s=60))
    async with asyncio.timeout(DEADLINE):
        await arrived.wait()
        reception.close()
        assert not await asking


async def test_rule_4_work_has_one_consumer_and_the_next_after_it_left(bus: Bus) -> None:
    first, second = RecordingHandler(), RecordingHandler()
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
    listener = RecordingHandler()
    bus.agent.attach(listener)
    await listener.until(CAPACITY)
    bus.agent.publish(note(CAPACITY))
    assert await listener.until(CAPACITY + 1) == list(range(CAPACITY + 1))


async def test_rule_4_agent_messages_wait_again_when_the_handler_left(bus: Bus) -> None:
    first, second = RecordingHandler(blocked=True), RecordingHandler()
    subscription = bus.agent.attach(first)
    with pytest.raises(RuntimeError):
        bus.agent.attach(second)
    bus.agent.publish(note(1))
    await asyncio.sleep(0)
    subscription.close()
    bus.agent.publish(note(2))
    bus.agent.attach(second)
    assert await second.until(2) == [1, 2]
    assert first.received == []


async def test_rule_4_session_messages_that_nobody_hears_are_taken_dropped_and_counted(bus: Bus) -> None:
    assert bus.session.publish(note(1))
    late = RecordingHandler()
    bus.session.subscribe(late, "late")
    bus.session.publish(note(2))
    assert await late.until(1) == [2]
    assert drops(bus) == {"session": 1}


# ── rule 5: the end, and failing handlers ─────────────────────────────────────


async def test_rule_5_closing_delivers_what_waits_on_agent() -> None:
    bus = Bus()
    listener = RecordingHandler()
    bus.agent.attach(listener)
    for n in range(500):
        bus.agent.publish(note(n))
    await bus.aclose()
    assert [message["n"] for message in listener.received] == list(range(500))
    assert drops(bus) == {}


async def test_rule_5_a_closed_bus_takes_nothing_and_says_so() -> None:
    bus = Bus()
    listener = RecordingHandler()
    bus.session.subscribe(listener, "memory")
    bus.analyze.consume(listener)
    await bus.aclose()
    await bus.aclose()
    assert not bus.session.publish(note(1))
    assert not bus.agent.publish(note(1))
    async with asyncio.timeout(0.4):
        assert not await bus.analyze.request(request(1), ack_timeout_s=60)
    with pytest.raises(RuntimeError):
        bus.session.subscribe(listener, "late")
    with pytest.raises(RuntimeError):
        bus.analyze.consume(listener)
    assert drops(bus) == {"session": 1, "agent": 1, "analyze": 1}


async def test_rule_5_closing_gives_up_on_a_handler_that_stands_still_and_counts_what_is_left() -> None:
    bus = Bus()
    bus.agent.attach(RecordingHandler(blocked=True))
    for n in range(3):
        bus.agent.publish(note(n))
    async with asyncio.timeout(DEADLINE):
        await bus.aclose(timeout_s=0.01)
    assert drops(bus) == {"agent": 3}


async def test_rule_5_closing_answers_a_request_that_waits() -> None:
    bus = Bus()
    arrived = asyncio.Event()
    bus.analyze.receive(lambda message: arrived.set())
    asking = asyncio.create_task(bus.analyze.request(request(1), ack_timeout_s=60, retries=5))
    async with asyncio.timeout(DEADLINE):
        await arrived.wait()
        await bus.aclose()
        assert not await asking


async def test_rule_5_a_failing_handler_is_logged_and_counted_and_the_next_message_comes(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    after = RecordingHandler()

    async def fails_first(message: Message) -> None:
        if message["n"] == 1:
            raise ValueError("broken")
        await after(message)

    bus.session.subscribe(fails_first, "memory")
    bus.agent.attach(RecordingHandler())
    bus.session.publish(note(1, text="private words"))
    bus.session.publish(note(2))
    assert await after.until(1) == [2]
    assert bus.snapshot()["failures"] == {"session:memory": 1}
    assert "session:memory failed" in caplog.text
    assert "private words" not in caplog.text


@pytest.mark.parametrize("failure", [ValueError("broken"), asyncio.CancelledError()])
async def test_rule_5_a_failing_worker_and_a_failing_agent_handler_go_on(bus: Bus, failure: BaseException) -> None:
    after = RecordingHandler()

    async def fails_first(message: Message) -> None:
        if message["n"] == 1:
            raise failure
        await after(message)

    bus.analyze.consume(fails_first)
    bus.agent.attach(fails_first)
    for n in (1, 2):
        assert await bus.analyze.request(request(n))
        assert bus.agent.publish(note(n))
    assert await after.until(2) == [2, 2]
    assert bus.snapshot()["failures"] == {"analyze": 1, "agent": 1}


# ── counters ──────────────────────────────────────────────────────────────────


async def test_the_snapshot_shows_what_waits_in_every_queue(bus: Bus) -> None:
    blocked = RecordingHandler(blocked=True)
    bus.session.subscribe(blocked, "monitor")
    bus.agent.attach(blocked)
    bus.analyze.consume(blocked)
    for n in range(3):
        bus.session.publish(note(n))
        bus.agent.publish(note(n))
        await bus.analyze.request(request(n))
    assert bus.snapshot()["waiting"] == {"session:monitor": 2, "agent": 3, "analyze": 2}
    blocked.release()
    await blocked.until(9)
    assert set(bus.snapshot()["waiting"].values()) == {0}


async def test_acknowledged_work_that_nobody_began_is_counted_when_the_consumer_leaves(bus: Bus) -> None:
    subscription = bus.analyze.consume(RecordingHandler(blocked=True))
    await bus.analyze.request(request(1))
    await asyncio.sleep(0)
    await bus.analyze.request(request(2))
    subscription.close()
    assert drops(bus) == {"analyze": 1}
