"""When the model fails: what happened, what to do about it, and the talk goes on."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.page.page_driver import SOME_ID, PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider, failure

pytestmark = pytest.mark.asyncio(loop_scope="session")

AGAIN = 4
"""More failures in a row than the session tries again after a passing fault."""


@pytest.mark.parametrize(
    ("script", "times", "code", "said", "linked"),
    [
        (failure(401, "Incorrect API key provided"), 1, "model_refused_key", "key was refused", True),
        (failure(404, "The model does not exist", code="model_not_found"), 1, "model_not_found", "no model", True),
        (failure(429, "Rate limit reached", retry_after="0"), AGAIN, "model_rate_limited", "slow down", False),
    ],
    ids=["401", "404", "429"],
)
async def test_a_refusal_becomes_a_card_with_a_remedy_and_the_talk_goes_on(
    connected: RunningNeko,
    provider: ScriptedProvider,
    driver: PageDriver,
    script: Script,
    times: int,
    code: str,
    said: str,
    linked: bool,
) -> None:
    provider.script(*[script] * times)
    page = await driver.open(connected.url)
    await driver.say("hello")
    card = driver.get("fault")
    await expect(card).to_have_attribute("data-code", code, timeout=20_000)
    await expect(card.locator(".fault-message")).to_contain_text(said)
    await expect(card.locator(".fault-remedy")).to_contain_text(" ")
    await expect(card).to_be_in_viewport()
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await expect(driver.get("typing")).to_have_count(0)
    await expect(driver.lines("user").first).to_have_attribute("data-id", SOME_ID)
    if linked:
        await card.locator(".button.is-main").click()
        await expect(driver.get("settings")).to_be_visible()
        await expect(driver.get("settings-model")).to_have_attribute("aria-current", "page")
        await page.keyboard.press("Escape")
        await expect(driver.get("settings")).to_be_hidden()
    await driver.say("and now?")
    assert await driver.reply() == "Hello from the scripted model."
    await expect(card).to_have_count(0)
    assert await driver.texts() == ["hello", "and now?", "Hello from the scripted model."]


async def test_the_provider_s_own_sentence_stands_under_ours_as_plain_text(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    """C6"""
    provider.script(failure(400, "Accept the <b>terms</b> at https://example.com/terms first"))
    await driver.open(connected.url)
    await driver.say("hello")
    await expect(driver.get("fault-said")).to_contain_text("Accept the <b>terms</b> at https://example.com/terms first")
    await expect(driver.get("fault").locator(".fault-message")).not_to_contain_text("terms")


async def test_a_passing_fault_is_tried_again_without_a_word(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(failure(500, retry_after="0"), Script(["Back again."]))
    await driver.open(connected.url)
    await driver.say("hello")
    assert await driver.reply() == "Back again."
    await expect(driver.get("fault")).to_have_count(0)
    assert len(provider.chats) == 2


async def test_try_again_on_the_card_asks_for_the_same_words_once_more(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(*[failure(500, retry_after="0")] * AGAIN)
    await driver.open(connected.url)
    await driver.say("hello")
    card = driver.get("fault")
    await expect(card).to_have_attribute("data-code", "model_server_error", timeout=20_000)
    await expect(card.locator(".button.is-main")).to_have_text("Try again")
    await card.get_by_role("button", name="Try again").click()
    assert await driver.reply() == "Hello from the scripted model."
    await expect(driver.get("fault")).to_have_count(0)
    assert await driver.texts() == ["hello", "Hello from the scripted model."]
    assert [line.text for line in await connected.lines()] == ["hello", "Hello from the scripted model."]


async def test_a_reply_that_breaks_off_is_kept_marked_and_explained(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(*[Script(["The sea ", "is "], cut_after=2)] * AGAIN)
    await driver.open(connected.url)
    await driver.say("Tell me")
    await expect(driver.get("fault")).to_have_attribute("data-code", "model_stream_broken", timeout=20_000)
    line = driver.lines("assistant")
    await expect(line).to_have_count(1)
    await expect(line).to_have_attribute("data-status", "failed")
    await expect(line.locator(".line-words")).to_have_text("The sea is")
    await expect(line.locator(".line-note")).to_have_text("Cut off")
    await driver.say("Go on")
    await driver.reply(2)
    assert await driver.texts("user") == ["Tell me", "Go on"]


async def test_a_cut_before_the_first_word_is_tried_again_and_one_reply_stands(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(cut_after=0), Script(["All ", "well."]))
    await driver.open(connected.url)
    await driver.say("hello")
    assert await driver.reply() == "All well."
    await expect(driver.lines("assistant")).to_have_count(1)
    await expect(driver.get("fault")).to_have_count(0)


async def test_a_failed_retry_leaves_the_old_reply(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["The first way."]), failure(401))
    await driver.open(connected.url)
    await driver.say("Say it")
    await driver.reply()
    await driver.lines("assistant").first.hover()
    await driver.get("retry").click()
    await expect(driver.get("fault")).to_have_attribute("data-code", "model_refused_key")
    await expect(driver.lines("assistant").locator(".line-words")).to_have_text(["The first way."])
    await expect(driver.lines("assistant").first).not_to_have_class("is-leaving")
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")


async def test_on_a_phone_a_long_sentence_of_the_provider_leaves_the_words_before_it_in_view(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(failure(400, "Accept the terms of this gateway first, then come back and try again. " * 5))
    page = await driver.open(connected.url)
    await page.set_viewport_size({"width": 390, "height": 844})
    await driver.say("hello")
    card = driver.get("fault")
    await expect(driver.lines("user").first).to_be_in_viewport()
    await expect(card.locator(".fault-remedy")).to_be_in_viewport()
    short = await card.bounding_box()
    await card.get_by_role("button", name="More").click()
    tall = await card.bounding_box()
    assert short is not None
    assert tall is not None
    assert tall["height"] > short["height"]
    await expect(driver.get("composer")).to_be_in_viewport(ratio=1)
