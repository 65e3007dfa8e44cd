"""Settings › Hearing: what hears is told and chosen, a model is fetched with one tap and watched while it comes."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.field.hostile_provider import HostileProvider, problem, whole
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.test_call import MICROPHONE
from tests.scripted_files import Answer, FileServer
from tests.scripted_hub import FILES, scripted_hub
from tests.spoken import spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def hub(running_neko: RunningNeko, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FileServer]:
    async with scripted_hub(running_neko.neko, monkeypatch) as files:
        yield files


async def to_hearing(driver: PageDriver, url: str) -> None:
    await driver.open(f"{url}/#settings/hearing")
    await expect(driver.get("settings-hearing")).to_have_attribute("aria-current", "page")
    await expect(driver.get("hearing-auto")).to_be_visible()


async def test_a_model_is_fetched_with_one_tap_stopped_and_gone_on_with(
    running_neko: RunningNeko, driver: PageDriver, hub: FileServer
) -> None:
    held = Answer(hold=250_000)
    hub.answers.append(held)
    await to_hearing(driver, running_neko.url)
    await expect(driver.get("hearing-now")).to_contain_text("nothing to hear with")
    await expect(driver.get("hearing-test")).to_be_disabled()
    await driver.get("fetch-tiny").press("Enter")
    await expect(driver.get("fetching-tiny")).to_contain_text("%")
    await expect(driver.get("stop-tiny")).to_be_focused()
    await driver.get("stop-tiny").click()
    await expect(driver.get("fetch-tiny")).to_have_text("Go on")
    await driver.get("fetch-tiny").click()
    await expect(driver.get("hearing-now")).to_contain_text("Tiny hears you, on this computer")
    await expect(driver.get("use-tiny")).to_be_disabled()
    await driver.get("hearing-test").click()
    await expect(driver.get("hearing-tested")).to_contain_text("Tiny answered in")
    await driver.get("remove-tiny").click()
    await expect(driver.get("hearing-now")).to_contain_text("nothing to hear with")
    assert await driver.violations() == []


async def test_where_nothing_hears_the_test_of_the_microphone_offers_what_could(
    running_neko: RunningNeko, driver: PageDriver, hub: FileServer
) -> None:
    await driver.context.add_init_script(path=MICROPHONE)
    page = await driver.open(f"{running_neko.url}/#settings/microphone")
    await expect(driver.get("microphone-words")).to_contain_text("nothing to hear with")
    await driver.get("fetch-tiny").click()
    await expect(driver.get("microphone-words")).to_contain_text("Tiny hears you now")
    await expect(driver.get("microphone-offer")).to_be_hidden()
    await driver.get("microphone-test").click()
    await driver.until("() => window.live() === 1")
    await page.evaluate("window.say", base64.b64encode(await spoken("Hello, can you hear me?")).decode())
    await expect(driver.get("microphone-words")).to_contain_text("I understood: “hello” (Tiny")


async def test_a_model_that_is_here_hears_with_one_tap_where_hearing_is_off(
    running_neko: RunningNeko, driver: PageDriver, hub: FileServer
) -> None:
    await to_hearing(driver, running_neko.url)
    await driver.get("fetch-tiny").click()
    await expect(driver.get("hearing-now")).to_contain_text("Tiny hears you")
    await driver.get("hearing-off").click()
    await expect(driver.get("hearing-now")).to_contain_text("switched off")
    await driver.get("settings-microphone").click()
    await expect(driver.get("microphone-words")).to_contain_text("switched off")
    await driver.get("use-tiny").click()
    await expect(driver.get("microphone-words")).to_contain_text("Tiny hears you now")


async def test_why_a_fetch_failed_stands_below_the_model(
    running_neko: RunningNeko, driver: PageDriver, hub: FileServer
) -> None:
    hub.answers.append(Answer(content=b"x" * len(FILES["model.bin"])))
    await to_hearing(driver, running_neko.url)
    await driver.get("fetch-tiny").click()
    await expect(driver.get("hearing-models")).to_contain_text("is not that model, so I threw it away")


async def test_a_server_is_entered_tried_and_named_with_where_the_sound_goes(
    running_neko: RunningNeko, driver: PageDriver, hub: FileServer
) -> None:
    async with HostileProvider() as provider:
        provider.transcription = whole({"text": ""})
        await to_hearing(driver, running_neko.url)
        await driver.get("hearing-server").click()
        await driver.get("hearing-url").fill(provider.base_url)
        await driver.get("hearing-url").press("Tab")
        await expect(driver.get("hearing-test")).to_be_enabled()
        await driver.get("hearing-test").click()
        await expect(driver.get("hearing-tested")).to_contain_text("answered in")
        provider.transcription = whole(problem("The model is on holiday."), 404)
        await driver.get("hearing-test").click()
        await expect(driver.get("hearing-problem")).to_contain_text("on holiday")
        await expect(driver.get("hearing-problem")).to_contain_text("Look at the address and the model")


async def test_the_browsers_own_recogniser_comes_with_a_word_on_where_the_sound_goes(
    running_neko: RunningNeko, driver: PageDriver, hub: FileServer
) -> None:
    await to_hearing(driver, running_neko.url)
    await driver.get("hearing-browser").click()
    await expect(driver.get("hearing-now")).to_contain_text("Chrome to Google")
    await expect(driver.get("hearing-models")).to_be_hidden()
    await driver.get("hearing-language").select_option("ja")
    await driver.page.reload()
    await expect(driver.get("hearing-browser")).to_have_attribute("aria-checked", "true")
    await expect(driver.get("hearing-language")).to_have_value("ja")
