"""A model that does not stop: the reply ends at a stated length, is kept, and this is said."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from neko.llm import reply_sink
from tests.field.chat_talk import chat_talk
from tests.field.hostile_provider import HostileProvider, Raw, chunk, completion, deltas, event, reply, whole
from tests.field.talk import Talk

LONGEST = reply_sink.LONGEST_REPLY


def endless(*pieces: bytes, first: Sequence[bytes] = ()) -> Raw:
    """The same pieces over and over, for as long as somebody listens and much longer than any reply."""

    async def before(number: int) -> None:
        if number % 8 == 0:
            await asyncio.sleep(0)

    return Raw([*first, *pieces * (200_000 // len(pieces))], before=before)


def told(outcome: Any) -> list[tuple[str, str]]:
    return [(status["code"], status["level"]) for status in outcome.told]


@pytest.mark.parametrize(
    "sentence", ["I love tea. ", "我喜欢喝茶。", "x", "- one\n- two\n", "🍵"], ids=lambda text: f"E19-{text.strip()}"
)
@pytest.mark.few(2)
async def test_a_reply_without_an_end_is_ended_kept_and_told(talk: Talk, sentence: str) -> None:
    talk.provider.answers = [endless(*deltas(sentence)), reply("Yes.")]
    outcome = await talk.say()
    assert told(outcome) == [("reply_too_long", "info")]
    assert outcome.is_complete
    assert outcome.kept is not None
    assert LONGEST - 100 < len(outcome.text) <= LONGEST
    assert outcome.text.startswith(sentence)
    assert outcome.requests == 1
    async with asyncio.timeout(15):
        await talk.provider.chats[0].aborted.wait()
    assert (await talk.say("Go on")).text == "Yes."
    sent = talk.provider.chats[-1].json["messages"]
    assert sent[-2]["role"] == "assistant"
    assert sentence * 3 in sent[-2]["content"]


async def test_one_delta_that_is_longer_than_any_reply_is_cut_at_a_word_E19(talk: Talk) -> None:
    talk.provider.answers = [whole(completion("tea and " * LONGEST))]
    outcome = await talk.say()
    assert told(outcome) == [("reply_too_long", "info")]
    assert LONGEST - 10 < len(outcome.text) <= LONGEST
    assert outcome.text.endswith((" ", "tea", "and"))


@pytest.mark.parametrize("blank", ["\n", " ", "\t\n", "\u3000"], ids=["E19-lines", "E19-blank", "E19-tab", "E19-wide"])
async def test_words_and_then_nothing_but_white_space_are_a_reply(talk: Talk, blank: str) -> None:
    talk.provider.answers = [endless(*deltas(blank), first=deltas("The tea is ready.")), reply("Yes.")]
    outcome = await talk.say()
    assert outcome.text.strip() == "The tea is ready."
    assert outcome.is_complete
    assert outcome.told == []
    assert outcome.requests == 1
    assert (await talk.say("And?")).text == "Yes."


async def test_nothing_but_white_space_is_no_reply_E19(talk: Talk) -> None:
    talk.provider.answers = [endless(*deltas("\n"))]
    outcome = await talk.say()
    assert outcome.codes == ["model_empty_reply"]
    assert outcome.requests == 1


@pytest.mark.parametrize(
    "thought",
    [
        event(chunk({"reasoning_content": "Hmm. "})),
        event(chunk({"content": "", "reasoning": "Hmm. "})),
        b": keep-alive\n\n",
        event(chunk({"role": "assistant"})),
        *deltas("<think> about tea "),
        *deltas("Here is my thought process: tea "),
    ],
    ids=["E19-reasoning", "E19-openrouter", "E19-comments", "E19-roles", "E19-in-doubt", "E19-in-words"],
)
@pytest.mark.parametrize("limit", ["bytes", "time"])
async def test_thoughts_without_an_end_are_given_up(
    data_dir: Path, hostile: HostileProvider, thought: bytes, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit == "bytes":
        monkeypatch.setattr("neko.llm.stream_clock.LONGEST_STREAM", 200_000)
    hostile.answers = [endless(thought)]
    async with chat_talk(data_dir, hostile, completion_timeout_s=0.2 if limit == "time" else 600.0) as talk:
        outcome = await talk.say()
        assert told(outcome) == [("reply_too_long", "error")]
        assert "did not come to an end" in outcome.told[0]["message"]
        assert outcome.requests == 1


@pytest.mark.parametrize(
    "more",
    [b": keep-alive\n\n", event(chunk({"reasoning_content": "Hmm. "})), event({"choices": []})],
    ids=["E19-comments", "E19-reasoning", "E19-nothing"],
)
async def test_words_and_then_a_stream_without_an_end_are_a_reply_that_got_too_long(
    data_dir: Path, hostile: HostileProvider, more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.llm.stream_clock.LONGEST_STREAM", 200_000)
    hostile.answers = [endless(more, first=deltas("The tea is ready."))]
    async with chat_talk(data_dir, hostile) as talk:
        outcome = await talk.say()
        assert outcome.text == "The tea is ready."
        assert outcome.is_complete
        assert told(outcome) == [("reply_too_long", "info")]
        assert outcome.requests == 1


@pytest.mark.parametrize(
    "thought",
    [["I love tea.</think>"], ["I love", " tea", "</thinking>"], ["I love tea ", "assistantfinal"]],
    ids=["E19-thought", "E19-pieces", "E19-stripped-channel"],
)
async def test_a_reply_that_takes_itself_back_over_and_over_is_ended_and_told(talk: Talk, thought: list[str]) -> None:
    talk.provider.answers = [endless(*deltas(*thought))]
    outcome = await talk.say()
    [status] = outcome.told
    assert status["code"] == "reply_too_long"
    assert status["message"].startswith("m did not" if status["level"] == "error" else "That got very long")
    discarded = [frame for frame in outcome.frames if frame["type"] == "response_discarded"]
    assert 1 <= len(discarded) <= reply_sink.MOST_TAKEN_BACK
    assert outcome.requests == 1


@pytest.mark.parametrize("end", ["<|im_end|>\n", "</s>", "<|eot_id|>user\n"], ids=lambda end: f"E19-{end.strip()}")
async def test_what_a_model_writes_on_after_the_end_of_its_turn_is_not_waited_for(
    talk: Talk, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    talk.provider.answers = [endless(*deltas("and you? "), first=deltas("The tea is ready.", end)), reply("Yes.")]
    outcome = await talk.say()
    assert outcome.text == "The tea is ready."
    assert outcome.is_complete
    assert outcome.told == []
    assert not [
        record for record in caplog.records if record.name == "neko.llm.completion" and record.levelno >= logging.INFO
    ]
    async with asyncio.timeout(5):
        await talk.provider.chats[0].aborted.wait()
    assert (await talk.say("And?")).text == "Yes."


MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    "answer",
    [
        Raw([b"data: ", *[b"x" * MEGABYTE] * 6]),
        Raw([b"x" * MEGABYTE] * 6),
        Raw([b'{"choices": [{"message": {"content": "', *[b"x" * MEGABYTE] * 10]),
        Raw([b"{} " * 20_000]),
    ],
    ids=["E19-line", "E19-line-of-nothing", "E19-whole", "E19-pieces"],
)
async def test_an_answer_in_one_piece_that_is_longer_than_any_is_given_up(talk: Talk, answer: Raw) -> None:
    talk.provider.answers = [answer]
    outcome = await talk.say()
    assert told(outcome) == [("reply_too_long", "error")]
    assert outcome.requests == 1


INFLATED = {
    "blank": b"\n" * MEGABYTE,
    "letters": b"x" * MEGABYTE,
    "comments": b": keep-alive\n\n" * 70_000,
    "thoughts": event(chunk({"reasoning_content": "Hmm. "})) * 8_000,
    "events": event({"choices": []}) * 30_000,
    "objects": b"{}\n" * 300_000,
}


@pytest.fixture(params=INFLATED.values(), ids=tuple(INFLATED))
def bomb(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A hundredth of what it inflates to, or less."""
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    monkeypatch.setattr("neko.llm.stream_clock.LONGEST_STREAM", MEGABYTE)
    return b"".join(compressor.compress(request.param) for _ in range(8)) + compressor.flush()


