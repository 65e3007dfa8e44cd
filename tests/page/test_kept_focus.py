"""By keyboard alone: whatever is drawn anew below the fingers, one stays where one was."""

from __future__ import annotations

import io

import pytest
from playwright.async_api import expect

from tests import avatar_files
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_part_that_is_chosen_keeps_the_focus_on_its_tab(running_neko: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(f"{running_neko.url}/memory_browser", ready=False)
    await expect(page.locator("html")).to_have_attribute("data-ready", "")
    for name in ("summaries", "known", "days"):
        await driver.get(f"tab-{name}").press("Enter")
        await expect(driver.get(f"tab-{name}")).to_have_attribute("aria-current", "page")
        await expect(driver.get(f"tab-{name}")).to_be_focused()
    await page.goto(f"{running_neko.url}/agent#rules")
    await expect(page.locator("html")).to_have_attribute("data-ready", "")
    await driver.get("to-servers").press("Enter")
    await expect(driver.get("tab-mcp")).to_have_attribute("aria-current", "page")
    await expect(driver.get("tab-mcp")).to_be_focused()


async def test_after_a_line_that_is_forgotten_comes_the_next_and_no_key_forgets_that_too(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await running_neko.remember(6, days=1)
    page = await driver.open(f"{running_neko.url}/memory_browser", ready=False)
    lines = driver.get("memory-line")
    await expect(lines.nth(1)).to_be_visible()
    here, count = await lines.nth(1).get_attribute("data-id"), await lines.count()
    await lines.first.get_by_test_id("forget").press("Enter")
    await expect(lines).to_have_count(count - 1)
    await expect(page.locator(f'[data-id="{here}"]')).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(lines.first.get_by_test_id("correct")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(page.locator(f'[data-id="{here}"]').get_by_role("textbox")).to_have_count(0)
    await expect(page.locator(f'[data-id="{here}"]')).to_be_focused()
    await expect(lines).to_have_count(count - 1)


async def test_a_model_that_was_given_has_the_focus_and_one_that_is_clicked_does_not_take_it_elsewhere(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await running_neko.neko.avatars.take([("mio.zip", io.BytesIO(avatar_files.archive(avatar_files.live2d())))])
    page = await driver.open(f"{running_neko.url}/model_manager?lanlan_name={NAME}", ready=False)
    await page.locator('[data-name="mio"]').get_by_test_id("model-give").press("Enter")
    await expect(page.locator('[data-name="mio"]').get_by_test_id("model-has")).to_be_visible()
    await expect(page.locator('[data-name="mio"]')).to_be_focused()
    await page.get_by_role("heading", level=1).click()
    await driver.get("model").first.get_by_test_id("model-give").dispatch_event("click")
    await expect(driver.get("model").first.get_by_test_id("model-has")).to_be_visible()
    await expect(page.locator("body")).to_be_focused()
    await page.evaluate("location.hash = 'live2d/mio'")
    await page.locator(".model-head").get_by_test_id("model-give").press("Enter")
    await expect(page.locator(".model-head")).to_be_focused()


async def test_settings_that_the_address_opened_leave_one_at_the_menu_and_a_backup_is_read_from_its_head(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(f"{running_neko.url}/#settings/backup")
    await driver.get("backup-make").press("Enter")
    await expect(driver.get("backup")).to_have_attribute("data-state", "made")
    await expect(driver.get("backup").locator("> *").first).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(driver.get("backup-done")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(driver.get("menu")).to_be_focused()
