"""The page that shows how every part is just now."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.page.page_driver import LOST
from tests.page.running_neko import NAME, RunningNeko
from tests.page.test_axe import AXE, SIZES, SURVEY, Visitor
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_monitor_shows_a_talk_as_it_goes_and_says_when_neko_is_gone(
    chromium: Browser, connected: RunningNeko, provider: ScriptedProvider
) -> None:
    provider.default = Script(["Hello ", "there!"])
    async with Visitor(chromium, viewport=SIZES["phone"]) as visitor:
        visitor.forgive(*LOST)
        await visitor.context.add_init_script(path=SURVEY)
        await visitor.context.add_init_script(path=AXE)
        page = await visitor.open(f"{connected.url}/monitor", ready=False)
        talks = visitor.get("monitor-conversations")
        await expect(talks).to_contain_text("Nobody has talked with her")
        await expect(visitor.get("link")).to_have_text("Connected")
        async for _ in connected.neko.chat(NAME, "Hello"):
            pass
        await expect(talks.locator("h3")).to_have_text([NAME])
        await expect(visitor.get("monitor-hosts")).to_contain_text("127.0.0.1")
        await expect(visitor.get("monitor-faults")).to_be_hidden()
        await visitor.look("monitor")
        assert await page.evaluate("survey.outside()") == []
        await connected.stop()
        await expect(visitor.get("gone")).to_contain_text("The connection to Neko is lost. This is how it was at")
        await expect(talks.locator("h3")).to_have_text([NAME])
        await visitor.look("monitor of one that is gone")
        await connected.start()
        await expect(visitor.get("link")).to_have_text("Connected")
        await expect(talks).to_contain_text("Nobody has talked with her")
