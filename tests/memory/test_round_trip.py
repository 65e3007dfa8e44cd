"""What was exported comes back as it was, over real files."""

from __future__ import annotations

import asyncio
import json
import random
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neko.app import whole_imports
from neko.app.export import exported
from neko.app.import_share import Share
from neko.app.imports import take_over, what_would_come
from neko.memory.import_files import Kind, Source, look_into
from neko.memory.service import MemoryService
from neko.tasks import TaskOwner
from neko.types.lines import Line, LineElsewhere, Remark, Role
from neko.types.memory import ChangeKind, InChats, RecentEntry
from tests.memory.memory_folder import MIO, START, MemoryFolder, new_line, say, window

PICTURE = b"\xff\xd8 a picture"
EXACT = START + timedelta(microseconds=123_456)


@asynccontextmanager
async def memory_in(folder: Path) -> AsyncIterator[MemoryService]:
    async with TaskOwner("test") as owner:
        memory = MemoryService(folder, owner, lambda: "Anna")
        await memory.start()
        try:
            yield memory
        finally:
            await memory.aclose()


CHANGES = re.compile(r'"changes": \[[^\]]*\],\n')


async def text_of(memory: MemoryService, form: Any = "json", chat: int | InChats = InChats.ALL) -> str:
    """Without the changes, which are of the log that was changed."""
    return CHANGES.sub("", "".join([piece async for piece in exported(memory, MIO, form, chat)]))


async def told(memory: MemoryService, path: Path, workplace: Path, *, there: bool = True) -> tuple[list[Source], Share]:
    workplace.mkdir(exist_ok=True)
    sources = look_into([(path.name, path)], workplace)
    (share,) = await what_would_come(memory.importing, sources, lambda named: named or MIO, lambda _: there)
    return sources, share


async def brought(memory: MemoryService, path: Path, *, there: bool = True) -> tuple[Share, Share]:
    """What was told of the import, and what it was."""
    with tempfile.TemporaryDirectory() as workplace:
        sources, share = await told(memory, path, Path(workplace), there=there)
        before = replace(share)
        await take_over(memory.importing, sources, share)
    return before, share


async def every_version(memory: MemoryService) -> list[list[Line]]:
    lines = await memory.lines(MIO, limit=10_000, chat=InChats.ALL)
    return [await memory.versions(MIO, line.id) for line in lines]


async def all_of(memory: MemoryService) -> list[Any]:
    """What the page, and the next session, can see of a memory."""
    return [
        await every_version(memory),
        await memory.chats(MIO),
        [(entry.role, entry.text, entry.id, entry.at) for entry in await memory.recent(MIO)],
        await memory.memos(MIO, limit=1_000),
        await (await memory.fact_book(MIO)).history(),
        await memory.days(MIO),
        [[await memory.picture(MIO, name) for name in line.pictures] for line in await memory.lines(MIO, limit=1_000)],
    ]


async def a_life(memory: MemoryService) -> None:
    """A talk with a little of everything in it."""
    names = await memory.keep_pictures(MIO, [PICTURE])
    await say(memory, "I live in Oslo.\n## 2026-02-22", client_id="c1", at=EXACT, images=2, pictures=names)
    first = await say(memory, "How cold!", "assistant", at=EXACT + timedelta(seconds=1), turn_id="t2", recalled=(1,))
    remark, elsewhere = Remark("cut_off", {"seconds": 3}), (LineElsewhere("Rin", 7),)
    second = await say(
        memory, "Brr!", "assistant", at=EXACT + timedelta(seconds=2), replaces=first, status="interrupted",
        remark=remark, recalled_elsewhere=elsewhere, outside=True,
    )  # fmt: skip
    await memory.choose_version(MIO, first)
    await memory.rename_chat(MIO, 0, "The north")
    await memory.change_chat(MIO, None)
    await say(memory, "I work as a baker in Bergen.", at=EXACT + timedelta(days=1), speaker="Nils", session_id="s2")
    gone = await say(memory, "forget this", at=EXACT + timedelta(days=1, hours=1))
    for number in range(12):
        await say(
            memory, f"line {number}", "assistant" if number % 2 else "user", at=EXACT + timedelta(days=2, hours=number)
        )
    await memory.delete(MIO, [gone])
    await memory.compress(MIO, None)
    await memory.learn(MIO, None)
    book = await memory.fact_book(MIO)
    added = await book.add("user", "home", "Bergen", EXACT + timedelta(days=3))
    assert added.fact
    await book.pin(added.fact.id, on=True)
    await book.add("Nils", "likes", "black tea", START)
    assert second


