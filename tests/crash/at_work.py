"""Run in a process of its own: does with a Neko all that writes to its memory, for ever, and tells each step.

A line of JSON before each step (``step``) and after it (``ended``), by name; within it one before what it promises
(``begins``) and one after it (``done``), with what it is about: whose memory it is
(``MAIN``, who is renamed to and fro, ``CLEARED``, ``DELETED``), and the ids of lines with their texts. Every text has
a word of its own.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from neko.app import Neko, imports, whole_imports
from neko.app.imports import take_over, what_would_come
from neko.memory import deletion, export_layout
from neko.memory.import_files import look_into
from neko.settings import Settings
from neko.tasks import in_thread
from neko.types.lines import Line, NewLine, Role
from neko.types.memory import InChats
from tests.word_embedder import Choice, WordEmbedder

MAIN, CLEARED, DELETED = "main", "cleared", "deleted"
NAMES = ("Una", "Uno")
"""One of them is that of ``MAIN``."""
CLEARED_NAME, DELETED_NAME = "Rin", "Ren"
IMPORTED = 60
for _step_by_step in (imports, whole_imports):
    _step_by_step._STEP = 10  # type: ignore[attr-defined]  # lines between which an import can be killed
EMBEDDERS = (WordEmbedder("words"), WordEmbedder("others"))
_STEPS: dict[str, int] = {
    "store": 40,
    "many": 8,
    "compress": 8,
    "review": 4,
    "learn": 4,
    "forget": 10,
    "correct": 5,
    "undo": 4,
    "take_in": 3,
    "rename": 5,
    "back_up": 3,
    "embed": 2,
    "chat": 3,
    "fold_in": 2,
    "migrate": 2,
    "clear": 4,
    "delete": 4,
}
STEPS = frozenset(_STEPS)


def started(folder: Path) -> Neko:
    """The program over this folder, which embeds by ``EMBEDDERS``."""
    return Neko(Settings(data_dir=folder, environ={}, port=0, find_local_servers=False))


def tell(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


class AtWork:
    """``aim``: a step that is taken about every other time."""

    def __init__(self, neko: Neko, tag: str, seed: int, aim: str) -> None:
        self._neko = neko
        self._memory = neko.memory
        self._tag = tag
        self._chance = random.Random(seed)
        self._weights = _STEPS | ({aim: sum(_STEPS.values())} if aim else {})
        self._number = 0
        self._choice = Choice(EMBEDDERS[seed % 2], EMBEDDERS[1 - seed % 2])
        self._memory._embedders = self._choice
        self._name = next(name for name in NAMES if name in neko.characters.names)
        self._known: list[Line] = []

    async def run(self) -> None:
        self._known = await self._memory.lines(self._name, limit=100_000, chat=InChats.ALL)
        while True:
            [step] = self._chance.choices(list(self._weights), list(self._weights.values()))
            if self._chance.random() < 0.3 and step not in ("rename", "migrate", "store", "many"):
                await asyncio.gather(self._take(step), self.store())
            else:
                await self._take(step)

    async def _take(self, step: str) -> None:
        work: Callable[[], Awaitable[None]] = getattr(self, step)
        tell(step=step)
        await work()
        tell(ended=step)

    def _new_line(self) -> NewLine:
        self._number += 1
        role: Role = "user" if self._number % 2 else "assistant"
        word = f"q{self._tag}x{self._number}z"
        text = f"I live in {word}." if self._number % 5 == 0 else f"{word} was said " + "猫" * (self._number % 50)
        return NewLine("s", self._tag, role, text, datetime.now(), client_id=f"{self._tag}-{self._number}")

    async def store(self) -> None:
        stored = (await self._memory.store(self._name, self._new_line())).line
        self._known.append(stored)
        tell(done="store", who=MAIN, lines={stored.id: stored.text})

    async def many(self) -> None:
        stored = await self._memory.store_many(self._name, [self._new_line() for _ in range(30)])
        self._known += [one.line for one in stored]
        tell(done="store", who=MAIN, lines={one.line.id: one.line.text for one in stored})

    async def take_in(self) -> None:
        """Import a file that is not in the data folder, where words would be found that are forgotten."""
        at = datetime.now().isoformat()
        texts = [self._new_line().text for _ in range(IMPORTED)]
        file = self._neko.folder.path.parent / f"import-{self._tag}-{self._number}.json"
        lines = [{"at": at, "role": "user", "text": text} for text in texts]
        if self._chance.random() < 0.5:
            file.write_text(json.dumps({"character": "", "lines": lines}), encoding="utf-8")
        else:
            export_layout.lay_out(
                {"character": "", "lines": [{"id": n, **one} for n, one in enumerate(lines, 1)]}, file
            )
        before = max((line.id for line in self._known), default=0)
        tell(begins="take_in", who=MAIN, file=str(file))
        await taken_in(self._neko, self._name, file)
        there = await self._memory.lines(self._name, after=before, limit=100_000, chat=InChats.ALL)
        come = [line for line in there if line.text in texts]
        self._known += come
        tell(done="take_in", who=MAIN, lines={line.id: line.text for line in come})

    async def compress(self) -> None:
        await self._memory.compress(self._name, _quoting if self._chance.random() < 0.7 else None)

    async def review(self) -> None:
        """A model that leaves out some of what she said."""
        entries = await self._memory.recent(self._name)
        left = [
            {"n": number, "text": entry.text}
            for number, entry in enumerate(entries)
            if entry.role != "assistant" or entry is entries[-1] or number % 3
        ]

        async def corrected(prompt: str) -> str:
            """Nothing of it when a memo was made meanwhile: under these numbers stand other entries by now, which
            would get the words of others, and keep them when those are forgotten."""
            is_of_these = all(
                re.search(rf"^{n} [^\n]* \| {re.escape(entry.text)}$", prompt, re.M) for n, entry in enumerate(entries)
            )
            return json.dumps(left) if is_of_these else "[]"

        await self._memory.review(self._name, corrected)

    async def learn(self) -> None:
        await self._memory.learn(self._name, None)

    async def forget(self) -> None:
        if len(self._known) > 20:
            gone = [
                self._known.pop(self._chance.randrange(len(self._known))) for _ in range(self._chance.choice((1, 5)))
            ]
            ids = [line.id for line in gone]
            tell(begins="forget", who=MAIN, ids=ids)
            await self._memory.delete(self._name, ids, may_be_undone=True)
            tell(done="forget", who=MAIN, ids=ids)

    async def undo(self) -> None:
        tell(begins="undo", who=MAIN)
        back = await self._memory.restore(self._name)
        self._known += back
        tell(done="undo", who=MAIN, lines={line.id: line.text for line in back})

    async def correct(self) -> None:
        if self._known:
            at = self._chance.randrange(len(self._known))
            line, text = self._known[at], self._new_line().text
            tell(begins="correct", who=MAIN, lines={line.id: text})
            await self._memory.correct(self._name, line.id, text)
            tell(done="correct", who=MAIN, lines={line.id: text})

    async def rename(self) -> None:
        new = NAMES[1 - NAMES.index(self._name)]
        await self._neko.characters.rename(self._name, new)
        self._name = new

    async def back_up(self) -> None:
        for copy in (self._neko.folder.memory).glob("backups_*/*"):
            copy.unlink()  # else none is due
        await self._memory.back_up()

    async def embed(self) -> None:
        self._choice.current, self._choice.others = self._choice.others[0], (self._choice.current,)
        self._memory.embedder_changed()
        if self._chance.random() < 0.5:  # else it goes on beside the next steps
            await self._memory.embedded(self._name)

    async def migrate(self) -> None:
        """Open again the log as an older Neko would have left it; none of the work in the background opens it before
        that."""
        await self._memory.close(self._name)
        with self._memory.hold(self._name):
            await in_thread(as_of_an_older_neko, self._neko.folder.memory / f"time_indexed_{self._name}")
        await (await self._memory._opened(self._name)).log.prepare_recall()

    async def chat(self) -> None:
        await self._memory.change_chat(self._name, self._chance.choice((None, 0)))

    async def fold_in(self) -> None:
        """Empty the WAL, every other time after the file was written anew, as after a deletion."""
        log = (await self._memory._opened(self._name)).log
        if self._chance.random() < 0.5:
            await log.transaction(deletion.leave_untidy)
        await log._folded_in()

    async def clear(self) -> None:
        tell(begins="clear", who=CLEARED)
        await self._neko.characters.clear_memory(CLEARED_NAME)
        tell(done="clear", who=CLEARED)
        stored = await self._memory.store_many(CLEARED_NAME, [self._new_line() for _ in range(5)])
        tell(done="store", who=CLEARED, lines={one.line.id: one.line.text for one in stored})

    async def delete(self) -> None:
        if DELETED_NAME in self._neko.characters.names:
            stored = (await self._memory.store(DELETED_NAME, self._new_line())).line
            tell(done="store", who=DELETED, lines={stored.id: stored.text})
            tell(begins="delete", who=DELETED)
            await self._neko.characters.delete(DELETED_NAME)
            tell(done="delete", who=DELETED)
        else:
            tell(begins="restore", who=DELETED)
            await self._neko.characters.restore(DELETED_NAME)
            tell(done="restore", who=DELETED)


def as_of_an_older_neko(log: Path) -> None:
    """Let the next opening migrate: no version is counted, and the index is of other rules. All of it or nothing: a log
    of the present version without what that has was left by no Neko."""
    with closing(sqlite3.connect(log, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DROP INDEX IF EXISTS neko_original_chat")
        connection.execute("UPDATE neko_indexed SET version = 'older'")
        connection.execute("PRAGMA user_version = 0")
        connection.execute("COMMIT")


async def taken_in(neko: Neko, name: str, file: Path) -> None:
    """Import what is not there yet of a file."""
    importing = neko.memory.importing
    with TemporaryDirectory() as workplace:
        sources = look_into([(file.name, file)], Path(workplace))
        for share in await what_would_come(importing, sources, lambda _: name, lambda _: True):
            await take_over(importing, sources, share)


async def _quoting(prompt: str) -> str:
    """A memo that holds many of the words."""
    return " ".join([word for word in prompt.split() if word.startswith("q") and "x" in word][:20]) or "Nothing."


async def main(folder: Path, tag: str, seed: int, aim: str) -> None:
    tell(begins="start")
    async with started(folder) as neko:
        await AtWork(neko, tag, seed, aim).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
