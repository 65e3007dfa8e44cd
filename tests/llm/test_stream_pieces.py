"""The small parts that a streamed reply passes through."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.llm.continuation import ContinuationJoiner, continuation_request
from neko.llm.sse import EventDecoder
from neko.llm.tokens import estimate_tokens
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.history import History
from neko.types.model_session import AudioDelta, ReplyDone, ReplyStarted, TextDelta, TextWithdrawn

# ── server-sent events ──────────────────────────────────────────────────────────────────


@given(st.integers(1, 12), st.sampled_from([b"\n", b"\r\n"]))
def test_events_are_whole_however_the_bytes_are_cut(size: int, end: bytes) -> None:
    lines = [b": ping", b"", b"event: x", b'data: {"a": 1}', b""]
    lines += [b"data:two", b"data: lines", b"", b"data: [DONE]", b""]
    stream = end.join(lines) + end
    decoder = EventDecoder()
    events = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
    assert [event.replace(b"\r", b"") for event in events] == [b'{"a": 1}', b"two\n lines", b"[DONE]"]


def test_the_last_event_needs_no_blank_line() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: last") == []
    assert decoder.flush() == [b"last"]


def test_an_endless_line_is_refused() -> None:
    decoder = EventDecoder()
    with pytest.raises(ValueError, match="too long"):
        decoder.feed(b"data: " + b"x" * 5_000_000)


# ── continuation ────────────────────────────────────────────────────────────────────────


def joined(said: str, *pieces: str) -> str:
    seam = ContinuationJoiner(said)
    return said + "".join(seam.feed(piece) for piece in pieces) + seam.flush()


@pytest.mark.parametrize(
    ("said", "pieces", "whole"),
    [
        ("The cat sat", ["on the mat."], "The cat sat on the mat."),
        ("The cat sat", [" on the mat."], "The cat sat on the mat."),
        ("The cat sat ", ["on the mat."], "The cat sat on the mat."),
        ("The cat sat", ["The cat ", "sat on the mat."], "The cat sat on the mat."),
        ("The cat sat on the ma", ["the mat."], "The cat sat on the mat."),
        ("Hello wor", ["world!"], "Hello world!"),
        ("Hello wor", ["…wor", "ld!"], "Hello world!"),
        ("我喜欢吃", ["喜欢吃苹果。"], "我喜欢吃苹果。"),
        ("我喜欢吃", ["苹果。"], "我喜欢吃苹果。"),
        ("猫が", ["好きです。"], "猫が好きです。"),
        ("Yes.", [" It is."], "Yes. It is."),
        ("Yes", [", it is."], "Yes, it is."),
        ("All said.", ["All said."], "All said."),
        ("It is cold here. It", ["is warm there."], "It is cold here. It is warm there."),
    ],
)
def test_a_continuation_joins_without_doubling(said: str, pieces: list[str], whole: str) -> None:
    assert joined(said, *pieces) == whole


@given(st.text("ab c.我们", min_size=1), st.text("xyz 你!", min_size=1), st.integers(1, 5))
def test_new_words_are_never_lost(said: str, new: str, size: int) -> None:
    pieces = [new[at : at + size] for at in range(0, len(new), size)]
    assert "".join(joined(said, *pieces).split()).endswith("".join(new.split()))


def test_a_continuation_that_is_clearly_new_flows_at_once() -> None:
    seam = ContinuationJoiner("One two ")
    assert [seam.feed(piece) for piece in ("three ", "four")] == ["three ", "four"]


def test_the_model_is_shown_what_was_said_and_asked_to_repeat_its_last_words() -> None:
    messages = continuation_request([{"role": "user", "content": "tell"}], "Once upon a time there was a cat")
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert "there was a cat" in messages[-1]["content"]


# ── history ─────────────────────────────────────────────────────────────────────────────


def test_tokens_are_counted_by_script() -> None:
    assert estimate_tokens("four" * 10) == 11
    assert estimate_tokens("四个汉字") == 5


@given(st.lists(st.tuples(st.booleans(), st.text(max_size=60)), max_size=40))
def test_history_stays_within_its_budget_and_alternates(turns: list[tuple[bool, str]]) -> None:
    history = History(100)
    history.instructions = "persona"
    for number, (answered, text) in enumerate(turns):
        history.user(str(number), text)
        if answered:
            history.reply(str(number), "an answer")
    history.user("last", "and now?")
    roles = [message["role"] for message in history.request()]
    assert roles[:2] == ["system", "user"]
    assert all(first != second for first, second in pairwise(roles))
    assert roles[-1] == "user"


# ── channel ─────────────────────────────────────────────────────────────────────────────


async def test_a_full_channel_makes_deltas_wait_until_it_is_read() -> None:
    channel = EventChannel(limit=3)
    assert [channel.put_delta(TextDelta("a", str(number))) for number in range(3)] == [True, True, False]
    waiting = asyncio.ensure_future(channel.drain())
    await asyncio.sleep(0)
    assert not waiting.done()
    await anext(channel.read())
    async with asyncio.timeout(1):
        await waiting


async def test_an_end_is_taken_by_a_full_channel() -> None:
    channel = EventChannel(limit=1)
    channel.put_delta(TextDelta("a", "x"))
    channel.put(ReplyDone("a"))
    channel.close()
    assert [event async for event in channel.read()] == [TextDelta("a", "x"), ReplyDone("a")]


async def test_what_was_not_read_of_a_reply_can_be_withdrawn() -> None:
    channel = EventChannel()
    for event in (TextDelta("a", "x"), AudioDelta("a", b"\0\0", 24000), TextDelta("b", "y"), TextDelta("a", "z")):
        channel.put_delta(event)
    channel.put(ReplyDone("a"))
    channel.put(ReplyStarted("c"))
    assert channel.holds_end("a")
    assert channel.withdraw("a") == "xz"
    channel.close()
    assert [event async for event in channel.read()] == [TextDelta("b", "y"), ReplyStarted("c")]


async def test_a_text_that_was_taken_back_does_not_count_as_read() -> None:
    channel = EventChannel()
    for event in (TextDelta("a", "thought"), TextWithdrawn("a", "kept "), TextDelta("a", "answer")):
        channel.put(event)
    assert channel.withdraw("a") == "answer"
    channel.close()
    assert [event async for event in channel.read()] == [TextWithdrawn("a", "kept ")]


async def test_closing_lets_a_waiting_writer_go() -> None:
    channel = EventChannel(limit=1)
    channel.put_delta(TextDelta("a", "x"))
    waiting = asyncio.ensure_future(channel.drain())
    await asyncio.sleep(0)
    channel.close()
    async with asyncio.timeout(1):
        await waiting
