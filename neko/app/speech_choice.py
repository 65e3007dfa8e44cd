"""Which engine speaks and where it is, from the settings; pure.

Without a choice of ours, what the keys of N.E.K.O. mean counts (``contract/tts.md`` §2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from neko.audio.engines.service import SpeechServer
from neko.audio.engines.voice_cloning import engine_of
from neko.providers.catalogue import catalogue
from neko.providers.resolution import key_for
from neko.providers.speech_services import SpeechService, speech_services
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import (
    CORE_API,
    ENABLE_CUSTOM_API,
    OFFLINE,
    ROLE_SETTINGS,
    SPEECH_ADDRESSES,
    SPEECH_ENGINE,
    TTS_VOICE_ID,
    EngineKind,
)

_OF_CORE: Final[Mapping[str, EngineKind]] = {
    "free": "free",
    "step": "step",
    "glm": "cogtts",
    "qwen": "qwen",
    "gemini": "gemini",
    "openai": "openai",
}
OF_ADDRESS: Final = ("gptsovits", "cosyvoice")
"""Engines that are a server of the user's own."""
_SWITCHED_OFF: Final = "__gptsovits_disabled__"
"""How N.E.K.O.'s page of keys begins a voice that it remembers and does not use."""


class SpeechChoice:
    """One reading of ``settings`` and the environment."""

    def __init__(self, settings: SettingsInForce, values: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._values = values
        self._environ = environ

    def kind(self, card_voice: str, default: EngineKind) -> EngineKind:
        """The engine of a character; ``card_voice`` is what her card calls her voice."""
        return self._settings.get(SPEECH_ENGINE) or self._of_contract(card_voice) or default

    def voice(self, kind: EngineKind, card_voice: str) -> str:
        """The voice that N.E.K.O.'s keys name for an engine, empty where they name none."""
        if kind in ("free", "cosyvoice_cloud") or (kind == "qwen" and engine_of(card_voice) == kind):
            return card_voice
        if kind == "cosyvoice" and card_voice and not engine_of(card_voice):
            return card_voice
        named = self._settings.get(TTS_VOICE_ID)
        wanted = kind in OF_ADDRESS and self._settings.get(ENABLE_CUSTOM_API)
        return named if wanted and not named.startswith(_SWITCHED_OFF) else ""

    def server(self, kind: str) -> SpeechServer | None:
        """Where an engine is; None for one that is no service, or whose key is missing."""
        service = speech_services().get(kind)
        if service is None:
            return None
        key = self.key(service)
        if service.provider and not key:
            return None
        return SpeechServer(service.name, self.address(service), service.model, key)

    def has_own_address(self, kind: EngineKind) -> bool:
        """Whether the user told where an engine is."""
        return bool(self._settings.get(SPEECH_ADDRESSES).get(kind))

    def address(self, service: SpeechService) -> str:
        """The address that the user gave it, else its usual one."""
        if not service.has_address:
            return service.url
        own = self._settings.get(SPEECH_ADDRESSES).get(service.kind)
        if isinstance(own, str) and own:
            return own
        url = self._custom_url()
        is_its_own = service.kind in OF_ADDRESS and self._settings.get(SPEECH_ENGINE) is None
        return url if url and is_its_own and self._of_url(url) == service.kind else service.url

    def key(self, service: SpeechService) -> str:
        """The key that may be sent to it."""
        if not service.provider or self._settings.get(OFFLINE):
            return ""
        return key_for(catalogue().assist[service.provider], self._values, self._environ)

    def _of_contract(self, card_voice: str) -> EngineKind | None:
        if self._settings.get(OFFLINE):
            return None
        if url := self._custom_url():
            return self._of_url(url)
        core: EngineKind | None = _OF_CORE.get(self._settings.get(CORE_API))
        if engine_of(card_voice) == "qwen" and self.server("qwen"):
            return "qwen"
        if card_voice and card_voice not in catalogue().free_voices.values() and self.server("cosyvoice_cloud"):
            return "cosyvoice_cloud"
        if core == "openai":
            return core if key_for(catalogue().assist["openai"], self._values, self._environ) else None
        return core if core and self.server(core) else None

    def _custom_url(self) -> str:
        """The speech server of N.E.K.O.'s keys, if it is switched on."""
        url, model, _ = (self._settings.get(setting) for setting in ROLE_SETTINGS["tts"])
        is_off = self._settings.get(TTS_VOICE_ID).startswith(_SWITCHED_OFF)
        return url if self._settings.get(ENABLE_CUSTOM_API) and url and model and not is_off else ""

    @staticmethod
    def _of_url(url: str) -> EngineKind:
        return "gptsovits" if urlsplit(url).scheme.lower() in ("http", "https") else "cosyvoice"
