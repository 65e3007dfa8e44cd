"""Answers to what is asked before something is done.

Which questions are open is told over the socket only: whoever answers has been asked, and nothing that can merely
fetch an address here can answer for the user.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from neko.types.agent import Decision, Reply
from neko.web.endpoint import Call, post
from neko.web.errors import HTTPError
from neko.web.schemas import Empty, Schema, Success


class QuestionPath(Schema):
    id: Annotated[str, Field(min_length=1, max_length=64)]


class ApprovalAnswer(Schema):
    """The first three answer an act, the others, with ``content``, a server that asks."""

    decision: Literal["once", "always", "deny", "accept", "decline", "cancel"]
    content: dict[str, Any] | None = None


@post(
    "/api/agent/approvals/{id}",
    path=QuestionPath,
    body=ApprovalAnswer,
    response=Success,
    summary="Answer a question that was asked over the socket",
    failures={404: "It is not asked, or not any more, or this is no answer to it."},
)
async def answer_approval(call: Call[ApprovalAnswer, Empty, QuestionPath]) -> Success:
    decision = call.body.decision
    answer: Decision | Reply
    match decision:
        case "accept" | "decline" | "cancel":
            answer = Reply(decision, call.body.content)
        case _:
            answer = Decision(decision)
    if not call.neko.approvals.answer(call.path.id, answer):
        raise HTTPError(404, "not_asked", "This is not asked, or not any more.")
    return Success()


ENDPOINTS = (answer_approval,)
