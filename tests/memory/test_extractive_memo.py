"""What is kept when no model makes the memo, and what is found to be a fact."""

from __future__ import annotations

import json

import pytest

from neko.memory import memo
from neko.memory.fact_rules import sentences, stated
from neko.settings import ASSETS
from neko.types.memory import RecentEntry
from tests.memory.memory_folder import NAMES

STATED = [
    ("I am allergic to walnuts", "allergy", "walnuts"),
    ("My sister Clara builds violins in Cremona.", "family", "sister Clara builds violins in Cremona"),
    ("We moved to Bergen last winter", "home", "Bergen"),
    ("I hate coffee but she loves tea", "dislikes", "coffee"),
    ("I have a job interview on the ninth of March", "plan", "a job interview on the ninth of March"),
    ("我对核桃过敏", "allergy", "核桃"),
    ("去年冬天我们搬到了大连", "home", "大连"),
    ("我不喜歡香菜", "dislikes", "香菜"),
    ("我叫小明", "name", "小明"),
    ("わたしはくるみアレルギーです", "allergy", "くるみ"),
    ("去年の冬に函館へ引っ越しました", "home", "函館"),
    ("三月九日に面接があります", "plan", "三月九日に面接があります"),
    ("제 이름은 민수예요", "name", "민수"),
    ("저는 부산에 살아요", "home", "부산"),
    ("호두 알레르기가 있어", "allergy", "호두"),
]


@pytest.mark.parametrize(("sentence", "attribute", "value"), STATED)
def test_what_people_state_of_themselves_is_found(sentence: str, attribute: str, value: str) -> None:
    assert stated(sentence) == [(attribute, value)]


@pytest.mark.parametrize(
    "sentence", ["Do I like tea?", "I love you", "我喜欢茶吗", "お茶が好き?", "나는 커피를 좋아해?", "ok"]
)
def test_a_question_states_nothing(sentence: str) -> None:
    assert not [one for text in sentences(sentence) for one in stated(text)]


def test_every_language_has_patterns_for_the_same_facts() -> None:
    files = [json.loads(path.read_text(encoding="utf-8")) for path in (ASSETS / "facts").iterdir()]
    assert len(files) == 5
    assert all(file.keys() == files[0].keys() for file in files)


@pytest.mark.parametrize(
    ("facts", "small_talk"),
    [
        (["I am allergic to walnuts.", "My cat is called Biscuit."], "today the rain went on and on and on"),
        (["我对核桃过敏。", "我的猫叫饼干。"], "今天又整理了书架"),
        (["わたしはくるみアレルギーです。", "うちの猫の名前はビスケットです。"], "今日も棚を片づけて"),
    ],
)
def test_facts_stay_in_the_memo_through_a_hundred_turns_of_small_talk(facts: list[str], small_talk: str) -> None:
    window = [RecentEntry("user", facts[0])]
    for turn in range(100):
        said = facts[1] if turn == 20 else f"{small_talk}."
        window += [RecentEntry("user", said), RecentEntry("assistant", "My cat is called Tom.")]
        if len(window) > 10:
            window = [RecentEntry("system", memo.extract(window[:-9], NAMES)), *window[-9:]]
    assert window[0].text.splitlines() == [f"Anna: {fact}" for fact in facts]
    assert len(window[0].text) <= memo.LIMIT


def test_when_there_is_too_much_the_newest_facts_stay() -> None:
    window = [RecentEntry("user", f"My sister Clara builds violin number {number}.") for number in range(40)]
    lines = memo.extract(window, NAMES).splitlines()
    assert lines[-1].endswith("number 39.")
    assert len(lines) > 5
    assert len("\n".join(lines)) <= memo.LIMIT


@pytest.mark.parametrize(
    ("fact", "deeds", "small_talk"),
    [
        (
            "I am allergic to walnuts.",
            ["I painted a lantern on the balcony this morning while it rained.", "We sold the old bicycle."],
            "What a grey morning it is, all in all.",
        ),
        ("我对核桃过敏。", ["我在阳台上画了一盏灯笼。", "我们卖掉了旧自行车。"], "今天天气真灰。"),
        ("わたしはくるみアレルギーです。", ["ベランダで提灯を塗りました。", "古い自転車を売った。"], "灰色の朝だね。"),
        ("나는 호두 알레르기가 있어.", ["베란다에서 등불을 칠했어.", "낡은 자전거를 팔았어요."], "흐린 아침이네."),
    ],
)
def test_what_people_did_stays_too_where_there_is_room(fact: str, deeds: list[str], small_talk: str) -> None:
    window = [RecentEntry("user", text) for text in (fact, small_talk, *deeds, small_talk)]
    assert memo.extract(window, NAMES).splitlines() == [f"Anna: {text}" for text in (fact, *deeds)]


def test_of_many_deeds_the_newest_stay_by_their_beginnings_and_none_in_place_of_a_fact() -> None:
    deeds = [f"I painted {thing} on the balcony this morning while it rained." for thing in map("x".__mul__, range(40))]
    window = [RecentEntry("user", text) for text in ("I am allergic to walnuts.", *deeds)]
    lines = memo.extract(window, NAMES).splitlines()
    assert lines[0] == "Anna: I am allergic to walnuts."
    assert lines[-1].startswith(f"Anna: I painted {'x' * 30}")
    assert len(lines) > 9
    assert len("\n".join(lines)) <= memo.LIMIT


def test_of_mere_small_talk_the_beginnings_are_kept() -> None:
    assert memo.extract([RecentEntry("user", "hm"), RecentEntry("assistant", "well")], NAMES) == "Anna: hm\nMio: well"


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (
            ["I live in Oslo.", "I love coffee."],
            ["I moved from Oslo to Bergen.", "I used to like coffee, now I drink tea."],
        ),
        (["我住在北京。", "我喜欢咖啡。"], ["我从北京搬到了上海。", "我以前喜欢咖啡，现在喝茶。"]),
        (["東京に住んでいます。"], ["東京から大阪に引っ越しました。"]),
        (["서울에 살아요."], ["서울에서 부산으로 이사했어요."]),
    ],
)
def test_what_is_so_no_longer_makes_room_for_what_is(before: list[str], now: list[str]) -> None:
    earlier = memo.extract([RecentEntry("user", text) for text in before], NAMES)
    later = memo.extract([RecentEntry("system", earlier), *(RecentEntry("user", text) for text in now)], NAMES)
    assert earlier.splitlines() == [f"Anna: {text}" for text in before]
    assert later.splitlines() == [f"Anna: {text}" for text in now]


@pytest.mark.parametrize(
    "line",
    [
        "My boss Mr. Okafor wants the quarterly slides by noon again.",
        "My dentist is Dr. Ayala, near the station.",
        "Meine Chefin Fr. Weber will bis mittags die Folien.",
    ],
)
def test_a_title_before_a_name_ends_no_sentence(line: str) -> None:
    assert line.rstrip(".") in memo.extract([RecentEntry("user", line)], NAMES, "en")
