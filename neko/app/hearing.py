"""What hears: the recogniser in force, made once and shared by all calls."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from neko.app.models import Models
from neko.audio.hearing import models as model_files
from neko.audio.hearing.local import LocalHearing
from neko.audio.hearing.models import LocalModel
from neko.audio.hearing.transcriptions import TranscriptionServer
from neko.hearing_errors import NothingHearsError
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.settings import CoreConfig
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import HEARING_ENGINE, HEARING_LANGUAGE, HEARING_LOCAL_MODEL, ROLE_SETTINGS, HearingKind
from neko.tasks import in_thread
from neko.types.hearing import HearingEngine


class Hearing:
    """``neko.hearing``. ``own`` is a program's recogniser, which it closes itself.

    Without a choice it is the server that is configured for it, else a model on this computer, which is private and
    mostly quicker, else what the chat's provider offers.
    """

    def __init__(
        self, config: CoreConfig, models: Models, network: Network, folder: Path, own: HearingEngine | None = None
    ) -> None:
        self._config = config
        self._models = models
        self._network = network
        self._folder = folder / "models" / "hearing"
        self._log = folder / "logs" / "hearing.log"
        self._own = own
        self._engine: HearingEngine | None = None
        self._made_of: object = None
        self._runnable: frozenset[str] = frozenset()
        self.local_models: tuple[LocalModel, ...] = ()

    @property
    def kind(self) -> HearingKind:
        """What hears, as it is chosen or found. ``off``: nothing does."""
        return kind_in_force(self._config.in_force, self.server, self.local_model)

    @property
    def server(self) -> ModelEndpoint | None:
        """The server for the role ``hearing``."""
        return self._models.endpoint("hearing")

    @property
    def local_model(self) -> LocalModel | None:
        """The model on this computer that is chosen, without a choice the best; None without it or what runs it. As of
        the last ``look``."""
        return chosen_model(self._config.in_force, (one for one in self.local_models if one.kind in self._runnable))

    @property
    def choice(self) -> tuple[HearingKind, ModelEndpoint | None, LocalModel | None, str]:
        """Everything that decides how calls are heard; it compares equal while nothing changed."""
        kind, language = self.kind, self._config.in_force.get(HEARING_LANGUAGE)
        server, local = self.server if kind == "server" else None, self.local_model if kind == "local" else None
        return kind, server, local, language

    async def look(self) -> None:
        """See what is installed."""
        await in_thread(self.look_now)

    def look_now(self) -> None:
        """The same where blocking is no matter."""
        named = self._config.in_force.get(HEARING_LOCAL_MODEL)
        self.local_models = tuple(model_files.local_models(self._folder, named))
        kinds = {model.kind for model in self.local_models}
        self._runnable = frozenset(kind for kind in kinds if not model_files.missing_libraries(kind))

    def engine(self) -> HearingEngine:
        """The recogniser in force. Raises ``NothingHearsError``."""
        if self._own is not None:
            return self._own
        choice = self.choice
        if self._engine is None or self._made_of != choice:
            self._engine, self._made_of = self._make(choice), choice
        return self._engine

    def _make(self, choice: tuple[HearingKind, ModelEndpoint | None, LocalModel | None, str]) -> HearingEngine:
        kind, server, local, language = choice
        if server:
            return TranscriptionServer(server, self._network, language)
        if local:
            return LocalHearing(local, self._log, language)
        named = self._config.in_force.get(HEARING_LOCAL_MODEL)
        is_missing = bool(named) and (kind == "local" or not self._is_chosen)
        reason = "no_server" if kind == "server" else "no_model" if is_missing else kind
        raise NothingHearsError(reason, engine="", reason=reason if self._is_chosen or is_missing else "", model=named)

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
    def _is_chosen(self) -> bool:
        return self._config.in_force.get(HEARING_ENGINE) is not None


def kind_in_force(in_force: SettingsInForce, server: ModelEndpoint | None, local: LocalModel | None) -> HearingKind:
    """The kind that is chosen, else what there is: a server of its own, a model on this computer, the provider."""
    if chosen := in_force.get(HEARING_ENGINE):
        return chosen
    url, _model, _key = ROLE_SETTINGS["hearing"]
    if server and in_force.get(url):
        return "server"
    if local:
        return "local"
    return "server" if server else "off"


def chosen_model(in_force: SettingsInForce, there: Iterable[LocalModel]) -> LocalModel | None:
    """The model on this computer that is chosen, without a choice the best; None when it is not there."""
    named = in_force.get(HEARING_LOCAL_MODEL)
    return next((one for one in there if not named or named == one.name), None)
