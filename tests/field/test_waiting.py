"""Alive, loading, thinking and dead are four things: who is waited for, for how long, and what is said of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from neko.llm.client import Patience, Timeouts
from tests.client import is_turn_end
from tests.field.chat_talk import chat_talk
from tests.field.hostile_provider import DONE, Answer, HostileProvider, Raw, chunk, deltas, event, problem, reply, whole
from tests.scripted_provider import Request

TEA = ("The ", "tea ", "is ", "ready.")
THE_TEA = [*deltas(*TEA), event(chunk({}, "stop")), DONE]
AT_ONCE = Patience(0.0, 60.0, 60.0)
"""Every wait is a long one, and none is given up."""


# ── a cold model ────────────────────────────────────────────────────────────────────────

Gate = Callable[[], Awaitable[object]]


def held_head(gate: Gate) -> Answer:
    async def answer(request: Request) -> Raw:
        await gate()
        return Raw(THE_TEA)

    return answer


def held_after(*first: bytes) -> Callable[[Gate], Answer]:
    """The head and ``first`` come at once, the words when the gate opens."""

    def held(gate: Gate) -> Answer:
        async def before(number: int) -> None:
            if number == len(first):
                await gate()

        return Raw([*first, *THE_TEA], before=before)

    return held


COLD: dict[str, Callable[[Gate], Answer]] = {
    "A3-no-head": held_head,
    "A3-head-only": held_after(),
    "A3-comments": held_after(b": OPENROUTER PROCESSING\n\n", b":\n\n"),
}


@pytest.mark.parametrize("cold", COLD.values(), ids=COLD)
async def test_a_cold_model_is_asked_once_and_waited_for_and_this_is_said_once(
    data_dir: Path, hostile: HostileProvider, cold: Callable[[Gate], Answer]
) -> None:
    gate = asyncio.Event()
    hostile.answers = [cold(gate.wait)]
    async with chat_talk(data_dir, hostile, near=AT_ONCE) as talk:
        await talk.page.say("Hello there")
        frames = await talk.page.until("status")
        assert (frames[-1]["code"], frames[-1]["level"]) == ("model_late_near", "info")
        assert "loading" in frames[-1]["message"]
        gate.set()
        rest = await talk.page.until(is_turn_end)
        assert "".join(f["text"] for f in rest if f["type"] == "gemini_response") == "The tea is ready."
        assert [f for f in rest if f["type"] == "status"] == []
        assert len(hostile.chats) == 1


async def test_a_model_that_is_waited_for_can_be_stopped_at_once_A3(data_dir: Path, hostile: HostileProvider) -> None:
    hostile.answers = [held_head(asyncio.Event().wait), reply(*TEA)]
    async with chat_talk(data_dir, hostile, near=AT_ONCE) as talk:
        await talk.page.say("Hello there")
        request = await hostile.wait_for_requests(1)
        await talk.page.send("stop_reply")
        await talk.page.until(is_turn_end)
        async with asyncio.timeout(15):
            await request.aborted.wait()
        assert (await talk.say()).text == "The tea is ready."


async def test_a_model_that_says_nothing_is_given_up_and_not_asked_again_A3(
    data_dir: Path, hostile: HostileProvider
) -> None:
    hostile.answers = [held_head(asyncio.Event().wait)]
    async with chat_talk(data_dir, hostile, near=Patience(60.0, 0.05, 60.0)) as talk:
        outcome = await talk.say()
        assert outcome.codes == ["model_timeout"]
        assert len(hostile.chats) <= 1


# ── a server that is loading ────────────────────────────────────────────────────────────

LOADING = {
    "A28-llama.cpp": whole({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, 503),
    "A28-hugging-face": whole({"error": "Model m is currently loading", "estimated_time": 20.0}, 503),
    "A28-retry-after": whole({"error": {"message": "Loading model"}}, 503, retry_after="2"),
}


@pytest.mark.parametrize("loading", LOADING.values(), ids=LOADING)
async def test_a_server_that_loads_its_model_is_asked_again_calmly(
    data_dir: Path, hostile: HostileProvider, loading: Raw
) -> None:
    hostile.answers = [*[loading] * 7, reply(*TEA)]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert outcome.text == "The tea is ready."
        assert outcome.is_complete
        assert [(told["code"], told["level"]) for told in outcome.told] == [("model_waited_for", "info")]
        assert len(talk.pauses.seconds) == 7
        assert all(2.0 <= pause <= 15.0 for pause in talk.pauses.seconds)


async def test_a_model_that_never_finishes_loading_is_given_up_A28(data_dir: Path, hostile: HostileProvider) -> None:
    hostile.answers = [LOADING["A28-llama.cpp"]]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert outcome.codes == ["model_waited_for", "model_loading"]
        assert 500.0 < sum(talk.pauses.seconds) <= 600.0


# ── tries again ─────────────────────────────────────────────────────────────────────────


def in_seconds(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


def limited(**headers: str) -> Raw:
    return whole(problem("Rate limit reached", "rate_limit_exceeded", "requests"), 429, **headers)


@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        (lambda: limited(retry_after="5"), 5.0, 5.0),
        (lambda: limited(retry_after=in_seconds(20)), 18.0, 20.0),
        (lambda: limited(retry_after_ms="1500"), 1.5, 1.5),
        (lambda: limited(x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="6s"), 6.0, 6.0),
        (lambda: whole(problem("overloaded"), 503, retry_after="7"), 7.0, 7.0),
    ],
    ids=["A30-seconds", "A30-date", "A30-milliseconds", "A30-reset", "A30-503"],
)
async def test_a_short_wish_to_wait_is_honoured(
    data_dir: Path, hostile: HostileProvider, answer: Callable[[], Raw], least: float, most: float
) -> None:
    hostile.answers = [answer(), reply(*TEA)]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert outcome.text == "The tea is ready."
        [pause] = talk.pauses.seconds
        assert least <= pause <= most
        [told] = outcome.told
        assert told["level"] == "info"
        assert "trying again" in told["message"]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wish", [lambda: "3600", lambda: in_seconds(3600)], ids=["A30-seconds", "A30-date"])
async def test_a_long_wish_to_wait_is_told_with_its_time_and_not_asked_again(
    data_dir: Path, hostile: HostileProvider, status: int, wish: Callable[[], str]
) -> None:
    hostile.answers = [whole(problem("Rate limit reached"), status, retry_after=wish())]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert outcome.requests == 1
        assert talk.pauses.seconds == []
        [told] = outcome.told
        assert told["level"] == "error"
        assert "60 minutes" in told["remedy"]


@pytest.mark.parametrize(
    "wish",
    [
        {"retry_after": "1e308"},
        {"retry_after": "inf"},
        {"retry_after": "9" * 400},
        {"retry_after": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"retry_after": "604800"},
        {"retry_after_ms": "1e300"},
        {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "9" * 30},
    ],
    ids=["A30-1e308", "A30-inf", "A30-digits", "A30-year-9999", "A30-a-week", "A30-milliseconds", "A30-reset"],
)
async def test_a_wish_for_a_wait_beyond_all_patience_is_told_as_a_long_one(
    data_dir: Path, hostile: HostileProvider, wish: dict[str, str]
) -> None:
    hostile.answers = [limited(**wish)]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert outcome.codes == ["model_rate_limited"]
        assert "long time" in outcome.told[0]["message"]
        assert "much later" in outcome.told[0]["remedy"]
        assert outcome.requests == 1


async def test_a_day_is_told_in_hours_A30(data_dir: Path, hostile: HostileProvider) -> None:
    hostile.answers = [limited(retry_after="86400")]
    async with chat_talk(data_dir, hostile) as talk:
        assert "24 hours" in (await talk.say()).told[0]["remedy"]


@pytest.mark.parametrize(
    "wish",
    [
        lambda: {"retry_after": "0"},
        lambda: {"retry_after": "-30"},
        lambda: {"retry_after": "1e-300"},
        lambda: {"retry_after": in_seconds(-3600)},
        lambda: {"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"},
        lambda: {"retry_after_ms": "-1e308"},
        lambda: {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "0s"},
    ],
    ids=["A30-0", "A30-negative", "A30-tiny", "A30-past", "A30-1970", "A30-milliseconds", "A30-reset"],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_wish_for_no_wait_at_all_does_not_hurry_us(
    data_dir: Path, hostile: HostileProvider, status: int, wish: Callable[[], dict[str, str]]
) -> None:
    hostile.answers = [whole(problem("Rate limit reached"), status, **wish())]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert outcome.requests == 3
        assert tuple(talk.pauses.seconds) == Timeouts().back_off_s


CLAIMS = ("tried", "times", "without luck")


@pytest.mark.parametrize(
    "failing",
    [
        whole(problem("boom"), 500),
        whole(problem("overloaded"), 529),
        limited(),
        Raw([b"data: {"], cut=True),
        Raw(deltas("The "), cut=True),
    ],
    ids=["A30-500", "A30-529", "A30-429", "A30-cut-before-words", "A30-cut-in-words"],
)
async def test_what_is_told_of_a_try_again_is_true_and_told_once(
    data_dir: Path, hostile: HostileProvider, failing: Raw
) -> None:
    hostile.answers = [failing]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert outcome.requests == 3
        first, last = outcome.told
        assert (first["level"], last["level"]) == ("info", "error")
        assert first["message"].endswith("I am trying again.")
        assert "trying again" not in last["message"]
        assert not [claim for claim in CLAIMS if claim in first["message"] + last["message"]]


async def test_a_kept_connection_that_has_died_is_not_noticed_A30(data_dir: Path, hostile: HostileProvider) -> None:
    async with chat_talk(data_dir, hostile) as talk:
        for number in range(3):
            hostile.answers = [reply(*TEA)]
            assert (await talk.say(f"Hello {number}")).told == []
            hostile.answers = [Raw(refuse=True), reply(*TEA)]
            outcome = await talk.say(f"And {number}")
            assert (outcome.text, outcome.told, talk.pauses.seconds) == ("The tea is ready.", [], [])
