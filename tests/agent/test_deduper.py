"""What is being done, or was done a moment ago, is not begun once more unless the user says so."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from neko.agent.deduper import LATELY_S, Deduper, KnownTask, same_words, wants_again
from neko.types.plan import Plan, PlanStep
from tests.agent.scripted_thoughts import call, thinking, told
from tests.scripted_provider import ScriptedProvider, failure

WEATHER = KnownTask("w", "Weather in Paris", "Look up the weather in Paris, please!")
DONE = KnownTask("d", "A note", "Write a note", ended_s=5.0)
LONG_AGO = KnownTask("l", "A note", "Write a note", ended_s=LATELY_S + 1)
PLAN = Plan("Paris", (PlanStep("browser_use", "Find the weather of Paris."),), "en")
Comparing = tuple[ScriptedProvider, Deduper]


@pytest.fixture
async def comparing() -> AsyncIterator[Comparing]:
    async with thinking() as (provider, thinker):
        yield provider, Deduper(thinker)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("look up the WEATHER in Paris please", WEATHER),
        ("Write a note.", DONE),
        ("Look up the weather in Rome, please!", None),
        ("Write a note again", None),
        ("…", None),
    ],
)
def test_the_very_same_words_are_found_without_a_model(words: str, found: KnownTask | None) -> None:
    assert same_words(words, [WEATHER, LONG_AGO, DONE]) == found


def test_what_was_done_long_ago_is_done_anew() -> None:
    assert same_words("Write a note", [LONG_AGO]) is None


@pytest.mark.parametrize(
    "words", ["do it again", "Once more!", "再来一次", "請再做一次", "もう一度やって", "한 번 더 해 줘"]
)
def test_who_wants_it_once_more_says_so(words: str) -> None:
    assert wants_again(words)


@pytest.mark.parametrize("words", ["look it up", "帮我查一下", "調べて", "찾아 줘", "再见", "against the wall"])
def test_others_do_not(words: str) -> None:
    assert not wants_again(words)


async def test_the_same_task_in_other_words_is_found_with_one_question(comparing: Comparing) -> None:
    provider, deduper = comparing
    provider.script(call("same", why="both the weather", number=1))
    assert await deduper.same("How warm is it in Paris? Look!", PLAN, [LONG_AGO, WEATHER, DONE]) == WEATHER
    assert len(provider.chats) == 1
    assert "1. Weather in Paris: Look up the weather in Paris, please! [runs]\n2. A note" in told(provider)


@pytest.mark.parametrize("number", [0, 7, -1, "none", None])
async def test_another_task_is_new(comparing: Comparing, number: object) -> None:
    provider, deduper = comparing
    provider.script(call("same", why="", number=number))
    assert await deduper.same("the weather", PLAN, [WEATHER]) is None


async def test_no_model_is_asked_when_nothing_could_be_the_same_or_it_is_wanted_again(comparing: Comparing) -> None:
    provider, deduper = comparing
    assert await deduper.same("the weather", PLAN, [LONG_AGO]) is None
    assert await deduper.same("the weather, once more", PLAN, [WEATHER]) is None
    assert provider.chats == []


async def test_what_cannot_be_told_is_new(comparing: Comparing) -> None:
    provider, deduper = comparing
    provider.script(failure(401, "Incorrect API key provided"))
    assert await deduper.same("the weather", PLAN, [WEATHER]) is None
    assert await deduper.same("the weather", PLAN, [WEATHER]) is None
