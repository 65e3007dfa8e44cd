"""What was said stays: after a reload, after a restart, and as far back as anybody scrolls."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from datetime import datetime

import pytest
from playwright.async_api import Route, expect

from neko.types.lines import NewLine
from tests.page.page_driver import SOME_ID, PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = 300
TOP_LINE = """() => {
  const log = document.getElementById("log");
  const top = log.getBoundingClientRect().top;
  const line = [...log.querySelectorAll(".line")].find((one) => one.getBoundingClientRect().bottom > top + 4);
  return [line.dataset.id, Math.round(line.getBoundingClientRect().top - top)];
}"""
AT_A_BOUND = """async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
  const [log, pages] = ["log", "log-pages"].map((id) => document.getElementById(id));
  const grow = (pixels) => {
    const more = document.createElement("div");
    more.style.height = `${pixels}px`;
    pages.append(more);
  };
  for (const pixels of [30, 400]) {
    grow(pixels);
    await frame();
  }
  for (let count = 0; count < 3; count += 1) await frame();
  return log.scrollHeight - log.clientHeight - log.scrollTop;
}"""
UP = """async (step) => {
  document.getElementById("log").scrollTop -= step;
  for (let count = 0; count < 2; count += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
}"""
CLIMB = """async () => {
  const log = document.getElementById("log");
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const errors = [];
  const until = performance.now() + 15000;
  while (performance.now() < until) {
    const top = log.getBoundingClientRect().top;
    const line = [...log.querySelectorAll(".line")].find((one) => one.getBoundingClientRect().bottom > top + 4);
    const from = line.getBoundingClientRect().top;
    const step = Math.min(600, log.scrollTop);
    log.scrollTop -= step;
    for (let count = 0; count < 2; count += 1) await frame();
    errors.push(Math.round(line.getBoundingClientRect().top - from - step));
    if (step === 0 && document.querySelector(".line-words").textContent === "line 1") break;
  }
  return errors;
}"""
TYPING_LATENCY = """async () => {
  const input = document.getElementById("composer");
  input.focus();
  const times = [];
  for (let count = 0; count < 12; count += 1) {
    const from = performance.now();
    document.execCommand("insertText", false, "a");
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
    times.push(performance.now() - from);
  }
  return times.sort((one, other) => one - other);
}"""


async def test_the_talk_stands_again_after_a_reload_and_after_a_restart(
    connected: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(connected.url)
    await driver.say("Remember the sea")
    first = await driver.reply()
    await driver.say("And the pier")
    second = await driver.reply(2)
    said = ["Remember the sea", first, "And the pier", second]
    await page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(4)
    assert await driver.texts() == said
    await page.close()
    await connected.stop()
    await connected.start()
    await driver.open(connected.url)
    await expect(driver.lines()).to_have_count(4)
    assert await driver.texts() == said
    await expect(driver.get("greeting")).to_have_count(0)
    await expect(driver.get("welcome")).to_have_count(0)
    await driver.say("Still there?")
    await driver.reply(3)
    assert (await driver.texts())[:4] == said


async def test_the_talk_scrolls_back_to_the_first_line_without_a_jump(
    connected: RunningNeko, driver: PageDriver
) -> None:
    await connected.remember(MANY)
    page = await driver.open(connected.url)
    await expect(driver.lines().last).to_be_in_viewport()
    assert 0 < await driver.lines().count() < MANY
    moves = await page.evaluate(CLIMB)
    assert max(map(abs, moves)) <= 2, f"the view jumped: {moves}"
    assert await driver.texts() == [f"line {number}" for number in range(1, MANY + 1)]
    days = await page.locator(".day").all_text_contents()
    assert len(days) == len(set(days)) >= 3


async def test_older_lines_that_arrive_leave_what_is_read_where_it_is(
    connected: RunningNeko, driver: PageDriver
) -> None:
    await connected.remember(MANY)
    held: asyncio.Queue[Route] = asyncio.Queue()
    await driver.context.route(re.compile("/api/history/.*before="), lambda route: held.put_nowait(route))
    page = await driver.open(connected.url)
    count = await driver.lines().count()
    await page.evaluate("document.getElementById('log').scrollTop = 300")
    async with asyncio.timeout(15):
        route = await held.get()
    await page.evaluate(UP, 20)
    await expect(page.locator("#log-top")).to_have_class(re.compile("is-loading"))
    before = await page.evaluate(TOP_LINE)
    await route.continue_()
    await driver.until("(count) => document.querySelectorAll('.line').length > count", count)
    after = await page.evaluate(TOP_LINE)
    await expect(page.locator("#log-top")).not_to_have_class(re.compile("is-loading"))
    assert after[0] == before[0]
    assert abs(after[1] - before[1]) <= 2


async def test_a_reply_does_not_move_what_is_read_further_up_and_a_pill_leads_down(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await connected.remember(60)
    provider.script(Script(["First. ", *["More of it.\n\n"] * 40, "The end."], stall_after=1))
    page = await driver.open(connected.url)
    await driver.say("Tell me")
    await expect(driver.lines("assistant").last.locator(".line-words")).to_have_text("First.")
    await page.evaluate(UP, 500)
    await expect(driver.lines("assistant").last).not_to_be_in_viewport()
    before = await page.evaluate(TOP_LINE)
    provider.release()
    await expect(driver.lines("assistant").last).to_have_attribute("data-id", SOME_ID)
    await expect(driver.get("new-pill")).to_be_visible()
    assert await page.evaluate(TOP_LINE) == before
    await driver.get("new-pill").click()
    await expect(page.get_by_text("The end.")).to_be_in_viewport()
    await expect(driver.get("new-pill")).to_be_hidden()


async def test_the_pill_is_not_there_for_what_is_in_view(connected: RunningNeko, driver: PageDriver) -> None:
    await connected.remember(4)
    page = await driver.open(connected.url)
    await page.keyboard.press("Control+k")
    await driver.get("search-input").fill("line 2")
    await driver.get("search-found").locator(".panel-item").click()
    await page.keyboard.press("Escape")
    line = NewLine("s", "news", "assistant", "Something new.", datetime.now())
    await connected.neko.memory.store(NAME, line)
    connected.hang_up()
    await expect(driver.lines().last).to_contain_text("Something new.")
    await expect(driver.get("new-pill")).to_be_hidden()


async def test_words_that_come_all_at_once_are_followed_too(connected: RunningNeko, driver: PageDriver) -> None:
    await connected.remember(60)
    page = await driver.open(connected.url)
    await expect(driver.lines().last).to_be_in_viewport()
    assert await page.evaluate(AT_A_BOUND) < 2
    await page.evaluate(UP, 300)
    assert await page.evaluate(AT_A_BOUND) > 600


@pytest.mark.long
async def test_two_thousand_lines_leave_typing_quick_and_a_very_long_message_too(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await connected.remember(2000)
    page = await driver.open(connected.url)
    for _ in range(60):
        if await page.evaluate("document.querySelectorAll('.line').length") >= 2000:
            break
        count = await driver.lines().count()
        await page.evaluate("document.getElementById('log').scrollTop = 0")
        await driver.until("(count) => document.querySelectorAll('.line').length > count", count)
    assert await driver.texts() == [f"line {number}" for number in range(1, 2001)]
    times = await page.evaluate(TYPING_LATENCY)
    assert times[len(times) // 2] < 200, times
    provider.script(Script(["A long answer. " * 40] * 12))
    long = "The sea is wide and the pier is long. " * 400
    await driver.say(long)
    await driver.reply(1001)
    await expect(driver.lines().last).to_be_in_viewport()
    assert (await driver.texts("user"))[-1] == long.strip()
    times = await page.evaluate(TYPING_LATENCY)
    assert times[len(times) // 2] < 200, times
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_line_that_nobody_can_date_stands_there_without_a_day_or_a_time(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    neko = running_neko.neko
    await neko.memory.lines(NAME)
    with closing(sqlite3.connect(neko.folder.memory / f"time_indexed_{NAME}")) as log, log:
        said = [json.dumps({"type": "human", "data": {"content": f"line {number}"}}) for number in range(2)]
        insert = "INSERT INTO time_indexed_original (session_id, message) VALUES ('s', ?)"
        log.executemany(insert, [(one,) for one in said])
    await driver.open(f"{running_neko.url}/")
    await expect(driver.page.locator(".line")).to_have_count(2)
    await expect(driver.page.locator(".day")).to_have_count(0)
    assert await driver.page.locator(".line time").all_text_contents() == ["", ""]
