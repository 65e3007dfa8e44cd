"""Her stage: the window behind her, a touch, the sheet beside her, and how soon she is there."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from playwright.async_api import Browser, Locator, expect

from neko.web.module_graph import modules_of
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.static_page import ROOT

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.long]

STATIC = ROOT / "neko" / "web" / "static"

TALLEST_BLUSH = """([x, y]) => new Promise((resolve) => {
  const blush = document.querySelector('#avatar [id$="-blush"]');
  let most = 0;
  const observer = new MutationObserver(() => { most = Math.max(most, Number(blush.getAttribute("opacity"))); });
  observer.observe(blush, { attributes: true });
  document.elementFromPoint(x, y).dispatchEvent(new MouseEvent("click", { clientX: x, clientY: y, bubbles: true }));
  setTimeout(() => { observer.disconnect(); resolve(most); }, 1200);
})"""


async def _middle(part: Locator) -> tuple[float, float]:
    box = await part.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def _drawn(driver: PageDriver) -> None:
    await expect(driver.page.locator("#avatar svg")).to_be_visible()


@pytest.mark.parametrize(
    ("part", "answered"),
    [("hairclip", True), ("nose", True), ("ear-left", True), ("ribbon", False), ("cardigan", False)],
)
@pytest.mark.few(2)
async def test_she_answers_a_touch_where_she_likes_it(
    running_neko: RunningNeko, driver: PageDriver, part: str, answered: bool
) -> None:
    page = await driver.open(running_neko.url)
    await _drawn(driver)
    x, y = await _middle(page.locator(f'#avatar [id$="-{part}"]'))
    blush = await page.evaluate(TALLEST_BLUSH, [x, y])
    assert (blush > 0.8) is answered, blush


async def test_a_touch_leaves_the_composer_ready_for_words(running_neko: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(running_neko.url)
    await _drawn(driver)
    await driver.get("composer").focus()
    await page.mouse.click(*await _middle(page.locator('#avatar [id$="-hairclip"]')))
    await expect(driver.get("composer")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.few(1)
async def test_the_window_shows_the_time_of_day_in_the_colours_of_the_theme(
    running_neko: RunningNeko, chromium: Browser, theme: str
) -> None:
    skies: dict[str, str] = {}
    for hour, part in ((3, "night"), (8, "morning"), (14, "day"), (20, "evening")):
        async with PageDriver(chromium, color_scheme=theme) as visitor:
            await visitor.context.clock.set_fixed_time(datetime(2026, 3, 4, hour))
            page = await visitor.open(running_neko.url)
            await expect(page.locator("#stage")).to_have_attribute("data-daytime", part)
            skies[part] = await page.locator(".window").evaluate("(window) => getComputedStyle(window).backgroundImage")
            visitor.check()
    assert len(set(skies.values())) == 4
    lights = {part: sum(map(int, re.findall(r"\d+", sky))) for part, sky in skies.items()}
    assert min(lights, key=lambda part: lights[part]) == "night"


async def test_the_chip_is_there_only_while_something_goes_on(connected: RunningNeko, driver: PageDriver) -> None:
    await driver.open(connected.url)
    chip = driver.get("state")
    await expect(chip).to_have_css("opacity", "0")
    await chip.evaluate("(chip) => { chip.dataset.state = 'thinking'; }")
    await expect(chip).to_have_css("opacity", "1")


async def test_the_sheet_grows_with_what_was_said(running_neko: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(running_neko.url)
    await expect(driver.get("welcome-later")).to_be_visible()
    await driver.get("welcome-later").click()
    talk = page.locator("#talk")
    fresh = await talk.bounding_box()
    assert fresh is not None
    assert fresh["height"] < 300
    await running_neko.remember(60)
    page = await driver.open(running_neko.url)
    full = await page.locator("#talk").bounding_box()
    assert full is not None
    assert full["y"] < 70
    assert abs(full["y"] + full["height"] - fresh["y"] - fresh["height"]) < 2


SHIFTS = """
window.shifted = 0;
const count = (entries) => {
  for (const { hadRecentInput, value } of entries) if (!hadRecentInput) window.shifted += value;
};
window.watcher = new PerformanceObserver((list) => count(list.getEntries()));
window.watcher.observe({ type: "layout-shift", buffered: true });
window.shiftedSoFar = async () => {
  for (let frame = 0; frame < 3; frame += 1) await new Promise((done) => requestAnimationFrame(done));
  count(window.watcher.takeRecords());
  return window.shifted;
};
"""


@pytest.mark.parametrize("lines", [0, 60])
async def test_nothing_on_the_page_moves_when_the_talk_arrives(
    running_neko: RunningNeko, driver: PageDriver, lines: int
) -> None:
    if lines:
        await running_neko.remember(lines)
    await driver.context.add_init_script(SHIFTS)
    page = await driver.open(running_neko.url)
    await expect(driver.lines().last if lines else driver.get("greeting")).to_be_visible()
    assert await page.evaluate("window.shiftedSoFar()") < 0.02


async def test_on_a_phone_the_way_back_is_in_reach_at_every_step(running_neko: RunningNeko, chromium: Browser) -> None:
    async with PageDriver(chromium, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as visitor:
        page = await visitor.open(running_neko.url)
        await visitor.get("welcome-key").tap()
        await page.locator(".tile").last.tap()
        await page.locator(".welcome input:visible").last.scroll_into_view_if_needed()
        back = page.locator(".welcome-head button")
        await expect(back).to_be_in_viewport(ratio=1)
        await back.tap()
        await expect(visitor.get("welcome-key")).to_be_visible()
        visitor.check()


async def test_everything_the_drawing_needs_is_fetched_beside_the_page() -> None:
    template = (ROOT / "neko" / "web" / "templates" / "index.html").read_text("utf-8")
    parts = re.findall(r'"(avatar/\w+\.js)"', template)
    assert set(modules_of(STATIC, *parts)) >= set(modules_of(STATIC, "avatar/avatar.js", "avatar/builtin.js"))
    assert 'href="static/assets/avatar/neko.svg"' in template
