"""``Neko``: builds the parts, starts and stops them in order, and works without HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Self
from uuid import uuid4

from neko import i18n, set_aside
from neko.agent.agent_file import AGENT_FILE, AgentFile
from neko.agent.approvals import Approvals
from neko.agent.browser.hand import BrowserHand
from neko.agent.computer.front_window import FrontWindow
from neko.agent.computer.hand import ComputerHand
from neko.agent.mcp.config import MCP_FILE, router
from neko.agent.mcp.hand import McpHand
from neko.agent.mcp.servers import McpServers
from neko.agent.mcp.toolbox import McpToolbox
from neko.agent.plugins.hand import PluginHand
from neko.agent.plugins.plugins import Plugins
from neko.agent.privacy import AgentPrivacy
from neko.agent.reminders import Reminders
from neko.agent.remote_bus import RemoteBus
from neko.agent.service import Agent
from neko.app.agent import build_agent, follow
from neko.app.avatars import Avatars
from neko.app.backups.running import Backups
from neko.app.browser import build_browser
from neko.app.character_settings import CharacterSettings
from neko.app.characters import Characters, persona, settle
from neko.app.configuration import Configuration
from neko.app.conversations import Conversations
from neko.app.earlier_talk import character_of
from neko.app.embedding import Embedding
from neko.app.errands import AgentRecords, CharacterErrands, waiting_errands
from neko.app.extracted_settings import ExtractedSettings
from neko.app.faults import Faults
from neko.app.hearing import Hearing
from neko.app.hearing_models import HearingModels
from neko.app.imports import Imports
from neko.app.listening import Listening
from neko.app.models import Models, SessionFactory
from neko.app.personal_news import PersonalNews
from neko.app.plugins import build_plugins
from neko.app.proactive import Proactive
from neko.app.process_watch import ProcessWatch
from neko.app.reader_language import ReaderLanguage
from neko.app.remote_bus import remote_bus, tell_privacy
from neko.app.site_logins import SiteLogins
from neko.app.small_model import SmallModel
from neko.app.steam import Steam
from neko.app.taking_over import TakingOver
from neko.app.task_requests import TaskRequests
from neko.app.voice_library import FILE as VOICE_LIBRARY_FILE
from neko.app.voice_library import VoiceLibrary
from neko.app.voices import Voices, builtin_voice_installed
from neko.audio.voice_activity import silero_installed
from neko.bus import Bus
from neko.characters import CharacterCards
from neko.errors import NekoError
from neko.faults import StandingFaults
from neko.memory.compression import CompressionScheduler
from neko.memory.folder_layout import not_taken_over
from neko.memory.memo import gist
from neko.memory.service import MemoryService
from neko.memory_errors import ProgramFolderError
from neko.memory_files import is_of_program
from neko.metrics import Metrics
from neko.net import Network
from neko.preferences import Preferences
from neko.prompts import phrases
from neko.providers import catalogue
from neko.providers.speech_services import speech_services
from neko.safety import HELPLINES_FILE, Helplines
from neko.sessions import emotion
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import Event
from neko.settings import CoreConfig, Settings, default_data_dir
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import INSTANCE_ID, LOCAL_ONLY, MCP_ROUTER_URL, MCP_TOKEN, PRIVACY, STOP_KEY
from neko.settings.unusable import unusable_variables
from neko.storage import CHARACTERS_FILE, CORE_CONFIG_FILE, PREFERENCES_FILE, DataFolder
from neko.tasks import TaskOwner, in_thread, together
from neko.types.embedding import Embedder
from neko.types.hearing import HearingEngine
from neko.types.memory import Fact
from neko.workshop.folder import WorkshopFolder

logger = logging.getLogger(__name__)

_KNOWN_TIMEOUT_S = 2.0


class Neko:
    """One running Neko over one data folder; ``async with`` starts and stops it.

    Needs no HTTP: ``chat`` talks to a character directly. Several may live in one process, each
    over its own folder. ``session_factory`` supplies the model sessions instead of the configured
    model (a program's own model, a test's scripted one), ``hearing`` recognises speech and ``embedder`` embeds
    instead of what is configured; these two are closed by whoever gives them. Starting raises ``DataFolderError``;
    a file that is damaged does not keep her from starting (``faults``).
    """

    folder: DataFolder
    config: Configuration
    language: ReaderLanguage
    models: Models
    hearing: Hearing
    embedding: Embedding
    hearing_models: HearingModels
    listening: Listening
    voices: Voices
    characters: Characters
    conversations: Conversations
    imports: Imports
    taking_over: TakingOver
    backups: Backups
    avatars: Avatars
    workshop: WorkshopFolder
    steam: Steam
    memory: MemoryService
    preferences: Preferences
    personal_news: PersonalNews
    proactive: Proactive
    voice_library: VoiceLibrary
    faults: Faults
    bus: Bus
    approvals: Approvals
    agent: Agent
    mcp: McpServers
    reminders: Reminders
    plugins: Plugins
    process: ProcessWatch
    remote: RemoteBus | None = None

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        session_factory: SessionFactory | None = None,
        hearing: HearingEngine | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.metrics = Metrics()
        self.network = Network()
        self.metrics.add_source("network", self.network.snapshot)
        self.instance_id = SettingsInForce({}, self.settings.environ).get(INSTANCE_ID) or uuid4().hex
        self._session_factory = session_factory
        self._own_hearing = hearing
        self._own_embedder = embedder

    # ── start and stop ────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        self._standing = StandingFaults()
        self._loop = asyncio.get_running_loop()
        self._found: list[NekoError] | None = []
        self._owner = TaskOwner("neko")
        self.process = ProcessWatch(self._owner)
        stored, cards = await in_thread(self._open_files)
        self._executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix="neko-audio")
        self.bus = Bus()
        self.metrics.add_source("bus", self.bus.snapshot)
        self.approvals = Approvals(self.bus.agent.publish)
        self.plugins = build_plugins(
            lambda: stored.in_force,
            self.folder.path,
            self.bus.agent.publish,
            lambda: self.characters.current,
            lambda: self._privacy.on,
        )
        self.agent = self._agent(stored)
        self.reminders, self._untold = waiting_errands(self.agent, self.bus, self._on_file_fault)
        self.memory = self._memory(cards)
        self._requests = TaskRequests(
            self.agent, self.models, self.bus, self._standing, self.language_of, self.reminders
        )
        self._compression = CompressionScheduler(self.memory, self.models.of_memory, self.models.summary_model)
        self.extracted = ExtractedSettings(self.folder.memory, cards, self._on_damage)
        self.conversations = Conversations(cards, self._dependencies)
        self.imports = self._imports(cards)
        self.backups = Backups(self.folder.path, self.folder.memory, self._owner)
        self.proactive = self._proactive(stored, cards)
        self.faults = Faults(self._standing, self.conversations, lambda: self.language.current)
        found, self._found = self._found, None
        self.faults.of_files(found)
        self.characters = Characters(
            cards,
            self.conversations,
            self.memory,
            self.faults,
            self.folder,
            CharacterSettings(lambda: self.config.values, lambda changes: self.config.change(changes)),
            AgentRecords(self.agent, self.reminders, self._untold),
            self.imports,
        )
        self.taking_over = self._taking_over(cards)
        self.personal_news = PersonalNews(self.network, self.folder.path / "config")
        self.workshop = WorkshopFolder(self.folder.path, self._on_file_fault)
        self.steam = self._steam(stored)
        self.avatars = Avatars(self.folder.path, self.characters, self.workshop, self.settings.pages)
        self.config = Configuration(
            stored,
            self.models,
            self.hearing,
            self.embedding,
            self.memory,
            self.conversations,
            self.network,
            self.mcp,
            self.faults,
            self._privacy,
            self.proactive,
            self.steam,
        )
        try:
            await self.memory.start()
            await self.models.small.follow()
        except BaseException:
            await self.aclose()
            raise
        subscribe = self.bus.session.subscribe
        subscribe(self._compression.on_session_event, name="memory", only=("turn_end", "session_end"))
        subscribe(self.memory.foreground.on_session_event, name="embedding", only=("state", "session_end"))
        self.proactive.follow()
        await self._attach_agent_events()
        self._requests.start(self.remote.role if self.remote else None)
        follow(self.agent.switches, self.mcp, self.plugins)
        self._privacy.on_change = self._follow_privacy
        self.agent.switches.look()
        await self.steam.follow()
        await self._take_up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _take_up(self) -> None:
        """What waits for a start."""
        await self.reminders.start()
        await self.characters.end_renamings(self._renamed)
        await self.taking_over.begin(self._to_take_over)

    def _taking_over(self, cards: CharacterCards) -> TakingOver:
        return TakingOver(
            self.folder.memory,
            self._owner,
            self.characters,
            self.conversations,
            self._standing,
            self.memory,
            lambda: self._memory(cards),
        )

    async def aclose(self) -> None:
        """Save everything and stop; idempotent. A part that fails to stop does not keep the next one up."""
        self._compression.stop()
        for stop in (
            self._requests.aclose,
            self.agent.aclose,
            self.conversations.aclose,
            self._end_remote,
            self._end_processes,
            self.reminders.aclose,
            self._untold.aclose,
            self.bus.aclose,
            self.imports.aclose,
            self.taking_over.aclose,
            self.backups.aclose,
            self.memory.aclose,
            self.embedding.aclose,
            self.conversations.sockets.aclose,
            self._owner.aclose,
        ):
            await _stopped(stop())
        self._executor.shutdown(wait=False, cancel_futures=True)
        self.listening.close()
        self.folder.close()

    async def _end_processes(self) -> None:
        """Of tool servers, plug-ins and models: each takes its time to go."""
        parts = (self.mcp, self.plugins, self.models.small, self.hearing, self.steam)
        await together(*(_stopped(part.aclose()) for part in parts))

    def _memory(self, cards: CharacterCards) -> MemoryService:
        return MemoryService(
            self.folder.memory,
            self._owner,
            lambda: cards.master_name,
            language=lambda: self.language.current,
            on_damage=self._on_damage,
            on_written=self._standing.file_works,
            claim=self.folder.claim,
            knows=cards.knows,
            embedders=self.embedding,
            models=self.models.of_memory,
        )

    def _proactive(self, stored: CoreConfig, cards: CharacterCards) -> Proactive:
        return Proactive(
            self.conversations,
            self.bus.session,
            self.memory,
            self.models,
            self.network,
            lambda: self.personal_news,
            self._owner,
            lambda: stored.in_force,
            FrontWindow(self.settings.environ),
            cards,
        )

    def _steam(self, stored: CoreConfig) -> Steam:
        return Steam(
            stored,
            self.folder.path,
            self.workshop,
            self._standing,
            self._owner,
            self.bus.session,
            lambda: self.settings.pages is None and bool(self.conversations.clients),
        )

    def _imports(self, cards: CharacterCards) -> Imports:
        return Imports(
            self.memory.importing,
            self._owner,
            self.folder.memory,
            lambda name: name in cards.names,
            lambda name: character_of(name, cards.names),
            self.conversations.forget,
        )

    def _open_files(self) -> tuple[CoreConfig, CharacterCards]:
        """Everything that is read from disk at the start; what is only read later never blocks the loop."""
        settings = self.settings
        self.folder = DataFolder.open(settings.data_dir or default_data_dir(settings.environ))
        try:
            earlier = self.folder.set_aside_earlier()
            path = self.folder.config(CORE_CONFIG_FILE)
            stored = CoreConfig.load(path, settings.environ, settings.flags, on_fault=self._on_file_fault)
            self.language = ReaderLanguage(stored, settings.environ)
            self.network.local_only = stored.in_force.get(LOCAL_ONLY)
            small = SmallModel(stored, settings.environ, self.folder.path, self._owner)
            self.listening = Listening(lambda: self.hearing.engine(), silero=silero_installed())
            listening = self.listening
            self.models = Models(
                stored,
                settings,
                self.network,
                small,
                self._session_factory,
                ears=listening.ears,
                detection=listening.detection,
            )
            self.hearing = Hearing(stored, self.models, self.network, self.folder.path, self._own_hearing)
            self.hearing.look_now()
            self.embedding = Embedding(stored, self.models, self.network, self.folder.path, self._own_embedder)
            self.embedding.look_now()
            self.hearing_models = HearingModels(
                stored, self.network, self.folder.path, self._owner, lambda: self.config.change({})
            )
            self.voices = Voices(
                stored,
                settings.environ,
                self.models,
                self.network,
                lambda name: self.characters.cards.voice(name),
                builtin_installed=builtin_voice_installed(),
            )
            self._privacy = AgentPrivacy(lambda: stored.in_force.get(PRIVACY))
            path = self.folder.config(MCP_FILE)
            self.mcp = McpServers(
                path,
                self.network,
                settings.environ,
                on_fault=self._on_file_fault,
                on_change=lambda: self.agent.switches.noticed(),
                on_word=lambda name, tool: self.agent.permission.forget("mcp", name, tool),
                router=lambda: router(stored.in_force.get(MCP_TOKEN), stored.in_force.get(MCP_ROUTER_URL)),
                is_private=lambda: self._privacy.on,
            )
            self.mcp.load()
            self._agent_file = AgentFile(self.folder.config(AGENT_FILE), self._on_file_fault)
            self._agent_file.load()
            self.preferences = Preferences(self.folder.config(PREFERENCES_FILE), self._on_file_fault)
            self.preferences.read()
            self.voice_library = VoiceLibrary(self.folder.config(VOICE_LIBRARY_FILE), self._on_file_fault)
            path = self.folder.config(CHARACTERS_FILE)
            cards = CharacterCards.load(path, self.language.current, on_fault=self._on_file_fault)
            self._renamed = settle(cards, self.folder)
            still_there = [set_aside.report_of(aside) for aside in earlier if aside.exists()]
            unusable = (*stored.unusable(), *unusable_variables(settings.environ), *cards.unusable())
            if is_of_program(self.folder.path):
                unusable = (*unusable, ProgramFolderError("another layout", folder=str(self.folder.path)))
            self._to_take_over = not_taken_over(self.folder.memory)
            for fault in (*still_there, *unusable):
                self._on_file_fault(fault)
            for tag in {self.language.current, "en"}:  # the others in milliseconds, when somebody reads them
                i18n.load(tag)
                phrases(tag)
            emotion.load()
            catalogue()
            speech_services()
        except BaseException:
            self.folder.close()
            raise
        return stored, cards

    async def _attach_agent_events(self) -> None:
        """What the agent tells goes to the conversations, here or in another process."""
        tell = self.conversations.on_agent_event
        self.remote = remote_bus(
            self.settings.environ,
            self.bus,
            self.approvals,
            self._standing,
            self.agent,
            character=lambda: self.characters.current,
            language=lambda: self.language.current,
        )
        if self.remote is None:
            self.bus.agent.attach(tell)
            return
        self.metrics.add_source("remote_bus", self.remote.snapshot)
        self.bus.agent.attach(self.remote.handler(tell))
        await self.remote.start()

    def _follow_privacy(self) -> None:
        """The privacy switch was moved, here or by a main elsewhere: what acts for the agent keeps to it."""
        self.plugins.follow_privacy()
        tell_privacy(self.remote, self.agent)
        self.agent.tell()

    async def _end_remote(self) -> None:
        if self.remote is not None:
            await self.remote.aclose()

    # ── talking ───────────────────────────────────────────────────────────────

    def chat(self, character: str, text: str, *, speech: bool = False) -> AsyncIterator[Event]:
        """Short for ``conversations.chat``: say something and follow the reply."""
        return self.conversations.chat(character, text, speech=speech)

    def _dependencies(self, character: str) -> SessionDependencies:
        return SessionDependencies(
            memory=self.memory,
            bus=self.bus,
            metrics=self.metrics,
            executor=self._executor,
            persona=lambda: persona(
                self.characters.cards, character, self.language_of(character), self.extracted.of(character)
            ),
            known=lambda: self._known(character),
            read_settings=lambda: self.extracted.read(character),
            model=lambda mode, owner: self.models.open_session(
                mode, owner, character, spoken_for=self.voices.in_calls(character) == "hers"
            ),
            label=lambda: self.models.label,
            voice=lambda: self.voices.of(character),
            voice_choice=lambda: self.voices.choice(character),
            call_user=lambda name: self.characters.call_user(name),
            also_knows=lambda: self.characters.cards.also_knows(character),
            lines_gone=lambda: self.conversations.tell_those_who_know(character),
            opens_ahead=lambda: self.models.opens_ahead,
            detection=self.listening.detection,
            renewal_times=self.models.calls.renewal_times,
            settle=partial(self._compression.settle, character),
            gist=lambda entries, limit: gist(
                entries,
                limit,
                {"user": self.characters.cards.master_name, "assistant": character},
                self.language_of(character),
            ),
            is_private=lambda: self.config.in_force.get(PRIVACY),
            faults=self._standing,
            helplines=self.helplines,
            errands=CharacterErrands(
                character, self.agent, self.approvals, self.reminders, self._untold, lambda: self.remote
            ),
            toolbox=self._toolbox(character),
        )

    def _toolbox(self, character: str) -> McpToolbox:
        agent, publish = self.agent, self.bus.agent.publish
        return McpToolbox(
            character,
            self.mcp,
            self.approvals,
            publish,
            agent.permission,
            agent.journal,
            agent.heard_outside,
            lambda: agent.policies.on_hand("mcp"),
            agent.own_keys,
            agent.calls,
        )

    async def _known(self, character: str) -> list[Fact]:
        """What is known of people, also from what was said just now, as far as rules find it."""
        try:
            async with asyncio.timeout(_KNOWN_TIMEOUT_S):
                await self.memory.learn(character, None)
                return await self.memory.facts(character)
        except (NekoError, TimeoutError) as error:
            logger.warning("%s: what is known is not told: %s", character, type(error).__name__)
            return []

    @property
    def helplines(self) -> Helplines:
        """Whom somebody in danger can call."""
        return Helplines(self.folder.config(HELPLINES_FILE), self._on_file_fault)

    def _agent(self, stored: CoreConfig) -> Agent:
        logins = SiteLogins(self.folder.path / "config")
        return build_agent(
            self.bus,
            self.approvals,
            self._agent_file,
            self.folder.path,
            [McpHand(self.mcp, self.approvals), self._computer(), self._browser(stored), PluginHand(self.plugins)],
            endpoint=lambda: self.models.endpoint("agent"),
            language=lambda: self.language.current,
            faults=self._standing,
            own_keys=lambda: stored.in_force.secrets() | logins.secrets() | self.mcp.secrets(),
            privacy=self._privacy,
        )

    def _browser(self, stored: CoreConfig) -> BrowserHand:
        return build_browser(stored, self.settings, self.network, self.folder.path, lambda: self.agent.policies)

    def _computer(self) -> ComputerHand:
        environ = self.settings.environ
        stop_key = SettingsInForce({}, environ).get(STOP_KEY)
        return ComputerHand(
            stop_key=stop_key,
            language=lambda: self.language.current,
            characters=lambda: self.characters.cards.names,
            is_private=lambda: self._privacy.on,
            environ=environ,
        )

    def language_of(self, character: str) -> str:
        """What is spoken with this character: what her card says, else her last client's language, else the user's."""
        conversation = self.conversations.opened.get(character)
        client = conversation.client_language if conversation else None
        return self.characters.cards.language(character) or client or self.language.current

    def _on_damage(self, error: NekoError) -> None:
        self.faults.of_files([error])

    def _on_file_fault(self, error: NekoError) -> None:
        """For any thread. What is found while the files are opened is told once she is there."""
        if self._found is not None:
            self._found.append(error)
            return
        self._loop.call_soon_threadsafe(self._on_damage, error)


async def _stopped(stopping: Awaitable[None]) -> None:
    try:
        await stopping
    except Exception:
        logger.exception("a part did not stop cleanly")
