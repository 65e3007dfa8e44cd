"""What the routes need from the rest of Neko, and nothing more.

The object behind it is given to ``create_asgi``; it lives below this room and never imports it,
so everything here is structural: properties to read, coroutines to call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from neko.agent.absent import AbsentAgent
from neko.characters import Characters
from neko.errors import NekoError
from neko.metrics import Metrics
from neko.settings import CoreConfig, Settings
from neko.storage import DataFolder
from neko.types.memory import ConversationLog
from neko.types.model_session import ModelLabel


class FoundServer(Protocol):
    """A model server that answers on this machine."""

    @property
    def name(self) -> str: ...
    @property
    def base_url(self) -> str: ...
    @property
    def models(self) -> Sequence[str]: ...


class TestedModel(Protocol):
    """The result of one real call to a model; ``error`` is set when ``ok`` is false."""

    @property
    def ok(self) -> bool: ...
    @property
    def latency_ms(self) -> float: ...
    @property
    def reply(self) -> str: ...
    @property
    def error(self) -> NekoError | None: ...


class Services(Protocol):
    """The running Neko, as the routes see it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def characters(self) -> Characters: ...
    @property
    def config(self) -> CoreConfig: ...
    @property
    def folder(self) -> DataFolder: ...
    @property
    def memory(self) -> ConversationLog: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def agent(self) -> AbsentAgent: ...
    @property
    def instance_id(self) -> str:
        """``NEKO_INSTANCE_ID``, or random hex made once per object."""
        ...

    @property
    def language(self) -> str:
        """The language in force: the configured one, else the system's (one of ``LANGUAGES``)."""
        ...

    @property
    def speech_engine(self) -> str:
        """The kind of voice in force: ``builtin``, ``openai``, ``browser`` or ``off``."""
        ...

    @property
    def model_label(self) -> ModelLabel:
        """The model that answers the current character's next text turn."""
        ...

    async def select_character(self, name: str) -> None:
        """Make a known character the current one and tell every page; ``InputError`` when it cannot be now."""
        ...

    async def set_microphone(self, microphone_id: Any) -> None:
        """Remember the chosen input device (any JSON value); sessions are left alone."""
        ...

    async def change_config(self, changes: Mapping[str, Any], *, reload_pages: bool = False) -> int:
        """Merge ``changes`` into ``core_config.json`` (as ``CoreConfig.merge``) and let the sessions take them.

        With ``reload_pages`` the page of every active session gets ``reload_page`` and the session is
        ended; otherwise sessions take the new model, voice and language at once. Returns how many
        sessions were ended. Raises ``ConfigError`` when the disk refuses.
        """
        ...

    async def find_local_servers(self) -> Sequence[FoundServer]:
        """Model servers already running on this machine, within a second."""
        ...

    async def list_models(self, base_url: str, api_key: str) -> Sequence[str]:
        """The models a server offers; raises ``ModelError``."""
        ...

    async def test_model(self, base_url: str, api_key: str, model: str) -> TestedModel:
        """One real call; never raises ``ModelError``, it is in the result."""
        ...

    async def speak(self, text: str, language: str) -> bytes:
        """A short text in the current character's voice, as PCM16 mono at 48 kHz; raises ``SpeechError``."""
        ...
