"""The composer and what can be done with a line: keys, pictures, copy, retry; and markup that must not bite."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.page.page_driver import SOME_ID, PageDriver, words
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

GIVE_PICTURE = """async (how) => {
  const canvas = new OffscreenCanvas(40, 30);
  const paper = canvas.getContext("2d");
  paper.fillStyle = "#c33";
  paper.fillRect(0, 0, 40, 30);
  const carried = new DataTransfer();
  carried.items.add(new File([await canvas.convertToBlob({ type: "image/png" })], "red.png", { type: "image/png" }));
  const input = document.getElementById("composer");
  if (how === "paste") {
    input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
    return;
  }
  const drag = { dataTransfer: carried, bubbles: true, cancelable: true };
  for (const name of ["dragenter", "dragover", "drop"]) {
    document.getElementById("log").dispatchEvent(new DragEvent(name, drag));
  }
}"""

NASTY = """Look:

<script>window.bitten = "script"</script>

<img src="x" onerror="window.bitten = 'onerror'"> and <b onclick="window.bitten = 'onclick'">bold</b>

[click me](javascript:window.bitten='link') and [data](data:text/html,<script>window.bitten='data'</script>)

![far away](https://evil.example/pixel.png)

<iframe src="https://evil.example/"></iframe> <svg onload="window.bitten = 'svg'"></svg>
<style>body { display: none }</style>

[a real one](https://example.org/page)

- first
- **second**

```python
print("<hello>")
```
"""


async def user_content(provider: ScriptedProvider) -> Any:
    """What the last request says in the user's name."""
    return [message for message in provider.chats[-1].json["messages"] if message["role"] == "user"][-1]["content"]


async def height_of(part: Locator) -> float:
    box = await part.bounding_box()
    assert box is not None
    return box["height"]


async def test_enter_sends_and_shift_enter_makes_a_new_line(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    page = await driver.open(connected.url)
    composer = driver.get("composer")
    height = await height_of(composer)
    await expect(driver.get("send")).to_be_disabled()
    await composer.press_sequentially("one")
    await composer.press("Shift+Enter")
    await composer.press_sequentially("two")
    assert await composer.input_value() == "one\ntwo"
    assert await height_of(composer) > height
    await expect(driver.lines()).to_have_count(0)
    await composer.press("Enter")
    await driver.reply()
    assert await composer.input_value() == ""
    assert await height_of(composer) == height
    assert (await driver.texts("user")) == ["one\ntwo"]
    assert "one\ntwo" in str(await user_content(provider)).replace("\\n", "\n")
    await composer.press("Enter")
    await composer.fill("   ")
    await composer.press("Enter")
    await expect(driver.lines("user")).to_have_count(1)
    await page.close()


async def test_the_enter_that_ends_an_input_method_does_not_send(connected: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(connected.url)
    await driver.get("composer").focus()
    keyboard = await driver.context.new_cdp_session(page)
    await keyboard.send("Input.imeSetComposition", {"text": "ni", "selectionStart": 2, "selectionEnd": 2})
    await page.evaluate(
        """() => {
          const key = { key: "Enter", code: "Enter", bubbles: true, cancelable: true };
          const input = document.getElementById("composer");
          input.dispatchEvent(new KeyboardEvent("keydown", { ...key, isComposing: true }));
          input.dispatchEvent(new KeyboardEvent("keydown", { ...key, keyCode: 229 }));
        }"""
    )
    await keyboard.send("Input.insertText", {"text": "你"})
    assert await driver.get("composer").input_value() == "你"
    await expect(driver.lines()).to_have_count(0)
    await driver.get("composer").press("Enter")
    await driver.reply()
    assert await driver.texts("user") == ["你"]


@pytest.mark.parametrize("how", ["paste", "drop"])
async def test_a_picture_goes_before_the_words(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver, how: str
) -> None:
    page = await driver.open(connected.url)
    await page.evaluate(GIVE_PICTURE, how)
    await expect(driver.get("attachment")).to_have_count(1)
    await expect(page.locator("#drop-hint")).to_be_hidden()
    await driver.say("What is this?")
    await driver.reply()
    await expect(driver.get("attachment")).to_have_count(0)
    content = await user_content(provider)
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    assert [url.split(",")[0] for url in urls] == ["data:image/jpeg;base64"]
    assert base64.b64decode(urls[0].split(",")[1])[:2] == b"\xff\xd8"
    assert "What is this?" in str([part for part in content if part["type"] == "text"])
    kinds = [frame.split('"input_type":"')[1].split('"')[0] for frame in driver.sent if '"stream_data"' in frame]
    assert kinds == ["screen", "text"]
    assert (await connected.lines())[0].images == 1
    await expect(driver.lines("user").first.locator("canvas")).to_be_visible()
    await page.reload()
    await driver.until_ready()
    await expect(driver.lines("user").first.locator(".line-pictures")).to_be_visible()


async def test_a_picture_can_be_taken_back_and_sent_alone(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    page = await driver.open(connected.url)
    await page.evaluate(GIVE_PICTURE, "paste")
    await page.evaluate(GIVE_PICTURE, "paste")
    await expect(driver.get("attachment")).to_have_count(2)
    await driver.get("attachment").first.get_by_role("button").click()
    await expect(driver.get("attachment")).to_have_count(1)
    await driver.get("send").click()
    await driver.reply()
    content = await user_content(provider)
    assert [part["type"] for part in content].count("image_url") == 1


async def test_a_reply_streams_into_one_line_and_a_draft_survives_a_reload(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["The sea ", "is wide", " and blue."], stall_after=2))
    page = await driver.open(connected.url)
    await driver.say("Tell me")
    line = driver.lines("assistant")
    await expect(line.locator(".line-words")).to_have_text("The sea is wide")
    await expect(line).to_have_attribute("data-state", "streaming")
    await expect(driver.get("typing")).to_have_count(0)
    await expect(page.locator("#log")).to_have_attribute("aria-busy", "true")
    provider.release()
    assert await driver.reply() == "The sea is wide and blue."
    await expect(line).to_have_count(1)
    await expect(page.locator("#log")).to_have_attribute("aria-busy", "false")
    await driver.get("composer").fill("half a thought")
    await page.reload()
    await driver.until_ready()
    assert await driver.get("composer").input_value() == "half a thought"


async def test_while_she_thinks_it_is_seen_and_can_be_stopped_before_the_first_word(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(stall_after=0), Script(["Here I am."]))
    page = await driver.open(connected.url)
    await driver.say("Think hard")
    await expect(driver.get("typing")).to_be_visible()
    await expect(driver.get("state")).to_have_attribute("data-state", "thinking")
    await provider.wait_for_requests(1)
    await page.keyboard.press("Escape")
    async with asyncio.timeout(15):
        await provider.chats[0].aborted.wait()
    await expect(driver.get("typing")).to_have_count(0)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await expect(driver.get("stop")).to_be_hidden()
    await expect(driver.get("fault")).to_have_count(0)
    await driver.say("And now?")
    assert await driver.reply() == "Here I am."
    assert await driver.texts() == ["Think hard", "And now?", "Here I am."]


async def test_a_reply_can_be_copied(connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver) -> None:
    provider.script(Script(["**Bold** and *soft*"]))
    await driver.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await driver.open(connected.url)
    await driver.say("hello")
    await driver.reply()
    line = driver.lines("assistant").first
    await line.hover()
    await line.locator(".line-copy").click()
    await expect(line.locator(".line-copy use")).to_have_attribute("href", re.compile("#check$"))
    assert await page.evaluate("navigator.clipboard.readText()") == "**Bold** and *soft*"


async def test_a_retried_reply_takes_the_place_of_the_old_one(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["The first way."]), Script(["The ", "second ", "way."]))
    page = await driver.open(connected.url)
    await driver.say("Say it")
    assert await driver.reply() == "The first way."
    line = driver.lines("assistant").first
    await line.hover()
    await line.get_by_test_id("retry").click()
    await expect(driver.lines("assistant").locator(".line-words")).to_have_text(["The second way."])
    await expect(driver.lines("assistant").first).to_have_attribute("data-id", SOME_ID)
    assert [message["role"] for message in provider.chats[1].json["messages"]][-1] == "user"
    assert "The first way." not in str(provider.chats[1].json["messages"][1:])
    await page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(2)
    assert await driver.texts() == ["Say it", "The second way."]


async def test_markdown_is_shown_and_nothing_in_it_runs_or_fetches(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.default = Script([NASTY[at : at + 7] for at in range(0, len(NASTY), 7)])
    page = await driver.open(connected.url)
    await driver.say("<img src=x onerror=\"window.bitten='mine'\"> **not bold**")
    await driver.reply()
    await the_markup_is_harmless(page, driver)
    await page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(2)
    await the_markup_is_harmless(page, driver)
    assert "**not bold**" in (await driver.texts("user"))[0]


async def the_markup_is_harmless(page: Page, driver: PageDriver) -> None:
    line = driver.lines("assistant").first
    shown = line.locator(".line-words")
    await expect(shown.locator("li")).to_have_text(["first", "second"])
    await expect(shown.locator("li strong")).to_have_text("second")
    await expect(shown.locator("pre code")).to_contain_text('print("<hello>")')
    await expect(
        shown.locator("script, img, iframe, svg:not(.icon), style, [onclick], [onerror], [onload]")
    ).to_have_count(0)
    found = shown.locator("a[href]")
    links = await found.evaluate_all("(links) => links.map(({href, rel, target}) => [href, rel, target])")
    assert {href.split(":")[0] for href, _, _ in links} == {"https"}
    assert all("noopener" in rel and "noreferrer" in rel and target == "_blank" for _, rel, target in links)
    colour = "(element) => getComputedStyle(element).color"
    assert await found.first.evaluate(colour) != await shown.evaluate(colour)
    for link in await shown.locator("a:not([href])").all():
        assert await link.evaluate(colour) == await shown.evaluate(colour)  # what leads nowhere looks like words
        await link.click()
    assert "window.bitten" in await words(line)
    assert await page.evaluate("window.bitten ?? null") is None
    assert await page.locator("body").is_visible()
    assert driver.hosts() == {"127.0.0.1"}
    assert await driver.violations() == []


async def test_lines_sent_in_a_row_are_all_answered_or_stand_in_order(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await driver.open(connected.url)
    for number in range(5):
        await driver.say(f"number {number}")
    await expect(driver.lines("user").last).to_have_attribute("data-id", SOME_ID)
    async with asyncio.timeout(30):
        while not provider.chats or "number 4" not in str(provider.chats[-1].json["messages"][-1]):
            await provider.wait_for_requests(len(provider.chats) + 1)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await expect(driver.lines().last).to_have_attribute("data-role", "assistant")
    await expect(driver.lines().last).to_have_attribute("data-id", SOME_ID)
    assert await driver.texts("user") == [f"number {number}" for number in range(5)]
    assert await driver.texts() == [line.text for line in await connected.lines()]
