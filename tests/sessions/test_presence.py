"""Pages leave, come back and take over at every point of a reply: what each shows in the end is what the log holds."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neko.app import Neko
from neko.sessions.actions import SendText
from neko.sessions.events import Event, Hello, LineStored, Pong, ReplyText, ResponseDiscarded, TurnEnd
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import TAKEN_OVER, Outbox
from neko.settings import Settings
from tests.field.gated_reply import END_OF_STREAM, WHOLE, GatedReply
from tests.field.hostile_provider import HostileProvider

NAME = "Mio"
GROUPS, WALKS = 8, 25


@pytest.fixture
async def provider() -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as hostile:
        yield hostile


@pytest.fixture
async def neko(tmp_path: Path, provider: HostileProvider) -> AsyncIterator[Neko]:
    environ = {"LANG": "en"}
    async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as whole:
        local = {"conversationModelUrl": provider.base_url, "conversationModelId": "m", "conversationModelApiKey": "k"}
        await whole.config.change({"enableCustomApi": True, **local, "neko": {"speech": {"engine": "off"}}})
        yield whole


@dataclass
class Page:
    """What a page makes of its events: committed lines by id, and replies that grow, by turn."""

    lines: dict[int, str] = field(default_factory=dict)
    growing: dict[str, str] = field(default_factory=dict)
    hello: Hello | None = None

    def take(self, event: Event) -> None:
        match event:
            case Hello():
                self.hello = event
            case LineStored(line):
                self.lines.pop(line.replaces or -1, None)
                self.lines[line.id] = line.text
                self.growing.pop(line.turn_id, None)
            case ReplyText(turn_id, _, text, first):
                assert first or turn_id in self.growing, "a piece of a reply whose beginning never came"
                self.growing[turn_id] = text if first else self.growing[turn_id] + text
            case ResponseDiscarded():
                self.growing.clear()

    @property
    def texts(self) -> list[str]:
        return [text for _, text in sorted(self.lines.items())]


class Visitor:
    """One connected page, which reads whatever comes."""

    def __init__(self, neko: Neko, manager: SessionManager, page: Page, *, knows_takeover: bool) -> None:
        self._neko = neko
        self._manager = manager
        self.page = page
        self.outbox = Outbox(wants_audio=False, knows_takeover=knows_takeover)
        self.told_since_taken_over: list[Event] | None = None
        self._flushed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def come(self) -> None:
        known = max(self.page.lines, default=0)
        await self._manager.attach(self.outbox)
        await self.catch_up()
        assert self.page.hello is not None
        if self.page.hello.last_line_id > known:
            for line in await self._neko.memory.lines(NAME, after=known):
                self.page.take(LineStored(line))

    async def catch_up(self) -> None:
        """All that was said so far has been read."""
        self._flushed.clear()
        self.outbox.put(Pong())
        await asyncio.wait_for(self._flushed.wait(), 15)

    async def taken_over(self) -> None:
        await asyncio.sleep(0)  # what was said before is read
        self.told_since_taken_over = []

    async def leave(self) -> None:
        self._manager.detach(self.outbox)
        self._reading.cancel()
        await asyncio.wait({self._reading})

    async def _read(self) -> None:
        while (event := await self.outbox.get()) is not None:
            if isinstance(event, Pong):
                self._flushed.set()
            elif self.told_since_taken_over is not None:
                self.told_since_taken_over.append(event)
            else:
                self.page.take(event)


class Walk:
    """A random life of the pages of one conversation."""

    def __init__(self, neko: Neko, manager: SessionManager, chance: random.Random) -> None:
        self._neko = neko
        self._manager = manager
        self._chance = chance
        self.here: Visitor | None = None
        self._older: list[Visitor] = []

    async def step(self) -> str:
        what = self._chance.choice(["stay", "stay", "reload", "redial", "leave", "newer", "back"])
        page = self.here.page if self.here and what == "redial" else Page()
        if what in ("reload", "redial", "leave") and self.here:
            await self.here.leave()
            self.here = None
        if what in ("reload", "redial", "newer") or (what == "back" and self.here is None):
            await self.come(page)
        return what

    async def come(self, page: Page) -> None:
        before = self.here
        self.here = Visitor(self._neko, self._manager, page, knows_takeover=self._chance.random() < 0.5)
        await self.here.come()
        if before:
            await before.taken_over()
            self._older.append(before)

    async def end(self) -> None:
        for older in self._older:
            await asyncio.sleep(0)
            assert not older.told_since_taken_over, "one that was taken over is told nothing more"
            assert older.outbox.closed == ((TAKEN_OVER, "taken over") if older.outbox.knows_takeover else None)
            await older.leave()
        if self.here:
            await self.here.leave()


async def until(tap: Outbox, wanted: Callable[[Event], bool]) -> None:
    async with asyncio.timeout(15):
        while not wanted(await tap.get()):  # type: ignore[arg-type]
            pass


@pytest.mark.few(4)
@pytest.mark.parametrize("group", range(GROUPS), ids=lambda number: f"E1-walks-{number}")
async def test_whoever_is_there_in_the_end_has_what_the_log_has(
    neko: Neko, provider: HostileProvider, group: int
) -> None:
    manager = neko.conversations.get(NAME)
    assert manager is not None
    chance = random.Random(group)
    done = Counter[str]()
    said = 0
    for _ in range(WALKS):
        walk, tap, reply = Walk(neko, manager, chance), Outbox(wants_audio=False), GatedReply()
        provider.answers = [reply.answer()]
        await walk.come(Page())
        with manager.tap(tap):
            said += 1
            manager.handle(SendText(f"line {said}"))
            for count in range(END_OF_STREAM + 1):
                done[await walk.step()] += 1
                if count == END_OF_STREAM:
                    break
                await reply.open(count + 1)
                await until(tap, lambda event: isinstance(event, ReplyText))
            await reply.open(END_OF_STREAM + 2)
            done[await walk.step()] += 1
            await until(tap, lambda event: isinstance(event, TurnEnd))
            done[await walk.step()] += 1
        if walk.here is None:
            await walk.come(Page())
        assert walk.here is not None
        await walk.here.catch_up()
        stored = [line.text for line in await neko.memory.lines(NAME, limit=1000)]
        assert stored[-2:] == [f"line {said}", WHOLE]
        assert walk.here.page.texts[-2:] == stored[-2:]
        assert walk.here.page.texts == stored[-len(walk.here.page.texts) :]
        assert walk.here.page.growing == {}
        await walk.end()
    assert len(await neko.memory.lines(NAME, limit=1000)) == 2 * said
    assert all(done[what] for what in ("stay", "reload", "redial", "leave", "newer", "back"))
