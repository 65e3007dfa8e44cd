"""Settings › Microphone: the choice is kept and used, and the test goes the way of a call."""

from __future__ import annotations

import base64

import pytest
from playwright.async_api import expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.test_call import MICROPHONE
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
    await driver.get("microphone-noise").click()
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


async def test_saying_something_shows_how_well_it_is_heard_and_plays_it_back(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.context.add_init_script(path=MICROPHONE)
    page = await driver.open(running_neko.url + "/#settings/microphone")
    await driver.get("microphone-test").click()
    await driver.until("() => window.live() === 1")
    await page.evaluate("window.say", base64.b64encode(await spoken("Hello, this is only a test.")).decode())
    await expect(driver.get("microphone-note")).to_contain_text("I hear you well")
    assert await page.evaluate("window.live()") == 0
    await expect(driver.get("microphone-test")).to_be_enabled()
    await page.evaluate("window.refuse = 'NotAllowedError'")
    await driver.get("microphone-test").click()
    await expect(driver.get("microphone-note")).to_contain_text("Allow it")
