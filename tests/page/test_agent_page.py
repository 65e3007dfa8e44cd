"""The page of tasks and tools: what she did, what she may do, and her servers of tools, on a phone and a laptop."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Route, expect

from neko.types.agent import Policy
from tests import scripted_mcp
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.page.scripted_tasks import task

pytestmark = pytest.mark.asyncio(loop_scope="session")

DROP = """(text) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], "mcp.json", { type: "application/json" }));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def phone(chromium: Browser) -> AsyncIterator[PageDriver]:
    async with PageDriver(chromium, viewport={"width": 390, "height": 844}, has_touch=True) as driver:
        yield driver
        driver.check()


async def visit(neko: RunningNeko, driver: PageDriver, place: str) -> None:
    await driver.open(f"{neko.url}/agent#{place}", ready=False)
    await expect(driver.page.locator("html[data-ready]")).to_be_attached()


def row(number: int, **changes: Any) -> dict[str, Any]:
    whole = {
        "id": number,
        "at": "2026-11-27T20:10:03Z",
        "task_id": "t1",
        "character": NAME,
        "hand": "mcp",
        "place": "files",
        "tool": "write_file",
        "title": f"write note {number}",
        "act": "destructive",
        "arguments": '{"path": "/tmp/<b>x</b>"}',
        "verdict": "denied",
        "outcome": "",
        "detail": "",
        "picture": "",
    }
    return {**whole, **changes}


async def test_tasks_are_found_by_state_and_words_and_tried_again(running_neko: RunningNeko, phone: PageDriver) -> None:
    sent: list[Any] = []
    tasks = [
        task("t1", title="Find a train"),
        task("t2", "failed", title="Book a table", error="The page is gone.", commands=["retry"]),
        task("t3", "completed", title="Save the recipe", result="It is in your notes."),
        task("t4", "partial", title="Order a cake", result="It is in the cart.", error="You said no to “Buy”."),
    ]

    async def obey(route: Route) -> None:
        sent.append(route.request.post_data_json)
        tasks[1] = task("t2", "asking", title="Book a table", waits_for="approval", character="Mio")
        await route.fulfill(json={"success": True})

    await phone.context.route("**/api/agent/tasks?*", lambda route: route.fulfill(json={"tasks": tasks}))
    await phone.context.route("**/api/agent/command", obey)
    await visit(running_neko, phone, "tasks")
    titles = phone.get("task").locator("h2")
    await expect(titles).to_have_text(["Find a train", "Book a table", "Save the recipe", "Order a cake"])
    partial = phone.get("task").nth(3).get_by_test_id("task-result").locator("p")
    await expect(partial.and_(phone.page.locator(":visible"))).to_have_text("You said no to “Buy”.")
    await phone.get("task").nth(3).get_by_test_id("task-fold").tap()
    await expect(partial.first).to_be_visible()
    await expect(phone.get("task").nth(2).get_by_test_id("task-result")).to_be_hidden()
    await phone.get("filter-failed").tap()
    await expect(titles).to_have_text(["Book a table"])
    await expect(phone.get("task-result")).to_have_text("The page is gone.")
    await expect(phone.get("task-result")).to_be_visible()
    async with phone.page.expect_response("**/api/agent/command"):
        await phone.get("task-retry").tap()
    async with phone.page.expect_response("**/api/agent/command"):
        await phone.get("stop-all").tap()
    assert sent == [{"command": "retry", "task_id": "t2"}, {"command": "stop_all"}]
    await phone.get("filter-all").tap()
    await expect(phone.get("task").nth(1).get_by_test_id("task-answer")).to_have_attribute("href", "Mio")
    await expect(phone.get("task-answer").and_(phone.page.locator(":visible"))).to_have_count(1)
    await phone.get("task-search").fill("your notes")
    await expect(titles).to_have_text(["Save the recipe"])
    await phone.get("task-search").fill("nothing")
    await expect(phone.get("view-empty")).to_be_visible()
    assert await phone.page.locator("#page").evaluate("(it) => it.scrollWidth <= it.clientWidth")


