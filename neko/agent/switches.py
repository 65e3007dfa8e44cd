"""Which abilities the user has switched on. Everything is off until they do."""

from __future__ import annotations

from typing import Final

from neko.agent.messages import Flags
from neko.types.hands import HandName

FLAG_OF: Final[dict[HandName, str]] = {
    "mcp": "mcp_enabled",
    "browser_use": "browser_use_enabled",
    "computer_use": "computer_use_enabled",
    "user_plugin": "user_plugin_enabled",
}


class Switches:
    """``master`` is over all of them."""

    def __init__(self) -> None:
        self.master = False
        self.flags = Flags(
            mcp_enabled=False, computer_use_enabled=False, browser_use_enabled=False, user_plugin_enabled=False
        )

    def allows(self, hand: HandName) -> bool:
        """The user has switched this one on."""
        return self.master and bool(dict(self.flags)[FLAG_OF[hand]])
