"""A row of the audit trail: what was wanted, whether it was allowed, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from neko.agent.permission import Permit
from neko.tasks import to_the_end
from neko.types.agent import Act, Picture
from neko.types.hands import HandName

Outcome = Literal["", "done", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True, slots=True)
class Deed:
    """An act before it is done. ``arguments`` is the text that the user was shown, or would have been."""

    at: datetime
    task_id: str
    character: str
    hand: HandName
    place: str
    tool: str
    title: str
    act: Act
    arguments: str
    verdict: Permit
    picture: Picture | None = None


class Audit(Protocol):
    async def begin(self, deed: Deed) -> int:
        """Write it down before it is done; the number of its row. Raises ``NekoError``: then it must not be done."""
        ...

    def finish(self, row: int, outcome: Outcome, detail: str = "") -> None:
        """What came of it; never waits."""
        ...


async def begun(audit: Audit, deed: Deed) -> int:
    """See ``Audit.begin``. Who is cancelled meanwhile leaves no row without an end."""
    rows: list[int] = []

    async def write() -> None:
        rows.append(await audit.begin(deed))

    try:
        await to_the_end(write())
    except asyncio.CancelledError:
        if rows and deed.verdict.may_act:
            audit.finish(rows[0], "cancelled")
        raise
    return rows[0]


class NoAudit:
    """For a program that wants none."""

    async def begin(self, deed: Deed) -> int:
        return 0

    def finish(self, row: int, outcome: Outcome, detail: str = "") -> None: ...
