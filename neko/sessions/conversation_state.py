"""How a conversation is at this moment, for whoever looks at all of Neko."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from neko.sessions.actions import Mode
from neko.sessions.clients import Audience, Clients
from neko.sessions.session_slot import ModelSessionSlot, SlotState
from neko.sessions.turn_controller import TurnController
from neko.sessions.turn_effects import Phase, Step
from neko.types.model_session import ModelLabel


@dataclass(frozen=True, slots=True)
class SessionState:
    """The model session in use. ``began``: local time."""

    mode: Mode
    label: ModelLabel
    began: datetime


@dataclass(frozen=True, slots=True)
class ConversationState:
    """``step`` of the open turn, None without one. ``questions``: what was asked and no reply has begun to;
    ``lines``: what waits to be written to the log; ``unkept``: lines that the memory could not write."""

    phase: Phase
    step: Step | None
    slot: SlotState
    session: SessionState | None
    questions: int
    lines: int
    unkept: int
    audience: Audience


def conversation_state(turns: TurnController, slot: ModelSessionSlot, clients: Clients) -> ConversationState:
    current, turn = slot.current, turns.open_turn
    return ConversationState(
        phase=turns.machine.phase,
        step=turn.step if turn else None,
        slot=slot.state,
        session=SessionState(current.mode, current.session.label, current.began) if current else None,
        questions=len(turns.pending),
        lines=turns.log.waiting,
        unkept=len(turns.log.unkept),
        audience=clients.audience(),
    )
