"""The lines of a log and a window of N.E.K.O.'s are one talk, however it was split between them."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from neko.memory.folder_layout import Note, files_of
from neko.memory.folder_notes import note_now
from neko.memory.import_files import Kind, Source, look_into
from tests.elsewhere.programs import write

NAME = "Mio"
BEGUN = datetime(2026, 2, 22, 10)


def talk(chance: random.Random, turns: int, *, since: datetime = BEGUN) -> list[dict[str, Any]]:
    """Some words are said again and again, some get no reply, some two in a minute."""
    said = []
    at = since
    for number in range(turns):
        words = chance.choice(["yes", "go on", f"word {since:%d} {number}", f"word {since:%d} {number}"])
        said.append({"type": "human", "data": {"content": words}})
        if chance.random() < 0.9:
            reply = chance.choice(["Fine.", f"reply {since:%d} {number}"])
            said.append({"type": "ai", "data": {"content": f"[{at:%Y%m%d} Sun {at:%H:%M}] {reply}"}})
            at += timedelta(minutes=chance.choice([1, 1, 7, 200]))
    at = at.replace(second=0)
    said.append({"type": "ai", "data": {"content": f"[{at:%Y%m%d} Sun {at:%H:%M}] the end of {since:%d}"}})
    return said


class Folder:
    """``memory/<name>/`` as N.E.K.O. writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path / NAME
        self.path.mkdir()
        self._work = path / "work"
        self._work.mkdir()
        self._reads = 0

    def window(self, entries: list[dict[str, Any]]) -> None:
        memo = {"type": "system", "data": {"content": "Memo from prior conversations: what was before"}}
        write(self.path / "recent.json", [memo, *entries])

    def log(self, entries: list[dict[str, Any]], at: str = "2026-02-22 23:50:00.000000") -> None:
        with closing(sqlite3.connect(self.path / "time_indexed.db")) as connection, connection:
            columns = "id INTEGER NOT NULL, session_id VARCHAR, message TEXT, timestamp DATETIME, PRIMARY KEY (id)"
            for table in ("time_indexed_original", "time_indexed_compressed"):
                connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
            insert = "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)"
            connection.executemany(insert, [(at, json.dumps(one), at) for one in entries])

    def read(self, note: Note | None = None) -> tuple[list[str], list[str], Note]:
        """All lines, those that are new, and what is kept of them."""
        self._reads += 1
        place = self._work / f"{self._reads}"
        place.mkdir()
        sources = look_into([(NAME, self.path)], place)
        talks = [one for one in sources if one.kind in (Kind.LOG, Kind.RECENT)]
        for source in talks:
            source.note = note
        lines = [line for source in talks for line in source.taken()]
        now = note_now(NAME, [_plain(source) for source in sources], note, files_of(self.path))
        return [one.line.text for one in lines], [one.line.text for one in lines if not one.has_come], now


def _plain(source: Source) -> Source:
    source.note = None
    return source


def words(entries: list[dict[str, Any]]) -> list[str]:
    return [one["data"]["content"].split("] ")[-1] for one in entries]


@pytest.mark.parametrize("seed", range(30))
def test_every_line_comes_once_and_in_its_order(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    folder, said = Folder(tmp_path), talk(chance, chance.randint(6, 40))
    cut = sorted(chance.sample(range(len(said)), 3))
    whole = {
        "the log whole, the window its end": (said, said[cut[1] :]),
        "the window whole, a part in the log": (said[cut[0] : cut[2]], said),
        "the beginning in the log, both its middle": (said[: cut[2]], said[cut[0] :]),
    }
    log, window = whole[chance.choice(sorted(whole))]
    folder.log(log)
    folder.window(window)
    every, new, note = folder.read()
    assert every == new == words(said)
    assert folder.read(note)[1] == []
    later = talk(chance, chance.randint(1, 12), since=BEGUN + timedelta(days=2))
    folder.window([*window[len(window) // 2 :], *later])
    if chance.random() < 0.5:
        folder.log(later[-chance.randint(1, len(later)) :], "2026-02-24 23:50:00.000000")
    _, new, note = folder.read(note)
    assert new == words(later)
    assert folder.read(note)[1] == []


def test_a_log_that_was_made_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    folder, chance = Folder(tmp_path), random.Random(1)
    folder.log(talk(chance, 20))
    folder.window([])
    _, _, note = folder.read()
    (folder.path / "time_indexed.db").unlink()
    later = talk(chance, 15, since=BEGUN + timedelta(days=2))
    folder.log(later, "2026-02-24 23:50:00.000000")
    assert folder.read(note)[1] == words(later)


def test_an_entry_that_somebody_edits_is_no_new_line(tmp_path: Path) -> None:
    folder, said = Folder(tmp_path), talk(random.Random(1), 20)
    folder.log([])
    folder.window(said)
    _, _, note = folder.read()
    edited = [*said]
    edited[4] = {"type": "human", "data": {"content": "in other words"}}
    folder.window(edited)
    assert folder.read(note)[1] == []


def test_lines_without_any_time_come_once(tmp_path: Path) -> None:
    said = [{"type": kind, "data": {"content": f"{kind} {number}"}} for number in range(10) for kind in ("human", "ai")]
    said += [{"type": "human", "data": {"content": "yes"}}] * 3
    folder = Folder(tmp_path)
    folder.log(said[6:14])
    folder.window(said)
    every, _, note = folder.read()
    assert every == words(said)
    more = [{"type": "human", "data": {"content": "yes"}}, {"type": "ai", "data": {"content": "Well."}}]
    folder.window([*said, *more])
    assert folder.read(note)[1] == words(more)


def test_a_long_talk_of_few_words_is_gone_through_in_passing(tmp_path: Path) -> None:
    """Each of them could be any other; only the replies tell."""
    folder = Folder(tmp_path)

    def of_day(day: int) -> list[dict[str, Any]]:
        said = []
        for number in range(2_000):
            at = BEGUN + timedelta(days=day, minutes=number)
            said.append({"type": "human", "data": {"content": ("yes", "no", "go on")[number % 3]}})
            said.append({"type": "ai", "data": {"content": f"[{at:%Y%m%d} Sun {at:%H:%M}] Fine."}})
        return said

    before, then = of_day(0), of_day(5)
    folder.log(before)
    folder.window(then)
    assert folder.read()[0] == words([*before, *then])


def user(words: str) -> dict[str, Any]:
    return {"type": "human", "data": {"content": words}}


def reply(words: str, at: str) -> dict[str, Any]:
    return {"type": "ai", "data": {"content": f"[20260222 Sun {at}] {words}"}}


def test_a_word_that_is_said_again_is_new_wherever_its_reply_is_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    said = [user("Hello"), reply("Hello!", "10:00")]
    folder.log([])
    folder.window(said)
    _, _, note = folder.read()
    said += [user("yes"), reply("Fine.", "11:00")]
    folder.log(said[2:], "2026-02-22 11:00:30.000000")
    folder.window(said)
    _, _, note = folder.read(note)
    said += [user("yes"), reply("So be it.", "12:00")]
    folder.log(said[5:], "2026-02-22 12:00:30.000000")
    folder.window(said)
    assert folder.read(note)[1] == ["yes", "So be it."]


def test_a_word_without_a_reply_in_the_log_is_the_one_in_the_window(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    said = [user("Hello"), reply("Hello!", "10:00"), user("yes"), user("go on"), reply("Fine.", "11:00")]
    folder.log(said[2:3], "2026-02-22 10:05:00.000000")
    folder.window(said)
    assert folder.read()[0] == words(said)
