"""Calls over every dialect in which sessions follow each other at random moments, on a virtual clock.

Sessions, dialects and connections are the real ones, and so is what the scripted providers do; only the WebSocket is in
memory, slow or broken as it comes. What all connections received together is the microphone's sound, sample for sample.
"""

from __future__ import annotations

import array
import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any, Final, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from neko.net import WebSocketRefusedError
from neko.providers import ModelEndpoint
from neko.sessions import spoken_input
from neko.sessions.actions import Mode
from neko.sessions.models.realtime.dialects import DIALECTS
from neko.sessions.models.realtime.gemini import GeminiSession
from neko.sessions.models.realtime.session import RealtimeSession, RealtimeTimeouts
from neko.tasks import TaskOwner
from neko.types.model_session import ModelInput, ModelSession, UserAudio
from tests.scripted_gemini import Caller as GeminiCaller
from tests.scripted_gemini import ScriptedGemini
from tests.scripted_realtime import KEY, LOUD, Fault, ScriptedRealtime, Turn
from tests.scripted_realtime import Caller as RealtimeCaller
from tests.sessions.test_renewal_sequences import LOUD_S, QUIET_S, Call, check_sound, number, played
from tests.socket_in_memory import ClientEnd, NetworkInMemory, ServerEnd, in_memory
from tests.virtual_clock import InlineExecutor, run_virtually

DIALECT: Final = ("openai", "gemini", "qwen", "step", "glm", "free")
assert {*DIALECTS, "gemini"} == {*DIALECT}

TIMES: Final = RealtimeTimeouts(connect_timeout_s=2.0, ready_timeout_s=1.0, owed_timeout_s=4.0)
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)

OPERATIONS: Final = st.one_of(
    st.tuples(st.just("talk"), LOUD_S),
    st.tuples(st.just("quiet"), QUIET_S),
    st.tuples(st.just("turn"), LOUD_S),
    st.tuples(st.just("turn"), LOUD_S),
    st.tuples(st.just("silence"), st.floats(0.01, 3.0)),
    st.tuples(
        st.sampled_from(["renew", "lose", "break", "expire", "overload", "lose next", "type", "stop"]), st.just(0)
    ),
    st.tuples(st.just("ends"), st.floats(0.0, 6.0)),
)


TURNS: Final = st.builds(
    lambda fault, late, thinks_s: Turn(fault=fault, late=late, thinks_s=thinks_s),
    st.sampled_from([None, None, *FAULTS]),
    st.booleans(),
    st.sampled_from([0.0, 0.0, 0.6, 2.0]),
)


@dataclass(frozen=True)
class Fate:
    """Of one session: how long its connections take to open and whether they are refused, what each message takes on
    its way and to be read, its first replies; whether a Gemini gives handles to resume it."""

    open_s: float = 0.0
    refused: bool = False
    delays: tuple[float, ...] = ()
    read_s: float = 0.0
    turns: tuple[Turn, ...] = ()
    resumable: bool = False


FATES: Final = st.builds(
    Fate,
    st.sampled_from([0.0, 0.05, 0.7, 3.0]),
    st.sampled_from([False, False, False, True]),
    st.lists(st.sampled_from([0.0, 0.02, 0.2]), max_size=3).map(tuple),
    st.sampled_from([0.0, 0.0, 0.001, 0.015]),
    st.lists(TURNS, max_size=3).map(tuple),
    st.booleans(),
)


class Telling:
    """A connection whose provider tells which frames it took for an utterance, and which it answers."""

    heard: bytearray
    _turn: Turn | None
    frame_bytes: int
    _began = 0

    async def _hear(self, pcm: bytes) -> None:
        was_quiet, at = self._turn is None, len(self.heard)
        await super()._hear(pcm)  # type: ignore[misc]
        if was_quiet and self._turn is not None:
            self._began = at

    async def _stop_hearing(self, turn: Turn, **how: Any) -> None:
        spoken = bytes(self.heard[self._began :])
        pieces = [spoken[at : at + self.frame_bytes] for at in range(0, len(spoken), self.frame_bytes)]
        loud = [number(piece) for piece in pieces if max(array.array("h", piece)) > LOUD]
        words = f"{loud[0]} to {loud[-1]}"
        told = replace(turn, hears=words, deltas=(f"To {words}: ", "I hear ", "you well."))
        await super()._stop_hearing(told, **how)  # type: ignore[misc]


class TellingCaller(Telling, RealtimeCaller):
    pass


class TellingGemini(Telling, GeminiCaller):
    pass


@dataclass
class Made:
    """One session, and its connections as their provider has them. ``given`` is the sound that it took."""

    session: Any
    provider: Any
    fate: Fate
    given: bytearray = field(default_factory=bytearray)
    ends: list[ServerEnd] = field(default_factory=list)
    opened: bool = False

    @property
    def heard(self) -> bytes:
        return b"".join(bytes(caller.heard) for caller in self.provider.calls)

    @property
    def lost(self) -> bool:
        return bool(self.session._lost)

    @property
    def closed(self) -> bool:
        return bool(self.session._closed)

    @property
    def broke(self) -> bool:
        """Did a connection of it end with sound on its way?"""
        return self.lost or any(end.broke for end in self.ends)

    @property
    def hears(self) -> bool:
        return self.opened and not (self.lost or self.closed)


