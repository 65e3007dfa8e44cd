"""Settings: reachable by keyboard, honest about models, and spoken in five languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from neko.settings import ASSETS
from tests.page.guest import Guest
from tests.page.house import House
from tests.scripted_provider import Script, ScriptedProvider, failure

pytestmark = pytest.mark.asyncio(loop_scope="module")

SURVEY = Path(__file__).with_name("survey.js")
PAGES = ("model", "voice", "look", "language", "characters", "about")
LANGUAGES = ("zh-CN", "zh-TW", "ja", "ko", "en")
TURN_AND_READ = """async ([name, loading]) => {
  const sheet = document.getElementById("settings");
  const until = async (holds) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  location.hash = `settings/${name}`;
  await until(() => sheet.querySelector(`[data-testid=settings-${name}][aria-current]`));
  await until(() => !sheet.textContent.includes(loading));
  sheet.querySelector("[data-testid=provider-custom]")?.click();
  return survey.words(sheet);
}"""
SAME_EVERYWHERE = {"English", "Neko", "Ollama", "tts-1", "alloy"}


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            yield from leaves(value, here)
        else:
            yield here, value


def locale(language: str) -> dict[str, str]:
    return dict(leaves(json.loads((ASSETS / "locales" / f"{language}.json").read_text(encoding="utf-8"))))


async def to_page(guest: Guest, name: str) -> None:
    await guest.page.evaluate("(name) => { location.hash = `settings/${name}`; }", name)
    await expect(guest.get(f"settings-{name}")).to_have_attribute("aria-current", "page")


def strange(words: list[str], own: Mapping[str, str], english: Mapping[str, str]) -> list[str]:
    """Raw keys, unfilled places, and English where the language has words of its own."""
    foreign = {text for key, text in english.items() if own[key] != text} - set(own.values()) - SAME_EVERYWHERE
    keys = set(english)
    return [word for word in words if word in foreign or word in keys or re.search(r"\{\w+\}|undefined|\[object", word)]


async def test_every_language_changes_all_words_at_once_and_stays(house: House, guest: Guest) -> None:
    await guest.context.add_init_script(path=SURVEY)
    page = await guest.open(house.url)
    await expect(guest.get("welcome-later")).to_be_visible()
    english = locale("en")
    for language in LANGUAGES:
        own = locale(language)
        await to_page(guest, "language")
        async with page.expect_response(re.compile("/api/language$")):
            await guest.get("language-select").select_option(language)
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(guest.get("settings-language")).to_have_text(own["settings.pages.language"])
        for name in PAGES:
            words = await page.evaluate(TURN_AND_READ, [name, own["model.loading"]])
            assert strange(words, own, english) == [], (language, name)
        await page.keyboard.press("Escape")
        await expect(guest.get("composer")).to_have_attribute("aria-label", own["composer.label"])
        await expect(guest.get("state")).to_have_text(own["state.idle"])
        await expect(guest.get("welcome")).to_contain_text(own["welcome.title"])
        await guest.get("menu").click()
        words = await page.evaluate("survey.words()")
        assert strange(words, own, english) == [], language
        await page.keyboard.press("Escape")
        assert house.neko.language == language
    await to_page(guest, "language")
    await guest.get("language-select").select_option("ja")
    await expect(page.locator("html")).to_have_attribute("lang", "ja")
    await page.keyboard.press("Escape")
    await page.reload()
    await guest.until_ready()
    own = locale("ja")
    await expect(page.locator("html")).to_have_attribute("lang", "ja")
    await expect(guest.get("composer")).to_have_attribute("aria-label", own["composer.label"])
    await expect(guest.get("welcome")).to_contain_text(own["welcome.title"])


async def test_settings_open_and_close_by_keyboard_and_focus_comes_back(house: House, guest: Guest) -> None:
    page = await guest.open(house.url)
    await guest.get("menu").focus()
    await page.keyboard.press("Enter")
    await expect(guest.get("menu")).to_have_attribute("aria-expanded", "true")
    await guest.get("menu-settings").focus()
    await page.keyboard.press("Enter")
    dialog = guest.get("settings")
    await expect(dialog).to_be_visible()
    assert await dialog.evaluate("(dialog) => dialog.contains(document.activeElement)")
    for _ in range(40):
        await page.keyboard.press("Tab")
        inside = "(dialog) => dialog.contains(document.activeElement) || document.activeElement === document.body"
        assert await dialog.evaluate(inside)
    await guest.get("settings-look").focus()
    await page.keyboard.press("Enter")
    await expect(guest.get("settings-look")).to_have_attribute("aria-current", "page")
    await expect(guest.get("settings-look")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(guest.get("menu")).to_be_focused()
    await guest.until("() => location.hash === ''")
    await page.goto(house.url + "/#settings/voice")
    await expect(guest.get("settings-voice")).to_have_attribute("aria-current", "page")
    await guest.get("settings-close").click()
    await expect(dialog).to_be_hidden()


async def test_a_server_of_ones_own_is_tested_chosen_and_answers(
    house: House, provider: ScriptedProvider, guest: Guest
) -> None:
    provider.script(failure(401, "Incorrect API key provided: sk-wrong"))
    await guest.open(house.url + "/#settings/model")
    await expect(guest.get("connection")).to_have_attribute("data-state", "builtin")
    await guest.get("provider-custom").click()
    await guest.get("model-url").fill(provider.base_url.removesuffix("/v1") + "/")
    await guest.get("model-key").fill("sk-wrong")
    await guest.get("model-key").press("Tab")
    await expect(guest.get("model-list")).to_have_value("scripted-1")
    await guest.get("model-test").click()
    note = guest.get("model-note")
    await expect(note).to_have_class(re.compile("is-bad"))
    await expect(note).to_contain_text("refused this key")
    await expect(note).not_to_contain_text("sk-wrong")
    await guest.get("model-key").fill("sk-right")
    await guest.get("model-test").click()
    await expect(note).to_have_class(re.compile("is-good"))
    await expect(note).to_contain_text("scripted-1")
    assert provider.chats[-1].headers["authorization"] == "Bearer sk-right"
    await guest.get("model-use").click()
    await expect(guest.get("settings")).to_be_hidden()
    await expect(guest.get("connection")).to_have_attribute("data-state", "online")
    await expect(guest.get("connection")).to_contain_text("scripted-1")
    await expect(guest.get("welcome")).to_have_count(0)
    provider.script(Script(["From ", "elsewhere."]))
    await guest.say("hello")
    assert await guest.reply() == "From elsewhere."
    await to_page(guest, "model")
    await guest.get("provider-offline").click()
    await guest.get("model-use").click()
    await expect(guest.get("connection")).to_have_attribute("data-state", "builtin")
    asked = len(provider.chats)
    await guest.say("hello again")
    await guest.reply(2)
    assert len(provider.chats) == asked


async def test_a_model_server_on_this_computer_is_one_tap_away(
    data_dir: Path, provider: ScriptedProvider, guest: Guest
) -> None:
    provider.models = ["small-one", "large-one"]
    environ = {"OLLAMA_HOST": f"127.0.0.1:{provider.port}"}
    async with House(data_dir, environ=environ, voice="off", local=True) as house:
        await guest.open(house.url)
        await expect(guest.get("welcome-local")).to_be_enabled()
        await expect(guest.get("welcome-local")).to_contain_text("Ollama")
        await guest.get("welcome-local").click()
        await guest.get("welcome").get_by_role("combobox").select_option("large-one")
        await guest.get("use-local").click()
        await expect(guest.get("welcome")).to_have_count(0)
        await expect(guest.get("connection")).to_contain_text("large-one")
        await guest.say("hello")
        assert await guest.reply() == "Hello from the scripted model."
        assert provider.chats[-1].json["model"] == "large-one"
        await to_page(guest, "model")
        await expect(guest.get("settings").get_by_text(f"127.0.0.1:{provider.port}")).to_be_visible()


async def test_a_key_is_pasted_on_the_first_visit_in_three_steps(
    house: House, provider: ScriptedProvider, guest: Guest
) -> None:
    await guest.open(house.url)
    await guest.get("welcome-key").click()
    await expect(guest.get("provider-openai")).to_be_visible()
    await guest.get("provider-custom").click()
    await expect(guest.get("model-url")).to_be_focused()
    await guest.get("model-url").fill(provider.base_url)
    await guest.get("model-url").press("Tab")
    await expect(guest.get("model-list")).to_have_value("scripted-1")
    await guest.get("model-use").click()
    await expect(guest.get("welcome")).to_have_count(0)
    await expect(guest.get("connection")).to_contain_text("scripted-1")


async def test_turning_through_the_settings_asks_no_other_host(house: House, guest: Guest) -> None:
    page = await guest.open(house.url)
    for name in PAGES:
        await to_page(guest, name)
        await expect(page.get_by_text("One moment…")).to_have_count(0)
    assert guest.hosts() == {"127.0.0.1"}
    assert await guest.violations() == []
