"""A character's lorebook: what of it is told, and when."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest

from neko import Neko
from neko.sessions.actions import SendText
from neko.sessions.events import SpeechEnded, TurnEnd
from neko.sessions.lorebook import MOST_ENTRIES, MOST_KEYS, MOST_KEYS_EACH, Book, book_of
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import Outbox
from tests.scripted_provider import ScriptedProvider
from tests.scripted_session import SpokenTurn
from tests.sessions.speech_conversation import in_call, speech_conversation


def entry(content: str, *keys: str, **more: Any) -> dict[str, Any]:
    return {"content": content, "keys": list(keys), **more}


def also(content: str, logic: int) -> dict[str, Any]:
    more = {"secondary_keys": ["gold", "fire"], "selective": True, "extensions": {"selectiveLogic": logic}}
    return entry(content, "dragon", **more)


def told(entries: list[Any], lines: list[str], language: str = "en") -> str:
    return Book(entries).told(lines, language)


def anywhere(*keys: str) -> dict[str, Any]:
    return entry("x", *keys, extensions={"match_whole_words": False})


@pytest.mark.parametrize(
    ("one", "line", "is_told"),
    [
        (entry("x", "Beast"), "are there beast tracks?", True),
        (entry("x", "king"), "I was making tea", False),
        (entry("x", "old mill"), "by the Old Mill!", True),
        (entry("x", "竜"), "あの竜はどこ？", True),
        (entry("x"), "anything", False),
        (entry("x", constant=True), "anything", True),
        (entry("x", constant=True), "", True),
        (entry("x", "beast"), "?!", False),
        (anywhere("beast"), "", False),
        (entry("x", "beast", enabled=False), "beast", False),
        (entry("x", "/b[e]+ast/i"), "beast", False),
        (also("x", 0), "a dragon with gold", True),
        (also("x", 0), "a dragon", False),
        (also("x", 1), "a dragon with gold and fire", False),
        (also("x", 1), "a dragon with gold", True),
        (also("x", 2), "a dragon with gold", False),
        (also("x", 2), "a dragon", True),
        (also("x", 3), "a dragon with gold", False),
        (also("x", 3), "a dragon with gold and fire", True),
        ({**also("x", 3), "selective": False}, "a dragon", True),
        (entry("x", "dragon", secondary_keys=["gold"]), "a dragon", True),
        (entry("x", "Neko"), "我喜欢Neko", True),
        (entry("x", "Neko"), "私はNekoが好き", True),
        (entry("x", "Neko"), "Ｎｅｋｏ", True),
        (entry("x", "Ｎｅｋｏ"), "neko?", True),
        (entry("x", "ネコ"), "ﾈｺ", True),
        (entry("x", "Neko"), "Nekomimi", False),
        (entry("x", "大きな竜"), "あの大きな竜が", True),
        (entry("x", "대장장이"), "대장장이가 왔다", True),
        (entry("x", "дракон"), "видел дракона", True),
        (entry("x", "C++"), "plan c", False),
        (entry("x", "C++"), "I write c++.", True),
        (entry("x", "old mill"), "old\nmill", False),
        (entry("x", "St. Mary's"), "by St Mary’s", True),
        (entry("x", "old-mill"), "the old mill", True),
        (anywhere("king"), "I was making tea", True),
        (anywhere("k"), "making", True),
        (anywhere("ing tea"), "making tea", True),
        (entry("x", "Rose", case_sensitive=True), "a rose", False),
        (entry("x", "Rose", case_sensitive=True), "it is Rose", True),
        (entry("x", "Rose", extensions={"case_sensitive": True}), "a rose", False),
        (entry("x", "Rose", case_sensitive=True, extensions={"case_sensitive": False}), "a rose", True),
        ("no entry", "no entry", False),
        ({"content": 7, "keys": "x"}, "x", False),
    ],
)
def test_an_entry_is_told_when_its_key_words_fall(one: object, line: str, is_told: bool) -> None:
    assert bool(told([one], [line], "en")) is is_told


def test_what_is_told_calls_for_more_unless_it_is_not_to() -> None:
    book = [
        entry("The mill is haunted by Orm.", "mill"),
        entry("Orm was a smith.", "Orm"),
        entry("Smiths are proud.", "smith"),
    ]
    assert told(book, ["the mill"], "en").count("\n") == 3
    book[0]["extensions"] = {"prevent_recursion": True}
    assert told(book, ["the mill"], "en").count("\n") == 1


def test_an_entry_that_is_not_to_be_called_by_others_waits_for_words_of_the_talk() -> None:
    book = [entry("Orm lives in the mill.", "mill"), entry("Orm.", "Orm", extensions={"exclude_recursion": True})]
    assert "Orm.\n" not in told(book, ["the mill"])
    assert told(book, ["Orm of the mill"]).count("\n") == 2


def test_of_too_many_entries_the_most_important_ones_count() -> None:
    book = [entry(f"entry {number}", f"word{number}", insertion_order=number) for number in range(MOST_ENTRIES + 10)]
    book.append(entry("constant", constant=True, insertion_order=-1))
    read = Book(book)
    assert read.untold == 11
    for number, is_there in ((0, False), (10, False), (11, True), (MOST_ENTRIES + 9, True)):
        assert (f"entry {number}\n" in read.told([f"word{number}"], "en") + "\n") is is_there
    assert "constant" in read.told(["hello"], "en")


def test_keys_are_bounded_by_entry_and_by_book_and_what_is_not_searched_for_is_counted() -> None:
    many = [f"word{number}" for number in range(MOST_KEYS_EACH + 5)]
    assert Book([entry("x", *many, "long " * 40)]).unsearched == 6
    assert told([entry("x", *many)], [many[0]])
    assert not told([entry("x", *many)], [many[-1]])
    full = MOST_KEYS // MOST_KEYS_EACH
    book = Book([entry(f"entry {number}", *many[:MOST_KEYS_EACH]) for number in range(full)] + [entry("last", "end")])
    assert (book.untold, book.unsearched) == (1, 0)


def test_a_search_takes_no_more_the_more_keys_there_are() -> None:
    line = " ".join(f"other{number}" for number in range(1_000))

    def calls(entries: int) -> int:
        book, count = Book([entry("x", f"word{n}", f"old word{n}") for n in range(entries)]), 0

        def step(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(step)
        try:
            book.told([line], "en")
        finally:
            sys.setprofile(None)
        return count

    assert calls(2_000) <= calls(20) + 10


def test_a_book_is_read_once_as_long_as_its_entries_are_the_same() -> None:
    book = book_of([entry("x", "mill")])
    assert book_of([entry("x", "mill")]) is book
    assert book_of([entry("y", "mill")]) is not book


def test_the_most_important_is_told_last_and_first_when_there_is_not_room_for_all() -> None:
    book = [entry(f"entry {number} " + "word " * 100, "mill", insertion_order=number) for number in range(50)]
    lines = told(book, ["the mill"], "en").splitlines()[1:]
    assert [line.split()[1] for line in lines] == ["44", "45", "46", "47", "48", "49"]


async def test_a_model_is_told_of_it_for_the_turn_in_which_the_words_fall(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    book = [entry("Beasts roam the glade at night.", "glade")]
    await neko.characters.merge_card(manager.character, {"neko": {"lorebook": book}})
    for text in ("hello there", "what is in the glade?"):
        manager.handle(SendText(text))
        while not isinstance(await page.get(), TurnEnd):
            pass
    first, second = (str(request.json["messages"]) for request in provider.chats[:2])
    assert "Beasts roam" not in first
    assert "Beasts roam" in second


async def test_a_voice_model_that_answers_by_itself_is_told_of_it_once_as_soon_as_the_words_are_recognised(
    executor: ThreadPoolExecutor,
) -> None:
    book = [
        entry("The king is old.", constant=True),
        entry("Beasts roam the glade.", "glade"),
        entry("A mill.", "mill"),
    ]
    first = SpokenTurn(hears="what is in the glade?", partials=("what is in the glade",))
    async with speech_conversation(executor, lorebook=book) as talk:
        await in_call(talk, first, SpokenTurn(hears="and in the glade by night, or the mill?"))
        for _ in range(2):
            talk.speak()
            await talk.until(SpeechEnded)
        (session,) = talk.sessions
        notes = [text.splitlines()[1:] for role, text in session.history if role == "system"]
        assert notes == [["The king is old."], ["Beasts roam the glade."], ["A mill."]]
