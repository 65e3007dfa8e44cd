"""A character's lorebook: what of it is told, and when."""

from __future__ import annotations

from typing import Any

import pytest

from neko import Neko
from neko.sessions.actions import SendText
from neko.sessions.events import TurnEnd
from neko.sessions.lorebook import told
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import Outbox
from tests.scripted_provider import ScriptedProvider


def entry(content: str, *keys: str, **more: Any) -> dict[str, Any]:
    return {"content": content, "keys": list(keys), **more}


def also(content: str, logic: int) -> dict[str, Any]:
    return entry(content, "dragon", secondary_keys=["gold", "fire"], extensions={"selectiveLogic": logic})


@pytest.mark.parametrize(
    ("one", "line", "is_told"),
    [
        (entry("x", "Beast"), "are there beast tracks?", True),
        (entry("x", "king"), "I was making tea", False),
        (entry("x", "old mill"), "by the Old Mill!", True),
        (entry("x", "竜"), "あの竜はどこ？", True),
        (entry("x"), "anything", False),
        (entry("x", constant=True), "anything", True),
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
