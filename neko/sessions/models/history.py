"""What a chat model is sent: the system prompt and as much of the talk as the budget holds."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

from neko.llm.chat_request import NO_WORDS, TOKENS_PER_MESSAGE, ChatMessage
from neko.llm.tokens import both_ends, estimate_tokens
from neko.llm.tool_calls import RequestedCall, call_message, result_message
from neko.types.memory import Gist, RecentEntry, no_gist

_NOTES_SHARE = 4
_RESULT_SHARE = 4
_LINE_SHARE = 4
"""Of a longer line of the user its beginning and end are kept, once it is answered."""
_REPLY_SHARE = 3
_REST_SHARE = 4
"""As much of the talk before a long exchange stays with it when the rest is cut."""
_QUESTION_BUDGETS = 2
"""A line that is to be answered is read to so many times the budget."""
_GIST_SHARE = 6
_LEAST_GIST = 80
"""Tokens that are worth a part of a narrow room."""
_MOST_GONE = 300
_GIST = 800
"""Characters that stand for what was cut."""
_LEAST_INSTRUCTIONS = 1200
"""Tokens: room for who she is, without what was said before."""
_LEAST_QUESTION = 200
_FULL = 7 / 8
_MOST = 5 / 4
"""Of the budget: until then what is too much stays for the turn or two in which a memo of it is made."""
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
    words: str = ""
    """What the user said, without what we say of it."""
    whole: str = ""
    """The text while it is to be answered, where it is too long to be kept."""

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
    """The talk of one session, oldest first, about ``budget`` tokens of it at most.

    It is cut seldom and then to half of that, so that requests begin alike in between: when ``forget`` tells that there
    is a memo of its oldest part (``to_go``), or at a quarter above the budget at any rate. ``on_cut`` is called with
    the last turn that is gone, and the gist of all that is, which stands in the requests until these turns are covered.
    One line is never all of it: of a long one the beginning and the end are kept.
    """

    def __init__(self, budget: int, on_cut: Callable[[str, str], None] = lambda _last, _gist: None) -> None:
        self._budget = self._most = budget
        self._on_cut = on_cut
        self._entries: deque[_Entry] = deque()
        self._tokens = 0
        self._notes: deque[str] = deque()
        self._gone: deque[_Entry] = deque(maxlen=_MOST_GONE)
        """What was cut and is not covered."""
        self._gist = ""
        self.instructions = ""
        self.gist: Gist = no_gist
        self.before = ""
        """What is said of the gist."""

    def user(self, turn_id: str, text: str, images: int = 0, time: str = "") -> None:
        """Add what the user said, and when, in words. Pictures are remembered by their number only.

        The time stays before the text: requests begin alike, and the model knows how long ago it was.
        """
        kept = both_ends(text, self._budget // _LINE_SHARE)
        seen = f"\n[{images} picture{'s' if images > 1 else ''} shown]" if images else ""
        whole = dated(time, both_ends(text, self._most * _QUESTION_BUDGETS) + seen) if kept != text else ""
        self._add(_Entry("user", dated(time, (kept + seen).lstrip()), turn_id, words=kept, whole=whole))

    def note(self, text: str) -> None:
        """Something to know from now on; the oldest notes go when they fill a quarter of the budget."""
        self._notes.append(text)
        while len(self._notes) > 1 and sum(map(estimate_tokens, self._notes)) > self._budget // _NOTES_SHARE:
            self._notes.popleft()

    def line(self, role: Literal["user", "assistant"], text: str) -> None:
        """Add a line that was said elsewhere."""
        if role == "assistant":
            self._add(_Entry(role, _end_of(text, self._budget // _REPLY_SHARE)))
        else:
            kept = both_ends(text, self._budget // _LINE_SHARE)
            self._add(_Entry(role, kept, words=kept))

    def reply(self, turn_id: str, text: str) -> None:
        """Set the text of a turn's reply, in place of an earlier version; "" without tool steps leaves none.

        Of a very long one the end is kept, so that there is room for what is said to it.
        """
        entry = self._reply(turn_id)
        if not (entry and entry.steps):
            text = _end_of(text, self._budget // _REPLY_SHARE)
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
        ``most_tokens`` is left out of this request: the oldest exchanges, of which the gist is told, then the oldest
        notes, the context, and at the end the last exchange; what is to be answered stays, its beginning and its end if
        it would take more than half of the room. Of instructions that are too long the beginning (who she is) and the
        end (what was said last before the session) are kept.
        """
        entries, notes, gist = list(self._entries), list(self._notes), self._gist
        instructions = self.instructions
        if not ask:
            _show_whole(entries)
        if most_tokens is not None:
            room = most_tokens - estimate_tokens(ask)
            _shorten_question(entries, max(room // 2, _LEAST_QUESTION))
            tokens = sum(entry.tokens for entry in entries)
            talk_room = max(entries[-1].tokens if entries else 0, min(tokens, room // 2))
            instructions = both_ends(instructions, max(room - talk_room, _LEAST_INSTRUCTIONS))
            room -= estimate_tokens(instructions)
            share = max(room // _GIST_SHARE, min(_LEAST_GIST, room // 2))
            every, (entries, notes, context) = entries, self._fitting(entries, context, room - estimate_tokens(gist))
            gone = every[: len(every) - len(entries)]
            if (gone or estimate_tokens(gist) > share) and self._gist_of(gone, share):
                entries, notes, context = self._fitting(every, context, room - share)
                gist = self._gist_of(every[: len(every) - len(entries)], share)
        before = f"{self.before}\n{gist}".lstrip() if gist else ""
        system = "\n\n".join(part for part in (instructions, before, *notes) if part)
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

    @property
    def is_over(self) -> bool:
        """Is there more of it than there should be?"""
        return self._tokens > self._budget

    def to_go(self) -> str:
        """When it is to be cut soon: the last turn that has to go then; "" when there is room."""
        tokens, last = self._tokens, ""
        if tokens > self._budget * _FULL:
            rest, most = list(self._entries), self._left_by_a_cut()
            while tokens > most and (count := _oldest_exchange(rest)):
                tokens -= sum(entry.tokens for entry in rest[:count])
                last = next((entry.reply_id for entry in reversed(rest[:count]) if entry.reply_id), last)
                rest = rest[count:]
        return last

    def fit(self, most_tokens: int) -> None:
        """The model takes no more than this: keep so much less that there is room for the instructions and a turn."""
        room = most_tokens - estimate_tokens(self.instructions) - _FOR_A_TURN
        self._budget = min(self._most, max(room, most_tokens // 3))

    def forget(self, covered: Collection[str]) -> None:
        """Drop the oldest exchanges, as far as they belong to these turns, and the gist if these are all it is of."""
        if any(entry.reply_id in covered for entry in self._gone):
            left = [entry for entry in self._gone if entry.reply_id not in covered]
            self._gone = deque(left if any(entry.reply_id for entry in left) else (), _MOST_GONE)
            self._gist = self._gist_of((), _GIST)
        self._drop(lambda entries: all(not entry.reply_id or entry.reply_id in covered for entry in entries))

    def _grown(self, entry: _Entry) -> None:
        """Count an entry anew; far beyond the budget the oldest exchanges are dropped, the last one never."""
        self._tokens += entry.measure()
        if self._tokens > self._budget * _MOST:
            most = self._left_by_a_cut()
            self._drop(lambda _: self._tokens > most, keeps_gist=True)

    def _left_by_a_cut(self) -> int:
        """Tokens: half of the budget, or the last exchange with some of what was said before it."""
        last = 0
        for entry in reversed(self._entries):
            last += entry.tokens
            if entry.role == "user":
                break
        return max(self._budget // 2, min(last + self._budget // _REST_SHARE, self._budget))

    def _gist_of(self, gone: Sequence[_Entry], most_tokens: int) -> str:
        """Of these and of all that is gone already."""
        said = [RecentEntry(entry.role, entry.words or entry.text) for entry in (*self._gone, *gone)]
        if not said:
            return ""
        text = self.gist(said, min(_GIST, 4 * most_tokens))
        return text if estimate_tokens(text) <= most_tokens else self.gist(said, most_tokens)

    def _drop(self, may_go: Callable[[Sequence[_Entry]], bool], *, keeps_gist: bool = False) -> None:
        last = ""
        gone: list[_Entry] = []
        while count := _oldest_exchange(self._entries):
            exchange = list(islice(self._entries, count))
            if not may_go(exchange):
                break
            for entry in exchange:
                self._tokens -= self._entries.popleft().tokens
                last = entry.reply_id or last
            gone += exchange
        if keeps_gist and gone:
            self._gone += gone
            self._gist = self._gist_of((), _GIST)
        if last:
            self._on_cut(last, self._gist)

    def _fitting(self, entries: list[_Entry], context: str, room: int) -> tuple[list[_Entry], list[str], str]:
        """As much of the talk and of what else is known (the notes, the context) as this many tokens hold."""
        known = [*self._notes, context]
        tokens = sum(entry.tokens for entry in entries) + sum(map(estimate_tokens, known))
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


def _show_whole(entries: list[_Entry]) -> None:
    """The line that is to be answered, as it was said."""
    at = _question(entries)
    if at is not None and (whole := entries[at].whole):
        entries[at] = _with_text(entries[at], whole)


def _shorten_question(entries: list[_Entry], most_tokens: int) -> None:
    at = _question(entries)
    if at is not None and (shorter := both_ends(entries[at].text, most_tokens)) != entries[at].text:
        entries[at] = _with_text(entries[at], shorter)


def _with_text(entry: _Entry, text: str) -> _Entry:
    other = replace(entry, text=text)
    other.measure()
    return other


def _question(entries: Sequence[_Entry]) -> int | None:
    """The place of the user's last line."""
    return next((at for at in range(len(entries) - 1, -1, -1) if entries[at].role == "user"), None)


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
