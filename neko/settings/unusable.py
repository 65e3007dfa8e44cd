"""Values of ``core_config.json`` that cannot be used: they are passed over, which is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neko.errors import UnusableValueError
from neko.settings.in_force import value_at
from neko.settings.registry import CORE_CONFIG, NEKO_SECTION, VOICES
from neko.settings.setting import MAPPING, Setting

_TUNING = {"rate": (0.25, 4.0), "pitch": (-24.0, 24.0)}
"""The range of each number of a character's voice."""


def unusable_values(stored: Mapping[str, Any], path: Path) -> list[UnusableValueError]:
    """All of a document; ``path`` is where it stands."""
    found = {keys: wanted for setting in (*CORE_CONFIG, *NEKO_SECTION) for keys, wanted in _faults(stored, setting)}
    found |= dict(_voice_faults(stored))
    return [
        UnusableValueError(f"{key} in {path} is not {wanted}", file=str(path), key=key, wanted=wanted)
        for key, wanted in ((".".join(keys), wanted) for keys, wanted in found.items())
    ]


def tuning_number(tuning: Mapping[str, Any], name: str, default: float) -> float:
    """``rate`` or ``pitch`` of a character's voice; the default for what is no number in its range."""
    value: Any = tuning.get(name, default)
    return float(value) if _is_in_range(name, value) else default


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


def _voice_faults(stored: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    voices = value_at(stored, VOICES.path)
    for character, tuning in (voices if isinstance(voices, Mapping) else {}).items():
        if not isinstance(tuning, Mapping):
            yield (*VOICES.path, character), MAPPING.name
            continue
        for name, (lowest, highest) in _TUNING.items():
            if tuning.get(name) is not None and not _is_in_range(name, tuning[name]):
                yield (*VOICES.path, character, name), f"a number from {lowest:g} to {highest:g}"


def _is_in_range(name: str, value: Any) -> bool:
    lowest, highest = _TUNING[name]
    # Comparing also keeps out NaN, Infinity and endless integers, which JSON as Python reads it may hold.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and lowest <= value <= highest
