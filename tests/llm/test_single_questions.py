"""Single questions, as memory's summaries are, get the patience of a conversation and no needless request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neko.errors import (
    ContextTooLongError,
    ModelContentFilteredError,
    ModelEmptyReplyError,
    ModelError,
    ModelKeyRefusedError,
    ModelLoadingError,
    ModelOutOfCreditError,
    ModelRateLimitedError,
    ModelSilentError,
    NekoError,
)
from neko.llm.adaptation import Adaptations
from neko.llm.client import Patience, Timeouts
from neko.llm.complete_once import SingleQuestions, complete_once
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.chat import ChatSession
from neko.tasks import TaskOwner
from neko.types.model_session import ReplyDone, SessionSetup, UserMessage
from tests.field.chat_talk import Pauses
from tests.field.hostile_provider import Answer, HostileProvider, Raw, completion, deltas, event, problem, reply, whole
from tests.scripted_provider import Request

MEMO = "They spoke of cats."
LOADING = whole(problem("Loading model", kind="unavailable_error", code=503), 503)


@dataclass(slots=True)
class Asked:
    """A provider, what is known of it, and the pauses between requests."""

    provider: HostileProvider
    adaptations: Adaptations = field(default_factory=Adaptations)
    pauses: Pauses = field(default_factory=Pauses)

    @property
    def endpoint(self) -> ModelEndpoint:
        return ModelEndpoint("summary", "custom", "Scripted", self.provider.base_url, "m", "key")

    def questions(self, *, most_tokens: int | None = None, near: Patience | None = None) -> SingleQuestions:
        timeouts = Timeouts(sleep=self.pauses) if near is None else Timeouts(sleep=self.pauses, near=near)
        return SingleQuestions(Network(), self.endpoint, timeouts, self.adaptations, most_tokens=most_tokens)

    async def ask(self, *answers: Answer, prompt: str = "Summarise.") -> str:
        self.provider.answers = list(answers)
        return (await self.questions().ask(prompt)).text

    async def seen_by_conversation(self, *answers: Answer) -> tuple[int, list[float], type[NekoError] | None]:
        """How often a conversation asks, with what pauses, and what it tells in the end."""
        self.provider.answers = list(answers)
        before, pauses = len(self.provider.chats), Pauses()
        async with TaskOwner("test") as owner:
            session = ChatSession(self.endpoint, None, owner=owner, network=Network(), timeouts=Timeouts(sleep=pauses))
            await session.open(SessionSetup("Mio", "Anna", "", "en"))
            await session.send(UserMessage("t1", "Summarise."))
            done = await anext(event async for event in session.events() if isinstance(event, ReplyDone))
            await session.aclose()
        return len(self.provider.chats) - before, pauses.seconds, type(done.error) if done.error else None

    async def seen_by_questions(self, *answers: Answer) -> tuple[int, list[float], type[NekoError] | None]:
        before, error = len(self.provider.chats), None
        self.pauses = Pauses()
        try:
            await self.ask(*answers)
        except NekoError as raised:
            error = type(raised)
        return len(self.provider.chats) - before, self.pauses.seconds, error


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    async with HostileProvider() as provider:
        yield Asked(provider)


# ── as a conversation asks ──────────────────────────────────────────────────────────────

FAULTS: dict[str, Answer] = {
    "no-answer": Raw(refuse=True),
    "half-an-answer": Raw(deltas("Half "), cut=True),
    "nothing": reply(),
    "error-in-the-stream": Raw([event(problem("Overloaded", "overloaded"))]),
    "a-page": whole(b"<html>hello</html>", 200, "text/html"),
    "filtered": reply("I ", finish="content_filter"),
    "credit": whole(problem("You exceeded your current quota", "insufficient_quota"), 429),
    "far-rest": whole(problem("Slow down"), 429, retry_after="300"),
    "near-rest": whole(problem("Slow down"), 429, retry_after="7"),
    "rest-of-503": whole(problem("Busy"), 503, retry_after="9"),
    "rest-in-words": whole(problem("Please try again in 5.5s"), 429),
    "loading": LOADING,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_costs_as_many_requests_and_pauses_as_in_a_conversation(asked: Asked, fault: Answer) -> None:
    assert await asked.seen_by_questions(fault) == await asked.seen_by_conversation(fault)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    statuses=st.lists(st.sampled_from([*range(400, 432), 451, *range(500, 512), 520, 521, 522, 524, 529]), max_size=4),
    rest=st.sampled_from(["", "0", "3", "29", "31", "3600"]),
)
async def test_any_statuses_are_taken_as_a_conversation_takes_them(statuses: list[int], rest: str) -> None:
    headers = {"retry_after": rest} if rest else {}
    answers = [*(whole(problem("scripted"), status, **headers) for status in statuses), reply(MEMO)]
    async with HostileProvider() as provider:
        asked = Asked(provider)
        assert await asked.seen_by_questions(*answers) == await asked.seen_by_conversation(*answers)


# ── each fault by itself ────────────────────────────────────────────────────────────────

PERMANENT: dict[str, tuple[Answer, type[ModelError]]] = {
    "key": (whole(problem("Incorrect API key", "invalid_api_key"), 401), ModelKeyRefusedError),
    "credit": (whole(problem("Insufficient balance"), 402), ModelOutOfCreditError),
    "filter": (reply(finish="content_filter"), ModelContentFilteredError),
    "empty": (reply(), ModelEmptyReplyError),
    "long-rest": (whole(problem("Slow down"), 429, retry_after="300"), ModelRateLimitedError),
}


@pytest.mark.parametrize(("fault", "kind"), PERMANENT.values(), ids=PERMANENT)
async def test_what_asking_again_cannot_help_is_asked_once(asked: Asked, fault: Answer, kind: type[ModelError]) -> None:
    with pytest.raises(kind):
        await asked.ask(fault, reply(MEMO))
    assert (len(asked.provider.chats), asked.pauses.seconds) == (1, [])
    assert asked.adaptations.answered(asked.endpoint) is False
    assert asked.adaptations.rests(asked.endpoint) is (kind is ModelRateLimitedError)


async def test_a_server_that_wants_a_rest_gets_it(asked: Asked) -> None:
    assert await asked.ask(whole(problem("Slow down"), 429, retry_after="7"), reply(MEMO)) == MEMO
    assert asked.pauses.seconds == [7.0]
    assert asked.adaptations.answered(asked.endpoint) is True


async def test_a_model_that_is_loading_is_waited_for(asked: Asked) -> None:
    assert await asked.ask(*[LOADING] * 20, reply(MEMO)) == MEMO
    assert asked.pauses.seconds == [Timeouts().loading_pause_s] * 20


async def test_a_model_that_loads_for_ever_is_given_up(asked: Asked) -> None:
    with pytest.raises(ModelLoadingError):
        await asked.ask(LOADING)
    assert sum(asked.pauses.seconds) <= Timeouts().loading_timeout_s


async def test_a_model_that_is_tested_is_asked_once(asked: Asked) -> None:
    asked.provider.answers = [LOADING, whole(problem("Busy"), 503), reply(MEMO)]
    for kind in (ModelLoadingError, ModelError):
        with pytest.raises(kind):
            await complete_once(Network(), asked.endpoint, "Hello.")
    assert len(asked.provider.chats) == 2


@pytest.mark.parametrize("first", [[], [b": alive\n\n"], [event({"choices": [{"delta": {"reasoning": "Hm."}}]})]])
async def test_a_cold_or_thinking_model_is_waited_for_with_one_request(asked: Asked, first: list[bytes]) -> None:
    gate = asyncio.Event()

    async def hold(number: int) -> None:
        if number == len(first):
            await gate.wait()

    asked.provider.answers = [Raw([*first, *reply(MEMO).pieces], before=hold)]
    asking = asyncio.ensure_future(asked.questions(near=Patience(0.0, 600.0, 60.0)).ask("Summarise."))
    await asked.provider.wait_for_requests(1)
    gate.set()
    assert (await asking).text == MEMO
    assert len(asked.provider.chats) == 1


async def test_a_dead_server_is_given_up_by_the_patience_for_its_kind(asked: Asked) -> None:
    async def never(number: int) -> None:
        await asyncio.Event().wait()

    asked.provider.answers = [Raw([b""], before=never)]
    with pytest.raises(ModelSilentError):
        await asked.questions(near=Patience(0.0, 0.05, 60.0)).ask("Summarise.")
    assert len(asked.provider.chats) == 1


# ── what is learnt ──────────────────────────────────────────────────────────────────────


async def test_what_a_model_refuses_is_left_out_and_remembered(asked: Asked) -> None:
    def answer(request: Request) -> Raw:
        if request.json.get("stream"):
            return whole(problem("Unsupported parameter: 'stream'", "unsupported_parameter", param="stream"), 400)
        return whole(completion(MEMO))

    assert await asked.ask(answer) == MEMO
    assert len(asked.provider.chats) == 2
    assert not asked.adaptations.of(asked.endpoint).takes("stream")
    assert await asked.ask(answer) == MEMO
    assert len(asked.provider.chats) == 3


async def test_what_led_to_no_answer_is_not_remembered(asked: Asked) -> None:
    refused = whole(problem("Unsupported parameter: 'stream'", "unsupported_parameter", param="stream"), 400)
    with pytest.raises(ModelKeyRefusedError):
        await asked.ask(refused, whole(problem("Incorrect API key"), 401))
    assert asked.adaptations.of(asked.endpoint).takes("stream")


async def test_a_question_that_is_known_to_be_too_long_is_not_asked(asked: Asked) -> None:
    too_long = whole(problem("maximum context length is 2048 tokens", "context_length_exceeded"), 400)
    asked.provider.answers = [too_long, reply(MEMO)]
    questions = asked.questions()
    for _ in range(2):
        with pytest.raises(ContextTooLongError):
            await questions.ask("word " * 3_000)
    assert len(asked.provider.chats) == 1
    assert (await questions.ask("word " * 500)).text == MEMO
    with pytest.raises(ContextTooLongError):
        await asked.questions().ask("word " * 3_000)
    assert len(asked.provider.chats) == 2


async def test_a_question_beyond_its_budget_is_not_asked(asked: Asked) -> None:
    with pytest.raises(ContextTooLongError):
        await asked.questions(most_tokens=100).ask("word " * 1_000)
    assert asked.provider.chats == []


async def test_an_answer_that_a_full_context_cut_is_asked_for_with_less(asked: Asked) -> None:
    asked.provider.answers = [reply("They ", finish="length"), reply(MEMO)]
    questions = asked.questions()
    with pytest.raises(ContextTooLongError):
        await questions.ask("word " * 1_500)
    assert (await questions.ask("word " * 500)).text == MEMO


async def test_a_server_that_cuts_every_answer_is_taken_at_its_word(asked: Asked) -> None:
    asked.provider.answers = [reply("They spoke", finish="length")]
    questions = asked.questions()
    with pytest.raises(ContextTooLongError):
        await questions.ask("word " * 3_000)
    assert (await questions.ask("word " * 1_500)).text == "They spoke"
    assert (await questions.ask("word " * 3_000)).text == "They spoke"
    assert len(asked.provider.chats) == 3
