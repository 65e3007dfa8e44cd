"""May this be done without asking? Pure rules; what comes from outside can only make them stricter."""

from __future__ import annotations

from enum import Enum
from typing import Final

from neko.types.agent import Act, Policy


class Verdict(Enum):
    DO = "do"
    ASK = "ask"
    REFUSE = "refuse"


RISKY: Final = frozenset({Act.DESTRUCTIVE, Act.EXFILTRATING})


def act_of(*, read_only: bool | None, destructive: bool | None, open_world: bool | None) -> Act:
    """The act by a tool's own hints (MCP ``annotations``), whose defaults are the worst; None: it does not say.

    A tool that only reads, but from the whole world, sends its arguments there.
    """
    if open_world is not False and read_only:
        return Act.EXFILTRATING
    if read_only:
        return Act.READ
    if destructive is not False:
        return Act.DESTRUCTIVE
    return Act.WRITE if open_world is False else Act.EXFILTRATING


def by_default(act: Act) -> Policy:
    """What holds where the user has said nothing: nothing is ever done unasked."""
    return Policy.ASK_ONCE if act is Act.READ else Policy.ASK


def in_force(tool: Policy | None, server: Policy | None, act: Act) -> Policy:
    """The user's word on the tool counts before that on its server.

    A server that may do everything may do so with tools that say that they harm nothing; the user did not mean
    those that can, and that the server may bring later.
    """
    if Policy.NEVER in (tool, server):
        return Policy.NEVER
    if tool is not None:
        return tool
    if server is None or (server is not Policy.ASK and act in RISKY):
        return by_default(act)
    return server


def verdict(policy: Policy, act: Act, *, asked_before: bool, after_outside: bool) -> Verdict:
    """``asked_before``: the user has approved this tool since the start. ``after_outside``: in this turn the model has
    read something from outside, which may be what wants the act; the user is asked again for what can do harm."""
    if policy is Policy.NEVER:
        return Verdict.REFUSE
    if after_outside and act in RISKY:
        return Verdict.ASK
    if policy is Policy.ALLOW or (policy is Policy.ASK_ONCE and asked_before):
        return Verdict.DO
    return Verdict.ASK
