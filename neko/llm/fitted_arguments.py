"""Arguments as a tool's schema names them, of what a model gave: under other names, with none of the tool, as text.

Small models know what is meant and not how it is written: ``{"has_task": true, "plan": [...]}`` for ``task`` and
``steps``. What cannot be told apart stays as it was given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from neko.llm.written_calls import WrittenCall, json_values
from neko.types.model_session import Tool

_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}
_WRAPPERS: Final = ("arguments", "args", "parameters", "params", "input")


def bare_arguments(text: str, tool: Tool) -> WrittenCall | None:
    """The call of the only tool that there is, of a text that holds its arguments alone. Blocks: JSON is mended."""
    properties = tool.parameters.get("properties", {})
    for repair in (False, True):
        for value in json_values(text, repair=repair):
            one = value[0] if isinstance(value, list) and len(value) == 1 else value
            for key in _WRAPPERS:
                if isinstance(one, dict) and isinstance(one.get(key), dict):
                    one = one[key]
            if isinstance(one, dict) and any(name in properties for name in fitted(one, tool.parameters)):
                return WrittenCall(tool.name, one)
    return None


def fitted(arguments: Mapping[str, Any], schema: Mapping[str, Any], *, is_whole: bool = True) -> dict[str, Any]:
    """With the names of the schema, where it is clear which is meant; its lists and objects likewise, whose texts are
    told apart by their names alone."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    named = {_snake(key): value for key, value in arguments.items()} if properties else dict(arguments)
    unknown = {key: value for key, value in named.items() if key not in properties}
    found = {key: value for key, value in named.items() if key in properties}
    open_names = [name for name in properties if name not in found]
    for name in list(open_names):  # "has_task" is the task
        alike = [key for key, value in unknown.items() if name in key.split("_") and _may_be(value, properties[name])]
        if len(alike) == 1:
            found[name] = unknown.pop(alike[0])
            open_names.remove(name)
    for kind in ("boolean", "array", "integer", "enum", "string")[: None if is_whole else -1]:
        wanted = [name for name in open_names if _kind(properties[name]) == kind and _is_needed(name, schema)]
        given = [key for key, value in unknown.items() if wanted and _is_of(value, properties[wanted[0]])]
        if wanted and len(wanted) == len(given):
            for name, key in zip(wanted, given, strict=True):
                found[name] = unknown.pop(key)
                open_names.remove(name)
    return {**unknown, **{name: _inner(value, properties[name]) for name, value in found.items()}}


def missing(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """What the schema requires and is not there."""
    return [name for name in schema.get("required", ()) if name not in arguments]


def example(schema: Mapping[str, Any]) -> Any:
    """A value of the form that the schema describes."""
    match schema.get("type"):
        case "object":
            return {name: example(one) for name, one in schema.get("properties", {}).items()}
        case "array":
            return [example(schema.get("items", {}))]
        case "boolean":
            return True
        case "integer" | "number":
            return 1
    return schema["enum"][0] if schema.get("enum") else schema.get("description", "…")


def _inner(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, dict) and schema.get("type") == "object":
        return fitted(value, schema, is_whole=False)
    if isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        return [fitted(one, items, is_whole=False) if isinstance(one, dict) else one for one in value]
    return value


def _kind(schema: Mapping[str, Any]) -> str:
    return "enum" if schema.get("enum") else str(schema.get("type", ""))


def _is_of(value: Any, schema: Mapping[str, Any]) -> bool:
    if schema.get("enum"):
        return value in schema["enum"]
    kinds = _KINDS.get(str(schema.get("type")), ())
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _may_be(value: Any, schema: Mapping[str, Any]) -> bool:
    """A yes or no may be written as a word."""
    is_word = schema.get("type") == "boolean" and str(value).lower() in ("true", "false", "yes", "no")
    return is_word or _is_of(value, schema)


def _is_needed(name: str, schema: Mapping[str, Any]) -> bool:
    return name in schema.get("required", ()) or schema["properties"][name].get("type") == "array"


def _snake(key: str) -> str:
    return re.sub(r"[\s-]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.strip())).lower()
