"""The browser's own voice: the page speaks, the server only cuts sentences for it."""

from __future__ import annotations

from neko.audio.engines.silent import SilentEngine
from neko.types.speech import SpeechCapabilities


class BrowserVoice(SilentEngine):
    """Makes no sound here."""

    capabilities = SpeechCapabilities("browser", 48_000, local=True, on_page=True)