async def test_the_trail_shows_each_act_as_it_was_and_more_when_asked_for(
    running_neko: RunningNeko, phone: PageDriver
) -> None:
    asked: list[str] = []

    async def answer(route: Route) -> None:
        asked.append(route.request.url.split("?")[1])
        if len(asked) == 1:
            await route.fulfill(status=500, json={"success": False, "error": "The disk is full.", "remedy": "Free it."})
        elif "before=" in route.request.url:
            await route.fulfill(json={"rows": [row(1, verdict="approved", outcome="done", act="read")]})
        else:
            await route.fulfill(json={"rows": [row(number) for number in range(60, 10, -1)]})

    phone.forgive("500")
    await phone.context.route("**/api/agent/audit?*", answer)
    await visit(running_neko, phone, "trail/t1")
    await expect(phone.get("view-failed")).to_contain_text("The disk is full. Free it.")
    await phone.get("view-again").tap()
    rows = phone.get("trail-row")
    await expect(rows).to_have_count(50)
    await expect(rows.first).to_contain_text("may destroy")
    await expect(rows.first).to_contain_text("You said no")
    await rows.first.locator("summary").tap()
    await expect(rows.first.locator("pre")).to_have_text('{"path": "/tmp/<b>x</b>"}')
    await phone.get("trail-more").tap()
    await expect(rows).to_have_count(51)
    await expect(phone.get("trail-more")).to_be_hidden()
    await phone.get("trail-search").fill("note")
    await expect(rows).to_have_count(50)
    assert asked[2].startswith("task=t1&before=11")
    assert asked[3] == "task=t1&q=note&limit=50"
    await expect(phone.get("trail-csv")).to_have_attribute("href", "api/agent/audit/export?format=csv")


async def test_rules_are_made_changed_and_taken_back(running_neko: RunningNeko, phone: PageDriver) -> None:
    kept: dict[str, dict[str, str]] = {
        "hands": {"browser_use": "ask"},
        "domains": {"bank.example": "never"},
        "plugins": {},
        "tools": {"computer_use//click": "ask_once"},
    }

    async def answer(route: Route) -> None:
        for kind, words in (route.request.post_data_json or {}).items():
            kept[kind] = {key: word for key, word in {**kept[kind], **words}.items() if word is not None}
        await route.fulfill(json={"success": True, **kept})

    await phone.context.route("**/api/agent/policies", answer)
    await visit(running_neko, phone, "rules")
    await phone.get("rule-computer_use").select_option("never")
    await expect(phone.get("toast")).to_contain_text("This computer")
    await expect(phone.get("rule-computer_use")).to_have_value("never")
    await phone.get("domain-name").fill("https://Shop.Example/cart")
    await phone.get("domain-policy").select_option("allow")
    await phone.get("domain-add").tap()
    await expect(phone.get("domain")).to_have_count(2)
    assert kept == {
        "hands": {"browser_use": "ask", "computer_use": "never"},
        "domains": {"bank.example": "never", "shop.example": "allow"},
        "plugins": {},
        "tools": {"computer_use//click": "ask_once"},
    }
    await expect(phone.get("rule")).to_contain_text("This computer · click")
    await phone.page.locator("[data-domain='bank.example']").get_by_test_id("domain-remove").tap()
    await expect(phone.get("domain")).to_have_count(1)
    await phone.get("toast").first.get_by_role("button").tap()
    await expect(phone.get("domain")).to_have_count(2)
    await phone.get("domain-name").fill("no host")
    await phone.get("domain-add").tap()
    await expect(phone.get("domain")).to_have_count(2)


