"""What works must go on working: the shapes of a stream that nobody should stumble over."""

from __future__ import annotations

import json
import re

import pytest

from tests.field.hostile_provider import DONE, Raw, chunk, completion, deltas, event, reply, whole
from tests.field.talk import Talk

TEA = ("The ", "tea ", "is ", "ready.")
END = [event(chunk({}, "stop")), DONE]
STREAM = b"".join([*deltas(*TEA), *END])

GOOD = {
    "plain": reply(*TEA),
    "A13-control-fields": Raw([b"retry: 3000\n\nid: 7\n\nevent: ping\n\n", *deltas(*TEA), b"retry: 1\n\n", *END]),
    "A13-ping": Raw([b'event: ping\ndata: {"type": "ping"}\n\n', *deltas(*TEA), *END]),
    "A14-comments": Raw([b": OPENROUTER PROCESSING\n\n:\n\n", *deltas(*TEA), b":x\n", *END]),
    "A15-crlf": Raw([STREAM.replace(b"\n", b"\r\n")]),
    "A15-crlf-cut-between": Raw(re.split(b"(?<=\r)", STREAM.replace(b"\n", b"\r\n"))),
    "A15-one-byte": Raw([bytes([byte]) for byte in STREAM]),
    "A15-no-space": Raw([STREAM.replace(b"data: ", b"data:")]),
    "A17-no-done": Raw([*deltas(*TEA), event(chunk({}, "stop"))]),
    "whole": whole(completion("The tea is ready.")),
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD)
async def test_a_good_answer_is_told_once_and_kept(talk: Talk, answer: Raw) -> None:
    talk.provider.answers = [answer]
    outcome = await talk.say()
    assert outcome.text == "The tea is ready."
    assert outcome.is_complete
    assert outcome.told == []
    assert outcome.requests == 1
    assert [line["text"] for line in await talk.history()] == ["Hello there", "The tea is ready."]


async def test_the_model_is_asked_as_it_was_chosen(talk: Talk) -> None:
    talk.provider.answers = [reply("Yes.")]
    await talk.say()
    request = talk.provider.chats[0]
    assert json.loads(request.body)["model"] == "m"
    assert request.headers["authorization"] == "Bearer good"
