"""What the agent's model is sent: the talk as chat messages, with tools by the protocol or as JSON in the text."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, Final

from neko.llm.adaptation import Adaptation
from neko.llm.chat_request import ChatMessage, estimate
from neko.llm.fitted_arguments import example
from neko.llm.tokens import beginning
from neko.llm.tool_calls import RequestedCall, call_message, result_message, tool_schema
from neko.types.hands import Picture, Said, ThoughtCall
from neko.types.model_session import Tool

_SHORT: Final = 60
"""Tokens that are left of an old message when the talk is longer than the model takes."""
_KEPT: Final = 3
"""Messages at the end that are left whole."""

_JSON_TOOLS: Final = """You act by functions. To call one, answer with one JSON object and nothing else:
{"tool": NAME, "arguments": {…}}
The functions, with the JSON schema of their arguments:
"""
_MUST: Final = "Answer only with such an object."
_MAY: Final = "When no function is needed any more, answer in plain words instead."


def chat_messages(
    messages: Sequence[Said], tools: Sequence[Tool], adaptation: Adaptation, *, must_call: bool
) -> list[ChatMessage]:
    """The talk for a model that is adapted to like this."""
    by_protocol = adaptation.takes("tools")
    chat = _by_protocol(messages) if by_protocol else _as_text(messages)
    if tools and not by_protocol:
        chat = _told(chat, json_tools(tools, must_call=must_call))
    most = adaptation.most_tokens
    return chat if most is None else _shortened(chat, most - estimate((), tools if by_protocol else ()))


def json_tools(tools: Sequence[Tool], *, must_call: bool) -> str:
    """How to call tools in words."""
    told = "\n".join(json.dumps(tool_schema(tool)["function"], ensure_ascii=False) for tool in tools)
    form = f"The form of an answer: {_form(tools[0])}\n" if len(tools) == 1 else ""
    return f"{_JSON_TOOLS}{told}\n{form}{_MUST if must_call else _MAY}"


def _form(tool: Tool) -> str:
    return json.dumps({"tool": tool.name, "arguments": example(tool.parameters)}, ensure_ascii=False)


def call_again(fault: str, tools: Sequence[Tool]) -> str:
    """Said once when an answer cannot be used."""
    names = ", ".join(tool.name for tool in tools)
    form = _form(tools[0]) if len(tools) == 1 else '{"tool": NAME, "arguments": {…}}'
    return (
        f"Your answer could not be used: {fault}. Call one of these functions: {names}. If you cannot call functions, "
        f"answer with one JSON object and nothing else: {form}"
    )


def _by_protocol(messages: Sequence[Said]) -> list[ChatMessage]:
    """Pictures of a result follow all results, as a message of the user's: no other may hold any."""
    chat: list[ChatMessage] = []
    pictures: list[Picture] = []
    for said in messages:
        if said.role == "tool":
            chat.append(result_message(said.call_id, said.text))
            pictures += said.pictures
            continue
        if pictures:
            chat.append({"role": "user", "content": _parts("", pictures)})
            pictures = []
        if said.calls:
            chat.append(call_message(said.text, [_requested(call) for call in said.calls]))
        else:
            chat.append(_plain(said.role, said.text, said.pictures))
    if pictures:
        chat.append({"role": "user", "content": _parts("", pictures)})
    return chat


def _as_text(messages: Sequence[Said]) -> list[ChatMessage]:
    chat = []
    for said in messages:
        if said.role == "tool":
            chat.append(_plain("user", f"Result of the function:\n{said.text}", said.pictures))
        elif said.calls:
            calls = [{"tool": call.action.name, "arguments": dict(call.action.arguments)} for call in said.calls]
            text = "\n".join(json.dumps(call, ensure_ascii=False) for call in calls)
            chat.append(_plain(said.role, text, ()))
        else:
            chat.append(_plain(said.role, said.text, said.pictures))
    return chat


def _told(chat: list[ChatMessage], words: str) -> list[ChatMessage]:
    """With these words at the end of the system message."""
    if chat and chat[0]["role"] == "system":
        return [{**chat[0], "content": f"{chat[0]['content']}\n\n{words}"}, *chat[1:]]
    return [{"role": "system", "content": words}, *chat]


def _requested(call: ThoughtCall) -> RequestedCall:
    return RequestedCall(call.call_id, call.action.name, json.dumps(dict(call.action.arguments), ensure_ascii=False))


def _plain(role: str, text: str, pictures: Sequence[Picture]) -> ChatMessage:
    return {"role": role, "content": _parts(text, pictures) if pictures else text}


def _parts(text: str, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    for picture in pictures:
        data = base64.b64encode(picture.data).decode("ascii")
        url = f"data:{picture.media_type};base64,{data}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def _shortened(chat: list[ChatMessage], most: int) -> list[ChatMessage]:
    """The oldest steps in short, until all of it fits; the first two messages say what it is about."""
    shorter = list(chat)
    for at in range(2, len(chat) - _KEPT):
        if estimate(shorter) <= most:
            break
        content = shorter[at].get("content") or ""
        if isinstance(content, list):
            content = "\n".join(part["text"] for part in content if "text" in part) or "[a picture]"
        shorter[at] = {**shorter[at], "content": beginning(content, _SHORT) or None}
    return shorter
