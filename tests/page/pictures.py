"""Makes the pictures of the README from the running product: `python -m tests.page.pictures`."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from playwright.async_api import async_playwright

from neko.types.lines import NewLine
from tests.chromium import FLAGS, find_chromium
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko

FOLDER = Path(__file__).parents[2] / "assets" / "pictures"
SIZE = {"width": 1280, "height": 800}
EVENING = datetime.now().replace(hour=18, minute=40)
SAID = ("My name is Robin.", "I had a long day.", "What is 15% of 48?", "You are sweet.")
"""Her answers are those of the model that the picture names: the built-in one."""


async def make() -> None:
    """One picture for each theme, by the clock of an evening."""
    FOLDER.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        for theme in ("light", "dark"):
            with tempfile.TemporaryDirectory() as folder:
                async with RunningNeko(Path(folder), voice="off") as neko:
                    await _remember(neko)
                    async with PageDriver(browser, blurs=True, viewport=SIZE, color_scheme=theme) as driver:
                        await driver.context.clock.install(time=EVENING)
                        await driver.open(neko.url)
                        await driver.context.clock.run_for(9_000)
                        await driver.page.evaluate("document.activeElement?.blur()")
                        await driver.page.screenshot(path=FOLDER / f"neko-{theme}.png")
        await browser.close()


async def _remember(neko: RunningNeko) -> None:
    """Have the talk, and lay it into the evening."""
    for text in SAID:
        async for _ in neko.neko.chat(NAME, text):
            pass
    lines = await neko.neko.memory.lines(NAME)
    await neko.neko.memory.delete(NAME, [line.id for line in lines])
    for number, line in enumerate(lines):
        at = EVENING - timedelta(minutes=len(lines) - number)
        await neko.neko.memory.store(NAME, NewLine("picture", line.turn_id, line.role, line.text, at))


if __name__ == "__main__":
    asyncio.run(make())
