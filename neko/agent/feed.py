"""Hands finished turns to whoever analyses them (bus topic ``analyze``): each that holds words of the user's, once.

Listens to the facts of the topic ``session`` only while somebody would analyse them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from neko.agent.messages import WINDOW, Trigger, Utterance, analyze_request
from neko.bus import Message, Subscription, Topic, WorkQueue

logger = logging.getLogger(__name__)

_MOST_CALLS: Final = 20
_LONGEST: Final = 8_000
"""Characters of an utterance."""


@dataclass(slots=True)
class _Talk:
    """What was said last to one character. ``fresh``: so often did the user say something since the last turn was over;
    ``called``: the functions that were called since; ``has_ended``: the session is over."""

    said: deque[Utterance] = field(default_factory=lambda: deque(maxlen=WINDOW))
    called: list[str] = field(default_factory=list)
    fresh: int = 0
    has_ended: bool = False


class TurnFeed:
    """``is_wanted``: the agent and one of its abilities are on. A turn never waits for any of this."""

    def __init__(self, session: Topic, analyze: WorkQueue, is_wanted: Callable[[], bool]) -> None:
        self._session = session
        self._analyze = analyze
        self._is_wanted = is_wanted
        self._talks: dict[str, _Talk] = {}
        self._subscription: Subscription | None = None

    def follow(self) -> None:
        """Listen while it is wanted; to be called when that may have changed."""
        if self._is_wanted() and self._subscription is None:
            only = ("line", "tool_call", "turn_end", "session_end")
            self._subscription = self._session.subscribe(self._on_fact, name="agent", only=only)
        elif not self._is_wanted():
            self.close()

    def close(self) -> None:
        """Listen no more, and forget what was said. Idempotent."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        self._talks.clear()

    async def _on_fact(self, fact: Message) -> None:
        character = str(fact["lanlan_name"])
        talk = self._talks.setdefault(character, _Talk())
        match fact["event_type"]:
            case "line":
                _hear(talk, fact)
            case "tool_call" if len(talk.called) < _MOST_CALLS:
                talk.called.append(f"{fact['name']} {fact['arguments']}".strip())
            case "session_end":
                talk.has_ended = talk.fresh > 0
            case "turn_end":
                await self._turn_over(character, talk, str(fact["turn_id"]))

    async def _turn_over(self, character: str, talk: _Talk, turn_id: str) -> None:
        fresh, called = talk.fresh, tuple(talk.called)
        trigger: Trigger = "session_end" if talk.has_ended else "turn_end"
        talk.fresh, talk.has_ended = 0, False
        talk.called.clear()
        if not fresh or not self._is_wanted():
            return
        said = tuple(talk.said)
        request = analyze_request(character, said, trigger=trigger, turn_id=turn_id, fresh=fresh, called=called)
        if not await self._analyze.request(request):
            logger.info("%s: nobody took a turn to analyse", character)


def _hear(talk: _Talk, line: Message) -> None:
    if line["role"] in ("user", "assistant"):
        talk.said.append(Utterance(role=line["role"], content=str(line["text"])[:_LONGEST]))
        talk.fresh += line["role"] == "user"
