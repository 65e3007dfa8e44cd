"""What hears: the recogniser in force, made once and shared by all calls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neko.app.models import Models
from neko.audio.hearing import model_files, whisper
from neko.audio.hearing.model_files import ModelFiles
from neko.audio.hearing.transcriptions import TranscriptionServer
from neko.errors import NothingHearsError
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.settings import CoreConfig
from neko.settings.registry import HEARING_ENGINE, HEARING_FOLDER, ROLE_SETTINGS, HearingKind
from neko.tasks import in_thread
from neko.types.hearing import HearingEngine


class Hearing:
    """``neko.hearing``. ``own`` is a program's recogniser, which it closes itself.

    Without a choice it is the server that is configured for it, else a model on this computer, which is private and
    mostly quicker, else what the chat's provider offers.
    """

    def __init__(self, config: CoreConfig, models: Models, network: Network, own: HearingEngine | None = None) -> None:
        self._config = config
        self._models = models
        self._network = network
        self._own = own
        self._engine: HearingEngine | None = None
        self._made_of: object = None
        self._local: ModelFiles | None = None

    @property
    def kind(self) -> HearingKind:
        """What hears, as it is chosen or found. ``off``: nothing does."""
        chosen = self._config.in_force.get(HEARING_ENGINE)
        if chosen:
            return chosen
        if self._has_own_server:
            return "server"
        if self.local_model:
            return "local"
        return "server" if self.server else "off"

    @property
    def server(self) -> ModelEndpoint | None:
        """The server for the role ``hearing``."""
        return self._models.endpoint("hearing")

    @property
    def local_model(self) -> ModelFiles | None:
        """The model on this computer, if there is one and what runs it; as of the last ``look``."""
        return self._local

    @property
    def choice(self) -> tuple[HearingKind, ModelEndpoint | None, ModelFiles | None]:
        """Everything that decides how calls are heard; it compares equal while nothing changed."""
        kind = self.kind
        return kind, self.server if kind == "server" else None, self._local if kind == "local" else None

    async def look(self) -> None:
        """See what is installed."""
        await in_thread(self.look_now)

    def look_now(self) -> None:
        """The same where blocking is no matter."""
        folder = self._config.in_force.get(HEARING_FOLDER)
        found = model_files.in_folder(Path(folder).expanduser()) if folder else model_files.installed()
        self._local = found if found and whisper.runtime_installed() else None

    def engine(self) -> HearingEngine:
        """The recogniser in force. Raises ``NothingHearsError``."""
        if self._own is not None:
            return self._own
        choice = self.choice
        if self._engine is None or self._made_of != choice:
            self._engine, self._made_of = self._make(choice), choice
        return self._engine

    def _make(self, choice: tuple[HearingKind, ModelEndpoint | None, ModelFiles | None]) -> HearingEngine:
        _kind, server, local = choice
        if server:
            return TranscriptionServer(server, self._network)
        if local:
            return whisper.WhisperEngine(local)
        raise NothingHearsError("nothing hears", engine="")

    async def follow(self) -> None:
        """The settings may have changed: what is no longer in force is closed."""
        await self.look()
        if self._engine is not None and self._made_of != self.choice:
            engine, self._engine = self._engine, None
            await engine.aclose()

    async def aclose(self) -> None:
        """Close the recogniser; idempotent."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.aclose()

    @property
    def _has_own_server(self) -> bool:
        url, model, _key = ROLE_SETTINGS["hearing"]
        stored: Mapping[str, Any] = self._config.values
        return bool(stored.get(url.name) and stored.get(model.name))
