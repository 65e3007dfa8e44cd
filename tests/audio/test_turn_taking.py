"""How long is waited at a pause, by what was said."""

from __future__ import annotations

import pytest

from neko.app.listening import STRATEGIES
from neko.audio.turn_taking.endings import ending
from neko.audio.turn_taking.kinds import Ending
from neko.audio.turn_taking.patience import LONGEST_S, SHORTEST_S, UNKNOWN_S, SaidSoFar, patience


@pytest.mark.parametrize(
    "text",
    [
        "I would like.",
        "I would like some tea and.",
        "The thing is that.",
        "He lives in.",
        "I am going to visit my.",
        "Um.",
        "So,",
        "My favorite color is. Let me think.",
        "If it rains tomorrow.",
        "I was wondering...",
        "我想要",
        "昨天我去了市场,然后。",
        "我想问你,因为。",
        "如果明天下雨",
        "其實我覺得",
        "我周末要去看我的",
        "他说他会。",
        "我本来打算。",
        "最有意思的是",
        "你能告诉我怎么",
        "我想学怎么？",
        "你知道吗？",
        "我小的时候。",
        "吃完晚饭以后",
        "老实说",
        "如果你喜欢的话",
        "等雨停了以后。",
        "他們搬到了",
        "可不可以帮我。",
        "不是我不喜欢。",
        "It's not that I don't like it.",
        "Honestly.",
        "えっと",
        "ええと？",
        "そういえば",
        "会社に着いた時",
        "あのー",
        "牛乳と卵と",
        "聞きたいことがあるんですけど",
        "明日雨が降ったら",
        "실은 그게",
        "비가 오면",
    ],
)
def test_what_leads_on_is_no_end_whatever_mark_the_recogniser_puts_after_it(text: str) -> None:
    assert ending(text) is Ending.LEADS_ON


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Good night, sleep well.", Ending.ANSWER),
        ("I can't hear you very well.", Ending.STATEMENT),
        ("What are you looking for?", Ending.QUESTION),
        ("Do you know where it is?", Ending.QUESTION),
        ("I don't think so.", Ending.STATEMENT),
        ("Yes, please.", Ending.ANSWER),
        ("Not today, thanks.", Ending.ANSWER),
        ("My phone number is 555.", Ending.OPEN),
        ("好的", Ending.ANSWER),
        ("我不会。", Ending.OPEN),
        ("現在幾點了", Ending.QUESTION),
        ("給我講一個狐狸的故事吧", Ending.STATEMENT),
        ("是真的", Ending.STATEMENT),
        ("你怎么了", Ending.QUESTION),
        ("我觉得不是。", Ending.OPEN),
        ("我觉得他今天不会再来这里", Ending.STATEMENT),
        ("外面很冷,你就多穿一点", Ending.STATEMENT),
        ("今天天气真好。", Ending.OPEN),
        ("去年夏天", Ending.OPEN),
        ("牛奶,两只猫", Ending.OPEN),
        ("嗯", Ending.OPEN),
        ("嗯,太好了", Ending.ANSWER),
        ("Last summer.", Ending.OPEN),
        ("My sister.", Ending.OPEN),
        ("In the kitchen.", Ending.OPEN),
        ("我不知道该怎么办", Ending.QUESTION),
        ("他住在 上海", Ending.OPEN),
        ("はい、お願いします", Ending.ANSWER),
        ("今何時ですか", Ending.QUESTION),
        ("今日は仕事がとても大変でした", Ending.STATEMENT),
        ("昨日市場に行って", Ending.OPEN),
        ("지금 몇 시입니까", Ending.QUESTION),
        ("오늘은 정말 피곤해요", Ending.STATEMENT),
        ("", Ending.NOTHING),
    ],
)
def test_what_a_sentence_sounds_like(text: str, kind: Ending) -> None:
    assert ending(text) is kind


def wait(text: str | None, speech_s: float = 3.0, since_pause_s: float = 3.0, longest_pause_s: float = 0.0) -> float:
    return patience(SaidSoFar(text, "en", speech_s, since_pause_s, longest_pause_s), STRATEGIES)


def test_a_finished_sentence_is_answered_sooner_than_one_that_may_go_on() -> None:
    finished = wait("Tell me a story about the fox that you saw.")
    assert finished < wait("tell me a story about the fox") < wait("Tell me a story about the.")


def test_a_first_short_sentence_gets_more_time_than_a_long_one_and_than_an_answer() -> None:
    short = wait("I finished the report.", speech_s=1.2)
    assert short > wait("I finished the report about the weather of last year.", speech_s=3.0)
    assert short > wait("Yes, please.", speech_s=0.7)
    assert short > wait("I finished the report. It was long.", speech_s=1.5)


def test_the_longer_a_first_sentence_the_sooner_it_is_answered() -> None:
    waits = [wait("I finished the report", speech_s=speech_s) for speech_s in (1.0, 1.6, 2.4, 5.0)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > waits[-1]


def test_a_list_gets_more_time_than_its_pauses_so_far() -> None:
    assert wait("We need milk, eggs.", 1.2, since_pause_s=0.4, longest_pause_s=0.8) > 1.0
    assert wait("We need milk. I will go and buy some now.", 2.6, since_pause_s=1.6, longest_pause_s=0.8) < 0.5
    assert wait("我有一只狗,两只猫", 2.2, since_pause_s=1.0, longest_pause_s=0.8) > 1.0


def test_a_clause_after_a_pause_is_mostly_the_last() -> None:
    assert wait("我很累,早早睡", 2.6, since_pause_s=1.6) > 0.5
    assert wait("我很累,早早睡", 2.6, since_pause_s=1.6, longest_pause_s=0.6) < 0.5
    assert wait("我很累,因为", 2.6, since_pause_s=1.6, longest_pause_s=0.6) > 1.0


def test_what_follows_a_filler_is_no_second_clause() -> None:
    assert wait("那个,我很累", 1.9, since_pause_s=1.6, longest_pause_s=0.6) > 0.5


def test_a_short_sound_that_the_recogniser_doubts_is_somebody_thinking() -> None:
    def doubted(confidence: float, speech_s: float = 0.5) -> float:
        return patience(SaidSoFar("Hymn.", "en", speech_s, speech_s, confidence=confidence), STRATEGIES)

    assert doubted(0.17) > 1.0 > doubted(0.9)
    assert doubted(0.17, 3.0) < 1.0


@pytest.mark.parametrize("text", [None, "", "and", "Yes.", "Why?"])
def test_no_wait_is_outside_its_bounds(text: str | None) -> None:
    assert SHORTEST_S <= wait(text, 0.1, 0.1, 5.0) <= LONGEST_S
    assert wait(None) == UNKNOWN_S
