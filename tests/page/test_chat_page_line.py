"""The line to the server: it breaks, comes back, and is one tab's at a time; no line is lost or doubled."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.page.guest import ANY_ONLINE, SOME_ID, Guest
from tests.page.house import House
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="module")

REFUSED = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "WebSocket", "ERR_EMPTY_RESPONSE")
HELLO = "Hello from the scripted model."


async def stored(house: House) -> list[str]:
    return [line.text.strip() for line in await house.lines()]


async def nothing_lost_or_doubled(house: House, guest: Guest, said: list[str]) -> None:
    """On the page and in the log stand exactly ``said`` and one reply to each."""
    await expect(guest.lines()).to_have_count(2 * len(said))
    await expect(guest.lines().last).to_have_attribute("data-id", SOME_ID)
    assert await guest.texts() == await stored(house)
    assert [line.text for line in await house.lines() if line.role == "user"] == said


async def test_after_the_server_hangs_up_the_page_comes_back_and_nothing_is_lost(
    connected: House, guest: Guest
) -> None:
    await guest.open(connected.url)
    await guest.say("one")
    await guest.reply()
    connected.hang_up()
    await expect(guest.get("connection")).not_to_have_attribute("data-state", ANY_ONLINE)
    await guest.say("two")
    await expect(guest.lines("user").last).to_have_attribute("data-waiting", "")
    await guest.reply(2)
    await expect(guest.get("connection")).to_have_attribute("data-state", "online")
    await nothing_lost_or_doubled(connected, guest, ["one", "two"])


async def test_a_cut_connection_in_the_middle_of_a_reply_leaves_one_whole_or_stopped_reply(
    connected: House, provider: ScriptedProvider, guest: Guest
) -> None:
    provider.script(Script(["The sea ", "is ", "wide."], stall_after=2))
    guest.forgive(*REFUSED)
    await guest.open(connected.url)
    await guest.say("one")
    await expect(guest.lines("assistant").locator(".line-words")).to_have_text("The sea is")
    connected.listener.cut_connections()
    await expect(guest.get("connection")).not_to_have_attribute("data-state", ANY_ONLINE)
    await guest.say("two")
    provider.release()
    await expect(guest.get("connection")).to_have_attribute("data-state", "online")
    await guest.reply(2)
    await expect(guest.get("state")).to_have_attribute("data-state", "idle")
    await nothing_lost_or_doubled(connected, guest, ["one", "two"])
    assert (await guest.texts())[1].startswith("The sea is")


async def test_a_restarted_server_finds_the_page_again_with_what_was_written_meanwhile(
    connected: House, guest: Guest
) -> None:
    guest.forgive(*REFUSED)
    page = await guest.open(connected.url)
    await guest.say("one")
    await guest.reply()
    await connected.stop()
    await expect(guest.get("connection")).not_to_have_attribute("data-state", ANY_ONLINE)
    await guest.say("two")
    await guest.say("three")
    await expect(guest.lines("user").last.locator(".line-note")).to_have_text("Waiting for the line…")
    await page.get_by_role("button", name="Try now").wait_for()
    await connected.start()
    await page.get_by_role("button", name="Try now").click()
    await expect(guest.get("connection")).to_have_attribute("data-state", "online")
    await expect(guest.lines("user").last).to_have_attribute("data-id", SOME_ID)
    await expect(guest.get("state")).to_have_attribute("data-state", "idle")
    await expect(guest.lines().last).to_have_attribute("data-role", "assistant")
    await expect(guest.lines().last).to_have_attribute("data-id", SOME_ID)
    assert await guest.texts("user") == ["one", "two", "three"]
    assert await guest.texts() == await stored(connected)
    await page.reload()
    await guest.until_ready()
    await expect(guest.lines("user")).to_have_count(3)
    assert await guest.texts() == await stored(connected)


async def test_what_was_said_elsewhere_meanwhile_is_on_the_page_when_the_line_is_back(
    connected: House, guest: Guest
) -> None:
    guest.forgive(*REFUSED)
    page = await guest.open(connected.url)
    await guest.say("one")
    await guest.reply()
    await connected.stop()
    await expect(guest.get("connection")).not_to_have_attribute("data-state", ANY_ONLINE)
    await connected.start()
    async with asyncio.timeout(10):
        async for _ in connected.neko.chat("Mio", "two, from elsewhere"):
            pass
    await guest.until_ready()
    await guest.say("three")
    await guest.reply(3)
    await nothing_lost_or_doubled(connected, guest, ["one", "two, from elsewhere", "three"])
    await page.close()


async def test_the_newer_tab_talks_and_the_older_says_so_and_can_take_over(connected: House, guest: Guest) -> None:
    older = await guest.open(connected.url)
    await guest.say("from the first tab")
    await guest.reply()
    newer = await guest.open(connected.url)
    take_over = older.get_by_test_id("take-over")
    await expect(take_over).to_be_visible()
    await expect(older.get_by_test_id("connection")).to_have_attribute("data-state", "taken")
    await expect(newer.get_by_test_id("take-over")).to_have_count(0)
    await guest.say("from the second tab")
    await guest.reply(2)
    await expect(newer.get_by_test_id("connection")).to_have_attribute("data-state", "online")
    await expect(take_over).to_be_visible()
    await take_over.click()
    await expect(newer.get_by_test_id("take-over")).to_be_visible()
    guest.page = older
    await guest.until_ready()
    await expect(guest.lines()).to_have_count(4)
    await guest.say("back in the first tab")
    await guest.reply(3)
    await nothing_lost_or_doubled(
        connected, guest, ["from the first tab", "from the second tab", "back in the first tab"]
    )
    opened = [request for request in guest.sent if '"start_session"' in request]
    assert opened == []


async def test_two_tabs_never_fight(connected: House, guest: Guest) -> None:
    older = await guest.open(connected.url)
    sockets: list[str] = []
    older.on("websocket", lambda socket: sockets.append(socket.url))
    await guest.open(connected.url)
    await expect(older.get_by_test_id("take-over")).to_be_visible()
    await older.evaluate(
        """async () => {
          window.dispatchEvent(new Event("online"));
          document.dispatchEvent(new Event("visibilitychange"));
          await new Promise((resolve) => setTimeout(resolve, 800));
        }"""
    )
    assert sockets == []
    await expect(older.get_by_test_id("take-over")).to_be_visible()
    await expect(guest.get("connection")).to_have_attribute("data-state", "online")


async def test_what_the_older_tab_writes_waits_until_it_takes_over(connected: House, guest: Guest) -> None:
    older = await guest.open(connected.url)
    await guest.open(connected.url)
    await expect(older.get_by_test_id("take-over")).to_be_visible()
    guest.page = older
    await guest.say("written in the older tab")
    await expect(guest.lines("user").first).to_have_attribute("data-waiting", "")
    await guest.get("take-over").click()
    assert await guest.reply() == HELLO
    await nothing_lost_or_doubled(connected, guest, ["written in the older tab"])
