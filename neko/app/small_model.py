"""The small model on this computer: which files there are, and the process of the one that is chosen."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neko.errors import ModelError
from neko.llm.small_model import files
from neko.llm.small_model.files import ModelFile
from neko.llm.small_model.server import SmallModelServer
from neko.providers import ModelEndpoint, resolve
from neko.settings import CoreConfig
from neko.settings.registry import OFFLINE, SMALL_MODEL, SMALL_MODEL_FILE
from neko.small_model_errors import SmallModelNoFileError
from neko.storage import make_folder
from neko.tasks import TaskOwner, in_thread

_ROLES: Final = ("conversation", "summary", "correction", "emotion", "router")


@dataclass(frozen=True, slots=True)
class SmallModels:
    """``command`` is what to type where nothing is installed that runs a model."""

    installed: bool
    command: str
    folder: Path
    files: tuple[ModelFile, ...]


class SmallModel:
    """``neko.models.small``. Nothing is looked for and nothing runs until it is chosen."""

    def __init__(self, config: CoreConfig, environ: Mapping[str, str], folder: Path, owner: TaskOwner) -> None:
        self._config = config
        self._environ = environ
        self._owner = owner
        self._folder = folder / "models"
        self._log = folder / "logs" / "small_model.log"
        self._trial: tuple[object, ...] | None = None
        """What was chosen when somebody began to try a file."""
        self.server: SmallModelServer | None = None

    @property
    def is_chosen(self) -> bool:
        in_force = self._config.in_force
        return in_force.get(SMALL_MODEL) and not in_force.get(OFFLINE)

    async def available(self) -> SmallModels:
        """What there is to choose from."""
        with contextlib.suppress(OSError):
            await in_thread(make_folder, self._folder)
        found = await in_thread(files.model_files, self._folder, self._named)
        if self._config.in_force.variable(SMALL_MODEL_FILE):
            found = [await in_thread(files.find, self._folder, self._named)]
        return SmallModels(await in_thread(files.is_installed), files.install_command(), self._folder, tuple(found))

    def endpoint(self, role: str) -> ModelEndpoint | None:
        """Where to ask it in a role; None for one that it cannot play."""
        return self.server.endpoint(role) if self.server and role in _ROLES else None

    def check(self) -> None:
        """Raises the ``ModelError`` that keeps it from being asked at this moment."""
        if self.server:
            self.server.check()

    async def load(self, name: str) -> ModelFile:
        """Load the file of this name in place of the one that is loaded; raises ``ModelError`` when that cannot be."""
        offered = (await self.available()).files
        file = next((one for one in offered if one.name == name), None)
        if file is None:
            raise SmallModelNoFileError("not offered", model=name, provider="", file=name, why="?")
        server = self.server
        if server is None or server.file != file or server.state == "failed":
            server = await self._start(file)
        self._trial = self._choice()
        try:
            await server.loads()
        except ModelError:
            if self.server is server:
                self._trial = None
                await self.follow()
            raise
        return file

    async def follow(self) -> None:
        """Have the process of what is chosen, and none when it is not. One that is being tried is left alone until
        something else is chosen."""
        is_tried = self._trial is not None and self.server is not None and self.server.state == "loading"
        if is_tried and self._trial == self._choice():
            return
        self._trial = None
        if not self.is_chosen:
            await self.aclose()
            return
        file = await in_thread(files.find, self._folder, self._named)
        if self.server is None or self.server.file != file:
            await self._start(file)

    async def aclose(self) -> None:
        """End the process; idempotent."""
        server, self.server = self.server, None
        if server:
            await server.aclose()

    async def _start(self, file: ModelFile) -> SmallModelServer:
        before, self.server = self.server, SmallModelServer(file, self._log, self._owner)
        server = self.server
        if before:
            await before.aclose()
        return server

    def _choice(self) -> tuple[object, ...]:
        """What decides who answers."""
        in_force = self._config.in_force
        elsewhere = resolve("conversation", self._config.values, self._environ)
        return elsewhere, in_force.get(OFFLINE), in_force.get(SMALL_MODEL), self._named

    @property
    def _named(self) -> str:
        return self._config.in_force.get(SMALL_MODEL_FILE)
