"""How long things take and how often they happen: cheap to record, fixed in memory, any thread."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_SHORTEST: Final = 1e-6
_PER_DOUBLING: Final = 8
_BUCKETS: Final = 30 * _PER_DOUBLING
"""From a microsecond to 18 minutes; neighbouring buckets are 9 % apart."""


class Histogram:
    """Durations in seconds, in logarithmic buckets: percentiles are right to within 5 %."""

    def __init__(self) -> None:
        self._buckets = [0] * _BUCKETS
        self._count = 0
        self._longest = 0.0
        self._lock = threading.Lock()

    def record(self, seconds: float) -> None:
        """Count one duration; a negative one counts as zero."""
        seconds = max(seconds, 0.0)
        place = 0 if seconds <= _SHORTEST else int(math.log2(seconds / _SHORTEST) * _PER_DOUBLING)
        with self._lock:
            self._buckets[min(place, _BUCKETS - 1)] += 1
            self._count += 1
            self._longest = max(self._longest, seconds)

    def snapshot(self) -> dict[str, float]:
        """``count``, and in seconds ``p50``, ``p95``, ``p99``, ``max``; all zero when empty."""
        with self._lock:
            buckets, count, longest = list(self._buckets), self._count, self._longest
        result: dict[str, float] = {"count": count}
        for percent in (50, 95, 99):
            result[f"p{percent}"] = min(_at(buckets, math.ceil(count * percent / 100)), longest)
        result["max"] = longest
        return result


def _at(buckets: list[int], rank: int) -> float:
    """The middle of the bucket that holds the ``rank``-th shortest duration."""
    seen = 0
    for place, number in enumerate(buckets):
        seen += number
        if rank and seen >= rank:
            return float(_SHORTEST * 2 ** ((place + 0.5) / _PER_DOUBLING))
    return 0.0


@dataclass(slots=True)
class Timeline:
    """When what happened: name to seconds since the start, the first time each."""

    marks: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    start: float = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.clock()

    def mark(self, name: str) -> None:
        """Note the moment, unless ``name`` has been noted before."""
        self.marks.setdefault(name, self.clock() - self.start)


Source = Callable[[], Mapping[str, Any]]
"""Gives what one part of Neko has counted, as a JSON object; called from any thread."""


class Metrics:
    """The histograms of one Neko, made as they are first named, and what its parts count themselves."""

    def __init__(self) -> None:
        self._histograms: dict[str, Histogram] = {}
        self._sources: dict[str, Source] = {}
        self._lock = threading.Lock()

    def histogram(self, name: str) -> Histogram:
        with self._lock:
            return self._histograms.setdefault(name, Histogram())

    def add_source(self, name: str, source: Source) -> None:
        """Show what ``source`` gives under ``name`` in every snapshot, in place of an earlier source of that name."""
        if name == "histograms":
            raise ValueError("a source cannot take the place of the histograms")
        with self._lock:
            self._sources[name] = source

    def record(self, name: str, timeline: Timeline) -> None:
        """Add every mark to the histogram ``<name>.<mark>``."""
        for mark, seconds in list(timeline.marks.items()):
            self.histogram(f"{name}.{mark}").record(seconds)

    def snapshot(self) -> dict[str, Any]:
        """``{"histograms": {name: Histogram.snapshot()}, <source>: <what it gives>, …}``."""
        with self._lock:
            histograms, sources = dict(self._histograms), dict(self._sources)
        return {
            "histograms": {name: histogram.snapshot() for name, histogram in sorted(histograms.items())},
            **{name: dict(source()) for name, source in sorted(sources.items())},
        }
