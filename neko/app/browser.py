"""The browser that she drives, as the settings and the user's policies have it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neko.agent.browser.gate import Gate
from neko.agent.browser.hand import BrowserHand, BrowserOptions
from neko.agent.policies import Policies
from neko.net import Network
from neko.settings import CoreConfig, Settings
from neko.settings.registry import BROWSER_NEAR, BROWSER_PROGRAM, BROWSER_VISIBLE
from neko.types.agent import Act, Policy


def build_browser(
    stored: CoreConfig, settings: Settings, network: Network, folder: Path, policies: Callable[[], Policies]
) -> BrowserHand:
    """``folder`` is the user's. Nothing is started or read before the first task."""

    def never(host: str) -> bool:
        return policies().of("browser_use", host, "", Act.READ) is Policy.NEVER

    gate = Gate(
        near_allowed=lambda: stored.in_force.get(BROWSER_NEAR),
        never=never,
        own_ports=lambda: (settings.port,),
        local_only=lambda: network.local_only,
    )

    def options() -> BrowserOptions:
        return BrowserOptions(stored.in_force.get(BROWSER_VISIBLE), stored.in_force.get(BROWSER_PROGRAM))

    return BrowserHand(folder / "agent" / "browser", network, gate, options, environ=settings.environ)
