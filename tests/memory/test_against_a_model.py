"""Whatever is done to a memory, in whatever order: log, window, search, facts, summaries and the prompt say the same.

The model is a dictionary of lines. Every line has a word of its own, so that a word tells whose line it is.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neko.memory.character_files import move
from neko.memory.service import MemoryService
from neko.memory.timeouts import MemoryTimeouts
from neko.sessions.prompt import Persona, compose
from neko.tasks import TaskOwner
from neko.types.lines import Line, NewLine, Role
from neko.types.memory import InChats, RecentEntry
from tests.word_embedder import Choice, WordEmbedder

NAMES = ("Una", "Uno")
START = datetime(2026, 2, 22, 10, 0)
_WORD = re.compile(r"q\d+z")
_UNCOMPRESSED = 9
_PATIENT = MemoryTimeouts(find_timeout_s=60, read_timeout_s=60)
_STEPS = (
    *("store", "talk", "talk", "compress", "forget") * 3,
    *("many", "compress", "review", "learn", "correct", "forget", "undo", "retry", "choose", "rename", "restart"),
    *("turn_to_chat", "delete_chat", "leave_out", "clear"),
)
steps = st.lists(st.tuples(st.sampled_from(_STEPS), st.integers(0, 999)), min_size=4, max_size=30)


def words_of(text: str) -> set[str]:
    return set(_WORD.findall(text))


class Said:
    """A line of the model. ``before`` are the earlier versions of a reply, by their ids."""

    def __init__(self, line: Line, before: dict[int, Line] | None = None) -> None:
        self.line = line
        self.before = before or {}


class Checked:
    """A memory with its model, which is compared after each step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = NAMES[0]
        self.lines: dict[int, Said] = {}
        self.gone: set[str] = set()
        self.chat = 0
        self.floor = 0
        """Lines up to this id need not stand in the window."""
        self.left_out: set[int] = set()
        """Lines that were left out by hand: they do not come into the window again."""
        self.highest = 0
        self.reviewed: set[int] = set()
        """Lines that have other words in the window, or are not there."""
        self.undone: dict[int, Said] = {}
        self.number = 0
        self.embedders = Choice(WordEmbedder())
        self.owner: TaskOwner
        self.memory: MemoryService

    async def open(self) -> None:
        self.owner = TaskOwner("test")
        self.memory = MemoryService(
            self.folder, self.owner, lambda: "Anna", timeouts=_PATIENT, embedders=self.embedders
        )
        await self.memory.start()
        self.undone = {}

    async def close(self) -> None:
        await self.memory.aclose()
        await self.owner.aclose()

    async def run(self, todo: list[tuple[str, int]]) -> None:
        await self.open()
        try:
            for step, number in todo:
                await getattr(self, step)(number)
                await self.compare()
            await self.memory.embedded(self.name)
            assert await self.memory.rid_of_deleted(self.name)
            await self.compare()
        finally:
            await self.close()
        self.compare_bytes()

    # ── steps ────────────────────────────────────────────────────────────────

    def new_line(self, number: int, **values: Any) -> NewLine:
        self.number += 1
        role: Role = values.pop("role", "assistant" if number % 3 == 1 else "user")
        word = f"q{self.number}z"
        text = f"I live in {word}." if number % 4 == 0 and role == "user" else f"It was {word} that was seen there."
        at = START + timedelta(minutes=self.number)
        return NewLine("s", "t", role, text, at, client_id=f"c{self.number}", **values)

    def took(self, line: Line, before: dict[int, Line] | None = None) -> None:
        assert line.id > self.highest, "the id of a line that was there is given again"
        self.highest = line.id
        self.lines[line.id] = Said(line, before)

    async def store(self, number: int) -> None:
        self.took((await self.memory.store(self.name, self.new_line(number))).line)

    async def talk(self, number: int) -> None:
        for one in range(5):
            await self.store(number + one)

    async def many(self, number: int) -> None:
        for stored in await self.memory.store_many(self.name, [self.new_line(number + one) for one in range(13)]):
            self.took(stored.line)
        self._window_is_anew()

    async def compress(self, number: int) -> None:
        await self.memory.compress(self.name, _quoting if number % 2 else None)

    async def review(self, number: int) -> None:
        before = {entry.id: entry.text for entry in await self.memory.recent(self.name) if entry.role != "system"}

        async def correct(prompt: str) -> str:
            """Say one entry in other words, and leave one out."""
            entries = [(int(one[1]), one[2]) for one in re.finditer(r"^(\d+) \w+ \| (.*)$", prompt, re.MULTILINE)]
            kept = [(n, f"{text}!" if n % 4 == number % 4 else text) for n, text in entries if n % 7 != number % 7]
            return json.dumps([{"n": n, "text": text} for n, text in kept])

        await self.memory.review(self.name, correct)
        after = {entry.id: entry.text for entry in await self.memory.recent(self.name) if entry.role != "system"}
        self.reviewed |= {one for one, text in before.items() if after.get(one) != text}

    async def learn(self, number: int) -> None:
        await self.memory.learn(self.name, None)

    async def correct(self, number: int) -> None:
        if said := self._one(number):
            line = await self.memory.correct(self.name, said.line.id, self.new_line(number, role=said.line.role).text)
            assert line is not None
            self.gone |= words_of(said.line.text)
            self.lines[line.id] = Said(line, said.before)

    async def forget(self, number: int) -> None:
        ids = list(self.lines)[number % 5 :: 3][: 1 + number % 4]
        gone = await self.memory.delete(self.name, ids, may_be_undone=bool(number % 2))
        taken = {one: self.lines.pop(one) for one in ids}
        assert set(gone) == {*taken, *(one for said in taken.values() for one in said.before)}
        self._forgotten(taken)
        if taken and number % 2:
            self.undone = taken

    def _forgotten(self, taken: dict[int, Said]) -> None:
        for said in taken.values():
            for line in (said.line, *said.before.values()):
                self.gone |= words_of(line.text)

    async def undo(self, number: int) -> None:
        back = await self.memory.restore(self.name)
        assert {line.id for line in back} == set(self.undone)
        for said in self.undone.values():
            for line in (said.line, *said.before.values()):
                self.gone -= words_of(line.text)
        self.lines |= self.undone
        self.lines = dict(sorted(self.lines.items()))
        self.undone = {}

    async def retry(self, number: int) -> None:
        if (said := self._last()) and said.line.role == "assistant":
            new = self.new_line(1, role="assistant", replaces=said.line.id)
            del self.lines[said.line.id]
            self.took((await self.memory.store(self.name, new)).line, {**said.before, said.line.id: said.line})

    async def choose(self, number: int) -> None:
        if (said := self._last()) and said.before:
            wanted = list(said.before)[number % len(said.before)]
            line = await self.memory.choose_version(self.name, wanted)
            assert line is not None
            assert line.text == said.before[wanted].text
            del self.lines[said.line.id]
            self.took(line, {one: old for one, old in said.before.items() if one != wanted} | {said.line.id: said.line})

    async def rename(self, number: int) -> None:
        new = NAMES[1 - NAMES.index(self.name)]
        with self.memory.hold(new):
            await self.memory.close(self.name)
            await asyncio.to_thread(move, self.folder, self.name, self.folder, new)
        self.name, self.undone = new, {}

    async def restart(self, number: int) -> None:
        await self.close()
        await self.open()

    async def turn_to_chat(self, number: int) -> None:
        chats = sorted({said.line.chat for said in self.lines.values()})
        opened = await self.memory.change_chat(self.name, chats[number % len(chats)] if chats and number % 2 else None)
        self.chat = self.chat if opened is None else opened
        self._window_is_anew()

    def _window_is_anew(self) -> None:
        """It has been made of the last lines of the chat; those before are not there, nor in a memo yet."""
        here = [one for one, said in self.lines.items() if said.line.chat == self.chat]
        self.floor = max(self.floor, *here[:-_UNCOMPRESSED], 0)

    async def delete_chat(self, number: int) -> None:
        chats = sorted({said.line.chat for said in self.lines.values()})
        if chats:
            gone = chats[number % len(chats)]
            taken = {one: said for one, said in self.lines.items() if said.line.chat == gone}
            await self.memory.delete_chat(self.name, gone)
            self.lines = {one: said for one, said in self.lines.items() if one not in taken}
            self._forgotten(taken)

    async def leave_out(self, number: int) -> None:
        """As N.E.K.O.'s page saves a window, without some of it."""
        window = await self.memory.recent(self.name)
        kept = [] if number % 3 == 0 else [entry for at, entry in enumerate(window) if at % 4 != number % 4]
        await self.memory.rewrite_recent(self.name, kept)
        left_out = {entry.id for entry in window if entry not in kept and entry.role != "system"}
        self.floor = max([self.floor, *left_out])
        self.left_out |= left_out

    async def clear(self, number: int) -> None:
        if number % 3:  # else most of a run would be over an empty memory
            return
        assert await self.memory.clear(self.name) == sum(1 + len(said.before) for said in self.lines.values())
        self._forgotten(self.lines)
        self.lines, self.undone = {}, {}

    def _one(self, number: int) -> Said | None:
        every = list(self.lines.values())
        return every[number % len(every)] if every else None

    def _last(self) -> Said | None:
        return next((said for said in reversed(self.lines.values()) if said.line.chat == self.chat), None)

    # ── comparing ────────────────────────────────────────────────────────────

    async def compare(self) -> None:
        memory, name = self.memory, self.name
        lines = await memory.lines(name, after=0, limit=100_000, chat=InChats.ALL)
        assert [(line.id, line.role, line.text, line.chat) for line in lines] == [
            (said.line.id, said.line.role, said.line.text, said.line.chat) for said in self.lines.values()
        ]
        window = await memory.recent(name)
        self._compare_window(window)
        ids = {*self.lines, *(one for said in self.lines.values() for one in said.before)}
        facts, memos = await memory.facts(name), await memory.memos(name, limit=1_000)
        for fact in facts:
            assert fact.sources
            assert set(fact.sources) <= ids
        for memo in memos:
            assert set(memo.sources) <= ids
        persona = Persona(name, "Anna", "Be kind.", {}, "en")
        prompt = compose(persona, window, START, facts).text
        told = [entry.text for entry in window] + [fact.value for fact in facts] + [memo.text for memo in memos]
        assert not words_of("\n".join((prompt, *told))) & self.gone
        await self._compare_search(ids)

    def _compare_window(self, window: list[RecentEntry]) -> None:
        turns = [entry for entry in window if entry.role != "system"]
        shown = [entry.id for entry in turns if entry.id]
        assert shown == sorted(set(shown))
        assert not self.left_out & set(shown)
        for entry in turns:
            if entry.id:
                line = self.lines[entry.id].line
                assert line.chat == self.chat
                assert entry.text == line.text or entry.id in self.reviewed
        here = [one for one, said in self.lines.items() if said.line.chat == self.chat and one > self.floor]
        assert set(here[-_UNCOMPRESSED:]) <= {*shown, *self.reviewed}

    async def _compare_search(self, ids: set[int]) -> None:
        for said in (self._one(0), self._one(self.number), self._last()):
            if said:
                [word] = words_of(said.line.text)
                assert [line.id for line in await self.memory.find(self.name, word)] == [said.line.id]
                recalled = await self.memory.recall(self.name, f"What was {word}?", limit=20, timeout_s=60)
                assert said.line.id in {one.sources[0] for one in recalled}
                assert {one for evidence in recalled for one in evidence.sources} <= ids
        for word in sorted(self.gone)[-3:]:
            assert await self.memory.find(self.name, word) == []

    def compare_bytes(self) -> None:
        """Nothing that is gone stands in any file, and the index and the vectors are those of the lines."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                assert not {word for word in self.gone if word.encode() in path.read_bytes()}, path
        log = self.folder / f"time_indexed_{self.name}"
        if log.exists():
            with closing(sqlite3.connect(log)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                connection.execute("INSERT INTO neko_index (neko_index) VALUES ('integrity-check')")
                for table in ("neko_words", "neko_vectors"):
                    assert {row[0] for row in connection.execute(f"SELECT id FROM {table}")} == set(self.lines), table


async def _quoting(prompt: str) -> str:
    """A memo of all that has a word of its own."""
    return " ".join(sorted(words_of(prompt))[:30]) or "Nothing."


def _hold(todo: list[tuple[str, int]]) -> None:
    with TemporaryDirectory(prefix="neko-test-") as folder:
        asyncio.run(Checked(Path(folder)).run(todo))


@given(steps)
@settings(max_examples=6, derandomize=True)
def test_all_layers_agree_with_a_simple_model_whatever_is_done(todo: list[tuple[str, int]]) -> None:
    _hold(todo)


@pytest.mark.long
@given(steps)
@settings(max_examples=400)
def test_all_layers_agree_with_a_simple_model_for_long(todo: list[tuple[str, int]]) -> None:
    _hold(todo)
