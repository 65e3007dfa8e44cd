"""What comes of files from elsewhere, over real files and a real log."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from neko.app.export import exported
from neko.app.import_share import Share
from neko.app.imports import take_over, what_would_come
from neko.memory.import_files import Kind, Source, look_into
from neko.memory.service import MemoryService
from neko.types.lines import Line, NewLine
from neko.types.memory import ChangeKind, InChats, RecentEntry
from tests.memory.memory_folder import MIO, START, MemoryFolder

SETTLED = "2026-02-22 11:30:00.000000"
"""When N.E.K.O. put the talk into its log: what its rows are dated by."""


def human(text: str) -> dict[str, Any]:
    return {"type": "human", "data": {"content": [{"type": "text", "text": text}], "type": "human"}}


def ai(at: str, text: str) -> dict[str, Any]:
    return {"type": "ai", "data": {"content": [{"type": "text", "text": f"[{at}] {text}"}], "type": "ai"}}


TALK = [
    human("I live in Oslo"),
    ai("20260222 Sun 10:00", "How cold!"),
    human("Good night"),
    ai("20260222 Sun 22:15", "Sleep well."),
]


def theirs(folder: Path, name: str = MIO, *, log: Sequence[Any] = TALK, recent: Sequence[Any] = TALK) -> Path:
    """The memory of a character as N.E.K.O. leaves it: nothing has an ending, or a WAL, that ours would have."""
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / f"time_indexed_{name}")) as connection, connection:
        for table in ("time_indexed_original", "time_indexed_compressed"):
            columns = "id INTEGER NOT NULL PRIMARY KEY, session_id TEXT, message TEXT, timestamp DATETIME"
            connection.execute(f"CREATE TABLE {table} ({columns})")
        rows = [("event", json.dumps(message), SETTLED) for message in log]
        connection.executemany(
            "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)", rows
        )
        summary = {"type": "system", "data": {"content": "They spoke of Oslo.", "type": "system"}}
        row = ("event", json.dumps(summary), SETTLED)
        connection.execute("INSERT INTO time_indexed_compressed (session_id, message, timestamp) VALUES (?, ?, ?)", row)
    memo = {"type": "system", "data": {"content": "先前对话的备忘录: 她住在奥斯陆。", "type": "system"}}
    (folder / f"recent_{name}.json").write_text(json.dumps([memo, *recent], ensure_ascii=False, indent=2), "utf-8")
    settings = {name: {"hobby": "stars"}, "Master": {"city": "Oslo"}}
    (folder / f"settings_{name}.json").write_text(json.dumps(settings), "utf-8")
    return folder


async def looked_at(memory: MemoryService, path: Path, workplace: Path) -> tuple[list[Source], list[Share]]:
    workplace.mkdir(exist_ok=True)
    sources = look_into([(path.name, path)], workplace)
    there = set() if (await memory.layer_sizes(MIO)).original == 0 else {MIO}
    return sources, await what_would_come(
        memory.importing, sources, lambda named: named or MIO, lambda name: name in there
    )


async def imported(memory: MemoryService, path: Path, workplace: Path) -> list[Share]:
    sources, shares = await looked_at(memory, path, workplace)
    for share in shares:
        await take_over(memory.importing, sources, share)
    return shares


async def lines(memory: MemoryService) -> list[Line]:
    return await memory.lines(MIO, chat=InChats.ALL)


async def said(memory: MemoryService) -> list[tuple[str, str]]:
    return [(line.role, line.text) for line in await lines(memory)]


ALL = [("user", "I live in Oslo"), ("assistant", "How cold!"), ("user", "Good night"), ("assistant", "Sleep well.")]


async def test_a_folder_of_n_e_k_o_comes_whole_and_once(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    memory, folder = await memory_folder.open(), theirs(tmp_path / "theirs")
    _, (planned,) = await looked_at(memory, folder, tmp_path / "work")
    assert (planned.character, planned.new, planned.known) == (MIO, 4, 4), "the recent window holds the same lines"
    assert (planned.first, planned.last) == (datetime(2026, 2, 22, 10), datetime(2026, 2, 22, 22, 15))
    assert await lines(memory) == [], "nothing comes by looking"
    (share,) = await imported(memory, folder, tmp_path / "work")
    assert await said(memory) == ALL
    assert [line.at.hour for line in await lines(memory)] == [10, 10, 22, 22], "by the replies, not by the settling"
    assert (share.new, share.summaries, share.settings) == (4, 2, 2)
    memos = {memo.text: len(memo.sources) for memo in await memory.memos(MIO)}
    assert memos == {"They spoke of Oslo.": 4, "她住在奥斯陆。": 0}
    assert (await memory.recent(MIO))[0].text == "她住在奥斯陆。"
    assert (await memory.recall(MIO, "Where is Oslo?"))[0].text == "I live in Oslo"
    assert json.loads((memory_folder.folder / "settings_Mio.json").read_text("utf-8"))["Master"] == {"city": "Oslo"}
    (again,) = await imported(memory, folder, tmp_path / "work")
    assert (again.new, again.summaries, again.settings) == (0, 0, 0)
    assert await said(memory) == ALL


async def test_what_was_known_when_it_was_told_and_is_forgotten_since_comes_again(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, folder = await memory_folder.open(), theirs(tmp_path / "theirs")
    await imported(memory, folder, tmp_path / "work")
    sources, (share,) = await looked_at(memory, folder, tmp_path / "again")
    assert share.new == 0
    await memory.clear(MIO)
    await take_over(memory.importing, sources, share)
    assert (share.new, await said(memory)) == (4, ALL)


async def test_a_last_line_that_nobody_answered_comes_once(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    memory, talk = await memory_folder.open(), [*TALK, human("Are you there?")]
    folder = theirs(tmp_path / "theirs", log=talk, recent=talk)
    (share,) = await imported(memory, folder, tmp_path / "work")
    assert (share.new, share.known) == (5, 5)


async def test_the_first_line_of_a_window_is_no_line_of_half_a_year_before(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, again = await memory_folder.open(), [human("I live in Oslo"), ai("20260922 Tue 10:00", "Still!")]
    folder = theirs(tmp_path / "theirs", recent=again)
    (share,) = await imported(memory, folder, tmp_path / "work")
    assert share.new == 6
    (share,) = await imported(memory, folder, tmp_path / "again")
    assert share.new == 0


def settled(folder: Path, events: Sequence[tuple[str, Sequence[Any]]]) -> None:
    """Have the log hold these talks, each dated by its end."""
    rows = [(f"e{at}", json.dumps(one), f"{at}.000000") for at, talk in events for one in talk]
    with closing(sqlite3.connect(folder / f"time_indexed_{MIO}")) as connection, connection:
        statement = "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)"
        connection.executemany(statement, rows)


EVENING = [human("ok"), ai("20260222 Sun 22:15", "Sleep well."), human("Good night")]
MORNING = [human("I dreamt of whales"), ai("20260224 Tue 08:00", "Tell me!"), human("ok")]
EVENTS = (("2026-02-22 23:40:00", EVENING), ("2026-02-24 09:30:00", MORNING))


def unstamped(entry: dict[str, Any]) -> dict[str, Any]:
    """As a review, or an edit by hand, leaves it."""
    text = entry["data"]["content"][0]["text"].partition("] ")[2] or entry["data"]["content"][0]["text"]
    return {"type": entry["type"], "data": {"content": text, "type": entry["type"]}}


@pytest.mark.parametrize("is_reviewed", [False, True])
async def test_a_line_that_log_and_window_date_otherwise_comes_once(
    memory_folder: MemoryFolder, tmp_path: Path, is_reviewed: bool
) -> None:
    """The window dates what nobody answered by what was answered next, two days later, or by nothing."""
    memory = await memory_folder.open()
    cached = [human("ok"), ai("20260224 Tue 10:00", "Later then.")]  # not settled, as most of a talk
    window = [*EVENING, *MORNING, *cached]
    if is_reviewed:
        window = list(map(unstamped, window))
    folder = theirs(tmp_path / "theirs", log=[], recent=window)
    settled(folder, EVENTS)
    await imported(memory, folder, tmp_path / "work")
    texts = sorted(text for _, text in await said(memory))
    assert texts == sorted([*["ok"] * 3, "Sleep well.", "Good night", "I dreamt of whales", "Tell me!", "Later then."])
    [night] = [line for line in await lines(memory) if line.text == "Good night"]
    assert night.at.day == 22
    (again,) = await imported(memory, folder, tmp_path / "again")
    assert again.new == 0


async def test_a_log_that_stands_in_the_folder_already_adds_nothing(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    theirs(memory_folder.folder)
    memory = await memory_folder.open()
    (share,) = await imported(memory, theirs(tmp_path / "theirs"), tmp_path / "work")
    assert (share.new, await said(memory)) == (0, ALL)


async def test_lines_that_nothing_dates_come_once_and_as_often_as_they_were_said(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, path = await memory_folder.open(), tmp_path / "recent_Mio.json"
    path.write_text(json.dumps([human("hm"), human("hm"), human("well")]), "utf-8")
    for new in (3, 0):
        (share,) = await imported(memory, path, tmp_path / "work")
        assert share.new == new
    assert [text for _, text in await said(memory)] == ["hm", "hm", "well"]
    path.write_text(json.dumps([human("hm"), human("hm"), human("well"), human("hm")]), "utf-8")
    (share,) = await imported(memory, path, tmp_path / "work")
    assert share.new == 1


async def test_older_lines_get_a_chat_of_their_own_and_newer_ones_go_on(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory = await memory_folder.open()
    await memory.store(MIO, NewLine("s", "t", "user", "today", datetime(2026, 3, 1)))
    await imported(memory, theirs(tmp_path / "theirs"), tmp_path / "work")
    assert [line.text for line in await memory.lines(MIO)] == ["today"]
    assert [line.chat for line in await lines(memory)] == [0, 1, 1, 1, 1]
    newer = tmp_path / "recent_Mio.json"
    newer.write_text(json.dumps([human("later"), ai("20260401 Wed 10:00", "indeed")]), "utf-8")
    await imported(memory, newer, tmp_path / "work")
    assert [line.text for line in await memory.lines(MIO)] == ["today", "later", "indeed"]


async def test_an_export_comes_back_with_its_chats(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    memory = await memory_folder.open()
    for chat, text in enumerate(("one", "two")):
        if chat:
            await memory.change_chat(MIO, None)
        await memory.store(MIO, NewLine("s", f"t{chat}", "user", text, START + timedelta(hours=chat)))
    path = tmp_path / "kept.json"
    path.write_text("".join([piece async for piece in exported(memory, MIO, "json")]), "utf-8")
    (share,) = await imported(memory, path, tmp_path / "work")
    assert (share.new, share.known) == (0, 2)
    await memory.delete(MIO, [line.id for line in await lines(memory)])
    assert (await imported(memory, path, tmp_path / "work"))[0].new == 2
    one, two = await lines(memory)
    assert one.chat != two.chat == await memory.open_chat(MIO)


async def test_an_export_brings_what_was_told_by_hand_and_the_memo_and_they_can_be_taken_back(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, path = await memory_folder.open(), tmp_path / "kept.json"
    await memory.store(MIO, NewLine("s", "t", "user", "I live in Oslo.", START))
    await memory.rewrite_recent(MIO, [RecentEntry("system", "They talked about Oslo."), *await memory.recent(MIO)])
    book = await memory.fact_book(MIO)
    added = await book.add("user", "likes", "black tea", START)
    assert added.fact
    await book.pin(added.fact.id, on=True)
    path.write_text("".join([piece async for piece in exported(memory, MIO, "json")]), "utf-8")
    markdown = "".join([piece async for piece in exported(memory, MIO, "markdown")])
    assert "> They talked about Oslo." in markdown
    assert "black tea" in markdown
    await memory.clear(MIO)
    (share,) = await imported(memory, path, tmp_path / "work")
    assert (share.new, share.summaries, share.facts) == (1, 1, 1)
    (fact,) = await memory.facts(MIO)
    assert (fact.subject, fact.attribute, fact.value) == ("user", "likes", "black tea")
    assert (fact.by_hand, fact.pinned, fact.valid_from) == (True, True, START)
    assert (await imported(memory, path, tmp_path / "work"))[0].facts == 0, "it is known"
    await memory.delete(MIO, await memory.importing.lines_of(MIO, share.number))
    await memory.importing.taken_back(MIO, share.number)
    assert await memory.facts(MIO) == []


async def test_an_import_is_taken_back_and_leaves_the_rest(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    memory = await memory_folder.open()
    await memory.store(MIO, NewLine("s", "t", "user", "today", datetime(2026, 3, 1)))
    (share,) = await imported(memory, theirs(tmp_path / "theirs"), tmp_path / "work")
    (change,) = await memory.changes(MIO)
    assert (change.kind, change.lines, change.number) == (ChangeKind.IMPORTED, 4, share.number)
    ids = await memory.importing.lines_of(MIO, share.number)
    await memory.delete(MIO, ids)
    await memory.importing.taken_back(MIO, share.number)
    assert [text for _, text in await said(memory)] == ["today"]
    assert await memory.memos(MIO) == []
    assert [one.kind for one in await memory.changes(MIO)] == [ChangeKind.FORGOTTEN, ChangeKind.TAKEN_BACK]


async def test_the_settings_of_an_import_go_with_it_but_not_those_that_were_there_or_were_changed(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, kept = await memory_folder.open(), memory_folder.folder / "settings_Mio.json"
    kept.write_text('{"Mio": {"hobby": "tea"}, "Master": {"age": 30}}', "utf-8")
    folder = theirs(tmp_path / "theirs")
    settings = {MIO: {"hobby": "stars", "sign": "Leo"}, "Master": {"city": "Oslo", "tea": "green"}}
    (folder / "settings_Mio.json").write_text(json.dumps(settings), "utf-8")
    (share,) = await imported(memory, folder, tmp_path / "work")
    assert share.settings == 3
    there = json.loads(kept.read_text("utf-8"))
    kept.write_text(json.dumps({**there, "Master": {**there["Master"], "tea": "black"}}), "utf-8")
    await memory.delete(MIO, await memory.importing.lines_of(MIO, share.number))
    await memory.importing.taken_back(MIO, share.number)
    assert json.loads(kept.read_text("utf-8")) == {"Mio": {"hobby": "tea"}, "Master": {"age": 30, "tea": "black"}}


async def test_an_archive_of_a_folder_is_looked_into(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    folder, archive = theirs(tmp_path / "theirs", "小天"), tmp_path / "old.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in folder.iterdir():
            packed.write(path, f"memory/{path.name}")
        packed.writestr("memory/pictures_小天/a.jpg", b"\xff\xd8")
        packed.writestr("../../outside.json", b"[]")
    memory = await memory_folder.open()
    sources, shares = await looked_at(memory, archive, tmp_path / "work")
    assert [(share.character, share.new) for share in shares if share.named] == [("小天", 4)]
    assert {source.name for source in sources if source.kind is Kind.LOG} == {"memory/time_indexed_小天"}
    assert not (tmp_path / "outside.json").exists()


@pytest.mark.parametrize("name", ["time_indexed_Mio", "recent_Mio.json", "kept.json"])
async def test_a_damaged_file_gives_what_can_be_read_and_says_so(
    memory_folder: MemoryFolder, tmp_path: Path, name: str
) -> None:
    many = [human(f"line {number} " + "x" * 400) for number in range(60)]
    folder = theirs(tmp_path / "theirs", log=many, recent=many)
    path = folder / name
    if name == "kept.json":
        entries = [{"at": START.isoformat(), "role": "user", "text": f"line {one}"} for one in range(60)]
        path.write_text(json.dumps({"character": MIO, "lines": entries}), "utf-8")
    content = path.read_bytes()
    if name == "time_indexed_Mio":
        path.write_bytes(content[: 4096 * 5] + bytes(4096) + content[4096 * 6 :])
    else:
        path.write_bytes(content[: len(content) * 2 // 3])
    memory = await memory_folder.open()
    sources, (share,) = await looked_at(memory, path, tmp_path / "work")
    assert 30 < share.new < 60
    assert sources[0].damaged


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "Tian.jsonl",
            '{"user_name":"Anna","character_name":"Mio","chat_metadata":{}}\n'
            '{"name":"Anna","is_user":true,"is_system":false,"send_date":"June 25, 2024 10:02pm","mes":"Hello"}\n'
            '{"name":"Mio","is_user":false,"send_date":"2024-06-25T22:03:00","mes":"Hi there"}\n',
        ),
        (
            "old.jsonl",
            '{"user_name":"Anna","character_name":"Mio","create_date":"2024-06-25@22h01m00s"}\n'
            '{"name":"Anna","is_user":true,"send_date":"June 25, 2024 10:02pm","mes":"Hello"}\n'
            '{"name":"Mio","is_user":false,"send_date":"2024-06-25T22:03:00","mes":"Hi there"}\n',
        ),
        (
            "chat.json",
            '[{"role":"metadata","timestamp":"2024-06-25T22:00:00"},'
            '{"role":"human","timestamp":"2024-06-25T22:02:00","content":"Hello"},'
            '{"role":"ai","timestamp":"2024-06-25T22:03:00","content":"Hi there"}]',
        ),
    ],
)
async def test_chats_of_other_programs_come_too(
    memory_folder: MemoryFolder, tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    memory = await memory_folder.open()
    await imported(memory, path, tmp_path / "work")
    assert [(line.role, line.text, line.at) for line in await lines(memory)] == [
        ("user", "Hello", datetime(2024, 6, 25, 22, 2)),
        ("assistant", "Hi there", datetime(2024, 6, 25, 22, 3)),
    ]


@pytest.mark.parametrize(
    ("name", "content"), [("notes.txt", b"my diary"), ("a.json", b'{"a": 1}'), ("b.json", b"[1, 2]"), ("c", b"")]
)
async def test_what_is_no_memory_brings_nothing_and_says_why(
    memory_folder: MemoryFolder, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    (source,), shares = await looked_at(await memory_folder.open(), path, tmp_path / "work")
    assert (source.kind, shares) == (Kind.OTHER, [])
    assert source.why


async def test_a_view_that_has_no_end_is_not_looked_into(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    log = tmp_path / f"time_indexed_{MIO}"
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute(
            "CREATE VIEW time_indexed_original AS "
            "WITH RECURSIVE rows(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM rows) "
            "SELECT id, '' AS session_id, '{}' AS message, '' AS timestamp FROM rows"
        )
    (source,), shares = await looked_at(await memory_folder.open(), log, tmp_path / "work")
    assert (source.kind, source.why, shares) == (Kind.OTHER, "unreadable", [])


async def test_an_empty_window_brings_nobody(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    window = tmp_path / "recent_Nobody.json"
    window.write_text("[]")
    (source,), shares = await looked_at(await memory_folder.open(), window, tmp_path / "work")
    assert (source.kind, shares) == (Kind.RECENT, [])
