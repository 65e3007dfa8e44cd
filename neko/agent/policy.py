"""May this be done without asking? Pure rules; what comes from outside can only make them stricter."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from neko.types.agent import Act, Policy


class Verdict(Enum):
    DO = "do"
    ASK = "ask"
    REFUSE = "refuse"


RISKY: Final = frozenset({Act.DESTRUCTIVE, Act.EXFILTRATING})
"""Each of these is asked for, every time, whatever the user has allowed; only they can say that a tool is none."""


_STRICTNESS: Final = (Policy.ALLOW, Policy.ASK_ONCE, Policy.ASK, Policy.NEVER)


def act_of(*, read_only: bool | None, destructive: bool | None, open_world: bool | None) -> Act:
    """The act by a tool's own hints (MCP ``annotations``), whose defaults are the worst; None: it does not say.

    A tool that only reads, but from the whole world, sends its arguments there.
    """
    if read_only:
        return Act.READ if open_world is False else Act.EXFILTRATING
    if destructive is not False:
        return Act.DESTRUCTIVE
    return Act.WRITE if open_world is False else Act.EXFILTRATING


def in_force(words: Sequence[Policy | None], act: Act, default: Policy | None = None) -> Policy:
    """What holds for an act: the nearest of the user's words (first that on the tool, last that on the whole), else
    ``default``, else asking each time. ``NEVER`` is undone by no other word."""
    if Policy.NEVER in words:
        return Policy.NEVER
    if act in RISKY:
        return Policy.ASK
    return next((word for word in words if word is not None), default) or Policy.ASK


def stricter(policy: Policy, word: Policy | None) -> Policy:
    """Of what is in force and a further word of the user's."""
    return max(policy, word or policy, key=_STRICTNESS.index)


def verdict(policy: Policy, act: Act, *, asked_before: bool, after_outside: bool, in_scope: bool = False) -> Verdict:
    """``policy``: what is ``in_force``. ``asked_before``: the user has approved this tool since the start.
    ``after_outside``: in this turn or task the model has read something from outside, which may be what wants the act;
    the user is asked for all but reading. ``in_scope``: the user has approved such an act at this place for the very
    task, so that it is no more than what they want."""
    if policy is Policy.NEVER:
        return Verdict.REFUSE
    if act in RISKY or (after_outside and act is not Act.READ and not in_scope):
        return Verdict.ASK
    if policy is Policy.ALLOW or (policy is Policy.ASK_ONCE and (asked_before or in_scope)):
        return Verdict.DO
    return Verdict.ASK


def may_remember(act: Act) -> bool:
    """Can the user say "always" when they are asked for it?"""
    return act not in RISKY
