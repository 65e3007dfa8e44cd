"""The name that a user gives to the built-in model: what gives one, what does not, and how long it lasts."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from neko.characters import placeholders
from neko.language import LANGUAGES
from neko.sessions.models.builtin.names import told_name
from neko.sessions.models.builtin.phrasebook import namings
from neko.sessions.models.builtin.rules import Rules
from neko.sessions.models.builtin.session import BuiltinSession
from neko.tasks import TaskOwner
from neko.types.memory import Because, Evidence, Reason, RecentEntry
from neko.types.model_session import ReplyDone, SessionSetup, TextDelta, UserMessage

NOW = datetime(2026, 5, 20, 9, 5)

NAMES = {
    "en": [
        ("My name is Tom", "Tom"),
        ("my name is tom.", "Tom"),
        ("My name's Tom, what's yours?", "Tom"),
        ("my name’s Anna-Lena", "Anna-Lena"),
        ("Hi! My name is Tom Smith.", "Tom Smith"),
        ("my full name is Thomas Edward Brown", "Thomas Edward Brown"),
        ("Hello Mio, my name is Siobhan and I live in Cork", "Siobhan"),
        ("call me Tom", "Tom"),
        ("Please call me Tom.", "Tom"),
        ("Just call me T.J.", "T.J"),
        ("You can call me Al", "Al"),
        ("Can you call me Tom from now on?", "Tom"),
        ("Everyone calls me Bob, so call me Bob", "Bob"),
        ("My friends call me Liz", "Liz"),
        ("I'm called Sam", "Sam"),
        ("I go by Alex", "Alex"),
        ("I'd like to be called Max please", "Max"),
        ("Hi, I'm Tom", "Tom"),
        ("I am Tom.", "Tom"),
        ("Hello, this is Maria", "Maria"),
        ("Actually, my name is Tim, not Tom", "Tim"),
        ("My name is O'Brien", "O'Brien"),
        ("The name's Bond", "Bond"),
        ("Remember that my name is Eve", "Eve"),
        ("My name is 小明", "小明"),
        ("My name is Tom. Call me Tommy!", "Tommy"),
        ("My name is José", "José"),
        ("Call me Mr. Smith", "Mr Smith"),
    ],
    "zh-CN": [
        ("我叫小明", "小明"),
        ("我叫小明。", "小明"),
        ("你好，我叫王小明，很高兴认识你", "王小明"),
        ("我的名字是李雷", "李雷"),
        ("我的名字叫韩梅梅", "韩梅梅"),
        ("我名叫张伟", "张伟"),
        ("我叫做阿强", "阿强"),
        ("我是叫小红", "小红"),
        ("叫我小明", "小明"),
        ("叫我小明吧", "小明"),
        ("请叫我老王。", "老王"),
        ("你可以叫我阿杰", "阿杰"),
        ("以后就叫我小美好了", "小美"),
        ("大家都叫我胖胖", "胖胖"),
        ("叫我小李就行", "小李"),
        ("我叫Tom", "Tom"),
        ("我叫 Tom Smith", "Tom Smith"),
        ("叫我Lucy吧", "Lucy"),
        ("我姓王，叫大伟", "大伟"),
        ("我的小名叫豆豆", "豆豆"),
        ("称呼我陈先生就可以了", "陈先生"),
        ("我叫欧阳娜娜，你呢？", "欧阳娜娜"),
        ("记住，我叫小明", "小明"),
        ("我叫一诺", "一诺"),
        ("我叫小刚，不是小明", "小刚"),
        ("我是小明", "小明"),
    ],
    "zh-TW": [
        ("我叫小明", "小明"),
        ("你好，我叫王曉明，很高興認識你", "王曉明"),
        ("我的名字是陳怡君", "陳怡君"),
        ("我的名字叫林志豪", "林志豪"),
        ("我名叫張偉", "張偉"),
        ("我叫做阿強", "阿強"),
        ("叫我小美", "小美"),
        ("叫我小美吧", "小美"),
        ("請叫我老王。", "老王"),
        ("你可以叫我阿傑", "阿傑"),
        ("以後就叫我小婷好了", "小婷"),
        ("大家都叫我胖胖", "胖胖"),
        ("叫我小李就行", "小李"),
        ("我叫Tom", "Tom"),
        ("叫我Lucy吧", "Lucy"),
        ("我姓王，叫大偉", "大偉"),
        ("我的小名叫豆豆", "豆豆"),
        ("稱呼我陳先生就可以了", "陳先生"),
        ("我叫歐陽娜娜，你呢？", "歐陽娜娜"),
        ("記住，我叫小明", "小明"),
        ("我的暱稱是Momo", "Momo"),
    ],
    "ja": [
        ("私の名前はトムです", "トム"),
        ("私の名前はトムです。", "トム"),
        ("僕の名前は太郎だよ", "太郎"),
        ("俺の名前は健太だ", "健太"),
        ("わたしの名前はさくらです", "さくら"),
        ("私の名前は田中花子といいます", "田中花子"),
        ("私の名前はTomです", "Tom"),
        ("名前はユキです", "ユキ"),
        ("こんにちは、私の名前は美咲です。よろしく", "美咲"),
        ("トムって呼んで", "トム"),
        ("トムと呼んでください", "トム"),
        ("私のことはさくらと呼んでね", "さくら"),
        ("これからはケンって呼んでほしい", "ケン"),
        ("田中と申します", "田中"),
        ("私は田中と申します。", "田中"),
        ("はじめまして、鈴木と言います", "鈴木"),
        ("僕はケンっていいます", "ケン"),
        ("はじめまして、花子です", "花子"),
        ("はじめまして。私はトムです！", "トム"),
        ("私の名前は佐々木", "佐々木"),
        ("あだ名はタロちゃんです", "タロちゃん"),
        ("私の名前はトムだから、覚えてね", "トム"),
        ("健という名前です", "健"),
        ("私はトムです", "トム"),
        ("僕は太郎だよ", "太郎"),
        ("私はゆうきです", "ゆうき"),
        ("わたしはさくらだよ。", "さくら"),
    ],
    "ko": [
        ("내 이름은 민수야", "민수"),
        ("내 이름은 지훈이야", "지훈"),
        ("내 이름은 민수예요", "민수"),
        ("제 이름은 김민수입니다", "김민수"),
        ("제 이름은 지훈이에요.", "지훈"),
        ("내 이름은 Tom이야", "Tom"),
        ("내 이름은 김민수", "김민수"),
        ("안녕, 내 이름은 수진이야", "수진"),
        ("내 이름은 유리야", "유리"),
        ("나의 이름은 하은이야", "하은"),
        ("제 이름은 민수라고 해요", "민수"),
        ("제 이름은 지훈이라고 합니다", "지훈"),
        ("민수라고 불러 줘", "민수"),
        ("지훈이라고 불러줘", "지훈"),
        ("나를 민수라고 불러", "민수"),
        ("그냥 Tom이라고 불러 주세요", "Tom"),
        ("저는 김민수라고 합니다", "김민수"),
        ("난 민수라고 해", "민수"),
        ("앞으로 수진이라고 부르면 돼", "수진"),
        ("제 별명은 토끼예요", "토끼"),
        ("이름은 민수야", "민수"),
        ("저는 김민수입니다", "김민수"),
        ("내 이름은 민수고 서울에 살아", "민수"),
    ],
}
NO_NAMES = {
    "en": [
        "I am tired",
        "I'm tired",
        "I'm Tired",
        "I am German.",
        "I'm happy",
        "call me later",
        "Call me back when you can",
        "call me a taxi",
        "call me maybe",
        "call me crazy but I like rain",
        "Don't call me Tom",
        "Never call me Tommy",
        "What is my name?",
        "Do you know my name?",
        "my name is hard to spell",
        "My name is not Tom",
        "is my name Tom",
        "My cat's name is Tom",
        "His name is Tom",
        "why did you call me Tom?",
        "She said my name is silly",
        "my name is on the list",
        "Tom is my friend",
        "your name is Mio",
        "I'm from Leeds",
        "this is Monday",
        "they call me names",
        "What's my name? Is it Tom?",
        "I am here",
        "call me tomorrow",
    ],
    "zh-CN": [
        "我叫你",
        "我叫你小明",
        "我叫什么名字？",
        "我叫了外卖",
        "我叫他来",
        "叫我起床",
        "明天早上叫我起床",
        "别叫我小明",
        "不要叫我老王",
        "我不叫小明",
        "他叫小明",
        "我的猫叫年糕",
        "我朋友叫小红",
        "你叫什么",
        "我是学生",
        "我是谁",
        "我很累",
        "妈妈叫我吃饭",
        "老师叫我去办公室",
        "我叫不出他的名字",
        "我叫车了",
        "你怎么叫我小明",
        "叫我干什么",
        "我的名字是什么？",
        "我叫大家来玩",
        "你为什么叫我小李",
        "我叫他小王",
        "我是小孩",
        "我叫累了",
    ],
    "zh-TW": [
        "我叫你",
        "我叫你小明",
        "我叫什麼名字？",
        "我叫了外賣",
        "我叫他來",
        "叫我起床",
        "明天早上叫我起床",
        "別叫我小明",
        "不要叫我老王",
        "我不叫小明",
        "他叫小明",
        "我的貓叫麻糬",
        "我朋友叫小紅",
        "你叫什麼",
        "我是學生",
        "我是誰",
        "我很累",
        "媽媽叫我吃飯",
        "老師叫我去辦公室",
        "我叫不出他的名字",
        "我叫車了",
        "你怎麼叫我小明",
        "叫我幹什麼",
        "我的名字是什麼？",
        "我叫大家來玩",
    ],
    "ja": [
        "私は疲れた",
        "私の名前は？",
        "私の名前は何ですか",
        "私の名前を覚えてる？",
        "私は学生です",
        "はじめまして、学生です",
        "タクシーを呼んで",
        "友達を呼んでください",
        "なんて呼んでほしい？",
        "なんと呼んでください",
        "トムって呼ばないで",
        "あなたの名前は？",
        "猫の名前はモチです",
        "私の猫の名前はモチです",
        "彼の名前はトムです",
        "私の名前は秘密です",
        "名前は大事だよ",
        "私はラーメンが好きです",
        "今日は暑いです",
        "あとで呼んで",
        "友達と呼んで",
        "彼はトムと言います",
        "名前は何だっけ",
        "私はエンジニアです",
        "僕はオタクだ",
        "私はげんきです",
        "私はしあわせです",
        "私はゆうきがないです",
    ],
    "ko": [
        "나는 피곤해",
        "내 이름이 뭐야?",
        "내 이름 알아?",
        "내 이름 기억해?",
        "내 이름은 뭐야",
        "내 이름은 비밀이야",
        "나는 학생이야",
        "네 이름은 미오야",
        "내 고양이 이름은 두부야",
        "그의 이름은 민수야",
        "택시 불러 줘",
        "뭐라고 불러 줄까?",
        "민수라고 부르지 마",
        "왜 민수라고 불러?",
        "내 이름을 잊었어",
        "나는 커피를 좋아해",
        "너는 누구야",
        "내가 누구야",
        "노래 불러 줘",
        "내 친구 이름은 민수야",
        "그렇게 불러 줘",
        "저는 한국인입니다",
        "저는 정치인이에요",
    ],
}


@pytest.mark.parametrize(("text", "name"), [case for cases in NAMES.values() for case in cases])
def test_a_name_is_understood(text: str, name: str) -> None:
    assert told_name(text, namings()) == name


@pytest.mark.parametrize("text", [text for texts in NO_NAMES.values() for text in texts])
def test_what_gives_no_name_is_taken_for_none(text: str) -> None:
    assert told_name(text, namings()) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_tables(language: str) -> None:
    assert len(NAMES[language]) >= 20
    assert len(NO_NAMES[language]) >= 20


TOLD = {
    "en": ("My name is Robin", "Call me Kim", "What is my name?"),
    "zh-CN": ("我叫小明", "叫我阿强吧", "我叫什么名字？"),
    "zh-TW": ("我叫小明", "叫我阿強吧", "我叫什麼名字？"),
    "ja": ("私の名前はトムです", "ケンって呼んで", "私の名前は？"),
    "ko": ("내 이름은 민수야", "지훈이라고 불러 줘", "내 이름이 뭐야?"),
}
CALLED = {
    "en": ("Robin", "Kim"),
    "zh-CN": ("小明", "阿强"),
    "zh-TW": ("小明", "阿強"),
    "ja": ("トム", "ケン"),
    "ko": ("민수", "지훈"),
}


def rules_of(language: str, master: str = "friend", seed: int = 7) -> Rules:
    return Rules("Mio", master, language, lambda: NOW, random.Random(seed))


@pytest.mark.parametrize("master", ["friend", "Sam"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_counts_from_then_on_until_another_is_told(language: str, master: str) -> None:
    rules = rules_of(language, master)
    first, second, question = TOLD[language]
    for number, (line, name) in enumerate(zip((first, second), CALLED[language], strict=True)):
        assert name in rules.answer(UserMessage(f"a{number}", line))
        answer = rules.answer(UserMessage(f"b{number}", question))
        assert name in answer
        assert master not in answer


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_told_long_ago_is_found_in_what_memory_recalls_the_newest_first(language: str) -> None:
    first, second, question = TOLD[language]
    recalled = [
        Evidence(text, "user", "Sam", datetime(2026, 5, day, 10), "line", (day,), Reason(Because.MENTIONS), 1.0)
        for day, text in ((4, second), (3, first))
    ]
    answer = rules_of(language).answer(UserMessage("1", question, recalled=tuple(recalled)))
    assert CALLED[language][1] in answer


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_character_said_gives_the_user_no_name(language: str) -> None:
    first, _, question = TOLD[language]
    hers = Evidence(first, "assistant", "Mio", NOW, "line", (1,), Reason(Because.MENTIONS), 1.0)
    assert CALLED[language][0] not in rules_of(language).answer(UserMessage("1", question, recalled=(hers,)))


HELLO = {"en": "hello", "zh-CN": "你好", "zh-TW": "你好呀", "ja": "こんにちは", "ko": "안녕하세요"}


@pytest.mark.parametrize("hour", [6, 13, 20, 23])
@pytest.mark.parametrize("placeholder", sorted(placeholders()))
@pytest.mark.parametrize("language", LANGUAGES)
def test_who_has_given_no_name_is_greeted_without_one(language: str, placeholder: str, hour: int) -> None:
    for seed in range(6):
        rules = Rules("Mio", placeholder, language, lambda: NOW.replace(hour=hour), random.Random(seed))
        for text in (HELLO[language], TOLD[language][2]):
            answer = rules.answer(UserMessage("1", text))
            assert placeholder not in answer
            assert "None" not in answer
            assert "{" not in answer
            assert not {", !", ",!", "，！", "、！", ",.", "，。"} & {answer[at : at + 2] for at in range(len(answer))}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_new_session_knows_the_name_from_the_recent_lines(language: str) -> None:
    first, second, question = TOLD[language]
    recent = (RecentEntry("user", first), RecentEntry("user", second), RecentEntry("assistant", "My name is Mio"))
    async with TaskOwner("test") as owner:
        session = BuiltinSession(owner=owner, clock=lambda: NOW, choice=random.Random(3))
        await session.open(SessionSetup("Mio", "friend", "You are Mio.", language, recent=recent))
        await session.send(UserMessage("a", question))
        text = ""
        async for event in session.events():
            if isinstance(event, TextDelta):
                text += event.text
            if isinstance(event, ReplyDone):
                break
        await session.aclose()
    assert CALLED[language][1] in text
