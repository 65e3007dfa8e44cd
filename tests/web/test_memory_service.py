"""The calls of N.E.K.O.'s memory service and of its page of memories, under this port."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from neko.i18n import sentence
from neko.language import LANGUAGES


def history(*texts: str) -> dict[str, str]:
    said = [{"role": "assistant" if at % 2 else "user", "content": text} for at, text in enumerate(texts)]
    return {"input_history": json.dumps(said)}


@pytest.fixture
def name(neko: Neko) -> str:
    return neko.characters.current


async def test_what_is_cached_is_told_to_a_new_session(client: httpx2.AsyncClient, name: str) -> None:
    answer = (await client.post(f"/memory/cache/{name}", json=history("my cat is called Biscuit", "how sweet"))).json()
    assert (answer["status"], answer["count"]) == ("cached", 2)
    text = (await client.get(f"/memory/new_dialog/{name}")).text
    assert text.startswith(f"========{name}")
    assert "整理了近期发生的事情" in text
    assert "| my cat is called Biscuit\n" in text
    assert text.endswith(f"{name} | how sweet")
    recent = (await client.get(f"/memory/get_recent_history/{name}")).json()
    assert recent.endswith(f"{name} | how sweet")


@pytest.mark.parametrize("call", ["cache", "process", "renew"])
async def test_off_the_record_nothing_is_kept_and_that_is_said(
    client: httpx2.AsyncClient, neko: Neko, name: str, call: str
) -> None:
    async def off_record(on: bool) -> None:
        await client.post(f"/api/memory_browser/{name}/off_record", json={"on": on})

    await off_record(True)
    answer = (await client.post(f"/memory/{call}/{name}", json=history("my cat", "how sweet"))).json()
    assert answer == {
        "status": "cached" if call == "cache" else "processed",
        "message": sentence("off_record.unkept", neko.language_of(name)),
        "count": 0,
    }
    await off_record(False)
    await client.post(f"/memory/{call}/{name}", json=history("my dog"))
    assert [line.text for line in await neko.memory.lines(name)] == ["my dog"]


async def test_a_settled_session_is_summed_up(client: httpx2.AsyncClient, neko: Neko, name: str) -> None:
    said = history(*(f"I like apple number {at}" for at in range(14)))
    for call in ("process", "renew"):
        assert (await client.post(f"/memory/{call}/{name}", json=said)).json()["status"] == "processed"
    assert len(await neko.memory.recent(name)) <= 10


async def test_all_of_what_is_processed_is_in_the_memo_or_in_the_window(
    client: httpx2.AsyncClient, neko: Neko, name: str
) -> None:
    fruits = ("apple", "banana", "cherry", "date", "elder", "fig", "grape", "hazel", "iris", "kiwi", "lemon", "mango")
    texts = [f"My {fruit} fell on Monday." for fruit in (*fruits, "olive", "peach")]
    await client.post(f"/memory/process/{name}", json=history(*texts))
    memo, *rest = [entry.text for entry in await neko.memory.recent(name)]
    assert rest == texts[5:]
    assert all(text in memo for text in texts[:5:2]), "without a model it is of the user's words"


async def test_sessions_that_are_settled_at_once_are_all_settled(
    client: httpx2.AsyncClient, neko: Neko, name: str
) -> None:
    said = history(*(f"Apple number {at} fell on Monday." for at in range(12)))
    calls = [client.post(f"/memory/process/{name}", json=said) for _ in range(4)]
    assert {answer.json()["status"] for answer in await asyncio.gather(*calls)} == {"processed"}
    assert len(await neko.memory.recent(name)) <= 10


@pytest.mark.parametrize("call", ["process", "renew"])
async def test_facts_are_learnt_from_what_is_settled(
    client: httpx2.AsyncClient, neko: Neko, name: str, call: str
) -> None:
    await client.post(f"/memory/{call}/{name}", json=history("I live in Oslo", "how nice"))
    assert [(fact.attribute, fact.value) for fact in await neko.memory.facts(name)] == [("home", "Oslo")]


async def test_what_was_said_and_summed_up_between_two_moments_is_told(client: httpx2.AsyncClient, name: str) -> None:
    now = datetime.now()
    today = {"start": (now - timedelta(days=1)).isoformat(), "end": (now + timedelta(days=1)).isoformat()}
    earlier = {"start": "2001-01-01", "end": "2001-01-02"}
    await client.post(f"/memory/process/{name}", json=history(*(f"Apple number {at} fell." for at in range(14))))

    async def asked(what: str, when: dict[str, str], of: str = name) -> list[Any]:
        answer = await client.get(f"/memory/retrieve_{what}_by_timeframe/{of}", params=when)
        rows: list[Any] = answer.json()["rows"]
        return rows

    said = await asked("original", today)
    assert [row["message"]["type"] for row in said[:3]] == ["human", "ai", "human"]
    assert len(said) == 14
    (summed_up,) = await asked("summary", today)
    assert summed_up["message"]["type"] == "system"
    assert len(summed_up["sources"]) == 5
    assert await asked("original", earlier) == await asked("summary", earlier) == []
    assert await asked("original", today, "nobody") == []


async def test_what_was_said_is_searched_for(client: httpx2.AsyncClient, name: str) -> None:
    await client.post(f"/memory/cache/{name}", json=history("my cat is called Biscuit", "how sweet"))
    found = (await client.get(f"/memory/search_for_memory/{name}/what is my cat called?")).json()
    assert "my cat is called Biscuit" in found
    found = (await client.get(f"/memory/search_for_memory/{name}/Biscuit and/or a cat?")).json()
    assert "my cat is called Biscuit" in found


async def test_the_rest_of_the_service_answers(client: httpx2.AsyncClient, name: str) -> None:
    assert (await client.get("/memory/health")).json()["service"] == "memory"
    assert (await client.get(f"/memory/get_settings/{name}")).json().startswith(f"{name}记得{{")
    assert (await client.post("/memory/reload")).json()["status"] == "success"
    assert (await client.post(f"/memory/cancel_correction/{name}")).json()["status"] == "no_task"
    assert (await client.post("/memory/shutdown")).json()["status"] == "shutdown_disabled"
    assert (await client.get("/memory/new_dialog/nobody")).text == ""
    assert (await client.post("/memory/cache/nobody", json=history("x"))).status_code == 404


def put_settings(neko: Neko, name: str, content: object) -> Path:
    path = neko.folder.memory / f"settings_{name}.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


async def told(client: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    text: str = (await client.get(f"/memory/get_settings/{name}")).json()
    settings: dict[str, Any] = json.loads(text.removeprefix(f"{name}记得"))
    return settings


async def test_the_settings_that_were_extracted_lie_under_the_cards(
    client: httpx2.AsyncClient, neko: Neko, name: str
) -> None:
    cards, master = await told(client, name), neko.characters.cards.master_name
    (key, value), *_ = cards[name].items()
    content = {name: {key: "other", "hobby": "stars", "voice_id": "x"}, master: {"city": "Oslo", "age": 30}}
    path = put_settings(neko, name, content)
    assert await told(client, name) == {
        name: {**cards[name], "hobby": "stars", key: value},
        master: {**cards[master], "city": "Oslo", "age": "30"},
    }
    assert json.loads(path.read_text(encoding="utf-8")) == content
    dialog = (await client.get(f"/memory/new_dialog/{name}")).text
    assert '"hobby":"stars"' in dialog
    dependencies = neko._dependencies(name)
    await dependencies.read_settings()
    assert dependencies.persona().traits[name]["hobby"] == "stars"
    path.unlink()
    assert await told(client, name) == cards


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (["Old", "Former"], ("stars", "Oslo")),
        (["{name}", "Former"], ("stars", "Oslo")),
        (["Old", "{master}"], ("stars", "Oslo")),
        (["{name}"], ("stars", None)),
        (["{master}"], (None, "stars")),
        (["Old"], (None, "stars")),
        ([], (None, None)),
    ],
)
async def test_settings_under_a_former_name_still_count(
    client: httpx2.AsyncClient, neko: Neko, name: str, names: list[str], known: tuple[str | None, str | None]
) -> None:
    master = neko.characters.cards.master_name
    values = [{"city": "stars"}, {"city": "Oslo"}]
    keys = [one.format(name=name, master=master) for one in names]
    put_settings(neko, name, dict(zip(keys, values, strict=False)))
    settings = await told(client, name)
    assert (settings[name].get("city"), settings[master].get("city")) == known


@pytest.mark.parametrize("content", ["{", "[]", '{"x": 1}', '"x"'])
async def test_settings_that_cannot_be_used_count_as_empty_and_what_is_damaged_is_told(
    client: httpx2.AsyncClient, neko: Neko, name: str, content: str
) -> None:
    cards = await told(client, name)
    put_settings(neko, name, content)
    assert await told(client, name) == cards
    assert [fault.character for fault in neko.faults.all()] == ([] if content == '{"x": 1}' else [name])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", ["", "no json", "{}", "[1]"])
async def test_a_history_that_is_none_is_refused_in_the_readers_language(
    client: httpx2.AsyncClient, name: str, language: str, text: str
) -> None:
    headers = {"accept-language": language}
    answer = (await client.post(f"/memory/cache/{name}", json={"input_history": text}, headers=headers)).json()
    assert answer["status"] == "error"
    assert answer["message"].isascii() == (language == "en")


# ── the page ─────────────────────────────────────────────────────────────────


async def test_a_recent_window_in_the_encoding_of_chinese_windows_is_read(
    client: httpx2.AsyncClient, data_dir: Path
) -> None:
    text = json.dumps([{"type": "human", "data": {"content": "你好，小夜"}}], ensure_ascii=False)
    (data_dir / "memory" / "recent_孤儿.json").write_bytes(text.encode("gbk"))
    read = await client.get("/api/memory/recent_file", params={"filename": "recent_孤儿.json"})
    assert read.json()["content"] == text


async def test_a_recent_window_is_read_and_replaced_as_a_file(
    client: httpx2.AsyncClient, neko: Neko, name: str
) -> None:
    await client.post(f"/memory/cache/{name}", json=history("one", "two"))
    await neko.memory.close(name)
    file = f"recent_{name}.json"
    assert file in (await client.get("/api/memory/recent_files")).json()["files"]
    content = (await client.get("/api/memory/recent_file", params={"filename": file})).json()["content"]
    assert len(json.loads(content)) == 2
    chat = [{"role": "system", "text": "We met."}, {"role": "human", "text": "one"}, {"role": "ai", "text": "three"}]
    answer = (await client.post("/api/memory/recent_file/save", json={"filename": file, "chat": chat})).json()
    assert answer == {"success": True, "need_refresh": True, "catgirl_name": name}
    assert [entry.text for entry in await neko.memory.recent(name)] == ["We met.", "one", "three"]
    content = (await client.get("/api/memory/recent_file", params={"filename": file})).json()["content"]
    assert json.loads(content)[1]["data"]["additional_kwargs"]["neko"], "what stayed is still known to be that line"
    wrong: list[object] = [{"role": "human"}, ["x"], [{"text": "x"}], [{"role": "human", "text": 1}]]
    for shape in wrong:
        refused = await client.post("/api/memory/recent_file/save", json={"filename": file, "chat": shape})
        assert refused.status_code == 400, shape
    assert [entry.text for entry in await neko.memory.recent(name)] == ["We met.", "one", "three"]
    await client.post("/api/memory/recent_file/save", json={"filename": file, "chat": []})
    await neko.memory.close(name)
    assert await neko.memory.recent(name) == []


@pytest.mark.parametrize(
    ("file", "status"),
    [("core_config.json", 400), ("recent_../x.json", 400), ("recent_a/b.json", 400), ("recent_nobody.json", 404)],
)
async def test_other_files_are_neither_read_nor_written(client: httpx2.AsyncClient, file: str, status: int) -> None:
    read = await client.get("/api/memory/recent_file", params={"filename": file})
    written = await client.post("/api/memory/recent_file/save", json={"filename": file, "chat": []})
    assert (read.status_code, written.status_code) == (status, status)


async def test_the_switch_of_the_review_is_kept_where_upstream_keeps_it(client: httpx2.AsyncClient, neko: Neko) -> None:
    async def switched() -> Any:
        return (await client.get("/api/memory/review_config")).json()

    assert await switched() == {"enabled": True}
    answer = (await client.post("/api/memory/review_config", json={"enabled": False})).json()
    assert answer == {"success": True, "enabled": False}
    assert await switched() == {"enabled": False}
    assert neko.config.values["recent_memory_auto_review"] is False
