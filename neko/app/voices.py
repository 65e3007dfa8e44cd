"""The voices: which engine speaks, how each character sounds, a sample of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from neko.app.models import Models
from neko.app.speech_choice import OF_ADDRESS, SpeechChoice
from neko.audio import engines
from neko.audio.engines import voice_cloning, voice_lists
from neko.audio.engines.chained_voice import ChainedVoice, FirstSound
from neko.audio.engines.fallback import FallbackEngine
from neko.audio.engines.local_voices import local_voices
from neko.audio.engines.openai_speech import DEFAULT_MODEL
from neko.audio.engines.service import SpeechServer
from neko.audio.speech_pipeline import say
from neko.net import Network
from neko.providers import ModelEndpoint, catalogue
from neko.providers.speech_server import SpeechServerChoice, service_changes
from neko.providers.speech_services import speech_services
from neko.sessions.dependencies import Voice
from neko.settings import CoreConfig
from neko.settings.in_force import change_of
from neko.settings.registry import LOCAL_ONLY, ROLE_SETTINGS, SPEECH_ENGINE, VOICES, CallVoice, EngineKind
from neko.settings.unusable import tuning_number
from neko.speech_errors import SpeechKeyMissingError, VoiceClonerMissingError
from neko.tasks import in_thread
from neko.types.speech import OfferedVoice, SpeechEngine, Utterance, VoiceSettings


def builtin_voice_installed() -> bool:
    """Whether the built-in engine's library is installed. Blocks: it searches the disk."""
    return importlib.util.find_spec("espeakng_loader") is not None


def _name(where: ModelEndpoint | SpeechServer | None) -> str:
    """What the user calls a service."""
    return where.provider_name if isinstance(where, ModelEndpoint) else where.name if where else ""


def _slot(engine: EngineKind) -> str:
    """The key of a character's tuning that holds the name of her voice: each engine knows other names."""
    return "voice" if engine in ("openai", "browser", "off") else f"{engine}_voice"


