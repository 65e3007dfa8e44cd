"""Whenever a task with a real hand is cancelled: a browser, a server over stdio and over HTTP, a plug-in. Nothing of it
runs on, no card and no question stays, no process is left. With scripted hands: ``test_cancel_anywhere``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil
import pytest

from neko.agent.approvals import Approvals
from neko.agent.browser.gate import Gate
from neko.agent.browser.hand import BrowserHand, BrowserOptions
from neko.agent.mcp.hand import McpHand
from neko.agent.mcp.servers import McpServers
from neko.agent.plugins.hand import PluginHand
from neko.agent.tasks import TaskState
from neko.net import Network
from neko.types.agent import Decision, Policy
from neko.types.hands import Hand, HandName, Thought
from tests import scripted_mcp
from tests.agent.browser.site import SILENCE, Page, Site
from tests.agent.plugins.conftest import Shelf
from tests.agent.test_mcp_servers import call, free_port, over_http
from tests.agent.test_task_loop import Scene
from tests.scripted_hand import ScriptedThinker, calls, done
from tests.scripted_mcp import tool

pytestmark = pytest.mark.slow

LET_GO_S = 20.0
"""On a busy machine; how fast it is, is measured (``tests.bench tasks``)."""
LONG = ("it__trigger-long-running-operation", {"duration": 0.2, "steps": 4})
SLOW = """
import asyncio, pathlib, time
class P(NekoPluginBase):
    @plugin_entry(id="quick", extra={"read_only": True, "open_world": False})
    def quick(self):
        return "quick"

    @plugin_entry(id="wait", extra={"read_only": True, "open_world": False})
    async def wait(self):
        await asyncio.sleep(0.05)
        self.note()
        return "waited"

    @plugin_entry(id="block", extra={"destructive": False, "open_world": False})
    def block(self):
        time.sleep(0.05)
        self.note()
        return "blocked"

    def note(self):
        with self.ctx.config_path.with_name("done").open("a") as file:
            file.write("x")
