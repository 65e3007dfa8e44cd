"""A context that is full: what is said goes on with less of the talk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.conftest import RunningServer
from tests.field.hostile_provider import HostileProvider, Raw, event, problem, reply, whole
from tests.field.talk import Talk, talking, told
from tests.scripted_provider import Request

Body = Mapping[str, Any]
TEA = "The tea is ready."

STORY = TEA + " I like a long story on a rainy day, with a cat on the sill." * 8


def tokens_of(body: Body) -> int:
    """As a tokeniser of another kind counts: not as we do."""
    return sum(len(str(message["content"])) // 3 + 7 for message in body["messages"])


FULL: dict[str, Callable[[int, int], Raw]] = {
    "C1-llama.cpp": lambda used, limit: whole(
        {
            "error": {
                "code": 400,
                "type": "exceed_context_size_error",
                "n_prompt_tokens": used,
                "n_ctx": limit,
                "message": "the request exceeds the available context size, try increasing it",
            }
        },
        400,
    ),
    "C1-openai": lambda used, limit: whole(
        problem(
            f"This model's maximum context length is {limit} tokens. However, your messages resulted in {used} tokens. "
            "Please reduce the length of the messages.",
            "context_length_exceeded",
        ),
        400,
    ),
    "C1-anthropic": lambda used, limit: whole(problem(f"prompt is too long: {used} tokens > {limit} maximum"), 400),
    "C1-without-numbers": lambda used, limit: whole(problem("The input is too long for this model."), 400),
    "C1-status-500": lambda used, limit: whole({"error": "context length exceeded"}, 500),
    "C1-413": lambda used, limit: whole({"message": "Request too large"}, 413),
    "A22-event": lambda used, limit: Raw(
        [
            b"event: error\n"
            + event(
                {
                    "error": f"Trying to keep the first {used} tokens when context the overflows. However, the model "
                    f"is loaded with context length of only {limit} tokens, which is not enough."
                }
            )
        ]
    ),
}


def narrow(limit: int, full: Callable[[int, int], Raw], text: str = STORY) -> Callable[[Request], Raw]:
    def answer(request: Request) -> Raw:
        used = tokens_of(request.json)
        return full(used, limit) if used > limit else reply(text)

    return answer


def asked(talk: Talk) -> list[Body]:
    """The requests of the talk itself, without those of memory: they hold the instructions."""
    return [chat.json for chat in talk.provider.chats if "You are Mio" in chat.json["messages"][0]["content"]]


@pytest.mark.parametrize("full", FULL.values(), ids=FULL)
@pytest.mark.few(4)
async def test_a_full_context_is_trimmed_and_its_limit_kept(talk: Talk, full: Callable[[int, int], Raw]) -> None:
    talk.provider.answers = [narrow(2400, full)]
    for number in range(18):
        outcome = await talk.say(f"Tell me story number {number}.")
        assert (outcome.text, told(outcome)) == (STORY, [])
        messages = asked(talk)[-1]["messages"]
        assert f"story number {number}." in messages[-1]["content"]
    assert 18 < len(asked(talk)) <= 18 + 5
    async with talking(talk.server, talk.provider) as again:
        before = len(asked(talk))
        assert told(await again.say("And another one.")) == []
        assert len(asked(talk)) <= before + 2


@pytest.mark.parametrize("full", FULL.values(), ids=FULL)
@pytest.mark.few(4)
async def test_a_long_past_does_not_make_her_mute_with_a_small_model(
    server: RunningServer, hostile: HostileProvider, full: Callable[[int, int], Raw]
) -> None:
    """What was said before the session is in the instructions, and more than the model takes in."""
    await server.neko.config.change({"neko": {"speech": {"engine": "off"}}})
    async with talking(server, hostile) as talk:
        hostile.answers = [reply("A long story. " * 60)]
        for number in range(12):
            await talk.say(f"Day {number}")
    hostile.answers = [narrow(2400, full, TEA)]
    async with talking(server, hostile, model="small") as talk:
        for number in range(3):
            assert (await talk.say(f"Small {number}?")).text == TEA
        last = next(chat.json for chat in reversed(hostile.chats) if "Small 2?" in str(chat.json["messages"][-1]))
        assert TEA in str(last), "of a full context the last exchange stays"


async def test_a_question_that_does_not_fit_by_itself_is_told_C1(talk: Talk) -> None:
    talk.provider.answers = [narrow(300, FULL["C1-openai"])]
    outcome = await talk.say("word " * 2000)
    assert outcome.codes == ["model_context_too_long"]
    assert outcome.requests <= 6
    assert (await talk.history())[-1]["text"].startswith("word word")


async def test_a_reply_that_finds_the_context_full_goes_on_with_less_of_the_talk_C1(talk: Talk) -> None:
    """The prompt just fits, so that the reply is cut after its first words."""
    limit = 2400

    def answer(request: Request) -> Raw:
        used = tokens_of(request.json)
        if used > limit:
            return FULL["C1-llama.cpp"](used, limit)
        if used > limit - 150:
            return reply("The tea ", finish="length")
        if "The tea" in str(request.json["messages"][-1]["content"]):
            return reply("The tea is ready.")
        return reply(STORY)

    talk.provider.answers = [answer]
    seen = set()
    for number in range(16):
        outcome = await talk.say(f"Tell me story number {number}.")
        assert told(outcome) == []
        seen.add(outcome.text)
    assert seen <= {STORY, TEA}


async def test_a_server_that_cuts_every_reply_short_is_asked_once_more_only_once_C1(talk: Talk) -> None:
    talk.provider.answers = [reply("First you boil the", finish="length")]
    for number in range(6):
        await talk.say(f"Tell me story number {number}. " + "It may be long. " * 40)
    assert len(asked(talk)) == 7
    last = asked(talk)[-1]["messages"]
    assert "story number 0." in str(last)
