"""The provider catalogue: data (``assets/providers.json``), read from disk at the first call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from neko.settings.paths import ASSETS

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AssistProvider:
    """An OpenAI-compatible HTTP provider. ``models`` maps a role to its default model.

    ``key_field`` is the key of ``core_config.json`` that holds its key; providers of one ``company`` take the same
    keys. ``group`` is where the page shows it. ``custom`` and ``local`` are tiles of the page without an address of
    their own. ``checked`` is the month in which somebody compared the entry with what the provider says.
    """

    key: str
    company: str
    name: str
    description: str
    base_url: str
    models: Mapping[str, str]
    key_field: str = ""
    needs_key: bool = True
    site: str = ""
    group: str = ""
    checked: str = ""
    fixed_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CoreProvider:
    """A speech-to-speech provider; ``url`` is empty where a client library knows it. ``checked`` as above."""

    key: str
    company: str
    name: str
    description: str
    url: str
    model: str
    checked: str = ""
    fixed_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All providers by key, the extra request body by exact model name, the free voices by display name."""

    assist: Mapping[str, AssistProvider]
    core: Mapping[str, CoreProvider]
    assist_default: str
    core_default: str
    extra_bodies: Mapping[str, Mapping[str, Any]]
    free_voices: Mapping[str, str]


@cache
def catalogue() -> Catalogue:
    """The catalogue; its file is read at the first call. An entry that names no company is one of its own key."""
    data: dict[str, Any] = json.loads((ASSETS / "providers.json").read_text(encoding="utf-8"))
    bodies = {model: group["body"] for group in data["extra_bodies"] for model in group["models"]}
    return Catalogue(
        assist=MappingProxyType(
            {key: AssistProvider(key, entry.pop("company", key), **entry) for key, entry in data["assist"].items()}
        ),
        core=MappingProxyType(
            {key: CoreProvider(key, entry.pop("company", key), **entry) for key, entry in data["core"].items()}
        ),
        assist_default=data["assist_default"],
        core_default=data["core_default"],
        extra_bodies=MappingProxyType(bodies),
        free_voices=MappingProxyType(data["free_voices"]),
    )


def extra_body(model: str) -> Mapping[str, Any]:
    """What a request for this exact model carries besides the usual fields."""
    return catalogue().extra_bodies.get(model, _NOTHING)
