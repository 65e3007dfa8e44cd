"""What is known of people: learnt from what was said, true for a time, gone with the lines it rests on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import pytest

from neko.errors import ModelServerError
from neko.memory.service import MemoryService
from tests.memory.memory_folder import MIO, MemoryFolder, say

MAY, JULY = datetime(2026, 5, 10, 12, 0), datetime(2026, 7, 10, 12, 0)


@pytest.fixture
async def memory(memory_folder: MemoryFolder) -> MemoryService:
    return await memory_folder.open()


async def known(memory: MemoryService, at: datetime | None = None) -> list[tuple[str, str, str]]:
    return [(fact.subject, fact.attribute, fact.value) for fact in await memory.facts(MIO, at=at)]


class Model:
    """Proposes these facts, confirms those of these numbers, and keeps what it was asked."""

    def __init__(self, *proposals: object, confirmed: Sequence[int] | None = None) -> None:
        numbers = range(len(proposals)) if confirmed is None else confirmed
        self.answers = [json.dumps(proposals), f"Sure: {list(numbers)}"]
        self.prompts: list[str] = []

    async def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        return self.answers[(len(self.prompts) - 1) % 2]


def proposal(value: str, *lines: int, subject: str = "user", attribute: str = "home", **more: object) -> object:
    return {"subject": subject, "attribute": attribute, "value": value, "lines": lines, "since": None, **more}


async def test_without_a_model_what_the_user_states_is_learnt_once(memory: MemoryService) -> None:
    await say(memory, "I am allergic to walnuts. 我的猫叫饼干。")
    await say(memory, "I am allergic to strawberries", "assistant")
    assert await memory.learn(MIO, None) == 2
    assert await known(memory) == [("user", "allergy", "walnuts"), ("user", "pet", "猫叫饼干")]
    await say(memory, "As I said, I'm allergic to Walnuts!")
    assert await memory.learn(MIO, None) == 0


async def test_what_other_people_state_is_known_of_them_and_not_of_the_user(memory: MemoryService) -> None:
    said = {"Caroline": "I live in Oslo", "Melanie": "I live in Bergen", "Joe": "My name is Joe", "Anna": "I love tea"}
    for speaker, text in said.items():
        await say(memory, text, speaker=speaker)
    await memory.learn(MIO, None)
    assert await known(memory) == [
        ("Caroline", "home", "Oslo"), ("Melanie", "home", "Bergen"), ("Joe", "name", "Joe"), ("user", "likes", "tea"),
    ]  # fmt: skip


async def test_a_model_is_told_who_speaks_and_takes_nothing_about_the_user_from_others(memory: MemoryService) -> None:
    hers, users = await say(memory, "I live in Oslo", speaker="Caroline"), await say(memory, "I live in Bergen")
    model = Model(proposal("Oslo", hers), proposal("Oslo", hers, subject="Caroline"), proposal("Bergen", users))
    await memory.learn(MIO, model)
    assert await known(memory) == [("Caroline", "home", "Oslo"), ("user", "home", "Bergen")]
    assert "| Caroline | I live in Oslo" in model.prompts[0]
    assert "| user | I live in Bergen" in model.prompts[0]


async def test_a_new_value_closes_the_old_one_and_what_was_true_in_may_is_still_known(memory: MemoryService) -> None:
    first = await say(memory, "I live in Oslo", at=MAY)
    second = await say(memory, "We moved to Bergen", at=JULY)
    await memory.learn(MIO, None)
    assert await known(memory) == [("user", "home", "Bergen")]
    assert await known(memory, datetime(2026, 5, 31)) == [("user", "home", "Oslo")]
    assert await known(memory, datetime(2026, 4, 1)) == []
    (oslo,), (bergen,) = await memory.facts(MIO, at=MAY), await memory.facts(MIO)
    assert (oslo.valid_from, oslo.valid_to, oslo.superseded_by) == (MAY, JULY, bergen.id)
    assert (oslo.sources, bergen.sources) == ((first,), (second,))


async def test_what_is_learnt_later_of_an_earlier_time_does_not_close_what_is_true_now(memory: MemoryService) -> None:
    line = await say(memory, "I live in Bergen. Until June I lived in Oslo.", at=JULY)
    await memory.learn(MIO, Model(proposal("Bergen", line), proposal("Oslo", line, since="2026-01-01")))
    assert await known(memory) == [("user", "home", "Bergen")]
    assert await known(memory, MAY) == [("user", "home", "Oslo")]


async def test_a_taste_that_changed_closes_its_opposite(memory: MemoryService) -> None:
    await say(memory, "I love coffee. I love tea.", at=MAY)
    await say(memory, "I hate coffee", at=JULY)
    await memory.learn(MIO, None)
    assert await known(memory) == [("user", "likes", "tea"), ("user", "dislikes", "coffee")]
    assert await known(memory, MAY) == [("user", "likes", "coffee"), ("user", "likes", "tea")]


@pytest.mark.parametrize(
    ("before", "change", "was", "is_now"),
    [
        ("I love coffee.", "I used to like coffee, now I drink tea.", "coffee", ["tea"]),
        ("I live in Oslo.", "I moved from Oslo to Bergen.", "Oslo", ["Bergen"]),
        ("I live in Oslo.", "I moved to Bergen and live in Bergen now.", "Oslo", ["Bergen"]),
        ("I live in Oslo.", "I don't live in Oslo anymore.", "Oslo", []),
        ("My favourite colour is blue.", "My favourite colour is green now.", None, ["favourite colour is green"]),
        ("我喜欢咖啡。", "我以前喜欢喝咖啡，现在喜欢喝茶。", "咖啡", ["喝茶"]),
        ("我住在北京。", "我从北京搬到了上海。", "北京", ["上海"]),
        ("我住在台北。", "我以前住在台北，現在住在高雄。", "台北", ["高雄"]),
        ("コーヒーが好きです。", "以前はコーヒーが好きだったけど、今はお茶が好きです。", "コーヒー", ["お茶"]),
        ("東京に住んでいます。", "東京から大阪に引っ越しました。", "東京", ["大阪"]),
        ("커피를 좋아해요.", "예전에는 커피를 좋아했는데 지금은 차를 좋아해요.", "커피", ["차"]),
        ("서울에 살아요.", "서울에서 부산으로 이사했어요.", "서울", ["부산"]),
    ],
)
@pytest.mark.parametrize("order", ["as said", "the change first"])
async def test_what_is_said_to_be_so_no_longer_is_of_the_past(
    memory: MemoryService, before: str, change: str, was: str | None, is_now: list[str], order: str
) -> None:
    said = [(before, MAY), (change, JULY)]
    for text, at in said if order == "as said" else said[::-1]:
        await say(memory, text, at=at)
        await memory.learn(MIO, None)
    assert [fact.value for fact in await memory.facts(MIO)] == is_now
    (past,) = await memory.facts(MIO, at=datetime(2026, 5, 31))
    assert (was or "") in past.value
    assert (past.valid_from, past.valid_to) == (MAY, JULY)
    assert len(await memory.facts(MIO, at=datetime(2026, 8, 1))) == len(is_now)


async def test_what_was_not_known_and_is_so_no_longer_is_kept_as_past(memory: MemoryService) -> None:
    line = await say(memory, "I used to live in Oslo.", at=JULY)
    await memory.learn(MIO, None)
    assert await known(memory) == []
    (past,) = await (await memory.fact_book(MIO)).history()
    assert (past.value, past.valid_to, past.superseded_by, past.sources) == ("Oslo", JULY, None, (line,))


async def test_without_the_line_that_ended_it_a_fact_is_true_again(memory: MemoryService) -> None:
    await say(memory, "I like jazz.", at=MAY)
    line = await say(memory, "I no longer like jazz.", at=JULY)
    await memory.learn(MIO, None)
    assert await known(memory) == []
    await memory.delete(MIO, [line], may_be_undone=True)
    assert await known(memory) == [("user", "likes", "jazz")]
    await memory.restore(MIO)
    assert await known(memory) == []
    await memory.correct(MIO, line, "I still like jazz.")
    assert await known(memory) == [("user", "likes", "jazz")]


async def test_a_model_says_what_has_ended(memory: MemoryService) -> None:
    await memory.learn(MIO, Model(proposal("Oslo", await say(memory, "Oslo is home", at=MAY))))
    assert await known(memory) == [("user", "home", "Oslo")]
    line = await say(memory, "Oslo is over, Bergen it is", at=JULY)
    model = Model(proposal("Oslo", line, ended=True), proposal("Bergen", line))
    await memory.learn(MIO, model)
    assert await known(memory) == [("user", "home", "Bergen")]
    assert await known(memory, datetime(2026, 5, 31)) == [("user", "home", "Oslo")]
    assert "0 | user | home | Oslo | ended" in model.prompts[1]


async def test_a_fact_goes_with_its_line_and_what_it_had_closed_is_true_again(memory: MemoryService) -> None:
    await say(memory, "I live in Oslo", at=MAY)
    line = await say(memory, "We moved to Bergen", at=JULY)
    await memory.learn(MIO, None)
    await memory.delete(MIO, [line])
    assert await known(memory) == [("user", "home", "Oslo")]


async def test_a_fact_that_was_stated_twice_stays_until_both_lines_are_gone(memory: MemoryService) -> None:
    lines = [await say(memory, "I live in Oslo"), await say(memory, "I live in Oslo!")]
    await memory.learn(MIO, None)
    await memory.delete(MIO, lines[:1])
    assert await known(memory) == [("user", "home", "Oslo")]
    await memory.delete(MIO, lines[1:])
    assert await known(memory) == []


async def test_a_fact_from_several_lines_goes_with_any_of_them(memory: MemoryService) -> None:
    lines = [await say(memory, "guess where I moved"), await say(memory, "to Bergen")]
    await memory.learn(MIO, Model(proposal("Bergen", *lines)))
    await memory.delete(MIO, lines[:1])
    assert await known(memory) == []


async def test_only_what_is_confirmed_is_kept_and_the_model_sees_what_is_known(memory: MemoryService) -> None:
    line = await say(memory, "My sister Clara builds violins, and I live in Oslo")
    model = Model(
        proposal("violin maker", line, subject="Clara", attribute="Job"), proposal("Rome", line), confirmed=[0]
    )
    assert await memory.learn(MIO, model) == 1
    assert await known(memory) == [("Clara", "job", "violin maker")]
    later = Model()
    await say(memory, "well")
    await memory.learn(MIO, later)
    assert len(later.prompts) == 1
    other = Model(proposal("Oslo", await say(memory, "Oslo it is")))
    await memory.learn(MIO, other)
    assert "Clara | job | violin maker" in other.prompts[1]


async def test_what_only_the_companion_said_is_no_truth_about_the_user(memory: MemoryService) -> None:
    line = await say(memory, "You live in Paris, and I collect stamps", "assistant")
    herself = proposal("collects stamps", line, subject="character", attribute="hobby")
    await memory.learn(MIO, Model(proposal("Paris", line), proposal("Paris", line, subject="Clara"), herself))
    assert await known(memory) == [("character", "hobby", "collects stamps")]


@pytest.mark.parametrize(
    "item", ["x", {}, {"subject": "user"}, {"subject": "user", "attribute": "home", "value": "Rome", "lines": [99]}]
)
async def test_a_proposal_that_does_not_fit_is_passed_over(memory: MemoryService, item: object) -> None:
    line = await say(memory, "I live in Oslo")
    await memory.learn(MIO, Model(item, proposal("Oslo", line), confirmed=[0]))
    assert await known(memory) == [("user", "home", "Oslo")]


async def test_a_model_that_fails_changes_nothing_and_is_asked_again_the_next_time(memory: MemoryService) -> None:
    line = await say(memory, "I live in Oslo")

    async def broken(prompt: str) -> str:
        raise ModelServerError("scripted", model="m", provider="p")

    assert await memory.learn(MIO, broken) == 0
    assert await known(memory) == []
    assert await memory.learn(MIO, Model(proposal("Oslo", line))) == 1


async def test_a_model_that_cannot_be_understood_is_asked_twice_and_then_the_rules_look(memory: MemoryService) -> None:
    await say(memory, "I live in Oslo")
    prompts: list[str] = []

    async def rambling(prompt: str) -> str:
        prompts.append(prompt)
        return "I would say that the user lives somewhere."

    assert await memory.learn(MIO, rambling) == 1
    assert len(prompts) == 2
    assert await memory.learn(MIO, rambling) == 0
    assert len(prompts) == 2


async def test_facts_are_there_after_a_restart(memory: MemoryService, memory_folder: MemoryFolder) -> None:
    await say(memory, "I live in Oslo")
    await memory.learn(MIO, None)
    await memory.aclose()
    assert await known(await memory_folder.open()) == [("user", "home", "Oslo")]
