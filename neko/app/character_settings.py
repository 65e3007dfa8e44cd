"""What is set for single characters in ``core_config.json``: their voices, and how their replies are asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from neko.settings.registry import REPLIES, VOICES

_BY_CHARACTER: Final = (VOICES.name, REPLIES.name)


class CharacterSettings:
    """``values`` is the content of the file; ``change`` merges into it and lets the conversations follow."""

    def __init__(
        self, values: Callable[[], Mapping[str, Any]], change: Callable[[Mapping[str, Any]], Awaitable[object]]
    ) -> None:
        self._values = values
        self._change = change

    def of(self, name: str) -> dict[str, Any]:
        """What is set for a character, by setting."""
        return {setting: found[name] for setting, found in self._sections().items() if name in found}

    async def put(self, by_name: Mapping[str, Mapping[str, Any]]) -> None:
        """Let this, and nothing else, be set for these characters. Raises ``ConfigError``."""
        changes: dict[str, dict[str, Any]] = {}
        for setting, found in self._sections().items():
            for name, wanted in by_name.items():
                if found.get(name) != wanted.get(setting):
                    changes.setdefault(setting, {})[name] = _instead(found.get(name), wanted.get(setting))
        if changes:
            await self._change({"neko": changes})

    def _sections(self) -> dict[str, Mapping[str, Any]]:
        own = self._values().get("neko")
        found = {setting: own.get(setting) if isinstance(own, Mapping) else None for setting in _BY_CHARACTER}
        return {setting: section if isinstance(section, Mapping) else {} for setting, section in found.items()}


def _instead(before: object, wanted: object) -> object:
    """What to merge over ``before`` so that ``wanted`` stands there."""
    if isinstance(before, Mapping) and isinstance(wanted, Mapping):
        return {**{key: None for key in before if key not in wanted}, **wanted}
    return wanted
