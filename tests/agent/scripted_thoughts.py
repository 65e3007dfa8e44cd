"""What the agent's model answers in tests: over a real socket, by the tools that it is offered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from neko.llm.adaptation import Adaptations
from neko.llm.client import Timeouts
from neko.llm.thinker import ChatThinker
from neko.net import Network
from neko.providers import ModelEndpoint
from tests.field.chat_talk import Pauses
from tests.scripted_provider import Script, ScriptedProvider, tool_calls


@asynccontextmanager
async def thinking() -> AsyncIterator[tuple[ScriptedProvider, ChatThinker]]:
    """A provider and the thinker that asks it."""
    async with ScriptedProvider(default=Script(("I have no answer.",))) as provider:
        endpoint = ModelEndpoint("agent", "custom", "Scripted", provider.base_url, "m", "key")
        yield provider, ChatThinker(Network(), lambda: endpoint, Adaptations(), Timeouts(sleep=Pauses()))


def call(name: str, **arguments: Any) -> Script:
    """An answer that calls this tool."""
    return tool_calls(("c1", name, json.dumps(arguments)))


def decided(words: str, *steps: tuple[str, str], title: str = "Task", **more: Any) -> Script:
    """There is a task, asked for in these words, of these steps (ability, instruction)."""
    listed = [{"ability": ability, "instruction": text, "done_when": "it is seen"} for ability, text in steps]
    return call("decide", why="asked for", task=bool(steps), words=words, title=title, steps=listed, **more)


def told(provider: ScriptedProvider, number: int = -1) -> str:
    """The whole text that a request holds."""
    return "\n".join(str(message["content"]) for message in provider.chats[number].json["messages"])
