"""What memory told her of for a reply can be seen at the reply; in a real browser."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from neko.types.lines import NewLine
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_reply_shows_the_lines_that_went_into_it(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    memory = connected.neko.memory
    long_ago = datetime.now() - timedelta(days=40)
    told = await memory.store(NAME, NewLine("s", "t0", "user", "My sister Lena plays the violin.", long_ago))
    await memory.rewrite_recent(NAME, [])
    await memory.change_chat(NAME, None)
    await memory.recall(NAME, "violin", timeout_s=10)  # the first one loads what it uses; no reply waits for that
    provider.script(Script(["The violin."]), Script(["Hello."]))
    await driver.open(connected.url)
    await driver.say("What does my sister Lena play?")
    reply = driver.lines("assistant").last
    await expect(reply.locator(".line-words")).to_have_text("The violin.")
    await reply.hover()
    await reply.get_by_test_id("why").click()
    panel = driver.get("why-panel")
    await expect(panel).to_contain_text("My sister Lena plays the violin.")
    assert told.line.id in (await connected.lines())[-1].recalled
    await driver.page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await memory.delete(NAME, [told.line.id])
    await reply.get_by_test_id("why").click()
    await expect(panel).to_contain_text("Forgotten since")


async def test_a_reply_shows_what_was_said_to_another_as_that(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    memory, characters = connected.neko.memory, connected.neko.characters
    await characters.create("Yuki", {})
    await characters.set_also_knows(NAME, ["Yuki"])
    long_ago = datetime.now() - timedelta(days=40)
    await memory.store("Yuki", NewLine("s", "t0", "user", "My sister Lena plays the violin.", long_ago))
    await memory.recall("Yuki", "violin", timeout_s=10)
    provider.script(Script(["The violin."]))
    await driver.open(connected.url)
    await driver.say("What does my sister Lena play?")
    reply = driver.lines("assistant").last
    await expect(reply.locator(".line-words")).to_have_text("The violin.")
    await reply.hover()
    await reply.get_by_test_id("why").click()
    item = driver.get("why-panel").locator(".panel-item")
    await expect(item).to_contain_text("in a talk with Yuki")
    await expect(item).to_contain_text("My sister Lena plays the violin.")
    assert "character=Yuki" in (await item.get_attribute("href") or "")
    await driver.page.keyboard.press("Escape")
    driver.forgive("api/memory_browser/Yuki/lines")
    await characters.delete("Yuki")
    await reply.get_by_test_id("why").click()
    await expect(driver.get("why-panel")).to_contain_text("Forgotten since")


async def test_a_reply_without_memories_has_no_such_control(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["Hello."]))
    await driver.open(connected.url)
    await driver.say("zzz")
    await driver.reply(1)
    await expect(driver.lines("assistant").last.get_by_test_id("why")).to_be_hidden()
