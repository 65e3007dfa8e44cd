"""Why Steam cannot be asked, or what it said no to; where it stands in the tree of errors: ``neko.errors``."""

from __future__ import annotations

from typing import Final

from neko.errors import NekoError

NOT_THERE: Final = frozenset(
    {"steam_missing", "steam_not_running", "steam_init", "steam_lost", "steam_failed", "steam_local_only"}
)
"""Codes that say that no Steam can be asked."""


class SteamError(NekoError):
    """``params`` fill the blanks of the sentence of ``code``; ``said``: Steam's own words, in English."""

    permanent = False

    def __init__(self, code: str, said: str = "", **params: str | int) -> None:
        super().__init__(f"{code}: {said}" if said else code, **params)
        self.code = code
        self.said = said

    @property
    def is_gone(self) -> bool:
        """There is no Steam to ask, whatever is asked."""
        return self.code in NOT_THERE
