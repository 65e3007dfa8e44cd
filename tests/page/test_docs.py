"""The page that shows what programs can ask, and lets it be tried."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.page.running_neko import RunningNeko
from tests.page.test_axe import AXE, SIZES, SURVEY, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_call_is_shown_and_can_be_tried_without_another_host(
    chromium: Browser, running_neko: RunningNeko
) -> None:
    async with Visitor(chromium, viewport=SIZES["phone"]) as visitor:
        await visitor.context.add_init_script(path=SURVEY)
        await visitor.context.add_init_script(path=AXE)
        page = await visitor.open(f"{running_neko.url}/docs", ready=False)
        docs = visitor.get("docs")
        await docs.locator("#operations-tag-application").click()
        await visitor.look("what programs can ask", spared=("heading-order", "region"))
        assert await page.evaluate("survey.outside()") == []
        call = docs.locator("#operations-application-get_health")
        await call.locator(".opblock-summary-control").click()
        await call.get_by_role("button", name="Try it out").click()
        await call.get_by_role("button", name="Execute").click()
        await expect(call.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
