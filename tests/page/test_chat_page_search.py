"""Finding what was said, and the talk as a file; in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect

from neko.types.lines import NewLine
from neko.web.module_graph import modules_of
from neko.web.pages import STATIC
from tests.page.page_driver import ANY_ONLINE, PageDriver
from tests.page.running_neko import NAME, RunningNeko

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALL_COME = """
  (modules) => modules.every((module) => performance.getEntriesByName(`${document.baseURI}static/${module}`).length)
"""


async def test_words_are_found_as_they_are_typed_and_shown_in_their_place(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await running_neko.remember(300, days=30)
    page = await driver.open(running_neko.url)
    await page.keyboard.press("Control+k")
    field, found = driver.get("search-input"), driver.get("search-found").locator(".panel-item")
    await expect(field).to_be_focused()
    await field.press_sequentially("LINE 17")
    await expect(found).to_have_count(13)
    await expect(driver.get("search-count")).to_have_text("13 found")
    await expect(found.first.locator("mark")).to_have_text(["line", "17"])
    await field.press("ArrowDown")
    await expect(found.first).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(field).to_be_focused()
    await found.last.click()
    line = page.locator('.line[data-id="17"]')
    await expect(line).to_be_in_viewport()
    await expect(line.locator(".line-words")).to_have_text("line 17")
    await page.keyboard.press("Escape")
    await expect(driver.get("search")).to_have_count(0)
    await expect(driver.get("composer")).to_be_focused()
    await expect(line).to_be_in_viewport()


async def test_what_is_found_is_shown_as_it_is_read(running_neko: RunningNeko, driver: PageDriver) -> None:
    table = "**Bold** tea, `green`:\n\n| Tea | Price |\n|---|---|\n| Sencha | 4 |\n\nSee [the shop](https://tea.example/list)."
    await running_neko.neko.memory.store(NAME, NewLine("s", "t", "assistant", table, datetime.now()))
    await driver.open(running_neko.url)
    await driver.page.keyboard.press("Control+k")
    found = driver.get("search-found").locator(".panel-words")
    await driver.get("search-input").fill("sencha")
    await expect(found).to_have_text(re.compile(r"^…?.*Bold tea, green: Tea Price Sencha 4 See the shop\."))
    await expect(found.locator("mark")).to_have_text("Sencha")
    await driver.get("search-input").fill("tea.example")
    await expect(found.locator("mark")).to_have_text("tea.example")


async def test_older_ones_come_when_asked_for_and_what_is_not_there_is_said(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await running_neko.remember(100)
    await driver.open(running_neko.url)
    await driver.get("menu").click()
    await driver.get("menu-search").click()
    found = driver.get("search-found").locator(".panel-item")
    await driver.get("search-input").fill("line")
    await expect(found).to_have_count(30)
    await driver.page.get_by_role("button", name="Show older ones").click()
    await expect(found).to_have_count(60)
    await driver.get("search-input").fill("nowhere")
    await expect(driver.get("search-count")).to_have_text("Nothing was said with these words.")
    await expect(found).to_have_count(0)
    await driver.get("search-close").click()
    await expect(driver.get("search")).to_have_count(0)


async def test_what_was_said_is_shown_as_text_and_never_as_markup(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(running_neko.url)
    await driver.say("<img src=x onerror=alert(1)> **bold** (a+b)*c [x]")
    await driver.reply()
    await driver.page.keyboard.press("Control+k")
    for words in ("<img", "(a+b)*c", "[x]", "**bold"):
        await driver.get("search-input").fill(words)
        await expect(driver.get("search-found").locator("mark").first).to_have_text(words)
    assert await driver.violations() == []


async def test_the_talk_is_saved_as_a_file(running_neko: RunningNeko, driver: PageDriver, tmp_path: Path) -> None:
    await running_neko.remember(600)
    page = await driver.open(running_neko.url)
    texts = {}
    for form in ("markdown", "json"):
        await driver.get("menu").click()
        async with page.expect_download() as coming:
            await driver.get(f"save-{form}").click()
        download = await coming.value
        assert download.suggested_filename.startswith("Mio 20")
        await download.save_as(tmp_path / form)
        texts[form] = (tmp_path / form).read_text(encoding="utf-8")
    assert texts["markdown"].startswith("# Mio\n\n## 20")
    assert texts["markdown"].count("\n\nline ") == 600
    saved = json.loads(texts["json"])
    assert saved["character"] == "Mio"
    assert [line["text"] for line in saved["lines"]] == [f"line {number}" for number in range(1, 601)]


async def test_a_part_that_does_not_come_is_told_of_and_comes_when_it_is_wanted_again(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    driver.forgive("search.js", "ERR_FAILED", "Failed to load resource", "late part")
    await driver.context.route("**/app/search.js", lambda route: route.abort())
    await driver.open(running_neko.url)
    await driver.page.keyboard.press("Control+k")
    await expect(driver.get("toast")).to_contain_text("did not come")
    await driver.context.unroute_all()
    await driver.page.keyboard.press("Control+k")
    await expect(driver.get("search-input")).to_be_focused()


async def test_a_part_that_takes_its_time_is_told_of_and_only_the_last_wish_counts(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    come = asyncio.Event()

    async def late(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await driver.context.route("**/app/search.js", late)
    await driver.open(running_neko.url)
    await driver.page.keyboard.press("Control+k")
    await expect(driver.get("toast")).to_contain_text("on its way")
    await driver.page.keyboard.press("Control+k")
    come.set()
    await expect(driver.get("search-input")).to_be_focused()
    await expect(driver.get("search")).to_have_count(1)
    await expect(driver.get("toast")).to_have_count(0)


async def test_what_may_be_wanted_comes_ahead_and_is_there_when_the_server_has_gone(
    chromium: Browser, running_neko: RunningNeko
) -> None:
    async with PageDriver(chromium, saves_data=False) as driver:
        await driver.open(running_neko.url)
        await driver.until(ALL_COME, modules_of(STATIC, "app/search.js"))
        await running_neko.stop()
        await expect(driver.get("connection")).not_to_have_attribute("data-state", ANY_ONLINE)
        await driver.page.keyboard.press("Control+k")
        await expect(driver.get("search-input")).to_be_focused()


async def test_who_saves_data_is_sent_a_part_when_they_want_it(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.context.clock.install()
    await driver.open(running_neko.url)
    await driver.context.clock.run_for(10_000)
    assert not [request for request in driver.requests if request.url.endswith("/app/search.js")]
    await driver.page.keyboard.press("Control+k")
    await expect(driver.get("search-input")).to_be_focused()
