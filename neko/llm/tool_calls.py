"""Tool calls of a chat completion, put together from what providers stream.

Most send pieces: an index, then an id and a name, then the arguments in fragments. Others send whole
calls, without an index or an id, several under one index, with the arguments as an object, or in the
older form of one ``function_call``.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neko.types.model_session import Tool
from neko.well_formed import load_json, well_formed

logger = logging.getLogger(__name__)

MOST_CALLS = 128
"""Of one completion; what a model asks for beyond is left out, and this is told."""
_LEGACY = -1
_MARKS = re.compile(r"\\.|[\"{}\\]", re.DOTALL)
"""What tells where an object of JSON ends; an escape is one mark."""


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """A call as the model wrote it. ``id`` is "" when it gave none; ``arguments`` is its text, which should be JSON.

    ``extra`` holds further fields that the provider wants back with the call (thought signatures).
    """

    id: str
    name: str
    arguments: str
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def parsed_arguments(self) -> dict[str, Any]:
        """The arguments; no text means none. Raises ``ValueError`` unless they are a JSON object."""
        arguments = load_json(self.arguments) if self.arguments.strip() else {}
        if not isinstance(arguments, dict):
            raise ValueError("the arguments are no object")
        return arguments


@dataclass(slots=True)
class _Piece:
    """One call, growing."""

    index: object
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    _depth: int = 0
    """Braces that are open."""
    _objects: int = 0
    """How often the last open brace was closed."""
    _in_text: bool = False
    _is_escaped: bool = False
    """A fragment has ended with the backslash of an escape."""
    _may_end: bool = False
    """The last fragment that is no white space ends with a brace."""

    def add(self, arguments: str) -> None:
        """Take a fragment. Each is looked at once: to parse it all again would take the square of its length."""
        self.arguments.append(arguments)
        if end := arguments.rstrip()[-1:]:
            self._may_end = end == "}"
        if self._is_escaped:
            self._is_escaped = not arguments
            arguments = arguments[1:]
        for mark in _MARKS.findall(arguments):
            if mark == '"':
                self._in_text = not self._in_text
            elif mark == "\\":
                self._is_escaped = True
            elif mark == "{" and not self._in_text:
                self._depth += 1
            elif mark == "}" and not self._in_text:
                self._depth -= 1
                self._objects += not self._depth

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are one object, as far as braces tell."""
        return self._objects == 1 and not (self._depth or self._in_text) and self._may_end


class ToolCallAssembler:
    """Pieces in, whole calls out, in the order in which they began."""

    __slots__ = ("_by_id", "_latest", "_pieces", "has_left_out")

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._latest: dict[str, _Piece] = {}
        """By index, as text."""
        self._by_id: dict[str, _Piece] = {}
        self.has_left_out = False
        """There were more than ``MOST_CALLS``."""

    def __bool__(self) -> bool:
        """Whether there has been any call."""
        return bool(self._pieces)

    def feed(self, message: Mapping[str, Any]) -> None:
        """Take what a delta (or a whole message) says of calls; what is no object says nothing."""
        entries = message.get("tool_calls")
        legacy = message.get("function_call")
        if isinstance(legacy, Mapping):
            self._add({"index": _LEGACY, "function": legacy})
        for entry in entries if isinstance(entries, list) else (entries,):
            if isinstance(entry, Mapping):
                self._add(entry)

    def finish(self) -> tuple[RequestedCall, ...]:
        """The calls; what never got a name is none."""
        if self.has_left_out:
            logger.warning("a model asked for more than %d calls at once; the others are left out", MOST_CALLS)
        return tuple(
            RequestedCall(piece.id, well_formed(piece.name), well_formed("".join(piece.arguments)), piece.extra)
            for piece in self._pieces
            if piece.name
        )

    def _add(self, entry: Mapping[str, Any]) -> None:
        given = entry.get("function")
        function: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        name, call_id = str(function.get("name") or ""), str(entry.get("id") or "")
        piece = self._piece(entry.get("index"), call_id, name)
        if piece is None:
            return
        if not piece.id and call_id:
            piece.id = call_id
            self._by_id.setdefault(call_id, piece)
        piece.name = piece.name or name
        if entry.get("extra_content"):
            piece.extra["extra_content"] = entry["extra_content"]
        arguments = function.get("arguments")
        if arguments:
            piece.add(arguments if isinstance(arguments, str) else json.dumps(arguments))

    def _piece(self, index: object, call_id: str, name: str) -> _Piece | None:
        """The call that an entry goes on with, or a new one; None when there are too many."""
        last = self._pieces[-1] if self._pieces else None
        current = last if index is None else self._latest.get(str(index))
        if current is not None and not _begins_another(current, call_id, name):
            return current
        if same_id := self._by_id.get(call_id):
            return same_id
        if len(self._pieces) >= MOST_CALLS:
            self.has_left_out = True
            return None
        current = _Piece(index)
        self._pieces.append(current)
        self._latest[str(index)] = current
        return current


def _begins_another(current: _Piece, call_id: str, name: str) -> bool:
    """Whether an entry is a further call although its index, if it has one, is that of ``current``."""
    if call_id and current.id:
        return call_id != current.id
    if not name:
        return False
    return current.index is None or current.is_whole or (bool(current.name) and name != current.name)


def tool_schema(tool: Tool) -> dict[str, Any]:
    """A tool in the form of the chat completions API."""
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
    }


def call_message(text: str, calls: Sequence[RequestedCall], reasoning: str = "") -> dict[str, Any]:
    """The assistant's message that asked for ``calls`` (each with an id), as it is sent back."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text or None,
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _valid(call)},
                **call.extra,
            }
            for call in calls
        ],
    }
    if reasoning:
        message["reasoning_content"] = reasoning
    return message


def result_message(call_id: str, output: str) -> dict[str, Any]:
    """The result of one call, as the model reads it."""
    return {"role": "tool", "tool_call_id": call_id, "content": output}


def _valid(call: RequestedCall) -> str:
    """Arguments that servers accept: several parse them, so broken ones are sent back as an empty object."""
    try:
        return json.dumps(call.parsed_arguments(), ensure_ascii=False)
    except ValueError:
        return "{}"
