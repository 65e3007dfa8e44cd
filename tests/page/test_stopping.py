"""Whoever wants her to stop is heeded at once, whichever way they say so: a real browser is at work meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

from neko.agent.tasks import TaskState
from tests.agent.browser.site import SILENCE, Page, Site
from tests.agent.scripted_thoughts import call
from tests.page.fake_microphone import browser_hearing, write_wav
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_provider import ScriptedProvider
from tests.spoken import quiet, spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def at_work(
    shell_path: str, data_dir: Path, provider: ScriptedProvider, microphone: bytes
) -> AsyncIterator[tuple[PageDriver, Site]]:
    """Her browser waits for a page that never comes. At the end the page is given up, the task is told as cancelled,
    nothing is asked, and the next task can use the browser."""
    environ = {
        "NEKO_ASSIST_API_KEY_OPENAI": "sk-test",
        "NEKO_OPENAI_BASE_URL": provider.base_url,
        "NEKO_BROWSER_PROGRAM": shell_path,
        "NEKO_BROWSER_VISIBLE": "false",
    }
    wav = write_wav(data_dir.with_name("microphone.wav"), microphone)
    async with (
        Site() as site,
        RunningNeko(data_dir, environ=environ, hearing=ScriptedHearing(Words("Stop."))) as running,
        browser_hearing(shell_path, wav) as browser,
        PageDriver(browser) as driver,
    ):
        site.pages |= {"/slow": SILENCE, "/quick": Page("<h1>Here</h1>")}
        neko = running.neko
        await neko.config.change({"neko": {"speech": {"engine": "off"}}})
        await neko.agent.switches.set_master(True)
        assert await neko.agent.switches.set_flags({"browser_use_enabled": True}, "en") is None
        await driver.open(running.url)
        provider.script(call("navigate", url=f"{site.url}/slow"))
        task = await neko.agent.tasks.start(NAME, f"open {site.url}/slow", hand="browser_use")
        await site.until_asked("/slow")
        await expect(driver.get("task-state")).to_have_text("At work")
        yield driver, site
        async with asyncio.timeout(20):
            await neko.agent.tasks.wait(task.id)
            while site.hung_up != ["/slow"]:
                site.arrived.clear()
                await site.arrived.wait()
        ended = neko.agent.tasks.get(task.id)
        assert ended is not None
        assert ended.state is TaskState.CANCELLED
        await expect(driver.get("task-state")).to_have_text("Stopped")
        assert neko.approvals.pending() == []
        provider.script(call("navigate", url=f"{site.url}/quick"), call("done", answer="Seen."))
        again = await neko.agent.tasks.start(NAME, f"open {site.url}/quick", hand="browser_use")
        await neko.agent.tasks.wait(again.id)
        ended = neko.agent.tasks.get(again.id)
        assert ended is not None
        assert ended.result == "Seen."
        driver.check()


async def test_by_the_button_that_stops_all(
    shell_path: str, tidy_loop: None, data_dir: Path, provider: ScriptedProvider
) -> None:
    async with at_work(shell_path, data_dir, provider, quiet(1)) as (driver, _):
        await driver.get("hands-stop").first.click()


@pytest.mark.long
async def test_by_escape_twice(shell_path: str, tidy_loop: None, data_dir: Path, provider: ScriptedProvider) -> None:
    async with at_work(shell_path, data_dir, provider, quiet(1)) as (driver, _):
        await driver.page.keyboard.press("Escape")
        await driver.page.keyboard.press("Escape")


@pytest.mark.long
async def test_by_a_word_in_a_call(
    shell_path: str, tidy_loop: None, data_dir: Path, provider: ScriptedProvider
) -> None:
    speech = await spoken("Stop.")
    async with at_work(shell_path, data_dir, provider, quiet(1) + speech + quiet(4)) as (driver, _):
        await driver.get("call").click()
        await expect(driver.lines("user").locator(".line-words")).to_have_text(["Stop."])
