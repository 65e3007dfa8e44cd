"""What is asked before something is done: seen whole, answered by mouse, thumb and key, and never by accident."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from neko.tasks import TaskOwner
from neko.types.agent import Act, Approval, Decision, Extent, Holds, Inquiry, Picture, Policy, Reply
from tests import scripted_mcp
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_provider import ScriptedProvider, tool_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

ARGUMENTS = '{\n  "path": "/home/me/\\u202etxt.exe",\n  "content": "<b>bold</b>"\n}'
WRITE = Approval(NAME, "files", "write_file", "", ARGUMENTS, Act.DESTRUCTIVE, after_outside=True)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "description": "How you are called"},
        "age": {"type": "integer", "minimum": 1},
        "friend": {"type": "string", "enum": ["Ross", "Joey"]},
        "sure": {"type": "boolean"},
        "fish": {"type": "array", "items": {"type": "string", "enum": ["Tuna", "Trout"]}},
    },
    "required": ["name"],
}


@pytest_asyncio.fixture(loop_scope="session")
async def owner() -> AsyncIterator[TaskOwner]:
    async with TaskOwner("test") as owner:
        yield owner


async def test_a_model_uses_a_tool_once_the_reader_has_seen_what_it_gets(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    entry = scripted_mcp.entry(
        script, tools=[scripted_mcp.tool("note", destructiveHint=False, openWorldHint=False)], results={"note": "noted"}
    )
    connected.neko.mcp.use(True)
    await connected.neko.mcp.put("paper", entry)
    server = connected.neko.mcp.server("paper")
    assert server
    await server.settled(30)
    call = tool_calls(("c1", "paper__note", '{"text": "milk"}'))
    provider.script(call, ["I wrote it down."], call, ["Again."])
    await driver.open(connected.url)
    await driver.say("Write down: milk")
    await expect(driver.get("approval-arguments")).to_have_text('{\n  "text": "milk"\n}')
    assert scripted_mcp.calls(script) == []
    await driver.get("approval-always").click()
    assert await driver.reply() == "I wrote it down."
    await expect(driver.get("approval")).to_have_count(0)
    assert scripted_mcp.calls(script) == [("note", {"text": "milk"})]
    assert connected.neko.mcp.policy(server, server.tools[0]) is Policy.ALLOW


async def test_everything_is_shown_as_it_is_and_once_means_once(
    running_neko: RunningNeko, driver: PageDriver, owner: TaskOwner
) -> None:
    await driver.open(running_neko.url)
    await driver.get("composer").focus()
    asking = owner.spawn(running_neko.neko.approvals.ask(WRITE), name="ask")
    card = driver.get("approval")
    await expect(card).to_contain_text("files · write_file")
    await expect(card).to_contain_text("from outside")
    await expect(driver.get("approval-arguments")).to_have_text(ARGUMENTS)
    await expect(driver.get("approval-left")).to_have_text(re.compile("2[0-5] s"))
    await expect(driver.get("composer")).to_be_focused()
    await expect(driver.get("approval-always")).to_have_count(0)
    await driver.get("approval-once").click()
    assert await asking is Decision.ONCE
    await expect(card).to_have_count(0)
    await expect(driver.get("approvals").get_by_role("alert")).to_have_text("")
    asking = owner.spawn(running_neko.neko.approvals.ask(replace(WRITE, by_others=True)), name="ask")
    await expect(card).to_contain_text("what tool servers say of themselves")
    await expect(card).not_to_contain_text("read something")
    await driver.get("approval-deny").click()
    assert await asking is Decision.DENY


async def test_who_writes_goes_on_writing_and_answers_by_key_when_they_mean_to(
    running_neko: RunningNeko, driver: PageDriver, owner: TaskOwner
) -> None:
    await driver.open(running_neko.url)
    composer = driver.get("composer")
    await composer.fill("I am just wri")
    asking = owner.spawn(running_neko.neko.approvals.ask(WRITE), name="ask")
    await expect(driver.get("approval-deny")).to_be_enabled()
    await composer.press_sequentially("ting")
    await expect(composer).to_have_value("I am just writing")
    await expect(composer).to_be_focused()
    await driver.page.keyboard.press("Shift+Tab")  # the button for pictures
    await driver.page.keyboard.press("Shift+Tab")
    await expect(driver.get("approval-once")).to_be_focused()
    await driver.page.keyboard.press("Escape")
    assert await asking is Decision.DENY
    await expect(composer).to_be_focused()


async def test_keys_answer_the_question_in_front_and_the_others_wait_for_their_turn(
    running_neko: RunningNeko, driver: PageDriver, owner: TaskOwner
) -> None:
    await driver.open(running_neko.url)
    approvals = running_neko.neko.approvals
    first = owner.spawn(approvals.ask(WRITE), name="first")
    await expect(driver.get("approval")).to_contain_text("write_file")
    second = owner.spawn(approvals.ask(replace(WRITE, tool="delete_file")), name="second")
    third = owner.spawn(approvals.ask(replace(WRITE, tool="move_file")), name="third")
    await expect(driver.get("approval-waiting").filter(visible=True)).to_have_count(2)
    await driver.get("composer").fill("still writing")
    await expect(driver.page.locator(".approval:not([hidden])")).to_contain_text("write_file")
    await expect(driver.get("approval-once").first).to_be_enabled()
    await driver.page.keyboard.press("Alt+y")
    assert await first is Decision.ONCE
    await expect(driver.page.locator(".approval:not([hidden])")).to_contain_text("delete_file")
    await driver.get("approval-waiting").filter(visible=True).click()
    await expect(driver.page.locator(".approval:not([hidden])")).to_contain_text("move_file")
    await expect(driver.page.locator(".approval:not([hidden])").get_by_test_id("approval-deny")).to_be_enabled()
    await driver.page.keyboard.press("Alt+n")
    assert await third is Decision.DENY
    assert not second.done()
    await expect(driver.get("composer")).to_have_value("still writing")
    second.cancel()
    await expect(driver.get("approval")).to_have_count(0)


async def test_a_question_is_heard_of_behind_a_dialog(
    running_neko: RunningNeko, driver: PageDriver, owner: TaskOwner
) -> None:
    await driver.open(f"{running_neko.url}/#settings/about")
    await expect(driver.get("settings-close")).to_be_visible()
    asking = owner.spawn(running_neko.neko.approvals.ask(WRITE), name="ask")
    await expect(driver.get("toast")).to_contain_text("write_file")
    await driver.get("toast").get_by_role("button").click()
    await expect(driver.get("settings")).to_be_hidden()
    await driver.get("approval-deny").click()
    assert await asking is Decision.DENY


async def test_it_is_asked_in_the_words_of_the_act_and_says_what_a_yes_and_a_rule_are_for(
    running_neko: RunningNeko, driver: PageDriver, owner: TaskOwner
) -> None:
    await driver.open(running_neko.url)
    card = driver.get("approval")
    whole = replace(WRITE, task_id="t1", title="use “Write File” of files")
    asking = owner.spawn(running_neko.neko.approvals.ask(whole), name="ask")
    await expect(card).to_contain_text("May I do this: use “Write File” of files?")
    await expect(card).to_contain_text("A yes is for this one time.")
    await expect(driver.get("approval-once")).to_contain_text("Allow once")
    await driver.get("approval-deny").click()
    assert await asking is Decision.DENY
    typed = replace(whole, hand="browser_use", server="a.org", act=Act.WRITE, title="type “Ada”", holds=Holds.TASK)
    typed = replace(typed, may_remember=True, against_rule=True)
    asking = owner.spawn(running_neko.neko.approvals.ask(typed), name="ask")
    await expect(card).to_contain_text("such acts here until the task is over")
    await expect(card).to_contain_text("Your rule “Allow” does not count now: what I read may be what wants this.")
    await expect(driver.get("approval-once")).to_contain_text("Allow for this task")
    await expect(driver.get("approval-always")).to_have_text("Always on a.org")
    await driver.get("approval-deny").click()
    assert await asking is Decision.DENY
    click = replace(whole, hand="computer_use", server="Firefox", act=Act.WRITE, title="click in “Mail”")
    for extent, holds, words in (
        (Extent.PLACE, Holds.TASK, "for single clicks, for typing"),
        (Extent.KEYS, Holds.TASK, "only for keys that move about"),
        (Extent.MAY_SEND, Holds.ONCE, "This program may send things"),
        (Extent.UNKNOWN_WINDOW, Holds.ONCE, "bring the right window to the front"),
    ):
        asking = owner.spawn(running_neko.neko.approvals.ask(replace(click, extent=extent, holds=holds)), name="ask")
        await expect(card).to_contain_text(words)
        await driver.get("approval-deny").click()
        assert await asking is Decision.DENY
    tool = replace(whole, act=Act.READ, holds=Holds.RESTART, may_remember=True)
    asking = owner.spawn(running_neko.neko.approvals.ask(tool), name="ask")
    await expect(card).to_contain_text("You chose “Ask once”")
    await expect(driver.get("approval-always")).to_have_text("Always for this tool")
    await driver.get("approval-deny").click()
    assert await asking is Decision.DENY


async def test_a_click_is_shown_where_it_would_fall(
    running_neko: RunningNeko, driver: PageDriver, owner: TaskOwner
) -> None:
    await driver.open(running_neko.url)
    picture = Picture(base64.b64decode(PIXEL), "image/png")
    click = replace(WRITE, hand="computer_use", server="", tool="click", title="click “Buy now”", picture=picture)
    asking = owner.spawn(running_neko.neko.approvals.ask(click), name="ask")
    await expect(driver.get("approval")).to_contain_text("May I do this: click “Buy now”?")
    await expect(driver.get("approval")).to_contain_text("This computer · click")
    await driver.get("approval-picture").click()
    await expect(driver.get("enlarged").locator("img")).to_have_js_property("naturalWidth", 1)
    await driver.page.keyboard.press("Escape")
    await expect(driver.get("enlarged")).to_have_count(0)
    assert not asking.done()
    await driver.get("approval-once").click()
    assert await asking is Decision.ONCE


async def test_a_question_is_there_again_after_a_reload_and_gone_when_its_time_is_over(
    running_neko: RunningNeko, driver: PageDriver, owner: TaskOwner
) -> None:
    await driver.open(running_neko.url)
    asking = owner.spawn(running_neko.neko.approvals.ask(WRITE), name="ask")
    await expect(driver.get("approval")).to_be_visible()
    await driver.page.reload()
    await expect(driver.get("approval-arguments")).to_have_text(ARGUMENTS)
    asking.cancel()
    await expect(driver.get("approval")).to_have_count(0)
    running_neko.neko.approvals._approval_s = 0.2
    assert await running_neko.neko.approvals.ask(WRITE) is None
    await expect(driver.get("approval")).to_have_count(0)


async def test_on_a_phone_it_fits_with_long_arguments_and_every_button_can_be_hit(
    chromium: Browser, running_neko: RunningNeko, owner: TaskOwner
) -> None:
    async with PageDriver(chromium, viewport={"width": 390, "height": 844}, has_touch=True) as driver:
        await driver.open(running_neko.url)
        arguments = json.dumps({"content": "a long line of words " * 200})
        site = {"hand": "browser_use", "holds": Holds.TASK, "may_remember": True, "against_rule": True}
        approval = Approval(NAME, "a-shop-with-a-long-name.example", "type", "", arguments, Act.WRITE, **site)  # type: ignore[arg-type]
        asking = owner.spawn(running_neko.neko.approvals.ask(approval), name="ask")
        card = driver.get("approval")
        await expect(driver.get("approval-once")).to_be_enabled()
        await expect(driver.get("approval-once")).to_be_in_viewport(ratio=1)
        assert await card.evaluate("(card) => card.scrollWidth <= card.clientWidth")
        for button in await card.locator("button").all():
            box = await button.bounding_box()
            assert box
            assert box["height"] >= 44
        await driver.get("approval-deny").tap()
        assert await asking is Decision.DENY
        driver.check()


async def test_a_server_that_asks_gets_what_the_reader_fills_in(
    running_neko: RunningNeko, driver: PageDriver, owner: TaskOwner
) -> None:
    await driver.open(running_neko.url)
    inquiry = Inquiry(NAME, "every", "Who are you?", FORM)
    asking = owner.spawn(running_neko.neko.approvals.inquire(inquiry), name="ask")
    form = driver.get("inquiry-form")
    await form.get_by_label("Name").fill("Ann")
    await form.get_by_label("age").fill("7")
    await form.get_by_label("friend").select_option("Joey")
    await form.get_by_label("Trout").check()
    await driver.get("inquiry-send").click()
    content = {"name": "Ann", "age": 7, "friend": "Joey", "sure": False, "fish": ["Trout"]}
    assert await asking == Reply("accept", content)
    page = Inquiry(NAME, "every", "Sign in", url="https://example.com/in?x=1")
    asking = owner.spawn(running_neko.neko.approvals.inquire(page), name="ask")
    link = driver.get("inquiry").locator("a")
    await expect(link).to_have_attribute("href", "https://example.com/in?x=1")
    await driver.get("inquiry-decline").click()
    assert await asking == Reply("decline")
    bad = Inquiry(NAME, "every", "Sign in", url="javascript:alert(1)")
    asking = owner.spawn(running_neko.neko.approvals.inquire(bad), name="ask")
    await expect(driver.get("inquiry")).to_contain_text("javascript:alert(1)")
    await expect(driver.get("inquiry").locator("a")).to_have_count(0)
    asking.cancel()
    await expect(driver.get("inquiry")).to_have_count(0)


async def test_an_act_comes_before_what_a_server_wants_to_know_which_has_more_time(
    running_neko: RunningNeko, driver: PageDriver, owner: TaskOwner
) -> None:
    await driver.open(running_neko.url)
    approvals = running_neko.neko.approvals
    waiting = owner.spawn(approvals.inquire(Inquiry(NAME, "every", "Who are you?", FORM)), name="inquiry")
    await expect(driver.get("inquiry")).to_be_visible()
    for _ in range(2):
        asking = owner.spawn(approvals.ask(WRITE), name="ask")
        await expect(driver.get("approval")).to_be_visible()
        await expect(driver.get("inquiry")).to_be_hidden()
        await expect(driver.get("approval-deny")).to_be_enabled()
        await driver.page.keyboard.press("Alt+N")
        assert await asking is Decision.DENY
        await expect(driver.get("inquiry")).to_be_visible()
    waiting.cancel()
