"""A memory that cannot be opened or written: she talks all the same, says so once, and writes the words down later."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import httpx2
import pytest

from neko.memory import schema, service
from neko.memory.timeouts import MemoryTimeouts
from tests.avatar_files import PNG, archive, below, live2d, vrm, vrma
from tests.client import Client, Frame, client, types_of
from tests.field.test_damaged_files import ask, standing, told
from tests.page.running_neko import RunningNeko
from tests.serve.process import running

Break = Callable[[Path], Callable[[], None]]
"""Makes the log at this path unusable and returns what makes it usable again."""


def ws(neko: RunningNeko) -> str:
    return neko.url.replace("http", "ws", 1)


def _locked(log: Path) -> Callable[[], None]:
    other = sqlite3.connect(log, isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("CREATE TABLE theirs (x)")

    def free() -> None:
        other.execute("ROLLBACK")
        other.close()

    return free


def _held_by_another_writer(log: Path) -> Callable[[], None]:
    other = sqlite3.connect(log, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def _folder_in_its_place(log: Path) -> Callable[[], None]:
    log.mkdir(parents=True)
    (log / "something").touch()
    return lambda: shutil.rmtree(log)


def _folder_in_place_of_the_window(log: Path) -> Callable[[], None]:
    recent = log.with_name("recent_Mio.json")
    recent.mkdir()
    return recent.rmdir


AT_THE_START = {"locked": _locked, "folder": _folder_in_its_place, "recent-folder": _folder_in_place_of_the_window}


async def talk(page: Client, words: str, client_id: str) -> list[Frame]:
    """Say something and take in the turn; she has answered."""
    await page.say(words, client_id=client_id)
    text, frames = await page.reply()
    assert text
    return frames


def kept(frames: list[Frame]) -> list[str | None]:
    """Whose receipts came."""
    lines = (frame["line"] for frame in frames if frame["type"] == "neko_line")
    return [line["client_id"] for line in lines if line["role"] == "user"]


def unkept(frames: list[Frame]) -> list[str]:
    """Whose words wait to be written."""
    lines = (frame["line"] for frame in frames if frame["type"] == "neko_line_unkept")
    return [line["client_id"] for line in lines if line["role"] == "user"]


@pytest.fixture
def no_long_wait_for_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another program holds is given up after a moment instead of seconds."""
    monkeypatch.setattr(service, "MemoryTimeouts", partial(MemoryTimeouts, lock_timeout_s=0.2))


@pytest.mark.parametrize("spoil", AT_THE_START.values(), ids=AT_THE_START)
async def test_a_memory_that_cannot_be_opened_closes_no_socket_and_takes_the_words_later_E14(
    data_dir: Path, no_long_wait_for_locks: None, spoil: Break
) -> None:
    log = data_dir / "memory" / "time_indexed_Mio"
    log.parent.mkdir(parents=True)
    mend = spoil(log)
    async with RunningNeko(data_dir, voice="off") as neko, client(ws(neko), "Mio") as page:
        (status,) = standing(await page.quiet())
        assert status["code"] in ("memory_store", "memory_slow")
        assert status["fault"] == "memory:Mio"
        assert "dismissible" not in status
        assert status["remedy"]
        assert str(data_dir) not in str(status)
        frames = [*await talk(page, "hello", "one"), *await talk(page, "how are you?", "two")]
        assert kept(frames) == []
        assert unkept(frames) == ["one", "two"]
        mend()
        frames = await talk(page, "and now?", "three")
        if not any(frame["type"] == "neko_fault_over" for frame in frames):
            frames += await page.until("neko_fault_over")
        assert kept(frames) == ["one", "two", "three"]
        await page.quiet()
        await talk(page, "good", "four")
        assert await told(neko, "Mio") == []
        words = [line.client_id for line in await neko.neko.memory.lines("Mio") if line.role == "user"]
        assert words == ["one", "two", "three", "four"]
        roles = [line.role for line in await neko.neko.memory.lines("Mio")]
        assert roles == ["user", "assistant"] * 4


@contextmanager
def _small_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A log that SQLite itself calls full after a few lines."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "PRAGMAS", (*schema.PRAGMAS, "PRAGMA max_page_count=32"))
        yield


