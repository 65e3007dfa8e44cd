"""``Neko``: builds the parts, starts and stops them in order, and works without HTTP."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from neko import i18n
from neko import language as languages
from neko.audio import engines
from neko.audio.engines.openai_speech import DEFAULT_MODEL
from neko.audio.speech_pipeline import say
from neko.bus import Bus
from neko.characters import MICROPHONE, Characters
from neko.errors import InputError, NekoError, VoiceUnavailableError
from neko.llm import model_catalogue
from neko.llm.discovery import LocalServer, find_local_servers
from neko.memory.compression import CompressionScheduler
from neko.memory.service import MemoryService
from neko.metrics import Metrics
from neko.net import Network
from neko.providers import ModelEndpoint, catalogue, resolve
from neko.sessions import emotion, models, prompt
from neko.sessions.actions import Mode, SendText
from neko.sessions.agent_events import to_event
from neko.sessions.dependencies import SessionDependencies, Voice
from neko.sessions.events import (
    CharacterSwitched,
    Event,
    LineStored,
    ReloadPage,
    SessionFailed,
    SpeechEnded,
    Status,
    TurnEnd,
)
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import Outbox
from neko.sessions.prompt import Persona
from neko.settings import CoreConfig, Settings, default_data_dir
from neko.storage import DataFolder
from neko.tasks import TaskOwner, in_thread
from neko.types.memory import Summarise
from neko.types.model_session import ModelLabel, ModelSession
from neko.types.speech import Utterance, VoiceSettings

logger = logging.getLogger(__name__)

GOING_AWAY = 1001


class Neko:
    """One running Neko over one data folder; ``async with`` starts and stops it.

    Needs no HTTP: ``chat`` talks to a character directly. Several may live in one process, each
    over its own folder. Starting raises ``DataFolderError``, ``DamagedFileError`` or ``ConfigError``.
    """

    folder: DataFolder
    config: CoreConfig
    characters: Characters
    memory: MemoryService
    bus: Bus
    owner: TaskOwner
    sockets: TaskOwner

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.metrics = Metrics()
        self.network = Network(local_only=self.settings.environ.get("NEKO_LOCAL_ONLY", "") in ("1", "true"))
        self.instance_id = self.settings.environ.get("NEKO_INSTANCE_ID") or uuid4().hex
        self.clients: set[Outbox] = set()
        self._told_language: str | None = None
        self._managers: dict[str, SessionManager] = {}

    # ── start and stop ────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        await in_thread(self._open_files)
        self.owner = TaskOwner("neko")
        self.sockets = TaskOwner("sockets")
        self.bus = Bus()
        self.executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix="neko-audio")
        self.memory = MemoryService(
            self.folder.memory,
            self.owner,
            lambda: self.characters.master_name,
            language=lambda: self.language,
            on_damage=self._on_damage,
        )
        await self.memory.start()
        keeper = CompressionScheduler(self.memory, self._summariser)
        self.bus.session.subscribe(keeper.on_session_event, name="memory")
        self.bus.agent.attach(self._on_agent_event)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Save everything and stop; idempotent. A part that fails to stop does not keep the next one up."""
        managers, self._managers = list(self._managers.values()), {}
        await self._stop(*(manager.aclose() for manager in managers))
        await self._stop(self.bus.aclose())
        await self._stop(self.memory.aclose())
        await self._stop(self.sockets.aclose(), self.owner.aclose())
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.folder.close()

    async def _stop(self, *stops: Any) -> None:
        for result in await asyncio.gather(*stops, return_exceptions=True):
            if isinstance(result, BaseException):
                logger.error("a part did not stop cleanly", exc_info=result)

    def _open_files(self) -> None:
        folder = self.settings.data_dir or default_data_dir(self.settings.environ)
        self.folder = DataFolder.open(folder)
        try:
            self.config = CoreConfig.load(self.folder.config("core_config.json"))
            self.characters = Characters.load(self.folder.config("characters.json"), self.language)
            for tag in languages.LANGUAGES:
                i18n.load(tag)
                prompt.phrases(tag)
            emotion.load()
            catalogue()
        except BaseException:
            self.folder.close()
            raise

    # ── conversations ─────────────────────────────────────────────────────────

    def manager(self, character: str) -> SessionManager | None:
        """The conversation of a configured character, made when first asked for."""
        if character not in self.characters.names:
            return None
        manager = self._managers.get(character)
        if manager is None:
            manager = self._managers[character] = SessionManager(character, self._parts(character))
        return manager

    async def chat(self, character: str, text: str, *, speech: bool = False) -> AsyncIterator[Event]:
        """Say something and follow the reply: events up to ``TurnEnd`` (with ``speech``: ``SpeechEnded``).

        Works beside a connected page, which sees the same turn. Raises ``InputError`` for an
        unknown character. A model's failure comes as a ``Status`` event.
        """
        manager = self.manager(character)
        if manager is None:
            raise InputError(f"no character is called {character}", name=character)
        client_id = uuid4().hex
        outbox = Outbox(wants_audio=speech)
        with manager.tap(outbox):
            manager.handle(SendText(text, client_id))
            mine = False
            while (event := await outbox.get()) is not None:
                mine = mine or (isinstance(event, LineStored) and event.line.client_id == client_id)
                yield event
                refused = isinstance(event, Status) and event.level == "error" and not mine
                if refused or (mine and _is_last(event, speech=speech)):
                    return

    async def close_clients(self, reason: str) -> None:
        """Close every page's socket politely; returns when all have been told."""
        for outbox in self.clients:
            outbox.close(GOING_AWAY, reason)
        if writers := self.sockets.tasks:
            await asyncio.wait(writers)

    def fallback_character(self) -> str | None:
        """The character offered to a client that asks for an unknown one: the first configured."""
        return next(iter(self.characters.names), None)

    def _parts(self, character: str) -> SessionDependencies:
        return SessionDependencies(
            memory=self.memory,
            bus=self.bus,
            metrics=self.metrics,
            executor=self.executor,
            persona=lambda: self._persona(character),
            model=self.open_model,
            label=lambda: self.model_label,
            voice=lambda: self._voice(character),
        )

    def _persona(self, character: str) -> Persona:
        cards = self.characters
        return Persona(
            character,
            cards.master_name,
            cards.system_prompt(character),
            {character: cards.traits(character), cards.master_name: cards.master_traits()},
            self.language,
        )

    # ── model ─────────────────────────────────────────────────────────────────

    @property
    def model_label(self) -> ModelLabel:
        """The model that answers the next text turn."""
        return models.label_of(self._endpoint("conversation"))

    def _endpoint(self, role: str) -> ModelEndpoint | None:
        return resolve(role, self.config.values, self.settings.environ)

    def open_model(self, mode: Mode, owner: TaskOwner) -> ModelSession:
        """A session with the configured model, not opened yet. Raises ``ModelError`` when there is none."""
        if mode == "audio":
            label = self.model_label
            raise VoiceUnavailableError("no speech-to-speech session", model=label.model, provider=label.provider)
        return models.build(self._endpoint("conversation"), self._endpoint("vision"), owner, self.network)

    def _summariser(self) -> Summarise | None:
        endpoint = self._endpoint("summary")
        return models.summariser(self.network, endpoint) if endpoint else None

    async def find_local_servers(self) -> Sequence[LocalServer]:
        """Model servers already running on this machine, within a second."""
        if not self.settings.find_local_servers:
            return []
        return await find_local_servers(self.network, self.settings.environ, own_port=self.settings.port or None)

    async def list_models(self, base_url: str, api_key: str) -> Sequence[str]:
        """The models a server offers; raises ``ModelError``."""
        return await model_catalogue.list_models(self.network, base_url, api_key)

    async def test_model(self, base_url: str, api_key: str, model: str) -> model_catalogue.TestResult:
        """One real call; a failure is in the result."""
        return await model_catalogue.test(self.network, base_url, api_key, model)

    # ── voice ─────────────────────────────────────────────────────────────────

    @property
    def speech_engine(self) -> str:
        """The kind of voice in force: "builtin", "openai", "browser" or "off"."""
        speech = self._own.get("speech")
        chosen = speech.get("engine") if isinstance(speech, Mapping) else None
        return str(chosen) if chosen in engines.KINDS else _default_voice()

    @property
    def _own(self) -> Mapping[str, Any]:
        """What Neko adds to ``core_config.json``."""
        own = self.config.values.get("neko")
        return own if isinstance(own, Mapping) else {}

    def _voice(self, character: str) -> Voice:
        kind = self.speech_engine
        return Voice(kind, engines.build(kind, self.network, self._speech_server()), self._tuning(character))

    def _tuning(self, character: str) -> VoiceSettings:
        voices = self._own.get("voices")
        tuning = voices.get(character) if isinstance(voices, Mapping) else None
        if not isinstance(tuning, Mapping):
            return VoiceSettings()
        rate, pitch = tuning.get("rate"), tuning.get("pitch")
        return VoiceSettings(
            voice=str(tuning.get("voice") or ""),
            rate=float(rate) if isinstance(rate, int | float) else 1.0,
            pitch=float(pitch) if isinstance(pitch, int | float) else 0.0,
        )

    def _speech_server(self) -> ModelEndpoint | None:
        """Where ``/audio/speech`` is: the one configured for speech, else that of the chat model."""
        own = self._endpoint("tts_default")
        if own and own.base_url.startswith("http"):
            return own
        chat = self._endpoint("conversation")
        return replace(chat, role="tts_default", model=DEFAULT_MODEL) if chat else None

    async def speak(self, text: str, language: str) -> bytes:
        """A short text in the current character's voice: PCM16 mono, 48 kHz. Raises ``SpeechError``."""
        voice = self._voice(self.characters.current)
        try:
            return await say(voice.engine, Utterance(text, language, voice.settings))
        finally:
            await voice.engine.aclose()

    # ── language ──────────────────────────────────────────────────────────────

    @property
    def language(self) -> str:
        """The reader's language: configured, else told by a client, else the system's."""
        chosen = self._own.get("language")
        if chosen in languages.LANGUAGES:
            return str(chosen)
        return self._told_language or languages.system_language(self.settings.environ)

    def client_language(self, tag: str) -> None:
        """A client said which language its user reads."""
        self._told_language = languages.normalise(tag)

    # ── changes ───────────────────────────────────────────────────────────────

    async def change_config(self, changes: Mapping[str, Any], *, reload_pages: bool = False) -> int:
        """Merge ``changes`` into ``core_config.json`` and let the sessions take them.

        With ``reload_pages`` active sessions are ended and their pages told to reload. Returns
        how many sessions were ended. Raises ``ConfigError`` when the disk refuses.
        """
        model, own = self._endpoint("conversation"), self._own
        await in_thread(self.config.merge, changes)
        ended = 0
        for name, manager in self._managers.items():
            if reload_pages or self._endpoint("conversation") != model:
                ended += manager.active
                manager.model_changed()
            if reload_pages:
                manager.emit(ReloadPage(i18n.notice("config_saved", self.language).text))
            if self._own != own or changes.keys() & _SPEECH_KEYS:
                await manager.use_voice(self._voice(name))
        return ended

    async def select_character(self, name: str) -> None:
        """Make a known character the current one and tell every page. Raises ``InputError``."""
        if name not in self.characters.names:
            raise InputError(f"no character is called {name}", name=name)
        old = self.characters.current
        await in_thread(self.characters.select, name)
        for manager in self._managers.values():
            manager.emit(CharacterSwitched(name, old))

    async def set_microphone(self, microphone_id: Any) -> None:
        """Remember the chosen input device (any JSON value)."""
        await in_thread(self.characters.edit, lambda raw: raw.__setitem__(MICROPHONE, microphone_id))

    # ── reports ───────────────────────────────────────────────────────────────

    async def _on_agent_event(self, report: Mapping[str, Any]) -> None:
        event = to_event(report)
        name = report.get("lanlan_name")
        if event is None:
            return
        if name in self._managers:
            self._managers[name].emit(event)
        elif report.get("event_type") == "agent_status_update":
            for manager in self._managers.values():
                manager.emit(event)

    def _on_damage(self, error: NekoError) -> None:
        said = i18n.describe(error, self.language)
        logger.error("%s", said.text)
        for manager in self._managers.values():
            manager.emit(Status(said.text, said.code, said.remedy, said.link, level="error"))


_SPEECH_KEYS = {"ttsModelUrl", "ttsModelId", "ttsModelApiKey", "ttsVoiceId", "enableCustomApi"}


def _default_voice() -> str:
    return "builtin" if importlib.util.find_spec("espeakng_loader") else "browser"


def _is_last(event: Event, *, speech: bool) -> bool:
    return isinstance(event, (SessionFailed, SpeechEnded if speech else TurnEnd))
