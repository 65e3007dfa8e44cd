"""What the page of the memory asks: forgetting many lines, and that nothing of them is left."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.app import traces
from neko.application import Neko
from neko.sessions.events import ChatOpened
from neko.sessions.outbox import Outbox
from neko.types.lines import NewLine
from neko.types.memory import InChats

START = datetime(2026, 3, 1, 12, 0)
SECRET = "Zürich-Quokka"


async def tell(neko: Neko, *texts: str) -> list[int]:
    """Lines of the user, a minute apart; their ids."""
    name = neko.characters.current
    lines = [NewLine("s", f"t{at}", "user", text, START + timedelta(minutes=at)) for at, text in enumerate(texts)]
    return [(await neko.memory.store(name, line)).line.id for line in lines]


async def post(client: httpx2.AsyncClient, neko: Neko, call: str, **body: Any) -> httpx2.Response:
    return await client.post(f"/api/memory_browser/{neko.characters.current}/{call}", json=body)


async def looked_for(client: httpx2.AsyncClient, neko: Neko, *words: str) -> dict[str, Any]:
    answer = await post(client, neko, "traces", words=list(words))
    last: dict[str, Any] = json.loads(answer.text.splitlines()[-1])
    return last


async def changes(client: httpx2.AsyncClient, neko: Neko) -> list[tuple[str, int]]:
    answer = (await client.get(f"/api/memory_browser/{neko.characters.current}/changes")).json()
    return [(change["kind"], change["lines"]) for change in answer["changes"]]


async def test_what_is_forgotten_stands_in_no_file_and_comes_back_for_half_a_minute(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    ids = await tell(neko, f"I went to {SECRET}", *(f"line {number}" for number in range(12)), f"{SECRET} again")
    await neko.memory.compress(neko.characters.current, None)
    held = (await looked_for(client, neko, SECRET.lower()))["found"]
    assert f"memory/time_indexed_{neko.characters.current}" in {name.removesuffix("-wal") for name in held}
    forgotten = [ids[0], ids[-1]]
    assert (await post(client, neko, "forget", ids=forgotten)).json()["ids"] == forgotten
    gone = await looked_for(client, neko, *SECRET.split("-"))
    assert gone["found"] == []
    assert gone["files"] > 3
    assert gone["done"] == gone["total"] > 0
    restored = (await post(client, neko, "undo")).json()["lines"]
    assert [line["id"] for line in restored] == forgotten
    assert (await post(client, neko, "undo")).status_code == 409
    assert await changes(client, neko) == [("restored", 2), ("forgotten", 2)]


async def test_the_history_of_changes_holds_no_word_of_them(client: httpx2.AsyncClient, neko: Neko) -> None:
    ids = await tell(neko, f"I went to {SECRET}", "hello")
    assert (await post(client, neko, "line", id=ids[0], text="I stayed at home")).json()["line"]["id"] == ids[0]
    await post(client, neko, "forget", ids=ids[1:])
    assert await changes(client, neko) == [("forgotten", 1), ("corrected", 1)]
    assert (await looked_for(client, neko, SECRET))["found"] == []


async def test_the_same_words_elsewhere_are_told(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.config.change({"note": SECRET})
    assert (await looked_for(client, neko, SECRET))["found"] == ["config/core_config.json"]


async def test_what_is_not_there_cannot_be_changed(client: httpx2.AsyncClient, neko: Neko) -> None:
    for call, code in (("line", "no_line"), ("memo", "no_memo"), ("facts/edit", "no_fact")):
        answer = await post(client, neko, call, id=7, **({} if call == "facts/edit" else {"text": "x"}))
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert (await client.get("/api/memory_browser/nobody/days")).status_code == 404


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(traces, "_CHUNK", 8)
    return 8


async def test_words_are_found_across_the_border_of_two_reads(tmp_path: Path, small_chunks: int) -> None:
    for offset in range(2 * small_chunks):
        (tmp_path / f"{offset:02}").write_bytes(b"." * offset + "a\u5927\u5c0f".encode() + b"." * offset)
    (tmp_path / "escaped").write_text(json.dumps("\u5927\u5c0f"), encoding="ascii")
    (tmp_path / "other").write_bytes("\u5927 \u5c0f".encode())
    found = [step async for step in traces.traces_of(tmp_path, ["A\u5927\u5c0f"[1:]])][-1].found
    assert found == (*(f"{offset:02}" for offset in range(2 * small_chunks)), "escaped")


async def test_words_are_found_in_a_backup_that_the_user_made(tmp_path: Path) -> None:
    for name in ("neko.zip", "other.zip"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data/recent_Mio.json", "grey whale " * 99 * (name == "neko.zip"))
    (tmp_path / "no.zip").write_bytes(b"PK")
    found = [step async for step in traces.traces_of(tmp_path, ["whale"])][-1].found
    assert found == ("neko.zip",)


async def test_a_cleared_memory_is_empty_at_once_and_talk_goes_on_in_a_new_chat(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    name = neko.characters.current
    async for _ in neko.chat(name, f"I went to {SECRET}"):
        pass
    conversation = neko.conversations.opened[name]
    outbox = Outbox()
    with conversation.tap(outbox):
        assert (await post(client, neko, "clear")).json() == {"success": True, "lines": 2}
        while not isinstance(await outbox.get(), ChatOpened):
            pass
    assert not conversation.active
    assert await neko.memory.lines(name, chat=InChats.ALL) == await neko.memory.recent(name) == []
    assert SECRET not in (await client.get(f"/memory/new_dialog/{name}")).text
    assert (await looked_for(client, neko, SECRET))["found"] == []
    async for _ in neko.chat(name, "hello"):
        pass
    assert [line.text for line in await neko.memory.lines(name)][:1] == ["hello"]
    assert await changes(client, neko) == [("forgotten", 2)]


@pytest.mark.parametrize("keeps_memo", [True, False])
async def test_what_the_page_of_another_clears_does_not_come_back(
    client: httpx2.AsyncClient, neko: Neko, data_dir: Path, keeps_memo: bool
) -> None:
    """[memory 10] Its page saves the memo alone, or an empty list where there is none."""
    name = neko.characters.current
    await tell(neko, *(f"{SECRET} {number}" for number in range(14)))
    if keeps_memo:
        await neko.memory.compress(name, None)
    memo = [entry.text for entry in await neko.memory.recent(name) if entry.role == "system"]
    assert len(memo) == keeps_memo
    chat = [{"role": "system", "text": text} for text in memo]
    saved = await client.post("/api/memory/recent_file/save", json={"filename": f"recent_{name}.json", "chat": chat})
    assert saved.json()["success"]
    answer = await client.post(f"/memory/cache/{name}", json={"input_history": '[{"role": "user", "content": "hi"}]'})
    assert answer.json()["count"] == 1
    expected = [*memo, "hi"]
    assert [entry.text for entry in await neko.memory.recent(name)] == expected
    await neko.memory.close(name)
    (data_dir / "memory" / f"recent_{name}.json").write_text("damaged", encoding="utf-8")
    assert [entry.text for entry in await neko.memory.recent(name)][-1:] != [f"{SECRET} 13"]


async def test_what_is_near_to_words_is_no_line_that_was_only_said_beside_what_holds_them(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await tell(neko, "I bought a cello.", "It rained.", "She has two cellos at school.", "We had soup.")
    for words in ("cello", "where is the cello"):
        path = f"/api/memory_browser/{neko.characters.current}/near"
        found = (await client.get(path, params={"q": words})).json()["lines"]
        assert {one["line"]["text"] for one in found} == {"I bought a cello.", "She has two cellos at school."}
