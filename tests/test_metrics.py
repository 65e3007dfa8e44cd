import random
import threading

import httpx2
import pytest

from neko.metrics import Histogram, Metrics, Timeline
from tests.conftest import RunningServer


def test_percentiles_are_right_to_within_five_percent() -> None:
    histogram, chance = Histogram(), random.Random(1)
    values = sorted(chance.lognormvariate(-4, 1.5) for _ in range(5000))
    for value in values:
        histogram.record(value)
    snapshot = histogram.snapshot()
    assert snapshot["count"] == 5000
    assert snapshot["max"] == values[-1]
    for name, place in (("p50", 2499), ("p95", 4749), ("p99", 4949)):
        assert snapshot[name] == pytest.approx(values[place], rel=0.05)


def test_an_empty_histogram_is_all_zero() -> None:
    assert Histogram().snapshot() == {"count": 0, "p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, 1e-6, 0.5, 3600.0, 1e12])
def test_any_duration_can_be_recorded(seconds: float) -> None:
    histogram = Histogram()
    histogram.record(seconds)
    snapshot = histogram.snapshot()
    assert snapshot["count"] == 1
    assert snapshot["max"] == max(seconds, 0.0)
    assert 0 <= snapshot["p50"] <= snapshot["max"]


def test_recording_from_many_threads_loses_nothing() -> None:
    metrics = Metrics()

    def work() -> None:
        for _ in range(2000):
            metrics.histogram("x").record(0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    snapshot = metrics.snapshot()
    assert snapshot["histograms"]["x"]["count"] == 8000


def test_a_timeline_keeps_the_first_of_each_mark_in_seconds_since_its_start() -> None:
    moments = iter([10.0, 10.5, 11.0, 12.0])
    timeline = Timeline(clock=lambda: next(moments))
    for name in ("received", "first_delta", "first_delta"):
        timeline.mark(name)
    assert timeline.marks == {"received": 0.5, "first_delta": 1.0}
    metrics = Metrics()
    metrics.record("turn", timeline)
    assert metrics.snapshot()["histograms"]["turn.first_delta"]["max"] == 1.0


def test_what_a_part_counts_itself_is_shown_under_its_name_as_it_is_now() -> None:
    metrics, drops = Metrics(), {"session": 0}
    metrics.add_source("bus", lambda: {"drops": drops})
    assert metrics.snapshot() == {"histograms": {}, "bus": {"drops": {"session": 0}}}
    drops["session"] = 3
    assert metrics.snapshot()["bus"] == {"drops": {"session": 3}}
    metrics.add_source("bus", lambda: {"drops": {}})
    assert metrics.snapshot()["bus"] == {"drops": {}}


def test_no_source_hides_the_histograms() -> None:
    with pytest.raises(ValueError, match="histograms"):
        Metrics().add_source("histograms", dict)


async def test_what_the_bus_loses_is_seen_from_outside(server: RunningServer) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as client:
        before = (await client.get("/api/metrics")).json()["bus"]
        server.neko.bus.analyze.close()  # its consumer
        await server.neko.bus.analyze.request({"event_type": "note"})
        after = (await client.get("/api/metrics")).json()["bus"]
    assert (before["drops"], before["failures"]) == ({}, {})
    assert before["waiting"] == dict.fromkeys(("session:memory", "session:embedding", "analyze", "agent"), 0)
    assert after["drops"] == {"analyze": 1}
