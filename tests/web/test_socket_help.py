"""Help beside the talk when the user's words may mean danger: over a real socket, by region and language."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest

from neko.safety import HELPLINES_FILE
from tests.client import Client, client, types_of
from tests.conftest import RunningServer

NAME = "Mio"
WANT_TO_DIE = {
    "en": "I want to kill myself",
    "zh-CN": "我不想活了，想自杀",
    "zh-TW": "我不想活了，想自殺",
    "ja": "もう死にたいです",
    "ko": "그냥 죽고 싶어요",
}
NOTHING_HELPS = {
    "en": "nothing helps",
    "zh-CN": "没有用的",
    "zh-TW": "沒有用的",
    "ja": "何をしても無駄",
    "ko": "다 소용없어",
}


def helps(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame for frame in frames if frame["type"] == "neko_help"]


async def asked(page: Client, text: str, **fields: Any) -> tuple[str, list[dict[str, Any]]]:
    await page.say(text, **fields)
    return await page.reply()


@pytest.mark.parametrize(
    ("browser", "text", "number", "emergency"),
    [
        ("en-US", WANT_TO_DIE["en"], "988", "911"),
        ("en-GB,en;q=0.9", WANT_TO_DIE["en"], "116 123", "999"),
        ("zh-CN", WANT_TO_DIE["zh-CN"], "12356", "120"),
        ("zh-TW", WANT_TO_DIE["zh-TW"], "1925", "119"),
        ("zh-HK", WANT_TO_DIE["zh-TW"], "18111", "999"),
        ("ja", WANT_TO_DIE["ja"], "0120-061-338", "119"),
        ("ko-KR", WANT_TO_DIE["ko"], "109", "119"),
        ("de-DE", WANT_TO_DIE["en"], "0800 1110111", "112"),
    ],
)
async def test_the_card_and_the_builtin_reply_name_the_numbers_of_the_readers_region(
    server: RunningServer, browser: str, text: str, number: str, emergency: str
) -> None:
    async with client(server.ws_url, NAME, language=browser) as page:
        reply, frames = await asked(page, text, client_id="c-1")
    (card,) = helps(frames)
    assert card["danger"] == "self_harm"
    assert card["numbers"][0]["number"] == number
    assert emergency in [line["number"] for line in card["numbers"]]
    assert card["client_id"] == "c-1"
    assert card["message"]
    assert number in reply
    assert emergency in reply


@pytest.mark.parametrize("language", WANT_TO_DIE)
async def test_her_face_is_serious_and_stays_so_in_the_lines_after(server: RunningServer, language: str) -> None:
    async with client(server.ws_url, NAME, language=language) as page:
        shown: list[str] = []
        for text in (WANT_TO_DIE[language], NOTHING_HELPS[language], NOTHING_HELPS[language]):
            reply, frames = await asked(page, text)
            assert reply
            shown += [frame["emotion"] for frame in frames if frame["type"] == "neko_emotion"]
    assert len(shown) == 3
    assert set(shown) <= {"sad", "neutral"}


async def test_what_asks_for_something_is_answered_also_then_and_with_a_serious_face(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, language="en") as page:
        await asked(page, WANT_TO_DIE["en"])
        for text, wanted in (("My name is Daniel", "Daniel"), ("flip a coin", "(?i)heads|tails"), ("2 + 3", "5")):
            reply, frames = await asked(page, text)
            assert re.search(wanted, reply), reply
            shown = {frame["emotion"] for frame in frames if frame["type"] == "neko_emotion"}
            assert shown <= {"sad", "neutral"}


async def test_where_the_reader_may_be_anywhere_no_number_is_made_up(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, language="en") as page:
        reply, frames = await asked(page, WANT_TO_DIE["en"])
    (card,) = helps(frames)
    assert card["numbers"] == []
    assert card["region"] == ""
    assert card["find"] == "https://findahelpline.com"
    assert "findahelpline.com" in reply
    assert not any(letter.isdigit() for letter in reply)


async def test_the_page_says_where_the_reader_is(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, language="en-US", region="KR") as page:
        _, frames = await asked(page, WANT_TO_DIE["en"])
    (card,) = helps(frames)
    assert card["region"] == "KR"
    assert card["numbers"][0]["number"] == "109"
    assert card["message"].isascii()  # in the language of the reader all the same


async def test_the_page_may_find_that_out_later(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, language="en-US") as page:
        await page.send("ping", neko_region="jp")
        _, frames = await asked(page, WANT_TO_DIE["en"], neko_region="no region")
    (card,) = helps(frames)
    assert card["region"] == "JP"


async def test_once_in_a_while_is_enough_but_another_danger_has_its_own_card(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, language="en-US") as page:
        _, first = await asked(page, WANT_TO_DIE["en"])
        _, second = await asked(page, "I really want to die")
        _, third = await asked(page, "My husband hits me every night")
    assert [card["danger"] for card in (*helps(first), *helps(second), *helps(third))] == ["self_harm", "violence"]


async def test_a_page_that_comes_back_is_shown_what_stands(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, language="en-US") as page:
        _, frames = await asked(page, WANT_TO_DIE["en"], client_id="c-1")
    async with client(server.ws_url, NAME, language="ko-KR") as page:
        (again,) = helps(await page.quiet())
    (card,) = helps(frames)
    assert (again["danger"], again["client_id"], again["turn_id"]) == ("self_harm", "c-1", card["turn_id"])


async def test_everyday_words_bring_no_card(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, language="en-US") as page:
        for text in ("this homework kills me", "笑死我了", "死ぬほど眠い", "배고파 죽겠다"):
            _, frames = await asked(page, text)
            assert "neko_help" not in types_of(frames)


async def test_numbers_of_the_users_own_file_take_the_place_of_ours(server: RunningServer) -> None:
    own = {
        "region": "us",
        "regions": {"US": {"self_harm": [{"number": "555 0100", "name": "Aunt May", "url": "javascript:alert(1)"}, 7]}},
    }
    server.neko.folder.config(HELPLINES_FILE).write_text(json.dumps(own), encoding="utf-8")
    async with client(server.ws_url, NAME, language="ja") as page:
        _, frames = await asked(page, WANT_TO_DIE["en"])
    (card,) = helps(frames)
    assert [line["number"] for line in card["numbers"]] == ["555 0100", "911"]
    assert card["numbers"][0]["url"] == ""


async def test_a_damaged_file_of_the_user_is_told_and_ours_counts(server: RunningServer) -> None:
    server.neko.folder.config(HELPLINES_FILE).write_text("{ not at all", encoding="utf-8")
    async with client(server.ws_url, NAME, language="en-US") as page:
        await page.say(WANT_TO_DIE["en"])
        told = await page.until(lambda frame: frame["type"] == "status" and HELPLINES_FILE in frame["message"])
        seen = [*told, *await page.quiet()]
        if not helps(seen):
            seen += await page.until("neko_help")
    (card,) = helps(seen)
    assert card["numbers"][0]["number"] == "988"


async def test_no_word_of_the_user_is_logged(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with client(server.ws_url, NAME, language="en-US") as page:
        await asked(page, "I want to kill myself, zanzibar")
    assert not [
        record for record in caplog.records if record.name.startswith("neko") and "zanzibar" in str(record.__dict__)
    ]
