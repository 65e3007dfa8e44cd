"""A speech engine that says a tone, in pieces, as its script tells it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from neko.errors import SpeechError
from neko.tasks import in_thread
from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceSettings
from tests.scripted_provider import tone

PIECE = 0.1
"""Seconds of sound a piece."""


@dataclass(frozen=True, slots=True)
class SpokenScript:
    """How one utterance goes. ``*_after`` counts pieces given before it happens.

    ``pieces`` is one for ten characters unless it is given.
    ``stall_after`` waits for ``release`` or the end of the engine; ``fail_after`` raises ``error``.
    """

    pieces: int | None = None
    stall_after: int | None = None
    fail_after: int | None = None
    error: Exception | None = None


class ScriptedSpeech:
    """Each utterance takes the next script, or the default.

    ``running`` counts the utterances not yet over, ``pieces`` the pieces of sound made.
    """

    def __init__(self, rate: int = 24_000, *, default: SpokenScript | None = None) -> None:
        self.capabilities = SpeechCapabilities("scripted", rate, local=True)
        self.utterances: list[Utterance] = []
        self.expected: list[VoiceSettings] = []
        self.prewarmed = 0
        self.running = 0
        self.pieces = 0
        self.stalled = asyncio.Event()
        self._default = default or SpokenScript()
        self._scripts: deque[SpokenScript] = deque()
        self._go_on = asyncio.Event()
        self._changed = asyncio.Event()
        self._closed = False

    def script(self, *scripts: SpokenScript) -> None:
        self._scripts.extend(scripts)

    def release(self) -> None:
        """Let every stalled utterance go on."""
        self._go_on.set()

    def hold(self) -> None:
        """Let those that stall from now on wait again."""
        self._go_on.clear()

    async def until(self, condition: Callable[[], bool], seconds: float = 15.0) -> None:
        """Wait for something that holds after an utterance began, made a piece or ended."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    @property
    def texts(self) -> list[str]:
        return [utterance.text for utterance in self.utterances]

    async def prewarm(self, language: str = "") -> None:
        self._check()
        self.prewarmed += 1

    def expect(self, voice: VoiceSettings) -> None:
        self.expected.append(voice)
        self._changed.set()

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        self._check()
        self.utterances.append(utterance)
        script = self._scripts.popleft() if self._scripts else self._default
        pcm = tone(PIECE, rate=self.capabilities.sample_rate)
        self.running += 1
        self._changed.set()
        try:
            for number in range(script.pieces or 1 + len(utterance.text) // 10):
                if number == script.stall_after:
                    self.stalled.set()
                    await self._go_on.wait()
                if self._closed:
                    return
                if number == script.fail_after:
                    raise script.error or SpeechError("scripted failure", engine="scripted")
                piece = await self._convert(convert, pcm)
                self.pieces += 1
                self._changed.set()
                yield piece
        finally:
            self.running -= 1
            self._changed.set()

    async def aclose(self) -> None:
        self._closed = True
        self._go_on.set()

    async def _convert(self, convert: Convert, pcm: bytes) -> bytes:
        try:
            return await in_thread(convert, pcm)
        except Exception as error:
            raise SpeechError(f"conversion failed: {error!r}", engine="scripted") from error

    def _check(self) -> None:
        if self._closed:
            raise SpeechError("the voice is closed", engine="scripted")
