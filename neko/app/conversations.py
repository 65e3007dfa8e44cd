"""The conversations: one ``SessionManager`` per character, made when first asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from neko.characters import CharacterCards
from neko.errors import InputError
from neko.sessions.actions import SendText
from neko.sessions.agent_events import to_event
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import (
    CharacterSwitched,
    Event,
    ReplyText,
    SpeechEnded,
    StateChanged,
    TurnAbandoned,
    TurnEnd,
    UserActivity,
)
from neko.sessions.manager import SessionManager, TextOutcome
from neko.sessions.outbox import GOING_AWAY, Outbox
from neko.tasks import TaskOwner, together
from neko.well_formed import well_formed

logger = logging.getLogger(__name__)

NORMAL_CLOSURE = 1000


class Conversations:
    """``neko.conversations``. ``clients`` and ``sockets`` are the outboxes and writer tasks of connected pages."""

    def __init__(self, cards: CharacterCards, dependencies: Callable[[str], SessionDependencies]) -> None:
        self._cards = cards
        self._dependencies = dependencies
        self._managers: dict[str, SessionManager] = {}
        self.clients: set[Outbox] = set()
        self.sockets = TaskOwner("sockets")
        self._closed = False

    @property
    def opened(self) -> Mapping[str, SessionManager]:
        """The conversations that were asked for so far, by character."""
        return MappingProxyType(self._managers)

    def get(self, character: str) -> SessionManager | None:
        """The conversation of a configured character, made when first asked for."""
        if self._closed or character not in self._cards.names:
            return None
        manager = self._managers.get(character)
        if manager is None:
            manager = self._managers[character] = SessionManager(character, self._dependencies(character))
        return manager

    def fallback_character(self) -> str | None:
        """The character offered to a client that asks for an unknown one: the first configured."""
        return next(iter(self._cards.names), None)

    async def chat(self, character: str, text: str, *, speech: bool = False) -> AsyncIterator[Event]:
        """Say something and follow the reply: events up to ``TurnEnd`` (with ``speech``: to the end of its sound).

        Works beside a connected page, which sees the same turn. Raises ``InputError`` for an
        unknown character and for blank text. What goes wrong comes as a ``Status`` event, and the
        events end all the same: with ``TurnAbandoned`` when the model was not asked, or with the
        ``Status`` when the text was refused.
        """
        manager = self.get(character)
        if manager is None:
            raise InputError(f"no character is called {character}", name=character)
        outbox = Outbox(wants_audio=speech)
        with manager.tap(outbox):
            receipt = manager.say(SendText(well_formed(text), uuid4().hex))
            if receipt.outcome is TextOutcome.BLANK:
                raise InputError("there is nothing to say in a blank text")
            if receipt.outcome is not TextOutcome.ACCEPTED:
                outbox.close(NORMAL_CLOSURE, receipt.outcome.value)
            turn = _FollowedTurn(receipt.turn_id, speech=speech)
            while (event := await outbox.get()) is not None:
                yield event
                if turn.is_over(event):
                    return

    # ── telling clients ───────────────────────────────────────────────────────

    async def forget(self, character: str, ids: Sequence[int]) -> None:
        """Delete lines for good (``LogEdits.delete_lines``)."""
        if manager := self.get(character):
            await manager.edits.delete_lines(ids)

    def tell_those_who_know(self, character: str) -> None:
        """What was said to this character is no longer what it was: the models of others that may have been told of it
        begin anew."""
        for other, manager in self._managers.items():
            if character in self._cards.also_knows(other):
                manager.begin_anew()

    def stop_everything(self, character: str | None = None) -> None:
        """Stop speech, replies and tasks of one character, or of all, at once. Reminders stay."""
        for name, manager in self._managers.items():
            if character in (None, name):
                manager.stop_everything()

    def broadcast(self, event: Event) -> None:
        """Tell the clients of every character."""
        for manager in self._managers.values():
            manager.emit(event)

    def follow_voices(self) -> None:
        """The settings or the cards may have changed: whoever is to sound otherwise does, from the next sentence on."""
        for manager in self._managers.values():
            manager.follow_voice()

    async def on_agent_event(self, report: Mapping[str, Any]) -> None:
        """Pass a message of the bus topic ``agent`` to the pages that it concerns, and to whom it is about."""
        event = to_event(report)
        name = str(report.get("lanlan_name"))
        has_news = report.get("event_type") in ("task_result", "proactive_message")
        manager = self.get(name) if has_news else self._managers.get(name)
        if manager and event:
            manager.emit(event)
        if manager:
            manager.hear_agent(report)
        elif event and report.get("event_type") == "agent_status_update":
            self.broadcast(event)

    # ── closing ───────────────────────────────────────────────────────────────

    async def close(self, character: str, successor: str) -> None:
        """End the conversation of a character that is gone; its clients are sent to ``successor`` and closed."""
        manager = self._managers.pop(character, None)
        if manager is None:
            return
        manager.emit(CharacterSwitched(successor, character))
        manager.close_clients(NORMAL_CLOSURE, "character gone")
        await manager.aclose()

    async def close_clients(self, reason: str) -> None:
        """Close every page's socket politely; returns when all have been told."""
        for outbox in self.clients:
            outbox.close(GOING_AWAY, reason)
        if writers := self.sockets.tasks:
            await asyncio.wait(writers)

    async def aclose(self) -> None:
        """End every conversation, side by side; a failure of one does not keep another up. Idempotent."""
        self._closed = True
        managers, self._managers = self._managers, {}
        await together(*map(_stopped, managers.values()))


async def _stopped(manager: SessionManager) -> None:
    try:
        await manager.aclose()
    except Exception:
        logger.exception("%s: the conversation did not stop cleanly", manager.character)


class _FollowedTurn:
    """Tells which event is the last of a turn: its end, and with ``speech`` also that of its sound."""

    def __init__(self, turn_id: str, *, speech: bool) -> None:
        self._turn_id = turn_id
        self._speech = speech
        self._speech_id: str | None = None
        self._ended = False

    def is_over(self, event: Event) -> bool:
        match event:
            case ReplyText(self._turn_id, speech_id) if self._speech:
                self._speech_id = speech_id
            case TurnEnd(self._turn_id) | TurnAbandoned(self._turn_id):
                self._ended = True
            case SpeechEnded(speech_id) | UserActivity(speech_id) if speech_id == self._speech_id:
                self._speech_id = None
            case StateChanged("idle"):  # nothing sounds
                self._speech_id = None
        return self._ended and self._speech_id is None
