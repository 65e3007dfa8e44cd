"""How often the user is asked while a whole task is done on pages as there are: not for what only shows them something
else, and always before something is sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from neko.agent.browser.hand import BrowserHand
from neko.agent.tasks import Task, TaskState
from neko.types.agent import Act, Decision
from neko.types.hands import Said, Thought
from neko.types.model_session import Tool
from tests.agent.browser.conftest import Open, Rules
from tests.agent.browser.flows import FLOWS, Flow, Step, serve
from tests.agent.browser.site import SILENCE, Page, Site
from tests.agent.test_task_loop import Scene
from tests.scripted_hand import ScriptedThinker, calls, done

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


class Walker(ScriptedThinker):
    """Goes through a flow step by step; once more where it is told that something was held back."""

    def __init__(self, url: str, steps: Sequence[Step]) -> None:
        super().__init__(done())
        self._url = url
        self._steps = list(steps)
        self._next = -1
        self.page = ""

    async def think(
        self, messages: Sequence[Said], tools: Sequence[Tool] = (), *, must_call: bool = False, timeout_s: float = 45.0
    ) -> Thought:
        if self._next < 0:
            self._next = 0
            return calls(("navigate", {"url": self._url}))
        newest = messages[-1].text
        self.page = newest if "[ref=" in newest or "Page:" in newest else self.page
        if "held back" in newest:
            self._next -= 1
        if self._next == len(self._steps):
            return done("Done.")
        name, line, *more = self._steps[self._next]
        self._next += 1
        lines = [one for one in self.page.splitlines() if line in one and "[ref=" in one]
        assert lines, f"no {line} in:\n{self.page}"
        found = re.search(r"\[ref=(\w+)\]", lines[0])
        assert found is not None
        return calls((name, {"ref": found[1], **(more[0] if more else {})}))


async def go(
    flow: Flow, hand: BrowserHand, site: Site, folder: Path, answer: Decision = Decision.ONCE
) -> tuple[Task, Scene, Walker]:
    serve(site, flow)
    scene = Scene(folder)
    scene.answers = lambda _question: answer
    scene.agent.hands["browser_use"] = hand  # type: ignore[index]
    scene.thinker = walker = Walker(site.url, flow.steps)
    task = await scene.agent.tasks.start("Mio", f"{flow.words} at {site.url}", hand="browser_use")
    ended = await scene.ended(task.id)
    await scene.aclose()
    return ended, scene, walker


def sent(site: Site) -> list[str]:
    return [asked.path for asked in site.asked if asked.method != "GET"]


@pytest.mark.few(2)
@pytest.mark.parametrize("name", ["a thing is put into the cart and bought", "a menu, a popup and a card", *FLOWS])
async def test_the_user_is_asked_as_often_as_something_is_done(
    hand: BrowserHand, site: Site, rules: Rules, tmp_path: Path, name: str
) -> None:
    flow = FLOWS[name]
    task, scene, walker = await go(flow, hand, site, tmp_path)
    assert task.state is TaskState.COMPLETED
    assert flow.sees in walker.page
    assert sent(site) == list(flow.sent)
    assert len(scene.asked) == flow.questions, [question["title"] for question in scene.asked]


# ── what is tried sends nothing ─────────────────────────────────────────────────────────

HARM = "fetch('/harm', {method: 'POST', body: 'all'})"
SLY = {
    "a request": HARM,
    "another method": "fetch('/harm', {method: 'DELETE'})",
    "an old request": "{ const old = new XMLHttpRequest(); old.open('PUT', '/harm'); old.send('all'); }",
    "a beacon": "navigator.sendBeacon('/harm', 'all')",
    "a form that a script sends": "document.forms[0].submit()",
    "a form that goes to a new tab": "document.forms[0].target = '_blank'; document.forms[0].submit()",
    "a worker": "new Worker(URL.createObjectURL(new Blob([`fetch('${location.origin}/harm', {method: 'POST'})`])))",
    "a frame": "document.querySelector('iframe').contentWindow.postMessage('go', '*')",
    "a frame of elsewhere": "document.querySelectorAll('iframe')[1].contentWindow.postMessage('go', '*')",
    "a moment later": f"setTimeout(() => {HARM}, 700)",
    "an address that names the deed": "fetch('/items/5/delete')",
    "a place that names the deed": "location.assign('/cart.php?action=add&action=buy&id=5')",
    "words that are no query": "fetch('/harm', {method: 'POST', body: '{\"query\": \"mutation { buy }\"}'})",
}


@pytest.mark.few(2)
@pytest.mark.parametrize("way", ["a moment later", "a form that goes to a new tab", "a frame of elsewhere", *SLY])
async def test_a_click_that_is_not_asked_for_sends_nothing_by_any_way(
    open_worker: Open, site: Site, rules: Rules, way: str
) -> None:
    rules.near = True
    frame = f"<script>onmessage = () => {HARM}</script>"
    site.pages |= {
        "/": Page(
            f"""<button onclick="go()">Well</button><form action=/harm method=post></form><iframe src=/frame></iframe>
            <iframe src="http://localhost:{site.port}/frame"></iframe>
            <script>const go = () => {{ {SLY[way]} }}</script>"""
        ),
        "/frame": Page(frame),
        **dict.fromkeys(("/harm", "/items/5/delete", "/cart.php"), Page("harmed")),
    }
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    done = await worker.do("click", at="Well")
    assert worker.intents[-1].act is Act.READ
    later = await worker.do("wait", seconds=1)
    assert set(site.paths) <= {"/", "/frame"}
    if way == "a beacon":
        return
    assert "held back" in done.text + later.text
    await worker.do("switch_tab", tab=1)
    again = await worker.intend("click", at="Well")
    assert again.act is Act.DESTRUCTIVE
    assert "the page will send" in again.shown


async def test_what_was_held_back_is_shown_whole_but_for_secrets_and_sent_once_it_was_allowed(
    open_worker: Open, site: Site
) -> None:
    login = """<input type=password id=word value="hunter: 2"><button onclick="fetch('/in', {method: 'POST', body:
      JSON.stringify({name: 'Ada', word: word.value})}).then(() => document.title = 'In')">Well</button>"""
    site.pages |= {"/": Page(login), "/in": Page()}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    held = await worker.do("click", at="Well")
    assert f"POST {site.host}/in" in held.text
    assert "Ada" not in held.text
    asked = await worker.intend("click", at="Well")
    assert "Ada" in asked.shown
    assert "hunter" not in asked.shown
    assert asked.picture is not None
    await worker.do("click", at="Well")
    await site.until_asked("/in")
    assert (await worker.intend("click", at="Well")).act is Act.DESTRUCTIVE, "a yes is for one time"


