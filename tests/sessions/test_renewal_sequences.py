"""Calls in which sessions follow each other at random moments, over thousands of sequences on a virtual clock.

Whatever fails, is lost, is slow or is spoken over: the sessions together hear the microphone sample for sample, the
client is told what it may be told in order, and nothing is left behind.
"""

from __future__ import annotations

import array
import asyncio
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neko.audio.resample import PcmStream
from neko.errors import ModelUnreachableError
from neko.sessions import microphone
from neko.sessions.actions import EndSession, Mode, SendAudio, SendText, StartSession, StopReply
from neko.sessions.dependencies import SessionTimeouts
from neko.sessions.events import (
    Audio,
    Event,
    ReplyText,
    SessionEndedByServer,
    SessionFailed,
    SessionPreparing,
    SessionStarted,
    TurnEnd,
)
from neko.sessions.microphone import MicrophoneLimits
from neko.sessions.renewal import RenewalTimes
from neko.tasks import TaskOwner
from neko.types.model_session import ModelInput, ModelSession, SessionEnds, SessionSetup, UserAudio
from tests.scripted_session import ScriptedSpeechSession, SpokenTurn
from tests.sessions.speech_conversation import SpeechConversation, speech_conversation
from tests.virtual_clock import InlineExecutor, run_virtually

FRAME_S = 0.02
PAGE_RATE = 48_000
DITHER = 2
"""What soxr adds to PCM16, anew in each chunk."""
GONE = ModelUnreachableError(model="m", provider="p")
OLD = SessionTimeouts(renewal=RenewalTimes(mark_s=2.0, prepare_s=0.5, limit_lead_s=3, limit_sound_s=1.5, limit_s=0.5))
LOUD_S, QUIET_S = st.floats(0.04, 1.5), st.floats(0.02, 1.2)

OPERATIONS = st.one_of(
    st.tuples(st.just("talk"), LOUD_S),
    st.tuples(st.just("talk"), LOUD_S),
    st.tuples(st.just("quiet"), QUIET_S),
    st.tuples(st.just("quiet"), QUIET_S),
    st.tuples(st.just("turn"), LOUD_S),
    st.tuples(st.just("silence"), st.floats(0.01, 3.0)),
    st.tuples(st.just("renew"), st.just(0)),
    st.tuples(st.just("ends"), st.floats(0.0, 6.0)),
    st.tuples(st.just("lose"), st.just(0)),
    st.tuples(st.just("break"), st.just(0)),
    st.tuples(st.just("lose next"), st.just(0)),
    st.tuples(st.just("type"), st.just(0)),
    st.tuples(st.just("stop"), st.just(0)),
)


@dataclass(frozen=True)
class Fate:
    """Of one session: how long ``open`` takes and whether it fails, how long each piece of sound takes, after how many
    it refuses them, the rate at which it hears."""

    open_s: float = 0.0
    fails: bool = False
    send_s: float = 0.0
    refuses_after: int | None = None
    rate: int = 16_000


