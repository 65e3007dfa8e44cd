"""Calls that a model wrote into its text, in place of asking for them by the protocol.

The forms: JSON, alone or in a fence, as an object or a list (``{"name": …, "arguments": …}`` and its kin); the same
behind a mark (Hermes and Qwen ``<tool_call>``, Mistral ``[TOOL_CALLS]``, Llama ``<|python_tag|>``, DeepSeek, Kimi);
XML (``<invoke name=…>``, Qwen-Coder's ``<function=…>``, GLM's ``<arg_key>``). Only tools that are offered are called.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from neko.well_formed import load_json

_LONGEST: Final = 40_000
"""Characters that are looked at."""
_MOST_TRIES: Final = 40
"""Places in a text where an object may begin."""
_LONGEST_REPAIR: Final = 8_000
"""Characters that are repaired: it may take the square of them."""
_MARKS: Final = (
    "<tool_call>",
    "<tool_calls>",
    "<function_call>",
    "<|tool_call|>",
    "<|tool_call_begin|>",
    "<|tool_calls_section_begin|>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁begin｜>",
    "<function=",
    "<invoke name=",
)
_NAMES: Final = ("name", "tool", "tool_name", "function", "action", "function_name")
_ARGUMENTS: Final = ("arguments", "args", "parameters", "params", "input", "action_input", "tool_input", "tool_args")
_LISTS: Final = ("tool_calls", "calls", "actions", "function_calls")
_THOUGHT_ENDS: Final = re.compile(r"</(?:think|thinking|thought|reasoning)>")
_NAMED: Final = re.compile(r"([\w.:-]{1,128})\s*(?:\[ARGS\]|<\|tool_call_argument_begin\|>|<｜tool▁sep｜>|\s)*\Z")


@dataclass(frozen=True, slots=True)
class WrittenCall:
    name: str
    arguments: Mapping[str, Any]


def without_thought(text: str) -> str:
    """What comes after the thoughts."""
    ends = [match.end() for match in _THOUGHT_ENDS.finditer(text)]
    return text[ends[-1] :] if ends else text


def written_calls(
    text: str, names: Collection[str], *, anywhere: bool = False, repair: bool = False
) -> list[WrittenCall]:
    """The calls in a text, in their order.

    They count behind a mark, or where nothing else is said; with ``anywhere`` also among other words. ``repair``: JSON
    that is broken is mended, which blocks.
    """
    text = without_thought(text[:_LONGEST]).strip()
    marks = [at for mark in _MARKS if (at := text.find(mark)) >= 0]
    if marks:
        marked = text[min(marks) :]
        return _xml_calls(marked, names) or _json_calls(marked, names, repair=repair)
    bare = _unfenced(text)
    if anywhere or bare.startswith(("{", "[")):
        return _json_calls(bare, names, repair=repair)
    return []


def json_values(text: str, *, repair: bool = False) -> list[Any]:
    """The JSON objects and lists in a text, thoughts left out; ``repair`` blocks."""
    bare = _unfenced(without_thought(text[:_LONGEST]).strip())
    return [value for value, _ in _values(bare, repair=repair)]


def _unfenced(text: str) -> str:
    """The inside of the fence that a text consists of."""
    if text.startswith("```") and text.endswith("```") and text.count("```") == 2:
        return text[3:-3].partition("\n")[2].strip() or text[3:-3].strip()
    return text


# ── JSON ──────────────────────────────────────────────────────────────────────


def _json_calls(text: str, names: Collection[str], *, repair: bool) -> list[WrittenCall]:
    calls: list[WrittenCall] = []
    for value, before in _values(text, repair=repair):
        found = list(_calls_of(value, names))
        if not found and isinstance(value, dict) and (name := _known(_name_before(before), names)):
            found = [WrittenCall(name, value)]
        calls += found
    return calls


def _values(text: str, *, repair: bool) -> Iterator[tuple[Any, str]]:
    """The JSON values in a text, each with the line before it."""
    decoder, at = json.JSONDecoder(), 0
    for _ in range(_MOST_TRIES):
        starts = [start for sign in "{[" if (start := text.find(sign, at)) >= 0]
        if not starts:
            return
        start = min(starts)
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, end = None, start + 1
            if repair and text[start] == "{" and (value := _repaired(text[start:])) is not None:
                end = len(text)
        if isinstance(value, dict | list):
            yield load_json(json.dumps(value)), text[max(0, start - 160) : start]
        at = end


def _repaired(text: str) -> dict[str, Any] | None:
    from json_repair import loads

    if len(text) > _LONGEST_REPAIR:
        return None
    try:
        value = loads(text.rpartition("}")[0] + "}" if "}" in text else text, skip_json_loads=True)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value else None


def _name_before(before: str) -> str:
    """The name of a tool that stands before its arguments."""
    line = before.rstrip().removesuffix("```json").removesuffix("```")
    match = _NAMED.search(line[-160:])
    return match[1] if match else ""


def _calls_of(value: Any, names: Collection[str]) -> Iterator[WrittenCall]:
    """The calls that a value is: an object with name and arguments, a list of them, or ``{name: arguments}``."""
    if isinstance(value, list):
        for one in value[:_MOST_TRIES]:
            if isinstance(one, dict):
                yield from _calls_of(one, names)
        return
    for key in _LISTS:
        if isinstance(value.get(key), list):
            yield from _calls_of(value[key], names)
            return
    inner = value.get("function") or value.get("tool_call") or value.get("function_call")
    if isinstance(inner, dict):
        yield from _calls_of(inner, names)
        return
    for key in _NAMES:
        if name := _known(value.get(key), names):
            rest = {other: item for other, item in value.items() if other != key}
            yield WrittenCall(name, _arguments(rest))
            return
    if len(value) == 1:
        [(key, arguments)] = value.items()
        if (name := _known(key, names)) and isinstance(arguments, dict):
            yield WrittenCall(name, arguments)


def _arguments(rest: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands beside the name: under a key of its own, perhaps as text, or loose."""
    for key in _ARGUMENTS:
        if key in rest:
            given = rest[key]
            if isinstance(given, str):
                try:
                    given = load_json(given)
                except (ValueError, RecursionError):
                    return rest
            return given if isinstance(given, dict) else {} if given is None else rest
    return {key: value for key, value in rest.items() if key not in ("id", "type", "thought", "reason")}


