"""Speech engines: one interface (``types.SpeechEngine``), one file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from neko.audio.engines.browser import BrowserVoice
from neko.audio.engines.by_script import BuiltinVoice
from neko.audio.engines.cogtts import CogTTS
from neko.audio.engines.cosyvoice import CosyVoiceCloud, LocalCosyVoice
from neko.audio.engines.edge import EdgeSpeech
from neko.audio.engines.gemini_speech import GeminiSpeech
from neko.audio.engines.gpt_sovits import GPTSoVITS
from neko.audio.engines.openai_speech import OpenAISpeech
from neko.audio.engines.qwen_speech import QwenSpeech
from neko.audio.engines.service import SpeechServer
from neko.audio.engines.silent import SilentEngine
from neko.audio.engines.step_speech import FreeSpeech, StepSpeech
from neko.audio.engines.voicevox import Voicevox
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.settings.registry import ENGINE_KINDS
from neko.types.speech import SpeechEngine, VoiceSettings

KINDS = ENGINE_KINDS
BuildService = Callable[[SpeechServer, Network, VoiceSettings | None], SpeechEngine]
SERVICES: Final[Mapping[str, BuildService]] = {
    "gptsovits": GPTSoVITS,
    "cosyvoice": LocalCosyVoice,
    "voicevox": Voicevox,
    "edge": EdgeSpeech,
    "gemini": GeminiSpeech,
    "step": StepSpeech,
    "free": FreeSpeech,
    "cogtts": CogTTS,
    "qwen": QwenSpeech,
    "cosyvoice_cloud": CosyVoiceCloud,
}
"""Those that speak through a ``SpeechServer``, by kind."""


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
        return SERVICES[kind](where, network, voice)
    return BrowserVoice() if kind == "browser" else SilentEngine()
