"""What a model on this computer reads before it is asked anything."""

from __future__ import annotations

import asyncio

import pytest

from neko.llm.client import Patience
from neko.types.model_session import (
    Prepare,
    UserMessage,
)
from tests.scripted_provider import Script, failure
from tests.sessions.models.conftest import Start, retries_of, text_of


async def test_a_model_on_this_computer_reads_ahead_what_the_first_question_begins_with(start: Start) -> None:
    talk = await start()
    await talk.session.send(Prepare())
    await talk.provider.wait_for_requests(1)
    assert text_of(await talk.say("hi")) == "Hello from the scripted model."
    ahead, asked = (request.json for request in talk.provider.chats)
    assert ahead["max_tokens"] == 1
    assert ahead["messages"][0] == asked["messages"][0] == {"role": "system", "content": "You are Mio."}
    assert ahead["messages"][-1]["role"] == "user"


async def test_it_reads_ahead_once(start: Start) -> None:
    talk = await start()
    for _ in range(2):
        await talk.session.send(Prepare())
    await talk.say("hi")
    assert len(talk.provider.chats) == 2


async def test_when_the_user_begins_to_speak_it_reads_up_to_their_words(start: Start) -> None:
    talk = await start()
    await talk.say("hi", "r1", time="It is 9:05.")
    await talk.session.send(Prepare("It is 9:06."))
    await talk.provider.wait_for_requests(2)
    await talk.say("how are you?", "r2", time="It is 9:06.")
    _, ahead, asked = (request.json["messages"] for request in talk.provider.chats)
    assert ahead[:-1] == asked[:-1]
    assert asked[-1]["content"] == ahead[-1]["content"] + "how are you?"


async def test_words_that_may_be_all_are_read_while_it_is_waited_whether_they_are(start: Start) -> None:
    talk = await start()
    await talk.session.send(Prepare("It is 9:06.", "how are you?"))
    await talk.provider.wait_for_requests(1)
    await talk.say("how are you?", time="It is 9:06.")
    ahead, asked = (request.json["messages"] for request in talk.provider.chats)
    assert ahead == asked


async def test_it_does_not_read_beside_a_reply(start: Start) -> None:
    talk = await start()
    talk.provider.script(Script(stall_after=1))
    await talk.session.send(UserMessage("t1", "hi"))
    await talk.provider.wait_for_requests(1)
    await talk.session.send(Prepare("It is 9:06."))
    await talk.session.interrupt("t1", "Hello")
    await talk.say("go on", "t2")
    assert len(talk.provider.chats) == 2


@pytest.mark.parametrize(
    "script",
    [failure(503, "loading"), failure(401), Script(refuse=True), Script(garbage_after=0)],
    ids=["loading", "refused", "dropped", "garbage"],
)
async def test_what_goes_wrong_while_reading_ahead_is_not_told(start: Start, script: Script) -> None:
    talk = await start()
    talk.provider.script_ahead(script)
    await talk.session.send(Prepare())
    await talk.provider.wait_for_requests(1)
    events = await talk.say("hi")
    assert text_of(events) == "Hello from the scripted model."
    assert not retries_of(events)


async def test_a_question_waits_a_while_for_what_is_read_ahead_and_no_longer(start: Start) -> None:
    talk = await start(near=Patience(0.05, 5.0, 5.0))
    talk.provider.script_ahead(Script(stall_after=0))
    await talk.session.send(Prepare())
    await talk.provider.wait_for_requests(1)
    assert text_of(await talk.say("hi")) == "Hello from the scripted model."
    assert len(talk.provider.chats) == 2


async def test_a_server_that_is_paid_reads_nothing_ahead(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = await start()
    monkeypatch.setattr("neko.sessions.models.chat.is_loopback", lambda host: False)
    await talk.session.send(Prepare())
    await talk.say("hi")
    assert len(talk.provider.chats) == 1


async def test_reading_ahead_ends_with_the_session(start: Start) -> None:
    talk = await start()
    talk.provider.script_ahead(Script(stall_after=0))
    await talk.session.send(Prepare())
    request = await talk.provider.wait_for_requests(1)
    await talk.session.aclose()
    async with asyncio.timeout(5):
        await request.aborted.wait()
