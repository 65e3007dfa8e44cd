"""What is read out of an answer, whatever is in it beside the reply and however its bytes are cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.errors import (
    ContextTooLongError,
    ModelContentFilteredError,
    ModelEmptyReplyError,
    ModelError,
    ModelKeyRefusedError,
    ModelOutOfCreditError,
    ModelReplyCutError,
    ModelServerError,
    ModelStreamBrokenError,
    ModelWebPageError,
)
from neko.llm.completion_decoder import CompletionDecoder, CompletionEnd
from neko.llm.provider_errors import ProviderErrors
from tests.field.hostile_provider import DONE, chunk, completion, deltas, event

TEA = ("The ", "tea ", "is ", "ready.")
TEXT = "".join(TEA)
STOP = event(chunk({}, "stop"))


class Reading:
    """One answer, read; ``text`` is what was handed on of it."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.decoder = CompletionDecoder(self._push, ProviderErrors("m", "P"), {})

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def read(self, pieces: Sequence[bytes], *, is_delimited: bool = True) -> CompletionEnd:
        for piece in pieces:
            self.feed(piece)
        return self.decoder.finish(is_delimited=is_delimited)

    def feed(self, piece: bytes) -> None:
        self.decoder.feed(piece)
        self.decoder.hand_on()

    def _push(self, text: str) -> bool:
        self.pieces.append(text)
        return True


def read(*pieces: bytes) -> str:
    reading = Reading()
    reading.read(pieces)
    return reading.text


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


# ── what is no choice is passed over ────────────────────────────────────────────────────

NO_CHOICE: list[Any] = [
    "",
    "null",
    "[]",
    "{}",
    "0",
    "true",
    '"keep-alive"',
    "ping",
    "[1, null, []]",
    {"type": "ping"},
    {"choices": []},
    {"choices": None},
    {"choices": [None]},
    {"choices": {}},
    {"choices": "none"},
    {"choices": 7},
    {"choices": [], "usage": {"total_tokens": 9}},
    {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
    {"choices": [{}]},
    {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None, "tool_calls": None}}]},
    {"choices": [{"index": 0, "delta": {"content": []}}]},
    {"choices": [{"index": 0, "delta": {"content": [None, 7, {}, {"type": "image"}]}}]},
    {"choices": [{"index": 0, "delta": {"content": 7, "tool_calls": "x", "function_call": "y"}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [None, 3]}}]},
    {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]},
    {"choices": [{"index": 0, "delta": []}]},
    {"choices": [{"index": 0, "delta": ""}], "error": None},
    {"choices": [{"index": 0, "delta": {}}], "error": {}},
    {"choices": [{"index": 0, "delta": {}}], "error": {"code": 0, "message": ""}},
    {"error": None},
    {"error": {"code": 0, "message": ""}},
    {"code": 0, "msg": "ok"},
    {"code": 200, "message": "success"},
    {"base_resp": {"status_code": 0, "status_msg": ""}, "choices": None},
    {"object": "chat.completion.chunk", "usage": None},
    {"message": "in the queue"},
    {"timings": {"predicted_ms": 3}},
]
NOISE = [
    *map(event, NO_CHOICE),
    b"\n",
    b":\n\n",
    b": OPENROUTER PROCESSING\n\n",
    b"retry: 3000\n\n",
    b"id: 7\n\n",
    b"event: ping\n\n",
    b"event: message\n",
    b"data\n\n",
    b"some words\n\n",
]


@pytest.mark.parametrize("noise", NOISE, ids=lambda noise: noise.decode().strip()[:60] or "blank")
def test_what_is_no_choice_is_passed_over(noise: bytes) -> None:
    words = deltas(*TEA)
    assert read(noise, *words[:2], noise, *words[2:], noise, STOP, noise, DONE, noise) == TEXT


