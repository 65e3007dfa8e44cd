"""Fixtures for every test: ports and folders, a browser, a server.

``left_behind`` checks that every test cleans up, ``requested_routes`` that it asks for what the table of routes names
it for, ``selection`` which tests a run takes, ``temporary_files`` where their files are. Mark a test with
``loop_watchdog`` to fail it when one step holds the event loop too long.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpcore2
import hypothesis
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from neko.application import Neko
from neko.audio.engines import by_script
from neko.llm.embeddings import models as embedding_models
from neko.serve import listen, serving
from neko.settings import Settings
from tests.chromium import FLAGS, find_chromium, find_shell

pytest_plugins = [
    "tests.left_behind",
    "tests.loop_watchdog",
    "tests.requested_routes",
    "tests.selection",
    "tests.summary_lines",
    "tests.temporary_files",
]

hypothesis.settings.register_profile("searching", deadline=None, database=None, print_blob=True)
hypothesis.settings.register_profile("same", hypothesis.settings.get_profile("searching"), derandomize=True)

THREADS = 6
"""Of the loop that all tests with the shared browser run on."""

PORTS_OF_A_WORKER = 500
FIRST_PORT = 21_000
"""Below the ports that systems hand out by themselves, so that nobody takes one meanwhile."""


def pytest_configure(config: pytest.Config) -> None:
    """`make test` tries the same cases each time, so that it tells of what was changed; the long run looks for new
    ones."""
    hypothesis.settings.load_profile("searching" if config.option.markexpr == "long" else "same")


@pytest.fixture(scope="session", autouse=True)
def one_certificate_store() -> Iterator[None]:
    """The clients of all tests share one: reading the system's takes 50 ms, more than most requests do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", functools.cache(httpcore2.default_ssl_context))
        httpcore2.default_ssl_context(_trust_env=False)
        yield


@pytest.fixture(autouse=True)
def no_model_embeds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No model that happens to be installed here embeds what a test says; a test of real ones names its own."""
    if request.node.get_closest_marker("real") is None:
        monkeypatch.setattr(embedding_models, "installed", list)


@pytest.fixture(autouse=True)
def no_model_speaks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one loaded to speak: the built-in voice is espeak-ng, whatever is installed here."""
    if request.node.get_closest_marker("real") is None:
        monkeypatch.setattr(by_script, "MODELS", ())


# ── places and ports ────────────────────────────────────────────────────────────────────


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder for Neko's data that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture(scope="session")
def own_ports() -> Iterator[int]:
    """Loopback ports that no other worker of this run uses."""
    worker = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    first = FIRST_PORT + int(worker) * PORTS_OF_A_WORKER
    return itertools.cycle(range(first, first + PORTS_OF_A_WORKER))


@pytest.fixture
def free_port(own_ports: Iterator[int]) -> int:
    """A loopback port that nobody listens on."""
    for port in own_ports:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("unreachable")


# ── a browser ───────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser as people have it."""
    path = find_chromium()
    assert path is not None, "no Chromium that runs: `make test` installs one"
    return path


@pytest.fixture(scope="session")
def shell_path(chromium_path: str) -> str:
    """What shows a page at the least cost."""
    return find_shell() or chromium_path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(shell_path: str) -> AsyncIterator[Browser]:
    """One headless browser for each worker; a test makes a context of its own in it.

    It belongs to the loop of the session: its tests are marked ``asyncio(loop_scope="session")``.
    """
    start_thread_pool()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shell_path, args=list(FLAGS))
        yield browser
        await browser.close()


def start_thread_pool() -> None:
    """Start the threads of this loop now, so that none counts as left behind by a test."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="asyncio")
    all_run = threading.Barrier(THREADS + 1)
    for _ in range(THREADS):
        pool.submit(all_run.wait)
    all_run.wait()
    asyncio.get_running_loop().set_default_executor(pool)


@pytest.fixture
async def browser(shell_path: str) -> AsyncIterator[Browser]:
    """A headless browser for one test with a loop of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shell_path, args=list(FLAGS))
        yield browser
        await browser.close()


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
    plain: dict[str, Any] = {"data_dir": data_dir, "port": 0, "environ": {}, "find_local_servers": False}
    settings = Settings(**(plain | settings_changes))
    with listen(settings.host, settings.port) as listener:
        async with Neko(settings) as neko, serving(neko, listener):
            address = f"127.0.0.1:{listener.port}"
            yield RunningServer(neko, f"http://{address}", f"ws://{address}")
