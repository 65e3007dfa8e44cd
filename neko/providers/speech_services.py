"""The speech services that Neko knows: data (``assets/speech_services.json``), read from disk at the first call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from neko.settings.paths import ASSETS
from neko.settings.registry import EngineKind
from neko.types.speech import OfferedVoice


@dataclass(frozen=True, slots=True)
class SpeechService:
    """``url``: where it is, or is by default if it ``has_address`` that the user may change. ``provider``: whose key
    it takes, a key of the provider catalogue. ``languages``: codes, none for many. ``source``: where its voices and
    terms are told."""

    kind: EngineKind
    name: str
    url: str
    model: str
    provider: str
    has_address: bool
    licence: str
    languages: Sequence[str]
    source: str
    voices: Sequence[OfferedVoice]


@cache
def speech_services() -> Mapping[str, SpeechService]:
    """All by the kind of their engine."""
    data: dict[EngineKind, Any] = json.loads((ASSETS / "speech_services.json").read_text(encoding="utf-8"))
    return MappingProxyType({kind: _service(kind, entry) for kind, entry in data.items()})


def _service(kind: EngineKind, entry: Mapping[str, Any]) -> SpeechService:
    licence = entry["licence"]
    return SpeechService(
        kind,
        name=entry["name"],
        url=entry["url"],
        model=entry.get("model", ""),
        provider=entry.get("provider", ""),
        has_address=entry.get("has_address", False),
        licence=licence,
        languages=tuple(entry["languages"]),
        source=entry["source"],
        voices=tuple(
            OfferedVoice(name, kind=sound, language=language, licence=licence)
            for name, sound, language in entry.get("voices", ())
        ),
    )
