"""The tool calls of a session that wait for their results."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from neko.types.model_session import ToolResult

_ID_LENGTH = 9
"""Letters and digits of an id of ours: as many as the strictest provider (Mistral) takes."""


class PendingCalls:
    """Gives each call an id of its own and brings its result to who waits for it."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._results: dict[str, asyncio.Future[ToolResult]] = {}

    def unique_id(self, preferred: str) -> str:
        """``preferred``, the provider's id, unless it is empty or has been used in this session."""
        while not preferred or preferred in self._ids:
            preferred = uuid4().hex[:_ID_LENGTH]
        self._ids.add(preferred)
        return preferred

    def resolve(self, result: ToolResult) -> None:
        """Take a result; of a call that nobody waits for it is ignored."""
        future = self._results.get(result.call_id)
        if future is not None and not future.done():
            future.set_result(result)

    async def results(self, call_ids: Sequence[str], timeout_s: float) -> dict[str, ToolResult]:
        """The results of these calls; one that has not come after ``timeout_s`` is a failed one."""
        futures = {call_id: asyncio.get_running_loop().create_future() for call_id in call_ids}
        self._results.update(futures)
        try:
            if futures:
                await asyncio.wait(futures.values(), timeout=timeout_s)
        finally:
            for call_id in call_ids:
                del self._results[call_id]
        late = f"no result within {timeout_s:g} seconds"
        return {
            call_id: future.result() if future.done() else ToolResult(call_id, late, failed=True)
            for call_id, future in futures.items()
        }
