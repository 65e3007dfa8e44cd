"""The behaviour suite of hands, run on the browser; and what becomes of the browser itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from neko.agent.browser.gate import Gate
from neko.agent.browser.hand import BrowserHand, BrowserOptions
from neko.net import Network
from neko.tool_errors import BrowserError
from neko.types.hands import Action, Job
from tests.agent.browser.conftest import Rules, Worker
from tests.agent.browser.site import SILENCE, Asked, Page, Site
from tests.seams.hand import HandBehaviour, HandCase

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]
ROOT = Path(__file__).parents[3]


class TestBrowserHand(HandBehaviour):
    @pytest_asyncio.fixture(loop_scope="session")
    async def case(self, hand: BrowserHand, site: Site, rules: Rules) -> HandCase:
        rules.near = True
        site.pages |= {"/note": Page("<h1>Noted</h1>"), "/slow": SILENCE}
        return HandCase(
            hand,
            Action("look", {}),
            Action("navigate", {"url": f"{site.url}/note?text=secret"}),
            Action("navigate", {"url": "file:///etc/passwd"}),
            Action("navigate", {"url": f"{site.url}/slow"}),
            lambda: site.paths.count("/note"),
            lambda: site.until_asked("/slow"),
        )


# ── what becomes of the browser ─────────────────────────────────────────────────────────


def processes_with(profile: Path) -> list[psutil.Process]:
    """The processes of a browser with this profile."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(profile) in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


HOST = """
import asyncio, sys
from pathlib import Path
from neko.agent.browser.gate import Gate
from neko.agent.browser.hand import BrowserHand, BrowserOptions
from neko.net import Network
from neko.types.hands import Job
async def main(folder, program):
    hand = BrowserHand(Path(folder), Network(), Gate(), lambda: BrowserOptions(False, program))
    workspace = await hand.open(Job("t", "Neko", "", Path(folder)))
    await workspace._pages.open(new=True)
    print("open", flush=True)
    await asyncio.Event().wait()
asyncio.run(main(*sys.argv[1:]))
"""


async def test_no_browser_outlives_a_neko_that_is_killed(chromium_path: str, tmp_path: Path) -> None:
    host = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOST, str(tmp_path), chromium_path, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert host.stdout is not None
    async with asyncio.timeout(50):
        assert await host.stdout.readline() == b"open\n"
    browser = processes_with(tmp_path)
    assert browser
    host.kill()
    await host.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, browser, timeout=30)
    assert not alive


async def test_the_browser_ends_when_it_is_idle_and_a_task_learns_that_the_user_closed_it(
    chromium_path: str, tmp_path: Path
) -> None:
    hand = BrowserHand(tmp_path, Network(), Gate(), lambda: BrowserOptions(False, chromium_path), idle_s=0.05)
    workspace = await hand.open(Job("t", "Neko", "", tmp_path))
    worker = Worker(workspace, tmp_path)
    page = (await workspace._pages.open(new=True)).page
    await page.context.close()
    with pytest.raises(BrowserError) as closed:
        await worker.do("navigate", url="https://example.com/")
    assert closed.value.code == "browser_closed"
    await workspace.aclose()
    again = await hand.open(Job("t", "Neko", "", tmp_path))
    browser = processes_with(tmp_path)
    assert browser
    await again.aclose()
    _, alive = await asyncio.to_thread(psutil.wait_procs, browser, timeout=30)
    assert not alive
    await hand.aclose()


async def test_a_browser_in_use_does_not_end_by_the_rest_of_one_before(chromium_path: str, tmp_path: Path) -> None:
    others = asyncio.all_tasks()
    hand = BrowserHand(tmp_path, Network(), Gate(), lambda: BrowserOptions(False, chromium_path), idle_s=600)
    workspace = await hand.open(Job("t", "Neko", "", tmp_path))
    page = (await workspace._pages.open(new=True)).page
    await workspace.aclose()
    await page.context.close()
    await hand.open(Job("t", "Neko", "", tmp_path))
    rests = [task for task in asyncio.all_tasks() - others if task.get_name() == "browser:idle"]
    ending = [task for task in rests if not task.cancelling()]
    await hand.aclose()
    assert ending == []


# ── the user signs in ───────────────────────────────────────────────────────────────────


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A screen that a window can be on."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("no Xvfb here: `make test` installs it where it can")
    reading, writing = os.pipe()
    command = [program, "-displayfd", str(writing), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    monkeypatch.setenv("DISPLAY", f":{number}")
    yield
    server.terminate()
    server.wait(10)


def shown_windows() -> list[tuple[int, int]]:
    """The sizes of what programs show on the screen, whatever is large enough to be read."""
    from Xlib import X
    from Xlib.display import Display

    display = Display()
    try:
        windows = display.screen().root.query_tree().children
        seen = [one for one in windows if one.get_attributes().map_state == X.IsViewable]
        sizes = [(one.get_geometry().width, one.get_geometry().height) for one in seen]
        return [(width, height) for width, height in sizes if width > 300 and height > 300]
    finally:
        display.close()


def members_only(asked: Asked) -> Page:
    if asked.method == "POST" and asked.fields == {"name": "ada", "password": "open sesame"}:
        return Page("<h1>Welcome</h1>", headers={"Set-Cookie": "who=ada; Max-Age=600"})
    if "who=ada" in asked.cookie:
        return Page("<h1>Your orders</h1>")
    fields = "<input name=name aria-label=Name><input name=password type=password aria-label=Password>"
    return Page(f'<form method=post action="/">{fields}<button>Sign in</button></form>')


@pytest_asyncio.fixture(loop_scope="session")
async def visible_hand(chromium_path: str, screen: None, tmp_path: Path) -> AsyncIterator[BrowserHand]:
    hand = BrowserHand(tmp_path, Network(), Gate(), lambda: BrowserOptions(True, chromium_path))
    yield hand
    await hand.aclose()


async def test_the_user_signs_in_themselves_and_later_tasks_are_signed_in(
    visible_hand: BrowserHand, site: Site, tmp_path: Path
) -> None:
    site.pages |= {"/": members_only}
    questions: list[str] = []
    pages: list[Any] = []

    async def hand_over(question: str) -> str | None:
        questions.append(question)
        await pages[0].fill("input[name=name]", "ada")
        await pages[0].fill("input[name=password]", "open sesame")
        await pages[0].click("button")
        return "done"

    words = f"my orders at {site.url}"
    workspace = await visible_hand.open(Job("t1", "Neko", words, tmp_path, hand_over))
    worker = Worker(workspace, tmp_path)
    assert "Password" in (await worker.do("navigate", url=site.url)).text
    pages.append(workspace._pages.tab.page)
    assert shown_windows(), "the user sees it"
    told = await worker.do("sign_in", why="to see your orders")
    assert questions == ["127.0.0.1: to see your orders"]
    assert "Welcome" in told.text
    assert "done" in told.text
    await workspace.aclose()
    later = await visible_hand.open(Job("t2", "Neko", words, tmp_path))
    assert "Your orders" in (await Worker(later, tmp_path).do("navigate", url=site.url)).text
    await later.aclose()
