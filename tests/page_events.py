"""What a page is told: its events, as its outbox hands them out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from neko.sessions.events import Event, ReplyText, TurnEnd
from neko.sessions.outbox import Outbox

TIMEOUT_S = 30.0


async def until(outbox: Outbox, wanted: type[Event] | Callable[[Event], bool]) -> list[Event]:
    """The events up to and with the first of this type, or that satisfies the condition."""

    def fits(event: Event) -> bool:
        return isinstance(event, wanted) if isinstance(wanted, type) else wanted(event)

    seen: list[Event] = []
    async with asyncio.timeout(TIMEOUT_S):
        while not seen or not fits(seen[-1]):
            event = await outbox.get()
            assert event is not None
            seen.append(event)
    return seen


async def turn(outbox: Outbox) -> str:
    """The text of the next turn that ends."""
    return text_of(await until(outbox, TurnEnd))


def text_of(events: Sequence[Event]) -> str:
    """What she said in them."""
    return "".join(event.text for event in events if isinstance(event, ReplyText))
