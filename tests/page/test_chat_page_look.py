"""Sizes, themes, keyboard and screen readers: the page can be used by everybody, everywhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from neko.llm.embeddings import models as embedding_models
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

SURVEY = Path(__file__).with_name("layout_check.js")
PHONE = (390, 844)
LAPTOP = (1440, 900)
PAGES = ("model", "voice", "hearing", "microphone", "look", "language", "characters", "about")
WIDE = f"""```
{"a very long line of code " * 12}
```

supercalifragilistic{"o" * 90}

| a | b |
|---|---|
| {"wide " * 30} | cell |
"""
FIGURE = """async () => {
  const seen = new Set();
  const until = performance.now() + 700;
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const part = (name) => document.querySelector(`#avatar [id$="-${name}"]`).getAttribute("transform");
    seen.add(["figure", "head", "ear-left", "torso"].map(part).join());
  }
  return seen.size;
}"""
ROLES = "button|textbox|combobox|slider|checkbox|switch|radio|link|img|log|dialog"
UNNAMED = re.compile(rf"^\s*- ({ROLES})(\s\[|:|$)", re.MULTILINE)
FOCUSED = """() => {
  const here = document.activeElement;
  const ringed = (one) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  };
  return [here === document.body ? "" : here.id || here.className, ringed(here.closest(".composer-row") ?? here)];
}"""
ORDER = ["name", "connection", "menu-button", "log", "attach", "composer", "send"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def talker() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider(default=Script(["**Well.** ", WIDE])) as scripted:
        yield scripted


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(talker: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningNeko]:
    """One Neko for all tests of this module, with a talk of a few days.

    It is there before what keeps a single test from the models that are installed here, so it does so itself. The
    threads in which its memory searches begin here as well: they would count as left behind by the first test.
    """
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test", "NEKO_OPENAI_BASE_URL": talker.base_url}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding_models, "installed", list)
        async with RunningNeko(tmp_path_factory.mktemp("home") / "data", environ=environ, voice="off") as running_neko:
            await running_neko.remember(30)
            await asyncio.gather(running_neko.lines(), running_neko.neko.memory.recall(NAME, "line"))
            yield running_neko


async def visit(driver: PageDriver, running_neko: RunningNeko, size: tuple[int, int] = LAPTOP) -> None:
    await driver.context.add_init_script(path=SURVEY)
    page = await driver.open("about:blank", ready=False)
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await page.goto(running_neko.url)
    await driver.until_ready()
    await expect(driver.lines().last).to_be_in_viewport()


async def stays_inside(driver: PageDriver) -> None:
    assert await driver.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await driver.page.evaluate("survey.outside()") == []


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.few(2)
async def test_the_page_fits_and_can_be_read_in_every_theme(
    home: RunningNeko, driver: PageDriver, size: tuple[int, int]
) -> None:
    await visit(driver, home, size)
    page = driver.page
    before = await driver.lines("assistant").count()
    await driver.say("Show me something wide")
    await driver.reply(before + 1)
    await expect(driver.get("composer")).to_be_in_viewport(ratio=1)
    await stays_inside(driver)
    papers = set()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await expect(page.locator("html")).to_have_attribute("data-theme", scheme)
        papers.add(await page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper')"))
        await page.evaluate("survey.settled()")
        for role in ("user", "assistant"):
            line = driver.lines(role).last.locator(".line-words")
            assert await line.evaluate("(line) => survey.contrast(line)") >= 4.5
        assert await page.evaluate("survey.faint('#talk', 4.5)") == []
        await driver.get("menu").click()
        await page.evaluate("survey.settled()")
        assert await page.evaluate("survey.faint('#menu', 4.5)") == []
        await page.keyboard.press("Escape")
    assert len(papers) == 2
    await driver.get("composer").fill("draft")
    assert await page.evaluate("survey.small('body', 40)") == []
    last, composer = await driver.lines().last.bounding_box(), await page.locator("#composer-form").bounding_box()
    assert last
    assert composer
    assert last["y"] + last["height"] <= composer["y"] + 1


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
async def test_every_settings_page_fits_and_can_be_read(
    home: RunningNeko, driver: PageDriver, size: tuple[int, int]
) -> None:
    await visit(driver, home, size)
    page = driver.page
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        for name in PAGES:
            await page.evaluate("(name) => { location.hash = `settings/${name}`; }", name)
            await expect(driver.get(f"settings-{name}")).to_have_attribute("aria-current", "page")
            await expect(page.get_by_text("One moment…")).to_have_count(0)
            if name == "model":
                await driver.get("provider-custom").click()
            await page.evaluate("survey.settled()")
            assert await page.evaluate("survey.faint('#settings', 4.5)") == [], name
            if scheme == "light":
                assert await page.evaluate("survey.small('#settings', 40)") == [], name
                await stays_inside(driver)


async def test_the_theme_can_be_chosen_and_stays_chosen(home: RunningNeko, driver: PageDriver) -> None:
    await visit(driver, home)
    page = driver.page
    root = page.locator("html")
    await page.evaluate("location.hash = 'settings/look'")
    for theme in ("dark", "contrast", "light"):
        await driver.get("theme").select_option(theme)
        await expect(root).to_have_attribute("data-theme", theme)
    await driver.get("theme").select_option("dark")
    await driver.get("text-size").select_option("huge")
    await expect(root).to_have_attribute("data-text-size", "huge")
    await page.reload()
    await driver.until_ready()
    await expect(root).to_have_attribute("data-theme", "dark")
    await expect(root).to_have_attribute("data-text-size", "huge")
    await stays_inside(driver)


async def test_the_talk_can_have_the_whole_window_without_her(home: RunningNeko, driver: PageDriver) -> None:
    await visit(driver, home, PHONE)
    page = driver.page
    await page.evaluate("location.hash = 'settings/look'")
    await driver.get("avatar-toggle").click()
    await expect(page.locator("#avatar svg")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(driver.get("composer")).to_be_in_viewport(ratio=1)
    await driver.until("() => document.getElementById('talk').getBoundingClientRect().height > 700")
    await stays_inside(driver)


async def test_without_her_drawing_the_reader_is_told_and_the_talk_goes_on(
    home: RunningNeko, driver: PageDriver
) -> None:
    driver.forgive("404")
    await driver.context.route("**/neko.svg", lambda route: route.fulfill(status=404, body=""))
    page = await driver.open(home.url)
    await expect(driver.get("toast")).to_have_text("She cannot be drawn here, so we go on in writing.")
    await expect(page.locator("#app")).to_have_attribute("data-avatar", "off")
    before = await driver.lines("assistant").count()
    await driver.say("Are you there?")
    await driver.reply(before + 1)


async def test_who_is_sent_away_while_she_loads_does_not_come(home: RunningNeko, driver: PageDriver) -> None:
    held: asyncio.Queue[Route] = asyncio.Queue()
    await driver.context.route("**/neko.svg", held.put_nowait)
    page = await driver.open(home.url)
    request = await asyncio.wait_for(held.get(), timeout=20)
    await page.evaluate("location.hash = 'settings/look'")
    await driver.get("avatar-toggle").click()
    await expect(page.locator("#app")).to_have_attribute("data-avatar", "off")
    async with page.expect_response("**/neko.svg"):
        await request.continue_()
    await page.evaluate("async () => { for (let n = 0; n < 5; n += 1) await new Promise(requestAnimationFrame); }")
    await expect(page.locator("#avatar svg")).to_have_count(0)


async def test_every_control_has_a_name_for_a_screen_reader(home: RunningNeko, driver: PageDriver) -> None:
    await visit(driver, home)
    page = driver.page
    await driver.get("menu").click()
    snapshot = await page.locator("body").aria_snapshot()
    assert UNNAMED.findall(snapshot) == [], snapshot
    await page.keyboard.press("Escape")
    log = page.get_by_role("log")
    await expect(log).to_have_attribute("aria-live", "polite")
    await expect(log).to_have_accessible_name("What was said")
    await expect(page.locator("#state")).to_have_attribute("role", "status")
    for name in PAGES:
        await page.evaluate("(name) => { location.hash = `settings/${name}`; }", name)
        await expect(driver.get(f"settings-{name}")).to_have_attribute("aria-current", "page")
        await expect(page.get_by_text("One moment…")).to_have_count(0)
        if name == "model":
            await driver.get("provider-custom").click()
        snapshot = await page.locator("#settings").aria_snapshot()
        assert UNNAMED.findall(snapshot) == [], snapshot


async def test_the_tab_key_reaches_everything_and_focus_is_seen(home: RunningNeko, driver: PageDriver) -> None:
    await visit(driver, home)
    page = driver.page
    reached = []
    unseen = []
    await driver.get("composer").fill("something")
    await driver.get("name").focus()
    for _ in range(24):
        here, ring = await page.evaluate(FOCUSED)
        reached.append(here)
        if not ring:
            unseen.append(here)
        await page.keyboard.press("Tab")
    assert [name for name in reached if name in ORDER][: len(ORDER)] == ORDER
    assert set(unseen) <= {""}, unseen


async def test_reduced_motion_keeps_her_still(home: RunningNeko, driver: PageDriver) -> None:
    await visit(driver, home)
    await expect(driver.page.locator("#avatar svg")).to_be_visible()
    await driver.page.mouse.move(600, 300)
    assert await driver.page.evaluate(FIGURE) > 3
    await driver.page.emulate_media(reduced_motion="reduce")
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.page.locator("#avatar svg")).to_be_visible()
    await driver.page.mouse.move(0, 0)
    assert await driver.page.evaluate(FIGURE) <= 3


async def test_the_foot_of_a_line_under_the_mouse_covers_no_words_and_no_other_line(
    home: RunningNeko, driver: PageDriver
) -> None:
    await visit(driver, home)
    lines = driver.page.locator(".line[data-testid=line]:not(.is-last)")
    for line in [lines.nth(-2), lines.nth(-1)]:  # one of each side
        await line.hover()
        await expect(line.locator(".line-foot")).to_have_css("opacity", "1")
        words_end, foot_top, foot_end, next_top = await line.evaluate("""(line) => {
          const range = new Range();
          range.selectNodeContents(line.querySelector(".line-words"));
          const foot = line.querySelector(".line-foot").getBoundingClientRect();
          const others = [...document.querySelectorAll(".line-words, .day")];
          const tops = others.map((one) => one.getBoundingClientRect().top);
          const next = Math.min(...tops.filter((top) => top > foot.top));
          return [range.getBoundingClientRect().bottom, foot.top, foot.bottom, next];
        }""")
        assert words_end <= foot_top + 1
        assert foot_end <= next_top + 0.5


async def test_a_phone_with_touch_can_open_the_foot_of_a_line(home: RunningNeko, chromium: Browser) -> None:
    async with PageDriver(chromium, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as phone:
        page = await phone.open(home.url)
        line = phone.lines("assistant").nth(-2)
        await line.locator(".line-words").tap()
        await expect(line).to_have_class(re.compile("is-open"))
        await expect(line.locator(".line-copy")).to_be_visible()
        await phone.get("composer").tap()
        await expect(phone.get("composer")).to_be_focused()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        phone.check()
