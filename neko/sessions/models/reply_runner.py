"""One reply at a time: started, streamed, interrupted, ended, over one event channel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Literal

from neko.errors import ModelStreamBrokenError, NekoError
from neko.sessions.models.event_channel import EventChannel
from neko.tasks import TaskOwner
from neko.types.model_session import (
    ForgetLines,
    HistoryCut,
    HistoryFills,
    ModelEvent,
    ModelLabel,
    NameTold,
    ReplyDone,
    ReplyNotice,
    ReplyStarted,
    Retrying,
    TextDelta,
    TextWithdrawn,
    ToolCall,
)

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 2.0
"""Seconds that a cancelled reply gets to let go of its connection."""


class Reply:
    """A reply under way. ``text`` is what has been emitted of it, ``length`` its characters."""

    __slots__ = ("_channel", "_pieces", "_told", "done", "id", "length")

    def __init__(self, reply_id: str, channel: EventChannel) -> None:
        self.id = reply_id
        self.done = False
        self.length = 0
        self._pieces: list[str] = []
        self._told: set[str] = set()
        self._channel = channel

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def started(self) -> bool:
        """True once some text was emitted."""
        return bool(self._pieces)

    def push(self, text: str) -> bool:
        """Emit text; false when the reader is behind and ``drain`` should be awaited."""
        if self.done:
            return True
        self._pieces.append(text)
        self.length += len(text)
        return self._channel.put_delta(TextDelta(self.id, text))

    def withdraw(self, length: int) -> None:
        """Take back all but the first ``length`` characters."""
        if not self.done:
            kept = self.text[:length]
            self._pieces = [kept] if kept else []
            self.length = len(kept)
            self._channel.put(TextWithdrawn(self.id, kept))

    async def drain(self) -> None:
        await self._channel.drain()

    def call(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> None:
        """Ask for a tool call."""
        if not self.done:
            self._channel.put(ToolCall(self.id, call_id, name, arguments))

    def forget(self, wish: ForgetLines) -> None:
        """Have lines deleted."""
        if not self.done:
            self._channel.put(wish)

    def call_user(self, name: str) -> None:
        """Have the name kept that the user gave, "" for none."""
        if not self.done:
            self._channel.put(NameTold(name))

    def retrying(self, error: NekoError, attempt: int, delay: float) -> None:
        """Say that try number ``attempt`` begins after ``delay`` seconds."""
        if not self.done:
            self._channel.put(Retrying(self.id, error, attempt, delay))

    def tell(self, code: str, *, is_wait: bool = False, **params: str | int | float) -> None:
        """Let the user know something about this reply, once; ``is_wait``: what it waits for."""
        if not self.done and code not in self._told:
            self._told.add(code)
            self._channel.put(ReplyNotice(self.id, code, params, is_wait))


Produce = Callable[[Reply], Awaitable[None]]
"""Writes a whole reply with ``push``; raises ``NekoError`` when it cannot be finished."""

OnEnd = Callable[[str, str], None]
"""Called with ``(reply_id, text)`` when a reply ends, and again if an unread end was turned into an interruption."""


class ReplyRunner:
    """The replies of one session, never two at once. ``channel`` may be shared with whoever hears for it."""

    def __init__(self, owner: TaskOwner, label: ModelLabel, on_end: OnEnd, channel: EventChannel | None = None) -> None:
        self._owner = owner
        self._label = label
        self._on_end = on_end
        self._channel = channel or EventChannel()
        self._current: Reply | None = None
        self._task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def closed(self) -> bool:
        return self._channel.closed

    @property
    def running(self) -> bool:
        return self._current is not None and not self._current.done

    def start(self, reply_id: str, produce: Produce) -> None:
        """Begin a reply; one still running is interrupted first."""
        self.supersede()
        reply = Reply(reply_id, self._channel)
        self._current = reply
        self._channel.put(ReplyStarted(reply_id))
        self._task = self._owner.spawn(self._run(reply, produce), name=f"reply of {self._label.model}")
        self._tasks.add(self._task)
        self._task.add_done_callback(self._tasks.discard)

    def supersede(self) -> None:
        """Interrupt the running reply, keeping what the reader has taken of it."""
        if self._current is not None and not self._current.done:
            self._cut(self._current, None)

    def interrupt(self, reply_id: str, text: str) -> bool:
        """Stop this reply; ``text`` is what counts as received. False when it is unknown or has ended."""
        reply = self._current
        if reply is None or reply.id != reply_id or (reply.done and not self._channel.holds_end(reply_id)):
            return False
        self._cut(reply, text)
        return True

    def events(self) -> AsyncIterator[ModelEvent]:
        return self._channel.read()

    def tell(self, event: HistoryFills | HistoryCut) -> None:
        """Say what became of the history."""
        self._channel.put(event)

    async def aclose(self) -> None:
        """Interrupt what runs, end the events and wait for the tasks."""
        self.supersede()
        self._channel.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_TIMEOUT_S)

    def _cut(self, reply: Reply, text: str | None) -> None:
        unread = self._channel.withdraw(reply.id)
        if text is None:
            text = reply.text.removesuffix(unread)
        reply.done = False
        self._end(reply, "interrupted", text)
        if self._task is not None:
            self._task.cancel()

    def _end(
        self,
        reply: Reply,
        reason: Literal["complete", "interrupted", "failed"],
        text: str,
        error: NekoError | None = None,
    ) -> None:
        if reply.done:
            return
        reply.done = True
        self._on_end(reply.id, text)
        self._channel.put(ReplyDone(reply.id, reason, error))

    async def _run(self, reply: Reply, produce: Produce) -> None:
        try:
            await produce(reply)
        except asyncio.CancelledError:
            self._end(reply, "interrupted", reply.text)
            raise
        except NekoError as error:
            self._end(reply, "failed", reply.text, error)
        except Exception as error:
            log.error("A reply of %s crashed: %s", self._label.model, type(error).__name__)
            broken = ModelStreamBrokenError(
                type(error).__name__, model=self._label.model, provider=self._label.provider
            )
            broken.__cause__ = error
            self._end(reply, "failed", reply.text, broken)
        else:
            self._end(reply, "complete", reply.text)
