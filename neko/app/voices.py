"""The voices: which engine speaks, how each character sounds, a sample of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neko.app.models import Models
from neko.audio import engines
from neko.audio.engines import espeak
from neko.audio.engines.openai_speech import DEFAULT_MODEL
from neko.audio.speech_pipeline import say
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.providers.speech_server import SpeechServerChoice, speech_server_changes
from neko.sessions.dependencies import Voice
from neko.settings import CoreConfig
from neko.settings.in_force import change_of
from neko.settings.registry import SPEECH_ENGINE, VOICES, EngineKind
from neko.settings.unusable import tuning_number
from neko.types.speech import Utterance, VoiceKind, VoiceSettings


def builtin_voice_installed() -> bool:
    """Whether the built-in engine's library is installed. Blocks: it searches the disk."""
    return importlib.util.find_spec("espeakng_loader") is not None


def _slot(engine: EngineKind) -> str:
    """The key of a character's tuning that holds the name of her voice."""
    return "builtin_voice" if engine == "builtin" else "voice"


class Voices:
    """``neko.voices``. ``builtin_installed`` decides the engine where the user chose none."""

    def __init__(self, config: CoreConfig, models: Models, network: Network, *, builtin_installed: bool) -> None:
        self._config = config
        self._network = network
        self._models = models
        self._default_engine: EngineKind = "builtin" if builtin_installed else "browser"

    @property
    def engine(self) -> EngineKind:
        """The kind of engine in force."""
        return self._config.in_force.get(SPEECH_ENGINE) or self._default_engine

    @property
    def names(self) -> Mapping[str, VoiceKind]:
        """The voices to choose from, as far as those of the engine in force are known here."""
        return espeak.VOICES if self.engine == "builtin" else {}

    @property
    def choice(self) -> tuple[EngineKind, ModelEndpoint | None, Mapping[str, Any]]:
        """Everything that decides how the characters sound; it compares equal while nothing changed."""
        return self.engine, self._server(), self._config.in_force.get(VOICES)

    def of(self, character: str) -> Voice:
        """A new engine with the character's tuning; whoever gets it closes it."""
        kind = self.engine
        return Voice(kind, engines.build(kind, self._network, self._server()), self.tuning(character))

    def tuning(self, character: str) -> VoiceSettings:
        """Voice name, rate and pitch of a character."""
        tuning = self._config.in_force.get(VOICES).get(character)
        if not isinstance(tuning, Mapping):
            return VoiceSettings()
        own = (tuning.get(slot) for slot in (_slot(self.engine), "voice"))
        return VoiceSettings(
            voice=next((voice for voice in own if isinstance(voice, str)), ""),
            rate=tuning_number(tuning, "rate", 1.0),
            pitch=tuning_number(tuning, "pitch", 0.0),
        )

    def changes(
        self,
        character: str,
        *,
        engine: EngineKind | None = None,
        tuning: Mapping[str, Any] | None = None,
        server: SpeechServerChoice | None = None,
    ) -> dict[str, Any]:
        """What to merge into ``core_config.json`` for these wishes; what is left out stays.

        ``tuning`` holds any of ``voice``, ``rate`` and ``pitch`` of the character; the built-in engine has a place of
        its own for its voice, since no other knows it.
        """
        changes = speech_server_changes(server or SpeechServerChoice(), self._config.values)
        wished = {_slot(engine or self.engine) if name == "voice" else name: it for name, it in (tuning or {}).items()}
        own = {VOICES.name: {character: wished}}
        if engine:
            own |= change_of(SPEECH_ENGINE, engine)["neko"]
        return {**changes, "neko": own}

    async def sample(self, character: str, text: str, language: str) -> bytes:
        """A short text in a character's voice: PCM16 mono, 48 kHz. Raises ``SpeechError``."""
        voice = self.of(character)
        try:
            return await say(voice.engine, Utterance(text, language, voice.settings))
        finally:
            await voice.engine.aclose()

    def _server(self) -> ModelEndpoint | None:
        """Where ``/audio/speech`` is: the one configured for speech, else that of the chat model."""
        own = self._models.endpoint("tts_default")
        if own and own.base_url.startswith("http"):
            return own
        chat = self._models.endpoint("conversation")
        return replace(chat, role="tts_default", model=DEFAULT_MODEL) if chat else None
