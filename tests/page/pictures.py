"""Makes the pictures of the README from the running product: `python -m tests.page.pictures`."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from playwright.async_api import async_playwright

from neko.types.lines import NewLine, Role
from tests.chromium import FLAGS, find_chromium
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko

FOLDER = Path(__file__).parents[2] / "assets" / "pictures"
SIZE = {"width": 1280, "height": 800}
EVENING = datetime.now().replace(hour=18, minute=40)
TALK: tuple[tuple[Role, str], ...] = (
    ("user", "I'm home. It rained all the way."),
    ("assistant", "Come in, sit down! Tea first, or the story of the umbrella?"),
    ("user", "Tea. And remind me what I wanted to cook tonight?"),
    (
        "assistant",
        "You said on Sunday: *the tomato soup with basil*. You have everything but cream.\n\n"
        "- [x] tomatoes, onions\n- [x] basil, from the window\n- [ ] cream",
    ),
    ("user", "You remembered the basil :)"),
    ("assistant", "Of course. It has been on your windowsill since March."),
)


async def make() -> None:
    """One picture for each theme, by the clock of an evening."""
    FOLDER.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        for theme in ("light", "dark"):
            with tempfile.TemporaryDirectory() as folder:
                async with RunningNeko(Path(folder), voice="off") as neko:
                    await _remember(neko)
                    async with PageDriver(browser, viewport=SIZE, color_scheme=theme) as driver:
                        await driver.context.clock.install(time=EVENING)
                        await driver.open(neko.url)
                        await driver.context.clock.run_for(9_000)
                        await driver.page.evaluate("document.activeElement?.blur()")
                        await driver.page.screenshot(path=FOLDER / f"neko-{theme}.png")
        await browser.close()


async def _remember(neko: RunningNeko) -> None:
    at = EVENING - timedelta(minutes=len(TALK))
    for number, (role, text) in enumerate(TALK):
        line = NewLine("picture", f"t{number}", role, text, at + timedelta(minutes=number))
        await neko.neko.memory.store(NAME, line)


if __name__ == "__main__":
    asyncio.run(make())
