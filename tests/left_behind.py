"""Fixtures that fail a test which leaves a task, a thread or an open socket behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

SETTLE_TIMEOUT_S = 2.0
"""What tasks and threads of a finished test get to end by themselves."""

SLOW_COLLECTION_S = 0.004
"""A collection this slow looks through what imports have made, again and again."""


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


def collect_garbage() -> None:
    """Let everything that was dropped unclosed complain now, in the test that dropped it.

    What imports and caches have made since is set aside once it makes this slow: a library of a
    hundred thousand objects costs a tenth of a second after each test otherwise.
    """
    began = time.perf_counter()
    gc.collect()
    if time.perf_counter() - began > SLOW_COLLECTION_S:
        gc.freeze()


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """First to be set up, so last to be torn down: after the test's loop is closed."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(SETTLE_TIMEOUT_S)
    collect_garbage()
    names = sorted(thread.name for thread in left if thread.is_alive())
    assert not names, f"threads left behind: {', '.join(names)}"


@pytest.fixture(autouse=True)
def no_task_left(no_thread_left: None, request: pytest.FixtureRequest) -> None:
    """For a test with a loop of its own; where the loop outlives the test, its fixtures look after that."""
    function = getattr(request.node, "obj", None)
    marker = request.node.get_closest_marker("asyncio")
    shared = marker is not None and marker.kwargs.get("loop_scope", "function") != "function"
    if not shared and (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        request.getfixturevalue("no_task_left_on_the_loop")


@pytest.fixture
async def no_task_left_on_the_loop() -> AsyncIterator[None]:
    yield
    await all_ended(asyncio.all_tasks())


async def all_ended(tasks: set[asyncio.Task[Any]]) -> None:
    """Fail, with their names, when some of these tasks do not end in a moment."""
    left = tasks - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=SETTLE_TIMEOUT_S)
    names = sorted(f"{task.get_name()} ({task.get_coro()!r})" for task in left)
    assert not names, f"tasks left behind: {', '.join(names)}"
