"""A question about an act is answered once, by what it asks for, in its time; anything else means no."""

from __future__ import annotations

import asyncio
from typing import Any

from neko.agent.approvals import LONGEST_ARGUMENTS, MOST_PENDING, Approvals
from neko.tasks import TaskOwner
from neko.types.agent import Act, Approval, Decision, Inquiry, Reply


def approval(character: str = "Mio", arguments: str = "{}") -> Approval:
    return Approval(character, "files", "write", "", arguments, Act.WRITE)


class Page:
    """What a page is told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def publish(self, message: Any) -> bool:
        self.told.put_nowait(dict(message))
        return True

    async def question(self) -> dict[str, Any]:
        told = await self.told.get()
        assert told["event_type"] in ("neko_approval", "neko_inquiry")
        question: dict[str, Any] = told["question"]
        return question


async def test_the_first_answer_counts_and_a_second_one_is_no_answer() -> None:
    page = Page()
    approvals = Approvals(page.publish)
    async with TaskOwner("test") as owner:
        asking = owner.spawn(approvals.ask(approval()), name="ask")
        question = await page.question()
        assert approvals.answer(question["id"], Decision.DENY)
        assert not approvals.answer(question["id"], Decision.ALWAYS)
        assert await asking is Decision.DENY
        assert not approvals.answer(question["id"], Decision.ONCE)
        assert (await page.told.get())["outcome"] == "deny"


async def test_an_act_is_not_approved_by_a_reply_to_a_server_nor_the_other_way_round() -> None:
    page = Page()
    approvals = Approvals(page.publish)
    async with TaskOwner("test") as owner:
        acting = owner.spawn(approvals.ask(approval()), name="ask")
        act = await page.question()
        asking = owner.spawn(approvals.inquire(Inquiry("Mio", "files", "Your name?")), name="inquire")
        inquiry = await page.question()
        assert not approvals.answer(act["id"], Reply("accept", {}))
        assert not approvals.answer(inquiry["id"], Decision.ALWAYS)
        assert approvals.answer(inquiry["id"], Reply("decline"))
        assert await asking == Reply("decline")
        assert [one["id"] for one in approvals.pending("Mio")] == [act["id"]]
        assert approvals.pending("Rin") == []
        acting.cancel()


async def test_no_answer_in_time_is_none_and_the_page_is_told_that_it_is_over() -> None:
    page = Page()
    approvals = Approvals(page.publish, approval_s=0.01)
    assert await approvals.ask(approval()) is None
    question = await page.question()
    over = await page.told.get()
    assert (over["event_type"], over["id"], over["outcome"]) == ("neko_approval_over", question["id"], "expired")
    assert not approvals.answer(question["id"], Decision.ONCE)


async def test_what_nobody_can_be_shown_is_not_approved() -> None:
    page = Page()
    approvals = Approvals(page.publish)
    assert await approvals.ask(approval(arguments="x" * (LONGEST_ARGUMENTS + 1))) is None
    assert page.told.empty()
    assert await Approvals(lambda message: False).ask(approval()) is None
    async with TaskOwner("test") as owner:
        for _ in range(MOST_PENDING):
            owner.spawn(approvals.ask(approval()), name="ask")
            await page.question()
        assert await approvals.ask(approval()) is None
        other = owner.spawn(approvals.ask(approval("Rin")), name="ask")
        question = await page.question()
        assert approvals.answer(question["id"], Decision.ONCE)
        assert await other is Decision.ONCE


async def test_a_question_that_nobody_waits_for_any_more_is_withdrawn() -> None:
    page = Page()
    approvals = Approvals(page.publish)
    async with TaskOwner("test") as owner:
        asking = owner.spawn(approvals.ask(approval()), name="ask")
        question = await page.question()
        asking.cancel()
        assert (await page.told.get())["outcome"] == "withdrawn"
        assert not approvals.answer(question["id"], Decision.ONCE)
