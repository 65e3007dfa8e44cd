"""No line is all that a model is sent, however long, and what is cut is told in few words until there is a memo."""

from __future__ import annotations

import base64
from functools import partial

import pytest

from neko.llm.chat_request import estimate
from neko.memory.memo import gist
from neko.sessions.models.history import History
from neko.types.memory import Gist

BUDGET = 1_000
TOLD: Gist = partial(gist, names={"user": "Sam", "assistant": "Mio"}, language="en")


def history() -> History:
    made = History(BUDGET)
    made.instructions = "You are Mio."
    made.gist = TOLD
    return made


def sent(talk: History, most_tokens: int | None = None) -> str:
    return "\n".join(message["content"] for message in talk.request(most_tokens=most_tokens))


@pytest.mark.parametrize(
    "line",
    [
        "A paragraph about flags. " * 1_500,
        "旗帜学是研究旗帜的学问" * 1_000,
        "🚩" * 9_000,
        base64.b64encode(bytes(range(256)) * 90).decode(),
        "word " * 3_000 + "旗" * 3_000,
    ],
    ids=["english", "chinese", "emoji", "base64", "mixed"],
)
def test_of_a_long_line_both_ends_stay_once_it_is_answered_and_the_talk_before_it_too(line: str) -> None:
    talk = history()
    talk.user("a", "My locker opens with zanzibar.")
    talk.reply("a", "Fine.")
    talk.user("b", f"Begin. {line} End.")
    asked = sent(talk)
    talk.reply("b", "I have read it.")
    talk.user("c", "What did you think of it?")
    later = talk.request()
    assert "zanzibar" in asked
    assert len(asked) > min(len(line), 2 * BUDGET - 50)
    assert "zanzibar" in later[1]["content"]
    assert later[3]["content"].startswith("Begin. ")
    assert later[3]["content"].endswith("End.")
    assert "characters left out" in later[3]["content"]
    assert later[4]["content"] == "I have read it."
    assert estimate(later) < BUDGET // 2


def test_a_long_line_asked_again_is_read_whole_again() -> None:
    talk, line = history(), "flag " * 1_200
    for _ in range(2):
        talk.user("a", line)
        assert line in sent(talk)
        talk.reply("a", "Fine.")
        talk.forget_last()


def test_what_a_cut_takes_is_told_in_few_words_until_its_turns_are_covered() -> None:
    talk = history()
    talk.user("fact", "I am allergic to walnuts.")
    for number in range(60):
        talk.user(str(number), f"Number {number}: the rain went on for hours and the bus was late again.")
        talk.reply(str(number), "I hear you, it was grey here too, and the soup was warm.")
        assert "allergic to walnuts" in sent(talk)
        assert estimate(talk.request()) < 2 * BUDGET
    talk.forget({"fact", *map(str, range(58))})
    assert "walnuts" not in sent(talk)


def test_what_has_no_room_in_one_request_is_told_in_few_words() -> None:
    talk = history()
    talk.user("fact", "I am allergic to walnuts.")
    talk.reply("fact", "I see. " * 40)
    talk.user("next", "The rain went on and on. " * 20)
    talk.reply("next", "Yes. " * 40)
    talk.user("last", "What may I eat?")
    tight = talk.request(most_tokens=200)
    assert estimate(tight) <= 210
    assert "allergic to walnuts" in tight[0]["content"]
    assert tight[-1]["content"].endswith("What may I eat?")


def test_a_question_that_is_longer_than_the_room_is_asked_by_its_ends() -> None:
    talk = history()
    talk.user("a", "My locker opens with zanzibar.")
    talk.reply("a", "Fine.")
    talk.user("b", "Begin. " + "flag " * 5_000 + "What do you think?")
    tight = talk.request(most_tokens=1_000)
    assert estimate(tight) <= 1_010
    assert "zanzibar" in str(tight)
    assert tight[-1]["content"].startswith("Begin.")
    assert tight[-1]["content"].endswith("What do you think?")
