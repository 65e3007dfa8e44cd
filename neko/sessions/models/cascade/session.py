"""A call with a model that takes text: it is given ears, and answers as it answers what is typed.

The model session inside does everything but hearing. What was heard comes as events of speech in the same channel; the
conversation sends the words back as an ordinary ``UserMessage``, with all that goes with one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from neko.audio.turn_taking.patience import Strategy
from neko.audio.voice_activity import VoiceDetector
from neko.errors import NekoError
from neko.sessions.models.cascade.listener import Listener
from neko.sessions.models.event_channel import EventChannel
from neko.tasks import TaskOwner, is_cancelled
from neko.types.hearing import HEARING_RATE, HearingEngine, HearingHints
from neko.types.model_session import (
    EndOfSpeech,
    HearOn,
    HoldToTalk,
    ModelCapabilities,
    ModelEvent,
    ModelInput,
    ModelSession,
    Playback,
    Prepare,
    SessionSetup,
    SoundToPlay,
    UserAudio,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ears:
    """What a call is heard with. ``detector`` is this call's own, ``engine`` is everybody's; ``executor`` judges voice
    activity."""

    engine: HearingEngine
    detector: VoiceDetector
    executor: Executor
    strategies: Sequence[Strategy] = ()


class CascadeSession:
    """``inner``, which emits into ``channel``, with ``ears``. Nothing is loaded before the first sound, unless the
    session is ``for_call``."""

    def __init__(
        self, inner: ModelSession, channel: EventChannel, ears: Ears, *, owner: TaskOwner, for_call: bool = False
    ) -> None:
        self.label = inner.label
        self._inner = inner
        self._channel = channel
        self._ears = ears
        self._owner = owner
        self._for_call = for_call
        self._hints = HearingHints()
        self._listener: Listener | None = None
        self._warming: asyncio.Task[None] | None = None

    @property
    def capabilities(self) -> ModelCapabilities:
        """Those of the model, and ears."""
        return replace(
            self._inner.capabilities,
            audio_input=True,
            input_rate=HEARING_RATE,
            turn_detection=True,
            transcription=True,
            hearing=self._ears.engine.capabilities,
        )

    async def open(self, setup: SessionSetup) -> None:
        """Open the model; the recogniser is loaded meanwhile and is not waited for."""
        names = tuple(filter(None, (setup.character, setup.master)))
        self._hints = HearingHints(setup.language, names)
        if self._for_call:
            self._listen()
        await self._inner.open(setup)
        if self._for_call:
            await self._inner.send(Prepare())

    async def send(self, item: ModelInput) -> None:
        """See ``ModelSession``; raises ``RuntimeError`` once the session is closed."""
        match item:
            case UserAudio(pcm, reduce_noise):
                self._listen().feed(pcm, reduce_noise=reduce_noise)
            case SoundToPlay() | Playback():
                if self._listener:
                    self._listener.tell(item)
            case HoldToTalk():
                self._listen().hold()
            case HearOn(before):
                if isinstance(before, CascadeSession) and before._listener:
                    self._listen().go_on_from(before._listener)
            case EndOfSpeech():
                if self._listener:
                    self._listener.end()
            case _:
                await self._inner.send(item)

    async def interrupt(self, reply_id: str, text: str, played_ms: int | None = None) -> None:
        await self._inner.interrupt(reply_id, text, played_ms)

    def events(self) -> AsyncIterator[ModelEvent]:
        return self._inner.events()

    async def aclose(self) -> None:
        if self._warming:
            self._warming.cancel()
        if self._listener:
            await self._listener.aclose()
        await self._inner.aclose()

    def _listen(self) -> Listener:
        if self._channel.closed:
            raise RuntimeError("the session is closed")
        if self._listener is None:
            ears = self._ears
            self._listener = Listener(
                ears.engine, ears.detector, ears.executor, ears.strategies, owner=self._owner, emit=self._channel.put
            )
            self._listener.hints = self._hints
            self._warming = self._owner.spawn(self._prewarm(), name="load the recogniser")
        return self._listener

    async def _prewarm(self) -> None:
        """A recogniser that cannot be had is told with the first words that it fails at."""
        try:
            await self._ears.engine.prewarm()
        except NekoError as error:
            logger.warning("the recogniser is not ready: %s", error)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