async def test_a_page_that_was_left_keeps_the_next_one_from_nothing(open_worker: Open, site: Site) -> None:
    site.pages |= {
        "/": Page("<button onclick=\"location = '/next'\">Well</button>"),
        "/next": Page("<script>fetch('/load', {method: 'POST'}).then(() => document.title = 'Loaded')</script>"),
        "/load": Page(),
    }
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    assert "Loaded" in (await worker.do("click", at="Well")).text
    assert "/load" in site.paths


async def test_nothing_is_tried_in_a_page_with_an_open_socket(open_worker: Open, site: Site) -> None:
    """What goes through it cannot be held back."""
    site.pages |= {"/": Page("<button>Well</button><script>new WebSocket(`ws://${location.host}/talk`)</script>")}
    site.pages |= {"/talk": SILENCE}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    await site.until_asked("/talk")
    assert (await worker.intend("click", at="Well")).act is Act.DESTRUCTIVE


async def test_a_file_is_taken_only_when_it_was_asked_for(open_worker: Open, site: Site) -> None:
    attachment = {"Content-Disposition": "attachment; filename=report.txt"}
    site.pages |= {"/": Page("<button onclick=\"location = '/file'\">Well</button>")}
    site.pages |= {"/file": Page("all", headers=attachment)}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    done = await worker.do("click", at="Well")
    assert "call download" in done.text
    assert not done.files
    assert not list(worker.folder.iterdir())
    assert (await worker.do("download", at="Well")).files
    assert worker.intents[-1].act is not Act.READ


async def test_a_link_whose_address_names_a_deed_is_asked_for(open_worker: Open, site: Site) -> None:
    site.pages |= {"/": Page('<a href="/items/5/delete">🗑</a><a href="/items/5">Five</a>')}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    assert (await worker.intend("click", at='link "🗑"')).act is Act.DESTRUCTIVE
    assert (await worker.intend("click", at='link "Five"')).act is Act.READ
