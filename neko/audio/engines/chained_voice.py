"""A voice in a chain (``fallback``): what is known of it, and its try at one sentence."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from neko.audio.resample import PcmStream
from neko.errors import NekoError, SpeechError
from neko.tasks import TaskOwner
from neko.types.speech import Convert, SpeechEngine, Utterance, VoiceSettings

logger = logging.getLogger(__name__)

HEDGE_S: Final = 0.9
"""When a voice has no sound by then, the next one begins the same sentence."""
_TIMES_USUAL: Final = 1.5
_LONGEST_HEDGE_S: Final = 4.0
_FADING: Final = 0.7
"""How much of the slowest first sound counts still at the next sentence."""
_FIRST_REST_S: Final = 10.0
_LONGEST_REST_S: Final = 300.0


class Standing(Enum):
    """``READY``: may be asked. ``LATE``: another spoke first, and its own first sound is still waited for.

    ``RESTING``: failed, asked again later. ``OUT``: it would be in vain.
    """

    READY = "ready"
    LATE = "late"
    RESTING = "resting"
    OUT = "out"


@dataclass(slots=True)
class FirstSound:
    """How long a voice usually takes from being asked to its first sound; ``usual_s`` is None until it has spoken."""

    usual_s: float | None = None

    def took(self, seconds: float) -> None:
        self.usual_s = seconds if self.usual_s is None else max(seconds, _FADING * self.usual_s)


@dataclass(frozen=True, slots=True)
class ChainedVoice:
    """An engine and the name of its voice; None is the name that was asked for.

    ``name``: what the user calls it, its engine's name where it is empty. ``first_sound`` may outlive the chain, so
    that a slow voice is known as one.
    """

    engine: SpeechEngine
    voice: str | None = None
    name: str = ""
    first_sound: FirstSound = field(default_factory=FirstSound)

    def settings(self, asked: VoiceSettings) -> VoiceSettings:
        """``asked``, with the name of this voice."""
        return asked if self.voice is None else replace(asked, voice=self.voice)


@dataclass(slots=True, eq=False)
class Link:
    """``fault``: why it does not speak. ``was_silent``: it failed by saying nothing, when it was asked last."""

    chained: ChainedVoice
    standing: Standing = Standing.READY
    rests_until: float = 0.0
    rest_s: float = _FIRST_REST_S
    fault: NekoError | None = None
    was_silent: bool = False

    @property
    def engine(self) -> SpeechEngine:
        return self.chained.engine

    @property
    def name(self) -> str:
        return self.chained.name or self.engine.capabilities.name

    @property
    def is_local(self) -> bool:
        return self.engine.capabilities.local

    @property
    def is_on_page(self) -> bool:
        return self.engine.capabilities.on_page

    def may_speak(self, now: float) -> bool:
        if self.standing is Standing.RESTING and now >= self.rests_until:
            self.standing = Standing.READY
        return self.standing is Standing.READY

    def hedge_s(self, shortest_s: float) -> float | None:
        """How long a sentence waits for its first sound before the next voice begins; None: it is not timed.

        One that was silent is tried beside the next voice, so that it holds up no second sentence.
        """
        if self.is_local:
            return None
        if self.was_silent:
            return 0.0
        return max(shortest_s, min(_LONGEST_HEDGE_S, _TIMES_USUAL * (self.chained.first_sound.usual_s or 0.0)))

    def is_late(self, error: NekoError) -> None:
        self.standing, self.fault, self.was_silent = Standing.LATE, error, True

    def failed(self, error: NekoError, now: float) -> None:
        self.fault = error
        if error.permanent:
            self.standing = Standing.OUT
            return
        self.standing, self.rests_until = Standing.RESTING, now + self.rest_s
        self.rest_s = min(_LONGEST_REST_S, 2 * self.rest_s)

    def spoke(self, first_sound_s: float | None) -> None:
        """``first_sound_s``: None when there was nothing to be heard."""
        self.standing, self.rest_s, self.fault, self.was_silent = Standing.READY, _FIRST_REST_S, None, False
        if first_sound_s is not None:
            self.chained.first_sound.took(first_sound_s)

    def fault_of(self, error: Exception) -> NekoError:
        """What ``error`` is to the user: anything but a ``NekoError`` is a defect of the engine."""
        if isinstance(error, NekoError):
            return error
        logger.error("%s broke", self.name, exc_info=error)
        return SpeechError(f"the voice broke: {type(error).__name__}", engine=self.name)


class Attempt:
    """One voice at one sentence.

    ``first``: its first piece for the listener, None when it is over without one, or what went wrong.
    ``first_sound_s``: how long its first sound took, None before.
    """

    def __init__(
        self, link: Link, utterance: Utterance, listener: Listener, owner: TaskOwner, clock: Callable[[], float]
    ) -> None:
        utterance = replace(utterance, voice=link.chained.settings(utterance.voice))
        self.link = link
        self.first_sound_s: float | None = None
        self.to_speaker = PcmStream(link.engine.capabilities.sample_rate)
        self._pieces: AsyncGenerator[bytes, None] = link.engine.synthesise(utterance, listener.through(self))
        self._asked = clock()
        self._clock = clock
        self.first = owner.spawn(self._first(), name="first sound")

    @property
    def fault(self) -> NekoError | None:
        """Why ``first``, which is over, holds no sound; None: there is some, or nothing was to be heard."""
        if self.first.cancelled():
            return SpeechError("the voice is closed", engine=self.link.name)
        outcome = self.first.result()
        return self.link.fault_of(outcome) if isinstance(outcome, Exception) else None

    def sounds(self) -> None:
        """There is sound. In any thread."""
        if self.first_sound_s is None:
            self.first_sound_s = self._clock() - self._asked

    async def first_piece(self) -> bytes | None:
        """``first``, raised where it is a fault."""
        await asyncio.wait([self.first])
        if (fault := self.fault) is not None:
            raise fault
        outcome = self.first.result()
        return None if isinstance(outcome, Exception) else outcome

    async def next_piece(self) -> bytes | None:
        """One after the first; None: there are no more."""
        return await anext(self._pieces, None)

    async def stop(self) -> None:
        """End its work; idempotent."""
        self.first.cancel()
        await asyncio.wait([self.first])
        with suppress(Exception):
            await self._pieces.aclose()

    async def _first(self) -> bytes | Exception | None:
        try:
            return await anext(self._pieces, None)
        except Exception as error:
            return error


class Listener:
    """Whoever hears one sentence: the first voice to sound is heard, others are told apart and thrown away.

    ``heard``: that voice, None before. ``broken``: it is the listener that failed.
    """

    def __init__(self, convert: Convert) -> None:
        self.heard: Attempt | None = None
        self.broken = False
        self._convert = convert
        self._choosing = threading.Lock()

    def through(self, attempt: Attempt) -> Convert:
        """What ``attempt`` gives its sound to. Called in its engine's thread."""

        def convert(pcm: bytes) -> bytes:
            if not pcm:
                return b""
            attempt.sounds()
            with self._choosing:
                self.heard = self.heard or attempt
            return self._give(attempt.to_speaker.process(pcm)) if self.heard is attempt else pcm

        return convert

    def finish(self, attempt: Attempt) -> bytes:
        """The rest of its sound."""
        return self._give(attempt.to_speaker.flush())

    def _give(self, pcm: bytes) -> bytes:
        try:
            return self._convert(pcm) if pcm else b""
        except Exception:
            self.broken = True
            raise