async def test_a_memory_comes_back_as_it_was(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    memory, path = await memory_folder.open(), tmp_path / "kept.json"
    await a_life(memory)
    path.write_text(await text_of(memory), "utf-8")
    before, facts_position = await all_of(memory), (await memory.exporting.numbers(MIO))["facts_through"]
    lines = [line for versions in await every_version(memory) for line in versions]
    for one in fields(Line):
        assert one.default is MISSING or {getattr(line, one.name) for line in lines} != {one.default}, one.name
    async with memory_in(tmp_path / "other") as other:
        looked, share = await brought(other, path, there=False)
        assert await all_of(other) == before
        assert await text_of(other) == path.read_text("utf-8"), "exported again it is the same to the byte"
        assert (await other.exporting.numbers(MIO))["facts_through"] == facts_position > 0
        assert (
            (looked.new, looked.versions, looked.pictures) == (share.new, share.versions, share.pictures) == (15, 1, 1)
        )
        assert (looked.summaries, looked.facts) == (share.summaries, share.facts)
        assert not (await other.store_many(MIO, [new_line("I live in Oslo.", client_id="c1")]))[0].fresh
        looked, share = await brought(other, path)
        assert (looked.new, looked.known, looked.versions, looked.facts) == (share.new, 15, 0, 0) == (0, 15, 0, 0)
        assert await text_of(other) == path.read_text("utf-8")


async def test_what_was_changed_by_hand_is_told_in_an_export_without_its_words(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, path = await memory_folder.open(), tmp_path / "kept.json"
    ids = [await say(memory, text) for text in ("I live in Oslo.", "my secret", "How cold!")]
    await memory.correct(MIO, ids[0], "I live in Bergen.")
    await memory.delete(MIO, ids[1:2])
    path.write_text("".join([piece async for piece in exported(memory, MIO, "json")]), "utf-8")
    told_of = [(one["kind"], one["lines"]) for one in json.loads(path.read_text("utf-8"))["changes"]]
    assert told_of == [("forgotten", 1), ("corrected", 1)]
    async with memory_in(tmp_path / "other") as other:
        await brought(other, path, there=False)
        assert [one.kind for one in await other.changes(MIO)] == [ChangeKind.IMPORTED]
        assert await text_of(other) == await text_of(memory)
    text = "".join([piece async for piece in exported(memory, MIO, "markdown")])
    assert re.search(r"(?m)^### Changes\n\n\* [-0-9T:+]+, forgotten: 1\n\* [-0-9T:+]+, corrected: 1\n", text)
    assert "secret" not in text + path.read_text("utf-8")
    (tmp_path / "kept.md").write_text(text, "utf-8")
    async with memory_in(tmp_path / "third") as third:
        await brought(third, tmp_path / "kept.md", there=False)
        assert [line.text for line in await third.lines(MIO, limit=9)] == ["I live in Bergen.", "How cold!"]


async def test_one_that_comes_in_many_steps_comes_back_to_the_byte_too(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, path = await memory_folder.open(quiet_s=0.0), tmp_path / "kept.json"
    await memory.store_many(MIO, [new_line(f"number {at}", at=START + timedelta(minutes=at)) for at in range(600)])
    async with asyncio.timeout(30):
        while await memory.learning(MIO):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)
    path.write_text(await text_of(memory), "utf-8")
    async with memory_in(tmp_path / "other") as other:
        await brought(other, path, there=False)
        assert await text_of(other) == path.read_text("utf-8")


async def test_after_the_last_line_was_forgotten_facts_are_looked_for_in_the_next_one_there(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, path = await memory_folder.open(), tmp_path / "kept.json"
    await say(memory, "Good evening.")
    last = await say(memory, "I live in Oslo.")
    await memory.learn(MIO, None)
    await memory.delete(MIO, [last])
    path.write_text(await text_of(memory), "utf-8")
    async with memory_in(tmp_path / "other") as other:
        for is_there in (False, True):
            await brought(other, path, there=is_there)
            assert await text_of(other) == path.read_text("utf-8")
        await say(other, "I live in Bergen.")
        await other.learn(MIO, None)
        assert [fact.value for fact in await other.facts(MIO)] == ["Bergen"]


async def test_what_the_window_has_no_room_for_after_an_import_is_in_the_memo(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    path = tmp_path / "kept.json"
    async with memory_in(tmp_path / "other") as other:
        await other.store_many(
            MIO, [new_line(f"newer {at}", at=START + timedelta(days=900, minutes=at)) for at in range(3)]
        )
        path.write_text(await text_of(other))
    memory = await memory_folder.open(quiet_s=0.0)
    for text in ("I live in Oslo.", *("so it is", "indeed") * 6):
        await say(memory, text)
    await brought(memory, path)
    async with asyncio.timeout(30):
        while await memory.learning(MIO):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)
    memo, *turns = await window(memory)
    assert "I live in Oslo." in memo
    assert turns[-3:] == ["newer 0", "newer 1", "newer 2"]


async def test_the_clock_of_where_something_was_said_comes_with_it(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    memory, path = await memory_folder.open(), tmp_path / "kept.json"
    line = await say(memory, "Good evening from Tokyo", at=datetime(2026, 3, 1, 14, 30, tzinfo=UTC))
    memory_folder.sql("UPDATE time_indexed_original SET timestamp = '2026-03-01 23:30:00.000000' WHERE id = ?", (line,))
    path.write_text(await text_of(memory), "utf-8")
    assert "2026-03-01T23:30:00+09:00" in path.read_text("utf-8")
    async with memory_in(tmp_path / "other") as other:
        await brought(other, path, there=False)
        assert await all_of(other) == await all_of(memory)
        assert await text_of(other) == path.read_text("utf-8")


async def test_what_was_lost_since_takes_its_place_again_and_nothing_else_changes(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, path = await memory_folder.open(), tmp_path / "kept.json"
    ids = [
        await say(memory, text, at=START + timedelta(minutes=n)) for n, text in enumerate(("one", "two", "two", "3"))
    ]
    path.write_text(await text_of(memory), "utf-8")
    await memory.delete(MIO, ids[1:2])
    await memory.correct(MIO, ids[3], "three")
    await say(memory, "four", at=START + timedelta(hours=1))
    looked, share = await brought(memory, path)
    assert (looked.new, looked.known) == (share.new, share.known) == (1, 3)
    lines = await memory.lines(MIO)
    assert [(line.id, line.text) for line in lines] == list(
        zip([*ids, 5], ["one", "two", "two", "three", "four"], strict=True)
    )
    assert (await memory.recall(MIO, "two"))[0].text == "two"


async def test_lines_of_another_log_come_behind_with_all_that_they_refer_to(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, path = await memory_folder.open(), tmp_path / "kept.json"
    await a_life(memory)
    path.write_text(await text_of(memory), "utf-8")
    facts = {(one.subject, one.value, len(one.sources)) for one in await (await memory.fact_book(MIO)).history()}
    async with memory_in(tmp_path / "other") as other:
        for number in range(3):
            await say(other, f"mine {number}", at=START + timedelta(days=number))
        looked, share = await brought(other, path)
        assert (looked.new, looked.versions) == (share.new, share.versions) == (15, 1)
        lines = {line.text: line for line in await other.lines(MIO, limit=100, chat=InChats.ALL)}
        assert [lines[f"mine {number}"].id for number in range(3)] == [1, 2, 3]
        assert [line.text for line in await other.versions(MIO, lines["How cold!"].id)] == ["How cold!", "Brr!"]
        assert lines["How cold!"].recalled == (lines["I live in Oslo.\n## 2026-02-22"].id,)
        assert {chat.title for chat in (await other.chats(MIO)).chats if chat.is_named} == {"The north"}
        history = await (await other.fact_book(MIO)).history()
        assert {(one.subject, one.value, len(one.sources)) for one in history} == facts
        assert await other.picture(MIO, lines["I live in Oslo.\n## 2026-02-22"].pictures[0]) == PICTURE
        looked, share = await brought(other, path)
        assert (looked.new, looked.known, looked.versions, looked.facts) == (0, 15, 0, 0)
        ids = await other.importing.lines_of(MIO, share.number or 1)
        await other.delete(MIO, ids)
        await other.importing.taken_back(MIO, share.number or 1)
        assert [line.text for line in await other.lines(MIO, chat=InChats.ALL)] == [f"mine {n}" for n in range(3)]
        assert [one.value for one in await (await other.fact_book(MIO)).history()] == []


async def test_markdown_comes_back_as_far_as_it_goes(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    memory, path = await memory_folder.open(), tmp_path / "kept.md"
    await a_life(memory)
    await say(memory, "**Anna** 10:00\n\n\\**Anna** 10:00\n\n[2 🖼]", at=EXACT + timedelta(days=5))
    path.write_text(await text_of(memory, "markdown"), "utf-8")
    lines = [
        (one.role, one.speaker, one.text, one.at.replace(microsecond=0), one.images)
        for one in await memory.lines(MIO, limit=100, chat=InChats.ALL)
    ]
    async with memory_in(tmp_path / "other") as other:
        looked, _ = await brought(other, path, there=False)
        assert looked.new == len(lines)
        came = await other.lines(MIO, limit=100, chat=InChats.ALL)
        assert [(one.role, one.speaker, one.text, one.at, one.images) for one in came] == sorted(
            lines, key=lambda one: one[3]
        )
        memo, theirs = (await memory.recent(MIO))[0], (await other.recent(MIO))[0]
        assert (memo.role, memo.text) == (theirs.role, theirs.text)
    assert (await brought(memory, path))[0].new == 0, "here all of it is known"
    older = tmp_path / "older.md"
    older.write_text(path.read_text("utf-8").replace(":00:00\n", ":00\n"), "utf-8")
    assert "10:00\n" in older.read_text("utf-8")
    assert (await brought(memory, older))[0].new == 0, "also from the time when it told minutes only"


async def test_an_export_that_another_program_has_written_anew_or_that_is_damaged_comes(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, pretty, cut = await memory_folder.open(), tmp_path / "pretty.json", tmp_path / "cut.json"
    await a_life(memory)
    text = await text_of(memory)
    pretty.write_text(json.dumps(json.loads(text), indent=2), "utf-8")
    async with memory_in(tmp_path / "other") as other:
        await brought(other, pretty, there=False)
        assert await text_of(other) == text
    lines = text.split("\n")
    cut.write_text("\n".join([*lines[:5], lines[5][:40], *lines[6:9]]), "utf-8")
    async with memory_in(tmp_path / "third") as other:
        sources, share = await told(other, cut, tmp_path / "work", there=False)
        assert (sources[0].kind, sources[0].damaged, sources[0].unread) == (Kind.EXPORT, True, 1)
        assert share.lines + share.versions == 7


async def test_one_chat_comes_without_moving_what_a_session_begins_with(
    memory_folder: MemoryFolder, tmp_path: Path
) -> None:
    memory, path = await memory_folder.open(), tmp_path / "chat.json"
    await a_life(memory)
    path.write_text(await text_of(memory, chat=0), "utf-8")
    async with memory_in(tmp_path / "other") as other:
        looked, _ = await brought(other, path, there=False)
        assert (looked.lines, looked.versions, looked.summaries, looked.facts, looked.pictures) == (2, 1, 0, 0, 1)
        assert [line.text for line in await other.lines(MIO)] == ["I live in Oslo.\n## 2026-02-22", "How cold!"]


async def test_an_import_that_was_cut_short_goes_on_where_it_was(
    memory_folder: MemoryFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_imports, "_STEP", 5)
    memory, path = await memory_folder.open(), tmp_path / "kept.json"
    await a_life(memory)
    path.write_text(await text_of(memory), "utf-8")
    stored = 0

    def tell(lines: int) -> None:
        nonlocal stored
        stored += lines
        if stored >= 10:
            raise asyncio.CancelledError

    async with memory_in(tmp_path / "other") as other:
        sources, share = await told(other, path, tmp_path / "work", there=False)
        with pytest.raises(asyncio.CancelledError):
            await take_over(other.importing, sources, share, tell)
        assert (share.lines + share.versions, len(await other.lines(MIO, chat=InChats.ALL))) == (10, share.lines)
        _, share = await brought(other, path)
        assert (share.known, share.new) == (9, 6)
        assert await every_version(other) == await every_version(memory)
        assert await (await other.fact_book(MIO)).history() == await (await memory.fact_book(MIO)).history()


FORMER = """{"character": "Mio", "lines": [
{"id": 1, "chat": 0, "at": "2026-02-22T10:00:00+00:00", "role": "user", "speaker": "Anna", "text": "I live in Oslo.", "status": "complete", "images": 0},
{"id": 2, "chat": 3, "at": "2026-02-22T10:00:05+00:00", "role": "assistant", "speaker": "Mio", "text": "How cold!", "status": "complete", "images": 0}
],
"memo": "They talked about Oslo.",
"facts": [
{"subject": "user", "attribute": "home", "value": "Oslo", "since": "2026-02-22T10:00:00+00:00", "until": null, "recorded": "2026-02-22T10:00:00+00:00", "by_hand": false, "pinned": false, "lines": [1]},
{"subject": "user", "attribute": "likes", "value": "tea", "since": "2026-02-22T10:00:00+00:00", "until": null, "recorded": "2026-02-22T10:00:00+00:00", "by_hand": true, "pinned": true, "lines": []}
]}
"""  # noqa: E501
"""As it was written before it held everything."""


async def test_an_export_of_the_former_form_comes_as_before(memory_folder: MemoryFolder, tmp_path: Path) -> None:
    memory, path = await memory_folder.open(), tmp_path / "kept.json"
    path.write_text(FORMER, "utf-8")
    for new in (2, 0):
        looked, share = await brought(memory, path)
        assert looked.new == share.new == new
        assert (looked.summaries, looked.facts) == (share.summaries, share.facts) == (new // 2, new // 2)
    assert [line.text for line in await memory.lines(MIO, chat=InChats.ALL)] == ["I live in Oslo.", "How cold!"]
    assert (await memory.recent(MIO))[0].text == "They talked about Oslo."
    assert [(fact.value, fact.by_hand, fact.pinned) for fact in await memory.facts(MIO)] == [("tea", True, True)]


# ── whatever was done ────────────────────────────────────────────────────────


async def live(memory: MemoryService, doings: random.Random, steps: int) -> None:
    ids: list[int] = []
    at = START
    for step in range(steps):
        at += timedelta(seconds=doings.choice((0, 1, 3_600)), microseconds=doings.randrange(1_000_000))
        lines = await memory.lines(MIO, limit=500, chat=InChats.ALL)
        match doings.choice(
            ("say", "say", "say", "retry", "edit", "forget", "pin", "fact", "chat", "title", "memo", "settle")
        ):
            case "say":
                role: Role = "user" if doings.random() < 0.5 else "assistant"
                text = doings.choice(
                    (
                        "I live in Oslo.",
                        "hm",
                        "My cat is called Biscuit.",
                        f"line {step}",
                        "I like tea.",
                        "I no longer like tea.",
                    )
                )
                client = doings.choice((None, f"c{step}"))
                ids.append(await say(memory, text, role, at=at, client_id=client, turn_id=f"t{step}"))
            case "retry" if lines and lines[-1].role == "assistant" and lines[-1].chat == await memory.open_chat(MIO):
                last = lines[-1].id
                ids.append(await say(memory, f"again {step}", "assistant", at=at, replaces=last, turn_id=f"t{step}"))
                if doings.random() < 0.5:
                    await memory.choose_version(MIO, last)
            case "edit" if lines:
                await memory.correct(MIO, doings.choice(lines).id, f"edited {step}")
            case "forget" if lines:
                await memory.delete(MIO, [doings.choice(lines).id])
            case "pin" if known := await memory.facts(MIO):
                await (await memory.fact_book(MIO)).pin(doings.choice(known).id, on=doings.random() < 0.7)
            case "fact":
                value = doings.choice(("Oslo", "Bergen", "tea"))
                await (await memory.fact_book(MIO)).add("user", doings.choice(("home", "likes")), value, at)
            case "chat":
                await memory.change_chat(MIO, doings.choice((None, 0, 1)))
            case "title":
                await memory.rename_chat(MIO, await memory.open_chat(MIO), f"title {step}")
            case "memo" if memos := await memory.memos(MIO):
                await memory.memo_edits.pin(MIO, doings.choice(memos).id, on=True)
            case "settle":
                await memory.compress(MIO, None)
                await memory.learn(MIO, None)
                if doings.random() < 0.2:
                    await memory.rewrite_recent(MIO, [RecentEntry("system", f"memo {step}")])


async def _there_and_back(seed: int, steps: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        path, folder = Path(place) / "kept.json", Path(place)
        async with memory_in(folder / "one") as memory:
            await live(memory, random.Random(seed), steps)
            before = await all_of(memory)
            path.write_text(await text_of(memory), "utf-8")
        async with memory_in(folder / "two") as other:
            if not json.loads(path.read_text("utf-8"))["lines"]:
                return
            looked, share = await brought(other, path, there=False)
            assert await all_of(other) == before
            assert await text_of(other) == path.read_text("utf-8")
            counts = [(one.lines, one.known, one.versions, one.summaries, one.facts) for one in (looked, share)]
            assert counts[0] == counts[1]
            looked, share = await brought(other, path)
            assert (looked.new, looked.versions, share.new, share.versions) == (0, 0, 0, 0)
            assert await text_of(other) == path.read_text("utf-8")


@given(seed=st.integers(0, 2**32))
@settings(max_examples=4)
def test_whatever_was_done_comes_back(seed: int) -> None:
    asyncio.run(_there_and_back(seed, 25))


@pytest.mark.long
@pytest.mark.timeout(600)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_whatever_was_done_for_long_comes_back(seed: int) -> None:
    asyncio.run(_there_and_back(seed, 80))
