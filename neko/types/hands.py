"""The seam between a task and what it acts with: MCP servers, a browser, the computer, plug-ins.

A ``Hand`` is one such ability; a ``Workspace`` is what one task holds of it while it runs. The task loop asks a
workspace what an action would do (``intend``), has it permitted, and only then has it done (``act``). So policy,
approval, audit, pause and cancellation stand in one place, whatever the hand. The suite of both is
``tests/seams/hand.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from neko.types.agent import Act, Extent
from neko.types.agent import Picture as Picture
from neko.types.model_session import Tool

HandName = Literal["mcp", "browser_use", "computer_use", "user_plugin"]
"""The channels of N.E.K.O., in the order in which it prefers them (``contract/agent.md`` §3)."""


@dataclass(frozen=True, slots=True)
class Action:
    """What the model wants done: one of the workspace's tools, with arguments as it wrote them, unchecked."""

    name: str
    arguments: Mapping[str, Any] = field(hash=False)


class ActionError(Exception):
    """An action that cannot be understood or done as it stands. Its text is ours, and tells the model how it can;
    ``said`` is what others say of it, which the loop marks as from outside."""

    def __init__(self, text: str, said: str = "") -> None:
        super().__init__(text)
        self.said = said


@dataclass(frozen=True, slots=True)
class Intent:
    """What an action would do, before it is done.

    ``act``: at worst. ``place``: what the user's policy is looked up by: an MCP server, the host that a browser would
    act on, a plug-in's id, a program on the computer; "" where it is not known. ``title``: in a few English words, as
    in "click “Buy now”". ``shown``: the exact arguments as the user reads them. ``picture``: where it would happen,
    with the spot marked. ``version``: of the tool as it is described now, where others may describe it otherwise: an
    approval is for this one only. ``tool``: its own name, where the function that the model calls has another.
    ``extent``: what a yes may be for at most.
    ``by_others``: it may be what others want, whose descriptions the model reads along with that of this tool, and the
    user's words do not name it.
    """

    act: Act
    place: str
    title: str
    shown: str
    picture: Picture | None = None
    version: str = ""
    tool: str = ""
    extent: Extent = Extent.PLACE
    by_others: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of an action. ``text`` is from outside: the loop marks it before a model reads it. ``picture`` is for
    a model that sees, ``thumbnail`` for the user's card; ``files``: what was downloaded or written for the user.
    """

    text: str
    failed: bool = False
    picture: Picture | None = None
    thumbnail: Picture | None = None
    files: Sequence[Path] = ()


Progress = Callable[[str], None]
"""Takes what is being done now, in a few words, for the task's card."""


async def _no_answer(_question: str) -> str | None:
    return None


def _nobody(_words: str) -> None: ...


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Job:
    """What a workspace is opened for. ``folder`` is the task's own and exists; ``words`` is what the user asked for;
    ``hand_over`` shows the user a question ("Please sign in, then say that you are done") and waits: what they
    answered, None when they did not. ``interrupt`` pauses the task, because the user took over (moved the mouse or
    pressed the stop key): called on the loop, with a sentence for the user; it takes effect before the next action.
    ``asking``: held while the user is asked something in another way; the card says so, and the time of the act stands.
    ``waits_for``: told what has to come before it can begin, by name, and "" once that is here; the card says so.
    ``heard_outside``: in this task the model has by now read something from outside by another hand, which may be what
    it sends along by this one.
    """

    task_id: str
    character: str
    words: str
    folder: Path
    hand_over: Callable[[str], Awaitable[str | None]] = _no_answer
    interrupt: Callable[[str], None] = _nobody
    asking: Callable[[], AbstractContextManager[None]] = nullcontext
    heard_outside: Callable[[], bool] = _always
    waits_for: Callable[[str], None] = _nobody


