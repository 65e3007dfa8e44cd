"""How every hand behaves, whatever it acts with.

An implementation joins by a fixture ``case``; ``test_hands.py`` shows how.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from neko.tasks import TaskOwner
from neko.types.agent import Act
from neko.types.hands import Action, ActionError, Hand, Job, Workspace

SECONDS = 60.0
LET_GO_S = 2.0
OFFER_TOKENS = 2_000


@dataclass(slots=True)
class HandCase:
    """A hand that is ready, and actions of it: one that only reads, one that changes something, one that cannot be
    done, and one that takes long; ``busy`` waits until it is under way. ``effects`` counts what was changed."""

    hand: Hand
    reading: Action
    changing: Action
    impossible: Action
    lasting: Action
    effects: Callable[[], int]
    busy: Callable[[], Awaitable[object]]


def job(folder: Path, task_id: str = "t1") -> Job:
    place = folder / task_id
    place.mkdir(parents=True, exist_ok=True)
    return Job(task_id, "Mio", "do what the test says", place)


def nothing(_words: str) -> None: ...


async def opened(case: HandCase, folder: Path) -> Workspace:
    async with asyncio.timeout(SECONDS):
        return await case.hand.open(job(folder))


class HandBehaviour:
    """The suite."""

    async def test_it_says_without_waiting_whether_it_is_ready_and_what_it_offers(self, case: HandCase) -> None:
        assert case.hand.readiness("en").ready
        assert 0 < len(case.hand.offer("do what the test says")) < OFFER_TOKENS * 6

    async def test_its_tools_have_names_a_model_can_call_and_schemas_of_objects(
        self, case: HandCase, tmp_path: Path
    ) -> None:
        workspace = await opened(case, tmp_path)
        tools = workspace.tools()
        names = [tool.name for tool in tools]
        assert names
        assert len(set(names)) == len(names)
        assert not {"done", "give_up", "ask_user"} & set(names)
        for tool in tools:
            assert tool.name.replace("_", "").replace("-", "").isalnum()
            assert tool.name.isascii()
            assert len(tool.name) <= 64
            assert tool.parameters["type"] == "object"
            json.dumps(dict(tool.parameters))
        assert {case.reading.name, case.changing.name, case.lasting.name} <= set(names)
        await workspace.aclose()

    async def test_an_intent_changes_nothing_and_shows_exactly_what_would_be_done(
        self, case: HandCase, tmp_path: Path
    ) -> None:
        workspace = await opened(case, tmp_path)
        await workspace.look()
        before = case.effects()
        intent = await workspace.intend(case.changing)
        assert intent.act is not Act.READ
        assert intent.title
        assert intent.shown
        assert case.effects() == before
        assert (await workspace.intend(case.reading)).act is Act.READ
        await workspace.aclose()

    async def test_what_was_intended_is_done_once(self, case: HandCase, tmp_path: Path) -> None:
        workspace = await opened(case, tmp_path)
        await workspace.look()
        before = case.effects()
        await workspace.intend(case.changing)
        seen = await workspace.act(case.changing, nothing)
        assert not seen.failed, seen.text
        assert case.effects() == before + 1
        await workspace.aclose()

    async def test_an_action_that_cannot_be_done_says_why_to_the_model(self, case: HandCase, tmp_path: Path) -> None:
        workspace = await opened(case, tmp_path)
        await workspace.look()
        for action in (case.impossible, Action("no_such_tool", {})):
            with pytest.raises(ActionError) as caught:
                await workspace.intend(action)
            assert str(caught.value)
        await workspace.aclose()

    async def test_a_cancelled_action_runs_on_no_further_and_the_workspace_can_go_on(
        self, case: HandCase, tmp_path: Path
    ) -> None:
        workspace = await opened(case, tmp_path)
        await workspace.look()
        async with TaskOwner("test") as owner:
            acting = owner.spawn(workspace.act(case.lasting, nothing), name="act")
            async with asyncio.timeout(SECONDS):
                await case.busy()
            acting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await acting
        assert not (await workspace.act(case.reading, nothing)).failed
        await workspace.aclose()

    async def test_a_workspace_lets_go_in_time_twice_and_also_while_it_acts(
        self, case: HandCase, tmp_path: Path
    ) -> None:
        workspace = await opened(case, tmp_path)
        await workspace.look()
        async with TaskOwner("test") as owner:
            acting = owner.spawn(_ended(workspace, case.lasting), name="act")
            async with asyncio.timeout(SECONDS):
                await case.busy()
            acting.cancel()
            async with asyncio.timeout(LET_GO_S + 1):
                await workspace.aclose()
                await workspace.aclose()

    async def test_a_closed_workspace_does_nothing_more(self, case: HandCase, tmp_path: Path) -> None:
        workspace = await opened(case, tmp_path)
        await workspace.look()
        await workspace.aclose()
        before = case.effects()
        await _ended(workspace, case.changing)
        assert case.effects() == before

    async def test_a_hand_can_be_ended_and_begins_again_when_it_is_wanted(self, case: HandCase, tmp_path: Path) -> None:
        workspace = await opened(case, tmp_path)
        await workspace.aclose()
        async with asyncio.timeout(SECONDS):
            await case.hand.aclose()
            await case.hand.aclose()
        again = await opened(case, tmp_path)
        assert again.tools()
        await again.aclose()


async def _ended(workspace: Workspace, action: Action) -> None:
    """Act, whatever comes of it."""
    try:
        await workspace.act(action, nothing)
    except Exception:
        return
