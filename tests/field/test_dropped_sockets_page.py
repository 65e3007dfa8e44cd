"""Reloads, lost lines and the page's surroundings, in a real browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from neko.types.lines import NewLine, Stored
from tests.field.gated_reply import END_OF_STREAM, WHOLE, WORDS, GatedReply
from tests.field.hostile_provider import HostileProvider
from tests.page.conftest import browser, connected, driver, tidy_loop
from tests.page.page_driver import LOST, SOME_ID, PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.test_chat_page_line import nothing_lost_or_doubled, stored

__all__ = ["browser", "connected", "driver", "tidy_loop"]

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def provider(tidy_loop: None) -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as hostile:
        yield hostile


async def leave_and_come_back(connected: RunningNeko, driver: PageDriver, how: str) -> None:
    driver.forgive(*LOST)
    if how == "reload":
        await driver.page.reload()
    else:
        async with driver.page.expect_event("websocket"):  # it dials again
            connected.listener.cut_connections()
    await driver.until_ready()


@pytest.mark.parametrize("how", ["reload", "lost-line"])
@pytest.mark.parametrize("shown", range(END_OF_STREAM + 1), ids=[f"E1-{count}" for count in range(END_OF_STREAM + 1)])
@pytest.mark.few(4)
async def test_a_reply_is_whole_and_once_on_the_page_that_left_in_the_middle(
    connected: RunningNeko, provider: HostileProvider, driver: PageDriver, shown: int, how: str
) -> None:
    """``shown`` words had come when the page left: none, some, or all before the end of the turn."""
    reply = GatedReply()
    provider.answers = [reply.answer()]
    await driver.open(connected.url)
    await driver.say("hello")
    await provider.wait_for_requests(1, 30)
    await reply.open(shown)
    words = driver.lines("assistant").locator(".line-words")
    if shown:
        await expect(words).to_have_text("".join(WORDS[:shown]).strip())
    await leave_and_come_back(connected, driver, how)
    if shown:
        await expect(words).to_have_text("".join(WORDS[:shown]).strip())
    await expect(driver.get("state")).to_have_attribute("data-state", "speaking" if shown else "thinking")
    await reply.open(END_OF_STREAM + 2)
    assert await driver.reply() == WHOLE
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await expect(driver.lines("assistant").locator(".line-note")).to_have_text("")
    await nothing_lost_or_doubled(connected, driver, ["hello"])


@pytest.mark.parametrize("how", ["reload", "lost-line"])
async def test_E1_a_reply_that_is_just_being_written_when_the_page_comes_back_is_there_once(
    connected: RunningNeko, provider: HostileProvider, driver: PageDriver, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model has ended, the turn has not."""
    reply = GatedReply(allowed=END_OF_STREAM + 2)
    provider.answers = [reply.answer()]
    store, hold, held = connected.neko.memory.store, asyncio.Event(), asyncio.Event()

    async def slow(character: str, line: NewLine) -> Stored:
        if line.role == "assistant":
            held.set()
            await hold.wait()
        return await store(character, line)

    monkeypatch.setattr(connected.neko.memory, "store", slow)
    await driver.open(connected.url)
    await driver.say("hello")
    await asyncio.wait_for(held.wait(), 30)
    await leave_and_come_back(connected, driver, how)
    hold.set()
    assert await driver.reply() == WHOLE
    await nothing_lost_or_doubled(connected, driver, ["hello"])


async def test_E1_a_line_typed_just_before_a_reload_is_kept_and_answered(
    connected: RunningNeko, provider: HostileProvider, driver: PageDriver
) -> None:
    provider.answers = [GatedReply(allowed=END_OF_STREAM + 2).answer()]
    await driver.open(connected.url)
    await driver.say("hello")
    async with asyncio.timeout(30):
        while not await connected.lines():
            pass
    await driver.page.reload()
    await driver.until_ready()
    assert await driver.reply() == WHOLE
    await nothing_lost_or_doubled(connected, driver, ["hello"])


async def test_E1_the_retry_that_was_stopped_early_gives_the_old_reply_back(
    connected: RunningNeko, provider: HostileProvider, driver: PageDriver
) -> None:
    again = GatedReply(allowed=1)
    provider.answers = [GatedReply(allowed=END_OF_STREAM + 2).answer(), again.answer()]
    await driver.open(connected.url)
    await driver.say("hello")
    await driver.reply()
    await driver.lines("assistant").hover()
    await driver.lines("assistant").get_by_test_id("retry").click()
    await expect(driver.lines("assistant").last.locator(".line-words")).to_have_text("The")
    await driver.page.keyboard.press("Escape")
    await expect(driver.lines()).to_have_count(2)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await expect(driver.lines("assistant")).to_be_visible()
    assert await driver.texts() == ["hello", WHOLE] == await stored(connected)


