"""What the user is asked before it is done, and what a server asks the user.

Every question is answered once at most, is about exactly what it shows, and is over after its time. No answer, a page
that is gone, too many questions: all of them mean no.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from neko.types.agent import Approval, Decision, Inquiry, Picture, Reply

APPROVAL_S: Final = 25.0
INQUIRY_S: Final = 180.0
"""Somebody has to read a form and fill it in."""
MOST_PENDING: Final = 4
"""Of one character; what would be asked beyond counts as denied."""
LONGEST_ARGUMENTS: Final = 20_000
"""Characters; nobody reads more before they allow it."""
LARGEST_PICTURE: Final = 600_000
"""Bytes; a larger one is not shown."""

Publish = Callable[[Mapping[str, Any]], object]


@dataclass(frozen=True, slots=True)
class _Pending:
    character: str
    shown: Mapping[str, Any]
    answered: asyncio.Future[Any]
    ends: float
    is_relayed: bool = False


class Approvals:
    """``publish`` takes messages for the bus topic ``agent``: ``neko_approval``, ``neko_inquiry``, and for each of
    them a ``neko_approval_over``."""

    def __init__(self, publish: Publish, *, approval_s: float = APPROVAL_S, inquiry_s: float = INQUIRY_S) -> None:
        self._publish = publish
        self._approval_s = approval_s
        self._inquiry_s = inquiry_s
        self._pending: dict[str, _Pending] = {}

    async def ask(self, approval: Approval) -> Decision | None:
        """The user's decision on this act; None when there was none in time. "Always" counts as once where it is not
        offered."""
        if len(approval.arguments) > LONGEST_ARGUMENTS:
            return None
        shown = {
            "kind": "approval",
            "server": approval.server,
            "tool": approval.tool,
            "title": approval.title,
            "arguments": approval.arguments,
            "act": approval.act.value,
            "may_remember": approval.may_remember,
            "after_outside": approval.after_outside,
            "by_others": approval.by_others,
            "against_rule": approval.against_rule,
            "holds": approval.holds.value,
            "extent": approval.extent.value,
            "hand": approval.hand,
            "task_id": approval.task_id,
            "picture": _address(approval.picture),
        }
        answer = await self._ask(approval.character, "neko_approval", shown, self._approval_s)
        if answer is Decision.ALWAYS and not approval.may_remember:
            return Decision.ONCE
        return answer if isinstance(answer, Decision) else None

    async def inquire(self, inquiry: Inquiry) -> Reply:
        """What the user tells a server that asks; no answer in time is ``cancel``."""
        shown = {
            "kind": "inquiry",
            "server": inquiry.server,
            "message": inquiry.message,
            "schema": dict(inquiry.schema),
            "url": inquiry.url,
            "task_id": inquiry.task_id,
        }
        answer = await self._ask(inquiry.character, "neko_inquiry", shown, self._inquiry_s)
        return answer if isinstance(answer, Reply) else Reply("cancel")

    def relay(self, character: str, shown: Mapping[str, Any], forward: Callable[[Decision | Reply], object]) -> bool:
        """A question asked elsewhere: the first answer in its time goes to ``forward``. ``shown``: as ``pending``
        gives it. False when it cannot be asked here."""
        question_id, seconds = shown.get("id"), shown.get("seconds_left")
        if not isinstance(question_id, str) or question_id in self._pending or not isinstance(seconds, int | float):
            return False
        if sum(one.character == character for one in self._pending.values()) >= MOST_PENDING:
            return False
        loop, seconds = asyncio.get_running_loop(), min(max(seconds, 0.0), self._inquiry_s)
        one = _Pending(character, shown, loop.create_future(), loop.time() + seconds, is_relayed=True)
        self._pending[question_id] = one
        ending = loop.call_later(seconds, self.withdraw, question_id)

        def answered(future: asyncio.Future[Any]) -> None:
            ending.cancel()
            self._pending.pop(question_id, None)
            if not future.cancelled():
                forward(future.result())

        one.answered.add_done_callback(answered)
        return True

    def withdraw(self, question_id: str) -> None:
        """One that was relayed is over."""
        pending = self._pending.get(question_id)
        if pending is not None and pending.is_relayed:
            pending.answered.cancel()

    def answer(self, question_id: str, answer: Decision | Reply) -> bool:
        """Take the user's answer; False when this is not asked (any more), or is no answer to it."""
        pending = self._pending.get(question_id)
        wanted = Decision if pending and pending.shown["kind"] == "approval" else Reply
        if pending is None or pending.answered.done() or not isinstance(answer, wanted):
            return False
        pending.answered.set_result(answer)
        return True

    def pending(self, character: str | None = None) -> list[dict[str, Any]]:
        """The questions that are open, oldest first, as a page shows them, each with the seconds that are left."""
        now = asyncio.get_running_loop().time()
        return [
            {**one.shown, "seconds_left": max(0.0, round(one.ends - now, 1))}
            for one in self._pending.values()
            if character in (None, one.character) and not one.answered.done()
        ]

    async def _ask(self, character: str, event_type: str, shown: Mapping[str, Any], timeout_s: float) -> object:
        if sum(one.character == character for one in self._pending.values()) >= MOST_PENDING:
            return None
        loop = asyncio.get_running_loop()
        question_id, outcome = uuid4().hex, "withdrawn"
        shown = {"id": question_id, "character": character, "seconds": timeout_s, "seconds_left": timeout_s, **shown}
        one = _Pending(character, shown, loop.create_future(), loop.time() + timeout_s)
        self._pending[question_id] = one
        try:
            message = {"event_type": event_type, "lanlan_name": character, "question": shown}
            if self._publish(message) is False:
                return None
            async with asyncio.timeout(timeout_s):
                answer = await one.answered
            outcome = answer.value if isinstance(answer, Decision) else answer.action
        except TimeoutError:
            outcome = "expired"
            return None
        else:
            return answer
        finally:
            del self._pending[question_id]
            over = {"event_type": "neko_approval_over", "lanlan_name": character}
            self._publish({**over, "id": question_id, "outcome": outcome})


def _address(picture: Picture | None) -> str:
    """A picture as an address that carries it; "" for none."""
    if picture is None or len(picture.data) > LARGEST_PICTURE:
        return ""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"
