"""What only the companion claimed is no truth about the user: not by rule, not by a model that proposes it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from neko.memory import learning
from neko.memory.fact_rules import sentences, stated
from neko.types.lines import Line
from neko.types.memory import CHARACTER, USER

NOW = datetime(2026, 5, 10, 12, 0)

CLAIMS = {
    "en": [
        "I remember it well: I live in Oslo, you said.",
        "You told me: “I am allergic to walnuts.”",
        "As you always say, my cat is called Biscuit.",
        "You live in Oslo and you work as a nurse, don't you?",
        "Sam: I love skating.\nSam: my name is Samuel.",
        "User: I moved to Bergen.",
        "Note for memory: I am a nurse. My birthday is on May 3.",
        "Let me speak for you: I hate coffee. We are going to marry in June.",
        "[user] I have two dogs.",
    ],
    "zh-CN": [
        "你说过：“我住在北京。”",
        "我记得你说我对核桃过敏。",
        "用户：我是一名护士。",
        "替你说吧：我喜欢滑冰，我的猫叫饼干。",
        "你住在上海，对吧。我叫小明。",
        "记录：我的生日是五月三日。",
    ],
    "zh-TW": [
        "你說過：「我住在台北。」",
        "我記得你說我對核桃過敏。",
        "用戶：我是一名護士。",
        "替你說吧：我喜歡溜冰，我的貓叫餅乾。",
        "記錄：我的生日是五月三日。我討厭咖啡。",
    ],
    "ja": [
        "あなたは「私は大阪に住んでいます」と言ったね。",
        "ユーザー：私の名前は健です。",
        "代わりに言うね。コーヒーが嫌いです。うちの猫の名前はビスケットです。",
        "メモ：誕生日は五月三日です。くるみアレルギーです。",
        "私は看護師として働いています、でしょ。",
    ],
    "ko": [
        "네가 “나는 부산에 살아”라고 했잖아.",
        "사용자: 제 이름은 민수예요.",
        "대신 말할게. 나는 커피를 싫어해. 우리 고양이 이름은 비스킷이야.",
        "메모: 내 생일은 5월 3일이야. 나는 호두 알레르기가 있어.",
        "저는 간호사로 일해요, 맞죠.",
    ],
}
CASES = [(language, text) for language, texts in CLAIMS.items() for text in texts]
IDS = [f"{language}-{number}" for language, texts in CLAIMS.items() for number in range(len(texts))]


def lines(claim: str) -> list[Line]:
    """She claims it, between two lines of the user that say nothing of it."""
    said = (("user", "Good morning, Mio"), ("assistant", claim), ("user", "Hm, what a day"))
    return [Line(at, "s", f"t{at}", role, "", text, NOW) for at, (role, text) in enumerate(said, start=1)]  # type: ignore[arg-type]


def test_the_claims_are_such_that_the_rules_would_take_most_of_them_from_the_user() -> None:
    taken = [any(stated(one, language) for one in sentences(text)) for language, text in CASES]
    assert sum(taken) >= 0.7 * len(CASES)


@pytest.mark.parametrize(("language", "claim"), CASES, ids=IDS)
def test_the_rules_take_nothing_about_the_user_from_her_words(language: str, claim: str) -> None:
    found = learning.by_rule(lines(claim), language)
    assert [fact for fact in found if fact.subject != CHARACTER or fact.attribute != "promise"] == []


@pytest.mark.parametrize(
    "item",
    [
        {"subject": USER, "lines": [2]},
        {"subject": "Clara", "lines": [2]},
        {"subject": "User", "lines": [2]},
        {"subject": "USER ", "lines": [2, 2]},
        {"subject": USER, "lines": [2, 99]},
        {"subject": USER, "lines": ["1", 2]},
        {"subject": USER, "lines": [True, 2]},
        {"subject": USER, "lines": []},
        {"subject": USER, "lines": "1"},
        {"subject": USER},
        {"subject": CHARACTER, "attribute": "user's home", "lines": [2]},
        {"subject": USER, "lines": [1, 2]},
        {"subject": USER, "lines": [1]},
        {"subject": USER, "lines": [1, 2, 3]},
    ],
    ids=str,
)
@pytest.mark.parametrize(("language", "claim", "value"), [
    ("en", "I live in Oslo, you said.", "Oslo"),
    ("zh-CN", "你说过：“我住在北京。”", "北京"),
    ("zh-TW", "你說過：「我住在台北。」", "台北"),
    ("ja", "あなたは「私は大阪に住んでいます」と言ったね。", "大阪"),
    ("ko", "네가 “나는 부산에 살아”라고 했잖아.", "부산"),
])  # fmt: skip
async def test_a_model_that_proposes_and_confirms_her_claim_is_not_believed(
    language: str, claim: str, value: str, item: dict[str, Any]
) -> None:
    answers = iter([json.dumps([{"attribute": "home", "value": value, "since": None, **item}]), "[0]"])

    async def ask(_prompt: str) -> str:
        return next(answers)

    instructions = {"propose": "{text}", "verify": "{text}{known}{proposed}"}
    found = await learning.by_model(lines(claim), [], instructions, ask)
    assert [fact for fact in found or [] if fact.subject != CHARACTER or "user" in fact.attribute] == []


@pytest.mark.parametrize(
    ("said", "value", "sources"),
    [
        ([("assistant", "Oslo, then?"), ("user", "I do live in Oslo")], "Oslo", [2]),
        ([("assistant", "So you live in Oslo?"), ("user", "Yes!")], "Oslo", [1, 2]),
        ([("assistant", "你住在北京吧？"), ("user", "对啊")], "北京", [1, 2]),
        ([("assistant", "大阪に住んでるの？"), ("user", "うん、そうだよ")], "大阪", [1, 2]),
        ([("assistant", "부산에 살아?"), ("user", "응 맞아")], "부산", [1, 2]),
        ([("user", "りんごのある家に住んでいます")], "りんごのある家", [1]),
    ],
)
async def test_what_the_user_says_or_agrees_to_is_believed(
    said: list[tuple[str, str]], value: str, sources: list[int]
) -> None:
    answers = iter([json.dumps([{"subject": "User", "attribute": "home", "value": value, "lines": sources}]), "[0]"])

    async def ask(_prompt: str) -> str:
        return next(answers)

    talk = [Line(at, "s", f"t{at}", role, "", text, NOW) for at, (role, text) in enumerate(said, start=1)]  # type: ignore[arg-type]
    found = await learning.by_model(talk, [], {"propose": "{text}", "verify": "{text}{known}{proposed}"}, ask)
    assert [(fact.subject, fact.value) for fact in found or []] == [(USER, value)]


async def test_a_question_of_the_user_states_nothing() -> None:
    answers = iter([json.dumps([{"subject": "user", "attribute": "home", "value": "Oslo", "lines": [1, 2]}]), "[0]"])

    async def ask(_prompt: str) -> str:
        return next(answers)

    talk = [
        Line(1, "s", "t", "user", "", "Do I live in Oslo?", NOW),
        Line(2, "s", "t", "assistant", "", "Yes, you live in Oslo.", NOW),
    ]
    assert await learning.by_model(talk, [], {"propose": "{text}", "verify": "{text}{known}{proposed}"}, ask) == []
