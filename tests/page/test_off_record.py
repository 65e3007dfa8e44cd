"""Off the record: what is said meanwhile is answered, and kept nowhere; in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from neko.app.traces import traces_of
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def held(neko: RunningNeko, *words: str) -> tuple[str, ...]:
    """The files of the data folder in which any of the words stands."""
    await neko.neko.memory.rid_of_deleted(NAME)
    return [step async for step in traces_of(neko.neko.folder.path, words)][-1].found


async def test_what_is_said_off_the_record_is_known_to_the_session_and_kept_nowhere(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["Noted."]), Script(["Quagga, I see."]), Script(["Your pet."]), Script(["Good."]))
    page = await driver.open(connected.url)
    await driver.say("hello")
    await driver.reply(1)
    await driver.get("menu").click()
    await driver.get("menu-off-record").click()
    await expect(driver.get("off-record-end")).to_be_visible()
    await driver.say("my pet is a quagga")
    lines = driver.page.locator(".line[data-off-record]")
    await expect(lines).to_have_count(2)
    await driver.say("what is it")
    await expect(lines).to_have_count(4)
    assert "quagga" in str(provider.chats[-1].json["messages"])
    assert "off the record" in str(provider.chats[-1].json["messages"])
    assert [line.text for line in await connected.lines()] == ["hello", "Noted."]
    await driver.get("off-record-end").click()
    await expect(driver.get("off-record-end")).to_be_hidden()
    await driver.say("and now")
    await expect(driver.lines().last).to_have_attribute("data-id", "4")
    assert [line.text for line in await connected.lines()] == ["hello", "Noted.", "and now", "Good."]
    assert "off the record" not in str(provider.chats[-1].json["messages"][-1])
    assert await held(connected, "quagga", "Your pet") == ()
    await page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(4)
    assert await driver.texts() == ["hello", "Noted.", "and now", "Good."]


async def test_it_stays_so_for_a_page_that_comes_back(connected: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(connected.url)
    await driver.get("menu").click()
    await driver.get("menu-off-record").click()
    await expect(driver.get("off-record-end")).to_be_visible()
    await page.reload()
    await expect(driver.get("off-record-end")).to_be_visible()
    await driver.get("menu").click()
    await driver.get("menu-off-record").click()
    await expect(driver.get("off-record-end")).to_be_hidden()


async def test_words_sent_once_more_after_a_break_are_answered_once(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["First."]), Script(["Second."]))
    await driver.open(connected.url)
    await driver.get("menu").click()
    await driver.get("menu-off-record").click()
    await expect(driver.get("off-record-end")).to_be_visible()
    await driver.say("a secret")
    await expect(driver.page.locator(".line[data-off-record]")).to_have_count(2)
    manager = connected.neko.conversations.get(NAME)
    assert manager is not None
    asked = len(provider.chats)
    sent = (await driver.until_sent("stream_data", data="a secret"))[0]
    await driver.page.evaluate(
        """async ([url, frame]) => {
          const socket = new WebSocket(url);
          await new Promise((resolve) => { socket.onopen = resolve; });
          socket.send(JSON.stringify(frame));
          await new Promise((resolve) => {
            socket.onmessage = ({ data }) => { if (String(data).includes("neko_line_unkept")) resolve(); };
          });
          socket.close();
        }""",
        [f"{connected.url.replace('http', 'ws')}/ws/{NAME}", sent],
    )
    assert len(provider.chats) == asked
    assert await connected.lines() == []


async def test_a_reply_to_words_off_the_record_is_so_too_though_it_ends_later(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["A secret", " indeed."], stall_after=1))
    await driver.open(connected.url)
    await driver.get("menu").click()
    await driver.get("menu-off-record").click()
    await expect(driver.get("off-record-end")).to_be_visible()
    await driver.say("a secret")
    await expect(driver.lines("assistant").last).to_contain_text("A secret")
    await driver.get("off-record-end").click()
    await expect(driver.get("off-record-end")).to_be_hidden()
    provider.release()
    await expect(driver.page.locator(".line[data-off-record]")).to_have_count(2)
    assert await connected.lines() == []
