"""A Neko that is killed two hundred times while it stores, sums up, embeds, forgets, renames, imports and clears."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from neko.app import Neko
from neko.app.trash import Trash
from neko.memory import backup
from neko.memory.character_files import files_of
from neko.types.memory import InChats
from tests.crash.at_work import (
    CLEARED,
    CLEARED_NAME,
    DELETED,
    DELETED_NAME,
    EMBEDDERS,
    MAIN,
    NAMES,
    STEPS,
    as_of_an_older_neko,
    started,
    taken_in,
)
from tests.word_embedder import Choice

ROOT = Path(__file__).parent.parent.parent
KILLS = int(os.environ.get("NEKO_TEST_KILLS", "200"))
_WORD = re.compile(r"q\w+x\d+z")
NAMED = ("store", "compress", "review", "embed", "rename", "migrate", "fold_in", "forget", "take_in")
"""Steps that every other kill is aimed at, in turn."""
SHORTLY_S = 0.1
LONGEST_S = 1.2
"""From the start of the program, or its first step, to its end."""


class Expected:
    """What has to be there after what the killed process told: ``lines`` of whom; what may be there as well, or may be
    no more, because it was begun and not told to be done."""

    def __init__(self) -> None:
        self.lines: dict[str, dict[int, str]] = {MAIN: {}, CLEARED: {}, DELETED: {}}
        self.gone: set[str] = set()
        """Texts that are to stand in no file."""
        self.is_deleted = False
        self._forgotten: dict[int, str] = {}
        self.begun: dict[str, Any] = {}
        self.cut_short = Counter[str]()
        """How many kills fell into a step of this name, or before the first."""

    def take(self, told: list[dict[str, Any]]) -> None:
        self.begun = {}
        running = set[str]()
        for step in told:
            if "step" in step:
                running.add(step["step"])
                continue
            if "ended" in step:
                running.discard(step["ended"])
                continue
            what = step.get("begins") or step["done"]
            lines = {int(number): text for number, text in step.get("lines", {}).items()}
            known = self.lines[step.get("who", MAIN)]
            if "begins" in step:
                self.begun[what] = step
                continue
            self.begun.pop(what, None)
            match what:
                case "store" | "take_in":
                    known |= lines
                    self.gone -= set(lines.values())
                case "undo":
                    known |= lines
                    self.gone -= set(lines.values())
                    self._forgotten = {}
                case "forget":
                    self._forgotten = {number: known.pop(number) for number in step["ids"] if number in known}
                    self.gone |= set(self._forgotten.values())
                case "correct":
                    self.gone |= {known[number] for number in lines if number in known} - set(lines.values())
                    known |= lines
                case "clear":
                    self.gone |= set(known.values())
                    known.clear()
                case "delete" | "restore":
                    self.is_deleted = what == "delete"
        self.cut_short.update(running or {"start"})

    def settle(self, found: dict[str, dict[int, str]], *, is_deleted: bool) -> None:
        """Compare, and take what was begun as what it has become."""
        assert is_deleted == self.is_deleted or {"delete", "restore"} & self.begun.keys()
        self.is_deleted = is_deleted
        for who, expected in self.lines.items():
            there = found[who]
            if who == CLEARED and "clear" in self.begun:
                assert set(there) in (set(), set(expected)) or set(there) >= set(expected)
                self.gone |= set() if there else set(expected.values())
            else:
                self._compare(expected, there)
            self.gone -= set(there.values())
            self.lines[who] = dict(there)

    def _compare(self, expected: dict[int, str], there: dict[int, str]) -> None:
        forgetting = set(self.begun.get("forget", {}).get("ids", ()))
        kept = forgetting & there.keys()
        assert not kept or kept == forgetting & expected.keys(), "a deletion was done by halves"
        correcting = {int(one): text for one, text in self.begun.get("correct", {}).get("lines", {}).items()}
        for number, text in expected.items():
            if number in forgetting and number not in there:
                self.gone.add(text)
                continue
            assert number in there, f"{number} {text} is lost"
            assert there[number] in (text, correcting.get(number)), number
            if there[number] != text:
                self.gone.add(text)


async def _killed(folder: Path, tag: str, seed: int, chance: random.Random, aim: str) -> list[dict[str, Any]]:
    """What the process has told when it is killed: soon after it began the step ``aim``; if that is none at any time,
    in one of five while it starts."""
    command = (sys.executable, "-m", "tests.crash.at_work", str(folder), tag, str(seed), aim)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    said = await process.stdout.readline()
    if aim:
        for _ in range(chance.randint(1, 4)):
            while (line := await process.stdout.readline()) and json.loads(line) != {"step": aim}:
                said += line
            said += line
        await asyncio.sleep(SHORTLY_S * chance.random() ** 5)
    else:
        if chance.random() < 0.8:
            said += await process.stdout.readline()
        await asyncio.sleep(chance.uniform(0, LONGEST_S))
    process.kill()
    said += await process.stdout.read()
    assert await process.wait() == -9, "it ended by itself"
    return [json.loads(line) for line in said[: said.rfind(b"\n")].split(b"\n")]


async def _looked_over(folder: Path, expected: Expected) -> None:
    """Start again, end what was begun, and compare."""
    async with started(folder) as neko:
        neko.memory._embedders = Choice(EMBEDDERS[0], EMBEDDERS[1])
        [main] = [name for name in NAMES if name in neko.characters.names]
        assert neko.characters.cards.former_name(main) is None
        assert files_of(folder / "memory", NAMES[1 - NAMES.index(main)]) == []
        if cut := expected.begun.get("take_in"):
            await _taken_in_once(neko, main, Path(cut["file"]))
        names = {MAIN: main, CLEARED: CLEARED_NAME, DELETED: DELETED_NAME}
        is_deleted = DELETED_NAME not in neko.characters.names
        if is_deleted:
            assert files_of(folder / "memory", DELETED_NAME) == []
            await neko.characters.restore(DELETED_NAME)
        found = {who: await _lines(neko, name) for who, name in names.items()}
        for name in names.values():
            await (await neko.memory._opened(name)).log.prepare_recall()
            await neko.memory.embedded(name)
            await _is_whole(neko, name)
            assert await neko.memory.rid_of_deleted(name)
        if is_deleted:
            await neko.characters.delete(DELETED_NAME)
        assert neko.faults.all() == ()
    expected.settle(found, is_deleted=is_deleted)
    for who, name in names.items():
        at = (
            sorted(Trash(folder / "trash", folder / "memory").documents())[-1].parent
            if who == DELETED and is_deleted
            else None
        )
        _files_are_whole((at or folder / "memory") / f"time_indexed_{name}", set(found[who]))
    gone = [_WORD.search(text)[0].encode() for text in expected.gone]  # type: ignore[index]
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [word for word in gone if word in content], path


async def _taken_in_once(neko: Neko, name: str, file: Path) -> None:
    """An import that was cut short brings what is missing when it is done again, and nothing twice."""
    await taken_in(neko, name, file)
    texts = [line["text"] for line in json.loads(file.read_text(encoding="utf-8"))["lines"]]
    assert sorted(text for text in (await _lines(neko, name)).values() if text in texts) == sorted(texts)


async def _lines(neko: Neko, name: str) -> dict[int, str]:
    lines = await neko.memory.lines(name, limit=1_000_000, chat=InChats.ALL)
    return {line.id: line.text for line in lines}


async def _is_whole(neko: Neko, name: str) -> None:
    """Window, facts and summaries speak of lines that are there."""
    memory = await neko.memory._opened(name)
    there = set(await _lines(neko, name))
    assert {source for fact in await neko.memory.facts(name) for source in fact.sources} <= there
    for entry in await neko.memory.recent(name):
        assert entry.role == "system" or entry.id in there, entry
    assert (await neko.memory.meaning(name)).done == len(there)
    assert memory.log.newest >= max(there, default=0)


def _files_are_whole(log: Path, there: set[int]) -> None:
    with closing(sqlite3.connect(log, isolation_level=None)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute("INSERT INTO neko_index (neko_index) VALUES ('integrity-check')")
        kept = {number for (number,) in connection.execute("SELECT id FROM time_indexed_original")}
        assert {number for (number,) in connection.execute("SELECT id FROM neko_words")} == kept == there
        assert {number for (number,) in connection.execute("SELECT id FROM neko_vectors")} == kept
        assert {number for (number,) in connection.execute("SELECT line FROM neko_fact_sources")} <= kept
        assert connection.execute("SELECT name FROM neko_state WHERE name GLOB '*ing *' AND value").fetchall() == []
    for copy in backup.copies(log):
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    recent = log.with_name(f"recent_{log.name[13:]}.json")
    assert not recent.exists() or isinstance(json.loads(recent.read_text(encoding="utf-8")), list)


async def _killed_again_and_again(folder: Path, kills: int, seed: int) -> Counter[str]:
    chance = random.Random(seed)
    async with started(folder) as neko:
        for name in (NAMES[0], CLEARED_NAME, DELETED_NAME):
            await neko.characters.create(name, {})
    expected = Expected()
    for kill in range(kills):
        if kill % 5 == 4:
            for log in (folder / "memory").glob("time_indexed_U*"):
                if log.name[13:] in NAMES:
                    as_of_an_older_neko(log)
        aim = NAMED[kill // 2 % len(NAMED)] if kill % 2 else ""
        expected.take(await _killed(folder, f"{kill}", seed + kill, chance, aim))
        try:
            await _looked_over(folder, expected)
        except BaseException as error:
            error.add_note(f"after kill {kill} of the run with seed {seed}; begun was {expected.begun}")
            raise
    lines = sum(map(len, expected.lines.values()))
    sys.stdout.write(f"{kills} kills, {lines} lines are there, {len(expected.gone)} are forgotten; ")
    sys.stdout.write(f"killed within {dict(expected.cut_short.most_common())}\n")
    return expected.cut_short


async def test_nothing_is_lost_and_nothing_done_by_halves_after_a_few_kills(tmp_path: Path) -> None:
    async with asyncio.timeout(120):
        await _killed_again_and_again(tmp_path / "data", 2, 7)


@pytest.mark.long
async def test_nothing_is_lost_and_nothing_done_by_halves_after_two_hundred_kills(tmp_path: Path) -> None:
    within = await _killed_again_and_again(tmp_path / "data", KILLS, random.Random().randrange(10**6))
    assert within.keys() <= STEPS | {"start"}
    assert KILLS < 200 or all(within[step] for step in NAMED), within
