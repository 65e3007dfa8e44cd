"""What a chat model is sent: the system prompt and as much of the talk as the budget holds."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from neko.llm.chat_request import NO_WORDS, TOKENS_PER_MESSAGE, ChatMessage
from neko.llm.tokens import estimate_tokens
from neko.llm.tool_calls import RequestedCall, call_message, result_message

_NOTES_SHARE = 4
_RESULT_SHARE = 4
_LEAST_INSTRUCTIONS = 1200
"""Tokens: room for who she is, without what was said before."""
_FULL = 7 / 8
_FOR_A_TURN = 1_000
"""Tokens for what is known for one turn alone, and for the reply."""
_DROPPED_OUTPUT = "[left out to save room]"


@dataclass(slots=True)
class ToolStep:
    """Calls after the first ``end`` characters of a reply; ``outputs`` are their results, in the same order."""

    end: int
    calls: tuple[RequestedCall, ...]
    outputs: list[str]
    reasoning: str = ""

    @property
    def tokens(self) -> int:
        texts = [*(call.arguments for call in self.calls), *self.outputs, self.reasoning]
        return sum(estimate_tokens(text) + TOKENS_PER_MESSAGE for text in texts)


@dataclass(slots=True)
class _Entry:
    """A line of the talk; a reply may hold tool steps, which live and fall with it."""

    role: Literal["user", "assistant"]
    text: str
    reply_id: str = ""
    steps: list[ToolStep] = field(default_factory=list)
    tokens: int = 0

    def measure(self) -> int:
        """Count its tokens again; returns by how much they have grown."""
        before = self.tokens
        own = estimate_tokens(self.text) + TOKENS_PER_MESSAGE
        self.tokens = own + sum(step.tokens for step in self.steps)
        return self.tokens - before

    def messages(self, *, with_steps: bool) -> list[dict[str, Any]]:
        """The line as messages: each call directly before its result."""
        if not self.steps:
            return [{"role": self.role, "content": self.text}] if self.text else []
        messages: list[dict[str, Any]] = []
        at = 0
        for step in self.steps if with_steps else ():
            messages.append(call_message(self.text[at : step.end].lstrip(), step.calls, step.reasoning))
            messages += [result_message(call.id, output) for call, output in zip(step.calls, step.outputs, strict=True)]
            at = step.end
        rest = self.text[at:].lstrip() if at else self.text
        if rest:
            messages.append({"role": self.role, "content": rest})
        return messages


class History:
    """The talk of one session, oldest first, at most ``budget`` tokens of it.

    It is cut seldom and then to half of that, so that requests begin alike in between. ``on_cut`` is called with the
    last turn that is gone.
    """

    def __init__(self, budget: int, on_cut: Callable[[str], None] = lambda _: None) -> None:
        self._budget = self._most = budget
        self._on_cut = on_cut
        self._entries: deque[_Entry] = deque()
        self._tokens = 0
        self._notes: deque[str] = deque()
        self.instructions = ""

    def user(self, turn_id: str, text: str, images: int = 0, time: str = "") -> None:
        """Add what the user said, and when, in words. Pictures are remembered by their number only.

        The time stays before the text: requests begin alike, and the model knows how long ago it was.
        """
        if images:
            text = f"{text}\n[{images} picture{'s' if images > 1 else ''} shown]".lstrip()
        text = dated(time, text)
        self._add(_Entry("user", text, turn_id))

    def note(self, text: str) -> None:
        """Something to know from now on; the oldest notes go when they fill a quarter of the budget."""
        self._notes.append(text)
        while len(self._notes) > 1 and sum(map(estimate_tokens, self._notes)) > self._budget // _NOTES_SHARE:
            self._notes.popleft()

    def line(self, role: Literal["user", "assistant"], text: str) -> None:
        """Add a line that was said elsewhere."""
        self._add(_Entry(role, text))

    def reply(self, turn_id: str, text: str) -> None:
        """Set the text of a turn's reply, in place of an earlier version; "" without tool steps leaves none.

        Of a very long one the end is kept, so that there is room for what is said to it.
        """
        entry = self._reply(turn_id)
        if not (entry and entry.steps):
            text = _end_of(text, self._budget // 2)
        if entry is None and text:
            self._add(_Entry("assistant", text, turn_id))
        elif entry is not None and (text or entry.steps):
            entry.text = text
            self._grown(entry)
        elif entry is not None:
            self._entries.remove(entry)
            self._tokens -= entry.tokens

    def shorten(self, turn_id: str, text: str) -> None:
        """Set the text of a reply that has ended; an unknown one is ignored."""
        if self._reply(turn_id) is not None:
            self.reply(turn_id, text)

    def tool_step(self, turn_id: str, text: str, step: ToolStep) -> None:
        """Add calls and their results to the running reply, whose text so far is ``text``."""
        longest = self._budget // _RESULT_SHARE
        step.outputs = [_cut(output, longest) for output in step.outputs]
        entry = self._reply(turn_id)
        if entry is None:
            entry = _Entry("assistant", "", turn_id)
            self._entries.append(entry)
        entry.text = text
        entry.steps.append(step)
        self._grown(entry)
        for earlier in entry.steps[:-1]:
            if entry.tokens > self._budget // 2:
                earlier.outputs = [_DROPPED_OUTPUT for _ in earlier.outputs]
                self._grown(entry)

    def forget_last(self) -> None:
        """Drop the last exchange: the same question is about to be asked again."""
        for role in ("assistant", "user"):
            if self._entries and self._entries[-1].role == role:
                self._tokens -= self._entries.pop().tokens

    def request(
        self, context: str = "", *, ask: str = "", with_steps: bool = True, most_tokens: int | None = None
    ) -> list[ChatMessage]:
        """The messages for the next completion. ``ask`` is an instruction of ours in place of a user's line.

        Roles alternate and the user comes first (many chat templates insist): neighbours of one role are joined. The
        context, which is another each time, stands with what is to be answered: what comes before is the same from
        turn to turn, and servers that keep what they have read need not read it again. What does not fit into
        ``most_tokens`` is left out of this request: the oldest exchanges, then the oldest notes, the context, and at
        the end the last exchange; what is to be answered stays. Of instructions that are too long the beginning (who
        she is) and the end (what was said last before the session) are kept.
        """
        entries, notes = list(self._entries), list(self._notes)
        instructions = self.instructions
        if most_tokens is not None:
            room = most_tokens - estimate_tokens(ask)
            question = entries[-1].tokens if entries else 0
            talk_room = max(question, min(self._tokens, room // 2))
            instructions = _without_middle(instructions, max(room - talk_room, _LEAST_INSTRUCTIONS))
            entries, notes, context = self._fitting(context, room - estimate_tokens(instructions))
        system = "\n\n".join(part for part in (instructions, *notes) if part)
        messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        talk = [message for entry in entries for message in entry.messages(with_steps=with_steps)]
        if ask:
            talk.append({"role": "user", "content": ask})
        if talk and talk[0]["role"] != "user":
            talk.insert(0, {"role": "user", "content": NO_WORDS})
        last = ""
        for message in talk:
            role = message["role"]
            if role == last or last == "tool":
                _append(messages, message)
            else:
                messages.append(message)
            last = role
        _put_before_question(messages, context)
        return list(messages)

    def _reply(self, turn_id: str) -> _Entry | None:
        """The reply to a turn, if it is remembered."""
        entries = reversed(self._entries)
        return next((entry for entry in entries if entry.role == "assistant" and entry.reply_id == turn_id), None)

    def _add(self, entry: _Entry) -> None:
        self._entries.append(entry)
        self._grown(entry)

    def to_go(self) -> str:
        """When it is to be cut soon: the last turn that has to go then; "" when there is room."""
        tokens, last = self._tokens, ""
        if tokens > self._budget * _FULL:
            rest = list(self._entries)
            while tokens > self._budget // 2 and (count := _oldest_exchange(rest)):
                tokens -= sum(entry.tokens for entry in rest[:count])
                last = next((entry.reply_id for entry in reversed(rest[:count]) if entry.reply_id), last)
                rest = rest[count:]
        return last

    def fit(self, most_tokens: int) -> None:
        """The model takes no more than this: keep so much less that there is room for the instructions and a turn."""
        room = most_tokens - estimate_tokens(self.instructions) - _FOR_A_TURN
        self._budget = min(self._most, max(room, most_tokens // 3))

    def forget(self, covered: Collection[str]) -> None:
        """Drop the oldest exchanges, as far as they belong to these turns."""
        self._drop(lambda entries: all(not entry.reply_id or entry.reply_id in covered for entry in entries))

    def _grown(self, entry: _Entry) -> None:
        """Count an entry anew; beyond the budget the oldest exchanges are dropped, the last one never."""
        self._tokens += entry.measure()
        if self._tokens > self._budget:
            self._drop(lambda _: self._tokens > self._budget // 2)

    def _drop(self, may_go: Callable[[Sequence[_Entry]], bool]) -> None:
        last = ""
        while count := _oldest_exchange(self._entries):
            exchange = list(islice(self._entries, count))
            if not may_go(exchange):
                break
            for entry in exchange:
                self._tokens -= self._entries.popleft().tokens
                last = entry.reply_id or last
        if last:
            self._on_cut(last)

    def _fitting(self, context: str, room: int) -> tuple[list[_Entry], list[str], str]:
        """As much of the talk and of what else is known (the notes, the context) as this many tokens hold."""
        entries, known = list(self._entries), [*self._notes, context]
        tokens = self._tokens + sum(map(estimate_tokens, known))
        while tokens > room and (count := _oldest_exchange(entries)):
            if known and not _oldest_exchange(entries[count:]):
                tokens -= estimate_tokens(known.pop(0))
                continue
            tokens -= sum(entry.tokens for entry in entries[:count])
            entries = entries[count:]
        while tokens > room and known:
            tokens -= estimate_tokens(known.pop(0))
        return entries, known[:-1] if known else [], known[-1] if known else ""


def dated(time: str, text: str) -> str:
    """What the user says at a time, which is in words or ""."""
    return f"[{time}]\n{text}" if time else text


def _oldest_exchange(entries: Sequence[_Entry]) -> int:
    """How many entries come before the second line of the user; 0 when there is no such line."""
    users = (place for place, entry in enumerate(entries) if place and entry.role == "user")
    if second := next(users, 0):
        return second
    return 1 if len(entries) > 1 and entries[0].role == "assistant" else 0


def _append(messages: list[dict[str, Any]], message: dict[str, Any]) -> None:
    """Add to a request, joined to a neighbour of the same role; results are followed by the assistant."""
    last = messages[-1] if messages else {}
    if last.get("role") == "tool" and message["role"] == "user":
        messages.append({"role": "assistant", "content": NO_WORDS})
    if message["role"] == last.get("role") and message["role"] != "tool":
        last["content"] += "\n" + (message["content"] or "")
        last.update({key: value for key, value in message.items() if key not in ("role", "content")})
    else:
        messages.append(message)


def _put_before_question(messages: list[dict[str, Any]], context: str) -> None:
    """What is known for this turn alone, in brackets before the last words of the user."""
    if not context:
        return
    question = next((one for one in reversed(messages) if one["role"] == "user"), None)
    if question is None:
        messages.append({"role": "user", "content": f"[{context}]"})
    else:
        question["content"] = f"[{context}]\n\n{question['content']}"


def _cut(text: str, most_tokens: int) -> str:
    """``text``, or its beginning."""
    if estimate_tokens(text) <= most_tokens:
        return text
    return text[: max(1, len(text) * most_tokens // estimate_tokens(text))] + " … [cut]"


def _without_middle(text: str, most_tokens: int) -> str:
    """``text``, or as much of its beginning and its end."""
    tokens = estimate_tokens(text)
    if tokens <= most_tokens:
        return text
    half = max(1, len(text) * most_tokens // tokens // 2)
    return f"{text[:half]}\n[…]\n{text[-half:]}"


def _end_of(text: str, most_tokens: int) -> str:
    """``text``, or its end."""
    if estimate_tokens(text) <= most_tokens:
        return text
    return "[…] " + text[-max(1, len(text) * most_tokens // estimate_tokens(text)) :]


def picture_parts(images: Sequence[bytes]) -> list[dict[str, Any]]:
    """JPEG pictures as parts of a message (large ones take time: not on the loop thread)."""
    return [
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")}}
        for jpeg in images
    ]


def with_pictures(messages: Sequence[ChatMessage], pictures: Sequence[dict[str, Any]]) -> list[ChatMessage]:
    """``messages`` with pictures in the last one of the user."""
    at = max(place for place, message in enumerate(messages) if message["role"] == "user")
    content = [*pictures, {"type": "text", "text": messages[at]["content"]}]
    return [*messages[:at], {**messages[at], "content": content}, *messages[at + 1 :]]
