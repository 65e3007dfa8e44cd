"""How a character's replies are asked for, where the user wants it otherwise than usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neko.settings.in_force import SettingsInForce, change_of
from neko.settings.registry import REPLIES
from neko.settings.unusable import number_or_none


@dataclass(frozen=True, slots=True)
class ReplyOptions:
    """None leaves it to us and the model. ``max_tokens``: where a reply is cut."""

    temperature: float | None = None
    max_tokens: int | None = None

    @property
    def body(self) -> Mapping[str, Any]:
        """What they add to a request."""
        both = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {name: value for name, value in both.items() if value is not None}

    def changes(self, character: str) -> dict[str, Any]:
        """What to merge into ``core_config.json`` so that they hold for a character."""
        return change_of(REPLIES, {character: {"temperature": self.temperature, "max_tokens": self.max_tokens}})


def reply_options(in_force: SettingsInForce, character: str) -> ReplyOptions:
    """Those of a character; what cannot be used counts as none."""
    own = in_force.get(REPLIES).get(character)
    if not isinstance(own, Mapping):
        return ReplyOptions()
    most = number_or_none(own, "max_tokens")
    return ReplyOptions(number_or_none(own, "temperature"), None if most is None else int(most))