@pytest.mark.loop_watchdog
@pytest.mark.few(2)
async def test_an_answer_that_inflates_without_an_end_is_given_up_and_holds_nobody_up(talk: Talk, bomb: bytes) -> None:
    talk.provider.answers = [Raw([bomb], headers={"content-encoding": "gzip"})]
    outcome = await talk.say()
    assert ("reply_too_long", "error") in told(outcome)  # a busy machine is told of a wait before
    assert outcome.requests == 1


async def test_a_model_is_asked_not_to_compress(talk: Talk) -> None:
    talk.provider.answers = [reply("The tea is ready.")]
    await talk.say()
    assert talk.provider.chats[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS"], ids=lambda reason: f"A27-{reason}")
async def test_a_reply_that_the_server_cuts_at_its_limit_is_kept_and_told(talk: Talk, reason: str) -> None:
    text = "First you boil the water, then you warm the pot. " * 10 + "After that you"
    talk.provider.answers = [reply(text, finish=reason)]
    outcome = await talk.say()
    assert outcome.text == text
    assert outcome.is_complete
    assert told(outcome) == [("model_reply_cut", "info")]
    assert outcome.requests == 1


async def test_the_length_is_that_of_all_parts_of_a_reply_E19(talk: Talk) -> None:
    """The stream breaks off each time, so that the reply goes on in parts."""
    parts = ["".join(f"word{n} " for n in range(at * 600, at * 600 + 600)) for at in range(3)]
    talk.provider.answers = [Raw(deltas(part), cut=True) for part in parts]
    outcome = await talk.say()
    assert len(outcome.text) <= LONGEST
    assert told(outcome)[-1] == ("reply_too_long", "info")
    assert outcome.is_complete