class Workspace(Protocol):
    """What one task acts with. One action at a time; each of them may be cancelled, and then nothing of it runs on
    (no key stays pressed, no request is sent later)."""

    @property
    def instructions(self) -> str:
        """How to work with it, for the model; our words, in English."""
        ...

    def tools(self) -> Sequence[Tool]:
        """What can be done now; asked again before every step."""
        ...

    async def look(self) -> Observation | None:
        """What there is to see before the first action, if anything."""
        ...

    async def intend(self, action: Action) -> Intent:
        """Check an action, and tell what it would do; raises ``ActionError``. Changes nothing."""
        ...

    async def act(self, action: Action, progress: Progress) -> Observation:
        """Do it. Whatever fails is an observation or an ``ActionError``, if the model may try on; a ``NekoError`` ends
        the task and is told to the user. Also when it was not intended before: checks again what it must not do."""
        ...

    async def aclose(self) -> None:
        """Let everything go, within two seconds; idempotent."""
        ...


@runtime_checkable
class ReadsText(Protocol):
    """A workspace whose models may write what they want done as text."""

    def read(self, text: str) -> Action | None:
        """The action in a model's words, one of the tools or the task's own ``done`` or ``give_up``; None when there
        is none in them. Raises ``ActionError`` for one that is written wrongly."""
        ...

    def meant(self, action: Action) -> Action:
        """What a call means: the task's own ``done`` or ``give_up`` for one by another name that its models know."""
        ...


@runtime_checkable
class HasMore(Protocol):
    """A workspace with more tools than it may tell of at once."""

    def find(self, words: str) -> tuple[Sequence[str], Sequence[str]]:
        """The names of those that fit the words, which ``tools`` has from now on; and the names of all."""
        ...

    def has(self, function: str) -> bool:
        """Is there one of this name, told of or not?"""
        ...


@runtime_checkable
class MayLack(Protocol):
    """A hand of which parts come and go: servers."""

    def lacking(self) -> str:
        """What of it should be there and is not, for the model that plans; our words, "" when nothing. It is asked
        while the hand is on, ready or not: what is wanted of it then is waited for, or fails with the reason."""
        ...


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a hand could be used, and if not why: ``reason`` is a sentence for the user with the remedy, in the
    language asked for; ``code`` the same for programs."""

    ready: bool
    code: str = ""
    reason: str = ""


class Hand(Protocol):
    """An ability. Nothing heavy is imported and nothing is started before the first ``open`` (or ``probe``)."""

    name: HandName
    exclusive: bool
    """There is one of it in the world (a mouse): only one task uses it at a time, whoever it is for."""

    def readiness(self, language: str) -> Readiness:
        """What is known now; never waits for anything, and imports nothing heavy."""
        ...

    async def probe(self) -> None:
        """Find out anew, within five seconds; ``readiness`` tells."""
        ...

    def offer(self, words: str) -> str:
        """What could be done with it, for the model that plans: our words and at most 2,000 tokens. What servers and
        plug-ins say of themselves in it is marked as theirs. "" when there is nothing."""
        ...

    async def open(self, job: Job) -> Workspace:
        """Begin; raises ``NekoError`` for the user."""
        ...

    async def aclose(self) -> None:
        """End everything that was started, within five seconds; idempotent."""
        ...


# ── the model that plans and acts ───────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Said:
    """One message to the model. ``role`` "tool" answers the call of that id."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    pictures: Sequence[Picture] = ()
    calls: Sequence[ThoughtCall] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class ThoughtCall:
    call_id: str
    action: Action


@dataclass(frozen=True, slots=True)
class Thought:
    """A model's answer: words, and what it wants done. ``tokens``: what question and answer took, as far as known."""

    text: str
    calls: Sequence[ThoughtCall] = ()
    tokens: int = 0


class Thinker(Protocol):
    """The agent's model. With tools a model that takes none is asked for JSON instead, and answers alike."""

    @property
    def sees(self) -> bool:
        """It takes pictures, as far as is known."""
        ...

    async def think(
        self, messages: Sequence[Said], tools: Sequence[Tool] = (), *, must_call: bool = False, timeout_s: float = 45.0
    ) -> Thought:
        """Raises ``NekoError``: there is no model, it fails for good, or the time is up. Transient faults are retried
        within the time. Where it ``must_call`` and does not, it is asked once more; then its words are the answer."""
        ...
