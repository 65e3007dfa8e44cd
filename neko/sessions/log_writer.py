"""Writes a conversation to memory in the order of the talk, one entry after the other, by a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar
from uuid import uuid4

from neko.errors import NekoError, RecallTimeoutError
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import LineStored, LineUnkept
from neko.sessions.models.builtin.recall import search_words
from neko.sessions.prompt_lines import PromptLines
from neko.sessions.reply_stream import ReplyStream
from neko.sessions.said_lines import SaidLines
from neko.sessions.shared_recall import recall_also
from neko.sessions.status_reporter import StatusReporter
from neko.sessions.unkept_lines import UnkeptLines
from neko.tasks import TaskOwner, in_thread, is_cancelled
from neko.types import facts
from neko.types.lines import Line, LineStatus, NewLine, Stored
from neko.types.memory import Evidence

logger = logging.getLogger(__name__)

_NOTHING = "…"
"""Stands for a reply of which nothing was heard."""
_RECEIPTS = 200
"""Sent messages whose receipt can be repeated."""
_MUCH = 1_000
"""Lines, before which a slow recall is the machine's fault and says nothing of how much there is to remember."""
_RECALLED = 30
"""Memories that are asked for besides the lines that are in the prompt anyway: the window of a session to come."""
_CONTEXT = 4
"""Lines before a question that it may lean on: the last two turns."""
_GIVEN_UP_S = 1.0
"""Seconds for the entries that wait when the memory is waited for no longer."""
MOST_WAITING = 1_000
"""Entries. Input is refused long before (``SessionLimits.waiting_lines``); beyond this one is lost and reported."""


@dataclass(frozen=True, slots=True)
class TextRequest:
    """What the user typed, on its way to the model. ``received``: monotonic seconds.

    ``line`` and ``recalled`` are there once it is committed. ``again``: asked before; ``replaces`` is
    then the reply it got, if any. ``off_record``: the words were passed over, and are kept nowhere.
    """

    text: str
    received: float
    images: tuple[bytes, ...] = ()
    client_id: str | None = None
    line: Line | None = None
    recalled: tuple[Evidence, ...] = ()
    again: bool = False
    replaces: Line | None = None
    off_record: bool = False


Entry = Callable[[], Awaitable[None]]
L = TypeVar("L", Line, NewLine)
_UNWANTED_S: Final = 15.0
"""Longer than a page offers to undo a deletion, and than a deletion takes."""


