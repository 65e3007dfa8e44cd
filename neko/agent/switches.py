"""Which abilities the user has switched on. Everything is off until they do.

An ability can be switched on while there is a model for the agent (the gate) and it can be used; otherwise it stays
off, and a notification says why, to be read once. What each could do is found out in the background.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, cast

from neko import i18n
from neko.agent.agent_file import AgentFile
from neko.agent.messages import Flags, Gate
from neko.errors import NekoError
from neko.language import LANGUAGES
from neko.tasks import TaskOwner
from neko.types.hands import Hand, HandName, Readiness

logger = logging.getLogger(__name__)

FLAG_OF: Final[dict[HandName, str]] = {
    "mcp": "mcp_enabled",
    "computer_use": "computer_use_enabled",
    "browser_use": "browser_use_enabled",
    "user_plugin": "user_plugin_enabled",
}
HAND_OF: Final[dict[str, HandName]] = {flag: hand for hand, flag in FLAG_OF.items()}
PROBE_S: Final = 6.0
"""Longer than a hand may take."""
FRESH_S: Final = 30.0
"""Seconds for which what was found out is not asked again."""

_RUNS_CODE: Final[frozenset[HandName]] = frozenset({"mcp"})
"""Whether this can be used is found out by starting what somebody else wrote; of plug-ins that are off only what stands
beside them is read."""

Sentences = Mapping[str, str]
"""A sentence in each language."""


async def _nothing() -> None:
    return None


class Switches:
    """``gate`` gives the codes of what keeps the agent from thinking; ``hands`` are the abilities that there are.
    ``on_change``: something is otherwise than it was told; ``on_off``: the agent was switched off, and shall end what
    it does."""

    def __init__(
        self,
        file: AgentFile | None = None,
        gate: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.hands: Mapping[HandName, Hand] = {}
        self.on_change: Callable[[], object] = lambda: None
        self.on_off: Callable[[], Awaitable[object]] = _nothing
        self._file = file
        stored = file.table("flags") if file else {}
        self.master = file is not None and file.is_on("enabled")
        """It is over all of them."""
        self.flags = Flags(
            mcp_enabled=stored.get("mcp_enabled") is True,
            computer_use_enabled=stored.get("computer_use_enabled") is True,
            browser_use_enabled=stored.get("browser_use_enabled") is True,
            user_plugin_enabled=stored.get("user_plugin_enabled") is True,
        )
        self._stored = self.master, self.flags
        self._gate = gate
        self._notification: Sentences | None = None
        self._looked: dict[HandName, float] = {}
        self._known: dict[HandName, Readiness] = {}
        self._changing = asyncio.Lock()
        self._owner = TaskOwner("switches")

    # ── how it stands ─────────────────────────────────────────────────────────

    def allows(self, hand: HandName) -> bool:
        """The user has switched this one on."""
        return self.master and dict(self.flags)[FLAG_OF[hand]] is True

    def gate(self, language: str) -> Gate:
        """Is there a model that the agent could think with, and if not, why."""
        reasons = [_sentence(code, language) for code in self._gate()]
        return Gate(ready=not reasons, reasons=reasons)

    def closed_by(self) -> Sequence[str]:
        """The codes of the gate's reasons; none when it is open."""
        return self._gate()

    def readiness(self, hand: HandName, language: str) -> Readiness:
        """Whether a hand could be used, as far as is known now, and if not why."""
        if found := self.hands.get(hand):
            return found.readiness(language)
        return Readiness(ready=False, code="agent_hand_absent", reason=_sentence("agent_hand_absent", language))

    def notification(self, language: str) -> str | None:
        """Why the last switch stayed off; told once."""
        told, self._notification = self._notification, None
        return told[language] if told else None

    # ── changes, by the user ──────────────────────────────────────────────────

    async def set_master(self, on: bool, *, keep_flags: bool = False) -> None:
        """Switched off it takes all abilities with it, unless they are kept, and ends every task. Raises
        ``ConfigError`` when the disk refuses; what goes off is off all the same, until the next start."""
        try:
            async with self._changing:
                await self._keep(on, self._with({}, keep=on or keep_flags))
        finally:
            if not on:
                await self.on_off()
            self.on_change()
        if on:
            self.look()

    async def set_flags(self, wanted: Mapping[str, bool], language: str) -> str | None:
        """Switch abilities on and off, by their flags; the sentence for the one that stays off, if any does.

        When there is no model for the agent, all of them go off. Raises ``ConfigError`` when the disk refuses; those
        that go off are off all the same, until the next start.
        """
        refused = await self._refusals([HAND_OF[flag] for flag, on in wanted.items() if on])
        async with self._changing:
            is_closed = None in refused
            allowed = {flag: on and HAND_OF[flag] not in refused for flag, on in wanted.items()}
            try:
                await self._keep(self.master, self._with({} if is_closed else allowed, keep=not is_closed))
            except NekoError:
                self.on_change()
                raise
        if refused:
            self._notification = {tag: " ".join(sentences[tag] for sentences in refused.values()) for tag in LANGUAGES}
        self.on_change()
        return self._notification[language] if refused and self._notification else None

    def look(self, *hands: HandName) -> None:
        """Find out in the background whether these could be used, or all; not while the agent is off, not when that was
        found out just now, and not by running what the user has not switched on."""
        now = time.monotonic()
        for hand in hands or tuple(self.hands):
            may_be_tried = self.allows(hand) or hand not in _RUNS_CODE
            is_old = now - self._looked.get(hand, -FRESH_S) >= FRESH_S
            if self.master and hand in self.hands and may_be_tried and is_old and not self._owner.closed:
                self._looked[hand] = now
                self._owner.spawn(self._found_out(hand), name=f"probe {hand}")

    def noticed(self) -> None:
        """A hand may be otherwise than it was; that it is, is told while the agent is on."""
        known = {name: hand.readiness("en") for name, hand in self.hands.items()}
        if known != self._known:
            self._known = known
            if self.master:
                self.on_change()

    async def aclose(self) -> None:
        await self._owner.aclose()

    # ──────────────────────────────────────────────────────────────────────────

    def _with(self, changes: Mapping[str, bool], *, keep: bool) -> Flags:
        flags = {flag: changes.get(flag, keep and on is True) for flag, on in self.flags.items()}
        return cast(Flags, flags)

    async def _keep(self, master: bool, flags: Flags) -> None:
        """They are so from now on, and after the next start. What goes off waits for no disk."""
        self.master, self.flags = (
            self.master and master,
            self._with({flag: False for flag in flags if not dict(flags)[flag]}, keep=True),
        )
        if self._file is not None and (master, flags) != self._stored:
            await self._file.change({"enabled": master, "flags": flags})
            self._stored = master, flags
        self.master, self.flags = master, flags

    async def _refusals(self, hands: Sequence[HandName]) -> dict[HandName | None, Sentences]:
        """Which of them cannot be switched on, and why; None is the gate, which is for all of them."""
        if hands and (codes := self._gate()):
            return {None: {tag: " ".join(_sentence(code, tag) for code in codes) for tag in LANGUAGES}}
        refused: dict[HandName | None, Sentences] = {}
        for hand in hands:
            is_untried = hand in _RUNS_CODE and self.master and not self.allows(hand)
            if is_untried or not self.readiness(hand, "en").ready:
                await self._probe(hand)
            if not self.readiness(hand, "en").ready:
                refused[hand] = {tag: self.readiness(hand, tag).reason for tag in LANGUAGES}
        return refused

    async def _found_out(self, hand: HandName) -> None:
        if not self._known:
            self._known = {name: one.readiness("en") for name, one in self.hands.items()}
        await self._probe(hand)
        self.noticed()

    async def _probe(self, name: HandName) -> None:
        hand = self.hands.get(name)
        if hand is None:
            return
        self._looked[name] = time.monotonic()
        try:
            async with asyncio.timeout(PROBE_S):
                await hand.probe()
        except Exception as error:  # a library below a hand may raise what it likes
            logger.warning("whether %s can be used was not found out: %s", name, type(error).__name__)


def _sentence(code: str, language: str) -> str:
    notice = i18n.notice(code, language)
    return f"{notice.text} {notice.remedy}".strip()
