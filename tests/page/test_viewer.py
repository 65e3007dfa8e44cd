"""The overlay of a stream: on nothing, with her words as they come."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.client import client
from tests.page.running_neko import NAME, RunningNeko
from tests.page.test_axe import AXE, SIZES, SURVEY, Visitor
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAINTED = """() => ["html", "body", "#app", "#overlay", "#avatar"].filter(
  (one) => getComputedStyle(document.querySelector(one)).backgroundColor !== "rgba(0, 0, 0, 0)")"""


async def test_the_overlay_shows_her_and_her_words_on_nothing(
    chromium: Browser, connected: RunningNeko, provider: ScriptedProvider
) -> None:
    provider.default = Script(["Hello ", "**stream**", "!"])
    async with Visitor(chromium, viewport=SIZES["laptop"]) as visitor:
        await visitor.context.add_init_script(path=SURVEY)
        await visitor.context.add_init_script(path=AXE)
        visitor.page = await visitor.context.new_page()
        await visitor.page.goto(f"{connected.url}/viewer?name={NAME}")
        await expect(visitor.page.locator("#avatar svg")).to_be_visible()
        await expect(visitor.get("overlay")).to_have_attribute("data-state", "online")
        async with client(connected.url.replace("http", "ws", 1), NAME) as owner:
            await owner.say("Hello")
            await owner.reply()
        await expect(visitor.get("subtitle")).to_have_text("Hello stream!")
        assert await visitor.page.evaluate(PAINTED) == []
        await visitor.look("overlay")
        assert await visitor.page.evaluate("violations") == []
        visitor.check()
