"""The fixed sentences that a language model is given: data (``assets/prompts``), read from disk once a language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from neko.settings.paths import ASSETS


@cache
def phrases(language: str) -> Mapping[str, str]:
    """The sentences of a prompt in one language."""
    loaded: Mapping[str, str] = json.loads((ASSETS / "prompts" / f"{language}.json").read_text(encoding="utf-8"))
    return loaded
