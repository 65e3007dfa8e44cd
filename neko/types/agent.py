"""The agent's seam to the rest: what an act is, what may be done without asking, and what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class Act(StrEnum):
    """What a call can do, at worst."""

    READ = "read"
    """It changes nothing, and nothing leaves this computer by it."""
    WRITE = "write"
    """It adds or changes something that is not lost by it."""
    DESTRUCTIVE = "destructive"
    """It may overwrite, delete or run something; whatever says nothing of itself is taken for this."""
    EXFILTRATING = "exfiltrating"
    """Its arguments may reach others."""


class Policy(StrEnum):
    """What the user wants to be asked."""

    ALLOW = "allow"
    ASK = "ask"
    ASK_ONCE = "ask_once"
    """The first time that it is wanted, until Neko is started again."""
    NEVER = "never"


class Holds(StrEnum):
    """What a yes is for."""

    ONCE = "once"
    """The very act that is asked for."""
    TASK = "task"
    """This act and lesser ones at this place, or with this tool, until the task is over."""
    RESTART = "restart"
    """This tool, until Neko is started again."""


class Extent(StrEnum):
    """What a yes may be for at most, as the hand knows it; a policy may make it less."""

    PLACE = "place"
    """This act and lesser ones at this place."""
    KEYS = "keys"
    """Keys there that only move about, select or copy; what could send something is asked each time."""
    MAY_SEND = "may_send"
    """This one act: what it hits cannot be known, and could send something. The user's rule for the whole hand can
    make it ``PLACE``."""
    UNKNOWN_PROGRAM = "unknown_program"
    """This one act, whatever the user's rules: in which program it happens is not known."""
    UNKNOWN_WINDOW = "unknown_window"
    """The same, and the window cannot be brought back to the front for it: the user has to do that."""

    @property
    def is_one_act(self) -> bool:
        return self not in (Extent.PLACE, Extent.KEYS)


class Decision(StrEnum):
    """What the user answered. No answer is a denial, too."""

    ONCE = "once"
    """Yes, for what the question says that it holds."""
    IN_WORDS = "in_words"
    """A yes that was spoken or typed: for the very act, whatever the question says."""
    ALWAYS = "always"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a file of this type holds it: "image/png", "image/jpeg"."""

    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class Approval:
    """An act that the user is asked for. ``arguments`` is the exact JSON of the call, with everything visible;
    ``server`` is the place: an MCP server, the host that a browser would act on, a plug-in."""

    character: str
    server: str
    tool: str
    title: str
    arguments: str
    act: Act
    may_remember: bool = False
    """The user may say "always"."""
    after_outside: bool = False
    """Words from outside came in before it, and may have asked for it."""
    by_others: bool = False
    """These are no more than what stands beside the user's words all the time, who does not name the tool."""
    hand: str = "mcp"
    task_id: str = ""
    picture: Picture | None = None
    """Where it would happen, with the spot marked."""
    against_rule: bool = False
    """The user allows it by a rule of theirs, which does not count for such an act, or after words from outside."""
    holds: Holds = Holds.ONCE
    extent: Extent = Extent.PLACE


@dataclass(frozen=True, slots=True)
class Reply:
    """The user's answer to an inquiry, in the protocol's words."""

    action: Literal["accept", "decline", "cancel"]
    content: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What a server wants to know of the user: a form, or with ``url`` a page that they shall open.

    ``schema``: the JSON schema of a flat object, as the protocol restricts it (MCP, elicitation).
    """

    character: str
    server: str
    message: str
    schema: Mapping[str, Any] = field(default_factory=dict, hash=False)
    url: str = ""
    task_id: str = ""
    """The task that asks, in place of a server."""
