"""From a running process to a page one can write on, in Chromium; what she costs there at rest.

The floor of a start is a page of one line and one field, in the same browser; that of her rest is our page with her
drawing stopped.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Literal

import psutil
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.bench import processes
from tests.bench.figures import median, show
from tests.chromium import FLAGS, find_chromium

ROUNDS = 5
SETTLE = 25.0
"""Seconds until the start is over and she is at rest, which she is more when nobody has been about for twenty."""
REST = 40.0
VIEWPORT: ViewportSize = {"width": 1440, "height": 900}
Motion = Literal["no-preference", "reduce"]
FLOOR_PAGE = "data:text/html,<title>floor</title><p>hello</p><textarea data-testid=composer></textarea>"
STOP_DRAWING = """() => {
  Object.defineProperty(document, "hidden", { get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def until_usable(page: Page, url: str) -> float:
    """Seconds from the address to a key that arrived in the composer."""
    began = time.perf_counter()
    await page.goto(url, wait_until="commit")
    composer = page.get_by_test_id("composer")
    await composer.click()
    await page.keyboard.press("a")
    await expect(composer).to_have_value("a")
    return time.perf_counter() - began


async def start_of_a_page(browser: Browser) -> tuple[float, float, int]:
    """Seconds of the floor and of ours, each process and each profile a fresh one, and the requests of ours."""
    async with await browser.new_context(viewport=VIEWPORT) as context:
        floor = await until_usable(await context.new_page(), FLOOR_PAGE)
    async with processes.neko() as server, await browser.new_context(viewport=VIEWPORT) as context:
        requests: list[str] = []
        page = await context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        usable = await until_usable(page, server.url)
        await page.wait_for_load_state("networkidle")
        return floor, usable, len(requests)


def processor_seconds(path: str) -> float:
    """Of all processes of the browser that this program has started."""
    own = [one for one in psutil.Process().children(recursive=True) if Path(one.exe()).name.startswith(Path(path).name)]
    return sum(sum(one.cpu_times()[:2]) for one in own)


async def at_rest(
    browser: Browser, path: str, url: str, motion: Motion = "no-preference", *, stopped: bool = False
) -> float:
    """The browser's percentage of one core while nothing happens on a page; ``stopped``: she is not drawn either."""
    async with await browser.new_context(viewport=VIEWPORT, reduced_motion=motion) as context:
        page = await context.new_page()
        await page.goto(url)
        await asyncio.sleep(SETTLE)
        if stopped:
            await page.evaluate(STOP_DRAWING)
        before = processor_seconds(path)
        await asyncio.sleep(REST)
        return 100 * (processor_seconds(path) - before) / REST


async def measure() -> None:
    path = find_chromium()
    assert path is not None, "no Chromium that runs"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        rounds = [await start_of_a_page(browser) for _ in range(ROUNDS)]
        floor, usable = (median([one[at] for one in rounds]) for at in (0, 1))
        show("process up → composer takes a key", f"{usable:.2f} s", f"{floor:.2f} s", usable / floor, "≤ 1.0 s")
        show("requests of a first visit", f"{rounds[-1][2]}")
        nothing = await at_rest(browser, path, FLOOR_PAGE)
        async with processes.neko() as server:
            moving = await at_rest(browser, path, server.url)
            stopped = await at_rest(browser, path, server.url, stopped=True)
            gentle = await at_rest(browser, path, server.url, "reduce")
        show("avatar at rest, of one core, without a GPU", f"{moving:.2f} %", f"{stopped:.2f} %", None, "≤ 3 %")
        show("the same with reduced motion", f"{gentle:.2f} %", f"{stopped:.2f} %")
        show("a page of one line at rest", f"{nothing:.2f} %")
        await browser.close()


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
