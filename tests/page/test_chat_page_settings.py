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
from tests.page.page_driver import LOST, PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider, failure

pytestmark = pytest.mark.asyncio(loop_scope="session")

SURVEY = Path(__file__).with_name("layout_check.js")
PAGES = ("model", "voice", "hearing", "microphone", "look", "language", "characters", "about")
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


async def to_page(driver: PageDriver, name: str) -> None:
    await driver.page.evaluate("(name) => { location.hash = `settings/${name}`; }", name)
    await expect(driver.get(f"settings-{name}")).to_have_attribute("aria-current", "page")


def strange(words: list[str], own: Mapping[str, str], english: Mapping[str, str]) -> list[str]:
    """Raw keys, unfilled places, and English where the language has words of its own."""
    foreign = {text for key, text in english.items() if own[key] != text} - set(own.values()) - SAME_EVERYWHERE
    keys = set(english)
    return [word for word in words if word in foreign or word in keys or re.search(r"\{\w+\}|undefined|\[object", word)]


async def test_every_language_changes_all_words_at_once_and_stays(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.context.add_init_script(path=SURVEY)
    page = await driver.open(running_neko.url)
    await expect(driver.get("welcome-later")).to_be_visible()
    english = locale("en")
    for language in LANGUAGES:
        own = locale(language)
        await to_page(driver, "language")
        async with page.expect_response(re.compile("/api/language$")):
            await driver.get("language-select").select_option(language)
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(driver.get("settings-language")).to_have_text(own["settings.pages.language"])
        for name in PAGES:
            words = await page.evaluate(TURN_AND_READ, [name, own["model.loading"]])
            assert strange(words, own, english) == [], (language, name)
        await page.keyboard.press("Escape")
        await expect(driver.get("composer")).to_have_attribute("aria-label", own["composer.label"])
        await expect(driver.get("state")).to_have_text(own["state.idle"])
        await expect(driver.get("welcome")).to_contain_text(own["welcome.title"])
        await driver.get("menu").click()
        words = await page.evaluate("survey.words()")
        assert strange(words, own, english) == [], language
        await page.keyboard.press("Escape")
        assert running_neko.neko.language.current == language
    await to_page(driver, "language")
    await driver.get("language-select").select_option("ja")
    await expect(page.locator("html")).to_have_attribute("lang", "ja")
    await page.keyboard.press("Escape")
    await page.reload()
    await driver.until_ready()
    own = locale("ja")
    await expect(page.locator("html")).to_have_attribute("lang", "ja")
    await expect(driver.get("composer")).to_have_attribute("aria-label", own["composer.label"])
    await expect(driver.get("welcome")).to_contain_text(own["welcome.title"])


async def test_a_call_of_the_page_asks_for_the_language_that_it_shows(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(running_neko.url)
    await to_page(driver, "language")
    await driver.get("language-select").select_option("ja")
    await expect(page.locator("html")).to_have_attribute("lang", "ja")
    async with page.expect_request(re.compile("/api/models/current$")) as asked:
        await to_page(driver, "model")
    assert await (await asked.value).header_value("accept-language") == "ja"


async def test_settings_open_and_close_by_keyboard_and_focus_comes_back(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(running_neko.url)
    await driver.get("menu").focus()
    await page.keyboard.press("Enter")
    await expect(driver.get("menu")).to_have_attribute("aria-expanded", "true")
    await driver.get("menu-settings").focus()
    await page.keyboard.press("Enter")
    dialog = driver.get("settings")
    await expect(dialog).to_be_visible()
    assert await dialog.evaluate("(dialog) => dialog.contains(document.activeElement)")
    for _ in range(40):
        await page.keyboard.press("Tab")
        inside = "(dialog) => dialog.contains(document.activeElement) || document.activeElement === document.body"
        assert await dialog.evaluate(inside)
    await driver.get("settings-look").focus()
    await page.keyboard.press("Enter")
    await expect(driver.get("settings-look")).to_have_attribute("aria-current", "page")
    await expect(driver.get("settings-look")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(driver.get("menu")).to_be_focused()
    await driver.until("() => location.hash === ''")
    await page.goto(running_neko.url + "/#settings/voice")
    await expect(driver.get("settings-voice")).to_have_attribute("aria-current", "page")
    await driver.get("settings-close").click()
    await expect(dialog).to_be_hidden()


async def test_settings_and_model_in_the_menu_lead_to_different_places(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(running_neko.url)
    for entry, shown in (("settings", "voice"), ("model", "model"), ("look", "look"), ("settings", "look")):
        await driver.get("menu").click()
        await driver.get(f"menu-{entry}").click()
        await expect(driver.get(f"settings-{shown}")).to_have_attribute("aria-current", "page")
        await page.keyboard.press("Escape")
        await driver.until("() => location.hash === ''")


async def test_settings_that_are_opened_in_the_moment_they_close_are_open(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(running_neko.url + "/#settings/voice")
    await expect(driver.get("settings-voice")).to_have_attribute("aria-current", "page")
    await driver.get("settings-close").evaluate("(close) => { close.click(); location.hash = 'settings/look'; }")
    await expect(driver.get("settings-look")).to_have_attribute("aria-current", "page")
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await expect(driver.get("settings-look")).to_be_visible()
    assert await page.evaluate("location.hash") == "#settings/look"


async def test_a_server_of_ones_own_is_tested_chosen_and_answers(
    running_neko: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(failure(401, "Incorrect API key provided: sk-wrong"))
    await driver.open(running_neko.url + "/#settings/model")
    await expect(driver.get("connection")).to_have_attribute("data-state", "builtin")
    await driver.get("provider-custom").click()
    await driver.get("model-url").fill(provider.base_url.removesuffix("/v1") + "/")
    await driver.get("model-key").fill("sk-wrong")
    await driver.get("model-key").press("Tab")
    await expect(driver.get("model-list")).to_have_value("scripted-1")
    await driver.get("model-test").click()
    note = driver.get("model-note")
    await expect(note).to_have_class(re.compile("is-bad"))
    await expect(note).to_contain_text("refused this key")
    await expect(note).to_contain_text("Incorrect API key provided")
    await expect(note).not_to_contain_text("sk-wrong")
    await driver.get("model-key").fill("sk-right")
    await driver.get("model-test").click()
    await expect(note).to_have_class(re.compile("is-good"))
    await expect(note).to_contain_text("scripted-1")
    assert provider.chats[-1].headers["authorization"] == "Bearer sk-right"
    await driver.get("model-use").click()
    await expect(driver.get("settings")).to_be_hidden()
    await expect(driver.get("connection")).to_have_attribute("data-state", "online")
    await expect(driver.get("connection")).to_contain_text("scripted-1")
    await expect(driver.get("welcome")).to_have_count(0)
    provider.script(Script(["From ", "elsewhere."]))
    await driver.say("hello")
    assert await driver.reply() == "From elsewhere."
    await to_page(driver, "model")
    await driver.get("provider-offline").click()
    await driver.get("model-use").click()
    await expect(driver.get("settings")).to_be_hidden()
    await expect(driver.get("connection")).to_have_attribute("data-state", "builtin")
    asked = len(provider.chats)
    await driver.say("hello again")
    await driver.reply(2)
    assert len(provider.chats) == asked


async def test_a_server_on_this_machine_without_a_model_says_how_to_get_one(
    tidy_loop: None, provider: ScriptedProvider, driver: PageDriver, data_dir: Path
) -> None:
    """C12"""
    provider.script_models(*[Script(body=b'{"object": "list", "data": null}')] * 9)
    environ = {"OLLAMA_HOST": f"127.0.0.1:{provider.port}"}
    async with RunningNeko(data_dir, environ=environ, voice="off", local=True) as running_neko:
        await driver.open(f"{running_neko.url}#settings/model")
        await expect(driver.get("local-empty").first).to_contain_text("ollama pull")


async def test_a_model_server_on_this_computer_is_one_tap_away(
    data_dir: Path, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.models = ["small-one", "large-one"]
    environ = {"OLLAMA_HOST": f"127.0.0.1:{provider.port}"}
    async with RunningNeko(data_dir, environ=environ, voice="off", local=True) as running_neko:
        await driver.open(running_neko.url)
        await expect(driver.get("welcome-local")).to_be_enabled()
        await expect(driver.get("welcome-local")).to_contain_text("Ollama")
        await driver.get("welcome-local").click()
        await driver.get("welcome").get_by_role("combobox").select_option("large-one")
        await driver.get("use-local").click()
        await expect(driver.get("welcome")).to_have_count(0)
        await expect(driver.get("connection")).to_contain_text("large-one")
        await driver.say("hello")
        assert await driver.reply() == "Hello from the scripted model."
        assert provider.chats[-1].json["model"] == "large-one"
        await to_page(driver, "model")
        await expect(driver.get("settings").get_by_text(f"127.0.0.1:{provider.port}/v1")).to_be_visible()


async def test_where_no_model_runs_there_is_a_way_to_one_and_it_is_found_once_it_runs(
    data_dir: Path, driver: PageDriver, free_port: int
) -> None:
    environ = {"OLLAMA_HOST": f"127.0.0.1:{free_port}"}
    async with RunningNeko(data_dir, environ=environ, voice="off", local=True) as running_neko:
        await driver.context.clock.install()
        await driver.open(running_neko.url)
        way = driver.get("welcome-ollama")
        await expect(way).to_have_attribute("href", "https://ollama.com/download")
        await expect(way).to_have_attribute("target", "_blank")
        await way.focus()
        async with ScriptedProvider(models=[]) as provider:
            await provider.stop()
            await provider.start(free_port)
            await driver.context.clock.run_for(5_000)
            await expect(driver.get("welcome-local")).to_be_focused()
            await driver.get("welcome-local").click()
            await expect(driver.get("local-empty")).to_contain_text("ollama pull")
            provider.models = ["small-one"]
            await driver.context.clock.run_for(5_000)
            await driver.get("use-local").click()
        await expect(driver.get("connection")).to_contain_text("small-one")


async def test_a_key_is_pasted_on_the_first_visit_in_three_steps(
    running_neko: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await driver.open(running_neko.url)
    await driver.get("welcome-key").click()
    await expect(driver.get("provider-openai")).to_be_visible()
    await driver.get("provider-custom").click()
    await expect(driver.get("model-url")).to_be_focused()
    await driver.get("model-url").fill(provider.base_url)
    await driver.get("model-url").press("Tab")
    await expect(driver.get("model-list")).to_have_value("scripted-1")
    await driver.get("model-use").click()
    await expect(driver.get("welcome")).to_have_count(0)
    await expect(driver.get("connection")).to_contain_text("scripted-1")


async def test_what_does_not_work_is_taken_only_when_it_is_pressed_once_more(
    running_neko: RunningNeko, driver: PageDriver, free_port: int
) -> None:
    await driver.open(running_neko.url + "/#settings/model")
    await driver.get("provider-custom").click()
    await driver.get("model-url").fill(f"http://127.0.0.1:{free_port}/v1")
    await driver.get("model-list").select_option(label="Another…")
    await driver.get("model-name").fill("tiny")
    use, note = driver.get("model-use"), driver.get("model-note")
    await expect(use).to_have_text("Use this")
    await use.click()
    await expect(note).to_have_class(re.compile("is-bad"))
    await expect(note).to_contain_text(str(free_port))
    await expect(driver.get("settings")).to_be_visible()
    await expect(driver.get("connection")).to_have_attribute("data-state", "builtin")
    await expect(use).to_have_text("Use it anyway")
    await driver.get("model-name").fill("tinier")
    await expect(use).to_have_text("Use this")
    await use.click()
    await expect(use).to_have_text("Use it anyway")
    await use.click()
    await expect(driver.get("settings")).to_be_hidden()
    await expect(driver.get("connection")).to_have_attribute("data-model", "trouble")
    await expect(driver.get("settings-model")).to_have_count(0)
    await to_page(driver, "model")
    await expect(driver.get("provider-custom")).to_contain_text(f"In use: 127.0.0.1:{free_port}")
    await driver.get("provider-custom").click()
    await expect(driver.get("model-url")).to_have_value(f"http://127.0.0.1:{free_port}/v1")
    await expect(driver.get("model-list")).to_have_value("tinier")


async def test_the_light_says_how_the_last_question_ended(
    running_neko: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    page = await driver.open(running_neko.url + "/#settings/model")
    await driver.get("provider-custom").click()
    await driver.get("model-url").fill(provider.base_url)
    await driver.get("model-url").press("Tab")
    await expect(driver.get("model-list")).to_have_value("scripted-1")
    await driver.get("model-use").click()
    light = driver.get("connection")
    await expect(light).to_have_attribute("data-model", "works")
    provider.script(failure(401, "Incorrect API key provided"))
    await driver.say("hello")
    await expect(light).to_have_attribute("data-model", "trouble")
    await expect(light).to_have_attribute("title", re.compile("key"))
    await page.reload()
    await driver.until_ready()
    await expect(light).to_have_attribute("data-model", "trouble")
    await driver.say("and now?")
    await driver.reply(1)
    await expect(light).to_have_attribute("data-model", "works")


async def test_before_a_choice_it_is_said_who_receives_the_words(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.open(running_neko.url + "/#settings/model")
    await driver.get("provider-free").click()
    await expect(driver.get("model-receives")).to_contain_text("lanlan.tech, a service that strangers run")
    await driver.get("provider-openai").click()
    await expect(driver.get("model-receives")).to_have_text("What you say goes to api.openai.com.")
    await driver.get("provider-offline").click()
    await expect(driver.get("model-receives")).to_have_count(0)


async def test_a_model_that_was_not_asked_yet_has_no_green_light(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await driver.open(connected.url)
    await expect(driver.get("connection")).to_have_attribute("data-model", "unknown")
    await driver.say("hello")
    await driver.reply()
    await expect(driver.get("connection")).to_have_attribute("data-model", "works")


async def test_how_she_answers_is_chosen_beside_the_model_and_sent_to_it(
    data_dir: Path, provider: ScriptedProvider, driver: PageDriver
) -> None:
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test", "NEKO_OPENAI_BASE_URL": provider.base_url}
    async with RunningNeko(data_dir, environ=environ) as running_neko:
        page = await driver.open(running_neko.url + "/#settings/model")
        liveliness = driver.get("reply-temperature")
        await expect(liveliness).to_have_attribute("aria-valuetext", locale("en")["replies.usual"])
        async with page.expect_response(re.compile("/api/replies$")):
            await liveliness.press("ArrowLeft")
        async with page.expect_response(re.compile("/api/replies$")):
            await driver.get("reply-length").select_option("150")
        await page.keyboard.press("Escape")
        await driver.say("hello")
        await driver.reply()
        asked = provider.chats[-1].json
        assert (asked["temperature"], asked["max_tokens"]) == (0.9, 150)
        await to_page(driver, "model")
        await expect(driver.get("reply-length")).to_have_value("150")
        await expect(liveliness).to_have_value("0.9")


async def test_what_was_set_says_in_words_what_it_is_and_where_it_comes_from(
    data_dir: Path, driver: PageDriver
) -> None:
    async with RunningNeko(data_dir, environ={"NEKO_ASSIST_API": "free"}, voice="off") as running_neko:
        await driver.open(running_neko.url + "/#settings/about")
        await driver.get("origins-open").click()
        origins = driver.get("origins").locator(".origin")
        own = locale("en")
        provider = origins.and_(driver.page.locator("[data-setting=assistApi]"))
        await expect(provider.locator("dt")).to_have_text(own["origins.names.assistApi"])
        await expect(provider.locator(".origin-value")).to_have_text("Free")
        await expect(provider).to_contain_text(own["origins.environment"].format(name="NEKO_ASSIST_API"))
        voice = origins.filter(has_text=own["origins.names.speech_engine"])
        await expect(voice.locator(".origin-value")).to_have_text(own["voice.off"])
        await expect(voice).to_contain_text(own["origins.page"])


async def test_turning_through_the_settings_asks_no_other_host(running_neko: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(running_neko.url)
    for name in PAGES:
        await to_page(driver, name)
        await expect(page.get_by_text("One moment…")).to_have_count(0)
    assert driver.hosts() == {"127.0.0.1"}
    assert await driver.violations() == []


async def test_signs_that_are_drawn_while_the_server_is_gone_are_there(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    driver.forgive(*LOST)
    page, close = await driver.open(f"{running_neko.url}/#settings/look"), driver.get("settings-close")
    await expect(close).to_be_visible()
    await page.keyboard.press("Escape")
    await running_neko.stop()
    await page.evaluate("location.hash = 'settings/model'")
    await expect(close).to_be_visible()
    assert await close.locator("use").evaluate("sign => sign.getBBox().width") > 0
    said = page.get_by_text("I cannot reach the server.")
    await expect(said).to_be_visible()
    assert await said.evaluate("said => said.clientWidth / said.closest('.settings-body').clientWidth") > 0.8
