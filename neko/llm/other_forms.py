"""The text of an answer that has no choices, as other interfaces than the chat completions write it.

Gateways pass on what their model's own server says: Cloudflare's ``{"result": {"response"}}``, Ollama's and
llama.cpp's native ``{"response"}`` and ``{"content"}``, Hugging Face's ``{"token": {"text"}}``, Cohere's ``{"text"}``,
Gemini's ``{"candidates": [{"content": {"parts": [{"text"}]}}]}``, Anthropic's and OpenAI's typed events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_TEXTS: Final = frozenset(
    ("response", "result", "output", "text", "content", "delta", "generated_text", "output_text", "completion")
)
_HOLDERS: Final = ("data", "result", "response", "output", "message", "delta", "token", "candidates", "content")
_PLACES: Final = (*_HOLDERS, "parts", "results", "text", "generated_text", "output_text", "completion")
_NOT_SAID: Final = re.compile(r"reason|think|tool|function|argument|image|audio|status|search", re.IGNORECASE)
_LAST: Final = re.compile(r".*(done|complete|completed|end|stop)")
_REASONS: Final = ("finish_reason", "finishReason", "done_reason", "stop_reason")
_DEEPEST: Final = 6


def text_of_content(content: object) -> str:
    """The text of a content that is no string: a list of parts, of which only the text ones are for the user."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return ""
    return "".join(map(_text_of_part, content))


def _text_of_part(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type", "text") not in ("text", "output_text", None):
        return ""
    text = part.get("text")
    if isinstance(text, dict):
        text = text.get("value")
    return text if isinstance(text, str) else ""


def text_without_choices(event: Mapping[str, Any]) -> tuple[str, str]:
    """The text that an event holds, "" for none, and the reason of the end when it tells one."""
    candidates = event.get("candidates")
    holders = [event, *(candidates if isinstance(candidates, list) else ())]
    told = [one.get(name) for one in holders if isinstance(one, Mapping) for name in _REASONS]
    reasons = [reason for reason in told if reason and isinstance(reason, str)]
    is_last = _LAST.fullmatch(str(event.get("type", ""))) is not None
    return _text_below(event, 0), reasons[0] if reasons else "stop" if is_last else ""


def _text_below(value: object, depth: int) -> str:
    if isinstance(value, list):
        return "".join(_text_below(one, depth + 1) for one in value)
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return ""
    if value.get("thought") is True or _NOT_SAID.search(str(value.get("type", ""))):
        return ""
    for name in _PLACES:
        held = value.get(name)
        text = held if isinstance(held, str) and name in _TEXTS else _text_below(held, depth + 1)
        if text:
            return text
    return ""
