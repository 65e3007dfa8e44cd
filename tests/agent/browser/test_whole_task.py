"""A task from what the user asked for to its result: the real loop and a real browser, with a scripted model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from neko.agent.browser.hand import BrowserHand
from neko.agent.tasks import Task, TaskState
from neko.types.agent import Decision
from neko.types.hands import Said, Thought
from tests.agent.browser.conftest import Rules
from tests.agent.browser.site import Asked, Page, Site
from tests.agent.test_task_loop import Scene
from tests.scripted_hand import calls, done

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


def at(name: str, line: str, **arguments: object) -> Any:
    """An action on the element whose line in the newest page holds this."""

    def thought(messages: Sequence[Said]) -> Thought:
        page = messages[-1].text
        found = re.search(rf"{re.escape(line)}.*?\[ref=(\w+)\]", page)
        assert found is not None, page
        return calls((name, {"ref": found[1], **arguments}))

    return thought


@pytest.fixture
def shop(site: Site, rules: Rules) -> Site:
    def ordered(asked: Asked) -> Page:
        return Page(f"<h1>Thank you, {asked.fields['name']}</h1>")

    form = "<form method=post action=/order><input name=name aria-label=Name><button>Order</button></form>"
    site.pages |= {"/": Page(form), "/order": ordered}
    return site


async def run(scene: Scene, hand: BrowserHand, site: Site, *script: Any) -> Task:
    scene.agent.hands["browser_use"] = hand  # type: ignore[index]
    scene.thinker.script.clear()
    scene.thinker.script.extend(script)
    task = await scene.agent.tasks.start("Mio", f"Order one for Ada at {site.url}", hand="browser_use")
    return await scene.ended(task.id)


async def test_what_is_bought_is_asked_for_with_a_picture_and_done_when_it_was_allowed(
    hand: BrowserHand, shop: Site, tmp_path: Path
) -> None:
    scene = Scene(tmp_path)
    scene.answers = lambda _question: Decision.ONCE
    start = calls(("navigate", {"url": shop.url}))
    task = await run(
        scene, hand, shop, start, at("type", "textbox", text="Ada"), at("click", "button"), done("Ordered.")
    )
    assert (task.state, task.result) == (TaskState.COMPLETED, "Ordered.")
    assert Asked("POST", "/order", {"name": "Ada"}) in shop.asked
    assert [question["act"] for question in scene.asked] == ["write", "destructive"]
    assert "Order" in scene.asked[1]["title"]
    assert scene.agent.tasks.thumbnail(task.id) is not None
    await scene.aclose()


async def test_nothing_is_bought_that_was_not_allowed(hand: BrowserHand, shop: Site, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.answers = lambda question: Decision.DENY if question["act"] == "destructive" else Decision.ONCE
    start = calls(("navigate", {"url": shop.url}))
    await run(scene, hand, shop, start, at("type", "textbox", text="Ada"), at("click", "button"), done("Not ordered."))
    assert "/order" not in shop.paths
    await scene.aclose()
