"""What a task acts with, kept within time: opened when first needed, ended with the task, whatever it does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

from neko.tasks import TaskOwner, together
from neko.tool_errors import AgentError
from neko.types.hands import Hand, HandName, Job, Workspace

logger = logging.getLogger(__name__)

T = TypeVar("T")

_OPENING_S: Final = 60.0
_CLOSING_S: Final = 2.0
_GRACE_S: Final = 0.25
"""What is cancelled gets this long to end; then it is left behind, and its workspace is closed under it."""


class Stopwatch:
    """Seconds of work; it stands while the user is asked."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._stood_s = 0.0
        self._stands_since: float | None = None

    def read(self) -> float:
        now = time.monotonic() if self._stands_since is None else self._stands_since
        return now - self._began - self._stood_s

    @contextmanager
    def standing(self) -> Iterator[None]:
        if self._stands_since is not None:
            yield
            return
        self._stands_since = time.monotonic()
        try:
            yield
        finally:
            self._stood_s += time.monotonic() - self._stands_since
            self._stands_since = None

    @property
    def stands(self) -> bool:
        return self._stands_since is not None


class Bounded:
    """Calls of what others wrote: each ends in time, is gone soon after it was cancelled, and raises nothing into the
    log of crashes."""

    def __init__(self, owner: TaskOwner, watch: Stopwatch) -> None:
        self._owner = owner
        self._watch = watch
        self._bodies: set[asyncio.Task[Any]] = set()

    def cancel(self) -> None:
        """Not one step more of what runs now."""
        for body in self._bodies:
            body.cancel()

    async def __call__(self, work: Coroutine[Any, Any, T], timeout_s: float, what: str) -> T:
        """Its result, or what it raised; ``AgentError`` when the time is up."""
        body = self._owner.spawn(_outcome(work), name=what)
        self._bodies.add(body)
        body.add_done_callback(self._bodies.discard)
        body.add_done_callback(lambda _: work.close())  # when it was cancelled before it began
        ends = self._watch.read() + timeout_s
        try:
            while not body.done() and (left := ends - self._watch.read()) > 0:
                await asyncio.wait({body}, timeout=max(left, 0.05) if not self._watch.stands else 1.0)
        except asyncio.CancelledError:
            await _ended(body, what)
            raise
        if not body.done():
            await _ended(body, what)
            raise AgentError("stuck", f"{what} took too long", seconds=round(timeout_s))
        value, error = body.result()
        if error is not None:
            raise error
        return value  # type: ignore[return-value]


async def _outcome(work: Awaitable[T]) -> tuple[T | None, Exception | None]:
    try:
        return await work, None
    except Exception as error:
        return None, error


async def _ended(body: asyncio.Task[Any], what: str) -> None:
    body.cancel()
    _, stuck = await asyncio.wait({body}, timeout=_GRACE_S)
    if stuck:
        logger.error("%s goes on though it was cancelled", what)


class Workspaces:
    """Of one task, one for each hand. ``job`` is what they are opened for."""

    def __init__(self, hands: Mapping[HandName, Hand], job: Job, owner: TaskOwner, bounded: Bounded) -> None:
        self._hands = hands
        self._job = job
        self._owner = owner
        self._bounded = bounded
        self._open: dict[HandName, Workspace] = {}
        self._over = False

    async def of(self, name: HandName) -> Workspace:
        """Raises ``NekoError``: the hand is missing, or will not begin."""
        if name not in self._open:
            if name not in self._hands:
                raise AgentError("hand_missing", f"no {name}", reason="")
            await self._bounded(self._opened(name), _OPENING_S, f"opening {name}")
        return self._open[name]

    async def _opened(self, name: HandName) -> None:
        """Nothing that was opened is lost, also when nobody waits for it any more."""
        job = replace(self._job, heard_outside=lambda: bool(self._open.keys() - {name}))
        workspace = await self._hands[name].open(job)
        if self._over:
            await self._closed(name, workspace)
        else:
            self._open[name] = workspace

    async def close(self, name: HandName) -> None:
        """Let one go within two seconds; a later step would open it anew."""
        if (workspace := self._open.pop(name, None)) is not None:
            await self._closed(name, workspace)

    async def aclose(self) -> None:
        """Let all of them go within two seconds, also when one of them does not want to."""
        self._over = True
        found, self._open = self._open, {}
        await together(*(self._closed(name, workspace) for name, workspace in found.items()))

    async def _closed(self, name: HandName, workspace: Workspace) -> None:
        body = self._owner.spawn(_outcome(workspace.aclose()), name=f"closing {name}")
        done, _ = await asyncio.wait({body}, timeout=_CLOSING_S)
        if not done:
            body.cancel()
            logger.error("%s did not let go within %.0f s", name, _CLOSING_S)
        elif not body.cancelled() and (error := body.result()[1]) is not None:
            logger.error("%s did not let go cleanly", name, exc_info=error)
