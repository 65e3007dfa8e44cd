"""The built-in model forgets what it is told to: it shows what it found, asks, and the lines are gone after a yes.

The name that the user gives is kept, in the cards too, until it is to be forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from neko.app import Neko
from neko.sessions.events import ReplyText
from neko.settings import Settings
from neko.types.lines import NewLine, Role
from neko.types.memory import Evidence

NAME = "Mio"
DEADLINE_S = 30.0


@pytest.fixture
async def neko(data_dir: Path) -> AsyncIterator[Neko]:
    settings = Settings(data_dir=data_dir, environ={"LANG": "en"}, find_local_servers=False)
    async with Neko(settings) as neko:
        yield neko


async def told(neko: Neko, *texts: str, role: Role = "user") -> None:
    """What was said three days ago."""
    at = datetime.now() - timedelta(days=3)
    for number, text in enumerate(texts):
        await neko.memory.store(NAME, NewLine("before", f"turn-{number}-{role}", role, text, at))


async def say(neko: Neko, text: str) -> str:
    """Her words."""
    return "".join([event.text async for event in neko.chat(NAME, text) if isinstance(event, ReplyText)])


async def log(neko: Neko) -> list[str]:
    return [line.text for line in await neko.memory.lines(NAME)]


async def until_forgotten(neko: Neko, words: str) -> None:
    """Her words of it may be there before the lines have gone."""
    async with asyncio.timeout(DEADLINE_S):
        while words in " ".join(await log(neko)):  # noqa: ASYNC110  # what is waited for is not ours to signal
            await asyncio.sleep(0.01)


async def test_what_is_found_is_shown_and_goes_after_a_yes_with_the_wish_that_named_it(neko: Neko) -> None:
    await told(neko, "My cat is called Mimi.", "I like noodles.")
    asked = await say(neko, "forget that my cat is called Mimi")
    assert "“My cat is called Mimi.”" in asked
    assert "noodles" not in asked
    assert "My cat is called Mimi." in await log(neko)
    done = await say(neko, "yes")
    await until_forgotten(neko, "Mimi")
    assert await log(neko) == ["I like noodles.", "yes", done]
    assert await neko.memory.recall(NAME, "Mimi cat") == []
    assert "Mimi" not in await say(neko, "what is my cat called?")


async def test_what_is_asked_at_once_after_a_yes_does_not_bring_up_what_goes(
    neko: Neko, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go, delete = asyncio.Event(), neko.memory.delete

    async def slow(*args: Any, **options: Any) -> list[int]:
        await may_go.wait()
        return await delete(*args, **options)

    monkeypatch.setattr(neko.memory, "delete", slow)
    await told(neko, "My cat is called Mimi.")
    await say(neko, "forget that my cat is called Mimi")
    await say(neko, "yes")
    try:
        assert "Mimi" not in await say(neko, "what is my cat called?")
    finally:
        may_go.set()
    await until_forgotten(neko, "Mimi")


async def test_what_she_repeated_of_it_goes_too(neko: Neko) -> None:
    await told(neko, "My cat is called Mimi.")
    await say(neko, "What is my cat called?")
    assert sum("called Mimi" in text for text in await log(neko)) == 2
    await say(neko, "forget that my cat is called Mimi")
    await say(neko, "yes")
    await until_forgotten(neko, "Mimi")


async def test_what_was_told_in_other_words_than_it_is_asked_for_is_found_in_the_log(neko: Neko) -> None:
    await told(neko, "I work as a nurse.", "I moved to Leeds last year.", "My wife likes noodles.")
    assert "nurse" in await say(neko, "what is my job?")
    assert "nurse" in await say(neko, "what do I do for a living?")
    assert "Leeds" in await say(neko, "where do I live?")


async def until_called(neko: Neko, name: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while neko.characters.cards.master_name != name:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.01)


def begin_anew(neko: Neko) -> None:
    """What the session knew is gone; the next one is told what the cards say."""
    conversation = neko.conversations.get(NAME)
    assert conversation
    conversation.begin_anew()


@pytest.mark.parametrize(
    ("words", "name"),
    [("My name is Daniel.", "Daniel"), ("我叫丹尼尔", "丹尼尔"), ("私の名前はダニエルです", "ダニエル"),
     ("我叫丹尼爾", "丹尼爾"), ("내 이름은 다니엘이야", "다니엘")],
)  # fmt: skip
async def test_the_name_that_is_told_her_is_kept_in_the_cards_beside_what_else_they_say(
    neko: Neko, words: str, name: str
) -> None:
    await neko.characters.set_master({"档案名": "Dan", "age": "30"})
    reply = await say(neko, words)
    assert reply
    await until_called(neko, name)
    assert neko.characters.cards.master_traits() == {"age": "30"}
    assert reply in await log(neko)


async def test_a_name_that_a_card_cannot_hold_is_remembered_all_the_same(neko: Neko) -> None:
    await say(neko, "My name is Maximiliana Konstantinopolska.")
    assert "Maximiliana" in await say(neko, "what's my name?")
    assert not neko.characters.cards.is_master_named


async def test_a_name_that_is_forgotten_is_in_the_cards_no_more(neko: Neko) -> None:
    await say(neko, "My name is Daniel.")
    await until_called(neko, "Daniel")
    begin_anew(neko)
    await say(neko, "please forget my name")
    await say(neko, "yes")
    await until_forgotten(neko, "My name is Daniel.")
    await until_called(neko, "friend")
    assert "Daniel" not in await say(neko, "what's my name?")
    begin_anew(neko)
    assert "Daniel" not in await say(neko, "what's my name?")


async def test_a_name_can_be_forgotten(neko: Neko) -> None:
    await told(neko, "I like noodles.")
    await say(neko, "My name is Daniel.")
    assert "Daniel" in await say(neko, "what's my name?")
    assert "“My name is Daniel.”" in await say(neko, "please forget my name")
    await say(neko, "yes")
    await until_forgotten(neko, "My name is Daniel.")
    assert "Daniel" not in await say(neko, "what's my name?")
    assert (await log(neko))[0] == "I like noodles."


@pytest.mark.parametrize("answer", ["no", "what is the weather like?"])
async def test_without_a_yes_all_stays(neko: Neko, answer: str) -> None:
    await told(neko, "My cat is called Mimi.")
    await say(neko, "forget that my cat is called Mimi")
    await say(neko, answer)
    await say(neko, "yes")
    assert "My cat is called Mimi." in await log(neko)


async def test_what_is_not_found_is_not_said_to_be_forgotten(neko: Neko) -> None:
    await told(neko, "I like noodles.")
    assert "Delete" in await say(neko, "forget that I have a dog")
    await say(neko, "yes")
    assert "I like noodles." in await log(neko)


@pytest.mark.parametrize(
    ("fact", "wish", "yes"),
    [
        ("我的猫叫咪咪", "忘掉我的猫叫咪咪", "好的，删吧"),
        ("我的貓叫咪咪", "請忘了我的貓叫咪咪這件事", "好"),
        ("猫の名前はミミです", "猫の名前がミミなのは忘れて", "はい、お願い"),
        ("내 고양이 이름은 미미", "내 고양이 이름은 미미 라는 거 잊어 줘", "응, 지워 줘"),
    ],
)
async def test_in_other_languages_too(neko: Neko, fact: str, wish: str, yes: str) -> None:
    await told(neko, fact)
    assert fact in await say(neko, wish)
    await say(neko, yes)
    await until_forgotten(neko, fact)


@pytest.mark.parametrize("is_found", [True, False])
async def test_a_name_that_was_told_in_passing_is_forgotten_with_the_line_that_told_it(
    neko: Neko, monkeypatch: pytest.MonkeyPatch, is_found: bool
) -> None:
    """Whether or not the search finds that line."""

    async def find_nothing(*_: object, **__: object) -> list[Evidence]:
        return []

    if not is_found:
        monkeypatch.setattr(neko.memory, "recall", find_nothing)
    await say(neko, "I'm Priya")
    await until_called(neko, "Priya")
    assert "Priya" in await say(neko, "forget my name")
    await say(neko, "yes")
    await until_forgotten(neko, "Priya")
    await until_called(neko, "friend")
    assert "Priya" not in await say(neko, "what's my name?")


@pytest.mark.parametrize(
    ("told_her", "asked"),
    [("I love sushi", "what's my favourite food?"), ("I like jazz", "what kind of music do I like?"),
     ("我爱火锅", "我最喜欢的食物是什么？"), ("我愛吃拉麵", "我最喜歡吃什麼？"),
     ("お寿司が大好き", "私の好きな食べ物は何？"), ("초밥 좋아해", "내가 좋아하는 음식이 뭐야?")],
)  # fmt: skip
async def test_what_they_love_is_their_favourite(neko: Neko, told_her: str, asked: str) -> None:
    await told(neko, told_her, "My brother hates mushrooms.")
    assert told_her in await say(neko, asked)
