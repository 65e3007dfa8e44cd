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

        With ``reload_pages`` active sessions are ended and their pages told to reload. Returns
        how many sessions were ended. Raises ``ConfigError`` when the disk refuses.
        """
        model, hearing = self._models.endpoint("conversation"), self._hearing.choice
        was_private = self.in_force.get(PRIVACY)
        called = self._models.calls.choice
        await in_thread(self._stored.merge, changes)
        self._faults.of_values(CORE_CONFIG_FILE, self._stored.unusable())
        self._network.local_only = self.in_force.get(LOCAL_ONLY)
        if self.in_force.get(PRIVACY) != was_private:
            for manager in list(self._conversations.opened.values()):
                manager.privacy.follow()
            self._privacy.moved()
        self._proactive.follow()
        await self._mcp.follow()
        await self._models.small.follow()
        await self._hearing.follow()
        if await self._embedding.follow():
            self._memory.embedder_changed()
        new_model = reload_pages or self._models.endpoint("conversation") != model
        new_hearing = self._hearing.choice != hearing or self._models.calls.choice != called
        ended = 0
        for manager in list(self._conversations.opened.values()):
            if new_model:
                ended += manager.active
                manager.model_changed(at_once=reload_pages)
            elif new_hearing:
                manager.follow_change()
            if reload_pages:
                manager.tell(lambda language: ReloadPage(i18n.notice("config_saved", language).text))
        self._conversations.follow_voices()
        return ended