@dataclass
class DialectCall(Call):
    """``dialect``: of all its sessions."""

    dialect: str = "openai"
    providers: TaskOwner = field(default_factory=lambda: TaskOwner("providers"))

    def open_model(self, mode: Mode, owner: TaskOwner) -> ModelSession:
        fate = self.fates.pop(0) if self.fates else Fate()
        provider: Any = ScriptedGemini() if self.dialect == "gemini" else ScriptedRealtime(self.dialect)
        provider._caller = partial(self.answer_call, provider)
        provider.script(*fate.turns)
        provider.resumable = fate.resumable
        address = "ws://provider.test/realtime"
        endpoint = ModelEndpoint("realtime", self.dialect, "Scripted", address, "voice", KEY, api_type=self.dialect)
        network = NetworkInMemory(partial(self.connect, len(self.made)))
        session: ModelSession
        if self.dialect == "gemini":
            session = GeminiSession(endpoint, owner=owner, network=network, timeouts=TIMES)
        else:
            session = RealtimeSession(endpoint, DIALECTS[self.dialect], owner=owner, network=network, timeouts=TIMES)
        made = Made(session, provider, fate)
        self.made.append(made)
        self.watch(made)
        return session

    def answer_call(self, provider: Any, connection: Any) -> Any:
        kind: Any = TellingGemini if self.dialect == "gemini" else TellingCaller
        caller = kind(provider, connection)
        caller.frame_bytes = self.frame_bytes
        return caller

    def watch(self, made: Made) -> None:
        """Keep what it takes of the microphone."""
        send, opens = made.session.send, made.session.open

        async def sends(item: ModelInput) -> None:
            await send(item)
            if isinstance(item, UserAudio):
                made.given += item.pcm

        async def is_open(setup: Any) -> None:
            await opens(setup)
            made.opened = True

        made.session.send, made.session.open = sends, is_open

    async def connect(self, number: int, url: str) -> ClientEnd:
        made = self.made[number]
        await asyncio.sleep(made.fate.open_s)
        if made.fate.refused:
            raise WebSocketRefusedError("InvalidStatus", 503)
        client, server = in_memory(made.fate.delays, made.fate.read_s)
        made.ends.append(server)
        self.providers.spawn(made.provider._serve(server), name="provider")
        return client

    @property
    def on_the_way(self) -> set[int]:
        return {frame for made in self.made if made.broke for frame in self.frames_of(made.given)}

    async def befall(self, name: str, value: float, session: Any) -> None:
        [made] = [one for one in self.made if one.session is session]
        caller = made.provider.calls[-1]
        with suppress(ConnectionClosed):
            await self.befall_connection(name, value, caller)

    async def befall_connection(self, name: str, value: float, caller: Any) -> None:
        is_gemini = isinstance(caller, GeminiCaller)
        match name:
            case "ends" if is_gemini:
                await caller.send(goAway={"timeLeft": f"{value:.3f}s"})
            case "lose":
                await caller.close(1011, "internal error")
            case "break":
                caller.abort()
            case "expire" if not is_gemini:
                await caller.send("error", error={"code": "session_expired", "message": "too old"})
            case "overload" if not is_gemini:
                await caller.send("error", error={"code": "503", "message": "overloaded"})


def check_connections(talk: Call) -> None:
    """What a session took of the microphone its provider has, unless the connection broke."""
    for made in talk.made:
        assert made.broke or made.heard == made.given
    check_sound(talk)


async def check_answers(talk: Call) -> None:
    """Whatever was lost and heard again: what was said is a line once, and answered once at most."""
    lines = await talk.lines()
    for who, pattern in (("user", r"^(\d+) to (\d+)$"), ("assistant", r"^To (\d+) to (\d+):")):
        spans = [(int(m[1]), int(m[2])) for role, text, _ in lines if role == who and (m := re.match(pattern, text))]
        assert all(end < begin for (_, end), (begin, _) in pairwise(spans)), (who, spans)


def check(dialect: str, fates: list[Fate], operations: list[tuple[str, float]]) -> None:
    async def call(executor: InlineExecutor) -> None:
        rate = 24_000 if dialect == "openai" else 16_000
        kind = partial(DialectCall, dialect=dialect)
        talk = await played(executor, fates, operations, check_connections, rate, kind)
        await check_answers(talk)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spoken_input, "GONE_S", 10_000)  # where the sound stops for long we say some quiet ourselves
        run_virtually(call)


@pytest.mark.parametrize("dialect", DIALECT)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(FATES, max_size=3), st.lists(OPERATIONS, min_size=3, max_size=6))
def test_the_connections_of_a_dialect_hear_the_microphone_sample_for_sample(
    dialect: str, fates: list[Fate], operations: list[tuple[str, float]]
) -> None:
    check(dialect, fates, operations)


@pytest.mark.long
@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.sampled_from(DIALECT), st.lists(FATES, max_size=6), st.lists(OPERATIONS, min_size=3, max_size=14))
def test_the_connections_of_all_dialects_hear_the_microphone_sample_for_sample_in_thousands_of_calls(
    dialect: str, fates: list[Fate], operations: list[tuple[str, float]]
) -> None:
    check(dialect, fates, operations)
