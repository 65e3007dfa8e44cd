"""The built-in voice: the best engine on this computer for each sentence, by the language that it is in.

espeak-ng speaks every language that has no better one installed, and in place of whatever does not work or is not
ready in time. Words in the script of another language are spoken by that language's engine.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from neko.audio.engines import espeak
from neko.audio.engines.local_voices import MODELS
from neko.audio.engines.model_voice import ModelVoice, SpeechModel
from neko.audio.resample import SPEAKER_RATE, PcmStream
from neko.audio.scripts import primary, runs
from neko.errors import SpeechError
from neko.speech_errors import LocalVoiceError
from neko.tasks import in_thread
from neko.types.speech import Convert, SpeechCapabilities, SpeechEngine, Utterance, VoiceSettings

logger = logging.getLogger(__name__)

_FIRST_PATIENCE_S: Final = 2.5
"""How long a slow model gets for the first sound of a reply."""
_LONGEST_GAP_S: Final = 0.5
"""How much longer than the sound that is being heard it may take to the next."""
_SHORTEST_PATIENCE_S: Final = 1.0
_LONGEST_PATIENCE_S: Final = 4.0
_FIRST_REST_S: Final = 10.0
_LONGEST_REST_S: Final = 300.0
"""A model that was too slow is left alone for a while, each time for longer."""
_BYTES_PER_SECOND: Final = 2 * SPEAKER_RATE


@dataclass(slots=True)
class _Part:
    """One of the engines; espeak-ng has no ``model``.

    ``broken``: it does not load, and is left alone. ``late``: how often in a row it was too slow.
    """

    engine: SpeechEngine
    model: SpeechModel | None = None
    broken: bool = False
    late: int = 0
    rests_until: float = 0.0

    @property
    def slow(self) -> bool:
        return self.model is not None and self.model.slow

    def was_late(self, now: float) -> None:
        self.rests_until = now + min(_LONGEST_REST_S, _FIRST_REST_S * 2**self.late)
        self.late += 1

    def speaks(self, language: str) -> bool:
        return self.model is None or primary(language) in self.model.languages


class BuiltinVoice:
    """A ``SpeechEngine`` over the local ones, which are looked for, made and loaded when they are first needed.

    ``models``: what there may be beside espeak-ng, the best first. Sound is at the listener's rate, whatever the
    part's. ``VoiceSettings.voice`` may be a voice of any part: one of espeak-ng's has it speak everything.
    """

    def __init__(
        self, models: Sequence[SpeechModel] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.capabilities = SpeechCapabilities("builtin", SPEAKER_RATE, local=True)
        self._models = [model() for model in MODELS] if models is None else models
        self._parts = [_Part(espeak.EspeakEngine())]
        self._clock = clock
        self._looked = False
        self._looking = asyncio.Lock()
        self._closed = False
        self._heard_until = 0.0

    async def prewarm(self, language: str = "") -> None:
        """Load what speaks ``language``; raises the ``SpeechError`` of a part that does not work, once another does."""
        failure: SpeechError | None = None
        for part in await self._order(language or "en"):
            try:
                await part.engine.prewarm(language)
            except SpeechError as error:
                failure = self._failed(part, error)
            else:
                if not part.slow:
                    break
        if failure:
            raise failure

    def expect(self, voice: VoiceSettings) -> None:
        """Nobody has to be reached."""

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``; that a part does not work is raised when another has spoken in its place."""
        failures: list[SpeechError] = []
        whole = False
        try:
            for piece in await self._pieces(utterance):
                async with aclosing(self._piece(piece, convert, failures)) as sound:
                    async for converted in sound:
                        yield converted
            whole = True
        finally:
            if not whole:
                self._heard_until = 0.0
        if failures and not self._closed:
            raise failures[0]

    async def aclose(self) -> None:
        """Close every part; what they loaded belongs to the process."""
        self._closed = True
        for part in self._parts:
            await part.engine.aclose()

    # ── who speaks ────────────────────────────────────────────────────────────

    async def _order(self, language: str, voice: str = "") -> list[_Part]:
        """The parts that may say something in ``language``, the best first."""
        if self._closed:
            raise SpeechError("the voice is closed", engine="builtin")
        async with self._looking:
            if not self._looked:
                for model in await in_thread(_installed, self._models):
                    self._parts.insert(-1, _Part(ModelVoice(model), model))
                self._looked = True
        if voice in espeak.VOICES:
            return self._parts[-1:]
        now = self._clock()
        parts = (part for part in self._parts if part.speaks(language) and not part.broken)
        return [part for part in parts if part.rests_until <= now]

    async def _pieces(self, utterance: Utterance) -> list[Utterance]:
        """``utterance`` cut where another engine has to speak; espeak-ng cuts for itself."""
        main = (await self._order(utterance.language, utterance.voice.voice))[0].model
        if main is None:
            return [utterance]
        pieces: list[Utterance] = []
        for text, language in runs(utterance.text, utterance.language):
            own = utterance.language if primary(language) in main.reads else language
            if pieces and pieces[-1].language == own:
                pieces[-1] = replace(pieces[-1], text=pieces[-1].text + text)
            else:
                pieces.append(replace(utterance, text=text, language=own))
        return pieces

    def _failed(self, part: _Part, error: SpeechError) -> SpeechError:
        """What to tell of a part: a model that does not load has been told, and another speaks."""
        name = part.engine.capabilities.name
        logger.warning("the voice %s: %s", name, error)
        part.broken = part.model is not None and isinstance(error, LocalVoiceError)
        return error if part.model is None else LocalVoiceError(str(error), engine=name)

    # ── sound ─────────────────────────────────────────────────────────────────

    async def _piece(
        self, utterance: Utterance, convert: Convert, failures: list[SpeechError]
    ) -> AsyncGenerator[bytes, None]:
        """The sound of the first part that has any; adds to ``failures``. Raises what the last part does."""
        for part in await self._order(utterance.language, utterance.voice.voice):
            begun = False
            try:
                async with aclosing(self._sound(part, utterance, convert)) as sound:
                    async for converted in sound:
                        begun, part.late = True, 0
                        yield converted
                return
            except TimeoutError:
                logger.info("%s is not ready in time", part.engine.capabilities.name)
                part.was_late(self._clock())
            except SpeechError as error:
                if begun or part.model is None or self._closed:
                    raise
                failures.append(self._failed(part, error))

    async def _sound(self, part: _Part, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """Raises ``TimeoutError`` when a slow part has nothing before the sound made ahead has been heard."""
        stream = PcmStream(part.engine.capabilities.sample_rate)

        def at_listeners_rate(pcm: bytes) -> bytes:
            return self._ahead(stream.process(pcm), convert)

        async with aclosing(part.engine.synthesise(utterance, at_listeners_rate)) as pieces:
            async with asyncio.timeout(self._patience_s() if part.slow else None):
                piece = await anext(pieces, None)
            while piece is not None:
                yield piece
                piece = await anext(pieces, None)
        if rest := await in_thread(lambda: self._ahead(stream.flush(), convert)):
            yield rest

    def _ahead(self, sound: bytes, convert: Convert) -> bytes:
        """Convert ``sound``, which will be heard after all that was made before."""
        self._heard_until = max(self._heard_until, self._clock()) + len(sound) / _BYTES_PER_SECOND
        return convert(sound)

    def _patience_s(self) -> float:
        """Seconds until the listener has heard everything that was made, and a pause."""
        left = self._heard_until - self._clock()
        if left <= 0:
            return _FIRST_PATIENCE_S
        return min(_LONGEST_PATIENCE_S, max(_SHORTEST_PATIENCE_S, left + _LONGEST_GAP_S))


def _installed(models: Sequence[SpeechModel]) -> list[SpeechModel]:
    return [model for model in models if model.installed()]
