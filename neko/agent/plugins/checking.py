"""Are arguments what an entry's JSON schema says? By the library ``jsonschema``, imported when first asked.

A schema comes with a plug-in. Nothing that it refers to is fetched, and its regular expressions, which can take for
ever, are looked at in the plug-in's own process only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

_PATTERNS: Final = ("pattern", "patternProperties")
_LONGEST_PROBLEM: Final = 300


class SchemaError(Exception):
    """The schema itself is none."""


def has_patterns(schema: Mapping[str, Any]) -> bool:
    """Does it hold a regular expression?"""
    text = json.dumps(schema)
    return any(f'"{name}"' in text for name in _PATTERNS)


def problem(schema: Mapping[str, Any], arguments: Mapping[str, Any], *, patterns: bool) -> str:
    """What is wrong with the arguments first of all, in English; "" for nothing. Raises ``SchemaError``."""
    import jsonschema.exceptions
    import referencing.exceptions

    validator = _validator(json.dumps(schema, sort_keys=True), patterns)
    try:
        found = jsonschema.exceptions.best_match(validator.iter_errors(dict(arguments)))
    except (referencing.exceptions.Unresolvable, RecursionError) as error:
        raise SchemaError(f"its input_schema cannot be followed: {error}"[:_LONGEST_PROBLEM]) from None
    if found is None:
        return ""
    place = found.json_path.removeprefix("$").removeprefix(".")
    return f"{place}: {found.message}"[:_LONGEST_PROBLEM] if place else found.message[:_LONGEST_PROBLEM]


@cache
def _validator(schema: str, patterns: bool) -> Any:
    import jsonschema
    import referencing

    read = json.loads(schema)
    kind = jsonschema.Draft202012Validator
    try:
        kind.check_schema(read)
    except jsonschema.exceptions.SchemaError as error:
        raise SchemaError(f"its input_schema is no JSON schema: {error.message}"[:_LONGEST_PROBLEM]) from None
    return kind(read if patterns else _without_patterns(read), registry=referencing.Registry())


def _without_patterns(schema: Any) -> Any:
    """The schema with nothing in it that a regular expression decides; it takes what the whole takes, and more."""
    if isinstance(schema, list):
        return [_without_patterns(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = {"pattern"} if isinstance(schema.get("pattern"), str) else set()
    if isinstance(schema.get("patternProperties"), dict):
        left_out |= {"patternProperties", "additionalProperties", "unevaluatedProperties"}
    return {name: _without_patterns(part) for name, part in schema.items() if name not in left_out}
