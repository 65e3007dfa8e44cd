"""The page of what she remembers, in a real browser: find, correct, forget, undo; on a phone and a laptop."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from neko.memory import facts
from neko.types.lines import NewLine, Role
from neko.types.memory import USER, InChats
from tests.memory.test_imports import theirs
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = {"phone": {"width": 390, "height": 844}, "laptop": {"width": 1440, "height": 900}}


@pytest_asyncio.fixture(loop_scope="session", params=list(SIZES))
async def visitor(chromium: Browser, request: pytest.FixtureRequest) -> AsyncIterator[PageDriver]:
    async with PageDriver(chromium, viewport=SIZES[request.param]) as driver:
        yield driver
        driver.check()


async def said(neko: RunningNeko, days_ago: int, *texts: str) -> list[int]:
    ids = []
    for number, text in enumerate(texts):
        role: Role = "assistant" if number % 2 else "user"
        at = datetime.now().replace(hour=12, minute=number // 60, second=number % 60) - timedelta(days=days_ago)
        ids.append((await neko.neko.memory.store(NAME, NewLine("s", f"{days_ago}-{number}", role, text, at))).line.id)
    return ids


async def browse(neko: RunningNeko, visitor: PageDriver, place: str = "") -> None:
    await visitor.open(f"{neko.url}/memory_browser{place}", ready=False)
    await expect(visitor.page.locator("html[data-ready]")).to_be_attached()


def rows(visitor: PageDriver) -> Locator:
    return visitor.get("memory-line")


async def words(visitor: PageDriver) -> list[str]:
    return await rows(visitor).locator(".memory-words").all_text_contents()


async def test_a_day_is_reached_by_the_bars_the_keyboard_and_the_address(
    running_neko: RunningNeko, visitor: PageDriver
) -> None:
    await said(running_neko, 40, "long ago")
    await said(running_neko, 2, "two days ago")
    await said(running_neko, 0, "today", "indeed")
    await browse(running_neko, visitor)
    await expect(rows(visitor)).to_have_count(2)
    assert await words(visitor) == ["today", "indeed"]
    bars = visitor.get("activity").locator("rect")
    await expect(bars).to_have_count(3)
    await visitor.get("day-back").click()
    await expect(rows(visitor).locator(".memory-words")).to_have_text(["two days ago"])
    await visitor.get("activity").focus()
    await visitor.page.keyboard.press("Home")
    await expect(rows(visitor).locator(".memory-words")).to_have_text(["long ago"])
    await expect(visitor.get("day-back")).to_be_disabled()
    await expect(visitor.get("activity")).to_be_focused()
    await visitor.page.go_back()
    await expect(rows(visitor).locator(".memory-words")).to_have_text(["two days ago"])
    await bars.last.click()
    await expect(rows(visitor)).to_have_count(2)
    assert await visitor.violations() == []


async def test_a_long_day_comes_in_pages(running_neko: RunningNeko, driver: PageDriver) -> None:
    await said(running_neko, 0, *(f"line {number}" for number in range(101)))
    await browse(running_neko, driver)
    await expect(rows(driver)).to_have_count(100)
    await driver.get("day-more").click()
    await expect(rows(driver)).to_have_count(101)
    await expect(driver.get("day-more")).to_be_hidden()


async def test_what_is_found_leads_to_its_day(running_neko: RunningNeko, visitor: PageDriver) -> None:
    await said(running_neko, 3, "I live in Oslo", "How cold!")
    await said(running_neko, 0, "Hello")
    await browse(running_neko, visitor)
    await visitor.page.keyboard.press("/")
    await visitor.page.keyboard.type("oslo")
    await expect(rows(visitor)).to_have_count(1)
    await expect(rows(visitor).locator("mark")).to_have_text(["Oslo"])
    await visitor.get("memory-search").fill("living")
    await expect(visitor.get("memory-near").locator("mark")).to_have_text(["live"])
    await visitor.page.keyboard.press("ArrowDown")
    await expect(visitor.get("memory-near").locator(".memory-open").first).to_be_focused()
    await visitor.page.keyboard.press("ArrowUp")
    await expect(visitor.get("memory-search")).to_be_focused()
    await visitor.get("memory-search").fill("oslo")
    await expect(visitor.get("memory-found").locator("li")).to_have_count(1)
    await rows(visitor).locator(".memory-open").click()
    await expect(rows(visitor)).to_have_count(2)
    await expect(visitor.page.locator(".is-pointed-at")).to_contain_text("I live in Oslo")
    await visitor.get("memory-search").fill("nowhere")
    await expect(visitor.get("memory-count")).to_have_text("Nothing was said with these words.")
    await visitor.page.keyboard.press("Escape")
    await expect(rows(visitor)).to_have_count(2)


async def test_a_line_is_set_right_and_back(running_neko: RunningNeko, visitor: PageDriver) -> None:
    await said(running_neko, 0, "I live in Oslo", "How cold!")
    await browse(running_neko, visitor)
    await rows(visitor).first.hover()
    await rows(visitor).first.get_by_test_id("correct").click()
    await visitor.get("memory-field").fill("I live in Bergen")
    await visitor.page.keyboard.press("Control+Enter")
    await expect(rows(visitor).first.locator(".memory-words")).to_have_text("I live in Bergen")
    assert [line.text for line in await running_neko.lines()] == ["I live in Bergen", "How cold!"]
    await visitor.get("toast").get_by_role("button").click()
    await expect(rows(visitor).first.locator(".memory-words")).to_have_text("I live in Oslo")
    assert [line.text for line in await running_neko.lines()] == ["I live in Oslo", "How cold!"]
    await rows(visitor).first.get_by_test_id("correct").click()
    await visitor.get("memory-field").fill("nonsense")
    await visitor.page.keyboard.press("Escape")
    await expect(rows(visitor).first.locator(".memory-words")).to_have_text("I live in Oslo")


async def test_a_line_is_forgotten_and_comes_back(running_neko: RunningNeko, visitor: PageDriver) -> None:
    await said(running_neko, 0, "my secret", "mum's the word")
    await browse(running_neko, visitor)
    await rows(visitor).first.hover()
    await rows(visitor).first.get_by_test_id("forget").click()
    await expect(rows(visitor).locator(".memory-words")).to_have_text(["mum's the word"])
    assert [line.text for line in await running_neko.lines()] == ["mum's the word"]
    await visitor.get("toast").get_by_role("button").click()
    await expect(rows(visitor)).to_have_count(2)
    assert [line.text for line in await running_neko.lines()] == ["my secret", "mum's the word"]


async def test_the_newest_change_is_told_uppermost_and_undone_by_the_keys_for_it(
    running_neko: RunningNeko, visitor: PageDriver
) -> None:
    await said(running_neko, 0, "I live in Oslo", "How cold!", "my secret")
    await browse(running_neko, visitor)
    await rows(visitor).first.hover()
    await rows(visitor).first.get_by_test_id("correct").click()
    await visitor.get("memory-field").fill("I live in Bergen")
    await visitor.get("memory-save").click()
    await expect(visitor.get("toast")).to_have_count(1)
    for left in (2, 1):
        await rows(visitor).last.hover()
        await rows(visitor).last.get_by_test_id("forget").click()
        await expect(rows(visitor)).to_have_count(left)
    await expect(visitor.get("toast")).to_have_count(2)
    await expect(visitor.get("toast").first).to_contain_text("orgotten")
    tops = [box["y"] for toast in await visitor.get("toast").all() if (box := await toast.bounding_box())]
    assert tops == sorted(tops)
    await visitor.page.keyboard.press("Control+z")
    await expect(rows(visitor).locator(".memory-words")).to_have_text(["I live in Bergen", "How cold!"])
    await visitor.page.keyboard.press("Control+z")
    await expect(rows(visitor).first.locator(".memory-words")).to_have_text("I live in Oslo")
    await expect(visitor.get("toast")).to_have_count(0)


@pytest.mark.few(1)
async def test_a_memo_opens_its_lines_and_is_set_right(running_neko: RunningNeko, visitor: PageDriver) -> None:
    memory = running_neko.neko.memory
    await said(running_neko, 1, *(f"fact {number}" for number in range(11)))
    await memory.compress(NAME, None)
    await browse(running_neko, visitor, "#summaries")
    await visitor.get("sources").click()
    await expect(rows(visitor).first).to_contain_text("fact 0")
    memo = visitor.get("memo")
    await memo.get_by_test_id("correct").first.click()
    await visitor.get("memory-field").fill("Facts were told.")
    await visitor.get("memory-save").click()
    await expect(memo.locator("> .memory-words")).to_have_text("Facts were told.")
    assert (await memory.recent(NAME))[0].text == "Facts were told."
    await memo.get_by_test_id("pin").click()
    await expect(memo).to_contain_text("pinned")
    await memo.get_by_test_id("forget-memo").click()
    await expect(memo).to_have_count(0)
    assert await memory.memos(NAME) == []
    await visitor.get("toast").get_by_role("button").click()
    await expect(memo).to_contain_text("Facts were told.")


async def test_an_open_talk_shows_what_was_set_right_and_forgotten(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await said(running_neko, 0, "I live in Oslo", "How cold!", "my secret", "mum's the word")
    talk = await driver.open(running_neko.url)
    await expect(driver.lines()).to_have_count(4)
    await driver.get("menu").click()
    async with driver.context.expect_page() as opened:
        await driver.get("menu-memory").click(modifiers=["ControlOrMeta"])
    driver.page = await opened.value
    await rows(driver).first.get_by_test_id("correct").click()
    await driver.get("memory-field").fill("I live in Bergen")
    await driver.get("memory-save").click()
    await rows(driver).nth(2).get_by_test_id("forget").click()
    await expect(rows(driver)).to_have_count(3)
    driver.page = talk
    await expect(driver.lines()).to_have_count(3)
    assert await driver.texts() == ["I live in Bergen", "How cold!", "mum's the word"]


async def test_a_memory_with_nothing_in_it_says_so(running_neko: RunningNeko, driver: PageDriver) -> None:
    await browse(running_neko, driver, f"?character={NAME}")
    await expect(driver.get("memory-empty")).to_contain_text(NAME)
    await driver.get("bring").click()
    await expect(driver.get("import-drop")).to_be_visible()
    await driver.page.go_back()
    await driver.get("back").click()
    await driver.until_ready()


async def test_everything_about_a_subject_is_forgotten_and_is_in_no_file(
    running_neko: RunningNeko, visitor: PageDriver
) -> None:
    await said(running_neko, 3, "I live in Oslo", "How cold!", "Oslo is dark", "Light a lamp")
    await said(running_neko, 0, "Hello")
    await browse(running_neko, visitor)
    await visitor.get("memory-search").fill("oslo")
    await expect(rows(visitor)).to_have_count(2)
    await expect(visitor.get("forget-ticked")).to_be_disabled()
    await visitor.get("tick-all").check()
    await visitor.get("forget-ticked").click()
    await expect(visitor.get("ask-forget")).to_be_visible()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.get("ask-forget")).to_be_hidden()
    await visitor.get("forget-ticked").click()
    await visitor.get("ask-yes").click()
    await expect(visitor.get("traces")).to_contain_text("Gone.")
    await expect(rows(visitor)).to_have_count(0)
    assert [line.text for line in await running_neko.lines()] == ["How cold!", "Light a lamp", "Hello"]
    await visitor.get("toast").get_by_role("button").click()
    await expect(rows(visitor)).to_have_count(2)
    assert len(await running_neko.lines()) == 5
    await visitor.get("tab-changes").click()
    await expect(visitor.get("changes").locator("li")).to_have_count(2)


async def test_what_a_review_changed_is_put_back(running_neko: RunningNeko, visitor: PageDriver) -> None:
    async def shortened(question: str) -> str:
        return json.dumps(
            [{"n": 0, "text": "I live in Oslo"}, {"n": 1, "text": "Cold!"}, {"n": 2, "text": "Dark, too"}]
        )

    await said(running_neko, 0, "I live in Oslo", "How cold!", "Dark, too")
    memory = running_neko.neko.memory
    assert await memory.review(NAME, shortened)
    await browse(running_neko, visitor)
    await visitor.get("tab-changes").click()
    await visitor.get("undo-review").click()
    await expect(visitor.get("changes").locator("li")).to_have_count(2)
    await expect(visitor.get("undo-review")).to_have_count(0)
    assert [entry.text for entry in await memory.recent(NAME)] == ["I live in Oslo", "How cold!", "Dark, too"]


async def test_what_is_not_ticked_stays(running_neko: RunningNeko, driver: PageDriver) -> None:
    await said(running_neko, 0, "I live in Oslo", "Oslo is cold")
    await browse(running_neko, driver)
    await driver.get("memory-search").fill("oslo")
    await expect(rows(driver)).to_have_count(2)
    await rows(driver).first.get_by_role("checkbox").check()
    await driver.get("forget-ticked").click()
    await driver.get("ask-yes").click()
    await expect(driver.get("traces")).to_contain_text("Other lines")
    assert [line.text for line in await running_neko.lines()] == ["I live in Oslo"]


@pytest.mark.few(1)
async def test_everything_is_forgotten_after_a_question(running_neko: RunningNeko, visitor: PageDriver) -> None:
    await said(running_neko, 3, "I live in Oslo", "How cold!")
    await browse(running_neko, visitor)
    await visitor.get("tab-manage").click()
    await visitor.get("clear").click()
    await expect(visitor.get("ask-clear")).to_be_visible()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.get("ask-clear")).to_be_hidden()
    assert len(await running_neko.lines()) == 2
    await visitor.get("clear").click()
    await visitor.get("clear-yes").click()
    await expect(visitor.get("toast")).to_contain_text("forgotten")
    await expect(rows(visitor)).to_have_count(0)
    assert await running_neko.lines() == []


WHOLE_WORDS = """(select) => {
  const canvas = document.createElement("canvas").getContext("2d"), style = getComputedStyle(select);
  canvas.font = style.font;
  const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return canvas.measureText(select.selectedOptions[0].text).width <= room;
}"""


@pytest.mark.parametrize("page", ["memory_browser", "voice_clone"])
async def test_whose_page_it_is_can_be_read_whole(running_neko: RunningNeko, visitor: PageDriver, page: str) -> None:
    name = "Bartholomew Longname"
    await running_neko.neko.characters.create(name, {})
    await visitor.open(f"{running_neko.url}/{page}?lanlan_name={name}&character={name}", ready=False)
    await expect(visitor.page.locator("html[data-ready]")).to_be_attached()
    title, who = visitor.page.locator("#title"), visitor.get("who")
    assert await title.evaluate("(one) => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight")
    assert await who.evaluate(WHOLE_WORDS)
    assert await who.evaluate("(one) => one.value") == name


@pytest.mark.few(1)
async def test_what_she_does_by_herself_and_whose_talks_she_knows_too_is_chosen(
    running_neko: RunningNeko, visitor: PageDriver
) -> None:
    characters = running_neko.neko.characters
    await browse(running_neko, visitor, "#manage")
    await expect(visitor.get("embedder-off")).to_be_visible()
    await visitor.get("habit-facts_by_model").uncheck()
    await expect(visitor.get("habits-state")).to_contain_text("Kept")
    await expect(visitor.get("sharing")).to_be_hidden()
    await characters.create("Yuki", {})
    await visitor.page.reload()
    yuki = visitor.get("knows-Yuki")
    await expect(yuki).not_to_be_checked()
    await yuki.check()
    await expect(visitor.get("sharing-state")).to_contain_text("Kept")
    assert characters.cards.also_knows(NAME) == ["Yuki"]
    await visitor.page.reload()
    await expect(visitor.get("habit-facts_by_model")).not_to_be_checked()
    await expect(yuki).to_be_checked()
    await yuki.uncheck()
    await expect(visitor.get("sharing-state")).to_contain_text("Kept")
    assert characters.cards.also_knows(NAME) == []
    assert await visitor.violations() == []


async def test_all_that_was_said_can_be_taken_along(running_neko: RunningNeko, visitor: PageDriver) -> None:
    await said(running_neko, 0, "I live in Oslo", "How cold!")
    await browse(running_neko, visitor, "#manage")
    async with visitor.page.expect_download() as started:
        await visitor.get("export-json").click()
    download = await started.value
    kept = json.loads((await download.path()).read_text(encoding="utf-8"))
    assert [line["text"] for line in kept["lines"]] == ["I live in Oslo", "How cold!"]


@pytest.mark.few(1)
async def test_memories_of_n_e_k_o_are_told_first_then_come_and_go_back(
    running_neko: RunningNeko, visitor: PageDriver, tmp_path: Path
) -> None:
    folder = theirs(tmp_path / "theirs", NAME)
    (folder / "diary.txt").write_text("dear diary", "utf-8")
    await said(running_neko, 0, "Hello")
    await browse(running_neko, visitor, "#manage")
    await visitor.get("import-files").set_input_files(sorted(folder.iterdir()))
    share = visitor.get("import-share")
    await expect(share).to_contain_text("New lines: 4")
    await expect(share).to_contain_text("There already: 4")
    await expect(visitor.get("import-list").locator("[data-kind='other']")).to_contain_text("nothing of a memory")
    assert len(await running_neko.lines()) == 1, "nothing comes by looking"
    assert await visitor.violations() == []
    await visitor.get("import-start").click()
    await expect(visitor.get("import-end")).to_contain_text("4")
    await visitor.get("import-look").click()
    await expect(visitor.get("activity").locator("rect")).to_have_count(2)
    await visitor.get("tab-summaries").click()
    await expect(visitor.get("memo").locator("> .memory-words")).to_have_text(["她住在奥斯陆。", "They spoke of Oslo."])
    await visitor.get("tab-changes").click()
    await visitor.get("take-back").click()
    await expect(visitor.get("import-end")).to_contain_text("Taken back")
    assert [line.text for line in await running_neko.neko.memory.lines(NAME, chat=InChats.ALL)] == ["Hello"]
    await visitor.get("import-another").click()
    await expect(visitor.get("import-drop")).to_be_visible()


async def test_what_is_known_of_the_user_shows_the_lines_that_say_so_and_goes_with_them(
    running_neko: RunningNeko, visitor: PageDriver
) -> None:
    (line,) = await said(running_neko, 0, "I live in Oslo")
    fact = facts.NewFact(USER, "home", "Oslo", datetime.now(), (line,))
    log = (await running_neko.neko.memory._opened(NAME)).log
    await log.transaction(lambda connection: facts.record(connection, [fact], datetime.now(), line))
    await browse(running_neko, visitor, "#known")
    await expect(visitor.get("fact")).to_contain_text("Oslo")
    await visitor.get("sources").click()
    await expect(rows(visitor)).to_contain_text("I live in Oslo")
    await rows(visitor).hover()
    await rows(visitor).get_by_test_id("forget").click()
    await expect(visitor.get("fact")).to_have_count(0)


async def test_what_is_known_is_written_set_right_pinned_merged_and_forgotten(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    memory = running_neko.neko.memory
    for month, text in ((4, "I live in Oslo"), (7, "We moved to Bergen"), (8, "I love tea")):
        await memory.store(NAME, NewLine("s", text, "user", text, datetime(2026, month, 10, 12)))
    await memory.learn(NAME, None)
    await browse(running_neko, driver, "#known")
    notes = driver.get("fact").locator(".memory-words")
    await expect(notes).to_have_text(["Bergen", "tea"])
    await driver.get("as-of").fill("2026-05-31")
    await expect(notes).to_have_text(["Oslo"])
    await expect(driver.get("fact")).to_contain_text("until")
    await driver.get("as-of-today").click()

    await driver.get("add-fact").click()
    await driver.get("fact-value").fill("green tea")
    await driver.get("fact-yes").click()
    await expect(notes).to_have_text(["Bergen", "tea", "green tea"])
    await note_act(driver, "tea", "correct")
    await driver.get("fact-value").fill("black tea")
    await driver.get("fact-yes").click()
    await expect(notes).to_have_text(["Bergen", "black tea", "green tea"])
    await note_act(driver, "green tea", "pin")
    await expect(notes).to_have_text(["green tea", "Bergen", "black tea"])
    await note_act(driver, "black tea", "merge")
    await driver.get("ask-merge").get_by_label("green tea").check()
    await driver.get("fact-yes").click()
    await expect(notes).to_have_text(["black tea", "Bergen"])
    await driver.get("toast").filter(has_text="Merged").get_by_role("button").click()
    await expect(notes).to_have_text(["green tea", "Bergen", "black tea"])
    assert await driver.violations() == []

    await note_act(driver, "Bergen", "forget-fact")
    await driver.page.keyboard.press("Escape")
    await note_act(driver, "Bergen", "forget-fact")
    await driver.get("forget-lines").click()
    await expect(notes).to_have_text(["green tea", "Oslo", "black tea"])
    assert [line.text for line in await running_neko.lines()] == ["I live in Oslo", "I love tea"]
    await driver.get("toast").filter(has_text="Forgotten").get_by_role("button").click()
    await expect(notes).to_have_text(["green tea", "Bergen", "black tea"])
    assert len(await running_neko.lines()) == 3
    await driver.get("memory-search").fill("likes")
    await expect(driver.get("found-facts").locator(".memory-words")).to_have_text(["black tea", "green tea"])
    await driver.get("memory-search").fill("")
    await driver.get("tab-changes").click(timeout=5_000)  # no notice with an undo lies over it
    await expect(driver.get("changes").locator("li")).to_have_count(9)


async def note_act(driver: PageDriver, value: str, act: str) -> None:
    note = driver.get("fact").filter(has=driver.page.get_by_text(value, exact=True))
    await note.hover()
    await note.get_by_test_id(act).click()