class Voices:
    """``neko.voices``. ``builtin_installed`` decides the engine where nobody chose one.

    ``card_voice``: what the card of a character calls her voice, by her name.
    """

    def __init__(
        self,
        config: CoreConfig,
        environ: Mapping[str, str],
        models: Models,
        network: Network,
        card_voice: Callable[[str], str],
        *,
        builtin_installed: bool,
    ) -> None:
        self._config = config
        self._environ = environ
        self._network = network
        self._models = models
        self._card_voice = card_voice
        self._first_sounds: dict[object, FirstSound] = {}
        self._default_engine: EngineKind = "builtin" if builtin_installed else "browser"

    def engine(self, character: str) -> EngineKind:
        """The kind of engine that speaks for a character."""
        return self._choice.kind(self._card_voice(character), self._default_engine)

    def choice(self, character: str) -> object:
        """Everything that decides how a character sounds; it compares equal while nothing changed."""
        kind = self.engine(character)
        return kind, self.where(kind), self.tuning(character), self._config.in_force.get(LOCAL_ONLY)

    def of(self, character: str) -> Voice:
        """A new engine with the character's tuning, others standing in for a service; whoever gets it closes it."""
        kind, settings = self.engine(character), self.tuning(character)
        engine = self._build(kind, settings)
        if self._is_nowhere(kind):
            engine = FallbackEngine(self._stand_ins(character))
        elif not engine.capabilities.local:
            where = self.where(kind)
            first_sound = self._first_sounds.setdefault((kind, where), FirstSound())
            chosen = ChainedVoice(engine, None, _name(where), first_sound)
            engine = FallbackEngine([chosen, *self._stand_ins(character)])
        return Voice(kind, engine, settings, self.choice(character))

    def in_calls(self, character: str) -> CallVoice:
        """Whose voice is heard in a call that a voice model answers.

        Where nobody chose, hers counts as N.E.K.O. has it (``contract/sessions.md`` §2.1): if a voice is named for her
        that the model does not have, or the user has a speech server of their own.
        """
        if chosen := self._models.calls.chosen_voice:
            return chosen
        kind = self.engine(character)
        if kind == "off" or self._is_nowhere(kind):
            return "model"
        named = self.tuning(character).voice
        is_hers = bool(named) and named not in self._models.calls.voices
        return "hers" if is_hers or kind in OF_ADDRESS else "model"

    def tuning(self, character: str, kind: EngineKind | None = None) -> VoiceSettings:
        """Voice name, rate and pitch of a character, with the engine ``kind`` if it is another than hers."""
        kind = kind or self.engine(character)
        tuning = self._config.in_force.get(VOICES).get(character)
        if not isinstance(tuning, Mapping):
            tuning = {}
        own = (tuning.get(slot) for slot in (_slot(kind), *(["voice"] if kind == "builtin" else [])))
        named = next((voice for voice in own if isinstance(voice, str)), "")
        return VoiceSettings(
            voice=named or self._choice.voice(kind, self._card_voice(character)),
            rate=tuning_number(tuning, "rate", 1.0),
            pitch=tuning_number(tuning, "pitch", 0.0),
        )

    def where(self, kind: str) -> ModelEndpoint | SpeechServer | None:
        """Where the service of an engine is; None for one that is no service, or whose key is missing."""
        return self._openai() if kind == "openai" else self._choice.server(kind)

    async def offered(self, kind: EngineKind, url: str = "") -> Sequence[OfferedVoice]:
        """The voices of an engine, as far as anybody here can know; of its service at ``url`` if that is given.

        Raises ``NekoError`` when the service is asked in vain.
        """
        if kind == "builtin":
            return await in_thread(local_voices)
        if kind == "free":
            return [OfferedVoice(name, label, "woman", "zh") for label, name in catalogue().free_voices.items()]
        if kind not in speech_services():
            return []
        service, where = speech_services()[kind], self.where(kind)
        if isinstance(where, ModelEndpoint):
            where = SpeechServer(where.provider_name, where.base_url, where.model, where.api_key)
        if where is None or url:
            where = SpeechServer(service.name, url or service.url)
        return await voice_lists.offered(kind, where, self._network)

    def changes(
        self,
        character: str,
        *,
        engine: EngineKind | None = None,
        tuning: Mapping[str, Any] | None = None,
        server: SpeechServerChoice | None = None,
    ) -> dict[str, Any]:
        """What to merge into ``core_config.json`` for these wishes; what is left out stays.

        ``tuning`` holds any of ``voice``, ``rate`` and ``pitch`` of the character. ``server`` is that of ``engine``, or
        of hers; of an engine that is no service it is the one that "openai" speaks through. Where nobody chose an
        engine, telling a server chooses the one in force: by itself it would mean another (``SpeechChoice``).
        """
        kind = engine or self.engine(character)
        changes = service_changes(kind, server or SpeechServerChoice(), self._config.values)
        wished = {_slot(kind) if name == "voice" else name: it for name, it in (tuning or {}).items()}
        own = {**changes.pop("neko", {}), VOICES.name: {character: wished}}
        if server and not engine and self._config.in_force.get(SPEECH_ENGINE) is None:
            engine = kind
        if engine:
            own["speech"] = {**own.get("speech", {}), **change_of(SPEECH_ENGINE, engine)["neko"]["speech"]}
        return {**changes, "neko": own}

    async def sample(
        self, character: str, text: str, language: str, voice: str | None = None, kind: EngineKind | None = None
    ) -> bytes:
        """A short text in a character's voice and no other, or in ``voice`` of her engine or of the one named:
        PCM16 mono, 48 kHz.

        Raises ``NekoError``.
        """
        kind = kind or self.engine(character)
        settings = self.tuning(character, kind)
        if voice is not None:
            settings = replace(settings, voice=voice)
        if self._is_nowhere(kind):
            name = speech_services()[kind].name
            raise SpeechKeyMissingError("there is no key", engine=name, provider=name, status=401)
        engine = self._build(kind, settings)
        try:
            return await say(engine, Utterance(text, language, settings))
        finally:
            await engine.aclose()

    def stored_server(self, kind: EngineKind) -> SpeechServerChoice:
        """What the user told of the service of an engine; of one that is none, of the one of "openai"."""
        service = speech_services().get(kind)
        if service is None or kind == "openai":
            in_force = self._config.in_force
            return SpeechServerChoice(*(in_force.stored(setting) or "" for setting in ROLE_SETTINGS["tts"]))
        url = self._choice.address(service) if service.has_address else ""
        return SpeechServerChoice(url, "", self._choice.key(service) if service.provider != "free" else "")

    @property
    def cloner(self) -> EngineKind | None:
        """Which engine can make a voice of a recording now: a server of the user's own before one elsewhere."""
        has_own = self._choice.has_own_address("cosyvoice")
        if has_own or self._choice.kind("", self._default_engine) == "cosyvoice":
            return "cosyvoice"
        return "qwen" if self.where("qwen") else None

    async def clone(self, sample: voice_cloning.Sample, name: str, language: str) -> voice_cloning.ClonedVoice:
        """Have a voice made of a recording (``voice_cloning.clone``). Raises ``NekoError``."""
        engine = self.cloner
        where = self.where(engine) if engine else None
        if engine is None or not isinstance(where, SpeechServer):
            raise VoiceClonerMissingError("nothing here can make a voice")
        return await voice_cloning.clone(engine, where, sample, name, language, self._network)

    @property
    def _choice(self) -> SpeechChoice:
        return SpeechChoice(self._config.in_force, self._config.values, self._environ)

    def _is_nowhere(self, kind: EngineKind) -> bool:
        """Whether a service cannot be asked, since its key is missing."""
        return kind in speech_services() and self.where(kind) is None

    def _build(self, kind: EngineKind, settings: VoiceSettings) -> SpeechEngine:
        where = self.where(kind)
        if kind == "qwen" and isinstance(where, SpeechServer) and voice_cloning.engine_of(settings.voice) == kind:
            where = replace(where, model=voice_cloning.CLONING_MODEL)
        return engines.build(kind, self._network, where, settings)

    def _stand_ins(self, character: str) -> list[ChainedVoice]:
        """Who speaks while a service does not: the built-in voice, where there is none the page."""
        if self._default_engine != "builtin":
            return [ChainedVoice(engines.build("browser", self._network))]
        voice = self.tuning(character, "builtin").voice
        return [ChainedVoice(engines.build("builtin", self._network), voice)]

    def _openai(self) -> ModelEndpoint | None:
        """Where ``/audio/speech`` is: the one configured for speech, OpenAI's with its core key, else that of the chat
        model."""
        own = self._models.endpoint("tts_default")
        if own and own.base_url.startswith("http"):
            return own
        if own and own.provider == "openai":
            return replace(own, base_url=catalogue().assist["openai"].base_url, model=DEFAULT_MODEL)
        chat = self._models.endpoint("conversation")
        return replace(chat, role="tts_default", model=DEFAULT_MODEL) if chat else None
