"""What a tool answered, as text."""

from __future__ import annotations

from typing import Any, Final

import orjson

from neko.agent.outside import visible
from neko.late_dataclasses import dataclass

LONGEST: Final = 40_000
"""Characters of an answer that are looked at: several times what a model is given of it."""


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
