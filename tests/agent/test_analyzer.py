"""Whether a goal is reached is judged by what was observed, and told honestly."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from neko.agent.analyzer import Analyzer
from neko.agent.outside import marked
from neko.errors import ModelEmptyReplyError, ModelServerError
from neko.types.plan import Judgement, PlanStep
from tests.agent.scripted_thoughts import call, thinking, told
from tests.scripted_provider import Script, ScriptedProvider, failure

STEP = PlanStep("browser_use", "Look up the weather in Paris.", "the temperature is seen")
Judging = tuple[ScriptedProvider, Analyzer]


@pytest.fixture
async def judging() -> AsyncIterator[Judging]:
    async with thinking() as (provider, thinker):
        yield provider, Analyzer(thinker)


JUDGED = {
    "en": ("yes", "12 °C are seen.", "Look up the weather in Paris.", "English", True),
    "zh": ("no", "没有看到温度。", "查询巴黎的天气", "简体中文", False),
    "ja": ("user", "ログインが必要です。", "パリの天気を調べる", "日本語", False),
    "a truth": (True, "Done.", "Look it up.", "English", True),
}


@pytest.mark.parametrize("case", JUDGED)
async def test_a_step_is_reached_or_not_and_why_in_the_language_of_the_plan(judging: Judging, case: str) -> None:
    answer, why, instruction, name, reached = JUDGED[case]
    provider, analyzer = judging
    provider.script(call("judge", why=why, reached=answer))
    step = PlanStep("browser_use", instruction, "the temperature is seen")
    assert await analyzer.reached(step, ["Paris: 12 °C", "It is done."]) == Judgement(reached, why)
    assert name in told(provider)


async def test_the_last_things_observed_are_told_and_a_claim_is_told_as_one(judging: Judging) -> None:
    provider, analyzer = judging
    provider.script(call("judge", why="Nothing is seen.", reached="no"))
    await analyzer.reached(STEP, [*(marked("a page", f"page {number}") for number in range(7)), "I found it."])
    text = told(provider)
    assert "CLAIMED: I found it." in text
    assert "REACHED WHEN: the temperature is seen" in text
    assert [f"page {number}" in text for number in range(7)] == [False] * 2 + [True] * 5


@pytest.mark.parametrize("answer", [Script(("Well …",)), call("judge", why="?", reached="perhaps")])
async def test_a_model_that_does_not_say_is_told(judging: Judging, answer: Script) -> None:
    provider, analyzer = judging
    provider.script(answer, answer)
    with pytest.raises(ModelEmptyReplyError):
        await analyzer.reached(STEP, [])
    assert "Nothing was observed." in told(provider, 0)


async def test_the_user_is_told_what_came_of_it_in_their_language(judging: Judging) -> None:
    provider, analyzer = judging
    provider.script(Script(("巴黎现在", "12 度。")))
    outcomes = [marked("a page", "Paris: 12 °C"), "The step failed: 写不了。"]
    assert await analyzer.summary("帮我查巴黎的天气并记下来", outcomes, language="zh-CN") == "巴黎现在12 度。"
    text = told(provider)
    assert "简体中文" in text
    assert text.index("STEP 1: [From outside") < text.index("Paris: 12 °C") < text.index("STEP 2: The step failed")


async def test_a_model_that_cannot_be_asked_is_told(judging: Judging) -> None:
    provider, analyzer = judging
    provider.script(*[failure(500, "out of order")] * 6)
    with pytest.raises(ModelServerError):
        await analyzer.reached(STEP, [])
    with pytest.raises(ModelServerError):
        await analyzer.summary("x", [])