async def test_a_rule_on_a_plug_in_is_told_by_its_name_and_by_what_it_does(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    rules = {
        "hands": {},
        "domains": {},
        "plugins": {"well": "ask"},
        "tools": {"user_plugin/well/well__note": "allow", "user_plugin/gone/gone__look_up": "never"},
    }
    entry = {"id": "note", "name": "Write a note", "description": "", "act": "write"}
    plug_in = {"id": "well", "name": "The Well", "description": "", "version": "1", "entries": [entry]}
    state: dict[str, Any] = {"state": "stopped", "place": "", "problems": [], "problem": None}
    told = {"plugins": [{**plug_in, "neko": state}], "message": "", "on": True}
    await driver.context.route("**/api/agent/policies", lambda route: route.fulfill(json={"success": True, **rules}))
    await driver.context.route("**/api/agent/plugins", lambda route: route.fulfill(json=told))
    await visit(running_neko, driver, "rules")
    rows = driver.get("rules-others").get_by_test_id("rule")
    await expect(rows.nth(0)).to_contain_text("The Well")
    await expect(rows.nth(1)).to_contain_text("Plug-ins · gone · look up")
    await expect(rows.nth(2)).to_contain_text("Plug-ins · The Well · Write a note")


async def test_servers_are_taken_over_switched_on_ruled_and_removed(
    running_neko: RunningNeko, driver: PageDriver, tmp_path: Path
) -> None:
    mcp = running_neko.neko.mcp
    mcp.use(True)
    entry = scripted_mcp.entry(tmp_path / "script.json", tools=[scripted_mcp.tool("note"), scripted_mcp.tool("wipe")])
    driver.forgive("409")
    await visit(running_neko, driver, "mcp")
    await expect(driver.get("view-empty")).to_be_visible()
    await driver.page.evaluate(DROP, '{"mcpServers": {"dropped": {"command": "x"}}}')
    await expect(driver.get("import-found")).to_contain_text("dropped")
    await driver.get("import-text").fill("{ nothing }")
    await expect(driver.get("import-problem")).to_contain_text("no tool server")
    file = FilePayload(name="mcp.json", mimeType="application/json", buffer=json.dumps({"paper": entry}).encode())
    await driver.get("import-file").set_input_files([file])
    await expect(driver.get("import-found")).to_contain_text("paper")
    assert mcp.entries == {}
    await driver.get("import-take").click()
    server = driver.page.locator("[data-testid=server][data-name=paper]")
    await expect(server.get_by_test_id("server-state")).to_have_text("Off")
    await server.get_by_test_id("server-switch").check()
    await expect(server.get_by_test_id("server-state")).to_have_text("Ready")
    mcp.use(False)  # as from elsewhere: the page follows by itself
    await expect(driver.get("servers-off")).to_be_visible(timeout=30_000)
    await expect(server.get_by_test_id("server-state")).to_have_text("Off")
    mcp.use(True)
    await expect(server.get_by_test_id("server-state")).to_have_text("Ready", timeout=30_000)
    await server.get_by_test_id("server-tools").first.click()
    await server.get_by_test_id("act-note").select_option("write")
    await expect(server.get_by_test_id("policy-note")).to_contain_text("Allow")
    async with driver.page.expect_response(lambda answer: answer.url.endswith("/policy") and answer.ok):
        await server.get_by_test_id("policy-note").select_option("allow")
    await expect(server.get_by_test_id("policy-note")).to_have_value("allow")
    await expect(driver.page.locator("[data-testid=server] [data-testid=policy-wipe]")).to_have_value("")
    running = mcp.server("paper")
    assert running
    assert [mcp.policy(running, tool) for tool in running.tools] == [Policy.ALLOW, Policy.ASK]
    await server.get_by_test_id("server-test").click()
    await expect(server.get_by_test_id("server-tested")).to_contain_text("It works: 2 tools")
    await server.get_by_test_id("server-remove").click()
    await expect(server).to_be_hidden()
    await driver.get("toast").first.get_by_role("button").click()
    await expect(server).to_be_visible()
    assert "paper" in mcp.entries


async def test_a_server_is_added_by_form_and_its_key_stays_hidden(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await visit(running_neko, driver, "mcp")
    await driver.get("server-add").click()
    form = driver.get("server-form")
    await driver.get("server-name").fill("weather")
    await driver.get("kind-remote").click()
    await driver.get("server-url").fill("http://127.0.0.1:9/mcp")
    await form.get_by_label("Headers").fill("Authorization: Bearer abcdefghijklmnop")
    await driver.get("server-save").click()
    server = driver.page.locator("[data-testid=server][data-name=weather]")
    await expect(server).to_contain_text("127.0.0.1")
    await server.get_by_test_id("server-edit").click()
    headers = server.get_by_label("Headers")
    assert "abcdefghijklmnop" not in await headers.input_value()
    await server.get_by_test_id("server-url").fill("http://127.0.0.1:9/other")
    await server.get_by_test_id("server-save").click()
    await expect(server.get_by_test_id("server-form")).to_have_count(0)
    kept = running_neko.neko.mcp.entries["weather"]
    assert kept["headers"] == {"Authorization": "Bearer abcdefghijklmnop"}
    assert kept["url"] == "http://127.0.0.1:9/other"


async def test_abilities_are_off_and_say_what_keeps_them_so(running_neko: RunningNeko, driver: PageDriver) -> None:
    sent: list[Any] = []
    snapshot: dict[str, Any] = {**running_neko.neko.agent.snapshot(), "gate": {"ready": True, "reasons": []}}
    snapshot["capabilities"] = {hand: {"ready": False, "reason": "There is none."} for hand in snapshot["capabilities"]}

    async def obey(route: Route) -> None:
        sent.append(route.request.post_data_json)
        if sent[-1]["command"] == "set_agent_enabled":
            snapshot["analyzer_enabled"] = sent[-1]["enabled"]
        why = "There is none." if sent[-1]["command"] == "set_flag" else None
        await route.fulfill(json={"success": True, "snapshot": snapshot, "notification": why})

    await driver.context.route(
        "**/api/agent/state", lambda it: it.fulfill(json={"success": True, "snapshot": snapshot})
    )
    await driver.context.route("**/api/agent/command", obey)
    await driver.open(f"{running_neko.url}/#settings/abilities")
    master, browser = driver.get("ability-master"), driver.get("ability-browser_use")
    await expect(master).not_to_be_checked()
    await expect(browser).to_be_disabled()
    await master.check()
    await browser.click()
    await expect(driver.get("toast")).to_have_text("There is none.")
    await expect(browser).not_to_be_checked()
    assert sent == [
        {"command": "set_agent_enabled", "enabled": True},
        {"command": "set_flag", "key": "browser_use_enabled", "value": True},
    ]
    await expect(driver.get("to-tasks")).to_have_attribute("href", "agent#tasks")


async def test_she_is_let_speak_first_and_told_when_not(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.open(f"{running_neko.url}/#settings/abilities")
    driver.forgive("status of 400")
    on, quiet = driver.get("first-on"), driver.get("first-quiet")
    await expect(on).not_to_be_checked()
    await expect(quiet).to_have_count(0)
    await on.check()
    await quiet.fill("at night")
    await quiet.press("Enter")
    await expect(driver.get("speaking-first").get_by_role("alert")).to_contain_text("at night")
    await quiet.fill("")
    await quiet.press("Enter")
    await expect(driver.get("first-now")).to_have_text("She may speak now, if there is something.")
    await expect(driver.get("first-source-window")).not_to_be_checked()
    await expect(driver.get("speaking-first")).to_contain_text("not Wayland or macOS")
    await driver.get("first-source-news").check()
    await driver.get("first-feeds").fill("https://paper.example/feed")
    async with driver.page.expect_response(lambda one: '"per_day":3' in (one.request.post_data or "")):
        await driver.get("first-per-day").select_option("3")
    await expect(driver.get("first-feeds")).to_have_value("https://paper.example/feed")
    asked = running_neko.neko.config.values["neko"]["proactive"]
    assert asked == {
        "on": True,
        "quiet": "none",
        "sources": ["memory", "news"],
        "feeds": ["https://paper.example/feed"],
        "per_day": 3,
    }
