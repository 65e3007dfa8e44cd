"""Settings › Microphone: the choice is kept and used, and the test goes the way of a call."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.async_api import expect

from neko.hearing_errors import HearingCutError
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.test_call import MICROPHONE, likeness
from tests.scripted_hearing import ScriptedHearing, Words
from tests.spoken import spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEVICES = """
const device = (deviceId, label) => ({ kind: "audioinput", deviceId, label, groupId: "" });
window.devices = [device("a1", "Desk"), device("b2", "Headset")];
if (navigator.mediaDevices) navigator.mediaDevices.enumerateDevices = () => Promise.resolve(window.devices);
"""


async def test_the_chosen_microphone_is_kept_and_asked_for(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.context.add_init_script(DEVICES)
    await driver.context.add_init_script(path=MICROPHONE)
    page = await driver.open(running_neko.url + "/#settings/microphone")
    async with page.expect_response(lambda answer: answer.url.endswith("/set_microphone")):
        await driver.get("microphone-device").select_option("b2")
    await driver.get("microphone-noise").select_option("browser")
    assert running_neko.neko.characters.cards.raw()["当前麦克风"] == "b2"
    await page.reload()
    await driver.until_ready()
    await expect(driver.get("microphone-device")).to_have_value("b2")
    await driver.get("microphone-test").click()
    await driver.until("() => window.asked.length === 1")
    [wanted] = await page.evaluate("window.asked")
    assert wanted["audio"]["deviceId"] == {"exact": "b2"}
    assert wanted["audio"]["noiseSuppression"] is True
    assert wanted["audio"]["echoCancellation"] is True


async def test_a_device_with_another_id_is_found_by_its_name(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.context.add_init_script(DEVICES)
    await driver.context.add_init_script(path=MICROPHONE)
    page = await driver.open(running_neko.url + "/#settings/microphone")
    await driver.get("microphone-device").select_option("b2")
    await page.evaluate("window.devices[1].deviceId = 'c3'; window.missing = ['b2']")
    await driver.get("microphone-test").click()
    await driver.until("() => window.asked.length === 2")
    assert [one["audio"]["deviceId"]["exact"] for one in await page.evaluate("window.asked")] == ["b2", "c3"]


@pytest.mark.long
async def test_saying_something_shows_the_level_and_the_words_and_plays_it_back(
    data_dir: Path, tidy_loop: None, driver: PageDriver
) -> None:
    said = "Hello, this is only a test."
    hearing = ScriptedHearing(Words(said), Words(no_speech=0.9), Words(error=HearingCutError(engine="Somebody")))
    await driver.context.add_init_script(path=MICROPHONE)
    async with RunningNeko(data_dir, voice="off", hearing=hearing) as neko:
        page = await driver.open(neko.url + "/#settings/microphone")

        async def try_out(sound: bytes = b"") -> None:
            await driver.get("microphone-test").click()
            await driver.until("() => window.live() === 1")
            if sound:
                await page.evaluate("window.say", base64.b64encode(sound).decode())
            await expect(driver.get("microphone-test")).to_be_enabled()
            assert await page.evaluate("window.live()") == 0

        speech = await spoken(said)
        await try_out(speech)
        await expect(driver.get("microphone-note")).to_contain_text("I hear you well")
        await expect(driver.get("microphone-words")).to_contain_text(f"I understood: “{said}” (scripted")
        assert likeness(bytes(hearing.utterances[0].sound), speech) > 0.6
        await try_out(speech)
        await expect(driver.get("microphone-words")).to_contain_text("made out no words")
        await try_out(speech)
        await expect(driver.get("microphone-words")).to_contain_text("Somebody broke off")
        await try_out()
        await expect(driver.get("microphone-words")).to_contain_text("nobody speaking")
        await page.evaluate("window.mute()")
        await try_out()
        await expect(driver.get("microphone-note")).to_contain_text("no sound at all")
        await expect(driver.get("microphone-words")).to_be_hidden()
        assert await driver.violations() == []
        for refusal, words in {"NotAllowedError": "Allow it", "NotFoundError": "Plug one in"}.items():
            await page.evaluate("(name) => { window.refuse = name; }", refusal)
            await driver.get("microphone-test").click()
            await expect(driver.get("microphone-note")).to_contain_text(words)


async def test_the_browsers_own_recogniser_is_tried_too(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.context.add_init_script(path=MICROPHONE)
    await driver.context.add_init_script(
        """window.SpeechRecognition = class {
          start() {
            const words = Object.assign([{ transcript: "a test" }], { isFinal: true });
            setTimeout(() => this.onresult({ resultIndex: 0, results: [words] }), 50);
          }
          stop() { this.onend?.(); }
          abort() {}
        };"""
    )
    await driver.open(running_neko.url + "/#settings/hearing")
    await driver.get("hearing-browser").click()
    await expect(driver.get("hearing-browser")).to_have_attribute("aria-checked", "true")
    await driver.get("settings-microphone").click()
    await driver.get("microphone-test").click()
    await expect(driver.get("microphone-words")).to_have_text("“a test”")
    await expect(driver.get("microphone-test")).to_be_enabled()
    assert not [request for request in driver.requests if request.url.endswith("/api/hearing/test")]
