"""From the user's words to what she tells of it, over parts that are all real: the socket, the planner and the loop, a
browser or a server of tools, the goal check, the report. Only the model is scripted, behind a socket of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from neko.agent.mcp.server import ServerState
from neko.types.hands import HandName
from tests.agent.browser.site import Asked, Page, Site
from tests.agent.conftest import TIMEOUT_S, filesystem
from tests.agent.scripted_thoughts import call, decided, told
from tests.client import Client, Frame, client, text_of, types_of
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_provider import Request, Script, ScriptedProvider

pytestmark = pytest.mark.slow

FORM = '<form action="/search"><input name="q" aria-label="Where to"><button>Search</button></form>'
HITS = '<h1>Two trains</h1><a href="/kyoto">Train to Kyoto</a> <a href="/lyon">Train to Lyon</a>'
TRAIN = "<h1>Train to Lyon</h1><p>It leaves at 9:12 from platform 3.</p>"
REACHED = call("judge", why="It is seen.", reached="yes")


def at(line: str, name: str, **arguments: object) -> Callable[[Request], Script]:
    """The model does this with the element whose line in the page that it was shown last holds these words."""

    def answer(request: Request) -> Script:
        page = str(request.json["messages"][-1]["content"])
        found = re.search(rf"{re.escape(line)}.*?\[ref=(\w+)\]", page)
        assert found is not None, page
        return call(name, ref=found[1], **arguments)

    return answer


@asynccontextmanager
async def met(folder: Path, hand: HandName, provider: ScriptedProvider, **environ: str) -> AsyncIterator[Client]:
    """A page of hers, and one ability that is on."""
    environ |= {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test", "NEKO_OPENAI_BASE_URL": provider.base_url}
    async with RunningNeko(folder, environ=environ, voice="off") as running:
        await running.neko.agent.switches.set_master(True)
        assert await running.neko.agent.switches.set_flags({f"{hand}_enabled": True}, "en") is None
        if server := running.neko.mcp.server("files"):
            await server.settled(TIMEOUT_S)
            assert server.state is ServerState.READY, server.error
        async with client(running.url.replace("http", "ws"), NAME) as page:
            yield page


async def whole_loop(page: Client, wish: str, report: str) -> list[Frame]:
    """All that the page is told from the wish to the end of the report; whatever is asked is allowed."""
    await page.say(wish)
    seen: list[Frame] = []
    while not text_of(seen).endswith(report):
        seen += await page.until(lambda frame: frame["type"] in ("neko_approval", "gemini_response"))
        if seen[-1]["type"] == "neko_approval":
            await page.send("neko_approve", id=seen[-1]["question"]["id"], decision="once")
    return seen + await page.until(lambda frame: frame["type"] == "system" and frame["data"] == "turn end")


def check_the_order(seen: list[Frame], report: str) -> dict[str, Any]:
    """The end of the task is told before its result, that before she tells of it, each once; the task at its end."""
    ends = [frame for frame in seen if frame["type"] == "agent_task_update" and "end_time" in frame["task"]]
    results = [frame for frame in seen if frame["type"] == "agent_notification"]
    assert (len(ends), len(results)) == (1, 1)
    of_report = next(frame for frame in seen if frame["type"] == "gemini_response" and frame["text"] in report)
    places = [seen.index(one) for one in (ends[0], results[0], of_report)]
    assert places == sorted(places)
    task: dict[str, Any] = ends[0]["task"]
    assert task["status"] == "completed", task
    return task


async def check_it_is_told_once(page: Client, provider: ScriptedProvider, fact: str) -> None:
    """The report was asked of her, as herself, with what came of the task; in the next turn nothing of it is."""
    messages = provider.chats[-1].json["messages"]
    assert NAME in messages[0]["content"]
    assert "From outside" in told(provider)
    assert fact in told(provider)
    provider.script(["You are welcome."], call("decide", why="thanks", task=False, words=""))
    await page.say("Thank you!")
    text, seen = await page.reply()
    assert text == "You are welcome."
    assert "agent_notification" not in types_of(seen)
    asked = next(one for one in reversed(provider.chats) if "Thank you!" in one.json["messages"][-1]["content"])
    assert fact not in str(asked.json["messages"][-1]["content"])


async def test_what_is_to_be_looked_up_is_found_in_a_browser_and_told_by_her(
    data_dir: Path, chromium_path: str
) -> None:
    async with ScriptedProvider() as provider, Site() as site:
        site.pages |= {"/": Page(FORM), "/search": Page(HITS), "/lyon": Page(TRAIN)}
        wish = f"Could you look up when the train to Lyon leaves, at {site.url}?"
        report = "Your train to Lyon leaves at 9:12!"
        provider.script(
            ["I will look."],
            decided(wish, ("browser_use", "Find the train to Lyon."), title="Train"),
            call("navigate", url=site.url),
            at("textbox", "type", text="Lyon", submit=True),
            at('link "Train to Lyon"', "click"),
            call("extract"),
            call("done", answer="The train to Lyon leaves at 9:12 from platform 3."),
            REACHED,
            [report],
        )
        environ = {"NEKO_BROWSER_PROGRAM": chromium_path, "NEKO_BROWSER_VISIBLE": "false"}
        async with met(data_dir, "browser_use", provider, **environ) as page:
            seen = await whole_loop(page, wish, report)
            task = check_the_order(seen, report)
            assert [step["state"] for step in task["neko"]["steps"]] == ["done"]
            assert site.paths == ["/", "/search", "/lyon"]
            assert Asked("GET", "/search", {"q": "Lyon"}) in site.asked
            assert "9:12 from platform 3" in told(provider, 7), "the goal check was shown the page"
            assert "neko_approval" not in types_of(seen), "it only looked"
            await check_it_is_told_once(page, provider, "platform 3")


@pytest.mark.long
async def test_what_is_to_be_looked_up_is_read_by_a_tool_that_the_user_allows_and_told_by_her(
    data_dir: Path, tmp_path: Path
) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "trains.txt").write_text("Lyon: 9:12, platform 3\n", encoding="utf-8")
    config = data_dir / "config"
    config.mkdir(parents=True)
    (config / "mcp.json").write_text(json.dumps({"mcpServers": {"files": filesystem(papers)}}), encoding="utf-8")
    async with ScriptedProvider() as provider:
        wish = "Could you look up in trains.txt when the train to Lyon leaves?"
        report = "Your train to Lyon leaves at 9:12!"
        provider.script(
            ["I will look."],
            decided(wish, ("mcp", "Read trains.txt."), title="Train"),
            call("files__read_text_file", path=str(papers / "trains.txt")),
            call("done", answer="The train to Lyon leaves at 9:12 from platform 3."),
            REACHED,
            [report],
        )
        async with met(data_dir, "mcp", provider) as page:
            seen = await whole_loop(page, wish, report)
            check_the_order(seen, report)
            (question,) = [frame["question"] for frame in seen if frame["type"] == "neko_approval"]
            assert (question["server"], question["tool"]) == ("files", "read_text_file")
            assert json.loads(question["arguments"]) == {"path": str(papers / "trains.txt")}
            assert "Lyon: 9:12, platform 3" in told(provider, 4), "the goal check was shown the file"
            await check_it_is_told_once(page, provider, "platform 3")
