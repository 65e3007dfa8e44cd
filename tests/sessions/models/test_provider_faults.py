"""Every fault of ``contract/realtime-providers.md`` §3 and §4 in every dialect, over a real WebSocket: the reply ends
once, and the session answers what comes next, or is lost and says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from neko.errors import ModelError, ModelSessionEndedError, ModelStreamBrokenError, ModelTimeoutError, NekoError
from neko.net import Network
from neko.sessions.models.realtime.dialects import DIALECTS
from neko.sessions.models.realtime.gemini import GeminiSession
from neko.sessions.models.realtime.session import RealtimeSession, RealtimeTimeouts
from neko.tasks import TaskOwner
from neko.types.model_session import ModelEvent, ModelSession, ReplyDone, SessionLost, UserAudio
from tests.scripted_gemini import ScriptedGemini
from tests.scripted_provider import tone
from tests.scripted_realtime import ScriptedRealtime, Turn
from tests.seams.model_session import SETUP, Subject, text_of

QUICK: Final = RealtimeTimeouts(connect_timeout_s=2.0, ready_timeout_s=1.0, owed_timeout_s=0.4)
PATIENT: Final = RealtimeTimeouts()
ALL: Final = ("openai", "gemini", "custom", "qwen", "step", "glm", "free")
assert {*DIALECTS, "gemini", "custom"} == set(ALL)

WHOLE: Final = "I hear you well."
NO_EVENTS: Final = ("[DONE]", b"[DONE]", "", "[]", "null", "7", '{"type": null}', "{", b"\xff\x00")
UNKNOWN: Final = (
    '{"type": "response.mystery.delta", "delta": "?"}',
    '{"type": "conversation.item.retrieved", "item": null}',
    '{"mysteryContent": {"modelTurn": {"parts": [{"text": "?"}]}}}',
    '{"serverContent": {"mystery": {"text": "?"}}}',
)
STRAY: Final = (
    '{"type": "response.done", "response": {"id": "resp_stray", "status": "completed"}}',
    '{"type": "response.done"}',
    '{"type": "response.created"}',
    '{"type": "input_audio_buffer.speech_stopped", "item_id": "item_stray"}',
    '{"type": "conversation.item.input_audio_transcription.completed", "item_id": "stray", "transcript": ""}',
    '{"type": "session.updated", "session": {}}',
    '{"setupComplete": {}}',
    '{"toolCallCancellation": {"ids": ["call-stray"]}}',
)


@dataclass(frozen=True)
class Case:
    """What goes wrong in the first reply, and what becomes of it. ``end``: how the reply ends; None: in any way.
    ``lost``: why the session is. ``text``: what is heard of the reply; None: whatever came before."""

    turn: Turn
    end: str | None = "complete"
    lost: type[NekoError] | None = None
    text: str | None = None
    spoken: bool = False


CASES: Final = {
    "cut in mid-delta": Case(Turn(fault="cut"), "failed", ModelStreamBrokenError),
    "close 1000": Case(Turn(fault="normal close"), "failed", ModelSessionEndedError),
    "close 1011": Case(Turn(fault="abnormal close"), "failed", ModelError),
    "silence": Case(Turn(fault="silence"), "failed", ModelTimeoutError),
    "silence to speech": Case(Turn(fault="silence", fault_after=0), None, ModelTimeoutError, spoken=True),
    "cut in speech": Case(Turn(fault="cut", fault_after=0), None, ModelStreamBrokenError, spoken=True),
    "error event": Case(Turn(fault="error"), text=WHOLE),
    "no created": Case(Turn(fault="no created"), text=WHOLE),
    "no created, spoken": Case(Turn(fault="no created"), text=WHOLE, spoken=True),
    "words after the reply": Case(Turn(late=True), text=WHOLE, spoken=True),
    "done before its sound": Case(Turn(fault="done first", fault_after=2), text="I hear "),
    "failed": Case(Turn(fault="failed"), "failed"),
    "cancelled": Case(Turn(fault="cancelled"), "interrupted"),
    "no events": Case(Turn(between=NO_EVENTS), text=WHOLE),
    "unknown events": Case(Turn(between=UNKNOWN), text=WHOLE),
}
OF_OPENAI_ALONE: Final = {"error event", "no created", "no created, spoken", "failed"}
"""Gemini has no such events: a fault is told as the reason of a close, and a reply is not announced."""

TABLE: Final = [
    pytest.param(dialect, case, id=f"{name}-{dialect}")
    for name, case in CASES.items()
    for dialect in ALL
    if not (dialect == "gemini" and name in OF_OPENAI_ALONE)
]


@asynccontextmanager
async def talk(dialect: str, *turns: Turn, timeouts: RealtimeTimeouts = QUICK) -> AsyncIterator[Subject]:
    """A session with a provider that speaks this; ``custom``: OpenAI's at an address of the user's own."""
    provider: Any = ScriptedGemini() if dialect == "gemini" else ScriptedRealtime(dialect.replace("custom", "openai"))
    async with provider, TaskOwner("test") as owner:
        provider.script(*turns)
        endpoint = provider.endpoint
        session: ModelSession
        if dialect == "custom":
            endpoint = replace(endpoint, base_url=f"{provider.address}/of/mine?tenant=7", provider="custom")
        if dialect == "gemini":
            session = GeminiSession(endpoint, owner=owner, network=Network(), timeouts=timeouts)
        else:
            session = RealtimeSession(endpoint, provider.dialect, owner=owner, network=Network(), timeouts=timeouts)
        try:
            await session.open(SETUP)
            yield Subject(session, owner)
        finally:
            await session.aclose()


async def say_something(session: ModelSession) -> None:
    rate = session.capabilities.input_rate
    await session.send(UserAudio(tone(0.2, hertz=180, rate=rate)))
    await session.send(UserAudio(bytes(2 * round(0.4 * rate))))


@pytest.mark.few(3)
@pytest.mark.parametrize(("dialect", "case"), TABLE)
async def test_whatever_a_provider_does_the_next_words_are_answered_or_the_loss_is_told(
    dialect: str, case: Case
) -> None:
    async with talk(dialect, case.turn, Turn(), Turn()) as subject:
        await (say_something(subject.session) if case.spoken else subject.ask("a"))
        if case.lost:
            events = await subject.rest()
            assert isinstance(events[-1], SessionLost)
            assert isinstance(events[-1].error, case.lost)
        else:
            events = await subject.until(ReplyDone)
        check_ends(events, case)
        if case.lost:
            await subject.ask("b")  # nobody hears it, and nothing breaks
            return
        await subject.ask("b")
        assert (await subject.until(ReplyDone, "b"))[-1] == ReplyDone("b")
        assert text_of([event for event in subject.seen if getattr(event, "reply_id", "") == "b"]) == WHOLE


def check_ends(events: list[ModelEvent], case: Case) -> None:
    ends = [event for event in events if isinstance(event, ReplyDone)]
    if case.end:
        assert [end.reason for end in ends] == [case.end]
    assert len(ends) == len({end.reply_id for end in ends}), "a reply ends once"
    if case.text is not None:
        assert text_of(events) == case.text


@pytest.mark.long
@pytest.mark.parametrize("dialect", ALL)
async def test_what_comes_out_of_its_order_leaves_the_session_able_to_answer(dialect: str) -> None:
    """In the middle of a reply: ends and acknowledgements of what nobody has begun."""
    async with talk(dialect, *(Turn(between=(stray,)) for stray in STRAY), Turn(), timeouts=PATIENT) as subject:
        for number in range(len(STRAY)):
            await subject.ask(f"a{number}")
            [*_, end] = await subject.until(ReplyDone, f"a{number}")
            assert isinstance(end, ReplyDone)
        await subject.ask("b")
        assert (await subject.until(ReplyDone, "b"))[-1] == ReplyDone("b")
        assert text_of([event for event in subject.seen if getattr(event, "reply_id", "") == "b"]) == WHOLE
