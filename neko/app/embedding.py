"""What finds memories by their meaning: the embedder in force, made once and shared by all characters."""

from __future__ import annotations

from pathlib import Path

from neko.app.models import Models
from neko.llm.embeddings import models as local_models
from neko.llm.embeddings.local import LocalEmbedder
from neko.llm.embeddings.server import EmbeddingServer
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.providers.addresses import host_of
from neko.settings import CoreConfig, is_loopback
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import LOCAL_ONLY, ROLE_SETTINGS, SEMANTIC_ENGINE, SemanticKind
from neko.tasks import in_thread
from neko.types.embedding import Embedder


class Embedding:
    """``neko.embedding``. ``own`` is a program's embedder, which it closes itself."""

    def __init__(
        self, config: CoreConfig, models: Models, network: Network, folder: Path, own: Embedder | None = None
    ) -> None:
        self._config = config
        self._models = models
        self._network = network
        self._log = folder / "logs" / "embedder.log"
        self._own = own
        self._embedder: Embedder | None = None
        self._made_of: object = None
        self._earlier: dict[str, Embedder] = {}
        self._installed: frozenset[str] = frozenset()

    @property
    def kind(self) -> SemanticKind:
        """What embeds, as it is chosen or found. ``off``: nothing does."""
        return kind_in_force(self._config.in_force, self.server, self._installed)

    @property
    def server(self) -> ModelEndpoint | None:
        """The server for the role ``semantic``, unless no other computer may be contacted."""
        server = self._models.endpoint("semantic")
        if server is not None and self._config.in_force.get(LOCAL_ONLY) and not is_loopback(host_of(server.base_url)):
            return None
        return server

    def in_force(self) -> Embedder | None:
        """See ``Embedders``."""
        if self._own is not None:
            return self._own
        choice = self._choice
        if self._made_of != choice:
            self._embedder, self._made_of = self._make(*choice), choice
        return self._embedder

    def named(self, name: str) -> Embedder | None:
        """See ``Embedders``. A model on this computer can be had whatever is in force, as long as it is installed."""
        current = self.in_force()
        if current is not None and current.model.name == name:
            return current
        local = next((one for one in local_models.MODELS.values() if one.model.name == name), None)
        if local is None or local.kind not in self._installed:
            return None
        if name not in self._earlier:
            self._earlier[name] = LocalEmbedder(local, self._log)
        return self._earlier[name]

    def look_now(self) -> None:
        """See what is installed. Blocks."""
        self._installed = frozenset(model.kind for model in local_models.installed())

    async def follow(self) -> bool:
        """The settings may have changed: what is no longer in force is closed. Whether there is another embedder."""
        await in_thread(self.look_now)
        if self._made_of == self._choice:
            return False
        await self.aclose()
        return True

    async def aclose(self) -> None:
        """Close the embedder; idempotent."""
        embedder, self._embedder, self._made_of = self._embedder, None, None
        earlier, self._earlier = self._earlier, {}
        for one in (embedder, *earlier.values()):
            if one is not None:
                await one.aclose()

    @property
    def _choice(self) -> tuple[SemanticKind, ModelEndpoint | None]:
        kind = self.kind
        return kind, self.server if kind == "server" else None

    def _make(self, kind: SemanticKind, server: ModelEndpoint | None) -> Embedder | None:
        if server is not None:
            return EmbeddingServer(server, self._network)
        if kind in ("e5", "use"):
            return LocalEmbedder(local_models.MODELS[kind], self._log)
        return None


def kind_in_force(in_force: SettingsInForce, server: ModelEndpoint | None, installed: frozenset[str]) -> SemanticKind:
    """The kind that is chosen, else a server of its own, e5 where somebody installed it, the provider, USE."""
    if chosen := in_force.get(SEMANTIC_ENGINE):
        return chosen
    url, _model, _key = ROLE_SETTINGS["semantic"]
    if server and in_force.get(url):
        return "server"
    if "e5" in installed:
        return "e5"
    if server:
        return "server"
    return "use" if "use" in installed else "off"
