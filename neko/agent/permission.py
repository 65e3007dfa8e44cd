"""May it be done? The one place where an act is allowed, asked for or refused, whatever does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from neko.agent.approvals import Approvals
from neko.agent.policy import Verdict, may_remember, verdict
from neko.types.agent import Act, Approval, Decision, Holds, Policy

_WEIGHT: Final = {Act.READ: 0, Act.WRITE: 1}


class Permit(StrEnum):
    """What came of the question, as the audit trail has it."""

    ALLOWED = "allowed"
    """By policy, unasked."""
    APPROVED = "approved"
    """The user was asked."""
    DENIED = "denied"
    EXPIRED = "expired"
    """The user did not answer in time."""
    WITHDRAWN = "withdrawn"
    """The question went with the reply that it was asked in: the user said something else."""
    REFUSED = "refused"
    """By policy, unasked."""

    @property
    def may_act(self) -> bool:
        return self in (Permit.ALLOWED, Permit.APPROVED)


REFUSALS: Final = {
    Permit.DENIED: "The user said no, so nothing was done. Do not try it again, or another way, unasked.",
    Permit.EXPIRED: "The user was asked and did not answer in time, so nothing was done. Do not try it again unasked.",
    Permit.REFUSED: "The user does not allow this tool.",
}
"""In words for the model."""


@dataclass(slots=True)
class Scope:
    """What the user has approved for one task: at which place, up to which act."""

    _approved: dict[Hashable, Act] = field(default_factory=dict)

    def covers(self, key: Hashable, act: Act) -> bool:
        """Never what may destroy or tell others: each of those is asked for by itself."""
        known = self._approved.get(key)
        return known is not None and act in _WEIGHT and _WEIGHT[act] <= _WEIGHT[known]

    def add(self, key: Hashable, act: Act) -> None:
        if act in _WEIGHT and not self.covers(key, act):
            self._approved[key] = act


@dataclass(frozen=True, slots=True)
class Wanted:
    """An act that somebody wants done. ``policy`` is what is in force for it; ``key`` says what a yes is for where it
    is for more than the one act: in a task (``scope``) and, where ``lasts``, until Neko is started again. ``keep``
    makes an "always" last. ``function``: the name by which a model calls the tool, where it has another one there.
    """

    approval: Approval
    policy: Policy
    key: Hashable
    keep: Callable[[], Awaitable[None]]
    lasts: bool = True
    scope: Scope | None = None
    function: str = ""

    @property
    def holds(self) -> Holds:
        """What a yes to it is for."""
        act = self.approval.act
        if self.policy is Policy.ASK or act not in _WEIGHT:
            return Holds.ONCE
        if self.policy is Policy.ASK_ONCE and self.lasts and not (self.approval.after_outside and act is Act.WRITE):
            return Holds.RESTART
        return Holds.TASK if self.scope is not None else Holds.ONCE


@dataclass(frozen=True, slots=True)
class _Tool:
    """What a yes was for that lasts."""

    hand: str
    place: str
    names: frozenset[str]


class Permission:
    """One for all characters. A yes is for the one act, unless the policy says that one question is enough."""

    def __init__(self, approvals: Approvals) -> None:
        self._approvals = approvals
        self._approved: dict[Hashable, _Tool] = {}

    def unasked(self, wanted: Wanted) -> Permit | None:
        """By policy alone; None when the user has to be asked."""
        act = wanted.approval.act
        word = verdict(
            wanted.policy,
            act,
            asked_before=wanted.lasts and wanted.key in self._approved,
            after_outside=wanted.approval.after_outside,
            in_scope=wanted.scope is not None and wanted.scope.covers(wanted.key, act),
        )
        return {Verdict.DO: Permit.ALLOWED, Verdict.REFUSE: Permit.REFUSED}.get(word)

    async def ask(self, wanted: Wanted) -> Permit:
        """Ask the user, for the act as it is shown; they are told what a yes is for. One in words is for it alone."""
        act, holds = wanted.approval.act, wanted.holds
        decision = await self._approvals.ask(replace(wanted.approval, holds=holds))
        if decision is None:
            return Permit.EXPIRED
        if decision is Decision.DENY:
            return Permit.DENIED
        if decision is Decision.IN_WORDS:
            return Permit.APPROVED
        if holds is Holds.RESTART:
            known = wanted.approval
            self._approved[wanted.key] = _Tool(known.hand, known.server, frozenset((known.tool, wanted.function)))
        if holds is not Holds.ONCE and wanted.scope is not None:
            wanted.scope.add(wanted.key, act)
        if decision is Decision.ALWAYS and may_remember(act):
            await wanted.keep()
        return Permit.APPROVED

    def forget(self, hand: str, place: str | None = None, tool: str | None = None) -> None:
        """The user says otherwise of a hand, or a place or a tool of it, than before: what they approved of that holds
        no longer. What holds for a task is over with the task."""
        self._approved = {
            key: one
            for key, one in self._approved.items()
            if one.hand != hand or place not in (None, one.place) or (tool is not None and tool not in one.names)
        }

    async def of(self, wanted: Wanted) -> Permit:
        """By policy, else by the user's word."""
        return self.unasked(wanted) or await self.ask(wanted)