class LogWriter:
    """``session_id`` marks the lines of one model session. ``last_line_id`` is the newest line written here.

    ``lines`` is told of what she says; ``said`` is what was said lately. ``typed_lines_waiting``: typed lines that are
    not written yet. ``off_record``: what is said from now on is kept nowhere, nor the reply to it;
    ``last_is_off_record``: so were the last words.
    """

    def __init__(
        self,
        character: str,
        dependencies: SessionDependencies,
        owner: TaskOwner,
        clients: Clients,
        status: StatusReporter,
        lines: PromptLines,
    ) -> None:
        self._character = character
        self._lines = lines
        self._memory = dependencies.memory
        self._toolbox = dependencies.toolbox
        self._recall = partial(recall_also, character, dependencies)
        self._label = dependencies.label
        self._facts = dependencies.bus.session
        self._now = dependencies.now
        self._timeouts = dependencies.timeouts
        self._unkept = UnkeptLines(
            character,
            dependencies.memory,
            owner,
            dependencies.faults,
            dependencies.timeouts.store_timeout_s,
            self._kept_later,
        )
        self._owner = owner
        self._clients = clients
        self._status = status
        self._entries: asyncio.Queue[Entry] = asyncio.Queue(MOST_WAITING)
        self._said: deque[Line] = deque(maxlen=_CONTEXT)
        self._unwanted: frozenset[int] = frozenset()
        self._unwanted_until = 0.0
        self._receipts: dict[str, Line] = {}
        self._replies: dict[str, Line] = {}
        self._recall_reported = False
        self._on_their_way: set[str | None] = set()
        self._passed_over: dict[str, NewLine] = {}
        self.said = SaidLines()
        self.off_record = False
        self.last_is_off_record = False
        self.typed_lines_waiting = 0
        self.session_id = uuid4().hex
        self.last_line_id = 0
        self._loaded = asyncio.Event()
        self._writing = owner.spawn(self._run(), name="write the log")

    @property
    def waiting(self) -> int:
        """Entries not written yet."""
        return self._entries.qsize()

    def receipt(self, client_id: str) -> Line | None:
        """The line of a message that was sent before with this id."""
        return self._receipts.get(client_id)

    def client_ids(self, line_ids: Collection[int]) -> frozenset[str]:
        """Under which ids these lines were sent, as far as it is known."""
        return frozenset(client_id for client_id, line in self._receipts.items() if line.id in line_ids)

    def is_on_its_way(self, client_id: str) -> bool:
        """Is a message with this id being committed, or waiting to be?"""
        return client_id in self._on_their_way or client_id in self._passed_over or self._unkept.holds(client_id)

    def tell_again(self, client_id: str) -> None:
        """A message was sent once more: say that it waits to be committed, if it does."""
        for line in self.unkept:
            if line.client_id == client_id:
                self._clients.emit(LineUnkept(line))
        if passed_over := self._passed_over.get(client_id):
            self._clients.emit(LineUnkept(passed_over, off_record=True))

    @property
    def unkept(self) -> list[NewLine]:
        """What was said and waits for the memory to work again, in the order of the talk."""
        return self._unkept.lines

    @property
    def memory_fault(self) -> NekoError | None:
        """Why the memory cannot be used just now."""
        return self._unkept.fault

    def memory_failed(self, error: NekoError) -> None:
        """Tell, until it is over, that the memory cannot be used."""
        self._unkept.failed(error)

    def write_user_line(
        self,
        request: TextRequest,
        on_committed: Callable[[TextRequest, bool], None],
        on_failed: Callable[[NekoError], None],
        beside: asyncio.Task[None],
    ) -> None:
        """Commit typed words and search memory at the same time.

        ``on_committed`` gets the request completed, and whether it had been answered before; the
        receipt follows; ``beside`` is waited for first. While the memory cannot be used the request goes on as it is,
        and the receipt comes when the words are in the log.
        """
        recall = self._owner.spawn(self.recall(request.text), name="recall")
        line = NewLine(
            self.session_id,
            uuid4().hex,
            "user",
            request.text,
            self._now(),
            client_id=request.client_id,
            images=len(request.images),
        )

        off_record = self.last_is_off_record = self.off_record
        self._on_their_way.add(request.client_id)
        self.typed_lines_waiting += 1

        async def write() -> None:
            if off_record:
                self._pass_over(line)
                self._on_their_way.discard(request.client_id)
                self.typed_lines_waiting -= 1
                await asyncio.wait({recall, beside})
                on_committed(replace(request, recalled=_found(recall), off_record=True), False)
                return
            try:
                pictures = await self._keep(request.images)
                stored = await self._store(replace(line, pictures=pictures))
                answered = stored is not None and not stored.fresh and await self._has_followers(stored.line)
            except NekoError as error:
                recall.cancel()
                on_failed(error)
                return
            finally:
                self._on_their_way.discard(request.client_id)
                self.typed_lines_waiting -= 1
            if stored is None:
                recall.cancel()
                await asyncio.wait({beside})
                on_committed(request, False)
                return
            self._remember_receipt(request.client_id, stored.line)
            await asyncio.wait({recall, beside})
            recalled = tuple(evidence for evidence in _found(recall) if stored.line.id not in evidence.sources)
            on_committed(replace(request, line=stored.line, recalled=recalled), answered)
            self._clients.emit(LineStored(stored.line))

        self._put(write)

    def write_short_answer(self, request: TextRequest) -> None:
        """Commit typed words that open no turn."""

        async def nothing() -> None:
            pass

        beside = self._owner.spawn(nothing(), name="nothing beside")
        self.write_user_line(request, lambda *_: None, self._status.report, beside)

    def write_spoken_line(self, text: str, images: Sequence[bytes] = ()) -> None:
        """Commit what the user was heard to say, and showed meanwhile."""
        line = NewLine(self.session_id, uuid4().hex, "user", text, self._now(), images=len(images))
        self.last_is_off_record = self.off_record
        self._put(self._written(line, images))

    def write_reply(self, reply: ReplyStream, status: LineStatus) -> None:
        """Commit a reply; a blank one leaves no line."""
        if reply.text.strip():
            told = self._lines.recalled_for(reply.turn_id)
            line = NewLine(
                self.session_id,
                reply.turn_id,
                "assistant",
                reply.text,
                self._now(),
                status=status,
                replaces=reply.replaces.id if reply.replaces else None,
                remark=reply.remark,
                recalled=told.lines,
                recalled_elsewhere=told.elsewhere,
                outside=self._toolbox is not None and self._toolbox.has_read_outside(reply.turn_id),
                images=len(reply.pictures),
            )
            self._put(self._written(line, reply.pictures))

    def _written(self, line: NewLine, images: Sequence[bytes] = ()) -> Entry:
        """A spoken line, or one of hers, as an entry; off the record if the last words were."""
        if not (self.last_is_off_record or self.off_record):

            async def keep() -> None:
                await self._write(replace(line, pictures=await self._keep(images)))

            return keep

        async def pass_over() -> None:
            self._pass_over(line)

        return pass_over

    def _pass_over(self, line: NewLine) -> None:
        """Keep nothing of a line but, in mind, that it was received, and what was said until the session ends."""
        self.said.add(line)
        if line.client_id:
            self._remember(self._passed_over, line.client_id, line)
        self._clients.emit(LineUnkept(line, off_record=True))

    def shorten_reply(self, turn_id: str, text: str) -> None:
        """Only this much of a written reply was heard, "" for nothing: a line of that text takes its place, and it
        stays an earlier version."""

        async def write() -> None:
            written = self._replies.get(turn_id)
            if written is None:
                return
            line = NewLine(
                self.session_id,
                uuid4().hex,
                "assistant",
                text or _NOTHING,
                self._now(),
                status="interrupted",
                replaces=written.id,
                remark=written.remark,
                recalled=written.recalled,
                recalled_elsewhere=written.recalled_elsewhere,
                outside=written.outside,
                images=written.images,
                pictures=written.pictures,
            )
            await self._write(line, turn_id)

        self._put(write)

    def then(self, action: Callable[[], None]) -> None:
        """Call this when all that was handed over before has been written."""

        async def call() -> None:
            action()

        self._put(call)

    async def loaded(self, timeout_s: float) -> None:
        """Wait until what waited at the last end is known."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._loaded.wait()

    async def drain(self, timeout_s: float) -> None:
        """Wait until everything is written."""
        end = asyncio.get_running_loop().time() + timeout_s
        if await self._passed(timeout_s):
            await self._unkept.drain(end - asyncio.get_running_loop().time())

    async def close(self, timeout_s: float) -> None:
        """The end: wait until everything is written, and keep beside the log what it has not taken by then."""
        end = asyncio.get_running_loop().time() + timeout_s
        if await self._passed(timeout_s):
            await self._unkept.drain(end - asyncio.get_running_loop().time())
            self._unkept.give_up()
        else:
            self._unkept.give_up()
            if not await self._passed(_GIVEN_UP_S):
                logger.error("%s: %d entries of the log were not written in time", self._character, self.waiting)
        await self._unkept.keep_beside()

    async def _passed(self, timeout_s: float) -> bool:
        """Wait until every entry is written or known to have to wait; false when that was not in time."""
        if self._writing.done():
            return True
        passed = asyncio.Event()
        self.then(passed.set)
        try:
            async with asyncio.timeout(timeout_s):
                await passed.wait()
        except TimeoutError:
            return False
        return True

    def _put(self, entry: Entry) -> None:
        try:
            self._entries.put_nowait(entry)
        except asyncio.QueueFull:
            logger.error("%s: the memory takes nothing: an entry of the log was lost", self._character)
            self._status.notify("internal", level="error")

    async def _run(self) -> None:
        try:
            await self._unkept.load()
        except Exception:
            logger.exception("%s: what waited for the log could not be read", self._character)
        await self.look_back()
        self._loaded.set()
        while True:
            entry = await self._entries.get()
            try:
                await entry()
            except asyncio.CancelledError:
                if is_cancelled():
                    raise
                logger.error("%s: an entry of the log was cancelled from within", self._character)
            except Exception:
                logger.exception("%s: an entry of the log could not be written", self._character)
                self._status.notify("internal", level="error")

    async def change_chat(self) -> None:
        """Another chat is open: what was said in the one before is no context of what is asked now."""
        self._said.clear()
        await self.look_back()

    async def look_back(self) -> None:
        """What was said last stands in the prompt: words from outside in it may be what is wanted now."""
        if self._toolbox is None:
            return
        with suppress(NekoError, TimeoutError):
            async with asyncio.timeout(self._timeouts.store_timeout_s):
                recent = await self._memory.recent(self._character)
                said = await self._memory.lines(self._character, limit=max(1, len(recent)))
            if any(line.outside for line in said):
                self._toolbox.note_outside(said[-1].turn_id)

    async def _write(self, line: NewLine, turn_id: str = "") -> None:
        """``turn_id``: the turn that the line belongs to, when it does not name it."""
        try:
            stored = await self._store(line)
        except NekoError as error:
            self._status.report(error)
            return
        if stored:
            self._remember(self._replies, line.turn_id, stored.line)
            self._lines.add(turn_id or line.turn_id, stored.line.id)
            self._clients.emit(LineStored(stored.line))

    async def _store(self, line: NewLine) -> Stored | None:
        """Commit a line; None when the memory cannot be used, and the line waits to be kept."""
        stored = await self._unkept.store(line)
        if stored:
            self._committed(stored)
            if stored.fresh:
                self.said.add(stored.line)
        else:
            self.said.add(line)
            self._clients.emit(LineUnkept(line))
        return stored

    def _committed(self, stored: Stored) -> None:
        self.last_line_id = max(self.last_line_id, stored.line.id)
        if stored.fresh:
            self._said.append(stored.line)
            self._facts.publish(facts.line_committed(self._character, stored.line))

    def _kept_later(self, line: NewLine, stored: Stored) -> None:
        self.said.kept(stored.line)
        self._committed(stored)
        self._remember_receipt(line.client_id, stored.line)
        self._clients.emit(LineStored(stored.line))

    async def _keep(self, images: Sequence[bytes]) -> tuple[str, ...]:
        """The pictures in files; their names. That it fails is told, and the words are kept without them."""
        try:
            return await self._memory.keep_pictures(self._character, images) if images else ()
        except NekoError as error:
            logger.warning("%s: pictures were not kept: %s", self._character, error)
            self._status.notify("pictures_not_kept", level="error")
            return ()

    async def _has_followers(self, line: Line) -> bool:
        return bool(await self._memory.lines(self._character, after=line.id, limit=1))

    def leave_out(self, ids: Collection[int]) -> None:
        """She has said that these lines go: what is said next does not bring them up, while they are being deleted or
        their deletion may be undone."""
        self._unwanted = frozenset(ids)
        self._unwanted_until = asyncio.get_running_loop().time() + _UNWANTED_S

    def recall(self, text: str, *, besides: Collection[int] = ()) -> Coroutine[Any, Any, tuple[Evidence, ...]]:
        """What memory says of the text ``besides`` these lines, in the context of what was said until this call.

        That it was too slow is told once per conversation.
        """
        if asyncio.get_running_loop().time() < self._unwanted_until:
            besides = {*besides, *self._unwanted}
        by_rule = self._label().offline  # goes by the words of the question alone
        context = [line.text for line in self._said if line.id not in besides and not by_rule]
        return self._found(text, context, besides)

    async def _found(self, text: str, context: Sequence[str], besides: Collection[int]) -> tuple[Evidence, ...]:
        if self.memory_fault:
            return ()
        try:
            async with asyncio.timeout(self._timeouts.recall_timeout_s):
                wanted = await in_thread(search_words, text)
                limit = _RECALLED + len(self._lines.ids)
                found = await self._recall(wanted, limit=limit, context=context)
                return tuple(evidence for evidence in found if not set(evidence.sources).intersection(besides))
        except (TimeoutError, NekoError) as error:
            logger.warning("%s: recall gave up: %s", self._character, type(error).__name__)
            is_slow = isinstance(error, TimeoutError | RecallTimeoutError)
            if is_slow and self.last_line_id >= _MUCH and not self._recall_reported:
                self._recall_reported = True
                self._status.report(RecallTimeoutError(), level="info")
            return ()

    def _remember_receipt(self, client_id: str | None, line: Line) -> None:
        if client_id:
            self._remember(self._receipts, client_id, line)

    @staticmethod
    def _remember(lines: dict[str, L], key: str, line: L) -> None:
        """As one of the newest."""
        lines[key] = line
        if len(lines) > _RECEIPTS:
            del lines[next(iter(lines))]


def _found(recall: asyncio.Task[tuple[Evidence, ...]]) -> tuple[Evidence, ...]:
    return () if recall.cancelled() or recall.exception() else recall.result()
