"""The models that hear on this computer: which there are, and fetching them at the user's wish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neko.audio.hearing import models
from neko.audio.hearing.fetching import ModelFetcher
from neko.audio.hearing.models import KnownModel, LocalModel
from neko.errors import InputError, NekoError
from neko.hearing_errors import ModelFetchError
from neko.net import Network
from neko.settings import CoreConfig
from neko.settings.registry import MODELS_MIRROR
from neko.tasks import TaskOwner, in_thread

FetchState = Literal["fetching", "done", "failed", "cancelled"]


@dataclass(slots=True)
class Fetch:
    """How far a model is: ``count`` of ``total`` bytes, ``error`` when it failed."""

    state: FetchState = "fetching"
    count: int = 0
    total: int = 0
    error: NekoError | None = None


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """``here``: its files, None while it is not there. ``can_be_removed``: it was fetched, and is no package's."""

    name: str
    known: KnownModel | None
    here: LocalModel | None
    can_be_removed: bool
    fetch: Fetch | None


class HearingModels:
    """``neko.hearing_models``. ``changed`` is awaited when a model has come or gone."""

    def __init__(
        self,
        config: CoreConfig,
        network: Network,
        folder: Path,
        owner: TaskOwner,
        changed: Callable[[], Awaitable[object]],
    ) -> None:
        self.folder = folder / "models" / "hearing"
        self._config = config
        self._network = network
        self._owner = owner
        self._changed = changed
        self._fetches: dict[str, Fetch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def offered(self, there: tuple[LocalModel, ...]) -> list[OfferedModel]:
        """What is here, of ``there``, and what could be."""
        here = {model.name: model for model in there}
        known = await in_thread(models.known_models)
        return [self._offer(name, known.get(name), here.get(name)) for name in {**here, **known}]

    def fetch(self, name: str) -> Fetch:
        """Begin to fetch a model of the registry, or go on with one. Raises ``InputError`` for any other."""
        model = models.known_models().get(name)
        if model is None:
            raise _unknown(name)
        if name not in self._tasks:
            self._fetches[name] = fetch = Fetch(total=model.size)
            self._tasks[name] = task = self._owner.spawn(self._fetch(model, fetch), name=f"fetch {name}")
            task.add_done_callback(lambda _: self._tasks.pop(name, None))
        return self._fetches[name]

    async def cancel(self, name: str) -> None:
        """Stop fetching; what has come stays for the next time. Idempotent."""
        if task := self._tasks.get(name):
            task.cancel()
            await asyncio.wait({task})

    async def remove(self, name: str) -> None:
        """Take the files of a model away that was fetched. Raises ``InputError`` where there are none."""
        await self.cancel(name)
        self._fetches.pop(name, None)
        if name not in models.known_models() or not await in_thread(self._fetcher.remove, name):
            raise _unknown(name)
        await self._changed()

    async def _fetch(self, model: KnownModel, fetch: Fetch) -> None:
        def progress(count: int, total: int) -> None:
            fetch.count, fetch.total = count, total

        try:
            await self._fetcher.fetch(model, progress)
        except asyncio.CancelledError:
            fetch.state = "cancelled"
            raise
        except NekoError as error:
            fetch.state, fetch.error = "failed", error
        except Exception as error:
            fetch.state = "failed"
            fetch.error = ModelFetchError(type(error).__name__, model=model.title, reason="disk", why=str(error))
            raise
        else:
            fetch.state = "done"
            await self._changed()

    @property
    def _fetcher(self) -> ModelFetcher:
        return ModelFetcher(self._network, self.folder, self._config.in_force.get(MODELS_MIRROR) or models.hub())

    def _offer(self, name: str, known: KnownModel | None, here: LocalModel | None) -> OfferedModel:
        is_fetched = here is not None and known is not None and here.folder == self.folder / name
        return OfferedModel(name, known, here, is_fetched, self._fetches.get(name))


def _unknown(name: str) -> InputError:
    error = InputError("no such model", name=name)
    error.code = "unknown_hearing_model"
    return error
