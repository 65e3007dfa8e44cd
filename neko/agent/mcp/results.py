"""What a tool answered, as text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson

from neko.agent.outside import visible

LONGEST: Final = 40_000
"""Characters of an answer that are looked at: several times what a model is given of it."""
_LONGEST_KIND: Final = 40


@dataclass(frozen=True, slots=True)
class Outcome:
    """``failed``: the tool says so itself; ``text`` is then its reason."""

    text: str
    failed: bool = False


def outcome_of(result: Any) -> Outcome:
    """The outcome in a ``CallToolResult`` of the SDK."""
    parts = [_as_text(part)[:LONGEST] for part in result.content[:100]]
    text = "\n".join(part for part in parts if part)[:LONGEST]
    if not text and result.structured_content is not None:
        text = orjson.dumps(result.structured_content).decode()[:LONGEST]
    return Outcome(visible(text) or ("no reason given" if result.is_error else "(nothing)"), bool(result.is_error))


def leave_out_unknown(result: object) -> list[str]:
    """Put a note in the place of each part of a tool's raw answer that is none of the protocol, if there is one beside
    it that is: by itself the SDK refuses the whole. What was left out, in words."""
    parts = result.get("content") if isinstance(result, dict) else None
    if not isinstance(parts, list) or all(map(_is_text, parts)):
        return []
    unknown = [at for at, part in enumerate(parts) if not (_is_text(part) or _is_known(part))]
    if len(unknown) == len(parts):
        return []
    notes: list[str] = []
    for at in unknown:
        kind = parts[at].get("type") if isinstance(parts[at], dict) else None
        name = visible(kind)[:_LONGEST_KIND] if isinstance(kind, str) else "?"
        notes.append(f"(a part was left out, for it is of no form that is known: {name})")
        parts[at] = {"type": "text", "text": notes[-1]}
    return notes


def _is_text(part: object) -> bool:
    """Quick, and true of nearly all."""
    return type(part) is dict and part.get("type") == "text" and type(part.get("text")) is str


def _is_known(part: object) -> bool:
    try:
        _content().validate_python(part)
    except ValueError:
        return False
    return True


@cache
def _content() -> Any:
    import mcp_types
    from pydantic import TypeAdapter

    return TypeAdapter(mcp_types.ContentBlock)


def _as_text(part: Any) -> str:
    match part.type:
        case "text":
            return str(part.text)
        case "image" | "audio":
            kind = "a picture" if part.type == "image" else "a sound"
            return f"({kind}, {part.mime_type}, {len(part.data) * 3 // 4} bytes, which cannot be shown here)"
        case "resource_link":
            return f"({part.name}: {part.uri})"
        case "resource":
            return str(getattr(part.resource, "text", "")) or f"(a file: {part.resource.uri})"
    return ""
