"""The characters: added, changed, dressed, switched and deleted on the page; in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST = "/#settings/characters"


async def edit(driver: PageDriver, name: str) -> None:
    await driver.page.locator(f'[data-testid=character][data-name="{name}"]').get_by_test_id("character-edit").click()
    await expect(driver.get("character-editor")).to_be_visible()


async def test_somebody_is_added_and_what_is_written_is_kept_without_a_button(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(running_neko.url + LIST)
    await driver.get("character-add").click()
    await driver.get("character-name").fill("Rin")
    await driver.get("character-name").press("Tab")
    await driver.get("character-personality").fill("Calm, loves rain")
    await driver.get("character-greeting").fill("Oh, it is you.")
    await driver.get("character-language").select_option("ja")
    await driver.get("character-back").click()
    await expect(driver.page.locator('[data-testid=character][data-name="Rin"]')).to_contain_text("Calm, loves rain")
    own = {"greeting": "Oh, it is you.", "language": "ja"}
    assert running_neko.neko.characters.cards.card("Rin") == {"Personality": "Calm, loves rain", "neko": own}
    await edit(driver, "Rin")
    await driver.get("character-greeting").fill("")
    await driver.page.keyboard.press("Escape")
    await expect(driver.get("settings")).to_be_hidden()
    await driver.page.reload()
    await driver.until_ready()
    assert running_neko.neko.characters.cards.own("Rin") == {"language": "ja"}


async def test_a_name_that_cannot_be_is_told_at_its_field(running_neko: RunningNeko, driver: PageDriver) -> None:
    driver.forgive("400")
    await running_neko.neko.characters.create("Rin", {})
    await driver.open(running_neko.url + LIST)
    await edit(driver, "Rin")
    name = driver.get("character-name")
    for wrong, words in ((NAME, "already somebody"), ("a/b", "address"), ("", "needs a name")):
        await name.fill(wrong)
        await name.press("Tab")
        await expect(name).to_have_attribute("aria-invalid", "true")
        await expect(driver.page.locator("#character-name-note")).to_contain_text(words)
    await name.fill("Ren")
    await name.press("Tab")
    await expect(driver.page.locator("#character-name-note")).to_be_hidden()
    await driver.get("character-back").click()
    await expect(driver.page.locator('[data-testid=character][data-name="Ren"]')).to_be_visible()


async def test_whoever_talks_here_is_renamed_and_the_talk_goes_on_under_the_new_name(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["First."]), Script(["Second."]))
    await driver.open(connected.url)
    await driver.say("one")
    await driver.reply()
    await driver.page.evaluate("location.hash = 'settings/characters'")
    await edit(driver, NAME)
    await driver.get("character-name").fill("Rin")
    await driver.get("character-name").press("Tab")
    await expect(driver.get("name")).to_have_text("Rin")
    await driver.get("character-personality").fill("Quick")
    await expect(driver.get("character-saved")).to_have_text("Saved.")
    await driver.page.keyboard.press("Escape")
    await expect(driver.lines()).to_have_count(2)
    await driver.say("two")
    assert await driver.reply(2) == "Second."
    assert '"Personality": "Quick"' in provider.chats[-1].json["messages"][0]["content"]


async def test_a_copy_has_a_name_of_its_own_and_the_same_voice(running_neko: RunningNeko, driver: PageDriver) -> None:
    voices = running_neko.neko.voices
    await running_neko.neko.config.change(voices.changes(NAME, tuning={"rate": 1.3}))
    await driver.open(running_neko.url + LIST)
    await edit(driver, NAME)
    await driver.get("character-duplicate").click()
    await expect(driver.get("character-name")).to_have_value(f"{NAME} 2")
    cards = running_neko.neko.characters.cards
    assert cards.card(f"{NAME} 2") == cards.card(NAME)
    assert voices.tuning(f"{NAME} 2").rate == 1.3


async def test_who_is_deleted_comes_back_by_undo(running_neko: RunningNeko, driver: PageDriver) -> None:
    await running_neko.neko.characters.create("Rin", {"Personality": "calm"})
    page = await driver.open(running_neko.url + LIST)
    await edit(driver, "Rin")
    await driver.get("character-delete").click()
    rin = page.locator('[data-testid=character][data-name="Rin"]')
    await expect(driver.get("toast")).to_contain_text("Rin is gone")
    await expect(driver.get("character")).to_have_count(1)
    assert "Rin" not in running_neko.neko.characters.names
    await page.get_by_role("button", name="Undo").click()
    await expect(rin).to_contain_text("calm")
    await edit(driver, NAME)
    await expect(driver.get("character-delete")).to_have_count(0)


async def test_another_is_talked_with_while_the_first_still_speaks(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await connected.neko.characters.create(
        "Rin", {"neko": {"greeting": "Rin is here.", "colours": {"hair": "#204060"}}}
    )
    provider.script(Script(["Wait, ", "there is more."], stall_after=1))
    page = await driver.open(connected.url)
    await driver.say("one")
    await expect(driver.lines("assistant").first).to_contain_text("Wait")
    await page.evaluate("location.hash = 'settings/characters'")
    await page.locator('[data-testid=character][data-name="Rin"]').get_by_role("button", name="Talk").click()
    await expect(driver.get("settings")).to_be_hidden()
    await expect(driver.get("name")).to_have_text("Rin")
    await expect(driver.get("greeting")).to_have_text("Rin is here.")
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await driver.until("() => document.querySelector('#avatar svg')?.style.getPropertyValue('--hair') === '#204060'")


async def test_colours_are_seen_at_once_and_can_be_taken_back(running_neko: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(running_neko.url + LIST)
    await edit(driver, NAME)
    hair = "(place) => document.querySelector(`${place} svg`)?.style.getPropertyValue('--hair')"
    await driver.until("() => document.querySelector('.editor-mirror svg')")
    first = await page.evaluate(hair, "#avatar")
    await driver.get("character-hair").fill("#204060")
    assert await page.evaluate(hair, ".editor-mirror") != first
    await expect(driver.get("character-saved")).to_have_text("Saved.")
    assert await page.evaluate(hair, "#avatar") != first
    await page.reload()
    await driver.until_ready()
    await driver.until(f"(first) => ![undefined, first].includes(({hair})('#avatar'))", first)
    await edit(driver, NAME)
    await driver.get("character-colours-reset").click()
    await expect(driver.get("character-saved")).to_have_text("Saved.")
    assert await page.evaluate(hair, "#avatar") == first
    assert running_neko.neko.characters.cards.own(NAME) == {}


async def test_a_picture_is_shown_in_the_list_and_in_the_bar(running_neko: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(running_neko.url + LIST)
    await edit(driver, NAME)
    shot = await page.screenshot()
    await driver.get("character-picture").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"no"})
    await expect(driver.get("toast")).to_contain_text("no picture")
    await driver.get("character-picture").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": shot})
    await expect(driver.get("name").locator("img")).to_have_attribute("src", re.compile(r"\.webp$"))
    await driver.get("character-back").click()
    await driver.until("() => document.querySelector('.person-portrait img')?.naturalWidth === 512")
    await edit(driver, NAME)
    await page.get_by_role("button", name="Remove the picture").click()
    await expect(driver.get("name").locator("img")).to_have_count(0)


async def test_each_has_a_voice_of_her_own(speaking: RunningNeko, driver: PageDriver) -> None:
    await speaking.neko.characters.create("Rin", {})
    await driver.open(speaking.url + LIST)
    await edit(driver, "Rin")
    await driver.get("character-rate").fill("1.5")
    async with driver.page.expect_response("**/api/speech/sample") as sampled:
        await driver.get("character-hear").click()
    assert (await sampled.value).status == 200
    assert speaking.neko.voices.tuning("Rin").rate == 1.5
    assert speaking.neko.voices.tuning(NAME).rate == 1.0


async def test_another_page_dresses_her_anew_too(
    running_neko: RunningNeko, driver: PageDriver, chromium: Browser
) -> None:
    await running_neko.neko.characters.create("Rin", {})
    here = await driver.open(running_neko.url)
    hair = "() => document.querySelector('#avatar svg')?.style.getPropertyValue('--hair')"
    await expect(here.locator("#avatar svg")).to_be_visible()
    first = await here.evaluate(hair)
    async with PageDriver(chromium) as other:
        await other.open(f"{running_neko.url}/Rin{LIST[1:]}")
        await edit(other, NAME)
        await other.get("character-hair").fill("#204060")
        shot = await other.page.screenshot()
        await other.get("character-picture").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": shot})
        await expect(driver.get("name").locator("img")).to_have_attribute("src", re.compile(r"\.webp$"))
        await driver.until(f"(first) => ({hair})() !== first", first)
        other.check()


async def test_a_name_that_is_too_long_is_told_and_not_cut(running_neko: RunningNeko, driver: PageDriver) -> None:
    driver.forgive("/rename")
    await driver.open(running_neko.url + LIST)
    settings = driver.get("settings")
    you = settings.get_by_test_id("your-name")
    await you.press_sequentially("Alexandrina Victoria of Kent")
    await expect(you).to_have_value("Alexandrina Victoria of Kent")
    await expect(you).to_have_attribute("aria-invalid", "true")
    await expect(settings.get_by_text("28/20")).to_be_visible()
    await expect(settings.get_by_text("Keep it to 20 letters, or 10 Chinese ones.")).to_be_visible()
    await edit(driver, NAME)
    name = driver.get("character-name")
    await name.fill("星星星星星星星星星星星")
    await expect(settings.get_by_text("22/20")).to_be_visible()
    await name.press("Tab")
    await expect(driver.page.locator("#character-name-note")).to_contain_text("too long")
    await name.fill("星星星星星星星星星星")
    await expect(name).not_to_have_attribute("aria-invalid", "true")
    await expect(driver.page.locator("#character-name-note")).to_be_hidden()


async def test_who_was_asked_how_she_should_think_is_not_asked_with_another_character(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await running_neko.neko.characters.create("Rin", {})
    await driver.open(running_neko.url)
    await expect(driver.get("welcome")).to_be_visible()
    await driver.page.evaluate("location.hash = 'settings/characters'")
    await driver.page.locator('[data-testid=character][data-name="Rin"]').get_by_role("button", name="Talk").click()
    await expect(driver.get("greeting")).to_have_attribute("aria-label", "Rin")
    await expect(driver.get("welcome")).to_have_count(0)
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.get("greeting")).to_be_visible()
    await expect(driver.get("welcome")).to_have_count(0)


@pytest.mark.parametrize("answer", ["later", "words", "words before it is asked"])
async def test_what_was_answered_is_not_asked_again_by_a_character_opened_by_her_address(
    running_neko: RunningNeko, driver: PageDriver, answer: str
) -> None:
    await running_neko.neko.characters.create("Rin", {})
    page = await driver.open(running_neko.url, ready=answer != "words before it is asked")
    if answer.startswith("words"):
        await driver.say("hello")
        await driver.reply()
    else:
        await driver.get("welcome-later").click()
    await expect(driver.get("welcome")).to_have_count(0)
    await driver.open(f"{running_neko.url}/Rin")
    await expect(driver.get("greeting")).to_have_attribute("aria-label", "Rin")
    await expect(driver.get("composer")).to_be_enabled()
    await expect(driver.get("welcome")).to_have_count(0)
    await page.close()


async def test_each_is_shown_in_her_own_colours_and_who_is_here_comes_first(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await running_neko.neko.characters.create("Rin", {"neko": {"colours": {"hair": "#204060"}}})
    page = await driver.open(f"{running_neko.url}/Rin{LIST[1:]}")
    people = driver.get("character")
    await expect(people).to_have_count(2)
    await expect(people.first).to_have_attribute("data-name", "Rin")
    await expect(people.locator("svg")).to_have_count(2)
    hair = "(svgs) => svgs.map((svg) => svg.style.getPropertyValue('--hair'))"
    own, others = await page.locator("[data-testid=character] svg").evaluate_all(hair)
    assert own == "#204060" != others


FITS = """(one) => [one, ...one.children].every((part) =>
  part.scrollWidth <= part.clientWidth + 1 && part.scrollHeight <= part.clientHeight + 1)"""


async def test_letters_twice_as_large_are_cut_nowhere_on_a_phone(running_neko: RunningNeko, chromium: Browser) -> None:
    async with PageDriver(chromium, viewport={"width": 390, "height": 844}) as phone:
        page = await phone.open(running_neko.url)
        session = await phone.context.new_cdp_session(page)
        await session.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
        await page.reload()
        await phone.until_ready()
        await expect(phone.get("greeting")).to_be_visible()
        assert await phone.get("composer").evaluate("(one) => parseFloat(getComputedStyle(one).fontSize)") == 32
        for name in ("composer", "name", "connection"):
            assert await phone.get(name).evaluate(FITS), name
        phone.check()
