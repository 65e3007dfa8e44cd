"""Pictures that came with the reader's words: kept, enlarged, sent again, deleted; in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.page.test_chat_page_writing import GIVE_PICTURE, user_content
from tests.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def shown(driver: PageDriver, connected: RunningNeko, count: int = 1) -> None:
    """Talk with some pictures, and come back."""
    await driver.open(connected.url)
    for number in range(count):
        await driver.page.evaluate(GIVE_PICTURE, "paste")
        await expect(driver.get("attachment")).to_have_count(number + 1)
    await driver.say("What is this?")
    await driver.reply()
    await driver.page.reload()
    await driver.until_ready()


def kept(data_dir: Path) -> list[Path]:
    return sorted((data_dir / "memory").glob(f"pictures_{NAME}/*"))


async def test_a_picture_is_there_after_a_reload_and_opens_large(
    connected: RunningNeko, driver: PageDriver, data_dir: Path
) -> None:
    await shown(driver, connected, 2)
    pictures = driver.lines("user").get_by_test_id("picture")
    await expect(pictures).to_have_count(2)
    await driver.until("() => [...document.querySelectorAll('.line-picture img')].every((one) => one.naturalWidth)")
    await pictures.first.click()
    large = driver.get("viewer").get_by_role("img", name="Your picture, 1 of 2")
    await expect(large).to_be_visible()
    await driver.until("() => document.querySelector('.viewer img')?.naturalWidth === 40")
    await expect(driver.get("viewer-save")).to_have_attribute("download", "Your picture, 1 of 2.jpg")
    await driver.page.keyboard.press("ArrowRight")
    await expect(driver.get("viewer").get_by_role("img", name="Your picture, 2 of 2")).to_be_visible()
    await driver.page.keyboard.press("Escape")
    await expect(driver.get("viewer")).to_be_hidden()
    await expect(pictures.first).to_be_focused()
    assert [path.stat().st_mode & 0o777 for path in kept(data_dir)] == [0o600]
    assert await driver.violations() == []


async def test_a_picture_opens_before_and_after_it_is_stored_without_being_drawn_anew(
    connected: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(connected.url)
    await driver.page.evaluate(GIVE_PICTURE, "paste")
    await expect(driver.get("attachment")).to_have_count(1)
    await driver.say("Look")
    await driver.reply()
    await expect(driver.get("picture").locator("canvas")).to_be_visible()
    await driver.get("picture").click()
    await driver.until("() => document.querySelector('.viewer img')?.naturalWidth === 40")
    assert "/pictures/" in await driver.page.locator(".viewer-picture").evaluate("(picture) => picture.src")
    await driver.get("viewer").click(position={"x": 5, "y": 400})
    await expect(driver.get("viewer")).to_be_hidden()


async def test_a_deleted_line_takes_its_picture_along(
    connected: RunningNeko, driver: PageDriver, data_dir: Path
) -> None:
    await shown(driver, connected)
    assert len(kept(data_dir)) == 1
    await driver.lines("user").hover()
    await driver.lines("user").get_by_test_id("delete").click()
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(0)
    assert kept(data_dir) == []


async def test_a_picture_goes_along_with_words_that_are_changed_and_with_another_reply(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver, data_dir: Path
) -> None:
    await shown(driver, connected)
    await driver.get("retry").click()
    await expect(driver.get("versions")).to_be_visible()
    assert len(await pictures_sent(provider)) == 1
    await driver.lines("user").hover()
    await driver.lines("user").get_by_test_id("edit").click()
    await expect(driver.get("attachment")).to_have_count(1)
    await driver.say("And this?")
    await expect(driver.lines("user").locator(".line-words")).to_have_text(["And this?"])
    await driver.reply()
    assert len(await pictures_sent(provider)) == 1
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.get("picture")).to_have_count(1)
    assert len(kept(data_dir)) == 1


async def test_a_picture_that_is_gone_says_so(connected: RunningNeko, driver: PageDriver, data_dir: Path) -> None:
    await shown(driver, connected)
    driver.forgive("404")
    for path in kept(data_dir):
        path.unlink()
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.lines("user")).to_contain_text("This picture is no longer kept")
    await expect(driver.get("picture")).to_have_count(0)


async def pictures_sent(provider: ScriptedProvider) -> list[str]:
    return [part["image_url"]["url"] for part in await user_content(provider) if part["type"] == "image_url"]