def _known(name: object, names: Collection[str]) -> str:
    """The tool that is meant by a name as models write it: ``functions.look:0``."""
    if not isinstance(name, str):
        return ""
    name = name.strip()
    for one in (name, name.removeprefix("functions.").partition(":")[0], name.rpartition(".")[2]):
        if one in names:
            return one
    return ""


# ── XML ───────────────────────────────────────────────────────────────────────


def _xml_calls(text: str, names: Collection[str]) -> list[WrittenCall]:
    calls = []
    for opening, closing, parameter in (
        ("<invoke name=", "</invoke>", "<parameter name="),
        ("<function=", "</function>", "<parameter="),
    ):
        for part in text.split(opening)[1:]:
            head, _, body = part.partition(">")
            if name := _known(head.strip(" \"'"), names):
                calls.append(WrittenCall(name, _parameters(body.partition(closing)[0], parameter)))
    if not calls and "<arg_key>" in text:
        for part in text.split("<tool_call>")[1:]:
            head, _, body = part.partition("<arg_key>")
            if name := _known(head, names):
                calls.append(WrittenCall(name, _pairs(body.partition("</tool_call>")[0])))
    return calls


def _parameters(body: str, opening: str) -> dict[str, Any]:
    found = {}
    for part in body.split(opening)[1:]:
        head, _, value = part.partition(">")
        found[head.strip(" \"'")] = _value(value.partition("</parameter>")[0])
    return found


def _pairs(body: str) -> dict[str, Any]:
    found = {}
    for part in body.split("<arg_key>"):
        key, _, rest = part.partition("</arg_key>")
        found[key.strip()] = _value(rest.partition("<arg_value>")[2].partition("</arg_value>")[0])
    return found


def _value(text: str) -> Any:
    """A parameter: JSON where it is some, else the text without the line breaks around it."""
    text = text.strip("\n")
    try:
        value = load_json(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, str) else value
