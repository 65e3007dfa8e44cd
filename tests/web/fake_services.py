"""A small real services behind the routes: the kept files, the log and a real server socket, no sessions."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from hypercorn.asyncio import serve
from hypercorn.config import Config, Sockets
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from neko import language as languages
from neko.agent.absent import AbsentAgent
from neko.audio.engines import KINDS
from neko.characters import MICROPHONE, Characters
from neko.errors import ModelKeyRefusedError, ModelUnreachableError, NekoError, SpeechError
from neko.memory.service import MemoryService
from neko.metrics import Metrics
from neko.providers import resolve
from neko.settings import CoreConfig, Settings
from neko.storage import DataFolder
from neko.tasks import TaskOwner, in_thread
from neko.types.model_session import ModelLabel
from neko.web.app import create_asgi


@dataclass(frozen=True)
class Server:
    name: str
    base_url: str
    models: Sequence[str]


@dataclass(frozen=True)
class Tested:
    ok: bool
    latency_ms: float = 0.0
    reply: str = ""
    error: NekoError | None = None


@dataclass
class FakeServices:
    """Keeps the promises of ``neko.web.services.Services``."""

    settings: Settings
    folder: DataFolder
    config: CoreConfig
    characters: Characters
    memory: MemoryService
    metrics: Metrics = field(default_factory=Metrics)
    agent: AbsentAgent = field(default_factory=AbsentAgent)
    instance_id: str = "services"
    has_voice: bool = True
    local_servers: list[Server] = field(default_factory=list)
    reloads: list[bool] = field(default_factory=list)

    @property
    def language(self) -> str:
        chosen = (self.config.values.get("neko") or {}).get("language")
        return str(chosen) if chosen else languages.system_language(self.settings.environ)

    @property
    def speech_engine(self) -> str:
        own = self.config.values.get("neko")
        speech = own.get("speech") if isinstance(own, dict) else None
        chosen = speech.get("engine") if isinstance(speech, dict) else None
        return chosen if chosen in KINDS else "builtin"

    @property
    def model_label(self) -> ModelLabel:
        endpoint = resolve("conversation", self.config.values, self.settings.environ)
        if endpoint is None:
            return ModelLabel("built-in", "Neko", offline=True)
        return ModelLabel(endpoint.model, endpoint.provider_name)

    async def select_character(self, name: str) -> None:
        await in_thread(self.characters.select, name)

    async def set_microphone(self, microphone_id: Any) -> None:
        await in_thread(self.characters.edit, lambda raw: raw.__setitem__(MICROPHONE, microphone_id))

    async def change_config(self, changes: Mapping[str, Any], *, reload_pages: bool = False) -> int:
        self.reloads.append(reload_pages)
        await in_thread(self.config.merge, changes)
        return 1 if reload_pages else 0

    async def find_local_servers(self) -> Sequence[Server]:
        return self.local_servers

    async def list_models(self, base_url: str, api_key: str) -> Sequence[str]:
        try:
            async with httpx2.AsyncClient(trust_env=False) as client:
                headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
                answer = await client.get(f"{base_url}/models", headers=headers)
        except httpx2.TransportError as error:
            raise ModelUnreachableError("refused", model="", provider=base_url) from error
        if answer.status_code == 401:
            raise ModelKeyRefusedError("401", model="", provider=base_url)
        return [entry["id"] for entry in answer.json()["data"]]

    async def test_model(self, base_url: str, api_key: str, model: str) -> Tested:
        try:
            await self.list_models(base_url, api_key)
        except NekoError as error:
            return Tested(False, error=error)
        return Tested(True, 12.34, f"hello from {model}")

    async def speak(self, text: str, language: str) -> bytes:
        if not self.has_voice:
            raise SpeechError("no voice")
        return bytes(2 * len(text))


@asynccontextmanager
async def open_services(folder: Path, **settings: Any) -> AsyncIterator[FakeServices]:
    """A services over ``folder``; ``settings`` go into ``Settings``."""
    launched = Settings(data_dir=folder, **{"environ": {}, "port": 0, "find_local_servers": False, **settings})
    async with TaskOwner("services") as owner:
        data = await in_thread(DataFolder.open, folder)
        characters = await in_thread(Characters.load, data.config("characters.json"), "en")
        memory = MemoryService(data.memory, owner, lambda: characters.master_name)
        await memory.start()
        try:
            config = await in_thread(CoreConfig.load, data.config("core_config.json"))
            yield FakeServices(launched, data, config, characters, memory)
        finally:
            await memory.aclose()
            data.close()


def echo_socket() -> BaseRoute:
    """A WebSocket that says its character's name and closes."""

    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(websocket.path_params["character"])
        await websocket.close()

    return WebSocketRoute("/ws/{character}", talk)


class _OnSocket(Config):
    def __init__(self, listener: socket.socket) -> None:
        super().__init__()
        self.accesslog = None
        self._listener = listener

    def create_sockets(self) -> Sockets:
        return Sockets([], [self._listener], [])


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """``app`` on a real loopback socket; yields a client whose base is its address."""
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with TaskOwner("server") as owner:
            server = owner.spawn(serve(app, _OnSocket(listener), shutdown_trigger=stop.wait), name="http")  # type: ignore[arg-type]
            try:
                async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=10) as client:
                    yield client
            finally:
                stop.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(3):
                        await server


def app_of(services: FakeServices) -> ASGIApp:
    return create_asgi(services, echo_socket())
