"""Fixtures for every test, and the checks that every test leaves nothing behind.

After each test: no task of the loop, no thread of ours and no open socket may be left. Mark a test
with ``loop_watchdog`` to fail it when one step holds the event loop too long.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from neko.application import Neko
from neko.serve import listen, serving
from neko.settings import Settings
from tests.chromium import FLAGS, find_chromium
from tests.loop_watchdog import Watchdog, watching

SETTLE = 2.0
"""Seconds that tasks and threads of a finished test get to end by themselves."""


def pytest_collection_finish() -> None:
    """Set aside all that the imports made, so that a collection after each test is cheap."""
    gc.collect()
    gc.freeze()


# ── nothing is left behind ──────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """First to be set up, so last to be torn down: after the test's loop is closed."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(SETTLE)
    gc.collect()
    names = sorted(thread.name for thread in left if thread.is_alive())
    assert not names, f"threads left behind: {', '.join(names)}"


@pytest.fixture(autouse=True)
def no_task_left(no_thread_left: None, request: pytest.FixtureRequest) -> None:
    function = getattr(request.node, "obj", None)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        request.getfixturevalue("_no_task_left_on_the_loop")


@pytest.fixture
async def _no_task_left_on_the_loop() -> AsyncIterator[None]:
    yield
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=SETTLE)
    names = sorted(f"{task.get_name()} ({task.get_coro()!r})" for task in left)
    assert not names, f"tasks left behind: {', '.join(names)}"


@pytest.fixture(autouse=True)
def loop_watchdog(request: pytest.FixtureRequest) -> Iterator[Watchdog | None]:
    """The measurements of a test that is marked ``loop_watchdog``; None for another."""
    if request.node.get_closest_marker("loop_watchdog") is None:
        yield None
        return
    with watching() as watchdog:
        yield watchdog
    assert not watchdog.offences, "the event loop was held:\n" + "\n".join(watchdog.offences)


# ── places and ports ────────────────────────────────────────────────────────────────────


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder for Neko's data that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


# ── a browser ───────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = find_chromium()
    assert path is not None, "no Chromium that runs: `make test` installs one"
    return path


@pytest.fixture
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    """Headless Chromium, a new one for each test."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield chromium
        await chromium.close()


# ── a server ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RunningServer:
    """``url`` and ``ws_url`` end without a slash: http://127.0.0.1:12345, ws://127.0.0.1:12345."""

    neko: Neko
    url: str
    ws_url: str


@pytest.fixture
def settings_changes() -> dict[str, Any]:
    """Override this fixture to start ``server`` with other settings."""
    return {}


@pytest.fixture
async def server(data_dir: Path, settings_changes: dict[str, Any]) -> AsyncIterator[RunningServer]:
    """A whole Neko on a real loopback port, in the loop of the test, with the built-in model."""
    plain = {"data_dir": data_dir, "port": 0, "environ": {}, "find_local_servers": False}
    settings = Settings(**(plain | settings_changes))
    with listen(settings.host, settings.port) as listener:
        async with Neko(settings) as neko, serving(neko, listener):
            address = f"127.0.0.1:{listener.port}"
            yield RunningServer(neko, f"http://{address}", f"ws://{address}")
