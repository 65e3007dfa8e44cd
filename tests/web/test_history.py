"""The conversation, page by page, from the real log."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from neko.application import Neko
from neko.types.lines import NewLine

START = datetime(2026, 3, 1, 12, 0)


@pytest.fixture
async def ids(neko: Neko) -> list[int]:
    """Seven lines; their ids."""
    name = neko.characters.current
    lines = [
        NewLine(
            "s", f"t{number}", "assistant" if number % 2 else "user", f"行 {number}", START + timedelta(minutes=number)
        )
        for number in range(7)
    ]
    return [(await neko.memory.store(name, line)).line.id for line in lines]


async def page(client: httpx2.AsyncClient, neko: Neko, **query: int) -> tuple[list[int], bool]:
    answer = (await client.get(f"/api/history/{neko.characters.current}", params=query)).json()
    return [line["id"] for line in answer["lines"]], answer["has_more"]


async def test_the_last_lines_come_oldest_first(client: httpx2.AsyncClient, neko: Neko, ids: list[int]) -> None:
    assert await page(client, neko) == (ids, False)
    assert await page(client, neko, limit=3) == (ids[-3:], True)


async def test_scrolling_back_ends_where_nothing_is_older(
    client: httpx2.AsyncClient, neko: Neko, ids: list[int]
) -> None:
    assert await page(client, neko, before=ids[4], limit=3) == (ids[1:4], True)
    assert await page(client, neko, before=ids[1], limit=3) == (ids[:1], False)
    assert await page(client, neko, before=ids[0]) == ([], False)


async def test_catching_up_takes_the_next_lines_first(client: httpx2.AsyncClient, neko: Neko, ids: list[int]) -> None:
    assert await page(client, neko, after=ids[1], limit=3) == (ids[2:5], True)
    assert await page(client, neko, after=ids[4], limit=3) == (ids[5:], False)


async def test_a_line_tells_all_that_the_page_shows(client: httpx2.AsyncClient, neko: Neko, ids: list[int]) -> None:
    name = neko.characters.current
    line = (await client.get(f"/api/history/{name}", params={"limit": 1})).json()["lines"][0]
    at = line.pop("at")
    assert datetime.fromisoformat(at).utcoffset() is not None
    assert datetime.fromisoformat(at).replace(tzinfo=None) == START + timedelta(minutes=6)
    assert line == {
        "id": ids[-1],
        "role": "user",
        "text": "行 6",
        "status": "complete",
        "turn_id": "t6",
        "client_id": None,
        "images": 0,
        "chat": 0,
        "replaces": None,
        "pictures": [],
        "remark": None,
        "recalled": [],
        "recalled_elsewhere": [],
        "speaker": neko.characters.cards.master_name,
    }


async def test_a_log_that_cannot_be_opened_is_named_without_saying_where_the_data_is(
    client: httpx2.AsyncClient, neko: Neko, data_dir: Path
) -> None:
    name = neko.characters.current
    (data_dir / "memory" / f"time_indexed_{name}").mkdir()
    answer = await client.get(f"/api/history/{name}")
    assert answer.status_code == 503
    assert f"memory/time_indexed_{name}" in answer.json()["error"] + answer.json()["remedy"]
    assert str(data_dir) not in answer.text


async def test_an_unknown_character_has_no_history(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/history/nobody")
    assert (answer.status_code, answer.json()["success"], answer.json()["code"]) == (404, False, "character")


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"limit": "501"}, {"before": "-1"}])
async def test_a_query_that_cannot_be_is_422(client: httpx2.AsyncClient, neko: Neko, query: dict[str, str]) -> None:
    answer = await client.get(f"/api/history/{neko.characters.current}", params=query)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", *query]


@pytest.mark.parametrize("number", [2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 10**4000])
async def test_numbers_beyond_every_id_are_only_large(
    client: httpx2.AsyncClient, neko: Neko, ids: list[int], number: int
) -> None:
    assert await page(client, neko, before=number) == (ids, False)
    assert await page(client, neko, after=number) == ([], False)


async def test_another_version_of_the_last_reply_can_be_chosen(
    client: httpx2.AsyncClient, neko: Neko, ids: list[int]
) -> None:
    name = neko.characters.current
    last = NewLine("s", "t9", "assistant", "one way", START + timedelta(hours=1))
    one = (await neko.memory.store(name, last)).line.id
    other = replace(last, text="another way", at=START + timedelta(hours=2), replaces=one)
    two = (await neko.memory.store(name, other)).line.id
    address = f"/api/history/{name}/versions"
    found = (await client.get(address, params={"line": two})).json()["lines"]
    assert [(line["id"], line["text"], line["status"]) for line in found] == [
        (one, "one way", "complete"),
        (two, "another way", "complete"),
    ]
    answer = await client.post(address, json={"line": one})
    chosen = answer.json()["line"]
    assert (answer.status_code, chosen["text"], chosen["replaces"]) == (200, "one way", two)
    assert (await page(client, neko))[0] == [*ids, chosen["id"]]
    refused = await client.post(address, json={"line": ids[1]})
    assert (refused.status_code, refused.json()["code"]) == (409, "version_not_now")
    assert (await client.post("/api/history/nobody/versions", json={"line": 1})).status_code == 404


async def test_a_picture_comes_as_what_it_is_and_into_no_cache(client: httpx2.AsyncClient, neko: Neko) -> None:
    name = neko.characters.current
    [file] = await neko.memory.keep_pictures(name, [b"\xff\xd8<script>"])
    line = NewLine("s", "t", "user", "look", START, images=1, pictures=(file,))
    await neko.memory.store(name, line)
    assert (await client.get(f"/api/history/{name}")).json()["lines"][0]["pictures"] == [file]
    answer = await client.get(f"/api/history/{name}/pictures/{file}")
    assert (answer.status_code, answer.content) == (200, b"\xff\xd8<script>")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    for wrong in [f"{'0' * 64}.jpg", "..%2Frecent_Mio.json", "x.jpg"]:
        assert (await client.get(f"/api/history/{name}/pictures/{wrong}")).status_code == 404
    assert (await client.get(f"/api/history/nobody/pictures/{file}")).status_code == 404


@pytest.mark.parametrize("number", [-1, 2**63, 2**70, 10**30])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("history/{}/delete", {"ids": [1, "number"]}),
        ("history/{}/versions", {"line": "number"}),
        ("chats/{}/open", {"chat": "number"}),
        ("chats/{}/delete", {"chat": "number"}),
        ("chats/{}/rename", {"chat": "number", "title": "a"}),
    ],
)
async def test_a_number_that_can_be_no_id_is_no_failure_of_ours(
    client: httpx2.AsyncClient, neko: Neko, ids: list[int], path: str, body: dict[str, object], number: int
) -> None:
    text = json.dumps(body).replace('"number"', str(number))
    address = f"/api/{path.format(neko.characters.current)}"
    answer = await client.post(address, content=text, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert await page(client, neko) == (ids, False)
