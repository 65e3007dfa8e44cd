"""One browser for all tests of this folder, each with a site, and with tabs, of its own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from neko.agent.browser.gate import Gate
from neko.agent.browser.hand import BrowserHand, BrowserOptions
from neko.agent.browser.workspace import BrowserWorkspace
from neko.net import Network
from neko.types.hands import Action, Intent, Job, Observation
from tests.agent.browser.site import Site
from tests.conftest import start_thread_pool


class Worker:
    """Stands where the task loop does: intends each action, then has it done."""

    def __init__(self, workspace: BrowserWorkspace, folder: Path) -> None:
        self.workspace = workspace
        self.folder = folder
        self.page = ""
        self.intents: list[Intent] = []

    def ref(self, line: str) -> str:
        """Of the first line of the page that holds this."""
        found = next((one for one in self.page.splitlines() if line in one and "[ref=" in one), None)
        assert found is not None, f"no {line!r} in:\n{self.page}"
        match = re.search(r"\[ref=(\w+)\]", found)
        assert match is not None
        return match[1]

    async def intend(self, name: str, at: str = "", **arguments: object) -> Intent:
        intent = await self.workspace.intend(self._action(name, at, arguments))
        self.intents.append(intent)
        return intent

    async def do(self, name: str, at: str = "", **arguments: object) -> Observation:
        action = self._action(name, at, arguments)
        self.intents.append(await self.workspace.intend(action))
        observation = await self.workspace.act(action, lambda _doing: None)
        if "[ref=" in observation.text:
            self.page = observation.text
        return observation

    def _action(self, name: str, at: str, arguments: dict[str, object]) -> Action:
        return Action(name, {**arguments, "ref": self.ref(at)} if at else arguments)


Open = Callable[..., Awaitable[Worker]]


class Rules:
    """What the user forbids, and where Neko listens."""

    def __init__(self) -> None:
        self.never: set[str] = set()
        self.own_ports: set[int] = set()
        self.near = False


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rules_of_all() -> Rules:
    return Rules()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hand(
    chromium_path: str, rules_of_all: Rules, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BrowserHand]:
    start_thread_pool()
    gate = Gate(
        near_allowed=lambda: rules_of_all.near,
        never=rules_of_all.never.__contains__,
        own_ports=lambda: rules_of_all.own_ports,
    )
    options = BrowserOptions(visible=False, program=chromium_path)
    hand = BrowserHand(tmp_path_factory.mktemp("browser"), Network(), gate, lambda: options)
    yield hand
    await hand.aclose()


@pytest.fixture
def rules(rules_of_all: Rules) -> Rules:
    rules_of_all.never.clear()
    rules_of_all.own_ports.clear()
    rules_of_all.near = False
    return rules_of_all


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def open_worker(hand: BrowserHand, site: Site, rules: Rules, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens a workspace for the words given; they name the site."""
    opened: list[Worker] = []

    async def open_one(words: str = "", **job: object) -> Worker:
        folder = tmp_path / f"task {len(opened)}"
        folder.mkdir()
        said = f"{words} at {site.url}"
        workspace = await hand.open(Job(f"t{len(opened)}", "Neko", said, folder, **job))  # type: ignore[arg-type]
        opened.append(Worker(workspace, folder))
        return opened[-1]

    yield open_one
    for worker in opened:
        await worker.workspace.aclose()
