"""What a chat model is sent: the system prompt and as much of the talk as the budget holds."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from neko.llm.completion import ChatMessage
from neko.llm.tokens import estimate_tokens

_TOKENS_PER_MESSAGE = 4


@dataclass(slots=True)
class _Said:
    role: Literal["user", "assistant"]
    text: str
    reply_id: str
    tokens: int


class History:
    """The talk of one session, oldest first, cut to ``budget`` tokens; the system prompt is never cut."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._said: deque[_Said] = deque()
        self._tokens = 0
        self.instructions = ""

    def user(self, turn_id: str, text: str, images: int = 0) -> None:
        """Note what the user said. Pictures are remembered by their number only."""
        if images:
            text = f"{text}\n[{images} picture{'s' if images > 1 else ''} shown]".lstrip()
        self._add(_Said("user", text, turn_id, estimate_tokens(text) + _TOKENS_PER_MESSAGE))

    def reply(self, turn_id: str, text: str) -> None:
        """Note the reply of a turn, in place of an earlier version of it; "" leaves none."""
        if self._said and self._said[-1].role == "assistant" and self._said[-1].reply_id == turn_id:
            self._tokens -= self._said.pop().tokens
        if text:
            self._add(_Said("assistant", text, turn_id, estimate_tokens(text) + _TOKENS_PER_MESSAGE))

    def forget_last(self) -> None:
        """Drop the last exchange: the same question is about to be asked again."""
        if self._said and self._said[-1].role == "assistant":
            self._tokens -= self._said.pop().tokens
        if self._said and self._said[-1].role == "user":
            self._tokens -= self._said.pop().tokens

    def request(self, context: str = "") -> list[ChatMessage]:
        """The messages for the turn noted last, with its context.

        Roles alternate (many chat templates insist): user lines that got no reply are joined.
        """
        system = "\n\n".join(part for part in (self.instructions, context) if part)
        messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        for said in self._said:
            if messages and messages[-1]["role"] == said.role:
                messages[-1]["content"] += "\n" + said.text
            else:
                messages.append({"role": said.role, "content": said.text})
        return list(messages)

    def _add(self, said: _Said) -> None:
        self._said.append(said)
        self._tokens += said.tokens
        while len(self._said) > 1 and (self._tokens > self._budget or self._said[0].role == "assistant"):
            self._tokens -= self._said.popleft().tokens


def with_pictures(messages: Sequence[ChatMessage], images: Sequence[bytes]) -> list[ChatMessage]:
    """``messages`` with JPEG pictures in the last one (large ones take time: not on the loop thread)."""
    *earlier, last = messages
    content = [*map(_picture, images), {"type": "text", "text": last["content"]}]
    return [*earlier, {**last, "content": content}]


def _picture(jpeg: bytes) -> dict[str, Any]:
    url = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
    return {"type": "image_url", "image_url": {"url": url}}
