"""Adding, changing, renaming, deleting and restoring characters, over real HTTP and real files."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from neko.characters import OWN, PROFILE_NAME, SYSTEM_KEYS
from neko.sessions import lorebook
from neko.settings.reply_options import ReplyOptions, reply_options
from neko.types.lines import NewLine
from tests.web.running_app import serving, started

CATGIRL = "/api/characters/catgirl"


async def told(neko: Neko, name: str, text: str) -> None:
    await neko.memory.store(name, NewLine("session", "turn", "user", text, datetime.now()))


async def remembered(neko: Neko, name: str) -> list[str]:
    return [line.text for line in await neko.memory.lines(name)]


def on_disk(data_dir: Path) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((data_dir / "config/characters.json").read_text(encoding="utf-8"))
    return raw


def trash(data_dir: Path) -> list[Path]:
    return sorted((data_dir / "trash").glob("*"))


async def added(client: httpx2.AsyncClient, name: str = "Rin", **fields: Any) -> None:
    answer = await client.post(CATGIRL, json={"档案名": name, "Personality": "calm", **fields})
    assert answer.json() == {"success": True, "name": name}


async def test_the_user_is_who_they_say_and_the_name_has_to_be_one(neko: Neko, client: httpx2.AsyncClient) -> None:
    profile = {"档案名": " Daniel ", "昵称": "Dan", "性别": ""}
    assert (await client.post("/api/characters/master", json=profile)).json() == {"success": True}
    assert neko.characters.cards.raw()["主人"] == {"档案名": "Daniel", "昵称": "Dan"}
    for name in ("", "a" * 21, None):
        answer = await client.post("/api/characters/master", json={"档案名": name})
        assert answer.status_code == 400
        failure = answer.json()
        assert failure["error"] == failure["detail"] == failure["message"] != ""
    assert neko.characters.cards.master_name == "Daniel"


async def test_a_character_is_added_with_the_fields_that_have_a_value(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    before = neko.characters.names
    await added(client, 昵称="", neko={"greeting": "Hi.", "language": None, "colours": {"hair": "#112233"}})
    assert neko.characters.names == [*before, "Rin"]
    expected = {"Personality": "calm", "neko": {"greeting": "Hi.", "colours": {"hair": "#112233"}}}
    assert on_disk(data_dir)["猫娘"]["Rin"] == expected
    assert neko.characters.cards.traits("Rin") == {"Personality": "calm"}


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "empty"), ("a/b", "forbidden"), ("a" * 21, "too_long"), ("一" * 11, "too_long"), ("Mio", "taken")],
)
async def test_a_name_that_cannot_be_is_refused_in_words(client: httpx2.AsyncClient, name: str, code: str) -> None:
    answer = await client.post(CATGIRL, json={"档案名": name})
    assert (answer.status_code, answer.json()["code"]) == (400, f"character_{code}")
    assert answer.json()["remedy"]


async def test_putting_a_card_replaces_it_but_for_the_keys_of_the_program(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    await added(client, system_prompt="Be Rin.", live2d="mao_pro", neko={"greeting": "Hi."}, 喜欢="rain")
    body = {"Personality": "lively", "喜欢": "", "档案名": "Other", "neko": "[object Object]"}
    answer = await client.put(f"{CATGIRL}/Rin", json=body)
    assert answer.json() == {"success": True, "voice_id_changed": False, "session_restarted": False}
    expected = {"Personality": "lively", "system_prompt": "Be Rin.", "live2d": "mao_pro", "neko": {"greeting": "Hi."}}
    assert neko.characters.cards.card("Rin") == expected


UNSHOWN: dict[str, Any] = {
    **dict.fromkeys(sorted(SYSTEM_KEYS - {OWN, PROFILE_NAME}), "set by a program"),
    **{"原始数据": {"k": "v"}, "tags": ["a", "b"], "vrm_rotation": {"x": 1}, "lighting": {"ambient": 0.4}},
    **{"x_object": {"a": [1, None]}, "x_list": ["a", 1, None, True], "x_number": 1.5, "x_yes": True, "x_null": None},
}
"""What a form shows no field for, and what is no text."""


@pytest.mark.parametrize("sends_looks", [False, True])
async def test_saving_a_form_takes_away_only_the_texts_that_it_shows(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path, sends_looks: bool
) -> None:
    document = neko.characters.cards.raw()
    document["猫娘"]["Rin"] = {**UNSHOWN, "voice_id": "", "Personality": "calm", "Likes": "rain"}
    document["主人"] = {"档案名": "Dan", "Likes": "rain", **{key: UNSHOWN[key] for key in UNSHOWN if key[:2] == "x_"}}
    neko.characters.cards.edit(lambda raw: raw.update(document))
    looks = {"x_object": "[object Object]", "x_list": "a,1,,true"} if sends_looks else {}
    assert (await client.put(f"{CATGIRL}/Rin", json={"Personality": "lively", **looks})).status_code == 200
    assert (await client.post("/api/characters/master", json={"档案名": "Dan", "City": "Oslo", **looks})).is_success
    saved = on_disk(data_dir)
    assert saved["猫娘"]["Rin"] == {**UNSHOWN, "voice_id": "", "Personality": "lively"}
    assert saved["主人"] == {"City": "Oslo"} | {k: v for k, v in document["主人"].items() if k != "Likes"}


async def test_a_page_that_puts_the_model_alone_takes_no_trait_away(neko: Neko, client: httpx2.AsyncClient) -> None:
    await added(client)
    await client.put(f"{CATGIRL}/Rin", json={"model_type": "vrm"})
    assert neko.characters.cards.card("Rin") == {"Personality": "calm", "model_type": "vrm"}


async def test_a_voice_is_taken_away_by_an_empty_one_and_an_unknown_one_is_refused(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    await added(client, voice_id="v-1")
    answer = await client.put(f"{CATGIRL}/Rin", json={"Personality": "calm", "voice_id": "v-2"})
    assert (answer.status_code, answer.json()["available_voices"]) == (400, [])
    answer = await client.put(f"{CATGIRL}/Rin", json={"Personality": "calm", "voice_id": ""})
    assert answer.json()["voice_id_changed"] is True
    assert neko.characters.cards.card("Rin") == {"Personality": "calm"}


async def test_a_field_is_changed_alone_and_removed_by_null(neko: Neko, client: httpx2.AsyncClient) -> None:
    await added(client, system_prompt="Be Rin.", neko={"greeting": "Hi.", "language": "ja"})
    body = {"system_prompt": None, "Likes": "rain", "neko": {"greeting": None, "colours": {"eyes": "#00ff00"}}}
    assert (await client.patch(f"{CATGIRL}/Rin", json=body)).json() == {"success": True}
    expected = {"Personality": "calm", "Likes": "rain", "neko": {"language": "ja", "colours": {"eyes": "#00ff00"}}}
    assert neko.characters.cards.card("Rin") == expected
    assert neko.language_of("Rin") == "ja"


@pytest.mark.parametrize("own", [{"colours": {"hair": "red"}}, {"language": "xx"}, {"picture": "../../x.png"}, 1])
async def test_a_field_of_ours_that_cannot_be_is_refused(neko: Neko, client: httpx2.AsyncClient, own: Any) -> None:
    await added(client)
    answer = await client.patch(f"{CATGIRL}/Rin", json={"neko": own})
    assert (answer.status_code, answer.json()["code"]) == (400, "character_field")
    assert "neko" not in neko.characters.cards.card("Rin")


async def test_whoever_is_not_there_is_not_found(client: httpx2.AsyncClient) -> None:
    for answer in (
        await client.put(f"{CATGIRL}/Nobody", json={"a": "b"}),
        await client.patch(f"{CATGIRL}/Nobody", json={"a": "b"}),
        await client.delete(f"{CATGIRL}/Nobody"),
        await client.post(f"{CATGIRL}/Nobody/rename", json={"new_name": "Rin"}),
        await client.post("/api/characters/Nobody/restore"),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]


async def test_a_renamed_character_keeps_memory_voice_and_ways(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    await added(client, "e")
    await neko.config.change(neko.voices.changes("e", tuning={"rate": 1.5}))
    await neko.config.change(ReplyOptions(max_tokens=100).changes("e"))
    await told(neko, "e", "I have a cat.")
    assert (await client.post(f"{CATGIRL}/e/rename", json={"new_name": " Ren "})).json() == {"success": True}
    assert await remembered(neko, "Ren") == ["I have a cat."]
    assert neko.voices.tuning("Ren").rate == 1.5
    assert reply_options(neko.config.in_force, "Ren").max_tokens == 100
    assert on_disk(data_dir)["猫娘"]["Ren"] == {"Personality": "calm"}
    assert not [path for path in (data_dir / "memory").iterdir() if path.name in ("time_indexed_e", "recent_e.json")]
    answer = await client.post(f"{CATGIRL}/Ren/rename", json={"new_name": "Mio"})
    assert (answer.status_code, answer.json()["code"]) == (400, "character_taken")


async def test_what_she_said_before_a_renaming_is_recalled_under_the_name_that_she_has(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    await added(client)
    line = NewLine("session", "turn", "assistant", "I have never seen a penguin.", datetime.now())
    await neko.memory.store("Rin", line)
    await client.post(f"{CATGIRL}/Rin/rename", json={"new_name": "Ren"})
    recalled = await neko.memory.recall("Ren", "Have you seen a penguin?", timeout_s=30)
    assert [(one.speaker, one.text) for one in recalled] == [("Ren", line.text)]
    day = f"/api/memory_browser/Ren/day?date={line.at:%Y-%m-%d}"
    assert [one["speaker"] for one in (await client.get(day)).json()["lines"]] == ["Ren"]
    assert [one.speaker for one in await neko.memory.lines("Ren", limit=5)] == ["Rin"], "an export tells who it was"


UPDATE_NAME = "/api/memory/update_catgirl_name"


async def test_after_a_renaming_the_pages_call_for_the_memory_finds_it_there(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    """[rest 6]"""
    await added(client)
    await told(neko, "Rin", "I have a cat.")
    await client.post(f"{CATGIRL}/Rin/rename", json={"new_name": "Ren"})
    answer = await client.post(UPDATE_NAME, json={"old_name": "Rin", "new_name": "Ren"})
    assert answer.json() == {"success": True}
    assert await remembered(neko, "Ren") == ["I have a cat."]


async def test_a_memory_follows_a_character_who_was_renamed_in_the_file(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    await added(client)
    await neko.config.change(neko.voices.changes("Rin", tuning={"rate": 1.5}))
    await told(neko, "Rin", "I have a cat.")
    raw = on_disk(data_dir)
    raw["猫娘"]["Ren"] = raw["猫娘"].pop("Rin")
    (data_dir / "config/characters.json").write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
    await client.post("/api/characters/reload")
    assert await remembered(neko, "Ren") == []
    answer = await client.post(UPDATE_NAME, json={"old_name": "Rin", "new_name": "Ren"})
    assert answer.json() == {"success": True}
    assert await remembered(neko, "Ren") == ["I have a cat."]
    assert neko.voices.tuning("Ren").rate == 1.5


async def test_a_memory_is_not_taken_from_who_is_there_nor_laid_over_another(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    await added(client)
    await added(client, "Ren")
    for name in ("Rin", "Ren"):
        await told(neko, name, f"I am {name}.")
    for names, status in (
        (("Rin", "Ren"), 400),
        (("Nobody", "Somebody"), 404),
        (("../Rin", "Ren"), 400),
        (("", "Ren"), 400),
    ):
        answer = await client.post(UPDATE_NAME, json=dict(zip(("old_name", "new_name"), names, strict=True)))
        assert answer.status_code == status, names
    raw = on_disk(data_dir)
    del raw["猫娘"]["Rin"]
    (data_dir / "config/characters.json").write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
    await client.post("/api/characters/reload")
    assert (await client.post(UPDATE_NAME, json={"old_name": "Rin", "new_name": "Ren"})).status_code == 400
    assert await remembered(neko, "Ren") == ["I am Ren."]
    await added(client, "Fresh")
    assert (await client.post(UPDATE_NAME, json={"old_name": "Gone", "new_name": "Fresh"})).status_code == 404


async def test_a_renaming_that_was_cut_off_is_ended_at_the_next_start(data_dir: Path) -> None:
    async with started(data_dir) as neko:
        await neko.characters.create("Rin", {"Personality": "calm"})
        await told(neko, "Rin", "I have a cat.")
        await neko.memory.close("Rin")
        await neko.reminders.obey("Rin", "remind me in an hour to feed the cat")
        neko.characters.cards.rename("Rin", "Ren")
    async with started(data_dir) as neko:
        assert await remembered(neko, "Ren") == ["I have a cat."]
        assert [one.text for one in neko.reminders.of("Ren")] == ["feed the cat"]
        assert neko.reminders.of("Rin") == ()
        assert neko.characters.cards.card("Ren") == {"Personality": "calm"}


async def test_who_is_deleted_comes_back_with_card_place_and_memory(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    await added(client)
    await added(client, "Ren")
    await told(neko, "Rin", "I have a cat.")
    before = on_disk(data_dir)
    assert (await client.delete(f"{CATGIRL}/Rin")).json() == {"success": True}
    assert "Rin" not in neko.characters.names
    assert not [path for path in (data_dir / "memory").iterdir() if "Rin" in path.name]
    await added(client)
    assert await remembered(neko, "Rin") == []
    taken = await client.post("/api/characters/Rin/restore")
    assert (taken.status_code, taken.json()["code"]) == (400, "character_taken")
    await client.post(f"{CATGIRL}/Rin/rename", json={"new_name": "Other"})
    assert (await client.post("/api/characters/Rin/restore")).json() == {"success": True}
    assert await remembered(neko, "Rin") == ["I have a cat."]
    await client.delete(f"{CATGIRL}/Other")
    assert list(on_disk(data_dir)["猫娘"].items()) == list(before["猫娘"].items())


async def test_pictures_that_she_was_shown_go_with_her_and_come_back_with_her(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    await added(client)
    [file] = names = await neko.memory.keep_pictures("Rin", [b"\xff\xd8 a cat"])
    line = NewLine("s", "t", "user", "look", datetime.now(), images=1, pictures=names)
    await neko.memory.store("Rin", line)
    await client.delete(f"{CATGIRL}/Rin")
    assert not list((data_dir / "memory").rglob("*.jpg"))
    await client.post("/api/characters/Rin/restore")
    await client.post(f"{CATGIRL}/Rin/rename", json={"new_name": "Ren"})
    assert (await client.get(f"/api/history/Ren/pictures/{file}")).content == b"\xff\xd8 a cat"


async def test_the_voice_and_the_ways_of_one_go_with_her_and_come_back_with_her(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    await added(client)
    await neko.config.change(neko.voices.changes("Rin", tuning={"rate": 1.5}))
    await neko.config.change(ReplyOptions(max_tokens=100).changes("Rin"))
    await client.delete(f"{CATGIRL}/Rin")
    assert "Rin" not in (data_dir / "config/core_config.json").read_text(encoding="utf-8")
    await added(client)
    assert neko.voices.tuning("Rin").rate == 1.0
    await neko.config.change(neko.voices.changes("Rin", tuning={"pitch": 2.0}))
    await client.post(f"{CATGIRL}/Rin/rename", json={"new_name": "Other"})
    await client.post("/api/characters/Rin/restore")
    assert (neko.voices.tuning("Rin").rate, neko.voices.tuning("Rin").pitch) == (1.5, 0.0)
    assert reply_options(neko.config.in_force, "Rin").max_tokens == 100


async def test_one_who_is_like_another_has_her_voice_and_her_ways(neko: Neko, client: httpx2.AsyncClient) -> None:
    await added(client)
    await neko.config.change(neko.voices.changes("Rin", tuning={"rate": 1.5}))
    await neko.config.change(ReplyOptions(max_tokens=100).changes("Rin"))
    await neko.config.change(neko.voices.changes("Rin 2", tuning={"pitch": 3.0}))  # left behind by one who is gone
    await client.post(CATGIRL, params={"like": "Rin"}, json={"档案名": "Rin 2"})
    assert (neko.voices.tuning("Rin 2").rate, neko.voices.tuning("Rin 2").pitch) == (1.5, 0.0)
    assert reply_options(neko.config.in_force, "Rin 2").max_tokens == 100
    await client.post("/api/speech", json={"character": "Rin 2", "rate": 0.8})
    assert neko.voices.tuning("Rin").rate == 1.5
    await client.post(CATGIRL, params={"like": "Nobody"}, json={"档案名": "Rin 3"})
    assert neko.voices.tuning("Rin 3").rate == 1.0


async def test_a_copy_of_a_card_has_its_lorebook_and_not_whom_it_knows(neko: Neko, client: httpx2.AsyncClient) -> None:
    book = [{"keys": ["glade"], "content": "x" * 10_000} for _ in range(100)]
    await neko.characters.merge_card("Mio", {"neko": {"lorebook": book, "also_knows": [], "former_name": "Old"}})
    card = (await client.get("/api/characters/")).json()["猫娘"]["Mio"]
    assert (await client.post(CATGIRL, json={**card, "档案名": "Rin"})).status_code == 200
    assert neko.characters.cards.own("Rin") == {"lorebook": book}
    refused = await client.patch(f"{CATGIRL}/Rin", json={"neko": {"lorebook": ["no entry"]}})
    assert (refused.status_code, refused.json()["code"]) == (400, "character_field")


async def test_a_lorebook_that_is_changed_while_she_is_talked_with_is_read_beside_the_talk(
    neko: Neko, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_by: list[threading.Thread] = []

    class Book(lorebook.Book):
        def __init__(self, entries: Sequence[object]) -> None:
            read_by.append(threading.current_thread())
            super().__init__(entries)

    monkeypatch.setattr(lorebook, "Book", Book)
    lorebook._kept.clear()
    assert neko.conversations.get("Mio")
    book = [{"keys": ["glade"], "content": "The glade of the test is green."}]
    assert (await client.patch(f"{CATGIRL}/Mio", json={"neko": {"lorebook": book}})).status_code == 200
    for _ in range(2):
        assert lorebook.book_of(neko.characters.cards.lorebook("Mio")).called(["the glade"]) == [book[0]["content"]]
    assert len(read_by) == 1
    assert threading.main_thread() not in read_by


async def test_the_current_one_is_not_deleted(neko: Neko, client: httpx2.AsyncClient, data_dir: Path) -> None:
    answer = await client.delete(f"{CATGIRL}/{neko.characters.current}")
    assert (answer.status_code, answer.json()["code"]) == (400, "character_current")
    assert trash(data_dir) == []


@pytest.mark.parametrize("card_is_gone", [True, False])
async def test_a_deletion_that_was_cut_off_is_ended_or_never_was(data_dir: Path, card_is_gone: bool) -> None:
    async with started(data_dir) as neko:
        await neko.characters.create("Rin", {})
        await told(neko, "Rin", "I have a cat.")
        await neko.memory.close("Rin")
        neko.characters._trash.announce("Rin", {}, 1)
        if card_is_gone:
            neko.characters.cards.delete("Rin")
    async with started(data_dir) as neko:
        assert bool(trash(data_dir)) is card_is_gone
        assert (data_dir / "memory/time_indexed_Rin").exists() is not card_is_gone
        if card_is_gone:
            await neko.characters.restore("Rin")
        assert await remembered(neko, "Rin") == ["I have a cat."]


async def test_what_was_deleted_a_month_ago_is_gone(data_dir: Path) -> None:
    async with started(data_dir) as neko:
        for name in ("Rin", "Ren"):
            await neko.characters.create(name, {})
            await neko.characters.delete(name)
    old = next(entry for entry in trash(data_dir) if "Rin" in (entry / "character.json").read_text(encoding="utf-8"))
    deleted = json.loads((old / "character.json").read_text(encoding="utf-8"))
    deleted["at"] = (datetime.now() - timedelta(days=31)).isoformat()
    (old / "character.json").write_text(json.dumps(deleted), encoding="utf-8")
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        assert len(trash(data_dir)) == 1
        answer = await client.post("/api/characters/Rin/restore")
        assert (answer.status_code, answer.json()["code"]) == (404, "character_gone")
        assert (await client.post("/api/characters/Ren/restore")).status_code == 200


async def test_what_was_written_by_hand_counts_after_a_reload(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    raw = on_disk(data_dir)
    raw["猫娘"]["Rin"] = {"Personality": "calm"}
    (data_dir / "config/characters.json").write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
    assert (await client.post("/api/characters/reload")).json()["success"] is True
    assert "Rin" in neko.characters.names


PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


async def test_a_picture_is_kept_and_served(neko: Neko, client: httpx2.AsyncClient) -> None:
    await added(client)
    answer = await client.post(f"{CATGIRL}/Rin/picture", files={"file": ("../a.exe", PNG)})
    kept = answer.json()["picture"]
    assert neko.characters.cards.own("Rin") == {"picture": kept}
    served = await client.get(f"/api/characters/pictures/{kept}")
    assert (served.content, served.headers["content-type"]) == (PNG, "image/png")
    assert (await client.get(f"/api/characters/pictures/{'0' * 64}.png")).status_code == 404
    assert (await client.get("/api/characters/pictures/..%2Fconfig%2Fcharacters.json")).status_code >= 400


async def picture_of(client: httpx2.AsyncClient, content: bytes, name: str = "Rin") -> str:
    answer = await client.post(f"{CATGIRL}/{name}/picture", files={"file": ("a.png", content)})
    return str(answer.json()["picture"])


async def test_a_picture_goes_when_no_card_that_may_come_back_names_it(data_dir: Path) -> None:
    def kept() -> set[str]:
        return {path.name for path in (data_dir / "pictures").iterdir()}

    async with started(data_dir) as neko, serving(neko.asgi) as client:
        await added(client)
        first = await picture_of(client, PNG)
        second = await picture_of(client, PNG + b"2")
        assert kept() == {first, second}  # the card before is the backup of the file
        await client.patch(f"{CATGIRL}/Rin", json={"Personality": "merry"})
        assert kept() == {second}
        await client.delete(f"{CATGIRL}/Rin")
        await added(client, "Ren")
        await picture_of(client, PNG + b"3", "Ren")
        third = await picture_of(client, PNG + b"4", "Ren")
        await client.patch(f"{CATGIRL}/Ren", json={"Personality": "merry"})
        assert kept() == {second, third}  # the deleted one may come back
        (data_dir / "pictures/notes.txt").write_text("not ours")
    for entry in trash(data_dir):
        (entry / "character.json").unlink()
    async with started(data_dir):
        assert kept() == {third, "notes.txt"}


@pytest.mark.parametrize(("content", "status"), [(b"<svg></svg>", 400), (b"", 400), (PNG + bytes(3_000_000), 413)])
async def test_what_is_no_small_picture_is_refused(
    neko: Neko, client: httpx2.AsyncClient, content: bytes, status: int
) -> None:
    await added(client)
    answer = await client.post(f"{CATGIRL}/Rin/picture", files={"file": ("a.png", content)})
    assert answer.status_code == status
    assert neko.characters.cards.own("Rin") == {}


async def test_the_voice_of_one_who_is_not_here_is_chosen_by_her_name(neko: Neko, client: httpx2.AsyncClient) -> None:
    await added(client)
    answer = await client.post("/api/speech", json={"character": "Rin", "pitch": 2})
    assert (answer.json()["character"], answer.json()["pitch"]) == ("Rin", 2)
    assert (await client.get("/api/speech")).json()["pitch"] == 0
    assert (await client.get("/api/speech", params={"character": "Rin"})).json()["pitch"] == 2
    assert (await client.get("/api/speech", params={"character": "Nobody"})).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_card_with_a_large_book_is_saved_like_one_that_is_brought(
    neko: Neko, client: httpx2.AsyncClient, method: str
) -> None:
    book = [{"keys": [f"word{number}"], "content": "x" * 3_000} for number in range(500)]
    card = {"background": "a garden", "neko": {"lorebook": book}}
    answer = await client.request(method, "/api/characters/catgirl/Mio", json=card)
    assert answer.status_code == 200, answer.text
    assert neko.characters.cards.card("Mio")["background"] == "a garden"


async def test_who_comes_as_the_cast_is_put_into_the_reader_s_language_stays(neko: Neko, data_dir: Path) -> None:
    await asyncio.gather(neko.characters.suit("ja"), neko.characters.create("Rin", {"Personality": "calm"}))
    assert "Rin" in neko.characters.names
    assert "Rin" in on_disk(data_dir)["猫娘"]


async def test_what_was_written_by_hand_counts_when_the_cast_is_put_into_the_reader_s_language(
    neko: Neko, data_dir: Path
) -> None:
    document = on_disk(data_dir)
    document["猫娘"]["Mio"]["Personality"] = "calm"
    (data_dir / "config/characters.json").write_text(json.dumps(document), encoding="utf-8")
    await neko.characters.suit("ja")
    assert neko.characters.cards.card("Mio")["Personality"] == "calm"
