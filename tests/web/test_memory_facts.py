"""What the page asks of what is known: as of a day, and changes by hand."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import httpx2
import pytest

from neko.app import Neko
from neko.types.lines import NewLine

NOBODY = "/api/memory_browser/nobody/facts"


async def known(client: httpx2.AsyncClient, neko: Neko, **query: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/memory_browser/{neko.characters.current}/facts", params=query)
    facts: list[dict[str, Any]] = answer.json()["facts"]
    return facts


async def change(client: httpx2.AsyncClient, neko: Neko, what: str, **body: Any) -> httpx2.Response:
    return await client.post(f"/api/memory_browser/{neko.characters.current}/facts/{what}", json=body)


async def learnt(neko: Neko, *texts: str) -> list[int]:
    name, lines = neko.characters.current, []
    for month, text in enumerate(texts, start=4):
        line = NewLine("s", str(month), "user", text, datetime(2026, month, 15, 12, 0))
        lines.append((await neko.memory.store(name, line)).line.id)
    await neko.memory.learn(name, None)
    return lines


async def test_what_was_true_in_may_is_told(client: httpx2.AsyncClient, neko: Neko) -> None:
    await learnt(neko, "I live in Oslo", "I love tea", "We moved to Bergen")
    assert [fact["value"] for fact in await known(client, neko, at="2026-05-31")] == ["Oslo", "tea"]
    assert [(fact["value"], fact["until"]) for fact in await known(client, neko)] == [("tea", None), ("Bergen", None)]
    found = await known(client, neko, q="home")
    assert [(fact["value"], fact["until"]) for fact in found] == [("Oslo", "2026-06-15T12:00:00"), ("Bergen", None)]


async def test_a_fact_is_added_set_right_pinned_merged_and_forgotten(client: httpx2.AsyncClient, neko: Neko) -> None:
    (line,) = await learnt(neko, "I love tea")
    added = (await change(client, neko, "add", subject="Clara", attribute="job", value=" violin  maker ")).json()
    assert (added["fact"]["value"], added["fact"]["by_hand"], added["fact"]["sources"]) == ("violin maker", True, [])
    fact = added["fact"]["id"]
    right = await change(client, neko, "edit", id=fact, value="luthier", since="2026-02-01", until="2026-03-01")
    assert right.json()["fact"] | {"id": 0} == {
        "id": 0,
        "subject": "Clara",
        "attribute": "job",
        "value": "luthier",
        "since": "2026-02-01T00:00:00",
        "until": "2026-03-01T00:00:00",
        "sources": [],
        "by_hand": True,
        "pinned": False,
    }
    assert (await change(client, neko, "edit", id=fact, until=None)).json()["fact"]["until"] is None
    assert (await change(client, neko, "pin", id=fact, on=True)).json()["fact"]["pinned"]
    (tea,) = [one["id"] for one in await known(client, neko) if one["value"] == "tea"]
    merged = (await change(client, neko, "merge", into=fact, ids=[tea])).json()
    assert (merged["fact"]["value"], merged["fact"]["sources"]) == ("luthier", [line])
    assert (await change(client, neko, "undo", change=merged["change"])).status_code == 200
    assert (await change(client, neko, "undo", change=merged["change"])).status_code == 409
    assert (await change(client, neko, "forget", ids=[fact])).json()["lines"] == []
    assert [one["value"] for one in await known(client, neko)] == ["tea"]


async def test_a_fact_is_forgotten_with_what_was_said_and_both_come_back(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    (line,) = await learnt(neko, "I live in Oslo")
    before = await known(client, neko)
    gone = (await change(client, neko, "forget", ids=[before[0]["id"]], lines=True)).json()
    assert gone["lines"] == [line]
    assert await neko.memory.lines(neko.characters.current) == []
    path = f"/api/memory_browser/{neko.characters.current}/undo"
    assert (await client.post(path, json={})).status_code == 200
    assert (await change(client, neko, "undo", change=gone["change"])).status_code == 200
    assert await known(client, neko) == before


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        ("edit", {"id": 99, "value": "x"}, 404),
        ("pin", {"id": 99, "on": True}, 404),
        ("merge", {"into": 99, "ids": [98]}, 404),
        ("forget", {"ids": [99]}, 404),
        ("undo", {"change": 99}, 409),
        ("add", {"subject": "user", "attribute": "home", "value": " \n "}, 422),
        ("add", {"subject": "user", "attribute": "home", "value": "x", "since": "0001-01-01T00:00:00+23:00"}, 400),
    ],
)
async def test_what_cannot_be_changed_is_refused(
    client: httpx2.AsyncClient, neko: Neko, what: str, body: dict[str, Any], status: int
) -> None:
    assert (await change(client, neko, what, **body)).status_code == status


async def test_what_the_users_card_and_the_extracted_settings_say_is_told_too(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    name, master = neko.characters.current, neko.characters.cards.master_name
    path = neko.folder.memory / f"settings_{name}.json"
    path.write_text(json.dumps({name: {"hobby": "stars"}, master: {"city": "Oslo"}}), encoding="utf-8")
    answer = (await client.get(f"/api/memory_browser/{name}/facts")).json()
    assert answer["file"] == path.name
    assert {"subject": "user", "attribute": "city", "value": "Oslo"} in answer["given"]
    assert [one["value"] for one in answer["given"] if one["subject"] == "character"] == ["stars"]


async def test_a_fact_does_not_end_before_it_begins(client: httpx2.AsyncClient, neko: Neko) -> None:
    await learnt(neko, "I live in Oslo")
    (fact,) = await known(client, neko)
    assert (await change(client, neko, "edit", id=fact["id"], until="2026-01-01")).status_code == 400


async def test_an_unknown_character_knows_nothing(client: httpx2.AsyncClient, neko: Neko) -> None:
    assert (await client.get(NOBODY)).status_code == 404
    assert (await client.post(f"{NOBODY}/forget", json={"ids": [1]})).status_code == 404
