"""The page of tasks and tools with what is real behind it: plug-ins in their processes, and signing in to a server, on
a laptop and a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.agent.plugins.conftest import Shelf
from tests.agent.test_mcp_servers import free_port
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.test_agent_page import visit
from tests.scripted_sign_in import signed_in_server

pytestmark = pytest.mark.asyncio(loop_scope="session")

KETTLE = """
class P(NekoPluginBase):
    @plugin_entry(id="boil", name="Boil", description="Heats <b>water</b>.",
                  extra={"read_only": True, "open_world": False})
    def boil(self):
        return "hot"

    @lifecycle(id="startup")
    def startup(self):
        print("the kettle is on")
"""
FITS = "(it) => it.scrollWidth <= it.clientWidth"
SIZES = [
    pytest.param({"width": 390, "height": 844}, id="phone"),
    pytest.param({"width": 1440, "height": 900}, id="laptop", marks=pytest.mark.long),
]


@pytest.mark.parametrize("size", SIZES)
async def test_a_plug_in_is_started_looked_into_and_stopped(
    chromium: Browser, running_neko: RunningNeko, data_dir: Path, size: ViewportSize
) -> None:
    Shelf(data_dir / "plugins").put("kettle", KETTLE, more='name = "Kettle"\nversion = "1.2.3"\n')
    async with PageDriver(chromium, viewport=size) as driver:
        await visit(running_neko, driver, "plugins")
        await expect(driver.page.locator("a[href='./#settings/abilities']")).to_be_visible()
        switches = running_neko.neko.agent.switches
        await switches.set_master(True)
        switches.flags["user_plugin_enabled"] = running_neko.neko.plugins.on = True
        await running_neko.neko.plugins.learn()
        await driver.page.reload()
        card = driver.page.locator("[data-testid=plugin]", has_text="Kettle")
        await expect(card).to_contain_text("1.2.3")
        await expect(card.locator(".tool-words")).to_have_text("Heats <b>water</b>.")
        await expect(card.locator("[data-act=read]")).to_be_visible()
        await expect(card).to_have_attribute("data-state", "off")
        await card.get_by_test_id("plugin-start").click()
        await expect(card).to_have_attribute("data-state", "ready")
        await card.get_by_test_id("plugin-log").click()
        await expect(card.locator(".log-lines")).to_contain_text("the kettle is on")
        assert await driver.page.locator("#page").evaluate(FITS)
        await card.get_by_test_id("plugin-reload").click()
        await expect(card).to_have_attribute("data-state", "ready")
        await card.get_by_test_id("plugin-stop").click()
        await expect(card).to_have_attribute("data-state", "off")
        driver.check()


@pytest.mark.parametrize("size", SIZES)
async def test_who_signs_in_to_a_server_comes_back_to_its_tools_and_can_sign_out(
    chromium: Browser, running_neko: RunningNeko, size: ViewportSize
) -> None:
    mcp = running_neko.neko.mcp
    mcp.use(True)
    async with signed_in_server(await free_port()) as people, PageDriver(chromium, viewport=size) as driver:
        await mcp.put("guarded", {"url": f"{people.url}/mcp"})
        await visit(running_neko, driver, "mcp")
        server = driver.page.locator("[data-testid=server][data-name=guarded]")
        await server.get_by_test_id("server-sign-in").click()
        await expect(driver.get("toast")).to_contain_text("guarded")
        await expect(driver.page).to_have_url(f"{running_neko.url}/agent#mcp")
        await expect(server.get_by_test_id("server-state")).to_have_text("Ready")
        await expect(server.get_by_test_id("server-tools").first).to_contain_text("1")
        await expect(server.get_by_test_id("server-sign-in")).to_have_count(0)
        assert await driver.page.locator("#page").evaluate(FITS)
        await server.get_by_test_id("server-sign-out").click()
        await expect(server.get_by_test_id("server-sign-in")).to_be_visible()
        await expect(server.get_by_test_id("server-sign-out")).to_have_count(0)
        assert not mcp.signed_in("guarded")
        driver.check()
        await mcp.remove("guarded")
