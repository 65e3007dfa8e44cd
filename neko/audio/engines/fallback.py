"""A chain of voices: when one cannot speak, the next does within a second, and the reason is told once.

A voice that has no sound after ``HEDGE_S`` is not given up: the next begins the same sentence, and whichever sounds
first says it. Of the one that was too late the first sound is still waited for, unheard, since the next sentences wait
for a slow voice as long as it usually takes. It is asked nothing more before that. A voice that has been silent is
asked again beside the next one, so that it holds up one sentence and no second.

A voice that failed rests and is tried again later, each time after a longer while; one that refused its key is not
asked any more until settings change, which builds a new chain. When the sound of a sentence breaks off after it has
begun, the rest of that sentence is left out: nothing is said twice.

Within one reply the voice changes once at most: who gave way speaks again in the next one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from neko.audio.engines.chained_voice import HEDGE_S, Attempt, ChainedVoice, Link, Listener, Standing
from neko.audio.resample import SPEAKER_RATE
from neko.errors import NekoError, SpeechError
from neko.speech_errors import SpeechSilentError
from neko.tasks import TaskOwner, in_thread
from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceSettings

logger = logging.getLogger(__name__)

_LONGEST_WAIT_S: Final = 8.0
"""For the first sound where nobody else can speak."""
_GAP_S: Final = 6.0
"""For the next sound once there was some."""


class FallbackEngine:
    """The first of ``voices`` is the chosen one; the last may be the page's own.

    What failed is raised by ``synthesise`` after another voice has said the sentence. ``clock``: monotonic seconds.
    """

    def __init__(
        self, voices: Sequence[ChainedVoice], *, clock: Callable[[], float] = time.monotonic, hedge_s: float = HEDGE_S
    ) -> None:
        self._links = [Link(voice) for voice in voices]
        self._clock = clock
        self._hedge_s = hedge_s
        self._owner = TaskOwner("speech fallback")
        self._untold: NekoError | None = None
        self._reply = ""
        self._gave_way: list[Link] = []
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
        """Warm the chosen voice; when it cannot be, warm the next that can and raise why."""
        if self._closed:
            raise self._closed_error()
        passed_over: list[Link] = []
        while (link := self._next(passed_over)) is not None and not link.is_on_page:
            try:
                await link.engine.prewarm(language)
                break
            except Exception as error:
                fault = link.fault_of(error)
                link.failed(fault, self._clock())
                self._give_way(link, fault, passed_over)
        self._tell()

    def expect(self, voice: VoiceSettings) -> None:
        """Whoever speaks next connects."""
        if not self._closed and (link := self._next()) is not None:
            link.engine.expect(link.chained.settings(voice))

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``.

        Raises the fault of a voice that failed in this sentence after the next one has said it, and why there is no
        sound if none could.
        """
        if self._closed:
            raise self._closed_error()
        listener, race = Listener(convert), list[Attempt]()
        gave_way = self._those_who_gave_way(utterance.reply)
        try:
            speaker = await self._first_to_sound(utterance, listener, race, gave_way)
            if speaker is not None:
                async with aclosing(self._pieces(speaker)) as pieces:
                    async for piece in pieces:
                        yield piece
                if rest := await in_thread(listener.finish, speaker):
                    yield rest
                if not self._closed:
                    speaker.link.spoke(speaker.first_sound_s)
            elif self._untold is None:
                self._untold = next((link.fault for link in self._links if link.fault), None)
        except NekoError as error:
            if self._closed or listener.broken or listener.heard is None:
                raise
            link = listener.heard.link
            link.failed(error, self._clock())
            self._give_way(link, error, gave_way)
        finally:
            for attempt in race:
                await attempt.stop()
        self._tell()

    async def aclose(self) -> None:
        """Close every voice."""
        self._closed = True
        await self._owner.aclose()
        for link in self._links:
            await link.engine.aclose()

    # ── who speaks ────────────────────────────────────────────────────────────

    def _next(self, passed_over: Sequence[Link] = ()) -> Link | None:
        """Who speaks now; where nobody else can, one that rests is tried all the same."""
        now = self._clock()
        left = [link for link in self._links if link not in passed_over]
        ready = (link for link in left if link.may_speak(now))
        return next(ready, next((link for link in left if link.standing is Standing.RESTING), None))

    def _those_who_gave_way(self, reply: str) -> list[Link]:
        """Who is not asked in this reply any more; nobody, where no other voice here could speak."""
        if not reply or reply != self._reply:
            self._reply, self._gave_way = reply, []
        other = self._next(self._gave_way)
        if other is None or other.is_on_page:
            self._gave_way.clear()
        return self._gave_way

    def _give_way(self, link: Link, error: NekoError, gave_way: list[Link]) -> None:
        logger.warning("%s gives way: %s", link.name, error)
        gave_way.append(link)
        self._untold = self._untold or error

    def _tell(self) -> None:
        """Raise what nobody has been told yet."""
        if self._untold is not None and not self._closed:
            untold, self._untold = self._untold, None
            raise untold

    # ── one sentence ──────────────────────────────────────────────────────────

    async def _first_to_sound(
        self, utterance: Utterance, listener: Listener, race: list[Attempt], gave_way: list[Link]
    ) -> Attempt | None:
        """Who is heard, or the first to be over without a sound; None when nobody here speaks.

        It alone is left in ``race`` then. Who failed or was late is added to ``gave_way``.
        """
        speaker: Attempt | None = None
        while speaker is None:
            following = self._next([*gave_way, *(attempt.link for attempt in race)])
            if following is not None and following.is_on_page:
                following = None
            if not race:
                if following is None:
                    return None
                race.append(self._ask(following, utterance, listener))
                continue
            patience_s = self._patience_s(race[-1].link, nobody_else=following is None)
            firsts = [attempt.first for attempt in race]
            await asyncio.wait(firsts, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            over = next((attempt for attempt in race if attempt.first.done()), None)
            if listener.heard is not None:
                speaker = listener.heard
            elif over is not None:
                if (fault := over.fault) is None:
                    speaker = over
                elif self._closed:
                    raise fault
                else:
                    race.remove(over)
                    over.link.failed(fault, self._clock())
                    self._give_way(over.link, fault, gave_way)
            elif following is not None:
                race.append(self._ask(following, utterance, listener))
            else:
                break
        await self._end_race(race, speaker, gave_way)
        return speaker

    def _ask(self, link: Link, utterance: Utterance, listener: Listener) -> Attempt:
        return Attempt(link, utterance, listener, self._owner, self._clock)

    def _patience_s(self, link: Link, *, nobody_else: bool) -> float | None:
        """How long the first sound of the voice that was asked last is waited for; None: until it is over."""
        hedge_s = link.hedge_s(self._hedge_s)
        on_page = self._links[-1].is_on_page
        return _LONGEST_WAIT_S if nobody_else and not on_page and hedge_s is not None else hedge_s

    async def _end_race(self, race: list[Attempt], speaker: Attempt | None, gave_way: list[Link]) -> None:
        """Leave ``speaker`` alone in it: who was asked before was too late, who was asked after is not needed."""
        came_before = speaker is None or race[0] is not speaker
        for attempt in [attempt for attempt in race if attempt is not speaker]:
            race.remove(attempt)
            if came_before and not attempt.link.is_local:
                error = SpeechSilentError("no sound in time", engine=attempt.link.name)
                attempt.link.is_late(error)
                self._give_way(attempt.link, error, gave_way)
                self._owner.spawn(self._hear_out(attempt), name="late voice")
            else:
                await attempt.stop()

    async def _hear_out(self, attempt: Attempt) -> None:
        """Learn how long the first sound of a voice takes that was too late for its sentence, or why it has none."""
        link = attempt.link
        try:
            await asyncio.wait([attempt.first])
            if (fault := attempt.fault) is None:
                link.spoke(attempt.first_sound_s)
            else:
                link.failed(fault, self._clock())
                if not isinstance(fault, SpeechSilentError):
                    self._untold = self._untold or fault
        finally:
            await attempt.stop()

    async def _pieces(self, attempt: Attempt) -> AsyncGenerator[bytes, None]:
        """All of its sound; raises ``SpeechError`` when it falls silent."""
        link, next_piece = attempt.link, attempt.first_piece
        try:
            while True:
                async with asyncio.timeout(_GAP_S):
                    piece = await next_piece()
                if piece is None:
                    return
                yield piece
                next_piece = attempt.next_piece
        except TimeoutError:
            raise SpeechSilentError("no more sound in time", engine=link.name) from None
        except NekoError:
            raise
        except Exception as error:
            raise link.fault_of(error) from error

    def _closed_error(self) -> SpeechError:
        return SpeechError("the voice is closed", engine=self._links[0].name)
