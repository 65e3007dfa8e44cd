"""Publishing a folder as an item of Steam's Workshop (``contract/rest.md`` §8)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from neko.steam_errors import SteamError
from neko.tasks import in_thread, to_the_end
from neko.workshop import items, publishing
from neko.workshop.folder import WorkshopFolder
from neko.workshop_errors import WorkshopError

_LOOK_S: Final = 0.25
VISIBILITIES: Final = (0, 1, 2)
"""Everybody, friends, nobody."""


class Ask(Protocol):
    def __call__(self, do: str, **fields: Any) -> Awaitable[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """``folder`` and ``preview`` are paths as somebody sent them; ``card`` names the card whose upload it is."""

    title: str
    folder: str
    visibility: int = 0
    preview: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    card: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """``agreed`` is False while Steam's agreement is to be accepted: until then nobody else sees the item."""

    item: int
    is_new: bool
    agreed: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """``step``: creating, uploading; ``done`` of ``total`` bytes, both 0 while that is not known."""

    folder: Path
    step: str
    done: int = 0
    total: int = 0


class Publishing:
    """One at a time. ``create_s`` and ``upload_s``: how long Steam may take for either step. ``cards`` is the folder of
    cards."""

    create_s: float = 60.0
    upload_s: float = 180.0

    def __init__(
        self, ask: Ask, workshop: WorkshopFolder, cards: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._workshop = workshop
        self._cards = cards
        self._clock = clock
        self._busy = False
        self._made = dict[Path, int]()
        """The items that Steam made of folders which took no mark."""
        self.progress: Progress | None = None

    def is_of(self, item: int, card: str) -> bool:
        """Whether a card was published from here as this item. Blocks."""
        meta = publishing.meta_of(self._cards, card)
        return meta is not None and str(meta.get("workshop_item_id")) == str(item)

    async def publish(self, wanted: Wanted) -> Published:
        """Raises ``WorkshopError`` for what cannot be published, ``SteamError``."""
        if self._busy:
            raise SteamError("steam_publishing")
        self._busy = True
        try:
            return await self._publish(wanted)
        finally:
            self._busy = False
            self.progress = None

    async def _publish(self, wanted: Wanted) -> Published:
        folder, preview = await in_thread(self._places, wanted)
        meta = await in_thread(publishing.meta_of, self._cards, wanted.card) if wanted.card else None
        marked = await in_thread(items.published_as, folder)
        known = str((meta or {}).get("workshop_item_id") or marked or self._made.get(folder, ""))
        before = int(known) if known.isascii() and known.isdecimal() else 0
        self.progress = Progress(folder, "uploading" if before else "creating")
        await self._ask(
            "publish",
            item=before,
            title=wanted.title,
            description=wanted.description,
            folder=str(folder),
            preview=str(preview or ""),
            tags=list(wanted.tags),
            visibility=wanted.visibility if wanted.visibility in VISIBILITIES else 0,
            note=wanted.note,
        )
        try:
            told = await self._followed(folder, wanted.card)
        except BaseException:
            with contextlib.suppress(SteamError):
                await to_the_end(self._ask("give_up"))
            raise
        item = int(told["item"])
        if wanted.card:
            await in_thread(publishing.keep_meta, self._cards, wanted.card, item, folder, _snapshot(wanted))
        return Published(item, not before, bool(told["agreed"]))

    async def _followed(self, folder: Path, card: str) -> dict[str, Any]:
        """What comes of it; as soon as an item has a number, that is kept, so that the next try makes no second one."""
        step, since, marked = "", self._clock(), 0
        while True:
            told = await self._ask("progress")
            item = int(told["item"])
            if item and item != marked:
                self._made[folder] = marked = item
                await in_thread(self._mark, folder, card, item)
                del self._made[folder]
            if told["step"] == "failed":
                raise SteamError(str(told["code"]), str(told["said"]))
            if told["step"] == "done":
                return told
            if told["step"] != step:
                step, since = told["step"], self._clock()
            self.progress = Progress(folder, step, told["bytes"], told["total"])
            if self._clock() - since >= (self.create_s if step == "creating" else self.upload_s):
                raise SteamError("steam_late")
            await asyncio.sleep(_LOOK_S)

    def _mark(self, folder: Path, card: str, item: int) -> None:
        """Say in the folder, else with the card, as which item it is published."""
        try:
            publishing.mark(folder, item)
        except OSError:
            if card:
                publishing.keep_item(self._cards, card, item)
            raise

    def _places(self, wanted: Wanted) -> tuple[Path, Path | None]:
        """The folder and the picture, neither of them anywhere but in the user's own folder of items."""
        folder = self._workshop.own_folder(wanted.folder)
        if folder == self._workshop.root.resolve():
            raise WorkshopError("workshop_outside", "the folder of all items is none", path=wanted.folder[:200])
        if not items.files_in(folder, [""]):
            raise WorkshopError("workshop_empty", f"{folder} is empty", path=wanted.folder[:200])
        publishing.check_links(folder)
        preview = self._workshop.own_file(wanted.preview) if wanted.preview else items.preview_in(folder)
        if preview:
            publishing.check_preview(preview)
        return folder, preview


def _snapshot(wanted: Wanted) -> dict[str, Any]:
    return {
        "description": wanted.description,
        "tags": list(wanted.tags),
        "title": wanted.title,
        "visibility": wanted.visibility,
    }
