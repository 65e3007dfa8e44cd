import asyncio
import threading

import pytest

from neko.tasks import TaskOwner, in_thread, together


class Crashes:
    """Collects what an owner reports."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def __call__(self, name: str, error: BaseException) -> None:
        self.seen.append((name, str(error)))


class Pauses:
    """Stands in for the clock and for sleeping: a restart delay passes at once and is noted."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, delay: float) -> None:
        self.slept.append(delay)
        self.now += delay
        await asyncio.sleep(0)

    def clock(self) -> float:
        return self.now


async def fail(text: str = "broken") -> None:
    raise ValueError(text)


async def test_a_task_has_its_owners_name_and_gives_its_result() -> None:
    async def answer() -> int:
        return 42

    async with TaskOwner("memory") as owner:
        task = owner.spawn(answer(), name="writer")
        assert task.get_name() == "memory:writer"
        assert owner.tasks == {task}
        assert await task == 42
        await asyncio.sleep(0)
        assert not owner.tasks


async def test_a_crash_is_logged_and_reported_and_harms_no_sibling(caplog: pytest.LogCaptureFixture) -> None:
    crashes = Crashes()
    go = asyncio.Event()
    async with TaskOwner("agent", crashes) as owner:
        sibling = owner.spawn(go.wait(), name="sibling")
        crashing = owner.spawn(fail(), name="worker")
        await asyncio.wait([crashing])
        await asyncio.sleep(0)
        assert crashes.seen == [("worker", "broken")]
        assert "agent:worker crashed" in caplog.text
        go.set()
        assert await sibling


async def test_a_crash_report_that_crashes_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    def report(name: str, error: BaseException) -> None:
        raise RuntimeError("no paper")

    async with TaskOwner("x", report) as owner:
        await asyncio.wait([owner.spawn(fail(), name="worker")])
        await asyncio.sleep(0)
    assert "the crash report of x:worker failed" in caplog.text


async def test_a_cancelled_task_is_not_a_crash() -> None:
    crashes = Crashes()
    async with TaskOwner("x", crashes) as owner:
        task = owner.spawn(asyncio.Event().wait(), name="waiter")
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert crashes.seen == []


async def test_closing_ends_every_task_and_lets_none_start() -> None:
    cleaned = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    owner = TaskOwner("x")
    task = owner.spawn(work(), name="work")
    await asyncio.sleep(0)
    await owner.aclose()
    assert task.cancelled()
    assert cleaned.is_set()
    with pytest.raises(RuntimeError):
        owner.spawn(work(), name="late")
    await owner.aclose()


async def test_a_task_that_ignores_its_end_is_named_and_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    owner = TaskOwner("x")
    task = owner.spawn(stubborn(), name="stubborn")
    await asyncio.sleep(0)
    await owner.aclose(timeout_s=0.01)
    assert "x:stubborn did not end" in caplog.text
    release.set()
    await task


async def test_an_owned_task_may_close_its_owner() -> None:
    owner = TaskOwner("x")

    async def last_one_out() -> str:
        await owner.aclose()
        return "done"

    assert await owner.spawn(last_one_out(), name="last") == "done"


async def test_a_supervised_task_restarts_with_a_growing_delay_up_to_a_limit() -> None:
    pauses, crashes, runs = Pauses(), Crashes(), 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        if runs <= 6:
            raise ValueError(f"run {runs}")

    async with TaskOwner("x", crashes, sleep=pauses.sleep, clock=pauses.clock) as owner:
        await owner.supervise(part, name="part", first_delay_s=1, max_delay_s=8)
    assert pauses.slept == [1, 2, 4, 8, 8, 8]
    assert crashes.seen == [("part", f"run {number}") for number in range(1, 7)]


async def test_a_long_healthy_run_starts_the_delays_over() -> None:
    pauses, runs = Pauses(), 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            pauses.now += 100
        if runs < 5:
            raise ValueError

    async with TaskOwner("x", sleep=pauses.sleep, clock=pauses.clock) as owner:
        await owner.supervise(part, name="part", first_delay_s=1, max_delay_s=8)
    assert pauses.slept == [1, 2, 1, 2]


async def test_a_supervised_task_survives_a_cancellation_that_was_not_meant_for_it() -> None:
    pauses, runs = Pauses(), 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise asyncio.CancelledError

    async with TaskOwner("x", sleep=pauses.sleep, clock=pauses.clock) as owner:
        await owner.supervise(part, name="part")
    assert runs == 2


async def test_closing_ends_a_supervised_task_and_it_stays_ended() -> None:
    runs = 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        await asyncio.Event().wait()

    owner = TaskOwner("x")
    task = owner.supervise(part, name="part")
    await asyncio.sleep(0)
    await owner.aclose()
    assert task.cancelled()
    assert runs == 1


async def test_blocking_work_leaves_the_loop_thread() -> None:
    def where(prefix: str, *, suffix: str) -> str:
        assert threading.current_thread() is not threading.main_thread()
        return prefix + suffix

    assert await in_thread(where, "a", suffix="b") == "ab"


# ── side by side ──────────────────────────────────────────────────────────────


async def test_coroutines_run_side_by_side_and_their_results_come_in_order() -> None:
    first_started, second_started = asyncio.Event(), asyncio.Event()

    async def number() -> int:
        first_started.set()
        await second_started.wait()
        return 1

    async def word() -> str:
        await first_started.wait()
        second_started.set()
        return "two"

    async with asyncio.timeout(15):
        assert await together(number(), word()) == (1, "two")
    assert await together() == ()


async def test_the_first_failure_cancels_the_others_and_is_raised_as_it_is() -> None:
    ended: list[str] = []

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("other")

    with pytest.raises(ValueError, match="broken"):
        await together(wait_for_ever(), fail())
    assert ended == ["other"]


async def test_what_runs_side_by_side_ends_with_its_caller_and_has_its_name() -> None:
    names: list[str] = []
    all_run = asyncio.Barrier(3)

    async def wait_for_ever() -> None:
        task = asyncio.current_task()
        assert task is not None
        names.append(task.get_name())
        await all_run.wait()
        await asyncio.Event().wait()

    async with TaskOwner("x") as owner:
        caller = owner.spawn(together(wait_for_ever(), wait_for_ever()), name="caller")
        async with asyncio.timeout(15):
            await all_run.wait()
        caller.cancel()
        await asyncio.wait([caller])
        assert caller.cancelled()
    assert names == ["x:caller:1", "x:caller:2"]
    assert asyncio.all_tasks() == {asyncio.current_task()}
