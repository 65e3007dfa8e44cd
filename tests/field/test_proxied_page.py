"""The page behind a reverse proxy, below a path that the proxy may keep to itself, in a real browser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.field.reverse_proxy import reverse_proxy
from tests.page.conftest import browser, driver, tidy_loop
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko

__all__ = ["browser", "driver", "tidy_loop"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROXIES: Mapping[str, tuple[str, bool, bool, Mapping[str, str]]] = {
    "path-stripped": ("/neko", True, True, {}),
    "path-stripped-deep-and-spaced": ("/my%20home/cat", True, True, {}),
    "path-handed-on": ("/neko", False, True, {"NEKO_ROOT_PATH": "/neko/"}),
    "path-stripped-though-named": ("/neko", True, True, {"NEKO_ROOT_PATH": "neko"}),
}


@pytest.mark.parametrize(("prefix", "strips", "keeps_host", "environ"), PROXIES.values(), ids=PROXIES)
@pytest.mark.few(2)
async def test_behind_a_proxy_she_talks_and_the_page_finds_itself_again(
    tidy_loop: None,
    driver: PageDriver,
    data_dir: Path,
    prefix: str,
    strips: bool,
    keeps_host: bool,
    environ: Mapping[str, str],
) -> None:
    async with (
        RunningNeko(data_dir, voice="off", environ=environ) as home,
        reverse_proxy(home.listener.port, prefix, strips=strips, keeps_host=keeps_host) as address,
    ):
        page = await driver.open(f"{address}/")
        await driver.say("hello")
        await driver.reply(1)
        await expect(page.locator("#avatar svg")).to_have_count(1)
        await page.evaluate("location.hash = 'settings/model'")
        await expect(page.get_by_text("One moment…")).to_have_count(0)
        page = await driver.open(f"{address}/Mio")
        await expect(driver.lines("assistant")).to_have_count(1)
        await page.close()


async def test_a_proxy_that_puts_in_its_own_host_works_once_the_owner_has_named_it(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    home = RunningNeko(data_dir, voice="off")
    async with home:
        port = home.listener.port
        async with reverse_proxy(port, "/neko", strips=True, keeps_host=False) as address:
            await home.stop()
            home.environ["NEKO_ALLOWED_HOSTS"] = address.removeprefix("http://").removesuffix("/neko")
            await home.start()
            page = await driver.open(f"{address}/")
            await driver.say("hello")
            await driver.reply(1)
            await page.close()  # it may still be loading an icon, which the proxy's end would cut


async def test_the_token_in_the_address_is_taken_below_a_path(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    token = "correct horse battery staple"
    async with (
        RunningNeko(data_dir, voice="off", token=token) as home,
        reverse_proxy(home.listener.port, "/neko", strips=True, keeps_host=True) as address,
    ):
        page = await driver.open(f"{address}/Mio?token=correct%20horse%20battery%20staple")
        assert page.url == f"{address}/Mio"
        await driver.say("hello")
        await driver.reply(1)
        await page.close()
