"""Keys on the page: one that another program left is offered; one that was given can be deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.test_chat_page_settings import to_page
from tests.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_exported_key_is_offered_on_the_first_visit_and_used_after_the_click(
    data_dir: Path, provider: ScriptedProvider, driver: PageDriver
) -> None:
    """[E18]"""
    environ = {"OPENAI_API_KEY": "sk-of-another", "OPENAI_BASE_URL": provider.base_url}
    async with RunningNeko(data_dir, environ=environ, voice="off") as neko:
        await driver.open(neko.url)
        await expect(driver.get("welcome-borrowed")).to_contain_text("OPENAI_API_KEY")
        await expect(driver.get("connection")).to_have_attribute("data-state", "builtin")
        assert provider.chats == []
        await driver.get("welcome-borrowed").click()
        await expect(driver.get("welcome")).to_have_count(0)
        await expect(driver.get("toast")).to_contain_text("scripted-1")
        await expect(driver.get("connection")).not_to_have_attribute("data-state", "builtin")
        await driver.say("hello")
        assert await driver.reply() == "Hello from the scripted model."
        assert provider.chats[-1].json["model"] == "scripted-1"


async def test_an_exported_key_is_offered_in_the_settings(
    data_dir: Path, provider: ScriptedProvider, driver: PageDriver
) -> None:
    """[E18]"""
    environ = {"OPENAI_API_KEY": "sk-of-another", "OPENAI_BASE_URL": provider.base_url}
    async with RunningNeko(data_dir, environ=environ, voice="off") as neko:
        await driver.open(neko.url)
        await driver.get("welcome-later").click()
        await to_page(driver, "model")
        await expect(driver.get("settings")).to_contain_text("OPENAI_API_KEY")
        await driver.get("use-borrowed").click()
        await expect(driver.get("connection")).not_to_have_attribute("data-state", "builtin")
        await driver.say("hello")
        assert await driver.reply() == "Hello from the scripted model."
        assert await driver.violations() == []


async def test_a_key_that_was_given_can_be_deleted(running_neko: RunningNeko, driver: PageDriver) -> None:
    await running_neko.neko.config.change({"assistApi": "qwen", "assistApiKeyQwen": "sk-mine-0123456789abcdef"})
    page = await driver.open(running_neko.url)
    await to_page(driver, "model")
    await driver.get("provider-qwen").click()
    await driver.get("model-forget").click()
    await expect(driver.get("model-forget")).to_have_count(0)
    await expect(driver.get("connection")).to_have_attribute("data-state", "builtin")
    await page.reload()
    await to_page(driver, "model")
    await driver.get("provider-qwen").click()
    await expect(driver.get("model-key")).to_be_visible()
    await expect(driver.get("model-forget")).to_have_count(0)
    assert "sk-mine" not in str(running_neko.neko.config.values)


async def test_a_key_of_the_environment_says_so_and_cannot_be_deleted(
    connected: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(connected.url)
    await to_page(driver, "model")
    await driver.get("provider-openai").click()
    await expect(driver.get("key-from")).to_contain_text("NEKO_ASSIST_API_KEY_OPENAI")
    await expect(driver.get("model-forget")).to_have_count(0)
