"""The first minute on a fresh folder."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.page.guest import Guest
from tests.page.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_she_greets_a_newcomer_and_asks_how_to_think(speaking: House, guest: Guest) -> None:
    page = await guest.open(speaking.url)
    await expect(guest.get("greeting")).to_contain_text("Mio")
    await expect(guest.get("welcome")).to_be_visible()
    await expect(guest.get("welcome-later")).to_be_enabled()
    await expect(page.locator("#avatar svg")).to_be_visible()
    assert await page.title() == "Mio"
    assert await guest.violations() == []


async def test_later_dismisses_the_card_for_good_and_the_talk_is_open(house: House, guest: Guest) -> None:
    page = await guest.open(house.url)
    await guest.get("welcome-later").click()
    await expect(guest.get("welcome")).to_have_count(0)
    await expect(guest.get("composer")).to_be_focused()
    await page.reload()
    await expect(guest.get("greeting")).to_be_visible()
    await expect(guest.get("welcome")).to_have_count(0)


async def test_a_typed_line_is_answered_by_the_built_in_model(house: House, guest: Guest) -> None:
    await guest.open(house.url)
    await guest.say("hello")
    text = await guest.reply()
    assert text
    assert await guest.texts() == ["hello", text]
    stored = await house.lines()
    assert stored[0].text == "hello"
    assert guest.hosts() == {"127.0.0.1"}
    assert await guest.violations() == []


async def test_a_characters_own_address_opens_her_and_an_unknown_one_leads_to_her(house: House, guest: Guest) -> None:
    page = await guest.open(f"{house.url}/Mio")
    await expect(guest.get("greeting")).to_contain_text("Mio")
    await page.close()
    guest.forgive("/api/history/Nobody")
    await guest.open(f"{house.url}/Nobody")
    await expect(guest.get("name")).to_have_text("Mio")
    await guest.say("hello")
    await guest.reply()
    assert (await house.lines())[0].text == "hello"
