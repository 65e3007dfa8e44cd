"""What was done is written down before it is done, survives a restart, and stays within bounds."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from neko import Neko, Settings
from neko.agent import tasks as rules
from neko.agent.audit import Deed, begun
from neko.agent.journal import FILE, Journal, JournalLimits
from neko.agent.permission import Permit
from neko.agent.tasks import Task, TaskState
from neko.errors import NekoError
from neko.tool_errors import AgentError
from neko.types.agent import Act, Picture
from neko.types.plan import Plan, PlanStep

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PICTURE = Picture(b"p" * 1000, "image/jpeg")


def deed(title: str = "click “Buy”", **more: Any) -> Deed:
    plain = Deed(
        NOW, "t1", "Mio", "browser_use", "example.com", "click", title, Act.WRITE, '{"ref": "e1"}', Permit.APPROVED
    )
    return replace(plain, **more)


def task(number: int = 1) -> Task:
    created = NOW.replace(minute=number % 60, hour=number // 60)
    new = Task(f"t{number}", "Mio", "look", "look", "api", created, "browser_use")
    return rules.begun(rules.planned(new, Plan("L", (PlanStep("browser_use", "look"),), "ja")), NOW)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(tmp_path / "agent")
    yield journal
    await journal.aclose()


async def test_nothing_is_opened_before_there_is_something_to_note(journal: Journal) -> None:
    assert not journal.exists
    assert not journal.folder.exists()
    journal.keep(task())
    await journal.settled()
    assert journal.exists
    assert (journal.folder / FILE).stat().st_mode & 0o077 == 0


async def test_tasks_survive_a_restart_and_one_that_was_not_over_is_interrupted(tmp_path: Path) -> None:
    first = Journal(tmp_path / "agent")
    done = rules.ended(rules.with_files(task(1), ["a.pdf"]), TaskState.COMPLETED, NOW, result="7")
    first.keep(done)
    first.keep(rules.acting(task(2), "clicking"))
    await first.aclose()
    for _ in range(2):
        again = Journal(tmp_path / "agent")
        newest, oldest = await again.load(10)
        assert oldest == done
        assert (newest.id, newest.state, newest.title) == ("t2", TaskState.INTERRUPTED, "L")
        assert newest.error.startswith("途中でわたしが終了しました。")
        assert rules.commands(newest) == ("retry",)
        await again.aclose()


async def test_an_act_is_in_the_trail_before_it_is_done_and_completed_after(journal: Journal) -> None:
    row = await journal.begin(deed(picture=PICTURE))
    with sqlite3.connect(journal.folder / FILE) as reader:
        assert reader.execute("SELECT title, outcome FROM audit").fetchall() == [("click “Buy”", "")]
    reader.close()
    journal.finish(row, "done", "bought")
    (told,) = await journal.rows()
    assert (told["verdict"], told["outcome"], told["detail"], told["act"]) == ("approved", "done", "bought", "write")
    assert await journal.picture(told["picture"]) == PICTURE
    assert await journal.picture("../" + FILE) is None


async def test_an_act_in_which_neko_was_killed_is_interrupted_in_the_trail(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    await first.begin(deed())
    done = await first.begin(deed())
    first.finish(done, "done", "bought")
    await first.begin(replace(deed(), verdict=Permit.DENIED))
    await first.aclose()
    again = Journal(tmp_path)
    assert [row["outcome"] for row in await again.rows()] == ["", "done", "interrupted"]
    await again.aclose()


async def test_an_act_that_is_cancelled_while_it_is_written_down_has_an_end(journal: Journal) -> None:
    writing = asyncio.create_task(begun(journal, deed()))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait({writing})
    assert writing.cancelled()
    await journal.settled()
    (row,) = await journal.rows()
    assert row["outcome"] == "cancelled"


async def test_the_trail_is_read_in_pieces_by_task_and_by_words(journal: Journal) -> None:
    for number in range(5):
        await journal.begin(deed(f"Step {number}", task_id=f"t{number % 2}"))
    newest = await journal.rows(limit=2)
    assert [row["title"] for row in newest] == ["Step 4", "Step 3"]
    assert [row["title"] for row in await journal.rows(before=newest[-1]["id"])] == ["Step 2", "Step 1", "Step 0"]
    assert [row["title"] for row in await journal.rows(task="t1")] == ["Step 3", "Step 1"]
    assert [row["title"] for row in await journal.rows(words="step 4")] == ["Step 4"]
    assert await journal.rows(words="%") == []


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_the_whole_trail_can_be_exported_and_is_no_formula(
    journal: Journal, form: Literal["json", "csv"]
) -> None:
    for number in range(1, 4):
        await journal.begin(deed(f'=HYPERLINK("{number}"), "x"\ny'))
    text = "".join([piece async for piece in journal.exported(form)])
    if form == "json":
        assert [row["id"] for row in json.loads(text)] == [3, 2, 1]
        return
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["id"] for row in rows] == ["3", "2", "1"]
    assert rows[0]["title"] == '\'=HYPERLINK("3"), "x"\ny'


async def test_an_empty_trail_is_exported_too(journal: Journal) -> None:
    assert json.loads("".join([piece async for piece in journal.exported("json")])) == []


async def test_the_oldest_gives_way(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "agent", limits=JournalLimits(tasks=3, rows=5, picture_bytes=3_500))
    for number in range(1, 6):
        over = rules.ended(task(number), TaskState.COMPLETED, NOW)
        (journal.folder / "tasks" / over.id).mkdir(parents=True)
        journal.keep(over)
    for _ in range(100):
        await journal.begin(deed(picture=PICTURE))
    await journal.aclose()
    again = Journal(tmp_path / "agent")
    assert [one.id for one in await again.load(10)] == ["t5", "t4", "t3"]
    assert [row["id"] for row in await again.rows()] == [100, 99, 98, 97, 96]
    assert sorted(path.name for path in (again.folder / "tasks").iterdir()) == ["t3", "t4", "t5"]
    left = list((again.folder / "pictures").iterdir())
    assert 1 <= len(left) <= 3
    await again.aclose()


async def test_what_cannot_be_written_down_is_told_and_not_done(tmp_path: Path) -> None:
    (tmp_path / "agent").write_text("no folder", encoding="utf-8")
    faults: list[NekoError | None] = []
    journal = Journal(tmp_path / "agent", faults.append)
    with pytest.raises(AgentError) as caught:
        await journal.begin(deed())
    assert caught.value.code == "agent_journal"
    journal.keep(task())
    await journal.settled()
    assert [fault and fault.code for fault in faults] == ["agent_journal"]
    (tmp_path / "agent").unlink()
    journal.keep(task(2))
    await journal.settled()
    assert [fault and fault.code for fault in faults] == ["agent_journal", None]
    assert [one.id for one in await journal.load(10)] == ["t2", "t1"]
    await journal.aclose()


async def test_a_damaged_file_is_set_aside_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / FILE).write_bytes(b"this is no database at all" * 100)
    faults: list[NekoError | None] = []
    journal = Journal(folder, faults.append)
    assert await journal.load(10) == []
    journal.keep(task())
    await journal.aclose()
    assert len(faults) == 1
    assert len(list(folder.glob(f"{FILE}.damaged-*"))) == 1
    again = Journal(folder)
    assert [one.id for one in await again.load(10)] == ["t1"]
    await again.aclose()


async def test_the_last_picture_of_a_task_is_there_after_a_restart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "agent")
    journal.keep_picture("t1", PICTURE)
    await journal.aclose()
    again = Journal(tmp_path / "agent")
    assert await again.thumbnail("t1") == PICTURE
    assert await again.thumbnail("t2") is None
    await again.aclose()


async def test_that_tasks_cannot_be_written_down_is_told_until_they_can(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "agent").write_text("no folder", encoding="utf-8")
    async with Neko(Settings(data_dir=data_dir, environ={}, find_local_servers=False)) as neko:
        neko.agent.journal.keep(task())
        await neko.agent.journal.settled()
        assert "agent_journal" in [fault.id for fault in neko.faults.all()]
        (data_dir / "agent").unlink()
        neko.agent.journal.keep(task())
        await neko.agent.journal.settled()
        assert "agent_journal" not in [fault.id for fault in neko.faults.all()]
