"""Answers that are good and are written in another way than the documentation has it: told once, kept, asked once."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.field.chat_talk import chat_talk
from tests.field.hostile_provider import (
    DONE,
    HostileProvider,
    Raw,
    chunk,
    completion,
    deltas,
    event,
    reply,
    whole,
)
from tests.field.talk import Talk

TEA = ("The ", "tea ", "is ", "ready.")
TEXT = "".join(TEA)
STOP = event(chunk({}, "stop"))
STREAM = b"".join([*deltas(*TEA), STOP, DONE])
MESSAGE = {"role": "assistant", "content": TEXT}


def stream(*pieces: bytes, content_type: str | None = "text/event-stream") -> Raw:
    return Raw(pieces, content_type=content_type)


def between(*noise: bytes) -> Raw:
    """Noise before, between and after the words."""
    pieces = [piece for words in deltas(*TEA) for piece in (*noise, words)]
    return Raw([*pieces, *noise, STOP, *noise, DONE, *noise])


def lines(events: list[Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in events)


CHUNKS = [chunk({"content": text}) for text in TEA]
GOOD: dict[str, Raw] = {
    "A6-whole-answer-at-the-end": stream(*deltas(*TEA), event(completion(TEXT)), DONE),
    "A6-message-beside-the-last-delta": stream(
        *deltas(*TEA), event({"choices": [{"delta": {}, "message": MESSAGE, "finish_reason": "stop"}]})
    ),
    "A6-whole-text-in-the-last-delta": stream(*deltas(*TEA), event(chunk({"content": TEXT}, "stop")), DONE),
    "A6-message-and-no-delta": stream(event({"choices": [{"message": MESSAGE, "finish_reason": "stop"}]}), DONE),
    "A10-empty-data": between(b"data:\n\n"),
    "A10-empty-data-with-a-blank": between(b"data: \n\n", b"data\n\n"),
    "A10-null": between(event("null")),
    "A10-an-empty-list-and-object": between(event("[]"), event("{}")),
    "A10-words": between(event("keep-alive"), event('"ping"'), event("0")),
    "A13-event-names": between(b'event: ping\ndata: {"type": "ping"}\n\n', b"event: heartbeat\n\n"),
    "A13-retry-and-id": between(b"retry: 3000\n\n", b"id: 7\n\n"),
    "A14-comments": between(b": keep-alive\n\n", b":\n", b":x\n\n"),
    "A15-carriage-returns": stream(STREAM.replace(b"\n", b"\r")),
    "A15-byte-order-mark": stream(b"\xef\xbb\xbf" + STREAM),
    "A15-gzip": Raw([gzip.compress(STREAM)], headers={"content-encoding": "gzip"}),
    "A15-data-over-lines": stream(
        b"data: " + json.dumps(chunk({"content": TEXT}), indent=1).encode().replace(b"\n", b"\ndata: ") + b"\n\n", DONE
    ),
    "A17-no-choices": between(event({"choices": []}), event({"choices": None}), event({"choices": [None]})),
    "A17-no-delta": between(event({"choices": [{"index": 0, "delta": None, "finish_reason": None}]})),
    "A17-null-fields": between(event(chunk({"role": "", "content": None, "tool_calls": None, "refusal": None}, ""))),
    "A17-usage": between(event({"choices": [], "usage": {"total_tokens": 9}}), event({"usage": None})),
    "A17-parts": stream(*(event(chunk({"content": [{"type": "text", "text": t}, None, 7]})) for t in TEA), DONE),
    "A17-empty-error": between(event({"error": None}), event({**chunk({}), "error": {}})),
    "A17-gateway-says-ok": between(event({"code": 0, "msg": "ok"}), event({"base_resp": {"status_code": 0}})),
    "A19-no-end": stream(*deltas(*TEA)),
    "A19-no-end-no-blank-line": stream(b"".join(deltas(*TEA)).rstrip()),
    "A19-only-a-reason": stream(*deltas(*TEA[:3]), event(chunk({"content": TEA[3]}, "stop"))),
    "A19-only-done": stream(*deltas(*TEA), DONE),
    "shape-stream-as-json": stream(STREAM, content_type="application/json"),
    "shape-stream-as-text": stream(STREAM, content_type="text/plain"),
    "shape-stream-as-html": stream(STREAM, content_type="text/html"),
    "shape-stream-without-type": stream(STREAM, content_type=None),
    "shape-json-as-stream": whole(completion(TEXT), content_type="text/event-stream"),
    "shape-json-as-text": whole(completion(TEXT), content_type="text/plain"),
    "shape-json-without-type": whole(completion(TEXT), content_type=None),
    "shape-json-indented": whole(json.dumps(completion(TEXT), indent=2)),
    "shape-json-lines": stream(lines(CHUNKS), content_type="application/x-ndjson"),
    "shape-json-lines-as-stream": stream(lines(CHUNKS)),
    "shape-one-chunk-without-frame": whole(chunk({"content": TEXT}, "stop")),
    "shape-list-of-chunks": whole(CHUNKS),
    "shape-ollama": stream(
        lines([{"message": {"role": "assistant", "content": text}, "done": not text} for text in (*TEA, "")]),
        content_type="application/x-ndjson",
    ),
    "shape-envelope": whole({"code": 0, "msg": "ok", "data": completion(TEXT)}),
    "shape-older-api": stream(*(event({"choices": [{"text": text, "index": 0}]}) for text in TEA), DONE),
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD)
async def test_a_good_answer_in_any_form_is_told_once(talk: Talk, answer: Raw) -> None:
    talk.provider.answers = [answer]
    outcome = await talk.say()
    assert outcome.text == TEXT
    assert outcome.is_complete
    assert outcome.told == []
    assert outcome.requests == 1
    assert [line["text"] for line in await talk.history()] == ["Hello there", TEXT]


@pytest.mark.parametrize("rest", [b"da", b": keep-al", b'data: {"choices": [{"delta": {"content": "tea is'], ids=ascii)
async def test_a_body_that_ends_with_its_connection_is_cut_when_it_ends_in_the_middle_of_something_A19(
    data_dir: Path, hostile: HostileProvider, rest: bytes
) -> None:
    """Nothing else tells such an end from a connection that broke."""
    hostile.answers = [Raw([*deltas(*TEA[:2]), rest], chunked=False), reply("tea is ready.")]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert (outcome.text, outcome.requests) == (TEXT, 2)
        assert outcome.is_complete


@pytest.mark.parametrize("rest", [b"", b"da", b": keep-al"], ids=ascii)
@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_that_came_to_its_end_is_complete_A19(talk: Talk, chunked: bool, rest: bytes) -> None:
    """By its own framing whatever it ends in, by that of its connection where an event ends."""
    talk.provider.answers = [Raw([*deltas(*TEA), rest if chunked else b""], chunked=chunked)]
    outcome = await talk.say()
    assert (outcome.text, outcome.requests) == (TEXT, 1)
    assert outcome.is_complete
    assert outcome.told == []


NOTHING = {
    "empty-204": Raw(status=204, content_type=None, chunked=False),
    "empty-204-with-length-0": Raw(status=204, headers={"content-length": "0"}, chunked=False),
    "empty-200": whole(b""),
    "empty-200-of-a-stream": Raw(),
    "empty-200-without-a-length": Raw(chunked=False),
    "empty-200-with-length-0": Raw(headers={"content-length": "0"}, chunked=False),
    "empty-202": Raw(status=202),
    "empty-205": Raw(status=205, content_type=None, headers={"content-length": "0"}, chunked=False),
    "empty-white-space": whole(b" \r\n\n"),
    "empty-only-comments": Raw([b": hello\n\n"]),
    "empty-only-done": Raw([DONE]),
}


@pytest.mark.parametrize("nothing", NOTHING.values(), ids=NOTHING)
async def test_an_answer_without_anything_in_it_is_told_as_one(
    data_dir: Path, hostile: HostileProvider, nothing: Raw
) -> None:
    hostile.answers = [nothing]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert (outcome.codes[-1], outcome.told[-1]["level"]) == ("model_empty_reply", "error")
        assert "without a word" in outcome.told[-1]["message"]
        assert outcome.text == ""
        hostile.answers = [nothing, reply(*TEA)]
        outcome = await talk.say("And now?")
        assert (outcome.text, outcome.requests) == (TEXT, 2)
        assert outcome.is_complete


@pytest.mark.parametrize("ending", [[], [STOP], [DONE]], ids=["no end", "reason", "done"])
async def test_a_reply_that_is_cut_off_before_its_end_goes_on(talk: Talk, ending: list[bytes]) -> None:
    """A19: only a body that ended well is complete without a reason; after one the rest does not matter."""
    talk.provider.answers = [Raw([*deltas(*TEA[:2]), *ending], cut=True), reply("tea is ready.")]
    outcome = await talk.say()
    assert outcome.is_complete
    assert (outcome.text, outcome.requests) == (("The tea ", 1) if ending else (TEXT, 2))
