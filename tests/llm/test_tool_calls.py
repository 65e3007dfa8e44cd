"""Tool calls are put together whatever shape a provider streams them in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.llm.tool_calls import MOST_CALLS, RequestedCall, ToolCallAssembler, call_message

OSLO, ROME = '{"place": "Oslo"}', '{"place": "Rome"}'


def assembled(*messages: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    assembler = ToolCallAssembler()
    for message in messages:
        assembler.feed(message)
    return [(call.id, call.name, call.parsed_arguments()) for call in assembler.finish()]


def entries(*calls: Mapping[str, Any]) -> dict[str, Any]:
    return {"tool_calls": list(calls)}


def entry(arguments: object, name: str | None = "get_weather", **more: object) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name is not None else {})
    return {"function": function, **more}


BOTH = [("a", "get_weather", {"place": "Oslo"}), ("b", "get_weather", {"place": "Rome"})]
NAMELESS = [("", "get_weather", {"place": "Oslo"}), ("", "get_weather", {"place": "Rome"})]

SHAPES: dict[str, tuple[Sequence[Mapping[str, Any]], Sequence[tuple[str, str, dict[str, Any]]]]] = {
    "in pieces, one after the other": (
        [
            entries(entry("", index=0, id="a")),
            entries(entry('{"pla', None, index=0)),
            entries(entry('ce": "Oslo"}', None, index=0)),
            entries(entry("", index=1, id="b")),
            entries(entry(ROME, None, index=1)),
        ],
        BOTH,
    ),
    "in pieces, interleaved": (
        [
            entries(entry("", index=0, id="a"), entry("", index=1, id="b")),
            entries(entry('{"place": ', None, index=1), entry('{"place": ', None, index=0)),
            entries(entry('"Oslo"}', None, index=0), entry('"Rome"}', None, index=1)),
        ],
        BOTH,
    ),
    "whole, several at once": ([entries(entry(OSLO, index=0, id="a"), entry(ROME, index=1, id="b"))], BOTH),
    "whole, all under index 0": ([entries(entry(OSLO, index=0, id="a")), entries(entry(ROME, index=0, id="b"))], BOTH),
    "whole, without an index": ([entries(entry(OSLO, id="a")), entries(entry(ROME, id="b"))], BOTH),
    "whole, without an index or an id": ([entries(entry(OSLO), entry(ROME))], NAMELESS),
    "whole, under index 0 without an id": (
        [entries(entry(OSLO, index=0)), entries(entry(ROME, index=0))],
        NAMELESS,
    ),
    "in pieces, without an index": (
        [
            entries(entry("", id="a")),
            entries(entry('{"place": ', None)),
            entries(entry('"Oslo"}', None)),
            entries(entry(ROME, id="b")),
        ],
        BOTH,
    ),
    "in pieces that repeat the id": (
        [entries(entry('{"place": ', index=0, id="a")), entries(entry('"Oslo"}', index=0, id="a"))],
        BOTH[:1],
    ),
    "in pieces that repeat the id, without an index": (
        [
            entries(entry('{"place": ', id="a"), entry('{"place": ', id="b")),
            entries(entry('"Oslo"}', None, id="a"), entry('"Rome"}', None, id="b")),
        ],
        BOTH,
    ),
    "in pieces with an empty id": (
        [entries(entry('{"place": ', index=0, id="a")), entries(entry('"Oslo"}', None, index=0, id=""))],
        BOTH[:1],
    ),
    "arguments as an object": ([entries(entry({"place": "Oslo"}, index=0, id="a"))], BOTH[:1]),
    "the older form, in pieces": (
        [
            {"function_call": {"name": "get_weather", "arguments": ""}},
            {"function_call": {"arguments": '{"place": '}},
            {"function_call": {"arguments": '"Oslo"}'}},
        ],
        NAMELESS[:1],
    ),
    "without arguments": ([entries(entry("", index=0, id="a"))], [("a", "get_weather", {})]),
    "arguments that are null": ([entries(entry(None, index=0, id="a"))], [("a", "get_weather", {})]),
    "without a name": ([entries(entry("{}", None, index=0, id="a"))], []),
    "null in place of calls": ([{"tool_calls": None, "function_call": None, "content": "hi"}], []),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_calls_are_whole(shape: str) -> None:
    messages, calls = SHAPES[shape]
    assert assembled(*messages) == calls


@pytest.mark.parametrize("arguments", ['{"place": "Os', "[1]", '"Oslo"', "Oslo"])
def test_arguments_that_are_no_json_object_are_an_error(arguments: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        RequestedCall("a", "get_weather", arguments).parsed_arguments()


def test_what_is_sent_back_is_valid_even_when_the_arguments_were_not() -> None:
    message = call_message("Hm.", [RequestedCall("a", "get_weather", '{"place": "Os')])
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {}


def test_what_a_provider_wants_back_with_a_call_is_sent_back() -> None:
    signature = {"google": {"thought_signature": "abc"}}
    assembler = ToolCallAssembler()
    assembler.feed(entries(entry(OSLO, index=0, id="a", extra_content=signature)))
    message = call_message("", assembler.finish(), "I should look.")
    assert message["tool_calls"][0]["extra_content"] == signature
    assert message["reasoning_content"] == "I should look."
    assert message["content"] is None


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9)


@given(
    st.lists(st.dictionaries(TEXT, TEXT, max_size=3), min_size=1, max_size=4),
    st.integers(1, 7),
    st.randoms(use_true_random=False),
)
def test_calls_are_whole_however_their_pieces_are_cut_and_mixed(
    arguments: list[dict[str, str]], size: int, chance: Random
) -> None:
    queues: list[list[dict[str, Any]]] = []
    for index, values in enumerate(arguments):
        text = json.dumps(values)
        fragments = [entry(text[at : at + size], None, index=index) for at in range(0, len(text), size)]
        queues.append([entry("", "get_weather", index=index, id=f"call_{index}"), *fragments])
    messages = [entries(queue.pop(0)) for queue in queues]
    while any(queues):
        messages.append(entries(chance.choice([queue for queue in queues if queue]).pop(0)))
    assert assembled(*messages) == [(f"call_{index}", "get_weather", values) for index, values in enumerate(arguments)]


@given(
    st.lists(
        st.recursive(TEXT | st.text('{}\\\\"', max_size=6), lambda inner: st.dictionaries(TEXT, inner, max_size=3)),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 9),
)
def test_calls_under_one_index_without_an_id_are_told_apart_by_their_arguments(values: list[Any], size: int) -> None:
    """Every fragment has the name, and braces stand in texts too."""
    assembler = ToolCallAssembler()
    for value in values:
        text = json.dumps({"value": value}, ensure_ascii=False)
        for at in range(0, len(text), size):
            assembler.feed(entries(entry(text[at : at + size], index=0)))
    assert [call.parsed_arguments() for call in assembler.finish()] == [{"value": value} for value in values]


def test_so_many_calls_are_taken_and_no_more() -> None:
    calls = ToolCallAssembler()
    calls.feed({"tool_calls": [{"index": number, "function": {"name": "f"}} for number in range(1000)]})
    calls.feed({"tool_calls": [{"index": 5, "function": {"arguments": "{}"}}]})
    assert [call.arguments for call in calls.finish()] == ["{}" if number == 5 else "" for number in range(MOST_CALLS)]
