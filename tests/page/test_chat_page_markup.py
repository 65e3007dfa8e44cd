"""How her words are shown: tables, code, formulas, lists; growing and whole; in a real browser."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Locator, Route, expect

from tests.page.page_driver import PageDriver, words
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

CODE = 'Look:\n\n```python\ndef greet(name: str) -> str:\n    return f"Hello, {name}"  # friendly\n```\n\nDone.'
TABLE = "| Dish | Price | How |\n|:--|--:|:-:|\n| Soup | 4.50 | warm |\n| Pie | 12.00 | cold |\n"
WIDE = "|" + " A column |" * 14 + "\n|" + "--|" * 14 + "\n|" + " words here |" * 14 + "\n"


async def shown(driver: PageDriver, connected: RunningNeko, provider: ScriptedProvider, text: str) -> Locator:
    """Her words on the page that hold ``text``."""
    provider.default = Script([text[at : at + 5] for at in range(0, len(text), 5)])
    await driver.open(connected.url)
    await driver.say("Show me")
    await driver.reply()
    return driver.lines("assistant").locator(".line-words")


async def test_code_has_its_language_its_colours_and_a_button_that_copies_it(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await driver.context.grant_permissions(["clipboard-read", "clipboard-write"])
    line = await shown(driver, connected, provider, CODE)
    await expect(line.locator(".md-language")).to_have_text("Python")
    await expect(line.locator(".hljs-keyword").first).to_have_text("def")
    await line.get_by_role("button", name="Copy the code").click()
    copied = await driver.page.evaluate("navigator.clipboard.readText()")
    assert copied == 'def greet(name: str) -> str:\n    return f"Hello, {name}"  # friendly'
    assert await driver.violations() == []


async def test_code_in_an_unknown_language_is_code(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    line = await shown(driver, connected, provider, "```nonsense\n<b>1 < 2</b>\n```\n\n```\nplain\n```")
    await expect(line.locator("pre code")).to_have_text(["<b>1 < 2</b>\n", "plain\n"])
    await expect(line.locator(".md-language").first).to_have_text("nonsense")


async def test_a_table_aligns_its_columns_and_scrolls_only_when_it_must(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    line = await shown(driver, connected, provider, f"{TABLE}\nand\n\n{WIDE}")
    aligned = "(cells) => cells.map((cell) => getComputedStyle(cell).textAlign)"
    first = line.locator("table").first
    assert await first.locator("tbody tr:first-child td").evaluate_all(aligned) == ["start", "right", "center"]
    narrow, wide = line.locator(".md-table").nth(0), line.locator(".md-table").nth(1)
    await expect(wide).to_have_attribute("tabindex", "0")
    await expect(wide).to_have_attribute("role", "group")
    assert await narrow.get_attribute("tabindex") is None
    assert await driver.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await wide.focus()
    await driver.page.keyboard.press("ArrowRight")
    await driver.until("() => document.activeElement.scrollLeft > 0")


FORMULAS = {
    "dollars": (r"Euler: $e^{i\pi} + 1 = 0$ is neat.", 1, r"e^{i\pi} + 1 = 0"),
    "brackets": (r"So \(a^2\,b\) it is.", 1, r"a^2\,b"),
    "display": ("Look:\n\n$$\n\\int_0^1 x\\,dx = \\frac12\n$$\n\nSee?", 1, r"\int_0^1 x\,dx = \frac12"),
    "display-brackets": ("Look:\n\n\\[\nE = mc^2\n\\]\n\nSee?", 1, "E = mc^2"),
    "display-in-a-sentence": ("It is $$x^2$$ here.", 1, "x^2"),
    "prices": ("It was $5 yesterday and $10 today, US$3/US$4, ($7).", 0, ""),
    "variables": ("Set $HOME and $PATH, then `echo $x$`.", 0, ""),
    "names": ("A$AP and Ke$ha sing.", 0, ""),
    "in-code": ("```sh\necho $a$ $$b$$\n```", 0, ""),
}


@pytest.mark.parametrize(("text", "count", "tex"), FORMULAS.values(), ids=FORMULAS)
@pytest.mark.few(4)
async def test_formulas_are_drawn_and_prices_are_none(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver, text: str, count: int, tex: str
) -> None:
    line = await shown(driver, connected, provider, text)
    await expect(line.locator("math")).to_have_count(count)
    if count:
        await expect(line.locator("math")).to_have_attribute("aria-label", tex)
    else:
        assert (await line.text_content() or "").replace("\n", "").count("$") == text.count("$")
        assert "temml" not in str([request.url for request in driver.requests])
    assert await driver.violations() == []


async def test_what_is_no_formula_stays_as_it_was_written(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    line = await shown(driver, connected, provider, r"Odd: $\frac{1$ and \(\href{javascript:alert(1)}{x}\) end.")
    await expect(line.locator(".md-math.is-source").first).to_have_text(r"\frac{1")
    await expect(line.locator("[href^=javascript]")).to_have_count(0)


async def test_task_lists_and_footnotes(connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver) -> None:
    text = "- [x] bread\n- [ ] milk\n- eggs\n\nAs *she* said[^1].\n\n[^1]: In **March**.\n[^two]: word\n"
    line = await shown(driver, connected, provider, text)
    await expect(line.locator("li")).to_have_text(["☑ bread", "☐ milk", "eggs"])
    styles = await line.locator("li").evaluate_all("(all) => all.map((li) => getComputedStyle(li).listStyleType)")
    assert styles == ["none", "none", "disc"]
    await expect(line.locator("p sup").first).to_have_text("1")
    await expect(line.locator(".md-note")).to_have_text(["1 In March.", "two word"])
    await expect(line.locator(".md-note strong")).to_have_text("March")
    reference, note = line.locator("[role=doc-noteref]"), line.locator("[role=doc-backlink]").first
    await reference.click()
    await expect(note).to_be_focused()
    await driver.page.keyboard.press("Enter")
    await expect(reference).to_be_focused()
    assert "#" not in driver.page.url


async def test_words_in_angle_brackets_stay(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    text = "Use the <div> tag inside <section>, as List<String>, <b>x</b>.\n\n<p>and</p>"
    line = await shown(driver, connected, provider, text)
    assert (await line.text_content() or "").replace("\n", "") == text.replace("\n", "")


GROWING = {
    "list-under-text": ("Steps:\n\n1. First step\n2. Second step\n- and\n", "h1, h2, table, pre"),
    "bold": ("So **this is quite bold** and *this leans* here.", ".nothing"),
    "setext": ("A line of words\n- one\n- two\n", "h1, h2"),
    "task": ("- [ ] open\n- [x] done\n", ".nothing"),
    "footnote": ("Said[^1] so.\n\n[^1]: In March.\n", ".nothing"),
    "link": ("See [the sea](https://example.com/x) there.", ".nothing"),
    "picture": ("See ![the sea](https://example.com/x.png) there.", ".nothing"),
    "sign": ("Is a &lt; b?", ".nothing"),
    "fence": ("```\nx = 1\n```\nThere.", ".nothing"),
}


@pytest.mark.parametrize(("text", "never"), GROWING.values(), ids=GROWING)
@pytest.mark.few(2)
async def test_while_it_grows_nothing_shows_as_what_it_is_not(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver, text: str, never: str
) -> None:
    """Every beginning of the text is drawn, as it would be while it streams: no mark flashes, no other block."""
    page = await driver.open(connected.url)
    found = await page.evaluate(
        """async ([text, never]) => {
          const { MarkdownView } = await import("./static/app/markdown.js");
          const element = document.createElement("div");
          const view = new MarkdownView(element);
          const seen = [];
          for (let end = 1; end <= text.length; end += 1) {
            view.show(text.slice(0, end), { isGrowing: true });
            const isMark = /[*`|[\\]^&]|^-/m.test(element.textContent);
            if (isMark || element.querySelector(never)) seen.push(element.innerHTML);
          }
          return seen;
        }""",
        [text, never],
    )
    assert found == [], json.dumps(found[:3])


PLAIN = (
    "Good evening! I'm Mio — nice to meet you. (Really.)",
    "晚上好，我是美绪～\n今天过得怎么样？",
    'One line\nand another  \n  and one more.\n\nA paragraph.\n \n\nAnd "another", 50% later: yes; no?',
    "  1999 was a good year, 3.5 of 10. Well/so…\n\n",
    "",
)
MARKED = (
    "So **bold**", "- one", "+ one", "a\n1. one", "a\n2) two", "title\n===", "title\n---", "see www.example.com",
    "see https://example.com", "write to a@example.com", "a &amp; b", "<b>", "`code`", "# head", "    code", " \tcode",
    "~~gone~~", "costs $x$", "|a|", "> said", "[^1]", "a\\*b", "_so_",
)  # fmt: skip


async def test_what_has_no_mark_looks_the_same_without_the_library(connected: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(connected.url)
    plain, told, drawn = await page.evaluate(
        """async ([plain, marked]) => {
          const { WordsView, isPlain } = await import("./static/app/words_view.js?fresh");
          const { MarkdownView } = await import("./static/app/markdown.js");
          const shown = (View, text) => {
            const element = document.createElement("div");
            new View(element).show(text);
            const paragraphs = element.querySelectorAll("p");
            for (const p of paragraphs) p.innerHTML = p.innerHTML.trim().replace(/\\s*<br>\\s*/g, "<br>");
            return element.innerHTML.replace(/>\\s+</g, "><").trim();
          };
          return [
            plain.map((text) => shown(WordsView, text)),
            [...plain, ...marked].map(isPlain),
            plain.map((text) => shown(MarkdownView, text)),
          ];
        }""",
        [PLAIN, MARKED],
    )
    assert plain == drawn
    assert told == [True] * len(PLAIN) + [False] * len(MARKED)


async def test_she_greets_before_the_libraries_are_there(running_neko: RunningNeko, driver: PageDriver) -> None:
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await driver.context.route("**/vendor/*js", hold)
    await driver.open(running_neko.url)
    try:
        await expect(driver.get("greeting").locator("p")).to_be_visible()
        await driver.say("tell me a joke")
        await expect(driver.lines("assistant")).to_have_count(1)
    finally:
        held.set()
    await expect(driver.lines("assistant").locator(".line-words p").first).to_be_visible()
    driver.check()


async def test_a_table_appears_as_one(connected: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(connected.url)
    pipes = await page.evaluate(
        """async (text) => {
          const { MarkdownView } = await import("./static/app/markdown.js");
          const element = document.createElement("div");
          const view = new MarkdownView(element);
          const seen = [];
          for (let end = 1; end <= text.length; end += 1) {
            view.show(text.slice(0, end), { isGrowing: true });
            for (const p of element.querySelectorAll("p")) if (p.textContent.includes("|")) seen.push(p.textContent);
          }
          return [seen, element.querySelectorAll("tbody tr").length];
        }""",
        f"Prices:\n\n{TABLE}",
    )
    assert pipes == [[], 2]


async def test_code_gets_its_colours_once_it_is_whole(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.default = Script(["```python\nimport ", "os\n"], stall_after=1)
    await driver.open(connected.url)
    await driver.say("Show me")
    line = driver.lines("assistant")
    await expect(line.locator("pre")).to_have_text("import ")
    await expect(line.locator(".hljs-keyword")).to_have_count(0)
    assert (await words(line)).startswith("python")
