"""A model looks something up in the memory: over a real socket, with the real memory and the scripted provider."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
import pytest

from neko.language import LANGUAGES
from neko.llm.tokens import estimate_tokens
from neko.llm.tool_calls import tool_schema
from neko.sessions.actions import RetryReply, StopReply
from neko.sessions.models.chat_reply import MOST_STEPS
from neko.sessions.prompt_lines import Instructions, PromptLines
from neko.sessions.recall_tool import MOST_CALLS, recall_tool
from neko.types.lines import Line, NewLine
from neko.types.memory import Because, Evidence, InChats, Reason
from tests.client import Client, Frame, client, is_turn_end
from tests.conftest import RunningServer
from tests.scripted_provider import ScriptedProvider, failure, tool_calls

NAME = "Mio"
VIOLIN = "My sister Lena plays the violin."
CELLO = "My cousin Ole plays the cello."
MAY, JULY = datetime(2026, 5, 3, 18, 0), datetime(2026, 7, 9, 8, 30)
LENA = ("c1", "recall", '{"query": "Lena"}')
OLE = ("c2", "recall", '{"query": "Ole"}')


@dataclass(slots=True)
class Talk:
    """An open page. ``violin`` and ``cello`` were said in an earlier chat, in May and in July."""

    server: RunningServer
    provider: ScriptedProvider
    page: Client
    violin: Line
    cello: Line

    async def say(self, text: str) -> list[Frame]:
        await self.page.say(text)
        return await self.page.until(is_turn_end)

    def sent(self, request: int = -1) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.provider.chats[request].json["messages"]
        return messages

    def results(self, request: int = -1) -> list[str]:
        return [message["content"] for message in self.sent(request) if message["role"] == "tool"]

    async def last(self) -> Line:
        return (await self.server.neko.memory.lines(NAME, limit=1))[-1]


async def choose(server: RunningServer, provider: ScriptedProvider) -> None:
    choice = {"provider": "local", "base_url": provider.base_url, "model": "scripted-1", "api_key": "good"}
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        answer = await http.post("/api/models/use", json=choice)
    assert answer.status_code == 200, answer.text
    provider.requests.clear()


@pytest.fixture
async def talk(server: RunningServer, provider: ScriptedProvider) -> AsyncIterator[Talk]:
    memory = server.neko.memory
    violin = await memory.store(NAME, NewLine("s", "t1", "user", VIOLIN, MAY))
    cello = await memory.store(NAME, NewLine("s", "t2", "user", CELLO, JULY))
    await memory.rewrite_recent(NAME, [])
    await memory.change_chat(NAME, None)
    await memory.recall(NAME, "violin")  # the first one loads what it uses, and a reply does not wait for that
    await choose(server, provider)
    async with client(server.ws_url, NAME, language="en") as page:
        yield Talk(server, provider, page, violin.line, cello.line)


def statuses(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in frames if frame["type"] == "status"]


# ── whether it is offered ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_description_is_short_in_every_language(language: str) -> None:
    schema = tool_schema(recall_tool(language))
    assert estimate_tokens(json.dumps(schema, ensure_ascii=False, separators=(",", ":"))) <= 70
    assert estimate_tokens(recall_tool(language).description) <= 20


async def test_it_is_not_offered_while_all_that_was_said_stands_in_the_prompt(
    server: RunningServer, provider: ScriptedProvider
) -> None:
    await choose(server, provider)
    async with client(server.ws_url, NAME, language="en") as page:
        for text in ("Hello!", "How are you?"):
            await page.say(text)
            await page.reply()
        manager = server.neko.conversations.get(NAME)
        assert manager is not None
        manager.begin_anew()
        await page.say("And now?")
        await page.reply()
    assert [request.json["messages"][-1]["content"].split("\n")[-1] for request in provider.chats] == [
        "Hello!",
        "How are you?",
        "And now?",
    ]
    assert not any("tools" in request.json for request in provider.chats)


async def test_a_provider_that_refuses_tools_is_asked_without_and_nothing_is_told(talk: Talk) -> None:
    talk.provider.script(failure(400, "registry.ollama.ai/library/gemma:2b does not support tools"), ["Hello!"])
    frames = await talk.say("Who was it?") + await talk.say("Still there?")
    assert not statuses(frames)
    assert ["tools" in request.json for request in talk.provider.chats] == [True, False, False]


# ── what it answers ───────────────────────────────────────────────────────────────────────


async def test_a_line_that_is_looked_up_comes_with_who_and_when_and_is_named_in_the_reply(talk: Talk) -> None:
    talk.provider.script(tool_calls(LENA), ["The violin."])
    await talk.say("What was her instrument?")
    [tool] = talk.provider.chats[0].json["tools"]
    assert tool["function"]["name"] == "recall"
    assert talk.results() == [f"- 2026-05-03 18:00, {talk.violin.speaker}: {VIOLIN}"]
    reply = await talk.last()
    assert (reply.text, reply.recalled) == ("The violin.", (talk.violin.id,))


async def test_what_two_calls_find_is_told_once(talk: Talk) -> None:
    both = ("c2", "recall", '{"query": "who plays what: Lena, Ole"}')
    talk.provider.script(tool_calls(LENA, both), tool_calls(("c3", "recall", '{"query": "cello"}')), ["Both play."])
    await talk.say("Who was it?")
    first, second, third = talk.results()
    assert VIOLIN in first
    assert CELLO in second
    assert VIOLIN not in second
    assert third == "Nothing more of that was said."
    assert set((await talk.last()).recalled) == {talk.violin.id, talk.cello.id}


async def test_what_was_told_with_the_question_is_not_looked_up_again(talk: Talk) -> None:
    talk.provider.script(tool_calls(LENA), ["The violin."])
    await talk.say("What does Lena play?")
    assert VIOLIN in talk.sent()[-3]["content"]
    assert talk.results() == ["Nothing more of that was said."]


async def test_the_time_of_what_is_looked_up_can_be_given(talk: Talk) -> None:
    in_may = ("c1", "recall", '{"query": "plays", "from": "2026-05", "to": "2026-05-31", "k": "5"}')
    since = ("c2", "recall", '{"from": "2026-07-09T00:00:00"}')
    talk.provider.script(tool_calls(in_may), tool_calls(since), ["Music."])
    await talk.say("Who was it?")
    first, second = talk.results()
    assert VIOLIN in first
    assert CELLO not in first
    assert CELLO in second


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{}", "query is missing"),
        ('{"query": ["Lena"]}', "query is to be a text"),
        ('{"query": "Lena", "from": "last May"}', "from is to be a day"),
        ('{"query": "Lena", "from": "2026-06-31"}', "from is to be a day"),
        ('{"query": "Lena", "from": "2026-07-01", "to": "2026-06-30"}', "from is after to"),
        ('{"query": "Lena", "k": "many"}', "k is to be a number"),
    ],
)
async def test_a_wrong_argument_is_told_to_the_model_which_may_call_again(
    talk: Talk, arguments: str, words: str
) -> None:
    talk.provider.script(tool_calls(("c0", "recall", arguments)), tool_calls(LENA), ["The violin."])
    frames = await talk.say("What was her instrument?")
    wrong, right = talk.results()
    assert wrong.startswith("Error: ")
    assert words in wrong
    assert VIOLIN in right
    assert not statuses(frames)


async def test_a_model_that_calls_for_ever_is_told_to_answer_and_answers(talk: Talk) -> None:
    talk.provider.script(*[tool_calls(LENA)] * MOST_STEPS, ["The violin."])
    await talk.say("What was her instrument?")
    results = talk.results()
    assert len(results) == MOST_STEPS
    assert set(results[MOST_CALLS:]) == {"Enough was looked up: answer with what you know."}
    assert (await talk.last()).text == "The violin."


async def test_what_another_character_was_told_is_not_found(talk: Talk) -> None:
    await talk.server.neko.characters.create("Rin", {})
    await talk.server.neko.memory.store("Rin", NewLine("s", "t", "user", "Lena was born in Tromso.", MAY))
    talk.provider.script(tool_calls(("c", "recall", '{"query": "Where was Lena born? Tromso"}')), ["No idea."])
    await talk.say("Where was she born?")
    [result] = talk.results()
    assert VIOLIN in result
    assert "Tromso." not in result


async def test_off_the_record_she_looks_up_what_was_kept_and_nothing_new_is(talk: Talk) -> None:
    manager = talk.server.neko.conversations.get(NAME)
    assert manager is not None
    manager.keep_nothing(True)
    await talk.say("Lena has lost her violin.")
    talk.provider.script(tool_calls(("c", "recall", '{"query": "Lena lost"}')), ["The violin."])
    await talk.say("Who was it?")
    [result] = talk.results()
    assert VIOLIN in result
    assert "lost her" not in result
    assert await talk.server.neko.memory.lines(NAME, chat=InChats.ALL) == [talk.violin, talk.cello]


# ── beside the rest of a talk ─────────────────────────────────────────────────────────────


async def test_a_call_that_nobody_waits_for_any_more_ends_and_the_retry_calls_anew(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, manager = talk.server.neko.memory, talk.server.neko.conversations.get(NAME)
    assert manager is not None
    searching, ended, search = asyncio.Event(), asyncio.Event(), memory.recall

    async def slow(character: str, query: str, **options: Any) -> list[Evidence]:
        if query != "Lena":
            return await search(character, query, **options)
        searching.set()
        try:
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
        finally:
            ended.set()

    monkeypatch.setattr(memory, "recall", slow)
    talk.provider.script(tool_calls(LENA, text=["Let me think."]))
    await talk.page.say("What was her instrument?")
    async with asyncio.timeout(15):
        await searching.wait()
        manager.handle(StopReply())
        await ended.wait()
    await talk.page.until(is_turn_end)
    monkeypatch.undo()
    talk.provider.script(tool_calls(LENA), ["The violin."])
    manager.handle(RetryReply())
    await talk.page.until(is_turn_end)
    assert VIOLIN in talk.results()[0]
    assert (await talk.last()).recalled == (talk.violin.id,)


@pytest.mark.parametrize("anew", [False, True])
async def test_a_retry_looks_up_again_what_the_reply_before_it_did_but_not_that_reply(talk: Talk, anew: bool) -> None:
    manager = talk.server.neko.conversations.get(NAME)
    assert manager is not None
    talk.provider.script(tool_calls(LENA), ["Lena has a fiddle."], tool_calls(LENA), ["The violin."])
    await talk.say("What was her instrument?")
    if anew:
        manager.begin_anew()
    manager.handle(RetryReply())
    await talk.page.until(is_turn_end)
    [result] = talk.results()
    assert VIOLIN in result
    assert "fiddle" not in str(talk.sent())
    assert (await talk.last()).text == "The violin."


async def test_what_was_looked_up_is_not_told_again_while_the_model_remembers_it(talk: Talk) -> None:
    talk.provider.script(tool_calls(LENA), ["The violin."], tool_calls(OLE), ["The cello."])
    await talk.say("What was her instrument?")
    await talk.say("And who is Lena?")
    assert str(talk.sent()).count(VIOLIN) == 1


def evidence(line_id: int) -> Evidence:
    return Evidence(VIOLIN, "user", "Anna", MAY, "line", (line_id,), Reason(Because.MENTIONS), 1.0)


def test_what_the_model_forgets_may_be_told_again() -> None:
    lines = PromptLines()
    lines.begin(Instructions("", frozenset({1})))
    lines.open("a")
    lines.look_up("a", [evidence(2), evidence(3)])
    lines.open("b")  # off the record: of no line
    lines.open("c")
    lines.look_up("c", [evidence(4)])
    assert lines.ids == {1, 2, 3, 4}
    lines.cut("b")
    assert lines.ids == {1, 4}
    lines.open("d", again=True)
    assert lines.ids == {1}