# ── controls ────────────────────────────────────────────────────────────────────────────

COMPOSING = {
    "E3-chrome": [["keydown", {"key": "Enter", "isComposing": True}], ["compositionend", {}]],
    "E3-safari": [["compositionend", {}], ["keydown", {"key": "Enter", "keyCode": 229}]],
}


@pytest.mark.parametrize("events", COMPOSING.values(), ids=COMPOSING)
async def test_the_enter_that_ends_a_composition_sends_nothing(
    connected: RunningNeko, provider: HostileProvider, driver: PageDriver, events: list[Any]
) -> None:
    provider.answers = [GatedReply(allowed=END_OF_STREAM + 2).answer()]
    await driver.open(connected.url)
    await driver.get("composer").fill("にほん")
    await driver.get("composer").evaluate(
        """(input, events) => {
          input.dispatchEvent(new CompositionEvent("compositionstart"));
          for (const [type, init] of events) {
            const all = { bubbles: true, cancelable: true, ...init };
            input.dispatchEvent(type === "keydown" ? new KeyboardEvent(type, all) : new CompositionEvent(type, all));
          }
        }""",
        events,
    )
    assert [frame for frame in driver.sent if '"stream_data"' in frame] == []
    await driver.get("composer").press("Enter")
    await driver.reply()
    assert await driver.texts("user") == ["にほん"]


async def test_E5_a_page_without_random_uuid_names_its_lines_all_the_same(
    connected: RunningNeko, provider: HostileProvider, driver: PageDriver
) -> None:
    provider.answers = [GatedReply(allowed=END_OF_STREAM + 2).answer()]
    await driver.context.add_init_script("delete Crypto.prototype.randomUUID;")
    await driver.open(connected.url)
    assert await driver.page.evaluate("crypto.randomUUID === undefined")
    await driver.say("hello")
    await driver.reply()
    (said,) = [json.loads(frame) for frame in driver.sent if '"stream_data"' in frame]
    assert len(said["client_id"]) == 36


async def test_E6_a_browser_that_keeps_nothing_can_talk_and_change_its_look(
    connected: RunningNeko, provider: HostileProvider, driver: PageDriver
) -> None:
    provider.answers = [GatedReply(allowed=END_OF_STREAM + 2).answer()]
    refuse = "get() { throw new DOMException('denied', 'SecurityError'); }"
    for storage in ("localStorage", "sessionStorage"):
        await driver.context.add_init_script(f"Object.defineProperty(window, '{storage}', {{ {refuse} }});")
    await driver.open(connected.url)
    await driver.say("hello")
    assert await driver.reply() == WHOLE
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(2)


async def test_E8_what_is_typed_while_the_line_is_down_is_said_once(
    connected: RunningNeko, provider: HostileProvider, driver: PageDriver
) -> None:
    provider.answers = [GatedReply(allowed=END_OF_STREAM + 2).answer()]
    await driver.open(connected.url)
    for count in range(3):
        async with driver.page.expect_event("websocket"):
            connected.hang_up()
            await driver.say(f"line {count}")
        await driver.reply(count + 1)
    await nothing_lost_or_doubled(connected, driver, [f"line {count}" for count in range(3)])


async def test_E8_a_second_tab_takes_the_talk_and_the_first_gets_it_back(
    connected: RunningNeko, provider: HostileProvider, driver: PageDriver
) -> None:
    reply = GatedReply(allowed=2)
    provider.answers = [reply.answer()]
    older = await driver.open(connected.url)
    await driver.say("hello")
    await expect(driver.lines("assistant").locator(".line-words")).to_have_text("The sea")
    newer = await driver.open(connected.url)
    await expect(driver.lines("assistant").locator(".line-words")).to_have_text("The sea")
    await older.get_by_test_id("take-over").click()
    await expect(newer.get_by_test_id("take-over")).to_be_visible()
    await reply.open(END_OF_STREAM + 2)
    driver.page = older
    await expect(driver.lines().last).to_have_attribute("data-id", SOME_ID)
    assert await driver.texts() == ["hello", WHOLE] == await stored(connected)
