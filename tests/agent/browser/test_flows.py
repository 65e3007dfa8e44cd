"""How often the user is asked while a whole task is done on pages as there are: not for what only shows them something
else, and always before something is sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_sockets

from neko.agent.browser.hand import BrowserHand
from neko.agent.browser.restraint import sends
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
    "another tab of the task": "new BroadcastChannel('all').postMessage('go')",
    "a picture": "new Image().src = '/items/5/delete'",
    "words that look for something": "fetch('/harm', {method: 'POST', body: JSON.stringify({query: 'red shoes'})})",
    "an address that names the deed": "fetch('/items/5/delete')",
    "a place that names the deed": "location.assign('/cart.php?action=add&action=buy&id=5')",
    "words that are no query": "fetch('/harm', {method: 'POST', body: '{\"query\": \"mutation { buy }\"}'})",
}


@pytest.mark.parametrize(
    "address",
    [
        *("/x?delete=5", "/?add-to-cart=5", "/?remove_item=3", "/api/deleteItem?id=5", "/remove-item/5"),
        *("/logout.html", "/graphql?query=mutation{buy}", "/a?_method=DELETE", "/addToCart"),
    ],
)
async def test_an_address_tells_that_it_does_something(address: str) -> None:
    assert sends("GET", f"https://a.example{address}", "")


@pytest.mark.parametrize(
    "address",
    [
        *("/how-to-delete-a-file", "/remove-stains-from-wool", "/?book=5", "/search?q=delete", "/delete.svg"),
        *("/shoes?order=asc", "/add-ons", "/?confirm=0", "/search?submit=Search", "/address"),
    ],
)
async def test_an_address_tells_that_it_shows_something(address: str) -> None:
    assert not sends("GET", f"https://a.example{address}", "")


async def test_a_socket_that_is_opened_meanwhile_sends_nothing_until_the_user_has_said_yes(
    open_worker: Open, site: Site
) -> None:
    heard: list[object] = []

    async def talk(connection: ServerConnection) -> None:
        async for said in connection:
            heard.append(said)
            await connection.send("heard")

    async with serve_sockets(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        site.pages["/"] = Page(
            f"""<button>Well</button><script>document.querySelector('button').onclick = () => {{
            const talk = new WebSocket('ws://127.0.0.1:{port}'); talk.onopen = () => talk.send('all');
            talk.onclose = () => document.title = 'Closed'; talk.onmessage = () => document.title = 'Heard'
            }}</script>"""
        )
        worker = await open_worker(f"Talk to 127.0.0.1:{port}")
        await worker.do("navigate", url=site.url)
        held = await worker.do("click", at="Well")
        later = await worker.do("wait", seconds=0.7)
        assert worker.intents[1].act is Act.READ
        assert "held back" in held.text + later.text
        assert "Closed" in later.text
        assert not heard
        await worker.do("click", at="Well")
        assert worker.intents[-1].act is Act.DESTRUCTIVE
        assert "Heard" in (await worker.do("wait", seconds=0.7)).text


async def test_a_page_that_is_left_sends_no_last_words_of_what_was_tried_in_it(open_worker: Open, site: Site) -> None:
    last = "addEventListener('pagehide', () => navigator.sendBeacon('/harm', 'all'))"
    kept = "addEventListener('pagehide', () => fetch('/harm', {method: 'POST', keepalive: true}))"
    site.pages |= {"/page": Page(f'<button onclick="{last}; {kept}">Well</button>'), "/next": Page("Next")}
    site.pages |= {"/harm": Page()}
    worker = await open_worker()
    await worker.do("navigate", url=f"{site.url}/page")
    await worker.do("click", at="Well")
    await worker.do("navigate", url=f"{site.url}/next")
    await worker.do("wait", seconds=0.5)
    assert "/harm" not in site.paths


async def test_a_beacon_that_counts_visitors_elsewhere_is_told_of_and_no_reason_to_ask(
    open_worker: Open, site: Site, rules: Rules
) -> None:
    rules.near = True
    elsewhere = f"http://localhost:{site.port}"
    site.pages |= {"/": Page(f"""<button onclick="navigator.sendBeacon('{elsewhere}/count', 'x')">Well</button>""")}
    site.pages |= {"/count": Page()}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    for _ in range(2):
        told = (await worker.do("click", at="Well")).text
        told += (await worker.do("wait", seconds=0.3)).text
        assert f"held back: POST localhost:{site.port}/count" in told
        assert worker.intents[-2].act is Act.READ
    assert "/count" not in site.paths


KEEPS = """<button>Well</button><script>
  const send = async (path, body) => { try { await fetch(path, {method: 'POST', body}) } catch { keep(body) } };
  const keep = body => localStorage.setItem('kept', body);
  document.querySelector('button')?.addEventListener('click',
    () => send('/harm', JSON.stringify({liked: 5, at: Date.now()})));
  const kept = localStorage.getItem('kept');
  if (kept) WAY
