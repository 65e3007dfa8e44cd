"""The cards of what she does: seen as they go, stopped by button and key, never in the way of the talk."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from neko.agent.agent_file import AgentFile
from neko.agent.journal import Journal
from neko.agent.messages import agent_status_update
from neko.agent.policies import Policies
from neko.agent.service import Agent
from neko.agent.switches import Switches
from neko.types.hands import Hand, HandName, Thought
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.page.scripted_tasks import step, task, tell
from tests.scripted_hand import ScriptedHand, ScriptedThinker, do, done

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMMAND = "**/api/agent/command"
LONG = "She found a train. " * 60


class Commands(list[dict[str, Any]]):
    """What the page asked of the agent, answered by this script."""

    async def answer(self, route: Route) -> None:
        self.append(json.loads(route.request.post_data or "{}"))
        await route.fulfill(json={"success": True})


@pytest_asyncio.fixture(loop_scope="session")
async def commands(driver: PageDriver) -> Commands:
    commands = Commands()
    await driver.context.route(COMMAND, commands.answer)
    return commands


@pytest_asyncio.fixture(loop_scope="session")
async def phone(chromium: Browser) -> AsyncIterator[PageDriver]:
    async with PageDriver(chromium, viewport={"width": 390, "height": 844}, has_touch=True) as driver:
        yield driver
        driver.check()


async def test_a_task_is_followed_from_its_beginning_to_its_end(
    running_neko: RunningNeko, driver: PageDriver, commands: Commands
) -> None:
    await driver.open(running_neko.url)
    place = await driver.get("composer").bounding_box()
    assert not [one for one in driver.requests if "/hands/hud.js" in one.url]
    steps = [step("Open the page", "done"), step("Compare the prices", "running", "page 2 of 3"), step("Tell")]
    tell(running_neko, task("t1", steps=steps, action="Clicking “Sort”"))
    card = driver.get("task")
    await expect(card.get_by_test_id("task-state")).to_have_text("At work")
    await expect(card.get_by_test_id("task-action")).to_have_text("Clicking “Sort”")
    await expect(card.locator("[aria-current=step]")).to_contain_text("page 2 of 3")
    await expect(driver.get("hands-said")).to_have_text("Find a train: At work")
    await expect(card.get_by_test_id("task-resume")).to_be_hidden()
    async with driver.page.expect_response(COMMAND):
        await card.get_by_test_id("task-pause").click()
    assert commands == [{"command": "pause", "task_id": "t1"}]
    tell(running_neko, task("t1", "paused", commands=["resume", "cancel"]))
    async with driver.page.expect_response(COMMAND):
        await card.get_by_test_id("task-resume").click()
    tell(running_neko, task("t1", "completed", result=LONG, commands=[]))
    await expect(card.get_by_test_id("task-time")).to_have_text("0:31")
    await expect(driver.get("hands-said")).to_have_text("Find a train: Done")
    result = card.get_by_test_id("task-result")
    cut = await result.bounding_box()
    await card.get_by_test_id("task-more").click()
    whole = await result.bounding_box()
    assert cut
    assert whole
    assert whole["height"] > 2 * cut["height"]
    assert await driver.get("composer").bounding_box() == place
    await card.get_by_test_id("task-dismiss").click()
    await expect(driver.get("hands")).to_be_hidden()
    await expect(driver.get("composer")).to_be_focused()


async def test_a_failure_says_what_to_do_and_what_is_told_twice_stands_once(
    running_neko: RunningNeko, driver: PageDriver, commands: Commands
) -> None:
    await driver.open(running_neko.url)
    failed = task("t1", "failed", error="There is no screen.", remedy="Start Neko in a desktop session.")
    tell(running_neko, task("t1"), task("t2", ago_s=3, title="Another one"), failed, failed)
    await expect(driver.get("task")).to_have_count(2)
    await expect(driver.get("task").first).to_contain_text("Another one")
    card = driver.page.locator("[data-testid=task][data-id=t1]")
    await expect(card.get_by_test_id("task-result")).to_contain_text("There is no screen.")
    await expect(card.get_by_test_id("task-result")).to_contain_text("Start Neko in a desktop session.")
    async with driver.page.expect_response(COMMAND):
        await card.get_by_test_id("task-retry").click()
    assert commands == [{"command": "retry", "task_id": "t1"}]


async def test_a_task_of_another_agent_is_shown_by_what_it_tells_and_an_old_snapshot_by_nothing(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(running_neko.url)
    theirs = task("0123456789ab")
    theirs.pop("neko")
    theirs["params"] = {"instruction": "x" * 80, "query": ""}
    snapshot = running_neko.neko.agent.snapshot()
    newer = {**snapshot, "revision": snapshot["revision"] + 5, "active_tasks": [theirs]}
    old = {**snapshot, "revision": snapshot["revision"] + 4, "active_tasks": [task("t9")]}
    running_neko.neko.bus.agent.publish(agent_status_update(newer, NAME))  # type: ignore[arg-type]
    running_neko.neko.bus.agent.publish(agent_status_update(old, NAME))  # type: ignore[arg-type]
    tell(running_neko, task("t2"))
    await expect(driver.get("task")).to_have_count(2)
    await expect(driver.page.locator("[data-id='0123456789ab'] h2")).to_have_text(f"{'x' * 60}…")


GONE = """async (task) => {
  const { Tasks, stateOf, isOver } = await import(new URL("static/app/hands/tasks.js", document.baseURI).href);
  const tasks = new Tasks();
  tasks.take(task);
  await tasks.load();
  return tasks.all.map((one) => [stateOf(one), isOver(one), one.neko.commands.length]);
}"""


async def test_what_a_server_that_was_started_anew_knows_no_more_is_interrupted(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(running_neko.url)
    assert await driver.page.evaluate(GONE, task("t1")) == [["interrupted", True, 0]]


async def test_escape_twice_stops_all_also_while_one_writes(
    running_neko: RunningNeko, driver: PageDriver, commands: Commands
) -> None:
    clock = driver.context.clock
    await clock.install()
    await driver.open(running_neko.url)
    tell(running_neko, task("t1"))
    await expect(driver.get("task")).to_be_visible()
    await driver.get("composer").fill("I am just wri")
    await clock.pause_at(datetime.now() + timedelta(minutes=10))  # the second has to follow within a moment
    await driver.get("composer").press("Escape")
    await expect(driver.get("toast")).to_contain_text("Esc once more")
    assert commands == []
    await driver.get("composer").press("Escape")
    await clock.resume()
    await expect(driver.get("toast").first).to_contain_text("Everything is stopped")
    assert commands == [{"command": "stop_all"}]
    await expect(driver.get("composer")).to_have_value("I am just wri")
    tell(running_neko, task("t1", "cancelled", commands=[]))
    await expect(driver.get("hands-stop").first).to_be_hidden()
    await driver.get("composer").press("Escape")
    await driver.get("composer").press("Escape")
    await driver.get("hands-fold").click()
    await expect(driver.get("task")).to_be_hidden()
    assert len(commands) == 1


async def test_a_reload_shows_what_runs_and_what_was_put_away_stays_away(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    tasks = [task("t1"), task("t2", "completed", title="Just done"), task("t3", "completed", ago_s=9000)]
    snapshot = {**running_neko.neko.agent.snapshot(), "active_tasks": tasks[:1]}
    await driver.context.route(
        "**/api/agent/state", lambda it: it.fulfill(json={"success": True, "snapshot": snapshot})
    )
    await driver.context.route("**/api/agent/tasks?*", lambda it: it.fulfill(json={"success": True, "tasks": tasks}))
    await driver.open(running_neko.url)
    await expect(driver.get("task")).to_have_count(2)
    await driver.page.locator("[data-id=t2]").get_by_test_id("task-dismiss").click()
    await driver.page.reload()
    await expect(driver.page.locator("[data-id=t1]")).to_be_visible()
    await expect(driver.get("task")).to_have_count(1)


async def test_on_a_phone_a_strip_opens_a_sheet(running_neko: RunningNeko, phone: PageDriver) -> None:
    page = await phone.open(running_neko.url)
    talk = await page.locator("#talk").bounding_box()
    tell(running_neko, task("t1", steps=[step("Open", "running")], action="Reading"), task("t2", "queued", ago_s=1))
    strip = phone.get("hands-strip")
    await expect(strip).to_contain_text("At work · Reading")
    await expect(strip).to_contain_text("+1")
    box = await strip.bounding_box()
    assert box
    assert box["height"] >= 44
    assert talk == await page.locator("#talk").bounding_box()
    assert talk
    assert box["y"] + box["height"] <= talk["y"]
    await strip.tap()
    await expect(phone.get("task")).to_have_count(2)
    await expect(phone.get("task").first).to_be_in_viewport()
    assert await phone.get("hands-sheet").evaluate("(it) => it.scrollWidth <= it.clientWidth")
    await phone.get("hands-close").tap()
    await expect(phone.get("hands-sheet")).to_be_hidden()


async def with_hands(neko: RunningNeko, folder: Path, *script: Thought) -> Agent:
    """The agent itself, with a scripted model over a small world."""
    await neko.neko.agent.aclose()
    file = AgentFile(folder / "agent.json")
    hands: dict[HandName, Hand] = {"browser_use": ScriptedHand()}
    switches = Switches(file)
    agent = Agent(
        neko.neko.bus,
        neko.neko.approvals,
        switches,
        Policies(file),
        hands,
        Journal(folder / "agent"),
        thinker=lambda: ScriptedThinker(*script),
    )
    neko.neko.agent = agent
    return agent


async def test_she_asks_does_it_tells_and_the_trail_has_it(
    running_neko: RunningNeko, driver: PageDriver, tmp_path: Path
) -> None:
    await with_hands(running_neko, tmp_path, do("erase", "the list"), done("The list is gone."))
    page = await driver.open(f"{running_neko.url}/#settings/abilities")
    await driver.get("ability-master").check()
    await driver.get("ability-browser_use").check()
    await expect(driver.get("ability-browser_use")).to_be_checked()
    await driver.get("settings-close").click()
    order = {"command": "start", "instruction": "Erase the list", "hand": "browser_use"}
    assert (await page.request.post(f"{running_neko.url}/api/agent/command", data=order)).ok
    await expect(driver.get("task-state")).to_have_text("Needs your answer")
    await expect(driver.get("approval")).to_contain_text("erase “the list”")
    await expect(driver.get("approval-once")).to_be_enabled()
    await page.keyboard.press("Alt+y")
    await expect(driver.get("task-result")).to_have_text("The list is gone.")
    await expect(driver.get("task-state")).to_have_text("Done")
    await page.reload()
    await expect(driver.get("task-result")).to_have_text("The list is gone.")
    await driver.get("hands-all").click()
    await driver.get("task-trail").click()
    row = driver.get("trail-row").first
    await expect(row).to_contain_text("erase “the list”")
    await expect(row).to_contain_text("You allowed it")
    await driver.get("tab-rules").click()
    async with page.expect_response("**/api/agent/policies"):
        await driver.get("rule-browser_use").select_option("never")
    await expect(driver.get("toast")).to_contain_text("Browser")
    assert running_neko.neko.agent.policies.all()["hands"] == {"browser_use": "never"}
