"""What waits for one client."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from neko.sessions.events import Audio, Event, Pong, ReplyText, TurnEnd, UserActivity
from neko.sessions.outbox import JOIN_AFTER, TOO_SLOW, Outbox


async def test_events_come_out_in_order() -> None:
    outbox = Outbox()
    events: list[Event] = [UserActivity(None), ReplyText("t", "s", "Hi", True), TurnEnd("t")]
    for event in events:
        outbox.put(event)
    assert [await outbox.get() for _ in events] == events


async def test_pieces_of_a_reply_that_piled_up_come_as_one() -> None:
    outbox = Outbox()
    for text, first in (("a", True), ("b", False), ("c", False)):
        outbox.put(ReplyText("t", "s", text, first))
    assert await outbox.get() == ReplyText("t", "s", "abc", True)


async def test_two_replies_are_never_joined() -> None:
    outbox = Outbox()
    outbox.put(ReplyText("t1", "s1", "a", False))
    outbox.put(ReplyText("t2", "s2", "b", True))
    assert await outbox.get() == ReplyText("t1", "s1", "a", False)


async def test_a_long_reply_that_waits_takes_little_room_and_is_whole() -> None:
    outbox = Outbox(max_events=JOIN_AFTER + 2)
    for number in range(5_000):
        outbox.put(ReplyText("t", "s", f"{number} ", number == 0))
    assert outbox.closed is None
    assert await outbox.get() == ReplyText("t", "s", "".join(f"{number} " for number in range(5_000)), True)


EVENTS = st.lists(
    st.one_of(
        st.builds(ReplyText, st.sampled_from(["t1", "t2"]), st.just("s"), st.text("ab", max_size=3), st.booleans()),
        st.just(TurnEnd("t1")),
        st.just(Audio("s", b"12")),
    ),
    max_size=60,
)


@given(waiting=st.sampled_from([0, JOIN_AFTER + 1]), events=EVENTS, reads=st.lists(st.integers(0, 5), max_size=60))
def test_however_pieces_are_joined_each_reply_reads_the_same(
    waiting: int, events: list[Event], reads: list[int]
) -> None:
    async def walk() -> None:
        outbox = Outbox()
        for _ in range(waiting):
            outbox.put(Pong())
        came: list[Event] = []
        for number, event in enumerate(events):
            outbox.put(event)
            for _ in range(reads[number] if number < len(reads) else 0):
                came += await taken(outbox)
        outbox.put(UserActivity(None))
        while not came or came[-1] != UserActivity(None):
            came += await taken(outbox)
        assert letters([event for event in came if event not in (Pong(), UserActivity(None))]) == letters(events)

    asyncio.run(walk())


async def taken(outbox: Outbox) -> list[Event]:
    """The next event, if there is one."""
    waits = asyncio.ensure_future(outbox.get())
    await asyncio.sleep(0)
    if not waits.done():
        waits.cancel()
        return []
    event = waits.result()
    return [event] if event else []


def letters(events: list[Event]) -> list[object]:
    """What a page makes of them: beginnings of replies, letters with their turn, and everything else."""
    seen: list[object] = []
    for event in events:
        if isinstance(event, ReplyText):
            seen += [("begins", event.turn_id)] if event.first else []
            seen += [(event.turn_id, letter) for letter in event.text]
        else:
            seen.append(event)
    return seen


async def test_sound_waits_for_room_and_text_does_not() -> None:
    outbox = Outbox(max_audio=10)
    await outbox.put_audio(Audio("s", b"0123456789"))
    waiting = asyncio.create_task(outbox.put_audio(Audio("s", b"more")))
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put(Pong())
    assert await outbox.get() == Audio("s", b"0123456789")
    await waiting
    assert await outbox.get() == Pong()
    assert await outbox.get() == Audio("s", b"more")


async def test_cut_sound_is_forgotten_and_text_is_not() -> None:
    outbox = Outbox()
    await outbox.put_audio(Audio("s", b"12"))
    outbox.put(Pong())
    outbox.drop_audio()
    assert await outbox.get() == Pong()


async def test_a_client_that_lets_text_pile_up_is_closed() -> None:
    outbox = Outbox(max_events=3)
    for _ in range(5):
        outbox.put(Pong())
    assert outbox.closed == (TOO_SLOW, "too slow")
    assert await outbox.get() is None


async def test_a_client_that_never_takes_sound_is_closed() -> None:
    outbox = Outbox(max_audio=1, room_timeout_s=0.01)
    await outbox.put_audio(Audio("s", b"12"))
    await outbox.put_audio(Audio("s", b"34"))
    assert outbox.closed == (TOO_SLOW, "too slow")


async def test_a_closed_outbox_still_gives_what_was_said_before() -> None:
    outbox = Outbox()
    outbox.put(Pong())
    outbox.close(4001, "taken over")
    outbox.put(Pong())
    assert await outbox.get() == Pong()
    assert await outbox.get() is None


async def test_unsent_text_is_counted_by_turn() -> None:
    outbox = Outbox()
    outbox.put(ReplyText("t1", "s", "abc", True))
    outbox.put(ReplyText("t2", "s", "de", True))
    assert outbox.unsent_text("t1") == 3
    await outbox.get()
    assert outbox.unsent_text("t1") == 0
