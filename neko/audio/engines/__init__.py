"""Speech engines: one interface (``types.SpeechEngine``), one file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from neko.audio.engines.browser import BrowserVoice
from neko.audio.engines.by_script import BuiltinVoice
from neko.audio.engines.openai_speech import OpenAISpeech
from neko.audio.engines.service import SpeechServer
from neko.audio.engines.silent import SilentEngine
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.settings.registry import ENGINE_KINDS
from neko.types.speech import SpeechEngine, VoiceSettings

KINDS = ENGINE_KINDS
BuildService = Callable[[SpeechServer, Network, VoiceSettings | None], SpeechEngine]
_HOMES: Final[Mapping[str, tuple[str, str]]] = {
    "gptsovits": ("gpt_sovits", "GPTSoVITS"),
    "cosyvoice": ("cosyvoice", "LocalCosyVoice"),
    "voicevox": ("voicevox", "Voicevox"),
    "edge": ("edge", "EdgeSpeech"),
    "gemini": ("gemini_speech", "GeminiSpeech"),
    "step": ("step_speech", "StepSpeech"),
    "free": ("step_speech", "FreeSpeech"),
    "cogtts": ("cogtts", "CogTTS"),
    "qwen": ("qwen_speech", "QwenSpeech"),
    "cosyvoice_cloud": ("cosyvoice", "CosyVoiceCloud"),
}
SERVICES: Final = _HOMES.keys()
"""The kinds that speak through a ``SpeechServer``."""


def service(kind: str) -> BuildService:
    """What makes the engine of one of ``SERVICES``; it is loaded now, since hardly anybody has more than one."""
    module, name = _HOMES[kind]
    made: BuildService = getattr(import_module(f"{__name__}.{module}"), name)
    return made


def build(
    kind: str,
    network: Network,
    where: ModelEndpoint | SpeechServer | None = None,
    voice: VoiceSettings | None = None,
) -> SpeechEngine:
    """The engine of a kind; ``where`` a service is, ``voice`` what it will speak with first.

    An unknown kind is silent, and so is a service that is nowhere.
    """
    if kind == "builtin":
        return BuiltinVoice()
    if kind == "openai" and isinstance(where, ModelEndpoint):
        return OpenAISpeech(where, network)
    if kind in SERVICES and isinstance(where, SpeechServer):
        return service(kind)(where, network, voice)
    return BrowserVoice() if kind == "browser" else SilentEngine()