@given(
    noise=st.lists(st.tuples(st.integers(0, 6), st.sampled_from(NOISE)), max_size=8),
    line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    size=st.integers(1, 400),
    bom=st.booleans(),
    space=st.booleans(),
    ending=st.sampled_from([[STOP, DONE], [STOP], [DONE], []]),
)
def test_a_reply_is_read_whatever_is_between_its_words(
    noise: list[tuple[int, bytes]], line_end: bytes, size: int, bom: bool, space: bool, ending: list[bytes]
) -> None:
    events = [*deltas(*TEA), *ending]
    for place, one in noise:
        events.insert(min(place, len(TEA)), one)
    body = b"".join(events).replace(b"\n", line_end)
    body = body if space else body.replace(b"data: ", b"data:")
    assert read(*cut((b"\xef\xbb\xbf" if bom else b"") + body, size)) == TEXT


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda v: (
            st.lists(v)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "delta", "message", "content", "finish_reason", "tool_calls", "index", "text"]
                ),
                v,
            )
        ),
        max_leaves=15,
    )
)
def test_no_event_of_any_shape_breaks_the_reading(odd: Any) -> None:
    """It may end the reply with a reason; what it never does is to raise anything but an error for the user."""
    try:
        text = read(*deltas("One "), event(odd), *deltas("two."), STOP, DONE)
    except ModelError:
        return
    assert text.startswith("One ")
    assert text.endswith("two.")


# ── the shape is decided by the first bytes ─────────────────────────────────────────────

