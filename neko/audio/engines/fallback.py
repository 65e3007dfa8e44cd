"""A chain of voices: when one cannot speak, the next does, at once, and the reason is told once.

A voice that failed rests and is tried again later, each time after a longer while; one that refused its key is
not asked any more until settings change, which builds a new chain. A voice that needs long to be reached is not waited
for: the next one says this sentence while reaching goes on. When the sound of a sentence breaks off after it has begun,
the rest of that sentence is left out: nothing is said twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from neko.audio.resample import SPEAKER_RATE, PcmStream
from neko.errors import NekoError, SpeechError, SpeechSilentError
from neko.tasks import TaskOwner, in_thread
from neko.types.speech import Convert, SpeechCapabilities, SpeechEngine, Utterance

logger = logging.getLogger(__name__)

REACH_S: Final = 0.6
"""How long reaching a voice may hold a sentence up."""
_FIRST_WAIT_S: Final = 3.0
_LONGEST_WAIT_S: Final = 8.0
"""For the first sound of a voice that has not spoken yet; each time in vain it is waited twice as long the next."""
_SHORTEST_WAIT_S: Final = 1.0
_TIMES_USUAL: Final = 4.0
"""Later the first sound is waited for so many times as long as it usually takes."""
_GAP_S: Final = 6.0
_FIRST_REST_S: Final = 10.0
_LONGEST_REST_S: Final = 300.0


class Standing(Enum):
    """What is known of a voice. ``NEW``: not reached yet. ``RESTING``: failed, tried again later. ``OUT``: in vain."""

    NEW = "new"
    READY = "ready"
    RESTING = "resting"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class ChainedVoice:
    """An engine and the name of its voice; None is the name that was asked for."""

    engine: SpeechEngine
    voice: str | None = None


@dataclass(slots=True, eq=False)
class _Link:
    """``fault``: why it does not speak. ``usual_s``: from asking to the first sound, None before it has spoken.

    ``reaching``: under way; ``held_up``: a sentence has waited for that.
    """

    engine: SpeechEngine
    voice: str | None
    standing: Standing = Standing.NEW
    rests_until: float = 0.0
    rest_s: float = _FIRST_REST_S
    usual_s: float | None = None
    first_wait_s: float = _FIRST_WAIT_S
    held_up: bool = False
    fault: NekoError | None = None
    reaching: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.engine.capabilities.name

    def may_speak(self, now: float) -> bool:
        if self.standing is Standing.RESTING and now >= self.rests_until:
            self.standing = Standing.NEW
        return self.standing in (Standing.NEW, Standing.READY)

    def failed(self, error: NekoError, now: float) -> None:
        self.fault = error
        if error.permanent:
            self.standing = Standing.OUT
            return
        self.standing, self.rests_until = Standing.RESTING, now + self.rest_s
        self.rest_s = min(_LONGEST_REST_S, 2 * self.rest_s)

    def spoke(self, first_sound_s: float) -> None:
        self.standing, self.rest_s, self.fault = Standing.READY, _FIRST_REST_S, None
        self.usual_s = first_sound_s if self.usual_s is None else max(first_sound_s, 0.7 * self.usual_s)

    @property
    def wait_s(self) -> float | None:
        if self.engine.capabilities.local:
            return None
        if self.usual_s is None:
            return self.first_wait_s
        return min(_LONGEST_WAIT_S, max(_SHORTEST_WAIT_S, _TIMES_USUAL * self.usual_s))


class FallbackEngine:
    """The first of ``voices`` is the chosen one; the last may be the page's own.

    What failed is raised by ``synthesise`` after another voice has said the sentence. ``clock``: monotonic seconds.
    """

    def __init__(
        self, voices: Sequence[ChainedVoice], *, clock: Callable[[], float] = time.monotonic, reach_s: float = REACH_S
    ) -> None:
        self._links = [_Link(voice.engine, voice.voice) for voice in voices]
        self._clock = clock
        self._reach_s = reach_s
        self._owner = TaskOwner("speech fallback")
        self._untold: NekoError | None = None
        self._closed = False

    @property
    def capabilities(self) -> SpeechCapabilities:
        """Those of the voice whose turn it is, at the chain's own rate."""
        link = self._next()
        own = (link or self._links[0]).engine.capabilities
        return replace(own, sample_rate=SPEAKER_RATE)

    @property
    def standings(self) -> Sequence[tuple[str, Standing]]:
        """Each voice by the name of its engine, in order."""
        return [(link.name, link.standing) for link in self._links]

    async def prewarm(self, language: str = "") -> None:
        """Reach the chosen voice; when it cannot be, warm the next that can and raise why."""
        if self._closed:
            raise self._closed_error()
        passed_over: list[_Link] = []
        while (link := self._next(passed_over)) is not None and not link.engine.capabilities.on_page:
            await asyncio.shield(self._reach(link, language))
            if link.standing is Standing.READY:
                break
            passed_over.append(link)
        self._tell()

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``.

        Raises the fault of a voice that failed in this sentence after the next one has said it, and why there is no
        sound if none could.
        """
        if self._closed:
            raise self._closed_error()
        listener = _Listener(convert)
        passed_over: list[_Link] = []
        while (link := self._next(passed_over)) is not None and not link.engine.capabilities.on_page:
            try:
                if not await self._is_reached(link, utterance.language):
                    passed_over.append(link)
                    continue
                async with aclosing(self._speak(link, utterance, listener)) as pieces:
                    async for piece in pieces:
                        yield piece
                break
            except NekoError as error:
                if self._closed or listener.broken:
                    raise
                self._give_way(link, error)
                passed_over.append(link)
                if listener.heard:
                    break
        if link is None and self._untold is None and not self._closed:
            self._untold = next((one.fault for one in self._links if one.fault), None)
        self._tell()

    async def aclose(self) -> None:
        """Close every voice."""
        self._closed = True
        await self._owner.aclose()
        for link in self._links:
            await link.engine.aclose()

    def _next(self, passed_over: Sequence[_Link] = ()) -> _Link | None:
        """Who speaks now; where nobody else can, one that rests is tried all the same."""
        now = self._clock()
        left = [link for link in self._links if link not in passed_over]
        ready = (link for link in left if link.may_speak(now))
        return next(ready, next((link for link in left if link.standing is Standing.RESTING), None))

    def _give_way(self, link: _Link, error: NekoError) -> None:
        logger.warning("%s gives way: %s", link.name, error)
        link.failed(error, self._clock())
        self._untold = self._untold or error

    def _tell(self) -> None:
        """Raise what nobody has been told yet."""
        if self._untold is not None and not self._closed:
            untold, self._untold = self._untold, None
            raise untold

    # ── one voice ─────────────────────────────────────────────────────────────

    async def _is_reached(self, link: _Link, language: str) -> bool:
        """Whether it can be asked by now."""
        is_local = link.engine.capabilities.local
        if link.standing is not Standing.READY and (is_local or not link.held_up):
            reaching = self._reach(link, language)
            link.held_up = True
            await asyncio.wait([reaching], timeout=None if is_local else self._reach_s)
        return link.standing is Standing.READY

    def _reach(self, link: _Link, language: str) -> asyncio.Task[None]:
        if link.reaching is None or link.reaching.done():
            link.reaching = self._owner.spawn(self._reached(link, language), name="reach")
        return link.reaching

    async def _reached(self, link: _Link, language: str) -> None:
        try:
            await link.engine.prewarm(language)
            link.standing = Standing.READY
        except NekoError as error:
            self._give_way(link, error)
        except Exception as error:
            logger.exception("%s could not be reached", link.name)
            self._give_way(link, SpeechError(f"the voice broke: {type(error).__name__}", engine=link.name))
        finally:
            link.held_up = False

    async def _speak(self, link: _Link, utterance: Utterance, listener: _Listener) -> AsyncGenerator[bytes, None]:
        voice = utterance.voice if link.voice is None else replace(utterance.voice, voice=link.voice)
        to_speaker = PcmStream(link.engine.capabilities.sample_rate)
        asked, first_s = self._clock(), None
        sound = link.engine.synthesise(replace(utterance, voice=voice), listener.through(to_speaker))
        async with aclosing(sound) as pieces:
            while True:
                try:
                    async with asyncio.timeout(_GAP_S if listener.heard else link.wait_s):
                        piece = await anext(pieces, None)
                except TimeoutError:
                    link.first_wait_s = min(_LONGEST_WAIT_S, 2 * link.first_wait_s)
                    raise SpeechSilentError("no sound in time", engine=link.name) from None
                if piece is None:
                    break
                if first_s is None:
                    first_s = self._clock() - asked
                yield piece
        if rest := await in_thread(listener.finish, to_speaker):
            yield rest
        if not self._closed:
            link.spoke(0.0 if first_s is None else first_s)

    def _closed_error(self) -> SpeechError:
        return SpeechError("the voice is closed", engine=self._links[0].name)


class _Listener:
    """Whoever hears one sentence. ``heard``: some of it was made. ``broken``: it is the listener that failed."""

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        self.heard = False
        self.broken = False

    def through(self, stream: PcmStream) -> Convert:
        def convert(pcm: bytes) -> bytes:
            self.heard = self.heard or bool(pcm)
            return self._give(stream.process(pcm))

        return convert

    def finish(self, stream: PcmStream) -> bytes:
        return self._give(stream.flush())

    def _give(self, pcm: bytes) -> bytes:
        try:
            return self._convert(pcm) if pcm else b""
        except Exception:
            self.broken = True
            raise
