"""Speech engines: one interface (``types.SpeechEngine``), one file each."""

from __future__ import annotations

from neko.audio.engines.browser import BrowserVoice
from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.openai_speech import OpenAISpeech
from neko.audio.engines.silent import SilentEngine
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.settings.registry import ENGINE_KINDS
from neko.types.speech import SpeechEngine

KINDS = ENGINE_KINDS


def build(kind: str, network: Network, endpoint: ModelEndpoint | None = None) -> SpeechEngine:
    """The engine of a kind; ``endpoint`` is where "openai" speaks. An unknown kind is silent."""
    if kind == "builtin":
        return EspeakEngine()
    if kind == "openai" and endpoint is not None:
        return OpenAISpeech(endpoint, network)
    return BrowserVoice() if kind == "browser" else SilentEngine()
