"""No voice at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceSettings


class SilentEngine:
    """Makes no sound of any utterance."""

    capabilities = SpeechCapabilities("off", 48_000, local=True)

    async def prewarm(self, language: str = "") -> None:
        """There is nothing to warm."""

    def expect(self, voice: VoiceSettings) -> None:
        """Nobody has to be reached."""

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """No sound."""
        nothing: tuple[bytes, ...] = ()
        for piece in nothing:
            yield piece

    async def aclose(self) -> None:
        """There is nothing to free."""