async def test_a_full_disk_does_not_end_the_talk_E15(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with RunningNeko(data_dir, voice="off") as neko:
        with _small_disk(monkeypatch):
            await neko.neko.memory.lines("Mio")
        async with client(ws(neko), "Mio") as page:
            ids = [f"c{number}" for number in range(12)]
            frames: list[Frame] = []
            for client_id in ids:
                frames += await talk(page, f"a long story {client_id} " * 60, client_id)
            told_so = standing(frames)
            assert [(status["code"], "full" in status["message"]) for status in told_so] == [("memory_store", True)]
            acknowledged = kept(frames)
            assert 0 < len(acknowledged) < len(ids)
            assert [*acknowledged, *unkept(frames)] == ids
            assert [status["fault"] for status in await told(neko, "Mio")] == ["memory:Mio"]
        await neko.neko.memory.close("Mio")  # opened anew, with room
        async with client(ws(neko), "Mio") as page:
            await talk(page, "is there room?", "last")
        async with client(ws(neko), "Mio") as page:
            seen = await page.quiet()
            if standing(seen) and "neko_fault_over" not in types_of(seen):
                await page.until("neko_fault_over")
        lines = await neko.neko.memory.lines("Mio", limit=100)
        assert [line.client_id for line in lines if line.role == "user"] == [*ids, "last"]


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
async def test_a_process_that_may_write_no_more_goes_on_talking_and_saving_is_refused_in_words_E15(
    data_dir: Path,
) -> None:
    async with running(data_dir) as server, client(server.url.replace("http", "ws", 1), "Mio") as page:
        await talk(page, "hello", "one")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        place = {"model_path": "/a", "position": {"x": 0, "y": 0}, "scale": {"x": 1, "y": 1}}
        refused = await ask(server, "/api/config/preferences", {**place, "parameters": {"p": "y" * 8000}})
        model = {**live2d(), "textures/texture_00.png": PNG + bytes(8000)}
        for address, files in (
            ("/api/model/vrm/upload", {"file": ("a.vrm", vrm() + bytes(8000))}),
            ("/api/model/vrm/upload_animation", {"file": ("a.vrma", vrma() + bytes(8000))}),
            ("/api/live2d/upload_model", {"files": ("a.zip", archive(below("Mio", model)))}),
        ):
            async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
                answer = await http.post(address, files=files)
            assert (answer.status_code, answer.json()["code"]) == (409, "disk_full"), address
        assert [path for name in ("vrm", "live2d") for path in (data_dir / name).rglob("*") if path.is_file()] == []
        frames = await talk(page, "the disk is full", "two")
        assert [status["fault"] for status in standing(frames)].count("memory:Mio") == 1
        assert unkept(frames) == ["two"]
        assert refused["success"] is False
        assert refused["code"] == "disk_full"
        assert str(data_dir) not in str(refused)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        frames = await talk(page, "there is room", "three")
        if not any(frame["type"] == "neko_fault_over" for frame in frames):
            frames += await page.until("neko_fault_over")
        assert kept(frames) == ["two", "three"]


async def test_a_text_that_is_sent_again_while_it_waits_is_answered_once(data_dir: Path) -> None:
    log = data_dir / "memory" / "time_indexed_Mio"
    log.parent.mkdir(parents=True)
    mend = _folder_in_its_place(log)
    async with RunningNeko(data_dir, voice="off") as neko:
        async with client(ws(neko), "Mio") as page:
            await talk(page, "hello", "one")
        async with client(ws(neko), "Mio") as page:
            assert unkept(await page.quiet()) == ["one"]
            await page.say("hello", client_id="one")
            frames = await page.quiet()
            assert unkept(frames) == ["one"]
            assert not [frame for frame in frames if frame["type"] == "gemini_response"]
            mend()
            frames = await talk(page, "and now?", "two")
            if not any(frame["type"] == "neko_fault_over" for frame in frames):
                await page.until("neko_fault_over")
        lines = await neko.neko.memory.lines("Mio")
        assert [line.role for line in lines][:2] == ["user", "assistant"]
        assert [line.client_id for line in lines].count("one") == 1


async def test_no_line_is_acknowledged_into_a_deleted_log_and_it_is_told_E14(data_dir: Path) -> None:
    async with RunningNeko(data_dir, voice="off") as neko, client(ws(neko), "Mio") as page:
        await talk(page, "before", "one")
        shutil.rmtree(data_dir / "memory")
        frames = await talk(page, "after", "two")
        assert kept(frames) == ["two"]
        assert [status["code"] for status in standing(frames)] == ["memory_moved"]
        with closing(sqlite3.connect(data_dir / "memory" / "time_indexed_Mio")) as log:
            count = log.execute("SELECT count(*) FROM time_indexed_original").fetchone()
        assert count == (4,)
        (moved,) = await told(neko, "Mio")
        assert moved["dismissible"]
        await ask(neko, "/api/faults/dismiss", {"id": moved["fault"]})
        assert await told(neko, "Mio") == []


@pytest.mark.parametrize("name", ["Neko Daten", "Ñandú 🐈", "日本 語"])
async def test_she_lives_in_a_folder_of_any_name_E16(tmp_path: Path, name: str) -> None:
    async with RunningNeko(tmp_path / name, voice="off") as neko, client(ws(neko), "Mio") as page:
        assert standing(await page.quiet()) == []
        await talk(page, "hello", "one")
        assert len(await neko.neko.memory.lines("Mio")) == 2


async def test_what_waits_when_she_is_stopped_is_written_the_next_time_and_once(
    data_dir: Path, no_long_wait_for_locks: None
) -> None:
    log = data_dir / "memory" / "time_indexed_Mio"
    waiting = log.with_name("unkept_Mio.json")
    async with RunningNeko(data_dir, voice="off") as neko:
        async with client(ws(neko), "Mio") as page:
            await talk(page, "before", "zero")
            free = _held_by_another_writer(log)
            frames = [*await talk(page, "hello", "one"), *await talk(page, "how are you?", "two")]
            assert unkept(frames) == ["one", "two"]
        await neko.stop()
        assert oct(waiting.stat().st_mode & 0o777) == "0o600"
        await neko.start()
        async with client(ws(neko), "Mio") as page:
            assert unkept(await page.quiet()) == ["one", "two"]
            frames = await talk(page, "and now?", "three")
            free()
            while len(kept(frames)) < 3:
                frames.append(await page.next())
            assert kept(frames) == ["one", "two", "three"]
        await neko.stop()
        assert not waiting.exists()
        await neko.start()
        lines = await neko.neko.memory.lines("Mio")
        assert [line.client_id for line in lines if line.role == "user"] == ["zero", "one", "two", "three"]
        assert [line.role for line in lines] == ["user", "assistant"] * 4
