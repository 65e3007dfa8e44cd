"""What a model is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from neko.language import LANGUAGES
from neko.llm.tokens import estimate_tokens
from neko.prompts import phrases
from neko.sessions import prompt
from neko.sessions.digest import FACTS_BUDGET, OPEN_BUDGET
from neko.sessions.prompt import Persona
from neko.sessions.recall_lines import LONGEST_LINE, MOST_LINES, RECALL_BUDGET, excerpt
from neko.types.lines import Line, Role
from neko.types.memory import Because, Evidence, Fact, Reason, RecentEntry

NOW = datetime(2026, 11, 21, 9, 5)
REASON = Reason(Because.MENTIONS, ("cat",))
CAT = Evidence("my cat is {Biscuit}", "user", "Anna", datetime(2026, 5, 3, 18, 0), "line", (1,), REASON, 1.0)


def persona(language: str = "en") -> Persona:
    return Persona("Mio", "Sam", "Mio loves tea.", {"Mio": {"age": "22"}, "Sam": {}}, language)


def memory(text: str, line_id: int) -> Evidence:
    return replace(CAT, text=text, sources=(line_id,), at=CAT.at + timedelta(days=line_id))


def test_the_pieces_come_in_the_order_of_the_contract() -> None:
    recent = [
        RecentEntry("system", "They met in May."),
        RecentEntry("user", "hi", 7, datetime(2026, 11, 20, 22, 10)),
        RecentEntry("assistant", "hello"),
    ]
    text = prompt.compose(persona(), recent, NOW).text
    order = [
        "You are Mio",
        "Mio loves tea.",
        '"age": "22"',
        "2026-11-21 09:05",
        "They met in May.",
        "2026-11-20 22:10 Sam | hi",
        "\nMio | hello",
        "goes on",
    ]
    places = [text.index(piece) for piece in order]
    assert places == sorted(places)


def test_the_prompt_is_bounded_and_keeps_the_latest_lines() -> None:
    recent = [RecentEntry("user", f"line {number} " + "word " * 50, number) for number in range(500)]
    instructions = prompt.compose(persona(), recent, NOW)
    assert "line 499" in instructions.text
    assert "line 3 " not in instructions.text
    assert estimate_tokens(instructions.text) < prompt.RECENT_BUDGET + 600
    assert 499 in instructions.lines
    assert 3 not in instructions.lines


def test_lines_of_chats_that_were_left_stand_before_those_of_this_one_which_need_their_room_first() -> None:
    left = [RecentEntry("user", f"left {number} " + "x" * 400, number, left=True) for number in range(1, 41)]
    here = [RecentEntry("user", f"here {number}", number) for number in range(41, 51)]
    told: list[RecentEntry] = []

    def gist(entries: Sequence[RecentEntry], characters: int) -> str:
        told.extend(entries)
        return "the gist of it"

    instructions = prompt.compose(persona(), [*left, *here], NOW, gist=gist)
    before, _, lines = instructions.text.partition(phrases("en")["left"])[2].partition(phrases("en")["recent"])
    assert [entry.text in lines for entry in here] == [True] * 10
    assert "left" not in lines
    assert left[-1].text in before
    assert left[0].text not in before
    assert left[0] in told
    assert "the gist of it" in instructions.text
    assert estimate_tokens(instructions.text) < prompt.RECENT_BUDGET + 600
    assert phrases("en")["left"] not in prompt.compose(persona(), here, NOW).text


@pytest.mark.parametrize("sign", ["x", "猫"])
def test_of_an_over_long_line_the_beginning_stands_there_and_all_others_do_too(sign: str) -> None:
    said = ["one", "two", f"three {sign * 12_000}", "four", f"five {sign * 12_000}"]
    instructions = prompt.compose(persona(), [RecentEntry("user", text, at) for at, text in enumerate(said, 1)], NOW)
    assert all(f"Sam | {text[:4]}" in instructions.text for text in said)
    assert instructions.lines == {1, 2, 4}
    assert estimate_tokens(instructions.text) < prompt.RECENT_BUDGET


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase(language: str) -> None:
    assert phrases(language).keys() == phrases("en").keys()
    assert "Mio" in prompt.compose(persona(language), [RecentEntry("user", "x")], NOW).text


@pytest.mark.parametrize(
    ("language", "weekday"),
    [("en", "Saturday"), ("zh-CN", "星期六"), ("zh-TW", "星期六"), ("ja", "土曜日"), ("ko", "토요일")],
)
def test_the_time_is_told_in_the_readers_language_with_the_day_when_it_is_another(language: str, weekday: str) -> None:
    text = prompt.clock(language, NOW, NOW - timedelta(days=1))
    assert weekday in text
    assert "2026-11-21" in text
    assert "09:05" in text
    assert "09:05" in prompt.clock(language, NOW, NOW - timedelta(hours=1))
    assert "2026" not in prompt.clock(language, NOW, NOW - timedelta(hours=1))


def test_recall_is_quoted_with_its_date_and_speaker() -> None:
    assert "2026-05-03 18:00, Anna: my cat is {Biscuit}" in prompt.context(persona(), [CAT]).text
    assert not prompt.context(persona(), []).text


def test_recall_brings_nothing_that_stands_in_the_prompt_or_only_repeats_the_question() -> None:
    found = [memory("What is my cat called?", 3), memory("my cat is Biscuit", 4), memory("My cat is Biscuit!", 5)]
    text = prompt.context(persona(), [CAT, *found], "what is my cat called", lambda one: one is CAT).text
    assert "{Biscuit}" not in text
    assert "called?" not in text
    assert text.lower().count("my cat is biscuit") == 1


def test_recall_brings_the_best_lines_oldest_first() -> None:
    found = [memory(f"fact number {number}", number) for number in (9, 8, 1, 7, 6, 5, 4, 3)]
    lines = [line for line in prompt.context(persona(), found).text.splitlines() if "fact" in line]
    assert [line[-1] for line in lines] == ["1", "5", "6", "7", "8", "9"]
    assert len(lines) == MOST_LINES


@pytest.mark.parametrize(
    ("filler", "fact"), [("a chapter of a novel. ", "I am allergic to walnuts. "), ("一章小说。", "我对核桃过敏。")]
)
def test_recall_keeps_to_its_budget_and_quotes_the_part_that_was_asked_about(filler: str, fact: str) -> None:
    found = [memory(filler * 900 + f"{number} {fact}" + filler * 900, number) for number in range(1, 7)]
    text = prompt.context(persona(), found, f"what about {fact}").text
    assert estimate_tokens(text) - estimate_tokens(phrases("en")["recall"]) <= RECALL_BUDGET
    assert text.count(fact.strip()) >= 3


def test_an_excerpt_is_where_most_of_the_question_is_found() -> None:
    text = "violins here " + "and so on " * 300 + "her job is to build violins in Cremona " + "and so on " * 300
    part = excerpt(text, "What is the job of my sister, does she build violins?", LONGEST_LINE)
    assert "her job is to build violins" in part
    assert part.startswith("… ")
    assert part.endswith(" …")
    assert estimate_tokens(part) <= LONGEST_LINE + 5
    assert excerpt("short", "anything", LONGEST_LINE) == "short"
    assert excerpt(text, "zzz", LONGEST_LINE).startswith("violins here")


def fact(attribute: str, value: str, line: int, subject: str = "user") -> Fact:
    return Fact(line, subject, attribute, value, NOW, None, NOW, None, (line,))


def test_facts_stand_in_the_prompt_in_the_readers_words_unless_memo_or_lines_say_them() -> None:
    recent = [RecentEntry("system", "Sam lives in Oslo."), RecentEntry("user", "My cat is Biscuit")]
    facts = [
        fact("home", "Oslo", 1),
        fact("pet", "cat is Biscuit", 2),
        fact("allergy", "walnuts", 3),
        fact("hobby", "stamps", 4, "character"),
        fact("job", "violin maker", 5, "Clara"),
    ]
    instructions = prompt.compose(persona(), recent, NOW, facts)
    lines = [line for line in instructions.text.splitlines() if line.startswith("- ")]
    assert lines == [
        "- Sam, allergy: walnuts [2026-11-21]",
        "- Mio, hobby: stamps [2026-11-21]",
        "- Clara, job: violin maker [2026-11-21]",
    ]
    assert instructions.sources == {3, 4, 5}
    assert "Sam, 过敏: walnuts" in prompt.compose(persona("zh-CN"), [], NOW, facts).text


def test_the_newest_facts_stay_within_their_budget() -> None:
    facts = [fact("likes", f"thing number {number}", number) for number in range(1, 200)]
    bare, full = prompt.compose(persona(), [], NOW).text, prompt.compose(persona(), [], NOW, facts).text
    assert "thing number 199 " in full
    assert "thing number 1 " not in full
    assert estimate_tokens(full) - estimate_tokens(bare) <= FACTS_BUDGET + 20


def test_a_pinned_fact_stands_there_whatever_else_does() -> None:
    pinned = replace(fact("likes", "thing number 0", 0), pinned=True)
    facts = [pinned, *(fact("likes", f"thing number {number}", number) for number in range(1, 200))]
    text = prompt.compose(persona(), [RecentEntry("system", "Sam likes thing number 0.")], NOW, facts).text
    assert "- Sam, likes: thing number 0 [2026-11-21]" in text
    assert "thing number 199 " in text


def test_a_fact_that_its_persons_card_tells_is_not_told_again() -> None:
    told = prompt.compose(
        replace(persona(), traits={"Mio": {"likes": "tea"}, "Sam": {"city": "Oslo"}}),
        [],
        NOW,
        [fact("home", "oslo", 1), fact("likes", "tea", 2), fact("likes", "tea", 3, "character"), fact("pet", "os", 4)],
    )
    assert [line for line in told.text.splitlines() if line.startswith("- ")] == [
        "- Sam, likes: tea [2026-11-21]",
        "- Sam, pet: os [2026-11-21]",
    ]


def asked(number: int, text: str, *, days_ago: int = 2, role: Role = "user") -> Line:
    return Line(number, "s", f"t{number}", role, "", text, NOW.replace(tzinfo=None) - timedelta(days=days_ago))


def test_what_is_still_open_stands_there_with_its_day() -> None:
    before = NOW.replace(tzinfo=None) - timedelta(days=100)
    facts = [
        replace(fact("plan", "sail round Iceland", 1), valid_from=before),
        fact("plan", "job interview on Friday", 2),
        fact("promise", "send you the recipe", 3, "character"),
        fact("home", "Oslo", 4),
    ]
    questions = [asked(5, "Which violin should Clara buy?"), asked(6, "What became of the boat?", role="assistant")]
    told = prompt.compose(persona(), [RecentEntry("user", "What became of the boat?", 6)], NOW, facts, questions)
    opened = told.text.split("Still open")[1].splitlines()[1:]
    assert [line for line in opened if line.startswith("- ")] == [
        "- Sam asked, without an answer: Which violin should Clara buy? [2026-11-19]",
        "- Sam, plan: job interview on Friday [2026-11-21]",
        "- Mio, promise: send you the recipe [2026-11-21]",
    ]
    assert told.text.count("interview on Friday") == 1
    assert told.sources == {2, 3, 4, 5}


def test_what_is_open_stays_within_its_budget_the_newest_first() -> None:
    questions = [asked(number, f"What about the matter number {number}?", days_ago=50 - number) for number in range(50)]
    bare, full = prompt.compose(persona(), [], NOW).text, prompt.compose(persona(), [], NOW, [], questions).text
    assert "number 49?" in full
    assert "number 1?" not in full
    assert estimate_tokens(full) - estimate_tokens(bare) <= OPEN_BUDGET + 20