WHOLE = json.dumps(completion(TEXT)).encode()
SHAPES = {
    "whole": WHOLE,
    "whole, indented": json.dumps(completion(TEXT), indent=2).encode(),
    "whole, blanks around": b"\n\n  " + WHOLE + b"\n\n",
    "one event without a frame": json.dumps(chunk({"content": TEXT}, "stop")).encode(),
    "JSON lines": b"\n".join(json.dumps(chunk({"content": text})).encode() for text in TEA),
    "JSON texts without line ends": b"".join(json.dumps(chunk({"content": text})).encode() for text in TEA),
    "a list of chunks": json.dumps([chunk({"content": text}) for text in TEA], indent=1).encode(),
    "a list of chunks in an event": event([chunk({"content": text}) for text in TEA]),
    "Ollama's lines": b"".join(
        json.dumps({"model": "m", "message": {"role": "assistant", "content": text}, "done": not text}).encode() + b"\n"
        for text in (*TEA, "")
    ),
    "in an envelope": json.dumps({"code": 0, "msg": "ok", "data": completion(TEXT)}).encode(),
    "events in an envelope": b"".join(event({"code": 0, "result": chunk({"content": text})}) for text in TEA),
    "messages in place of deltas": b"".join(
        event({"choices": [{"message": {"role": "assistant", "content": text}}]}) for text in TEA
    ),
    "messages, the last one with the end": b"".join(
        event({"choices": [{"message": {"content": text}, "finish_reason": "stop" if text == TEA[-1] else None}]})
        for text in TEA
    ),
    "the older API": b"".join(event({"choices": [{"text": text, "index": 0}]}) for text in TEA),
    "deltas that are strings": b"".join(event(chunk(text)) for text in TEA),
    "content in parts": b"".join(
        event(chunk({"content": [{"type": "text", "text": text}, {"type": "thinking", "thinking": "hm"}, None]}))
        for text in TEA
    ),
    "data over several lines": b"data: "
    + json.dumps(chunk({"content": TEXT}), indent=1).encode().replace(b"\n", b"\ndata: ")
    + b"\n\n",
    "no blank line at the end": b"".join(deltas(*TEA)).rstrip(),
    "an event name for each": b"".join(b"event: message\n" + one for one in deltas(*TEA)),
    "no_blank_between": b"".join(deltas(*TEA)).replace(b"\n\n", b"\n") + b"data: [DONE]\n",
    "no blank between, with names": b"".join(b"event: message\n" + one for one in deltas(*TEA)).replace(b"\n\n", b"\n"),
    "several lines each, no blank between": b"".join(
        b"data: " + json.dumps(chunk({"content": text}), indent=1).encode().replace(b"\n", b"\ndata: ") + b"\n"
        for text in TEA
    ),
    "two events in one line": b"".join(deltas(*TEA)[:2]).replace(b"\n\n", b"") + b"\n\n" + b"".join(deltas(*TEA)[2:]),
    "bad_json_event": b"".join([*deltas(*TEA[:2]), b'data: {"id":"c1","choi\n\n', *deltas(*TEA[2:])]),
    "trailing_garbage_event": b"".join([*deltas(*TEA), STOP, b"data: {broken\n\n", DONE]),
    "garbage before the first word": b"".join([b"data: {broken\n\n", *deltas(*TEA), DONE]),
    "two_choices": b"".join(
        event({"choices": [{"index": index, "delta": {"content": text}}]})
        for index, text in ((0, "The "), (1, "Coffee "), (0, "tea "), (1, "is "), (0, "is ready."), (1, "cold."))
    )
    + event({"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]})
    + STOP,
    "two choices in one event": b"".join(
        event({"choices": [{"index": index, "delta": {"content": word}} for index, word in order]})
        for order in (((0, "The "), (1, "Coffee ")), ((1, "cold"), (0, "tea is ready.")))
    ),
    "a quoted end": b"".join(deltas(*TEA)) + b'data: "[DONE]"\n\n' + b"".join(deltas("after the end")),
}


ALL_SO_FAR = ["".join(TEA[: count + 1]) for count in range(len(TEA))]
SHAPES |= {
    "cumulative_deltas": b"".join([*deltas(*ALL_SO_FAR), event(chunk({"content": TEXT}, "stop"))]),
    "cumulative_deltas, nothing in the last": b"".join([*deltas(*ALL_SO_FAR), STOP, DONE]),
    "cumulative_deltas, a message at the end": b"".join([*deltas(*ALL_SO_FAR), event(completion(TEXT))]),
    "cumulative, two of them": b"".join(deltas("The tea is r", TEXT)),
    "message_cumulative": b"".join(event({"choices": [{"message": {"content": text}}]}) for text in ALL_SO_FAR),
    "message_cumulative, the last one with the end": b"".join(
        event({"choices": [{"message": {"content": text}, "finish_reason": "stop" if text == TEXT else None}]})
        for text in ALL_SO_FAR
    ),
    "the older API, cumulative": b"".join(event({"choices": [{"text": text}]}) for text in ALL_SO_FAR),
}
OTHER_FORMS: dict[str, list[Any]] = {
    "cloudflare_response": [*({"response": text, "p": "abc"} for text in TEA), {"response": "", "usage": {}}],
    "cloudflare_wrapped": [{"result": {"response": TEXT, "usage": {}}, "success": True, "errors": []}],
    "Ollama's generate": [*({"model": "m", "response": text, "done": False} for text in TEA), {"done": True}],
    "llama.cpp's completion": [{"index": 0, "content": text, "stop": False} for text in TEA],
    "Hugging Face": [{"token": {"id": 7, "text": text, "special": False}, "generated_text": None} for text in TEA],
    "Hugging Face, whole": [[{"generated_text": TEXT}]],
    "Cohere": [{"event_type": "text-generation", "text": text, "is_finished": False} for text in TEA],
    "Baidu": [{"object": "chat.completion", "result": text, "is_end": False} for text in TEA],
    "DashScope": [{"output": {"text": text, "finish_reason": "null"}, "request_id": "r"} for text in ALL_SO_FAR],
    "Gemini": [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": text}]}}]}
        for text in TEA
    ],
    "Anthropic": [
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}},
        *({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}} for text in TEA),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    ],
    "Anthropic, whole": [{"type": "message", "content": [{"type": "text", "text": TEXT}], "stop_reason": "end_turn"}],
    "OpenAI's responses": [
        {"type": "response.created", "response": {"status": "in_progress", "output": []}},
        {"type": "response.reasoning_summary_text.delta", "delta": "hm"},
        *({"type": "response.output_text.delta", "delta": text} for text in TEA),
        {"type": "response.output_text.done", "text": TEXT},
        {"type": "response.completed", "response": {"output": [{"content": [{"type": "output_text", "text": TEXT}]}]}},
    ],
}
SHAPES |= {name: b"".join(map(event, events)) for name, events in OTHER_FORMS.items()}
SHAPES |= {
    f"{name}, bare": b"\n".join(json.dumps(one).encode() for one in forms) for name, forms in OTHER_FORMS.items()
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_an_answer_of_any_known_shape_is_read(body: bytes, size: int) -> None:
    assert read(*cut(body, size)) == TEXT


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n", b"data:[done]", b'data: "[DONE]"'])
@pytest.mark.parametrize("size", [1, 100_000])
def test_the_end_is_one_without_the_end_of_its_line_done_then_hang(end: bytes, size: int) -> None:
    reading = Reading()
    for piece in cut(b"".join(deltas(*TEA)) + end, size):
        reading.feed(piece)
    assert (reading.decoder.done, reading.text) == (True, TEXT)


def test_words_without_a_blank_line_are_handed_on_as_they_come() -> None:
    reading = Reading()
    for one in deltas(*TEA):
        reading.feed(one.rstrip(b"\n") + b"\n")
    assert reading.pieces == list(TEA)


@given(st.lists(st.text("ab .", min_size=1, max_size=6), min_size=3, max_size=12))
def test_all_text_so_far_each_time_is_told_once(words: list[str]) -> None:
    """Once it shows: one word that is the beginning of the reply, again and again, is the model's own."""
    words = ["The cat ", "sat ", *words]
    assert read(*deltas(*("".join(words[: count + 1]) for count in range(len(words)))), STOP) == "".join(words)


@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=9))
def test_what_is_held_back_is_not_lost(words: list[str]) -> None:
    said = read(*deltas("cd", *words, "x"), STOP)
    assert said == "cd" + "".join(words) + "x"