"""


async def nobody_waits() -> None: ...


@dataclass
class Case:
    """A hand with what the model wants of it; ``effects`` counts what took effect out there, ``longest_s`` is about
    what all of it takes. After ``arrived`` all has come there that was on its way."""

    hand: Hand
    script: tuple[Thought, ...]
    effects: Callable[[], int]
    longest_s: float
    arrived: Callable[[], Awaitable[object]] = nobody_waits


@asynccontextmanager
async def browsing(folder: Path, chromium_path: str) -> AsyncIterator[Case]:
    async with Site() as site:
        form = '<form action="/order" method="post"><input name="a"><button>Go on</button></form><a href="/mute">m</a>'
        site.pages |= {"/": Page(form), "/order": Page("taken"), "/mute": SILENCE}
        options = BrowserOptions(visible=False, program=chromium_path)
        hand = BrowserHand(folder / "browser", Network(), Gate(near_allowed=lambda: True), lambda: options)
        script = (
            calls(("navigate", {"url": site.url})),
            calls(("type", {"ref": "e3", "text": "Ada"})),
            calls(("click", {"ref": "e4"})),
            calls(("new_tab", {"url": f"{site.url}/mute"})),
            calls(("wait", {"seconds": 0.2})),
        )
        try:
            yield Case(hand, script, lambda: len(site.asked), 1.5)
        finally:
            await hand.aclose()


@asynccontextmanager
async def serving(folder: Path, entry: dict[str, object], script: tuple[Thought, ...]) -> AsyncIterator[Case]:
    servers = McpServers(folder / "mcp.json", Network(), {})
    servers.load()
    try:
        await servers.put("it", entry)
        server = servers.server("it")
        assert server
        await server.settled(60.0)
        assert server.tools, server.error
        path, looks = folder / "script.json", server.tool("look") is not None

        async def arrived() -> None:
            if looks:  # one message comes after the other
                await call(server, "look")

        def effects() -> int:
            return sum(name != "look" for name, _ in scripted_mcp.calls(path))

        yield Case(McpHand(servers, Approvals(lambda _: None)), script, effects, 0.25, arrived)
    finally:
        await servers.aclose()


@asynccontextmanager
async def over_stdio(folder: Path) -> AsyncIterator[Case]:
    tools = [tool("look", readOnlyHint=True, openWorldHint=False), tool("write"), tool("linger", readOnlyHint=True)]
    entry = scripted_mcp.entry(folder / "script.json", tools=tools, do={"linger": "hang"})
    script = (calls("it__look"), calls("it__write"), calls("it__look"), calls("it__linger"))
    async with serving(folder, entry, script) as case:
        yield case


@asynccontextmanager
async def over_the_net(folder: Path) -> AsyncIterator[Case]:
    port = await free_port()
    script = (calls(("it__echo", {"message": "a"})), calls(LONG), calls(("it__echo", {"message": "b"})))
    async with over_http(port), serving(folder, {"url": f"http://127.0.0.1:{port}/mcp"}, script) as case:
        yield case


@asynccontextmanager
async def plugging_in(folder: Path) -> AsyncIterator[Case]:
    shelf = Shelf(folder / "plugins")
    notes = shelf.put("slow", SLOW) / "done"
    async with shelf.plugins() as plugins:
        script = (calls("slow__quick"), calls("slow__wait"), calls("slow__block"), calls("slow__wait"))
        yield Case(PluginHand(plugins), script, lambda: notes.stat().st_size if notes.exists() else 0, 0.4)


def processes() -> set[int]:
    """Those that this one has started, and what they have."""
    found = psutil.Process().children(recursive=True)
    return {one.pid for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE}


async def prove(scene: Scene, name: HandName, case: Case, times: int) -> None:
    scene.agent.hands[name] = case.hand  # type: ignore[index]
    scene.agent.switches.flags[f"{name}_enabled"] = True  # type: ignore[literal-required]
    await scene.policies.put({"hands": {name: Policy.ALLOW}})
    random, states = Random(times), []
    for number in range(times):
        # else an open question is what is cancelled
        scene.answers = lambda question, number=number: Decision.ONCE if number % 4 else None  # type: ignore[misc]
        scene.thinker = ScriptedThinker(*case.script, done())
        task = await scene.agent.tasks.start("Mio", "do all of it", hand=name)
        await asyncio.sleep(random.uniform(0, case.longest_s))
        if number % 5 == 0:
            scene.agent.tasks.pause(task.id)
        scene.agent.tasks.cancel(task.id)
        async with asyncio.timeout(LET_GO_S):
            await scene.agent.tasks.wait(task.id)
        await case.arrived()
        before = case.effects()
        known = scene.agent.tasks.get(task.id)
        assert known
        states.append(known.state)
        assert known.state in (TaskState.CANCELLED, TaskState.COMPLETED), known
        assert scene.approvals.pending() == []
        await asyncio.sleep(0.1 if number % 10 == 0 else 0)  # what ran on would be seen now
        assert case.effects() == before
    assert states.count(TaskState.CANCELLED) > times / 3
    assert scene.agent.tasks.listed(active=True) == []
    updates = [message["task"] for message in scene.told.received if message["event_type"] == "task_update"]
    ends = [task["id"] for task in updates if "end_time" in task]
    assert len(ends) == len(set(ends)) == times
    scene.answers = lambda _question: Decision.ONCE
    task = await scene.agent.tasks.start("Mio", "one more", hand=name)
    scene.thinker = ScriptedThinker(case.script[0], done("It still works."))
    assert (await scene.ended(task.id)).result == "It still works."


KINDS: dict[str, tuple[HandName, Callable[[Path], AbstractAsyncContextManager[Case]]]] = {
    "stdio": ("mcp", over_stdio),
    "http": ("mcp", over_the_net),
    "plug-in": ("user_plugin", plugging_in),
}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    before = processes()
    scene = Scene(tmp_path)
    yield scene
    await scene.agent.aclose()
    await scene.bus.aclose()
    assert processes() <= before, "orphans"


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        ("stdio", 10),
        ("plug-in", 10),
        pytest.param("http", 10, marks=pytest.mark.long),
        *(pytest.param(kind, 500, marks=pytest.mark.long) for kind in KINDS),
    ],
)
async def test_a_task_with_servers_and_plug_ins_is_cancelled_at_any_moment(
    scene: Scene, tmp_path: Path, kind: str, times: int
) -> None:
    name, made = KINDS[kind]
    async with made(tmp_path) as case:
        await prove(scene, name, case, times)


@pytest.mark.parametrize("times", [10, pytest.param(500, marks=pytest.mark.long)])
async def test_a_task_with_a_browser_is_cancelled_at_any_moment(
    scene: Scene, tmp_path: Path, chromium_path: str, times: int
) -> None:
    async with browsing(tmp_path, chromium_path) as case:
        await prove(scene, "browser_use", case, times)
