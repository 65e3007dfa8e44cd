"""Somebody who comes from N.E.K.O. with a newer folder, and only has the page."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.async_api import expect

from neko.app import taking_over
from tests.elsewhere.neko_layouts import SAID, per_character
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.usefixtures("tidy_loop")
async def test_the_talk_is_on_the_page_and_how_much_it_was_is_told_until_it_is_put_away(
    data_dir: Path, driver: PageDriver
) -> None:
    per_character(data_dir / "memory", NAME, "Ann")
    async with RunningNeko(data_dir, voice="off") as running:
        page = await driver.open(running.url)
        await expect(driver.lines("user").or_(driver.lines("assistant"))).to_have_count(len(SAID))
        bar = page.locator(".banner", has_text="4 lines, 5 facts")
        await expect(bar).to_be_visible()
        await bar.get_by_role("button", name="All right").click()
        await expect(bar).to_have_count(0)
        await driver.say("Where do I live?")
        assert "Oslo" in await driver.reply(3)
        await page.reload()
        await expect(driver.lines("user").or_(driver.lines("assistant"))).to_have_count(len(SAID) + 2)
        await expect(bar).to_have_count(0)


@pytest.mark.usefixtures("tidy_loop")
async def test_what_comes_once_neko_is_closed_is_shown_without_a_click(
    data_dir: Path, driver: PageDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_over, "_AGAIN_S", 0.1)
    per_character(data_dir / "memory", NAME, "Ann")
    with closing(sqlite3.connect(data_dir / "memory" / NAME / "time_indexed.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with RunningNeko(data_dir, voice="off") as running:
            page = await driver.open(running.url)
            await expect(page.locator(".banner", has_text="Close N.E.K.O.")).to_be_visible()
            other.execute("ROLLBACK")
            await expect(page.locator(".banner", has_text="4 lines, 5 facts")).to_be_visible()
            await expect(driver.lines("user").or_(driver.lines("assistant"))).to_have_count(len(SAID))
            await expect(page.locator(".banner", has_text="Close N.E.K.O.")).to_have_count(0)
