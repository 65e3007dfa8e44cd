"""Several readers of one conversation: the owner paces the sound, nobody else holds it up."""

from __future__ import annotations

import asyncio

from neko.sessions.clients import Clients
from neko.sessions.events import Audio, Event, ReplyText
from neko.sessions.outbox import Outbox

FRAME = Audio("s", bytes(1000))


async def waiting(outbox: Outbox) -> list[Event]:
    """What is queued now."""
    outbox.close(1000, "")
    events: list[Event] = []
    while (event := await outbox.get()) is not None:
        events.append(event)
    return events


def text(words: str, *, first: bool = False) -> ReplyText:
    return ReplyText("t", "s", words, first)


async def test_a_tap_that_never_reads_does_not_hold_up_the_owner() -> None:
    clients, owner, tap = Clients(), Outbox(), Outbox(max_audio=2000)
    clients.add_tap(tap)
    clients.attach(owner)
    async with asyncio.timeout(1):
        for _ in range(50):
            await clients.emit_audio(FRAME)
    for _ in range(50):
        assert await owner.get() == FRAME
    assert tap.closed is None
    assert not tap.offer_audio(FRAME), "it has as much as it may have and lost the rest"


async def test_without_an_owner_the_first_tap_that_wants_sound_paces_it() -> None:
    clients, silent, tap = Clients(), Outbox(wants_audio=False), Outbox(max_audio=2000)
    clients.add_tap(silent)
    clients.add_tap(tap)
    sending = asyncio.ensure_future(_send(clients, 5))
    taken = 0
    async with asyncio.timeout(1):
        while taken < 5:
            assert await tap.get() == FRAME
            taken += 1
    await sending


async def _send(clients: Clients, count: int) -> None:
    for _ in range(count):
        await clients.emit_audio(FRAME)


async def test_what_nobody_was_sent_of_a_reply_is_taken_back() -> None:
    clients, quick, slow = Clients(), Outbox(), Outbox()
    clients.attach(quick)
    clients.add_tap(slow)
    clients.emit(text("one ", first=True))
    assert await quick.get() == text("one ", first=True)
    clients.emit(text("two "))
    clients.emit(text("three"))
    assert clients.withdraw_text("t") == len("two three")
    assert await waiting(quick) == []
    assert await waiting(slow) == [text("one ", first=True)]


async def test_what_somebody_has_read_stands_for_all() -> None:
    clients, quick, slow = Clients(), Outbox(), Outbox()
    clients.attach(quick)
    clients.add_tap(slow)
    clients.emit(text("one ", first=True))
    clients.emit(text("two"))
    assert await quick.get() == text("one two", first=True)
    assert clients.withdraw_text("t") == 0
    assert await waiting(slow) == [text("one two", first=True)]
