"""What it takes to read a page of 5,000 nodes: in time next to Playwright's own snapshot, in tokens next to that."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from neko.agent.browser.gate import Gate
from neko.agent.browser.hand import BrowserHand, BrowserOptions
from neko.agent.browser.pages import PAGE_TOKENS
from neko.agent.browser.snapshot import parts_of, snapshot_of
from neko.llm.tokens import estimate_tokens
from neko.net import Network
from neko.types.hands import Job
from tests.bench.figures import median, ms, show
from tests.chromium import find_chromium

ROUNDS = 9
ROWS = 1_250
"""Of four nodes each."""


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def read(folder: Path, program: str) -> None:
    hand = BrowserHand(folder, Network(), Gate(), lambda: BrowserOptions(visible=False, program=program))
    workspace = await hand.open(Job("bench", "Neko", "", folder))
    page = (await workspace._pages.open(new=True)).page
    row = "<li><a href=/item/{0}>Item {0}</a> <span>costs {0}</span> <button>Add {0}</button></li>"
    page.set_default_timeout(60_000)  # on a machine that is busy, too
    await page.set_content("<ul>" + "".join(row.format(number) for number in range(ROWS)) + "</ul>")
    ours, theirs, bare = [], [], []
    for _ in range(ROUNDS):
        theirs.append(await timed(lambda: page.aria_snapshot(mode="ai")))
        ours.append(await timed(lambda: snapshot_of(page)))
        bare.append(await timed(lambda: page.evaluate("document.body.innerText")))
    raw, tidy = await page.aria_snapshot(mode="ai"), await snapshot_of(page)
    floor = median(theirs)
    show("snapshot of 5,000 nodes", ms(median(ours)), ms(floor), median(ours) / floor, "≤ 1.2×")
    show("… against the bare text of the page", ms(median(ours)), ms(median(bare)), median(ours) / median(bare))
    size, floor_size = estimate_tokens(tidy), estimate_tokens(raw)
    show("… tokens", str(size), str(floor_size), size / floor_size, "≤ 1×")
    show(
        "… tokens that a model is shown at once",
        str(estimate_tokens(parts_of(tidy, PAGE_TOKENS)[0])),
        "",
        None,
        "≤ 3000",
    )
    await workspace.aclose()
    await hand.aclose()


def main() -> None:
    program = find_chromium()
    assert program is not None, "no Chromium that runs"
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(read(Path(folder), program))


if __name__ == "__main__":
    main()
