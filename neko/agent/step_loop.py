"""One step of a task: look, think, and each action by way of intent, permission and audit to what is observed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

from neko.agent import outside
from neko.agent import tasks as rules
from neko.agent.audit import Audit, Deed, Outcome, begun
from neko.agent.bounds import Bounds
from neko.agent.mcp import relevance
from neko.agent.own_keys import KEPT_BACK, OwnKeys
from neko.agent.permission import REFUSALS, Permission, Permit, Scope, Wanted
from neko.agent.policies import Policies, is_broad
from neko.agent.policy import may_remember, stricter
from neko.agent.step_talk import StepTalk
from neko.agent.task_list import ActiveTask
from neko.agent.workspaces import Bounded, Stopwatch
from neko.tool_errors import AgentError
from neko.types.agent import Act, Approval, Extent, Policy
from neko.types.hands import (
    Action,
    ActionError,
    HandName,
    HasMore,
    Intent,
    Observation,
    ReadsText,
    Thinker,
    Thought,
    ThoughtCall,
    Workspace,
)
from neko.types.model_session import Tool
from neko.types.plan import PlanStep

T = TypeVar("T")

_THINK_S: Final = 45.0
_NEAR: Final = 4.0
"""A model in this network may take so many times as long."""
_THOUGHT_COUNTS_S: Final = 10.0
"""At most, of the time that a hand has: a slow model shall not cost the task its end."""
_LOOK_S: Final = 45.0
_INTEND_S: Final = 30.0
_ACT_S: Final = 150.0
MOST_CALLS: Final = 5
"""Of one thought; the others are not done."""
_IDLE_THOUGHTS: Final = 3
"""Thoughts without an action, one after the other."""
_LONGEST_DETAIL: Final = 500
_SAID_TOKENS: Final = 200
_HELD: Final = "Not done: the user paused this before. Look again first."


def _tool(name: str, description: str, argument: str) -> Tool:
    properties = {argument: {"type": "string"}}
    return Tool(name, description, {"type": "object", "properties": properties, "required": [argument]})


OWN_TOOLS: Final = (
    _tool("done", "The step is done. Tell the user what they want to know.", "answer"),
    _tool("give_up", "The step cannot be done. Say why.", "reason"),
    _tool("ask_user", "Ask the user something that only they know or can do, and wait for their answer.", "question"),
)
_OWN: Final = {tool.name: next(iter(tool.parameters["properties"])) for tool in OWN_TOOLS}


@dataclass(slots=True)
class Conduct:
    """What holds for a task as a whole. ``outside``: something from outside has been read in it."""

    active: ActiveTask
    thinker: Thinker
    permission: Permission
    policies: Policies
    audit: Audit
    bounds: Bounds
    bounded: Bounded
    watch: Stopwatch
    ask_user: Callable[[str], Awaitable[str | None]]
    folder: Path
    scope: Scope
    is_on: Callable[[HandName], bool] = lambda hand: True
    outside: bool = False
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    """What the user did not allow and was not done afterwards either: its words, by these and the arguments."""
    own_keys: OwnKeys = field(default_factory=OwnKeys)

    def need(self, hand: HandName) -> None:
        """Raises ``AgentError`` when the user has switched it off meanwhile."""
        if not self.is_on(hand):
            raise AgentError("hand_off", f"{hand} was switched off")


@dataclass(frozen=True, slots=True)
class StepResult:
    """``answer``: what the model says of it; ``seen``: the last observations, marked."""

    answer: str
    seen: Sequence[str]


class StepLoop:
    """``before``: what came of earlier steps, marked."""

    def __init__(self, conduct: Conduct, step: PlanStep, workspace: Workspace, before: Sequence[str]) -> None:
        self._conduct = conduct
        self._hand: HandName = step.hand
        self._workspace = workspace
        self._source = f"the {step.hand} ability"
        words = conduct.active.task.instruction
        self._talk = StepTalk(workspace.instructions, words, step.instruction, step.done_when, before)
        self._resumes = conduct.active.resumes
        self._idle = 0
        if isinstance(workspace, HasMore):
            workspace.find(step.instruction)

    async def run(self) -> StepResult:
        """To its end; raises the ``NekoError`` that ended it otherwise."""
        await self._look()
        while True:
            await self._go_on()
            thought = await self._think()
            answer = await self._follow(thought)
            if answer is not None:
                return StepResult(answer, self._talk.seen())

    # ── looking and thinking ──────────────────────────────────────────────────

    async def _look(self, note: str = "") -> None:
        seen = await self._timed(self._workspace.look(), _LOOK_S, "looking")
        if seen is not None:
            seen = self._took_in(seen)
            self._talk.add_seen(self._source, seen, note=note)
        elif note:
            self._talk.add_note(note)

    async def _go_on(self) -> None:
        """Stand still as long as the user wants it; then look again."""
        while await self._was_held():
            self._resumes = self._conduct.active.resumes
            await self._look("The user paused this and let it go on. What you saw before may have changed.")

    async def _was_held(self) -> bool:
        """Stand still as long as the user wants it: then what was thought before no longer counts."""
        await self._conduct.active.checkpoint()
        return self._resumes != self._conduct.active.resumes

    async def _think(self) -> Thought:
        conduct = self._conduct
        messages = self._talk.messages()
        if not conduct.thinker.sees:
            messages = [replace(said, pictures=()) for said in messages]
        left, began = min(_THINK_S, conduct.bounds.left_s(self._hand)), conduct.watch.read()
        thinking = conduct.thinker.think(
            messages, (*self._workspace.tools(), *OWN_TOOLS), must_call=True, timeout_s=left
        )
        thought = await conduct.bounded(thinking, left * _NEAR + 5.0, "thinking")
        conduct.bounds.spend(self._hand, min(conduct.watch.read() - began, _THOUGHT_COUNTS_S))
        conduct.bounds.think(thought.tokens)
        thought, fault = self._read(thought)
        self._talk.add_thought(thought)
        if fault:
            self._talk.add_note(fault)
        return thought

    def _read(self, thought: Thought) -> tuple[Thought, str]:
        """With the action that it wrote as text, where the hand reads such; else what is wrong with it."""
        workspace = self._workspace
        if not isinstance(workspace, ReadsText):
            return thought, ""
        if thought.calls:
            return replace(
                thought, calls=[replace(one, action=workspace.meant(one.action)) for one in thought.calls]
            ), ""
        try:
            action = workspace.read(thought.text)
        except ActionError as error:
            return thought, str(error)
        return (replace(thought, calls=(ThoughtCall(f"read-{uuid4().hex}", action),)) if action else thought), ""

    async def _timed(self, work: Coroutine[Any, Any, T], timeout_s: float, what: str) -> T:
        began = self._conduct.watch.read()
        try:
            return await self._conduct.bounded(work, min(timeout_s, self._conduct.bounds.left_s(self._hand)), what)
        finally:
            self._conduct.bounds.spend(self._hand, self._conduct.watch.read() - began)

    # ── doing what was thought ────────────────────────────────────────────────

    async def _follow(self, thought: Thought) -> str | None:
        """Do what the model wants, until something of it fails; the answer once it says that the step is done."""
        if not thought.calls:
            self._idle += 1
            if self._idle >= _IDLE_THOUGHTS:
                raise AgentError("gave_up", "words in place of actions", said=thought.text[:_LONGEST_DETAIL])
            self._talk.add_note("Call one of your tools. When the step is done, call `done`.")
            return None
        self._idle, goes_on = 0, True
        for number, call in enumerate(thought.calls):
            if not goes_on or number >= MOST_CALLS or self._resumes != self._conduct.active.resumes:
                self._talk.add_answer(call, "Not done: look first at what came of the one before.")
            elif call.action.name in _OWN:
                answer = await self._own(call)
                if answer is not None:
                    return answer
            elif call.action.name == relevance.FIND.name and isinstance(self._workspace, HasMore):
                self._conduct.bounds.act()
                found = self._workspace.find(str(call.action.arguments.get("what", "")))
                self._talk.add_answer(call, relevance.answer(*found))
            else:
                goes_on = await self._act(call)
                await self._conduct.active.checkpoint()
        return None

    async def _own(self, call: ThoughtCall) -> str | None:
        """One of the loop's own tools: the answer when it is ``done``."""
        name = call.action.name
        text = str(call.action.arguments.get(_OWN[name], "")).strip()
        if name == "done":
            return text or "Done."
        if name == "give_up":
            raise AgentError("gave_up", "the model gave up", said=text[:_LONGEST_DETAIL])
        self._conduct.bounds.act()
        reply = await self._conduct.ask_user(text or "What shall I do?")
        if reply is None:
            self._talk.add_answer(call, "The user did not answer.")
        else:
            self._talk.add_answer(call, f"The user answers: {reply}" if reply else "The user says that it is done.")
        return None

    async def _act(self, call: ThoughtCall) -> bool:
        """One action, from intent to observation; false when the ones after it should not be done."""
        conduct, action = self._conduct, call.action
        if await self._was_held():
            self._talk.add_answer(call, _HELD)
            return False
        conduct.bounds.act()
        if not self._has(action.name):
            return self._impossible(call, f"There is no tool {action.name[:60]} now.")
        if conduct.own_keys.are_in(action.arguments) and not conduct.own_keys.are_in(conduct.active.task.instruction):
            return self._impossible(call, KEPT_BACK)
        try:
            intent: Intent = await self._timed(self._workspace.intend(action), _INTEND_S, f"preparing {action.name}")
        except ActionError as error:
            return self._impossible(call, self._why(error))
        permit = await self._permit(action, intent)
        row = await begun(conduct.audit, self._deed(action, intent, permit))
        if not permit.may_act:
            conduct.refused[intent.title, intent.shown] = intent.title
            return self._impossible(call, REFUSALS[permit])
        return await self._perform(call, intent, row)

    def _has(self, name: str) -> bool:
        workspace = self._workspace
        return (
            workspace.has(name) if isinstance(workspace, HasMore) else name in {tool.name for tool in workspace.tools()}
        )

    async def _perform(self, call: ThoughtCall, intent: Intent, row: int) -> bool:
        conduct, action = self._conduct, call.action
        outcome: Outcome = "cancelled"
        detail = ""
        try:
            if await self._was_held():
                self._talk.add_answer(call, _HELD)
                return False
            conduct.need(self._hand)
            conduct.active.change(lambda task: rules.acting(task, intent.title))
            acting = self._workspace.act(action, self._progress)
            seen: Observation = self._took_in(await self._timed(acting, _ACT_S, f"doing {action.name}"))
            outcome, detail = ("failed" if seen.failed else "done"), seen.text[:_LONGEST_DETAIL]
        except ActionError as error:
            outcome, detail = "failed", str(error)
            return self._impossible(call, self._why(error))
        except Exception as error:
            outcome, detail = "failed", str(error)
            raise
        finally:
            conduct.audit.finish(row, outcome, detail)
        if not seen.failed:
            conduct.refused.pop((intent.title, intent.shown), None)
        note = conduct.bounds.came_of(_written(action), f"{seen.failed}{seen.text}", failed=seen.failed)
        self._talk.add_result(call, self._source, seen, note=note)
        return not seen.failed

    def _why(self, error: ActionError) -> str:
        if not error.said:
            return str(error)
        self._conduct.outside = True
        return f"{error}\n{outside.marked(self._source, self._conduct.own_keys.without(error.said), _SAID_TOKENS)}"

    def _impossible(self, call: ThoughtCall, why: str) -> bool:
        note = self._conduct.bounds.came_of(_written(call.action), why, failed=True)
        self._talk.add_answer(call, f"{why}\n{note}".strip())
        return False

    async def _permit(self, action: Action, intent: Intent) -> Permit:
        conduct, task = self._conduct, self._conduct.active.task
        hand, place, after_outside = self._hand, intent.place, conduct.outside or intent.by_others

        extent = intent.extent
        if extent in (Extent.KEYS, Extent.MAY_SEND) and conduct.policies.on_hand(hand) is Policy.ALLOW:
            extent = Extent.PLACE

        async def keep() -> None:
            await conduct.policies.allow(hand, place, action.name, intent.version)

        approval = Approval(
            task.character,
            place,
            intent.tool or action.name,
            intent.title,
            intent.shown,
            intent.act,
            # after words from outside it would be heeded for nothing else
            may_remember(intent.act) and (intent.act is Act.READ or not after_outside) and not extent.is_one_act,
            after_outside,
            after_outside and not conduct.outside,
            hand=hand,
            task_id=task.id,
            picture=intent.picture,
            against_rule=conduct.policies.allowed(hand, place, action.name, intent.version),
            extent=extent,
        )
        policy = conduct.policies.of(hand, place, action.name, intent.act, intent.version)
        if extent.is_one_act:
            policy = stricter(policy, Policy.ASK)
        key = (hand, place) if is_broad(hand) else (hand, place, action.name, intent.version)
        lasts = not is_broad(hand)
        wanted = Wanted(approval, policy, key, keep, lasts=lasts, scope=conduct.scope, function=action.name)
        permit = conduct.permission.unasked(wanted)
        if permit is not None:
            return permit
        conduct.active.change(lambda task: rules.waiting(rules.acting(task, intent.title), "approval"))
        try:
            with conduct.watch.standing():
                return await conduct.permission.ask(wanted)
        finally:
            conduct.active.change(lambda task: rules.waiting(task, ""))

    def _deed(self, action: Action, intent: Intent, permit: Permit) -> Deed:
        task = self._conduct.active.task
        return Deed(
            datetime.now(UTC),
            task.id,
            task.character,
            self._hand,
            intent.place,
            intent.tool or action.name,
            intent.title,
            intent.act,
            intent.shown,
            permit,
            intent.picture,
        )

    def _progress(self, words: str) -> None:
        self._conduct.active.change(lambda task: rules.acting(task, words))

    def _took_in(self, seen: Observation) -> Observation:
        """Show what was seen on the task's card, and remember that it is from outside; as the model may know it."""
        conduct = self._conduct
        conduct.outside = conduct.outside or bool(seen.text or seen.picture)
        if picture := seen.thumbnail or seen.picture:
            conduct.active.show(picture)
        names = [path.name for path in seen.files if path.parent == conduct.folder]
        if names:
            conduct.active.change(lambda task: rules.with_files(task, names))
        return replace(seen, text=conduct.own_keys.without(seen.text))


def _written(action: Action) -> str:
    return f"{action.name} {json.dumps(dict(action.arguments), sort_keys=True, default=str)}"
