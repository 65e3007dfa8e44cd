"""A real Neko and visitors of her page. All tests here share the loop of the session, as the browser does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser

from tests.left_behind import all_ended
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import ScriptedProvider


@pytest_asyncio.fixture(loop_scope="session")
async def tidy_loop(chromium: Browser) -> AsyncIterator[None]:
    """The loop outlives a test here: what the test started on it may not."""
    before = asyncio.all_tasks()
    yield
    await all_ended(asyncio.all_tasks() - before)


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """The browser of the session; the pages that a test opens in it are closed after the test."""
    before = chromium.contexts
    yield chromium
    for context in chromium.contexts:
        if context not in before:
            await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def running_neko(tidy_loop: None, data_dir: Path) -> AsyncIterator[RunningNeko]:
    """Neko with the built-in model, over a fresh folder; she only writes."""
    async with RunningNeko(data_dir, voice="off") as running_neko:
        yield running_neko


@pytest_asyncio.fixture(loop_scope="session")
async def speaking(tidy_loop: None, data_dir: Path) -> AsyncIterator[RunningNeko]:
    """Neko with the built-in model and the built-in voice, as a newcomer gets her."""
    async with RunningNeko(data_dir) as running_neko:
        yield running_neko


@pytest_asyncio.fixture(loop_scope="session")
async def provider(tidy_loop: None) -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as scripted:
        yield scripted


@pytest_asyncio.fixture(loop_scope="session")
async def connected(provider: ScriptedProvider, data_dir: Path) -> AsyncIterator[RunningNeko]:
    """Neko who thinks with ``provider`` and makes no sound."""
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test", "NEKO_OPENAI_BASE_URL": provider.base_url}
    async with RunningNeko(data_dir, environ=environ, voice="off") as running_neko:
        yield running_neko


@pytest_asyncio.fixture(loop_scope="session")
async def driver(chromium: Browser) -> AsyncIterator[PageDriver]:
    """Somebody with a fresh browser profile, 1440×900. Complaints of their pages fail the test."""
    async with PageDriver(chromium) as driver:
        yield driver
        driver.check()
