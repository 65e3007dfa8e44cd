"""The small games of the built-in model, played through."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from neko.language import LANGUAGES
from neko.sessions.models.builtin.phrasebook import phrasebook
from neko.sessions.models.builtin.rules import Rules
from neko.types.model_session import UserMessage

NOW = datetime(2026, 11, 27, 15, 39)
START = {
    "en": ("a riddle please", "tell me a story", "twenty questions", "yes", "no"),
    "zh-CN": ("猜谜语", "讲个故事", "二十问", "是", "不是"),
    "zh-TW": ("猜謎語", "講個故事", "二十問", "是", "不是"),
    "ja": ("なぞなぞ", "お話して", "二十の質問", "はい", "いいえ"),
    "ko": ("수수께끼", "이야기해 줘", "스무고개", "응", "아니"),
}


class Talk:
    """One session."""

    def __init__(self, language: str, seed: int = 1) -> None:
        self.rules = Rules("Mio", "Sam", language, lambda: NOW, random.Random(seed))

    def say(self, text: str) -> str:
        return self.rules.answer(UserMessage("1", text))


def begins_as(answer: str, language: str, name: str) -> bool:
    return any(answer.startswith(phrase.partition("{")[0]) for phrase in phrasebook(language).phrases[name])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_riddle_takes_its_own_solution_and_no_other(language: str) -> None:
    riddles = phrasebook(language).games["riddles"]
    for seed in range(12):
        talk = Talk(language, seed)
        riddle = talk.say(START[language][0]).removeprefix("<happy>")
        wrong = next(solution for other, (_, solution, _) in riddles.items() if other != riddle)
        assert riddles[riddle][1] not in talk.say(wrong)
        assert begins_as(talk.say(riddles[riddle][1]), language, "riddle_right") or riddles[riddle][1] in riddle


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("choices", ["11", "12", "21", "22"])
def test_a_story_ends_differently_by_what_is_chosen(language: str, choices: str) -> None:
    talk = Talk(language)
    place = phrasebook(language).games["story"]
    assert place["text"] in talk.say(START[language][1])
    for choice in choices:
        place = place[choice]
        assert place["text"] in talk.say(choice)
    assert "1" not in place


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("always", ["yes", "no"])
def test_an_animal_is_guessed_in_a_few_questions(language: str, always: str) -> None:
    talk = Talk(language)
    _, _, start, yes, no = START[language]
    talk.say(start)
    answer = talk.say(yes)
    for _ in range(6):
        if answer.startswith(("<happy>", "<surprised>")):
            break
        answer = talk.say(yes if always == "yes" else no)
    assert begins_as(answer, language, "animals_guess")
    assert begins_as(talk.say(yes), language, "animals_right")


def test_a_game_does_not_stand_in_the_way_of_what_matters() -> None:
    talk = Talk("en")
    talk.say("a riddle please")
    assert talk.say("my dog died").startswith("<sad>")
    assert "15:39" in talk.say("what time is it?")
    assert begins_as(talk.say("i give up"), "en", "riddle_solution")


def test_a_game_that_is_left_is_over() -> None:
    talk = Talk("en")
    talk.say("a riddle please")
    for text in ("what time is it?", "how are you?", "I went to the cinema with my sister today"):
        talk.say(text)
    assert not begins_as(talk.say("a table"), "en", "riddle_wrong")


def test_another_is_another_of_the_same() -> None:
    talk = Talk("en")
    jokes = {talk.say("tell me a joke"), talk.say("another one please")}
    assert len(jokes) == 2
    assert all(begins_as(joke, "en", "joke") for joke in jokes)


def test_a_reply_asked_for_once_more_is_no_second_move() -> None:
    talk = Talk("en")
    place = phrasebook("en").games["story"]
    talk.say("tell me a story")
    assert place["1"]["text"] in talk.say("1")
    again = talk.rules.answer(UserMessage("1", "1", again=True))
    assert place["1"]["text"] in again
    assert place["1"]["2"]["text"] in talk.say("2")
