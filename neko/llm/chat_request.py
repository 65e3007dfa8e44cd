"""The body of a chat request, as a model takes it.

Shape: https://platform.openai.com/docs/api-reference/chat/create. Servers take different parts of it: old templates
know no system role, new models no temperature of the caller's choice, some accounts no stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from neko.language import guess
from neko.llm.adaptation import AS_USUAL, Adaptation
from neko.llm.error_kinds import NEUTRAL
from neko.llm.tokens import estimate_tokens
from neko.llm.tool_calls import tool_schema
from neko.prompts import phrases
from neko.providers import ModelEndpoint
from neko.types.model_session import Tool

ChatMessage = Mapping[str, Any]
"""A message of the chat completions API."""

TEMPERATURE: Final = 1.0
TOKENS_PER_MESSAGE: Final = 4
TOKENS_PER_PICTURE: Final = 1000
NO_WORDS: Final = "…"
"""The content of a message that has none."""

_OTHER_NAME: Final = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""One limit under its old and its new name: where one is refused the other is sent."""
_PLAIN_FIELDS: Final = frozenset(("role", "content", "tool_calls", "tool_call_id"))
_PLAIN_CALL_FIELDS: Final = frozenset(("id", "type", "function"))


def chat_body(
    endpoint: ModelEndpoint,
    messages: Sequence[ChatMessage],
    tools: Sequence[Tool] = (),
    adaptation: Adaptation = AS_USUAL,
) -> dict[str, Any]:
    """The request for a streamed completion, without what the model has refused, with what it insists on."""
    body = {
        "model": endpoint.model,
        "messages": messages,
        "temperature": TEMPERATURE,
        "stream": True,
        **endpoint.extra_body,
    }
    if tools:
        body["tools"] = [tool_schema(tool) for tool in tools]
    else:
        body.pop("tool_choice", None)
    for name in adaptation.required:
        body.setdefault(name, NEUTRAL[name])
    if adaptation.refused:
        for name in adaptation.refused & body.keys():
            value, other = body.pop(name), _OTHER_NAME.get(name)
            if other and adaptation.takes(other):
                body[other] = value
        body["messages"] = _adapted(messages, adaptation)
    return body


def estimate(messages: Sequence[ChatMessage], tools: Sequence[Tool] = ()) -> int:
    """Tokens of a request, roughly."""
    tokens = sum(estimate_tokens(json.dumps(tool_schema(tool))) for tool in tools)
    return tokens + sum(_message_tokens(message) for message in messages)


def _message_tokens(message: ChatMessage) -> int:
    content = message.get("content") or ""
    if isinstance(content, str):
        tokens = estimate_tokens(content)
    else:
        tokens = sum(estimate_tokens(part["text"]) if "text" in part else TOKENS_PER_PICTURE for part in content)
    if calls := message.get("tool_calls"):
        tokens += estimate_tokens(json.dumps(calls, ensure_ascii=False))
    return tokens + TOKENS_PER_MESSAGE


def _adapted(messages: Sequence[ChatMessage], adaptation: Adaptation) -> list[ChatMessage]:
    """The messages without what is refused of them.

    "pictures" go and are said to be missing, in the language of the words beside them; "fields" are all that the API
    does not ask for, "empty" messages get a mark for their words; without "system" its message stands before the first
    words of the user. "roles" that have to alternate mostly mean that no system message may come first; neighbours of
    one role are joined, too.
    """
    adapted = [dict(message) for message in messages]
    for message in adapted:
        if not adaptation.takes("pictures"):
            _leave_pictures_out(message)
        if not adaptation.takes("fields"):
            _leave_fields_out(message)
        if not adaptation.takes("empty"):
            message["content"] = message.get("content") or NO_WORDS
    if not (adaptation.takes("system") and adaptation.takes("roles")):
        adapted = _folded(adapted)
    if not adaptation.takes("roles"):
        adapted = _joined(adapted)
    return list(adapted)


def _leave_pictures_out(message: dict[str, Any]) -> None:
    content = message.get("content")
    if isinstance(content, list):
        words = [part["text"] for part in content if part.get("type") == "text"]
        own = "\n".join(line for line in "\n".join(words).splitlines() if not line.startswith("["))
        unseen = phrases(guess(own, "en"))["unseen"]
        message["content"] = "\n".join([*words, unseen])


def _leave_fields_out(message: dict[str, Any]) -> None:
    for name in message.keys() - _PLAIN_FIELDS:
        del message[name]
    if calls := message.get("tool_calls"):
        message["tool_calls"] = [{name: call[name] for name in call.keys() & _PLAIN_CALL_FIELDS} for call in calls]


def _folded(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The system messages in front of the first words of the user."""
    talk = [message for message in messages if message["role"] != "system"]
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    if system and talk and talk[0]["role"] == "user":
        talk[0]["content"] = _with_words(system, talk[0]["content"])
    elif system:
        talk.insert(0, {"role": "user", "content": system})
    return talk


def _joined(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours of one role, both of plain words, as one message."""
    joined: list[dict[str, Any]] = []
    for message in messages:
        last = joined[-1] if joined else {}
        is_plain = message.keys() == last.keys() == {"role", "content"}
        if is_plain and last["role"] == message["role"] and isinstance(last["content"], str):
            last["content"] = _with_words(last["content"], message["content"])
        else:
            joined.append(message)
    return joined


def _with_words(before: str, content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return f"{before}\n\n{content}"
    return [{"type": "text", "text": before}, *content]
