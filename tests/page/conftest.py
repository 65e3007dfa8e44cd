"""A real Chromium and a real Neko for each module of the chat page's tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.chromium import FLAGS
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import ScriptedProvider

POOL = 6
SETTLE = 3.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium(chromium_path: str) -> AsyncIterator[Browser]:
    """One headless browser for all tests of a module; each driver gets a profile of its own."""
    fill_thread_pool()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield browser
        await browser.close()


def fill_thread_pool() -> None:
    """Start the loop's threads now, so that none counts as left behind by a test."""
    pool = ThreadPoolExecutor(POOL, thread_name_prefix="asyncio")
    gate = threading.Barrier(POOL + 1)
    for _ in range(POOL):
        pool.submit(gate.wait)
    gate.wait()
    asyncio.get_running_loop().set_default_executor(pool)


@pytest_asyncio.fixture(loop_scope="module")
async def tidy_loop() -> AsyncIterator[None]:
    """The loop outlives a test here: what the test started on it may not."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=SETTLE)
    assert not left, f"tasks left behind: {sorted(task.get_name() for task in left)}"


@pytest_asyncio.fixture(loop_scope="module")
async def running_neko(tidy_loop: None, data_dir: Path) -> AsyncIterator[RunningNeko]:
    """Neko with the built-in model, over a fresh folder; she only writes."""
    async with RunningNeko(data_dir, voice="off") as running_neko:
        yield running_neko


@pytest_asyncio.fixture(loop_scope="module")
async def speaking(tidy_loop: None, data_dir: Path) -> AsyncIterator[RunningNeko]:
    """Neko with the built-in model and the built-in voice, as a newcomer gets her."""
    async with RunningNeko(data_dir) as running_neko:
        yield running_neko


@pytest_asyncio.fixture(loop_scope="module")
async def provider(tidy_loop: None) -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as scripted:
        yield scripted


@pytest_asyncio.fixture(loop_scope="module")
async def connected(provider: ScriptedProvider, data_dir: Path) -> AsyncIterator[RunningNeko]:
    """Neko who thinks with ``provider`` and makes no sound."""
    environ = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": provider.base_url}
    async with RunningNeko(data_dir, environ=environ, voice="off") as running_neko:
        yield running_neko


@pytest_asyncio.fixture(loop_scope="module")
async def driver(chromium: Browser) -> AsyncIterator[PageDriver]:
    """Somebody with a fresh browser profile, 1440×900. Complaints of their pages fail the test."""
    async with PageDriver(chromium) as driver:
        yield driver
        driver.check()
