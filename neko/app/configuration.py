"""The settings of a running Neko: what is in force, and the one way to change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neko import i18n
from neko.agent.mcp.servers import McpServers
from neko.agent.privacy import AgentPrivacy
from neko.app.conversations import Conversations
from neko.app.embedding import Embedding
from neko.app.faults import Faults
from neko.app.hearing import Hearing
from neko.app.models import Models
from neko.app.proactive import Proactive
from neko.app.steam import Steam
from neko.memory.service import MemoryService
from neko.net import Network
from neko.sessions.events import ReloadPage
from neko.settings import CoreConfig
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import LOCAL_ONLY, PRIVACY
from neko.storage import CORE_CONFIG_FILE
from neko.tasks import in_thread


class Configuration:
    """``neko.config``: reads never block, ``change`` saves and lets the conversations follow."""

    def __init__(
        self,
        stored: CoreConfig,
        models: Models,
        hearing: Hearing,
        embedding: Embedding,
        memory: MemoryService,
        conversations: Conversations,
        network: Network,
        mcp: McpServers,
        faults: Faults,
        privacy: AgentPrivacy,
        proactive: Proactive,
        steam: Steam,
    ) -> None:
        self._stored = stored
        self._models = models
        self._hearing = hearing
        self._embedding = embedding
        self._memory = memory
        self._conversations = conversations
        self._network = network
        self._mcp = mcp
        self._faults = faults
        self._privacy = privacy
        self._proactive = proactive
        self._steam = steam

    @property
    def values(self) -> Mapping[str, Any]:
        """The content of ``core_config.json``, read-only; a later change does not alter it."""
        return self._stored.values

    @property
    def in_force(self) -> SettingsInForce:
        """A typed reading of this moment: ``in_force.get(setting)``, ``in_force.source(setting)``."""
        return self._stored.in_force

    async def change(self, changes: Mapping[str, Any], *, reload_pages: bool = False) -> int:
        """Merge ``changes`` into ``core_config.json`` and let the sessions take them.

        What a session is made of alone concerns it: a call is taken over by another session, and talk in writing
        goes on with one, at once with ``reload_pages``. That also has the pages reload, but for those of a call, which
        a reload would end. Returns how many sessions were ended. Raises ``ConfigError`` when the disk refuses.
        """
        model, was_private = self._models.endpoint("conversation"), self.in_force.get(PRIVACY)
        in_writing, in_call = self._makes_sessions(called=False), self._makes_sessions(called=True)
        await in_thread(self._stored.merge, changes)
        self._faults.of_values(CORE_CONFIG_FILE, self._stored.unusable())
        self._network.local_only = self.in_force.get(LOCAL_ONLY)
        if self.in_force.get(PRIVACY) != was_private:
            for manager in list(self._conversations.opened.values()):
                manager.privacy.follow()
            self._privacy.moved()
        self._proactive.follow()
        await self._steam.follow()
        await self._mcp.follow()
        await self._models.small.follow()
        await self._hearing.follow()
        if await self._embedding.follow():
            self._memory.embedder_changed()
        is_new = self._models.endpoint("conversation") != model
        concerns = {
            False: self._makes_sessions(called=False) != in_writing,
            True: self._makes_sessions(called=True) != in_call,
        }
        ended = 0
        for manager in list(self._conversations.opened.values()):
            reloads, is_concerned = reload_pages and not manager.is_called, concerns[manager.is_called]
            if is_new or reload_pages:
                manager.model_changed()
            if is_concerned:
                ended += manager.active and not manager.is_called
                (manager.begin_anew if reloads else manager.follow_change)()
            if reloads:
                manager.tell(lambda language: ReloadPage(i18n.notice("config_saved", language).text))
        self._conversations.follow_voices()
        return ended

    def _makes_sessions(self, *, called: bool) -> object:
        """All that sessions for talk in writing, or for a call, are made with; equal while nothing changed."""
        calls = self._models.calls
        if called and calls.endpoint is not None:
            return calls.choice
        models = self._models.endpoint("conversation"), self._models.endpoint("vision")
        return models, self._hearing.choice, calls.choice
