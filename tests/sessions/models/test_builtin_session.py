"""What the built-in model says."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest

from neko.language import LANGUAGES
from neko.sessions.models.builtin.arithmetic import SumTooLargeError, evaluate, in_words
from neko.sessions.models.builtin.phrasebook import phrasebook
from neko.sessions.models.builtin.rules import Rules
from neko.sessions.models.builtin.session import BuiltinSession
from neko.settings import ASSETS
from neko.tasks import TaskOwner
from neko.types.lines import LineElsewhere
from neko.types.memory import Because, Evidence, Reason
from neko.types.model_session import ReplyDone, Respond, SessionSetup, TextDelta, UserMessage

NOW = datetime(2026, 5, 20, 9, 5)
MENU = {"en": "menu", "zh-CN": "菜单", "zh-TW": "選單", "ja": "メニュー", "ko": "메뉴"}
Ask = Callable[..., str]


def told(text: str, at: datetime = datetime(2026, 5, 3, 10), role: str = "user") -> Evidence:
    speaker = "Sam" if role == "user" else "Mio"
    return Evidence(text, role, speaker, at, "line", (1,), Reason(Because.MENTIONS), 1.0)  # type: ignore[arg-type]


@pytest.fixture
def ask() -> Ask:
    """Ask a fresh Mio; ``language`` is that of the session, ``now`` the time."""

    def ask(text: str, *recalled: Evidence, language: str = "en", now: datetime = NOW, images: int = 0) -> str:
        rules = Rules("Mio", "Sam", language, lambda: now, random.Random(7))
        return rules.answer(UserMessage("1", text, (b"jpeg",) * images, recalled))

    return ask


def one_of(answer: str, language: str, name: str) -> bool:
    """True when the answer begins with one of these phrases, whatever was filled in and whatever face she makes."""
    phrases = (re.sub(r"^<\w+>", "", phrase) for phrase in phrasebook(language).phrases[name])
    patterns = (re.sub(r"\\\{.*?\\\}", ".*", re.escape(phrase)) for phrase in phrases)
    return any(re.match(pattern, re.sub(r"^<\w+>", "", answer), re.DOTALL) for pattern in patterns)


# ── sums ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("question", "result"),
    [
        ("what is 12*7", "84"),
        ("12 times 7", "84"),
        ("What's twelve times seven?", "84"),
        ("12 × 7 = ?", "84"),
        ("how much is 1,000 + 2,500.5?", "3500.5"),
        ("(2+3)*4-1", "19"),
        ("15% of 80", "12"),
        ("what is 7 divided by 2", "3.5"),
        ("1/3", "0.333333"),
        ("2 to the power of 10", "1024"),
        ("0.1 + 0.2", "0.3"),
        ("-3 + 5", "2"),
        ("Mio, what is 3 plus 4?", "7"),
        ("12加7是多少", "19"),
        ("十二乘以三等于几？", "36"),
        ("100除以8等于多少", "12.5"),
        ("12たす7は？", "19"),
        ("12かける7はいくつ", "84"),
        ("12 더하기 7은?", "19"),
    ],
)
def test_it_does_small_sums(ask: Ask, question: str, result: str) -> None:
    assert re.search(rf"(?<![\d.]){re.escape(result)}(?!\d)", ask(question))


@pytest.mark.parametrize("question", ["1/0", "5 divided by zero", "3 除以 0", "7 / (2-2)"])
def test_it_declines_division_by_zero_kindly(ask: Ask, question: str) -> None:
    language = "zh-CN" if "除" in question else "en"
    assert one_of(ask(question), language, "sum_zero")


@pytest.mark.parametrize("question", ["9**9**9**9", "2^100000", "99999999999^99", "1" * 100 + "+1", "1+" * 80 + "1"])
def test_it_declines_huge_sums_at_once(ask: Ask, question: str) -> None:
    assert one_of(ask(question), "en", "sum_huge")


def test_brackets_may_be_deep(ask: Ask) -> None:
    assert "2" in ask("(" * 40 + "1+1" + ")" * 40)


def test_sums_in_traditional_chinese(ask: Ask) -> None:
    assert "36" in ask("十二乘以三等於幾？", language="zh-TW")


@pytest.mark.parametrize("text", ["2024-05-03", "555-1234", "I ate 3/4 of it", "call me at 5-6", "__import__('os')"])
def test_what_only_looks_like_a_sum_is_none(ask: Ask, text: str) -> None:
    answer = ask(text)
    assert not one_of(answer, "en", "sum")
    assert not one_of(answer, "en", "sum_about")


@pytest.mark.parametrize(
    "text", ["a+1", "f(1)", "1 if 1 else 2", "[1]*9", "'a'*3", "1//2", "True+1", "1j+1", "", "2**0.5"]
)
def test_only_numbers_and_four_signs_and_powers_are_evaluated(text: str) -> None:
    with pytest.raises(ValueError, match=r"sum|powers"):
        evaluate(text)


def test_results_stay_small() -> None:
    with pytest.raises(SumTooLargeError):
        evaluate("*".join(["999999"] * 15))
    assert in_words(evaluate("2**64")) == ("18446744073709551616", True)
    assert in_words(evaluate("2/3")) == ("0.666667", False)


# ── time ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("what time is it?", "09:05"),
        ("what's the date today?", "20 May 2026"),
        ("which day is it", "Wednesday"),
        ("现在几点了？", "09:05"),
        ("今天星期几", "星期三"),
        ("今天几号？", "2026年5月20日"),
        ("現在幾點？", "09:05"),
        ("今何時ですか？", "09:05"),
        ("今日は何曜日？", "水曜日"),
        ("今日は何月何日？", "5月20日"),
        ("지금 몇 시야?", "09:05"),
        ("오늘 무슨 요일이야?", "수요일"),
    ],
)
def test_it_knows_the_time_and_the_day(ask: Ask, question: str, part: str) -> None:
    assert part in ask(question)


@pytest.mark.parametrize(("hour", "part"), [(6, "morning"), (13, "day"), (20, "evening"), (23, "night"), (3, "night")])
def test_it_greets_by_the_time_of_day(ask: Ask, hour: int, part: str) -> None:
    assert one_of(ask("Hello, Mio!", now=NOW.replace(hour=hour)), "en", f"greeting_{part}")


# ── memory ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("question", "memory", "when"),
    [
        ("What is my cat called?", "my cat is called Biscuit", "3 May"),
        ("do you remember my birthday", "My birthday is on 12 June.", "3 May"),
        ("我的猫叫什么？", "我的猫叫年糕", "5月3日"),
        ("我的貓叫什麼名字？", "我的貓叫麻糬", "5月3日"),
        ("私の猫の名前は？", "私の猫の名前はモチです", "5月3日"),
        ("내 고양이 이름이 뭐야?", "내 고양이 이름은 두부야", "5월 3일"),
    ],
)
def test_it_quotes_what_it_was_told_with_its_date(ask: Ask, question: str, memory: str, when: str) -> None:
    answer = ask(question, told("I had soup for lunch"), told(memory))
    assert memory.rstrip(".") in answer
    assert when in answer
    assert "soup" not in answer


def test_it_says_yesterday_and_earlier_today_and_the_year_when_it_was_another(ask: Ask) -> None:
    def answer(at: datetime) -> str:
        return ask("what is my cat called?", told("my cat is called Biscuit", at))

    assert "yesterday" in answer(datetime(2026, 5, 19, 23)).lower()
    assert "earlier today" in answer(datetime(2026, 5, 20, 1)).lower()
    assert "3 May 2025" in answer(datetime(2025, 5, 3))


def test_it_does_not_quote_what_does_not_fit(ask: Ask) -> None:
    memory = told("my cat is called Biscuit")
    answer = ask("What is my dog called?", replace(memory, fit=0.2))
    assert "Biscuit" not in answer
    assert one_of(answer, "en", "unknown")


def test_it_does_not_say_that_it_was_not_told_where_memory_found_what_fits(ask: Ask) -> None:
    cello = "the cello was fun in school, sold it last year"
    for language, question in (
        ("en", "do I play an instrument?"),
        ("zh-CN", "我会什么乐器？"),
        ("ja", "俺、楽器は何かやってた？"),
    ):
        assert one_of(ask(question, told(cello), language=language), language, "unknown_perhaps")
        assert one_of(ask(question, told("is the cello fun?"), language=language), language, "unknown")
        assert one_of(ask(question, told(cello, role="assistant"), language=language), language, "unknown")


@pytest.mark.parametrize(
    ("question", "language", "memory", "word"),
    [
        ("when is my sister's birthday?", "en", "my sister lives in Leeds", "Leeds"),
        ("do you like me?", "en", "I like noodles", "noodles"),
        ("how old are you?", "en", "My cat is 4 years old", "cat"),
        ("我妹妹的生日是哪天？", "zh-CN", "我妹妹住在杭州", "杭州"),
        ("你喜欢我吗", "zh-CN", "我最喜欢吃螺蛳粉", "螺蛳粉"),
        ("妹の誕生日はいつだっけ？", "ja", "妹は京都に住んでる", "京都"),
        ("私のこと好き？", "ja", "ラーメンが好き", "ラーメン"),
    ],
)
def test_it_quotes_only_where_subject_and_verb_agree(
    ask: Ask, question: str, language: str, memory: str, word: str
) -> None:
    assert word not in ask(question, told(memory), language=language)


def test_it_never_quotes_herself(ask: Ask) -> None:
    joke = told("What's a cat's favourite colour? Purr-ple. My cat told me.", role="assistant")
    assert "Purr" not in ask("what's my cat's favourite colour?", joke)


def test_what_another_was_told_is_quoted_as_that_and_is_not_hers_to_forget(ask: Ask) -> None:
    elsewhere = replace(told("my cat is called Biscuit"), sources=(), elsewhere=LineElsewhere("Yuki", 1))
    answer = ask("What is my cat called?", elsewhere)
    assert "Biscuit" in answer
    assert "Yuki" in answer
    assert "called Biscuit" in ask("Forget my cat Biscuit", told("my cat is called Biscuit"))
    assert "called Biscuit" not in ask("Forget my cat Biscuit", elsewhere)


def test_it_does_not_quote_a_question(ask: Ask) -> None:
    assert one_of(ask("what is my cat called?", told("What is my cat called?")), "en", "unknown")


def test_a_long_memory_is_quoted_in_part(ask: Ask) -> None:
    answer = ask("where is the treasure?", told("the treasure is " + "very " * 200 + "deep"))
    assert len(answer) < 300
    assert "…" in answer


def test_braces_in_a_memory_are_only_text(ask: Ask) -> None:
    assert "{0} {character}" in ask("what is my password hint?", told("my password hint is {0} {character}"))


# ── talk ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        ("My favourite colour is green.", "en", "statement"),
        ("I have a sister in Leeds", "en", "statement"),
        ("我喜欢喝乌龙茶", "zh-CN", "fond"),
        ("我喜歡喝烏龍茶", "zh-TW", "fond"),
        ("私はラーメンが好きです", "ja", "fond"),
        ("나는 커피를 좋아해", "ko", "fond"),
        ("remember that I see the dentist on Friday", "en", "remember"),
        ("thank you!", "en", "thanks"),
        ("谢谢你", "zh-CN", "thanks"),
        ("ありがとう！", "ja", "thanks"),
        ("bye", "en", "bye"),
        ("good night", "en", "night"),
        ("おやすみ", "ja", "night"),
        ("how are you?", "en", "how_are_you"),
        ("hello, how are you?", "en", "how_are_you"),
        ("你好吗？", "zh-CN", "how_are_you"),
        ("元気？", "ja", "how_are_you"),
        ("who are you?", "en", "identity"),
        ("你是谁？", "zh-CN", "identity"),
        ("あなたは誰？", "ja", "identity"),
        ("what can you do?", "en", "abilities"),
        ("how do I connect a model?", "en", "connect"),
        ("tell me a joke", "en", "joke"),
        ("讲个笑话", "zh-CN", "joke"),
        ("I'm so tired today", "en", "bad_day"),
        ("我今天好累", "zh-CN", "bad_day"),
        ("疲れた", "ja", "bad_day"),
        ("I love you", "en", "love"),
        ("what's my name?", "en", "my_name"),
        ("write me a poem", "en", "cannot_write"),
        ("帮我写一首诗", "zh-CN", "cannot_write"),
        ("詩を書いてください", "ja", "cannot_write"),
        ("What is the capital of France?", "en", "guess_not"),
        ("法国的首都是哪里？", "zh-CN", "guess_not"),
        ("フランスの首都はどこ？", "ja", "guess_not"),
        ("asdfgh", "en", "unclear"),
        ("???", "en", "unclear"),
        ("😀", "en", "sign_happy"),
        ("こんにちは", "ja", "greeting_morning"),
        ("你好", "zh-CN", "greeting_morning"),
        ("안녕", "ko", "greeting_morning"),
        ("the sky is blue over the sea", "en", "noted"),
    ],
)
def test_it_answers_in_the_language_and_manner_of_what_was_said(ask: Ask, text: str, language: str, name: str) -> None:
    answer = ask(text, language=language if language in ("zh-TW", "ja") else "en")
    assert one_of(answer, language, name), answer


@pytest.mark.parametrize("language", LANGUAGES)
def test_when_it_is_at_a_loss_it_says_what_it_is_and_where_to_connect_a_model(ask: Ask, language: str) -> None:
    answer = ask("?!", language=language)
    assert MENU[language] in answer
    assert phrasebook(language).phrases["hint"][0].strip() in answer


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_admits_that_it_cannot_see(ask: Ask, language: str) -> None:
    assert one_of(ask("", language=language, images=1), language, "picture")


def test_it_never_says_the_same_twice_in_a_row() -> None:
    rules = Rules("Mio", "Sam", "en", lambda: NOW, random.Random(1))
    answers = [rules.answer(UserMessage(str(n), "I have a cat")) for n in range(10)]
    assert all(first != second for first, second in pairwise(answers))


@pytest.mark.parametrize(
    "text", ["{}", "{character.__class__}", "a" * 20_000, "((((" * 500, "1+" * 3000, "\x00", "- - -"]
)
def test_odd_input_gets_an_answer_quickly(ask: Ask, text: str) -> None:
    assert ask(text)


# ── phrases ─────────────────────────────────────────────────────────────────────────────


def table(language: str) -> dict[str, dict[str, list[str]]]:
    loaded: dict[str, dict[str, list[str]]] = json.loads((ASSETS / "offline" / f"{language}.json").read_text("utf-8"))
    return loaded


def blanks(phrases: list[str]) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", "".join(phrases)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase_with_known_blanks(language: str) -> None:
    english, mine = table("en"), table(language)
    assert mine["phrases"].keys() == english["phrases"].keys()
    assert mine["triggers"].keys() == english["triggers"].keys()
    usual = {"character", "master", "time", "date", "weekday"}
    for name, phrases in mine["phrases"].items():
        assert phrases
        blanks = set(re.findall(r"\{(\w+)\}", "".join(phrases)))
        assert blanks <= usual | set(re.findall(r"\{(\w+)\}", "".join(english["phrases"][name]))) | {
            "weekday",
            "younger",
        }, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_emotion_tags_are_of_the_six(language: str) -> None:
    tags = set(re.findall(r"<(\w+)>", json.dumps(table(language)["phrases"])))
    assert tags <= {"happy", "sad", "angry", "surprised", "neutral", "relaxed"}


# ── session ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["who are you?", "你是谁？", "あなたは誰？", "너는 누구야?"])
async def test_it_streams_in_small_pieces_like_any_model(text: str) -> None:
    async with TaskOwner("test") as owner:
        session = BuiltinSession(owner=owner, clock=lambda: NOW, choice=random.Random(3))
        await session.open(SessionSetup("Mio", "Sam", "You are Mio.", "en"))
        await session.send(UserMessage("a", text))
        pieces: list[str] = []
        async for event in session.events():
            if isinstance(event, TextDelta):
                pieces.append(event.text)
            if isinstance(event, ReplyDone):
                break
        await session.aclose()
    assert len(pieces) > 8
    assert max(map(len, pieces)) < 25
    assert "Mio" in "".join(pieces)


# ── speaking first ──────────────────────────────────────────────────────────────────────

GREET = {
    "en": "Greet Sam, who has just opened the page.",
    "zh-CN": "向刚打开页面的Sam打个招呼。",
    "zh-TW": "向剛打開頁面的Sam打個招呼。",
    "ja": "ページを開いたSamに挨拶してください。",
    "ko": "방금 페이지를 연 Sam에게 인사하세요.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_greets_when_it_is_asked_to(language: str) -> None:
    rules = Rules("Mio", "Sam", language, lambda: NOW, random.Random(7))
    assert one_of(rules.speak_first(GREET[language]), language, "greeting_morning")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_it_cannot_put_into_words_of_its_own_it_passes_on_as_it_is(language: str) -> None:
    rules = Rules("Mio", "Sam", language, lambda: NOW, random.Random(7))
    line = rules.speak_first("The file {report}.txt is ready.")
    assert one_of(line, language, "pass_on")
    assert "The file {report}.txt is ready" in line


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("stop", "Nothing is running"),
        ("Mio, stop!", "Nothing is running"),
        ("停下", "现在没有什么在进行"),
        ("やめて", "今は何も動いてない"),
        ("그만해", "지금은 하고 있는 일이 없어요"),
        ("stop it, that tickles so much", ""),
    ],
)
async def test_a_stop_with_nothing_to_stop_is_answered_as_such(text: str, reply: str) -> None:
    async with TaskOwner("test") as owner:
        session = BuiltinSession(owner=owner, clock=lambda: NOW, choice=random.Random(3))
        await session.open(SessionSetup("Mio", "Sam", "", "en"))
        await session.send(UserMessage("a", text))
        said = ""
        async for event in session.events():
            said += event.text if isinstance(event, TextDelta) else ""
            if isinstance(event, ReplyDone):
                break
        await session.aclose()
    assert reply in said if reply else "Nothing is running" not in said


async def test_it_speaks_first_in_the_language_of_the_session() -> None:
    async with TaskOwner("test") as owner:
        session = BuiltinSession(owner=owner, clock=lambda: NOW)
        await session.open(SessionSetup("Mio", "Sam", "", "ja"))
        await session.send(Respond("r", GREET["ja"]))
        pieces = []
        async for event in session.events():
            if isinstance(event, TextDelta):
                pieces.append(event.text)
            elif isinstance(event, ReplyDone):
                break
        await session.aclose()
    assert one_of("".join(pieces), "ja", "greeting_morning")
