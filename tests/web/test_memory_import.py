"""Imports by the calls of the page: told, aimed, imported, cut short, taken back."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.app import imports
from neko.app.import_share import Share
from neko.application import Neko
from neko.types.lines import UNKNOWN_TIME, NewLine
from neko.types.memory import InChats

START = datetime(2026, 3, 1, 12, 0)


def export(lines: int, character: str = "Mio") -> bytes:
    said = [
        {"at": (START + timedelta(minutes=at)).isoformat(), "role": "user", "text": f"line {at}"} for at in range(lines)
    ]
    return json.dumps({"character": character, "lines": said}).encode()


async def send(client: httpx2.AsyncClient, neko: Neko, *contents: bytes) -> httpx2.Response:
    files = [("files", (f"kept{number}.json", content)) for number, content in enumerate(contents)]
    data = {"character": neko.characters.current, "modified": ["1772366400000"] * len(contents)}
    return await client.post("/api/memory_import", data=data, files=files)


async def at_rest(client: httpx2.AsyncClient) -> dict[str, Any]:
    while True:
        state: dict[str, Any] = (await client.get("/api/memory_import")).json()
        if state["state"] not in ("reading", "running", "taking_back"):
            return state
        await asyncio.sleep(0.01)


async def texts(neko: Neko, character: str) -> list[str]:
    return [line.text for line in await neko.memory.lines(character, limit=2_000, chat=InChats.ALL)]


def workplaces(neko: Neko) -> list[Path]:
    return list(neko.folder.memory.glob(".work-*"))


async def test_what_would_come_is_told_first_then_it_comes_and_is_taken_back(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    name = neko.characters.current
    assert (await client.get("/api/memory_import")).json()["state"] == "none"
    assert (await send(client, neko, export(3, name), b"diary")).status_code == 200
    told = await at_rest(client)
    assert [(file["kind"], file["why"]) for file in told["files"]] == [("export", ""), ("other", "not_memory")]
    (share,) = told["shares"]
    assert (share["character"], share["exists"], share["lines"], share["known"]) == (name, True, 3, 0)
    assert (share["first"], share["last"]) == ("2026-03-01T12:00:00", "2026-03-01T12:02:00")
    assert await texts(neko, name) == []
    assert (await client.post("/api/memory_import/start")).status_code == 200
    done = await at_rest(client)
    assert (done["state"], done["done"], done["total"]) == ("done", 3, 3)
    assert workplaces(neko) == [], "what is not needed any more"
    assert await texts(neko, name) == ["line 0", "line 1", "line 2"]
    number = done["shares"][0]["number"]
    (change,) = (await client.get(f"/api/memory_browser/{name}/changes")).json()["changes"]
    assert (change["kind"], change["lines"], change["number"]) == ("imported", 3, number)
    await client.post(f"/api/memory_import/{name}/take_back", json={"number": number})
    assert (await at_rest(client))["state"] == "taken_back"
    assert await texts(neko, name) == []
    await client.post("/api/memory_import/discard")
    assert workplaces(neko) == []


def test_lines_whose_moment_nobody_knows_are_of_no_day() -> None:
    share = Share("", "Mio")
    share.saw([UNKNOWN_TIME])
    assert (share.first, share.last) == (None, None)
    share.saw([UNKNOWN_TIME, START])
    assert (share.first, share.last) == (START, START)


async def test_lines_of_a_stranger_make_a_character_or_go_to_another(client: httpx2.AsyncClient, neko: Neko) -> None:
    name = neko.characters.current
    await neko.memory.store(name, NewLine("s", "t", "user", "line 0", START))
    await send(client, neko, export(2, "Stranger"))
    (share,) = (await at_rest(client))["shares"]
    assert (share["character"], share["exists"], share["known"]) == ("Stranger", False, 0)
    await client.post("/api/memory_import/aim", json={"into": {"Stranger": name}})
    (share,) = (await at_rest(client))["shares"]
    assert (share["character"], share["exists"], share["known"]) == (name, True, 1)
    await client.post("/api/memory_import/aim", json={"into": {"Stranger": "Nobody"}})
    await send(client, neko, export(2, "Stranger"))
    await at_rest(client)
    await client.post("/api/memory_import/start")
    assert (await at_rest(client))["state"] == "done"
    assert await texts(neko, "Stranger") == ["line 0", "line 1"]
    assert await texts(neko, name) == ["line 0"]


async def test_an_import_that_is_cut_short_keeps_what_came_and_goes_back_whole(
    client: httpx2.AsyncClient, neko: Neko, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_STEP", 5)
    name = neko.characters.current
    await send(client, neko, export(1_000, name))
    await at_rest(client)
    await client.post("/api/memory_import/start")
    while True:
        if (await client.get("/api/memory_import")).json()["done"]:
            break
    assert (await send(client, neko, export(1))).status_code == 409, "it runs"
    cut = (await client.post("/api/memory_import/cancel")).json()
    there = await texts(neko, name)
    assert cut["state"] == "cancelled"
    assert 0 < cut["done"] == len(there) < 1_000
    await client.post(f"/api/memory_import/{name}/take_back", json={"number": cut["shares"][0]["number"]})
    await at_rest(client)
    assert await texts(neko, name) == []


@pytest.mark.parametrize("names", [("a/x.json", "a/x.json"), ("a", "a/x.json"), ("a/x.json", "a")])
async def test_files_whose_names_stand_in_each_others_way_come_all_the_same(
    client: httpx2.AsyncClient, neko: Neko, names: tuple[str, str]
) -> None:
    name = neko.characters.current
    files = [("files", (file, export(number, name))) for number, file in enumerate(names, 2)]
    answer = await client.post("/api/memory_import", data={"character": name}, files=files)
    assert answer.status_code == 200, answer.text
    told = await at_rest(client)
    assert [file["kind"] for file in told["files"]] == ["export", "export"]
    assert told["shares"][0]["lines"] == 5


async def test_while_files_are_received_others_are_turned_away(client: httpx2.AsyncClient, neko: Neko) -> None:
    name = neko.characters.current
    async with neko.imports.receiving() as workplace:
        assert (await send(client, neko, export(1, name))).status_code == 409
        assert workplace.is_dir()
    content = export(300, name)
    answers = await asyncio.gather(*(send(client, neko, content) for _ in range(3)))
    assert 200 in {answer.status_code for answer in answers} <= {200, 409}, [answer.text for answer in answers]
    assert (await at_rest(client))["state"] == "ready"
    assert len(workplaces(neko)) == 1


async def test_where_the_lines_go_can_be_said_twice_at_once(client: httpx2.AsyncClient, neko: Neko) -> None:
    name = neko.characters.current
    await send(client, neko, export(300, "Stranger"), export(200, "Other"))
    bodies = [{"into": {stranger: name}} for stranger in ("Stranger", "Other")]
    answers = await asyncio.gather(*(client.post("/api/memory_import/aim", json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 200]
    told = await at_rest(client)
    assert told["state"] == "ready"
    assert [(share["character"], share["lines"]) for share in told["shares"]] == [(name, 300), (name, 200)]


async def test_what_was_exported_comes_back_after_its_character_was_deleted(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    turns = [
        {
            "conversation": "Yuki",
            "id": f"a{n}",
            "session": "s",
            "ts": 1e9 + n / 8,
            "speaker": "Anna",
            "text": f"line {n}",
        }
        for n in range(20)
    ]
    assert (await client.post("/api/memory/turns", json={"turns": turns})).json()["stored"] == 20
    names = await neko.memory.keep_pictures("Yuki", [b"\xff\xd8 a picture"])
    await neko.memory.store("Yuki", NewLine("s", "t", "user", "look", START, images=1, pictures=names))
    kept = await client.get("/api/history/Yuki/export?form=json")
    assert (await client.delete("/api/characters/catgirl/Yuki")).status_code == 200
    await send(client, neko, kept.content)
    (share,) = (await at_rest(client))["shares"]
    assert (share["character"], share["exists"], share["lines"], share["pictures"]) == ("Yuki", False, 21, 1)
    await client.post("/api/memory_import/start")
    done = await at_rest(client)
    assert (done["state"], done["done"], done["total"]) == ("done", 21, 21)
    changes = b'"changes"'
    assert changes in kept.content, "the import is one more, and those before do not come back"
    exported = (await client.get("/api/history/Yuki/export?form=json")).content
    assert exported.partition(changes)[0] == kept.content.partition(changes)[0]
    again = (await client.post("/api/memory/turns", json={"turns": turns})).json()
    assert (again["stored"], again["known"]) == (0, 20)


@pytest.mark.parametrize(("into", "stays"), [("", False), ("Yuki", True)])
async def test_what_waits_to_be_imported_goes_when_its_character_forgets_everything(
    client: httpx2.AsyncClient, neko: Neko, into: str, stays: bool
) -> None:
    name = neko.characters.current
    await neko.characters.create("Yuki", {})
    await send(client, neko, export(3, into or name))
    assert (await at_rest(client))["state"] == "ready"
    await neko.characters.clear_memory(name)
    assert (await client.get("/api/memory_import")).json()["state"] == ("ready" if stays else "none")
    assert bool(workplaces(neko)) == stays


async def test_nothing_is_started_that_was_not_looked_at(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/memory_import/start")
    assert answer.status_code == 409
    assert answer.json()["error"]
