"""Memory asks the user's model for a summary only when it can be had: every request is somebody's money or patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from neko.memory.compression import TURNS_BETWEEN
from tests.conftest import RunningServer
from tests.field.hostile_provider import Answer, HostileProvider, Raw, event, problem, reply, whole
from tests.field.talk import CHARACTER, Talk, talking
from tests.scripted_provider import Request

TEA = "The tea is ready."
MEMO = "They spoke of tea."
TURNS = 12
"""More than the window holds, so that there is something to sum up."""

FAULTS: dict[str, Answer] = {
    "401": whole(problem("Incorrect API key", "invalid_api_key"), 401),
    "402": whole(problem("Insufficient balance"), 402),
    "403": whole(problem("Forbidden"), 403),
    "404": whole(problem("No such model", "model_not_found"), 404),
    "429": whole(problem("Slow down"), 429, retry_after="300"),
    "500": whole(problem("Oops"), 500, retry_after="0"),
    "400": whole(problem("Bad request"), 400),
    "filter": reply(finish="content_filter"),
    "empty": reply(),
    "error-event": Raw([b"event: error\n" + event(problem("Overloaded"))]),
}


def is_summary(request: Request) -> bool:
    return "older part of a conversation" in str(request.json["messages"][0]["content"])


def by_kind(talk: Answer, summary: Answer) -> Callable[[Request], Raw]:
    def answer(request: Request) -> Raw:
        chosen = summary if is_summary(request) else talk
        assert isinstance(chosen, Raw)
        return chosen

    return answer


def summaries(provider: HostileProvider) -> list[Request]:
    return [request for request in provider.chats if is_summary(request)]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # what is waited for is not ours to signal
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.few(4)
async def test_a_server_that_has_just_failed_is_not_asked_for_a_summary(
    talk: Talk, fault: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "neko.memory")
    talk.provider.answers = [reply(TEA)]
    for _ in range(TURNS):
        await talk.say()
    talk.provider.answers = [fault]
    await talk.say("And now?")
    asked = len(talk.provider.chats)
    await talk.page.send("end_session")
    await until(lambda: "the memo waits" in caplog.text)
    assert len(talk.provider.chats) == asked
    assert summaries(talk.provider) == []


async def test_a_model_that_was_just_chosen_is_not_asked_before_the_user_says_a_word(
    talk: Talk, server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "neko.memory")
    talk.provider.answers = [reply(TEA)]
    for _ in range(TURNS):
        await talk.say()
    async with HostileProvider() as other:
        other.answers = [reply(TEA)]
        async with talking(server, other, model="other") as again:
            await until(lambda: "the memo waits" in caplog.text)
            assert other.chats == []
            assert (await again.say("Hello?")).requests == 1


async def test_a_renewal_that_failed_is_told_once_and_made_up_for_at_the_next_occasion(talk: Talk) -> None:
    refused = whole(problem("Not with this content", "content_policy_violation"), 403)
    talk.provider.answers = [by_kind(reply(TEA), refused)]
    told = []
    for _ in range(TURNS_BETWEEN):
        told += (await talk.say()).codes
    await until(lambda: len(summaries(talk.provider)) == 1 and talk.server.neko.faults.all())
    for _ in range(TURNS_BETWEEN):
        told += (await talk.say()).codes
    await until(lambda: len(summaries(talk.provider)) == 2)
    told += (await talk.say()).codes
    assert told == ["memo_not_renewed"]
    (fault,) = talk.server.neko.faults.all()
    assert (fault.error.code, fault.character) == ("memo_not_renewed", CHARACTER)
    talk.provider.answers = [by_kind(reply(TEA), reply(MEMO))]
    for _ in range(TURNS_BETWEEN - 1):
        await talk.say()
    await until(lambda: not talk.server.neko.faults.all())
    assert len(summaries(talk.provider)) == 3
    recent = await talk.server.neko.memory.recent(CHARACTER)
    assert (recent[0].role, recent[0].text) == ("system", MEMO)
