"""The card that says whom to call, below a line that may mean danger."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "I want to kill myself"
PIECES = ["I am ", "so sorry ", "that it hurts. ", "Who is ", "near you?"]
MIN_TARGET = 44


async def test_a_models_reply_stays_whole_and_the_card_stands_below_the_users_line(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(PIECES))
    await driver.open(connected.url)
    await driver.say(WORDS)
    assert await driver.reply() == "".join(PIECES)
    card = driver.page.locator(".line[data-role=user] + [data-testid=help]")
    await expect(card).to_have_count(1)
    await expect(card).to_have_role("region")
    await expect(card.locator("a[href='tel:988']")).to_be_visible()
    asked = provider.chats[-1].json["messages"]
    assert [message["content"] for message in asked if message["role"] == "user"][-1].endswith(WORDS)
    assert any("988" in str(message["content"]) for message in asked)  # the model knows what the page shows


async def test_a_model_that_is_slow_does_not_hold_up_the_card(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(PIECES, stall_after=0))
    await driver.open(connected.url)
    await driver.say(WORDS)
    await expect(driver.get("help")).to_be_visible()
    await expect(driver.lines("assistant")).to_have_count(0)
    provider.release()
    assert await driver.reply() == "".join(PIECES)


async def test_everything_on_the_card_can_be_hit_with_a_thumb(chromium: Browser, running_neko: RunningNeko) -> None:
    async with PageDriver(chromium, viewport={"width": 390, "height": 844}, has_touch=True) as driver:
        await driver.open(running_neko.url)
        await driver.say(WORDS)
        card = driver.get("help")
        await expect(card).to_be_visible()
        targets = card.locator("a, button, select")
        assert await targets.count() == 5  # close, two numbers, where the reader is, the list of helplines
        for target in await targets.all():
            box = await target.bounding_box()
            assert box
            assert box["height"] >= MIN_TARGET
            assert box["width"] >= MIN_TARGET
        assert await card.evaluate("(card) => card.scrollWidth <= card.clientWidth")
        driver.check()


async def test_the_card_stays_in_view_also_for_who_was_just_choosing_a_model(
    chromium: Browser, running_neko: RunningNeko
) -> None:
    async with PageDriver(chromium, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as driver:
        await driver.open(running_neko.url)
        await driver.get("welcome-key").click()
        await driver.get("provider-openai").click()
        await driver.say(WORDS)
        await driver.reply()
        await driver.page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
        await expect(driver.get("help").locator("li").first).to_be_in_viewport(ratio=0.9)
        driver.check()


async def test_the_card_is_closed_for_good_and_by_key(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.open(running_neko.url)
    await driver.say(WORDS)
    await driver.reply()
    await driver.get("help-dismiss").press("Enter")
    await expect(driver.get("help")).to_have_count(0)
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(2)
    await driver.say("hello")
    await driver.reply(2)
    await expect(driver.get("help")).to_have_count(0)


async def test_after_a_reload_the_card_stands_below_its_line_again(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(running_neko.url)
    await driver.say(WORDS)
    await driver.reply()
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.page.locator(".line[data-role=user] + [data-testid=help]")).to_have_count(1)


async def test_who_talked_on_finds_the_end_of_the_talk_after_a_reload_and_not_the_card(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await driver.open(connected.url)
    await driver.say(WORDS)
    await driver.reply()
    provider.script(Script(["Breathe with me.\n\n"] * 30))
    await driver.say("thank you")
    await driver.reply(2)
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.get("help")).to_have_count(1)
    await expect(driver.get("help")).not_to_be_in_viewport()
    await driver.until(
        "() => { const log = document.querySelector('#log');"
        " return log.scrollHeight - log.scrollTop - log.clientHeight < 8; }"
    )


@pytest.mark.parametrize(
    ("locale", "zone", "number"),
    [
        ("en-US", "Asia/Tokyo", "0120-061-338"),  # where somebody is counts more than what they read
        ("ko", "UTC", "109"),
        ("ja", "Asia/Tokyo", "0120-061-338"),
        ("zh-TW", "UTC", "1925"),
        ("zh-CN", "Asia/Shanghai", "12356"),
        ("en-GB", "Europe/London", "116 123"),
        ("en", "Europe/Berlin", "0800 1110111"),
    ],
)
@pytest.mark.few(2)
async def test_the_numbers_are_those_of_where_the_reader_is(
    chromium: Browser, running_neko: RunningNeko, locale: str, zone: str, number: str
) -> None:
    async with PageDriver(chromium, locale=locale, timezone_id=zone) as driver:
        await driver.open(running_neko.url)
        await driver.say(WORDS)
        await expect(driver.page.locator(".help-number").first).to_have_text(number)
        driver.check()


async def test_where_nobody_knows_the_card_leads_to_a_list(chromium: Browser, running_neko: RunningNeko) -> None:
    async with PageDriver(chromium, locale="en", timezone_id="UTC") as driver:
        await driver.open(running_neko.url)
        await driver.say(WORDS)
        find = driver.get("help").locator("a")
        await expect(find).to_have_count(1)
        await expect(find).to_have_attribute("href", "https://findahelpline.com")
        driver.check()


async def test_who_is_elsewhere_chooses_where_and_is_remembered(chromium: Browser, running_neko: RunningNeko) -> None:
    async with PageDriver(chromium, locale="en-US", timezone_id="America/New_York") as driver:
        await driver.open(running_neko.url)
        await driver.say(WORDS)
        place, first = driver.get("help-region"), driver.page.locator(".help-number").first
        await expect(first).to_have_text("988")
        await expect(place).to_have_value("US")
        await place.select_option("JP")
        await expect(first).to_have_text("0120-061-338")
        await driver.page.reload()
        await driver.until_ready()
        await expect(first).to_have_text("0120-061-338")
        await expect(place).to_have_value("JP")
        await driver.say("my dad is not breathing")  # another danger: the server was told where the reader is
        await expect(driver.page.locator("[data-danger=medical] .help-number").first).to_have_text("119")
        driver.check()


async def test_who_is_nobody_knows_where_is_asked(chromium: Browser, running_neko: RunningNeko) -> None:
    async with PageDriver(chromium, locale="en", timezone_id="UTC") as driver:
        await driver.open(running_neko.url)
        await driver.say(WORDS)
        await expect(driver.get("help-region")).to_have_value("")
        await driver.get("help-region").select_option("DE")
        await expect(driver.page.locator(".help-number").first).to_have_text("0800 1110111")
        driver.check()
