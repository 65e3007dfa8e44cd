"""Questions without an answer, found in the log by rule."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from neko.memory.open_questions import unanswered
from neko.types.lines import Line, Role
from tests.memory.memory_folder import MIO, MemoryFolder, say

START = datetime(2026, 5, 10, 12, 0)


def talk(*said: tuple[Role, str, str]) -> list[Line]:
    """Lines a minute apart: who, in which session, what."""
    return [
        Line(number, session, f"t{number}", role, "", text, START + timedelta(minutes=number))
        for number, (role, session, text) in enumerate(said, start=1)
    ]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("I saw it. Which violin did Clara buy in Cremona?", "Which violin did Clara buy in Cremona?"),
        ("你上次去奥斯陆的博物馆了吗", "你上次去奥斯陆的博物馆了吗"),
        ("オスロの美術館はどうでしたか？", "オスロの美術館はどうでしたか？"),
        ("지난번 오슬로 미술관 어땠어?", "지난번 오슬로 미술관 어땠어?"),
    ],
)
def test_a_question_at_the_end_of_a_session_stays_open(text: str, question: str) -> None:
    lines = talk(("user", "a", "hello"), ("assistant", "a", text), ("user", "b", "good morning"))
    assert [line.text for line in unanswered(lines)] == [question]
    assert unanswered(lines[:2]) == []


def test_what_was_answered_or_says_nothing_of_what_it_is_about_is_not_open() -> None:
    assert (
        unanswered(
            talk(
                ("user", "a", "Which violin did Clara buy?"),
                ("assistant", "a", "A Stradivari. Does she play concerts in Oslo?"),
                ("user", "a", "yes"),
                ("assistant", "a", "How are you?"),
                ("user", "b", "fine"),
            )
        )
        == []
    )


def test_a_question_that_nobody_replied_to_is_open() -> None:
    lines = talk(("user", "a", "Which violin did Clara buy?"), ("user", "a", "hello?"), ("assistant", "a", "Hi."))
    assert [line.id for line in unanswered(lines)] == [1]


async def test_open_questions_are_found_in_the_log(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "Which violin did Clara buy?", at=START)
    await say(memory, "Good morning", at=START + timedelta(days=1))
    assert [line.text for line in await memory.open_questions(MIO)] == ["Which violin did Clara buy?"]