def test_broken_events_alone_are_an_error() -> None:
    with pytest.raises(ModelStreamBrokenError):
        read(b"data: {broken\n\n", b"data: {broken\n\n", DONE)


def test_the_text_of_an_event_beside_choices_is_no_part_of_the_reply() -> None:
    aside = event({"type": "note", "content": "Looking it up."})
    assert read(*deltas(*TEA[:2]), aside, *deltas(*TEA[2:]), aside, DONE) == TEXT


def test_words_of_json_lines_are_handed_on_as_they_come() -> None:
    reading = Reading()
    for text in TEA:
        reading.feed(json.dumps(chunk({"content": text})).encode() + b"\n")
    assert reading.pieces == list(TEA)


def test_a_carriage_return_alone_ends_an_event_at_once() -> None:
    reading = Reading()
    for one in deltas(*TEA):
        reading.feed(one.replace(b"\n", b"\r"))
    assert reading.pieces == list(TEA)


# ── nothing is told twice ───────────────────────────────────────────────────────────────

MESSAGE = {"role": "assistant", "content": TEXT}
AGAIN = {
    "a whole answer": event(completion(TEXT)),
    "a message beside an empty delta": event({"choices": [{"delta": {}, "message": MESSAGE, "finish_reason": "stop"}]}),
    "a message without an end": event({"choices": [{"message": MESSAGE}]}),
    "a trimmed message": event(completion(TEXT.rstrip("."))),
    "another message": event(completion("Tea's up.")),
    "the whole text in the last delta": event(chunk({"content": TEXT}, "stop")),
    "the whole text of the older API": event({"choices": [{"text": TEXT, "finish_reason": "stop"}]}),
}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_a_whole_message_after_the_deltas_is_not_told_again(again: bytes) -> None:
    assert read(*deltas(*TEA), again, DONE) == TEXT


def test_a_message_beside_each_delta_is_not_told_again() -> None:
    said, events = "", []
    for text in TEA:
        said += text
        events.append(event({"choices": [{"delta": {"content": text}, "message": {"content": said}}]}))
    assert read(*events, STOP) == TEXT


def test_what_only_the_whole_message_holds_is_told() -> None:
    assert read(*deltas(*TEA[:2]), event(completion(TEXT)), DONE) == TEXT


@pytest.mark.parametrize("pieces", [("ha", "ha"), ("No. ", "No. "), ("I ", "see, ", "I ", "see, "), ("la " * 20,) * 3])
def test_a_model_may_repeat_itself(pieces: tuple[str, ...]) -> None:
    assert read(*deltas(*pieces), STOP, DONE) == "".join(pieces)


def test_calls_of_a_whole_message_after_the_deltas_are_not_made_twice() -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": 1}'}}
    end = Reading().read([event(chunk({"tool_calls": [call]})), event(completion(None, tool_calls=[call])), DONE])
    assert [(call.name, call.arguments) for call in end.calls] == [("search", '{"q": 1}')]


# ── how it ends ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", [[], [STOP], [DONE], [STOP, DONE]])
def test_a_body_that_ends_well_is_complete(ending: list[bytes]) -> None:
    reading = Reading()
    reading.read([*deltas(*TEA), *ending], is_delimited=True)
    assert reading.text == TEXT


def test_a_body_without_a_length_is_complete_between_two_events_and_broken_in_one() -> None:
    Reading().read(deltas(*TEA), is_delimited=False)
    with pytest.raises(ModelStreamBrokenError):
        Reading().read([*deltas(*TEA), b"data: "], is_delimited=False)
    with pytest.raises(ModelStreamBrokenError):
        Reading().read([*deltas(*TEA), event(chunk({"content": "more"}))[:20]], is_delimited=True)


