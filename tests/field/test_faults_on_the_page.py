"""What is wrong with her files, as the page shows it, in a real browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.conftest import browser, driver, tidy_loop
from tests.page.page_driver import LOST, PageDriver
from tests.page.running_neko import RunningNeko

__all__ = ["browser", "driver", "tidy_loop"]

pytestmark = pytest.mark.asyncio(loop_scope="session")


def characters(data_dir: Path, content: str) -> Path:
    file = data_dir / "config" / "characters.json"
    file.parent.mkdir(parents=True)
    file.write_text(content, encoding="utf-8")
    return file


async def test_a_damaged_file_stays_on_the_page_until_the_reader_keeps_what_is_in_use_E11(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    file = characters(data_dir, '{\n  "猫娘": {},\n}')
    file.with_name(file.name + ".bak").write_text('{"猫娘": {"Luna": {}}}', encoding="utf-8")
    home = RunningNeko(data_dir, voice="off")
    async with home:
        page = await driver.open(home.url)
        bars = page.locator('.banner[data-kind^="fault:"]')
        for again in (page.reload, home.start):
            await expect(bars).to_have_count(1)
            await expect(bars).to_contain_text("line 3, column 1")
            await expect(bars).to_contain_text("characters.json.damaged-")
            if again == home.start:
                await home.stop()
                await expect(driver.get("connection")).to_have_attribute("data-state", "waiting")
            await again()
            await driver.until_ready()
        await driver.say("hello")
        await driver.reply(1)
        await expect(bars).to_have_count(1)
        await driver.get("keep-in-use").click()
        await expect(bars).to_have_count(0)
        await page.reload()
        await driver.until_ready()
        await expect(driver.lines("assistant")).to_have_count(1)
        await expect(bars).to_have_count(0)
        driver.forgive(*LOST)


@pytest.mark.parametrize("name", ["AC/DC", "a..b"])
async def test_a_current_character_whose_name_cannot_be_used_leaves_a_page_that_talks_E9(
    tidy_loop: None, driver: PageDriver, data_dir: Path, name: str
) -> None:
    characters(data_dir, json.dumps({"猫娘": {name: {}, "Luna": {}}, "当前猫娘": name}))
    async with RunningNeko(data_dir, voice="off") as home:
        page = await driver.open(home.url)
        await expect(page.locator('.banner[data-kind^="fault:"]')).to_contain_text(name)
        await driver.say("hello")
        await driver.reply(1)
        assert await page.get_by_text("I lost the line").count() == 0


async def test_words_that_cannot_be_written_down_are_marked_until_they_are_E15(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    log = data_dir / "memory" / "time_indexed_Mio"
    log.mkdir(parents=True)
    async with RunningNeko(data_dir, voice="off") as home:
        page = await driver.open(home.url)
        bar = page.locator('.banner[data-kind="fault:memory:Mio"]')
        await expect(bar).to_contain_text("I cannot open my memory")
        await driver.say("hello")
        mine = driver.lines("user").first
        await expect(mine.locator(".line-note")).to_have_text("Not written down yet")
        await expect(driver.lines("assistant").first.locator(".line-note")).to_have_text("Not written down yet")
        await page.reload()
        await driver.until_ready()
        await expect(driver.lines()).to_have_count(2)
        await expect(mine.locator(".line-note")).to_have_text("Not written down yet")
        shutil.rmtree(log)
        await driver.say("and now?")
        await driver.reply(2)
        await expect(mine.locator(".line-note")).to_have_text("")
        await expect(bar).to_have_count(0)
        assert [line.text for line in await home.lines() if line.role == "user"] == ["hello", "and now?"]
        assert await driver.texts("user") == ["hello", "and now?"]
        await expect(driver.lines()).to_have_count(4)
        driver.forgive("status of 503")
