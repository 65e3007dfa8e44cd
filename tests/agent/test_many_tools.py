"""More tools than a model is told of at once: in whatever language it is asked, the one it needs is within reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio

from neko.agent.approvals import Approvals
from neko.agent.mcp.hand import McpWorkspace
from neko.agent.mcp.relevance import FIND, MOST_TOOLS, chosen
from neko.agent.mcp.servers import McpServers
from neko.net import Network
from neko.types.agent import Decision
from neko.types.hands import Action, Job
from tests import scripted_mcp
from tests.agent.conftest import everything, filesystem, talking
from tests.scripted_mcp import tool
from tests.scripted_provider import ScriptedProvider, tool_calls

TIMEOUT_S = 60.0
WISHES = {
    "list_directory": (
        "What is in my folder?",
        "我的文件夹里有什么?",
        "フォルダの中身を見せて",
        "폴더에 뭐가 있어?",
        "Was liegt im Ordner?",
    ),
    "move_file": (
        "Rename trains.txt",
        "把trains.txt改名",
        "trains.txtの名前を変えて",
        "trains.txt 이름을 바꿔 줘",
        "Benenne es um",
    ),
    "search_files": (
        "Where are my notes?",
        "找一下我的笔记",
        "メモを探して",
        "메모를 찾아 줘",
        "Wo sind meine Notizen?",
    ),
    "read_file": (
        "What is in trains.txt?",
        "trains.txt里写了什么?",
        "trains.txtを読んで",
        "trains.txt 읽어 줘",
        "Was steht in trains.txt?",
    ),
    "get-sum": ("How much is it together?", "一共多少?", "合計はいくら?", "모두 얼마야?", "Wie viel macht das?"),
}


@pytest_asyncio.fixture
async def servers(tmp_path: Path) -> AsyncIterator[McpServers]:
    servers = McpServers(tmp_path / "mcp.json", Network(), {})
    servers.load()
    yield servers
    await servers.aclose()


async def connected(servers: McpServers, **entries: dict[str, Any]) -> None:
    for name, entry in entries.items():
        await servers.put(name, entry)
    for name in entries:
        server = servers.server(name)
        assert server
        await server.settled(TIMEOUT_S)


def workspace(servers: McpServers, folder: Path, words: str) -> McpWorkspace:
    return McpWorkspace(servers, Approvals(lambda _: None), Job("t1", "Mio", words, folder))


def told(space: McpWorkspace) -> set[str]:
    return {one.name for one in space.tools()}


async def test_two_common_servers_are_told_of_whole_in_every_language(servers: McpServers, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    await connected(servers, files=filesystem(papers), every=everything())
    for name, wishes in WISHES.items():
        for words in wishes:
            names = told(workspace(servers, tmp_path, words))
            assert any(one.endswith(f"__{name}") for one in names), (name, words, sorted(names))


def crowd(count: int) -> list[dict[str, Any]]:
    """So many tools that take too much to be told of all."""
    return [tool(f"part_{number}", f"Turns the wheel number {number}. " * 40) for number in range(count)]


async def test_a_tool_among_too_many_is_found_in_other_words_than_the_users(
    servers: McpServers, tmp_path: Path
) -> None:
    rare = tool("brew_tea", "Boils water for a hot drink")
    script = tmp_path / "script.json"
    await connected(servers, shed=scripted_mcp.entry(script, tools=[*crowd(60), rare], results={"brew_tea": "hot"}))
    space = workspace(servers, tmp_path, "给我泡杯茶")
    assert FIND.name in told(space)
    assert "shed__brew_tea" not in told(space)
    assert space.has("shed__brew_tea")
    assert not space.has("shed__brew_coffee")
    found, names = space.find("hot drink")
    assert found == ["shed__brew_tea"]
    assert len(names) == 61
    assert "shed__brew_tea" in told(space)
    assert (await space.intend(Action("shed__brew_tea", {}))).place == "shed"


async def test_what_a_step_says_counts_beside_what_the_user_said(servers: McpServers, tmp_path: Path) -> None:
    rare = tool("brew_tea", "Boils water for a hot drink")
    script = tmp_path / "script.json"
    await connected(servers, shed=scripted_mcp.entry(script, tools=[*crowd(60), rare]))
    space = workspace(servers, tmp_path, "お茶をいれて")
    space.find("Boil water and brew the tea")
    assert "shed__brew_tea" in told(space)


async def test_a_chat_model_looks_for_a_tool_and_calls_it_in_the_same_reply(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    rare = tool("brew_tea", "Boils water for a hot drink", readOnlyHint=True, openWorldHint=False)
    shed = scripted_mcp.entry(tmp_path / "script.json", tools=[*crowd(60), rare], results={"brew_tea": "hot"})
    async with talking(data_dir, provider, {"shed": shed}) as talk:
        provider.script(
            tool_calls(("c1", "find_tools", '{"what": "hot drink"}')),
            tool_calls(("c2", "shed__brew_tea", "{}")),
            ["Here is your tea."],
        )
        assert await talk.say("给我泡杯茶", Decision.ONCE) == "Here is your tea."
        first, second = [{one["function"]["name"] for one in asked.json["tools"]} for asked in provider.chats][:2]
        assert "shed__brew_tea" in second - first
        assert "hot" in talk.tool_messages()[-1]


@dataclass
class Described:
    name: str
    description: str = ""
    title: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


def test_however_long_their_descriptions_some_are_told_of_and_those_that_fit_first() -> None:
    tools = [
        Described(f"tool_{number}", "words " * 200, parameters={"properties": {"x": "y" * 2_000}})
        for number in range(50)
    ]
    tools.append(Described("whistle"))
    picked = chosen(tools, "whistle a tune")
    assert len(picked) == MOST_TOOLS
    assert 50 in picked
