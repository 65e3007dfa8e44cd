"""What keeps a task from going on for ever: actions, time, tokens, failures one after the other, going in circles."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from neko.tool_errors import AgentError
from neko.types.hands import HandName

_SECONDS: Final[Mapping[HandName, float]] = {
    "mcp": 300.0,
    "browser_use": 300.0,
    "computer_use": 600.0,
    "user_plugin": 300.0,
}
_REMEMBERED: Final = 12
_WARNED_AT: Final = 3
AGAIN: Final = "(You have done exactly this several times, with the same result. Do something else, or give up.)"


@dataclass(frozen=True, slots=True)
class Limits:
    """``actions`` and ``tokens`` of a whole task, ``seconds`` of acting and thinking with each hand; ``failures`` one
    after the other, ``rounds`` with the same action and the same result."""

    actions: int = 50
    tokens: int = 400_000
    failures: int = 5
    rounds: int = 5
    seconds: Mapping[HandName, float] = field(default_factory=lambda: dict(_SECONDS), hash=False)


class Bounds:
    """Counts for one task. Everything here raises ``AgentError`` when a limit is reached."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._actions = 0
        self._tokens = 0
        self._spent: dict[HandName, float] = {}
        self._failures = 0
        self._rounds: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)

    def left_s(self, hand: HandName) -> float:
        """Seconds that are left to this hand."""
        limit = self._limits.seconds[hand]
        left = limit - self._spent.get(hand, 0.0)
        if left <= 0:
            raise AgentError("time_over", "the time is up", seconds=round(limit))
        return left

    def spend(self, hand: HandName, seconds: float) -> None:
        self._spent[hand] = self._spent.get(hand, 0.0) + seconds

    def think(self, tokens: int) -> None:
        """A thought took so many tokens."""
        self._tokens += tokens
        if self._tokens > self._limits.tokens:
            raise AgentError("too_many_tokens", "the tokens are spent", number=self._limits.tokens)

    def act(self) -> None:
        """Before an action."""
        if self._actions >= self._limits.actions:
            raise AgentError("too_many_actions", "the actions are spent", number=self._limits.actions)
        self._actions += 1

    def came_of(self, action: str, result: str, *, failed: bool) -> str:
        """After an action: a warning for the model, or ""."""
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= self._limits.failures:
            raise AgentError("failing", "one failure after the other", said=result[:300], number=self._failures)
        self._rounds.append((action, result))
        same = self._rounds.count((action, result))
        if same >= self._limits.rounds:
            raise AgentError("going_round", "the same again and again", number=same)
        return AGAIN if same >= _WARNED_AT else ""
