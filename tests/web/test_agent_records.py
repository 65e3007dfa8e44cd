"""What the agent keeps of a character goes where she goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from neko.agent.audit import Deed
from neko.agent.permission import Permit
from neko.agent.tasks import Task, TaskState
from neko.agent.untold import UntoldResults
from neko.agent.when import When
from neko.app.errands import AgentRecords
from neko.application import Neko
from neko.types.agent import Act
from tests.scripted_hand import PICTURE


async def did_something(neko: Neko, name: str) -> Task:
    """She did a task with a picture, an act was noted, a reminder is set."""
    now, journal = datetime.now(UTC), neko.agent.journal
    task = Task(f"task-of-{name}", name, "buy tea", "buy tea", "page", now, "mcp", state=TaskState.COMPLETED, ended=now)
    neko.agent.tasks.restore([task])
    journal.keep(task)
    journal.keep_picture(task.id, PICTURE)
    await journal.begin(
        Deed(now, task.id, name, "mcp", "shop", "buy", "buy tea", Act.WRITE, "secret-tea", Permit.APPROVED, PICTURE)
    )
    await neko.reminders.add(name, "drink secret-tea", When(datetime.now() + timedelta(days=1)))
    return task


async def kept(neko: Neko, name: str) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Rows of the trail, tasks on disk, tasks in memory and reminders of a character."""
    rows = [row for row in await neko.agent.journal.rows() if row["character"] == name]
    stored = [task for task in await neko.agent.journal.load(10) if task.character == name]
    listed = [task for task in neko.agent.tasks.listed(name) if task.source != "reminder"]
    return rows, stored, listed, list(neko.reminders.of(name))


async def test_what_she_did_follows_a_renamed_character(neko: Neko) -> None:
    await neko.characters.create("Mona", {})
    await did_something(neko, "Mona")

    await neko.characters.rename("Mona", "Lisa")

    assert [len(found) for found in await kept(neko, "Mona")] == [0, 0, 0, 0]
    assert [len(found) for found in await kept(neko, "Lisa")] == [1, 1, 1, 1]


async def test_what_a_deleted_character_did_is_in_no_file_any_more(neko: Neko) -> None:
    await neko.characters.create("Mona", {})
    task = await did_something(neko, "Mona")
    await did_something(neko, neko.characters.current)
    folder: Path = neko.agent.journal.folder
    own = folder / "tasks" / task.id
    own.mkdir(parents=True)

    await neko.characters.delete("Mona")

    assert [len(found) for found in await kept(neko, "Mona")] == [0, 0, 0, 0]
    assert [len(found) for found in await kept(neko, neko.characters.current)] == [1, 1, 1, 1]
    assert not own.exists()
    assert len(list((folder / "pictures").iterdir())) == 2
    assert not [file for file in folder.rglob("*") if file.is_file() and b"Mona" in file.read_bytes()]


async def test_what_is_to_be_told_follows_her_or_goes(neko: Neko, tmp_path: Path) -> None:
    path = tmp_path / "untold.json"
    results = UntoldResults(path)
    for name in ("Mona", "Nora"):
        results.keep({"event_type": "task_result", "task_id": name, "lanlan_name": name})
    records = AgentRecords(neko.agent, neko.reminders, results)

    await records.rename("Mona", "Lisa")
    await records.forget("Nora")
    await results.aclose()

    again = UntoldResults(path)
    assert [[one["task_id"] for one in await again.of(name)] for name in ("Mona", "Nora", "Lisa")] == [[], [], ["Mona"]]
    await again.aclose()


async def test_what_is_to_be_told_and_could_not_be_saved_is_saved_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "untold.json"
    path.mkdir()
    results = UntoldResults(path)
    results.keep({"event_type": "task_result", "task_id": "1", "lanlan_name": "Mona"})
    await results.rename("Mona", "Lisa")
    path.rmdir()
    await results.aclose()

    again = UntoldResults(path)
    assert [one["task_id"] for one in await again.of("Lisa")] == ["1"]
    await again.aclose()
