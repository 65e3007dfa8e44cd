"""The language of what a socket is told: its client's own, else that of the client before, else the setting."""

from __future__ import annotations

import json

import httpx2
import pytest

from neko.language import first_accepted
from tests.client import Client, client
from tests.conftest import RunningServer

NAME = "Mio"


async def answer_to_rubbish(page: Client) -> str:
    await page.connection.send("{")
    return str((await page.until("status"))[-1]["message"])


def written_in(text: str) -> str:
    """The script that tells: kana, Hangul, Han, or none of them."""
    for name, first, last in (("ja", "\u3040", "\u30ff"), ("ko", "\uac00", "\ud7a3"), ("zh", "\u4e00", "\u9fff")):
        if any(first <= letter <= last for letter in text):
            return name
    return "en"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ja", "ja"),
        ("ja-JP,en;q=0.5", "ja"),
        ("zh-TW,zh;q=0.9", "zh-TW"),
        ("zh-Hant-HK", "zh-TW"),
        ("de-DE,de;q=0.9,ko;q=0.8,en;q=0.7", "ko"),
        ("en;q=0.1, ja;q=0.9", "ja"),
        ("fr, de", "en"),
        ("*", None),
        ("", None),
        (",;q=1,,", None),
        ("ja;q=nonsense", "ja"),
    ],
)
def test_the_browser_asks_for_the_first_language_that_she_has(header: str, language: str | None) -> None:
    assert first_accepted(header) == language


@pytest.mark.parametrize("language", ["ja", "ko", "en"])
async def test_a_client_is_told_in_the_language_of_its_handshake(server: RunningServer, language: str) -> None:
    await server.neko.config.change({"neko": {"hearing": {"engine": "off"}}})
    async with client(server.ws_url, NAME, language=language) as page:
        assert page.frames[0]["language"] == language
        assert written_in(await answer_to_rubbish(page)) == language
        await page.send("start_session", input_type="audio")
        assert written_in((await page.until("session_failed"))[-1]["message"]) == language


async def test_the_language_of_an_action_comes_before_that_of_the_handshake(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, language="ja") as page:
        await page.send("ping", language="ko-KR")
        assert written_in(await answer_to_rubbish(page)) == "ko"


async def test_one_clients_language_changes_no_other_clients(server: RunningServer) -> None:
    await server.neko.characters.edit(lambda raw: raw["猫娘"].update(Rin={}))
    async with (
        client(server.ws_url, NAME, language="ja", knows_takeover=False) as older,
        client(server.ws_url, NAME, language="ko") as newer,
        client(server.ws_url, "Rin") as other,
    ):
        assert written_in(await answer_to_rubbish(older)) == "ja"
        assert written_in(await answer_to_rubbish(newer)) == "ko"
        await newer.send("ping", language="zh-CN")
        assert written_in(await answer_to_rubbish(newer)) == "zh"
        assert written_in(await answer_to_rubbish(older)) == "ja"
        assert written_in(await answer_to_rubbish(other)) == "en"
        assert server.neko.language.current == "en"


async def test_a_client_that_names_none_gets_that_of_the_characters_last_client(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, language="ja"):
        pass
    async with client(server.ws_url, NAME) as page:
        assert page.frames[0]["language"] == "ja"
        assert written_in(await answer_to_rubbish(page)) == "ja"
    await server.neko.characters.edit(lambda raw: raw["猫娘"].update(Rin={}))
    async with client(server.ws_url, "Rin") as page:
        assert page.frames[0]["language"] == "en"


async def test_without_any_client_the_setting_counts(server: RunningServer) -> None:
    await server.neko.config.change({"neko": {"language": "ko"}})
    async with client(server.ws_url, NAME) as page:
        assert page.frames[0]["language"] == "ko"
    async with client(server.ws_url, NAME, language="ja") as page:
        assert page.frames[0]["language"] == "ja"


HEARD = [(own, last, setting) for own in ("ja", None) for last in ("ko", None) for setting in ("zh-CN", None)]


@pytest.mark.parametrize(("own", "last", "setting"), HEARD)
async def test_a_call_and_a_socket_are_answered_in_the_same_language(
    server: RunningServer, own: str | None, last: str | None, setting: str | None
) -> None:
    await server.neko.config.change({"neko": {"language": setting}})
    await server.neko.characters.edit(lambda raw: raw["猫娘"][NAME].update(mine="yes"))  # so she stays who she is
    if last:
        async with client(server.ws_url, NAME, language=last):
            pass
    expected = own or last or setting or "en"
    headers = {"accept-language": own} if own else {}
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, headers=headers) as http:
        refused = await http.post("/api/models/use", json={"provider": "custom", "base_url": "two words"})
        page = (await http.get("/")).text
    assert written_in(refused.json()["error"]) == expected[:2]
    assert f'<html lang="{setting or expected}"' in page
    async with client(server.ws_url, NAME, language=own) as talk:
        assert talk.frames[0]["language"] == expected


async def test_what_a_page_says_it_shows_comes_before_what_its_browser_asks_for(server: RunningServer) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, headers={"accept-language": "ja"}) as http:
        refused = await http.post("/api/models/use?neko_language=ko", json={"provider": "custom", "base_url": "a b"})
    assert written_in(refused.json()["error"]) == "ko"


async def test_what_she_is_told_to_be_is_in_the_language_of_who_talks(server: RunningServer) -> None:
    manager = server.neko.conversations.get(NAME)
    assert manager is not None
    async with client(server.ws_url, NAME, language="ja") as page:
        assert manager.language == "ja"
        await page.connection.send(json.dumps({"action": "ping", "language": "ko"}))
        await page.until("pong")
        assert manager.language == "ko"