</script>"""


@pytest.mark.parametrize(
    "way", ["send('/harm', kept)", "send('/all', JSON.stringify([kept]))", "send('/harm', kept.replace('1', '2'))"]
)
async def test_what_a_page_keeps_for_its_next_one_is_not_sent_by_that_until_it_was_approved(
    open_worker: Open, site: Site, way: str
) -> None:
    next_page = KEEPS.replace("WAY", f"{{ {way}; document.title = 'Sent' }}")
    site.pages |= {"/page": Page(KEEPS.replace("WAY", "{}")), "/next": Page(next_page)}
    site.pages |= {"/harm": Page(), "/all": Page(), "/load": Page()}
    worker = await open_worker()
    await worker.do("navigate", url=f"{site.url}/page")
    assert "held back" in (await worker.do("click", at="Well")).text
    assert "Sent" in (await worker.do("navigate", url=f"{site.url}/next")).text
    await worker.do("wait", seconds=0.3)
    assert not {"/harm", "/all"} & set(site.paths)
    await worker.workspace._pages.tab.page.evaluate("fetch('/load', {method: 'POST', body: 'anything else'})")
    assert "/load" in site.paths
    await worker.do("navigate", url=f"{site.url}/page")
    await worker.do("click", at="Well")
    assert worker.intents[-1].act is Act.DESTRUCTIVE
    await site.until_asked("/harm")


async def test_a_yes_is_for_nothing_that_was_tried_before_and_is_saved_late_or_again(
    open_worker: Open, site: Site
) -> None:
    again = "setInterval(() => fetch('/harm', {method: 'POST', body: 'again'}), 200)"
    late = "setTimeout(() => fetch('/harm', {method: 'POST', body: 'late'}), 600)"
    buy = "fetch('/bought', {method: 'POST'})"
    site.pages |= {"/harm": Page(), "/bought": Page()}
    site.pages |= {
        "/": Page(f"""<button onclick="{again}; {late}">Well</button><button onclick="{buy}">Buy</button>""")
    }
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    await worker.do("click", at="Well")
    await worker.do("click", at="Buy")
    await site.until_asked("/bought")
    await worker.do("wait", seconds=0.7)
    assert "/harm" not in site.paths


@pytest.mark.parametrize(
    "where", ["in the page", "in a frame that was there", "in a new frame", "in a frame of its own"]
)
async def test_no_socket_is_even_opened_by_what_is_tried(open_worker: Open, site: Site, where: str) -> None:
    opens = "new WebSocket(`ws://${location.host}/talk`)"
    new = "const one = document.createElement('iframe'); one.SOURCE; document.body.append(one)"
    ways = {
        "in the page": opens,
        "in a frame that was there": "document.querySelector('iframe').contentWindow.postMessage('go')",
        "in a new frame": new.replace("SOURCE", "src = '/frame?at-once'"),
        "in a frame of its own": f"{new.replace('one.SOURCE;', '')}; new one.contentWindow.WebSocket('ws://{site.host}/talk')",
    }
    frame = f"<script>onmessage = () => {opens}; if (location.search) {opens}</script>"
    site.pages |= {
        "/": Page(
            f"""<button>Well</button><iframe src=/frame></iframe><script>
            document.querySelector('button').onclick = () => {{ {ways[where]} }}</script>"""
        ),
        "/frame": Page(frame),
        "/talk": SILENCE,
    }
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    held = (await worker.do("click", at="Well")).text
    held += (await worker.do("wait", seconds=0.5)).text
    assert "/talk" not in site.paths
    assert f"WEBSOCKET {site.host}/talk" in held


async def test_what_was_held_back_before_the_user_allowed_something_else_is_told(open_worker: Open, site: Site) -> None:
    site.pages |= {
        "/": Page(f"""<button onclick="setTimeout(() => {HARM}, 400)">Well</button>
      <button onclick="document.title = 'Done'">Buy</button>""")
    }
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    failing = (await worker.do("click", at="Well")).text
    assert "held back" not in failing
    await asyncio.sleep(1)
    told = await worker.do("click", at="Buy")
    assert "held back" in told.text
    assert (await worker.intend("click", at="Well")).act is Act.DESTRUCTIVE


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "way", ["a moment later", "another tab of the task", "a form that goes to a new tab", "a frame of elsewhere", *SLY]
)
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
        "/other": Page(f"<script>new BroadcastChannel('all').onmessage = () => {HARM}</script>"),
        **dict.fromkeys(("/harm", "/items/5/delete", "/cart.php"), Page("harmed")),
    }
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    if way == "another tab of the task":
        await worker.do("new_tab", url=f"{site.url}/other")
        await worker.do("switch_tab", tab=1)
    done = await worker.do("click", at="Well")
    assert worker.intents[-1].act is Act.READ
    later = await worker.do("wait", seconds=1)
    assert set(site.paths) <= {"/", "/frame", "/other"}
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


async def test_a_link_that_frameworks_make_a_deed_of_is_tried(open_worker: Open, site: Site) -> None:
    site.pages |= {
        "/": Page("""<a href="/items/5" data-method=delete>🗑</a><script>document.querySelector('a').onclick = () => {
          fetch('/items/5', {method: 'DELETE'}); return false }</script>"""),
        "/items/5": Page(),
    }
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    assert "held back" in (await worker.do("click", at='link "🗑"')).text
    assert "/items/5" not in site.paths
    assert (await worker.intend("click", at='link "🗑"')).act is Act.DESTRUCTIVE


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
