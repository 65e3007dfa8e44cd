"""Values of ``core_config.json`` and of the environment that cannot be used: they are passed over, which is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neko.errors import UnusableValueError, UnusableVariableError
from neko.settings.in_force import value_at
from neko.settings.registry import CORE_CONFIG, NEKO_SECTION, REPLIES, SETTINGS, VOICES
from neko.settings.setting import MAPPING, Place, Setting

_RANGES = {"rate": (0.25, 4.0), "pitch": (-24.0, 24.0), "temperature": (0.0, 2.0), "max_tokens": (16, 200_000)}
_BY_CHARACTER = ((VOICES, ("rate", "pitch")), (REPLIES, ("temperature", "max_tokens")))
"""The numbers that each character has for itself."""


def unusable_values(stored: Mapping[str, Any], path: Path) -> list[UnusableValueError]:
    """All of a document; ``path`` is where it stands."""
    found = {keys: wanted for setting in (*CORE_CONFIG, *NEKO_SECTION) for keys, wanted in _faults(stored, setting)}
    found |= dict(_character_faults(stored))
    return [
        UnusableValueError(f"{key} in {path} is not {wanted}", file=str(path), key=key, wanted=wanted)
        for key, wanted in ((".".join(keys), wanted) for keys, wanted in found.items())
    ]


def unusable_variables(environ: Mapping[str, str]) -> list[UnusableVariableError]:
    """All of ours in the environment; what decides how Neko is launched is refused at once instead."""
    return [
        UnusableVariableError(f"{name} is not {setting.kind.name}", name=name, wanted=setting.kind.name)
        for setting in SETTINGS
        if setting.place is not Place.COMMAND_LINE
        for name in setting.environment
        if (text := environ.get(name, "").strip()) and setting.kind.of_text(text) is None
    ]


def tuning_number(tuning: Mapping[str, Any], name: str, default: float) -> float:
    """One of a character's numbers; the default for what is no number in its range."""
    value = number_or_none(tuning, name)
    return default if value is None else value


def number_or_none(tuning: Mapping[str, Any], name: str) -> float | None:
    """One of a character's numbers; None for what is no number in its range."""
    value: Any = tuning.get(name)
    return float(value) if _is_in_range(name, value) else None


def _faults(stored: Mapping[str, Any], setting: Setting[Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for depth in range(1, len(setting.path)):
        section = value_at(stored, setting.path[:depth])
        if section is not None and not isinstance(section, Mapping):
            yield setting.path[:depth], MAPPING.name
            return
    value = value_at(stored, setting.path)
    blank = value is None or (isinstance(value, str) and not value.strip())
    if not blank and setting.kind.of_json(value) is None:
        yield setting.path, setting.kind.name


def _character_faults(stored: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for setting, names in _BY_CHARACTER:
        by_character = value_at(stored, setting.path)
        for character, tuning in (by_character if isinstance(by_character, Mapping) else {}).items():
            path = (*setting.path, character)
            if not isinstance(tuning, Mapping):
                yield path, MAPPING.name
                continue
            for name in names:
                if tuning.get(name) is not None and not _is_in_range(name, tuning[name]):
                    lowest, highest = _RANGES[name]
                    yield (*path, name), f"a number from {lowest:g} to {highest:g}"


def _is_in_range(name: str, value: Any) -> bool:
    lowest, highest = _RANGES[name]
    # Comparing also keeps out NaN, Infinity and endless integers, which JSON as Python reads it may hold.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and lowest <= value <= highest
