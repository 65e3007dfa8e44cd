"""The language models: which one answers, a session with it, and which others there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from neko.app.calls import CallChoice
from neko.app.small_model import SmallModel
from neko.errors import NekoError, NoModelListError, SettingError
from neko.llm import model_catalogue
from neko.llm.adaptation import Adaptations, is_same_model
from neko.llm.discovery import LocalServer, find_local_servers
from neko.llm.thinker import ChatThinker
from neko.net import Network
from neko.providers import ASSIST_ROLES, ModelEndpoint, resolve
from neko.providers.addresses import host_of
from neko.providers.model_choice import Target
from neko.sessions import models as sessions
from neko.sessions.actions import Mode
from neko.sessions.models import realtime
from neko.sessions.models.cascade.session import CascadeSession, Ears
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.realtime.described_pictures import Describe
from neko.sessions.models.realtime.own_turns import Detection
from neko.sessions.models.realtime.reply_length import LONGEST_UNITS, UNITS_PER_TOKEN
from neko.settings import CoreConfig, Settings
from neko.settings.registry import FACTS_BY_MODEL, MEMORY_REVIEW
from neko.settings.reply_options import reply_options
from neko.tasks import TaskOwner
from neko.types.memory import MemoryModels, Summarise
from neko.types.model_session import ModelLabel, ModelSession

SessionFactory = Callable[[Mode, TaskOwner], ModelSession]
"""Makes a session that is not opened yet; its tasks belong to the owner. Raises ``ModelError`` when there is none."""


class Models:
    """``neko.models``. ``thinker`` is whom the agent asks. With a ``session_factory`` its sessions answer instead of
    the configured model's. ``ears`` gives what a call is heard with, and raises the ``NekoError`` that says why there
    is nothing to hear with. ``detection`` is what finds the turns of the user in a call with a voice model."""

    def __init__(
        self,
        config: CoreConfig,
        settings: Settings,
        network: Network,
        small: SmallModel,
        session_factory: SessionFactory | None = None,
        *,
        ears: Callable[[], Ears],
        detection: Callable[[], Detection],
    ) -> None:
        self.small = small
        self._config = config
        self._settings = settings
        self._network = network
        self._resolved: dict[str, ModelEndpoint | None] = {}
        self._resolved_at = config.revision
        self._adaptations = Adaptations()
        self.thinker = ChatThinker(network, lambda: self.endpoint("agent"), self._adaptations)
        self._session_factory = session_factory
        self._ears = ears
        self._detection = detection
        self.calls = CallChoice(config, settings, lambda: self.endpoint("realtime"), lambda: small.is_chosen)

    @property
    def label(self) -> ModelLabel:
        """The model that answers the next text turn."""
        endpoint = self.endpoint("conversation")
        label = sessions.label_of(endpoint)
        return replace(label, works=self._adaptations.answered(endpoint)) if endpoint else label

    def endpoint(self, role: str) -> ModelEndpoint | None:
        """Where the model of a role is; None when nothing is configured. Raises ``ValueError`` for no role."""
        if role in (*ASSIST_ROLES, "router") and self.small.is_chosen:
            return self.small.endpoint(role)
        if self._resolved_at != self._config.revision:
            self._resolved_at = self._config.revision
            self._resolved.clear()
        if role not in self._resolved:
            self._resolved[role] = resolve(role, self._config.values, self._settings.environ)
        return self._resolved[role]

    @property
    def opens_ahead(self) -> bool:
        """Is the session of a call opened before anybody calls? What is remembered goes to the voice model with it, so
        only where the user chose that it answers calls, or to whom it goes anyway: the host of the text model."""
        voice = self.calls.endpoint
        if self._session_factory is not None or voice is None:
            return False
        text = self.endpoint("conversation")
        is_told = text is not None and host_of(text.base_url) == host_of(voice.base_url)
        return self.calls.chosen == "direct" or is_told

    def open_session(
        self, mode: Mode, owner: TaskOwner, character: str = "", *, spoken_for: bool = False
    ) -> ModelSession:
        """A session for this kind of input, not opened yet. Raises ``ModelError`` when there is none.

        Each of its replies is asked for with the options that the character has at that moment. ``spoken_for``: a voice
        model only writes, and what it writes is spoken with another voice.
        """
        if self._session_factory is not None:
            return self._session_factory(mode, owner)
        voice_model = self.calls.endpoint
        if voice_model is not None and mode == "audio":
            return realtime.build(
                voice_model,
                self.calls.dialect,
                owner,
                self._network,
                speaks=not spoken_for,
                detection=self._detection() if self.calls.finds_turns_here else None,
                describe=self._describer(),
                longest_units=self._longest_units(character),
            )
        ears = None
        if voice_model is None:
            try:
                ears = self._ears()
            except NekoError:
                if mode == "audio":
                    raise
        channel = EventChannel()
        session = sessions.build(
            self.endpoint("conversation"),
            self.endpoint("vision"),
            owner,
            self._network,
            self._adaptations,
            lambda: reply_options(self._config.in_force, character),
            self.small.check if self.small.is_chosen else None,
            channel,
            tools=not self.small.is_chosen,  # its few words would be about them
        )
        if ears is None:
            return session
        return CascadeSession(session, channel, ears, owner=owner, for_call=mode == "audio")

    def _longest_units(self, character: str) -> int:
        """How long her replies may be in a call with a voice model: as the user wants it of her replies in writing."""
        most_tokens = reply_options(self._config.in_force, character).max_tokens
        return LONGEST_UNITS if most_tokens is None else round(UNITS_PER_TOKEN * most_tokens)

    def _describer(self) -> Describe | None:
        """What says what is on a picture to a voice model that takes none; None without a model that sees."""
        endpoint = self.endpoint("vision")
        return sessions.describer(self._network, endpoint, self._adaptations) if endpoint else None

    def of_memory(self) -> MemoryModels:
        """Whom the memory asks."""
        in_force, summarise = self._config.in_force, self._questions("summary")
        return MemoryModels(
            summarise,
            self._questions("router"),
            self._questions("correction") if in_force.get(MEMORY_REVIEW) else None,
            summarise if in_force.get(FACTS_BY_MODEL) else None,
        )

    def translator(self) -> Summarise | None:
        """Who translates a text; None without a model for it."""
        return self._questions("emotion")

    def chooser(self) -> Summarise | None:
        """Who judges what is worth saying unasked (``contract/sessions.md`` §11); None without a model for it."""
        return self._questions("correction")

    @property
    def onlooker(self) -> Describe | None:
        """Who says what is on a picture; None without a model that sees."""
        return self._describer()

    def _questions(self, role: str) -> Summarise | None:
        """Single questions to the model of a role; None without one."""
        endpoint = self.endpoint(role)
        return sessions.summariser(self._network, endpoint, self._adaptations) if endpoint else None

    def summary_model(self) -> str | None:
        """Which model would be asked for a summary, "" for none. None while that would be in vain: it wants a rest, or
        it is the one that she talks with and has not answered there."""
        summary, conversation = self.endpoint("summary"), self.endpoint("conversation")
        if summary is None:
            return ""
        if self._adaptations.rests(summary):
            return None
        is_same = conversation is not None and is_same_model(summary, conversation)
        if is_same and self._session_factory is None and not self._adaptations.answered(summary):
            return None
        return f"{summary.model} at {summary.base_url}"

    async def local_servers(self) -> Sequence[LocalServer]:
        """Model servers already running on this machine, within a second."""
        if not self._settings.find_local_servers:
            return []
        return await find_local_servers(self._network, self._settings.environ, own_port=self._settings.port or None)

    async def names(self, base_url: str, api_key: str) -> Sequence[str]:
        """The models that a server offers; raises ``NekoError``."""
        return await model_catalogue.list_models(self._network, base_url, api_key)

    async def suggested(self, target: Target) -> str:
        """What the target is asked for when nobody chose: the provider's own model, else the first that is there.

        Raises ``NekoError`` when the server does not answer, or has no model to talk with.
        """
        default = target.provider.models.get("conversation", "")
        if not target.is_elsewhere:
            return default
        try:
            names = await self.names(target.base_url, target.api_key)
        except NoModelListError:
            return default
        if not names:
            raise SettingError("model_needed", "Choose a model of this server first.")
        return default if default in names else names[0]

    async def test(self, base_url: str, api_key: str, model: str) -> model_catalogue.TestResult:
        """One real call; a failure is in the result."""
        return await model_catalogue.test(self._network, base_url, api_key, model, adaptations=self._adaptations)
