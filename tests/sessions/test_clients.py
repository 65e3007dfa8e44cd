"""Several readers of one conversation: the owner paces the sound, nobody else holds it up."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

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


async def test_a_viewer_is_not_reckoned_with() -> None:
    clients, owner, viewer = Clients(), Outbox(), Outbox(max_audio=2000)
    clients.add_viewer(viewer)
    assert not clients.wants_audio, "no sound is made for it"
    clients.attach(owner)
    async with asyncio.timeout(1):
        for _ in range(5):
            await clients.emit_audio(FRAME)
    clients.emit(text("Hello", first=True))
    assert await viewer.get() == FRAME
    clients.detach(owner)
    owner = Outbox()
    clients.attach(owner)
    clients.hand_over_sound()
    clients.emit(text(" you"))
    assert clients.unsent_text("t") == len(" you"), "what the viewer has been sent does not count"
    assert await waiting(owner) == [text(" you")], "closed: its sound is forgotten"


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


# ── sound and clients that come and go ────────────────────────────────────────

FRAMES = 60


def numbered(number: int) -> Audio:
    return Audio("s", bytes([number]) * 1000)


async def speak(clients: Clients) -> None:
    for number in range(FRAMES):
        await clients.emit_audio(numbered(number))


async def settle() -> None:
    """Whatever can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def read(outbox: Outbox, count: int) -> list[int]:
    """At most ``count`` of the frames that wait."""
    heard: list[int] = []
    while len(heard) < count:
        await settle()
        waits = asyncio.ensure_future(outbox.get())
        await settle()
        if not waits.done():
            waits.cancel()
            break
        event = waits.result()
        assert isinstance(event, Audio)
        heard.append(event.pcm[0])
    return heard


@given(st.lists(st.tuples(st.sampled_from(["read", "leave", "come", "newer", "back"]), st.integers(1, 9)), max_size=25))
@settings(max_examples=150, deadline=None)
def test_sound_that_nobody_was_sent_goes_to_whoever_comes_next_in_order_and_once(steps: list[tuple[str, int]]) -> None:
    async def walk() -> None:
        clients = Clients(return_timeout_s=60)
        here: Outbox | None = Outbox(max_audio=4000)
        assert here is not None
        clients.attach(here)
        silent: list[Outbox] = []
        speaking = asyncio.ensure_future(speak(clients))
        heard: list[int] = []
        for what, count in (*steps, ("come", 0), ("read", 2 * FRAMES)):
            await settle()
            if what == "read" and here:
                heard += await read(here, count)
            elif what == "leave" and here:
                clients.detach(here)
                here = None
            elif (what == "come" and here is None) or (what == "newer" and here):
                if here:
                    silent.append(here)
                here = Outbox(max_audio=4000)
                clients.attach(here)
                clients.hand_over_sound()
            elif what == "back" and here and silent:
                here, again = silent.pop(), here
                silent.append(again)
                clients.attach(here)
                clients.hand_over_sound()
        await asyncio.wait_for(speaking, 15)
        assert heard == list(range(FRAMES))
        for outbox in silent:
            assert await read(outbox, 1) == []

    asyncio.run(walk())


async def test_sound_does_not_wait_for_ever_for_somebody_to_come_back() -> None:
    clients, gone, late = Clients(return_timeout_s=0.01), Outbox(), Outbox()
    clients.attach(gone)
    await clients.emit_audio(FRAME)
    clients.detach(gone)
    async with asyncio.timeout(15):
        for _ in range(50):
            await clients.emit_audio(FRAME)
    assert not clients.wants_audio
    clients.attach(late)
    clients.hand_over_sound()
    assert await waiting(late) == [], "what was meant for the one before is stale"


async def test_a_cut_leaves_no_sound_for_who_comes_back() -> None:
    clients, gone, late = Clients(), Outbox(), Outbox()
    clients.attach(gone)
    await clients.emit_audio(FRAME)
    clients.detach(gone)
    clients.drop_audio()
    clients.attach(late)
    clients.hand_over_sound()
    assert await waiting(late) == []


async def test_everyone_is_told_in_the_language_that_each_reads() -> None:
    clients, owner, reader, unnamed = Clients(), Outbox(language="ja"), Outbox(language="ko"), Outbox()
    clients.add_tap(reader)
    clients.add_tap(unnamed)
    clients.attach(owner)
    clients.tell(text, "en")
    assert [await outbox.get() for outbox in (owner, reader, unnamed)] == [text("ja"), text("ko"), text("en")]
