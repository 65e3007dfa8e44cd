"""Thoughts and look-alikes of tags on the page, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.conftest import browser, connected, driver, provider, tidy_loop
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

__all__ = ["browser", "connected", "driver", "provider", "tidy_loop"]

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_b1_a_thought_that_was_shown_is_gone_once_its_end_comes(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver, data_dir: Path
) -> None:
    provider.script(Script(["I should ", "greet.\n", "</think>\n\n", "Hello!"], stall_after=2))
    await driver.open(connected.url)
    await driver.say("hi")
    words = driver.lines("assistant").locator(".line-words")
    await expect(words).to_have_text("I should greet.")
    provider.release()
    assert await driver.reply() == "Hello!"
    await expect(driver.lines("assistant")).to_have_count(1)
    await expect(driver.page.get_by_role("alert")).to_have_count(0)


async def test_b8_what_stands_in_angle_brackets_is_read(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    said = "Press <Enter> or write to <mio@example.com>; 日本<にほん>, 2 < 3 and 5 > 4."
    provider.script(Script([said]))
    await driver.open(connected.url)
    await driver.say("hi")
    shown = await driver.reply()
    for part in ("<Enter>", "mio@example.com", "日本<にほん>", "2 < 3 and 5 > 4"):
        assert part in shown
