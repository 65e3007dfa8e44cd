"""What the agent's model is asked, by language: data (``assets/prompts/agent``), read from disk once a language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from neko.settings.paths import ASSETS


@cache
def prompts(language: str) -> Mapping[str, str]:
    """``plan``, ``direct`` and ``replan`` for the planner, ``judge`` and ``summary`` for the analyzer, ``same`` for the
    deduper; ``again``: a pattern of words that want something done once more; ``language``: its own name."""
    path = ASSETS / "prompts" / "agent" / f"{language}.json"
    loaded: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