ERRORS = [
    ({"error": {"message": "boom"}}, ModelServerError),
    ({"error": "boom"}, ModelServerError),
    ({"error": ["boom"]}, ModelServerError),
    ({"errors": [{"message": "boom"}]}, ModelServerError),
    ({"detail": "boom"}, ModelServerError),
    ({"type": "error", "message": "boom"}, ModelServerError),
    ({"object": "error", "message": "boom", "code": 500}, ModelServerError),
    ({"success": False, "msg": "boom"}, ModelServerError),
    ({"status": "failed", "message": "boom"}, ModelServerError),
    ({"code": 1113, "msg": "余额不足"}, ModelOutOfCreditError),
    ({"code": "InvalidApiKey", "message": "Invalid API-key provided."}, ModelKeyRefusedError),
    ({"error_code": 17, "error_msg": "boom"}, ModelServerError),
    ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, ModelKeyRefusedError),
    ({"header": {"code": 10013, "message": "boom"}}, ModelServerError),
    ({"error": {"code": 401, "message": "User not found."}}, ModelKeyRefusedError),
    ({**chunk({"content": ""}, "error"), "error": {"code": "server_error", "message": "boom"}}, ModelServerError),
    ({"choices": [{"delta": {}, "error": {"message": "boom"}}]}, ModelServerError),
    (chunk({}, "error"), ModelServerError),
    (chunk({}, "insufficient_system_resource"), ModelServerError),
    (chunk({}, "content_filter"), ModelContentFilteredError),
    (chunk({}, "SAFETY"), ModelContentFilteredError),
    (chunk({"refusal": "I cannot help with that."}, "stop"), ModelContentFilteredError),
    (chunk({}, "length"), ModelReplyCutError),
    (chunk({}, "MAX_TOKENS"), ModelReplyCutError),
]


@pytest.mark.parametrize(("body", "kind"), ERRORS, ids=str)
@pytest.mark.parametrize("begun", [(), TEA[:2]], ids=["first", "later"])
@pytest.mark.parametrize("write", [event, lambda body: json.dumps(body).encode() + b"\n"], ids=["event", "bare"])
def test_an_error_anywhere_in_a_good_answer_is_one(
    body: Any, kind: type[ModelError], begun: tuple[str, ...], write: Callable[[Any], bytes]
) -> None:
    reading = Reading()
    with pytest.raises(kind):
        reading.read([*deltas(*begun), write(body), DONE])
    assert reading.text == "".join(begun)


FRAMES = {
    "event: error": b'event: error\ndata: {"error": "context length exceeded"}\n\n',
    "event: error, bare words": b"event: error\ndata: context length exceeded\n\n",
    "a field called error": b'error: {"code": 500, "message": "context shift is disabled"}\n\n',
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_an_error_told_by_its_frame_is_one(frame: bytes) -> None:
    with pytest.raises(ContextTooLongError):
        read(*deltas("The "), frame)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"", ModelEmptyReplyError, ""),
        (b"\n\n", ModelEmptyReplyError, ""),
        (b"[]", ModelEmptyReplyError, ""),
        (b"null", ModelEmptyReplyError, ""),
        (b": ping\n\n", ModelEmptyReplyError, ""),
        (DONE, ModelEmptyReplyError, ""),
        (b"no healthy upstream", ModelServerError, "no healthy upstream"),
        (event("upstream error"), ModelServerError, "upstream error"),
        (
            json.dumps({"message": "Endpoint request timed out"}).encode(),
            ModelServerError,
            "Endpoint request timed out",
        ),
        (b'"just words"', ModelServerError, "just words"),
        (b"<!DOCTYPE html><title>Log in</title>", ModelWebPageError, "Log in"),
        (b"\xef\xbb\xbf\r\n <html><h1>Welcome</h1>", ModelWebPageError, "Welcome"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_an_answer_without_a_word_of_a_reply_says_what_it_was(
    body: bytes, kind: type[ModelError], said: str, size: int
) -> None:
    with pytest.raises(kind) as caught:
        read(*cut(body, size))
    assert caught.value.said == said


def test_an_error_after_the_end_is_not_heard() -> None:
    assert read(*deltas(*TEA), STOP, DONE, event({"error": "boom"})) == TEXT


def test_words_that_came_together_are_handed_on_together() -> None:
    reading = Reading()
    for one in deltas(*TEA):
        reading.decoder.feed(one)
    assert reading.pieces == []
    reading.decoder.hand_on()
    assert reading.pieces == [TEXT]
