"""The queue between a model session and the one consumer of its events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from neko.types.model_session import AudioDelta, ModelEvent, ReplyDone, TextDelta, TextWithdrawn, ToolCall


class EventChannel:
    """Ordered events for one consumer.

    At most ``limit`` deltas wait: ``put_delta`` says when it is full, and ``drain`` waits until it is
    not. Other events are few (a handful a reply) and are always taken, so that a reply can be ended
    while nobody reads.
    """

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._events: deque[ModelEvent] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._writers: deque[asyncio.Future[None]] = deque()
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def put(self, event: ModelEvent) -> None:
        """Add an event; ignored once closed."""
        if self._closed:
            return
        self._events.append(event)
        self._wake_reader()

    def put_delta(self, event: TextDelta | AudioDelta) -> bool:
        """Add a delta; false when the channel is now full and ``drain`` should be awaited."""
        self.put(event)
        return len(self._events) < self._limit

    async def drain(self) -> None:
        """Wait until deltas may be added again."""
        while len(self._events) >= self._limit and not self._closed:
            writer = asyncio.get_running_loop().create_future()
            self._writers.append(writer)
            await writer

    def withdraw(self, reply_id: str) -> str:
        """Take back what was not read yet of a reply (deltas, calls and its end); returns the text of it."""
        others: deque[ModelEvent] = deque()
        text: list[str] = []
        for event in self._events:
            if isinstance(event, TextDelta) and event.reply_id == reply_id:
                text.append(event.text)
                continue
            if isinstance(event, TextWithdrawn) and event.reply_id == reply_id:
                text.clear()
            if not (isinstance(event, AudioDelta | ToolCall | ReplyDone) and event.reply_id == reply_id):
                others.append(event)
        self._events = others
        self._wake_writers()
        return "".join(text)

    def holds_end(self, reply_id: str) -> bool:
        """True while the end of this reply waits to be read."""
        return any(isinstance(event, ReplyDone) and event.reply_id == reply_id for event in self._events)

    def close(self) -> None:
        """No more events; the reader gets what is there and then ends."""
        self._closed = True
        self._wake_reader()
        self._wake_writers()

    async def read(self) -> AsyncIterator[ModelEvent]:
        """All events in order until closed."""
        while True:
            while self._events:
                event = self._events.popleft()
                if self._writers and len(self._events) < self._limit:
                    self._wake_writers()
                yield event
            if self._closed:
                return
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _wake_writers(self) -> None:
        while self._writers:
            writer = self._writers.popleft()
            if not writer.done():
                writer.set_result(None)