FATES = st.builds(
    Fate,
    st.sampled_from([0.0, 0.0, 0.05, 0.7, 3.0]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([0.0, 0.0, 0.001, 0.03]),
    st.sampled_from([None, None, None, 3, 40]),
)


class FatedSession(ScriptedSpeechSession):
    """One that is slow, fails, or is lost while sound comes."""

    def __init__(self, fate: Fate, *, owner: TaskOwner, turns: list[SpokenTurn]) -> None:
        super().__init__(owner=owner, turns=turns)
        self.capabilities = replace(self.capabilities, input_rate=fate.rate)
        self.fate = fate
        self.opened = self.closed = self.lost = False
        self.pieces = 0

    @property
    def hears(self) -> bool:
        """Would it take sound now?"""
        refuses = self.fate.refuses_after is not None and self.pieces >= self.fate.refuses_after
        return self.opened and not (self.closed or self.lost or refuses)

    async def open(self, setup: SessionSetup) -> None:
        await asyncio.sleep(self.fate.open_s)
        if self.fate.fails:
            raise GONE
        await super().open(setup)
        self.opened = True

    async def send(self, item: ModelInput) -> None:
        if self.lost:
            raise RuntimeError("closed")
        if isinstance(item, UserAudio):
            self.pieces += 1
            if self.fate.refuses_after is not None and self.pieces > self.fate.refuses_after:
                asyncio.get_running_loop().call_later(0.1, self.lose, GONE)
                raise RuntimeError("the connection is closed")
            await asyncio.sleep(self.fate.send_s)
        await super().send(item)

    def lose(self, error: Any) -> None:
        self.lost = True
        super().lose(error)

    async def aclose(self) -> None:
        self.closed = True
        await super().aclose()


@dataclass(frozen=True)
class Drop:
    """One frame that was thrown away. ``could_hear``: a session was there that would have taken it."""

    frame: int
    could_hear: bool


class WatchedRing(microphone._Ring):
    """Tells what it throws away."""

    def __init__(self, max_bytes: int, thrown: Callable[[Any], None]) -> None:
        super().__init__(max_bytes)
        self._thrown = thrown
        self._trims = False

    def trim(self, max_seconds: float) -> None:
        self._trims = True
        super().trim(max_seconds)
        self._trims = False

    def _take(self) -> Any:
        chunk = super()._take()
        if self._trims:
            self._thrown(chunk)
        return chunk


@dataclass
class Call(SpeechConversation):
    """``stream`` is all that the microphone gave, at ``rate`` Hz."""

    rate: int = 16_000
    fates: list[Any] = field(default_factory=list)
    stream: bytearray = field(default_factory=bytearray)
    events: list[Event] = field(default_factory=list)
    frames: int = 0
    made: list[Any] = field(default_factory=list)
    """Sessions: what each ``heard``, whether it is ``lost`` or ``closed``, whether it ``hears`` now."""
    drops: list[Drop] = field(default_factory=list)

    def watch_drops(self) -> None:
        """Keep what the microphone throws away, and when."""
        sound = self.manager._microphone
        close = sound.close

        def closes() -> None:
            for chunk in sound._converted:
                if not chunk.again:
                    self.throw(chunk)
            close()

        sound._ring = WatchedRing(MicrophoneLimits().max_bytes, self.throw)
        sound.close = closes  # type: ignore[method-assign]

    def throw(self, chunk: Any) -> None:
        could_hear = any(session.hears for session in self.made)
        self.drops += [Drop(frame, could_hear) for frame in self.frames_of(chunk.pcm)]

    def open_model(self, mode: Mode, owner: TaskOwner) -> ModelSession:
        fate = self.fates.pop(0) if self.fates else Fate()
        session = FatedSession(fate, owner=owner, turns=list(self.turns))
        self.made.append(session)
        return session

    @property
    def frame_bytes(self) -> int:
        return 2 * round(self.rate * FRAME_S)

    def frames_of(self, pcm: bytes | bytearray) -> list[int]:
        """The places in the stream of the frames of this sound."""
        return [number(pcm[at : at + 4]) for at in range(0, len(pcm), self.frame_bytes)]

    @property
    def on_the_way(self) -> set[int]:
        """Frames that were on their way into a connection when it broke."""
        return set()

    async def sound(self, seconds: float, *, loud: bool) -> None:
        """As a microphone does, with frames that can be told apart."""
        for _ in range(max(1, round(seconds / FRAME_S))):
            if self.rate == PAGE_RATE:
                frame = noise(self.frames, loud=loud)
            else:
                frame = numbered(self.frames, self.frame_bytes, loud=loud)
            self.frames += 1
            self.stream += frame
            self.manager.handle(SendAudio(frame, self.rate))
            await asyncio.sleep(FRAME_S)

    async def play(self, name: str, value: float) -> None:
        match name:
            case "talk" | "quiet":
                await self.sound(value, loud=name == "talk")
            case "turn":
                await self.sound(value, loud=True)
                await self.sound(0.5, loud=False)
            case "silence":
                await asyncio.sleep(value)
            case "renew":
                self.manager._renewals.outdated()
            case "type":
                self.manager.handle(SendText("typed"))
            case "stop":
                self.manager.handle(StopReply())
            case "lose next":
                waiting = self.manager._slot._next
                if waiting and waiting.handle:
                    await self.befall("lose", value, waiting.handle.session)
            case _ if handle := self.manager._slot.current:
                await self.befall(name, value, handle.session)

    async def befall(self, name: str, value: float, session: Any) -> None:
        """What a provider does to one of its sessions."""
        match name:
            case "ends":
                session.emit(SessionEnds(asyncio.get_running_loop().time() + value))
            case "lose":
                session.lose(GONE)
            case "break":
                session.lost = True
                session.end_events()

    async def read(self) -> None:
        while (event := await self.outbox.get()) is not None:
            self.events.append(event)


@cache
def noise(seed: int, *, loud: bool) -> bytes:
    """A frame at the rate of a page, unlike any other."""
    peak = 9_000 if loud else 90
    return np.random.default_rng(seed).integers(-peak, peak, 960, dtype="<i2").tobytes()


def numbered(frame: int, size: int, *, loud: bool) -> bytes:
    """A frame that says its place in the stream."""
    return struct.pack("<2h", frame % 400, frame // 400) + rest_of_frame(size, loud=loud)


@cache
def rest_of_frame(size: int, *, loud: bool) -> bytes:
    return array.array("h", [9_000, -9_000] * (size // 4 - 1)).tobytes() if loud else bytes(size - 4)


async def played(
    executor: InlineExecutor,
    fates: list[Any],
    operations: list[tuple[str, float]],
    check: Callable[[Call], None] | None = None,
    rate: int = 16_000,
    kind: Callable[..., Call] = Call,
) -> Call:
    async with speech_conversation(executor, timeouts=OLD, kind=kind) as talk:
        assert isinstance(talk, Call)
        talk.rate = rate
        if rate != PAGE_RATE:
            talk.watch_drops()
        talk.fates = list(fates)
        talk.turns = [SpokenTurn(deltas=("one ", "two "), sound=0.4), SpokenTurn(deltas=("three ",), sound=1.5)] * 20
        reading = asyncio.create_task(talk.read())
        talk.manager.handle(StartSession("audio"))
        await asyncio.sleep(0)
        for name, value in operations:
            await talk.play(name, value)
        talk.fates = []
        await talk.sound(0.5, loud=False)
        await asyncio.sleep(12)  # whatever is awaited comes, or is given up
        await talk.sound(3.0, loud=False)
        await asyncio.sleep(4)
        (check or check_sound)(talk)
        talk.manager.handle(EndSession())
        await asyncio.sleep(5)
        check_events(talk.events)
        reading.cancel()
        await asyncio.wait({reading})
    assert all(session.closed for session in talk.made), "a session was left open"
    assert not talk.manager._owner.tasks
    return talk


def check_sound(talk: Call) -> None:
    """All that was heard, one session after the other, is the stream: less what was thrown away while no session could
    take it, what was on its way into a connection that broke and what still waits, and with an utterance heard again
    only where the session before was lost."""
    stream, size, at, first_unheard = bytes(talk.stream), talk.frame_bytes, 0, 0
    heard_ever: set[int] = set()
    was_lost = False
    for session in talk.made:
        heard = bytes(session.heard)
        for place, frame in zip(range(0, len(heard), size), talk.frames_of(heard), strict=True):
            begin = frame * size
            assert heard[place : place + size] == stream[begin : begin + size]
            assert begin >= at or (was_lost and place == 0), "heard twice"
            assert begin == at or begin >= first_unheard or place == 0, "what is heard again has no hole"
            heard_ever.add(frame)
            at = begin + size
            first_unheard = max(first_unheard, at)
        was_lost = session.lost or (was_lost and not heard)
    thrown = [drop.frame for drop in talk.drops]
    waiting = [frame for chunk in waiting_sound(talk) for frame in talk.frames_of(chunk)]
    unheard = set(range(talk.frames)) - heard_ever
    gone = talk.on_the_way - heard_ever
    assert len(thrown) == len(set(thrown)), "thrown away once"
    assert unheard - gone == {*thrown, *waiting} - heard_ever - gone, "what no session heard was thrown away, or waits"
    assert not heard_ever.intersection(thrown), "what was thrown away is gone"
    assert not waiting or min(waiting) >= talk.frames - len(waiting), "what waits is the newest"
    assert len(thrown) == round(talk.manager._microphone.dropped_s / FRAME_S), "what is thrown away is counted"
    could = [drop for drop in talk.drops if drop.could_hear]
    assert not could, "nothing is thrown away while a session can hear it"


def number(frame: bytes | bytearray) -> int:
    """The place of a frame in the stream."""
    low, high = struct.unpack_from("<2h", frame)
    return int(400 * high + low)


def waiting_sound(talk: Call) -> list[bytes]:
    """What is on its way to a session, or kept for the next one, and was heard by none."""
    sound = talk.manager._microphone
    return [chunk.pcm for chunk in (*sound._converted, *sound._ring.chunks) if not chunk.again]


class Piece(NamedTuple):
    pcm: bytes
    rate: int


class Recorded(PcmStream):
    """A converter of the microphone that keeps what it was given and what it gave."""

    made: ClassVar[list[Recorded]] = []

    def __init__(self, in_rate: int, out_rate: int) -> None:
        super().__init__(in_rate, out_rate)
        self.given = bytearray()
        self.gave: list[bytes] = []
        self.made.append(self)

    def _run(self, pcm: bytes, *, last: bool) -> bytes:
        self.given += pcm
        self.gave.append(super()._run(pcm, last=last))
        return self.gave[-1]


def check_converted(talk: Call) -> None:
    """Sample for sample: sessions that hear at one rate, one after the other, got one continuous conversion of their
    share of the stream; where the rate changes, what was converted and not taken yet is converted once more."""
    pieces: list[Piece] = []
    shares = bytearray()
    of_stream = [converter for converter in Recorded.made if converter.in_rate == PAGE_RATE]
    for converter in Recorded.made:
        if converter.in_rate == PAGE_RATE:
            once = PcmStream(PAGE_RATE, converter.out_rate)
            whole = np.frombuffer(once.process(bytes(converter.given)) + once.flush(), "<i2").astype(int)
            gave = np.frombuffer(b"".join(converter.gave), "<i2")
            held = len(whole) - len(gave)
            assert 0 <= held <= (0.041 * converter.out_rate if converter is of_stream[-1] else 0), (
                "it holds back little"
            )
            assert np.abs(whole[: len(gave)] - gave).max(initial=0) <= DITHER, "the seams of its chunks are not heard"
            shares += converter.given
            pieces += [Piece(pcm, converter.out_rate) for pcm in converter.gave if pcm]
        elif converter.given:
            place = pieces.index(Piece(bytes(converter.given), converter.in_rate))
            pieces[place] = Piece(b"".join(converter.gave), converter.out_rate)
    assert shares == talk.stream, "every sample is converted once, in order"
    for session in talk.made:
        heard, at = bytes(session.heard), 0
        while at < len(heard):
            pcm, rate = pieces.pop(0)
            assert rate == session.capabilities.input_rate
            assert heard[at : at + len(pcm)] == pcm
            at += len(pcm)
    assert not pieces, "all of it was heard"
    assert talk.manager._microphone.dropped_s == 0


def check_events(events: list[Event]) -> None:
    """``contract/websocket.md`` §3 and §4, as far as sessions have to do with it."""
    ended: Counter[str] = Counter()
    began: Counter[str] = Counter()
    speeches: list[str] = []
    preparing = 0
    for event in events:
        match event:
            case ReplyText():
                assert not ended[event.turn_id], "text after the end of its turn"
                assert event.first == (not began[event.turn_id])
                began[event.turn_id] += 1
            case TurnEnd(turn_id):
                ended[turn_id] += 1
                assert ended[turn_id] == 1, "a turn ends once"
            case Audio(speech_id):
                assert speech_id not in speeches[:-1], "sound of an older reply"
                if speeches[-1:] != [speech_id]:
                    speeches.append(speech_id)
            case SessionPreparing():
                preparing += 1
            case SessionStarted() | SessionFailed():
                assert preparing, "nothing was being prepared"
                preparing -= 1
            case _:
                pass
    assert set(began) <= set(ended), "every reply that was shown has an end"
    assert sum(isinstance(event, SessionEndedByServer) for event in events) <= len(events)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(FATES, max_size=6), st.lists(OPERATIONS, min_size=3, max_size=16))
def test_however_sessions_follow_each_other_nobody_notices(
    fates: list[Fate], operations: list[tuple[str, float]]
) -> None:
    run_virtually(lambda executor: played(executor, fates, operations))


@pytest.mark.long
@settings(max_examples=2_500, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(FATES, max_size=10), st.lists(OPERATIONS, min_size=3, max_size=30))
def test_however_sessions_follow_each_other_nobody_notices_in_thousands_of_calls(
    fates: list[Fate], operations: list[tuple[str, float]]
) -> None:
    run_virtually(lambda executor: played(executor, fates, operations))


TWO_RATES = st.lists(
    st.builds(replace, FATES, refuses_after=st.none(), rate=st.sampled_from([16_000, 24_000])), max_size=8
)
UNBROKEN = st.lists(
    OPERATIONS.filter(lambda operation: operation[0] not in ("lose", "break")) | st.just(("renew", 0.0)),
    min_size=3,
    max_size=16,
)


def check_two_rates(fates: list[Fate], operations: list[tuple[str, float]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(microphone, "PcmStream", Recorded)
        patch.setattr(Recorded, "made", [])
        run_virtually(lambda executor: played(executor, [Fate(), *fates], operations, check_converted, PAGE_RATE))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(TWO_RATES, UNBROKEN)
def test_what_is_converted_for_sessions_of_two_rates_is_heard_without_a_seam(
    fates: list[Fate], operations: list[tuple[str, float]]
) -> None:
    check_two_rates(fates, operations)


@pytest.mark.long
@settings(max_examples=800, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(TWO_RATES, UNBROKEN)
def test_what_is_converted_for_sessions_of_two_rates_is_heard_without_a_seam_in_hundreds_of_calls(
    fates: list[Fate], operations: list[tuple[str, float]]
) -> None:
    check_two_rates(fates, operations)
