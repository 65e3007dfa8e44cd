"""``neko.avatars``: the models of avatars that are there, and which one a character's card names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final, Literal

from neko.app.characters import Characters
from neko.avatars import arrival, live2d
from neko.avatars.live2d import Live2DModel, Live2DModels
from neko.avatars.places import Root, Source
from neko.avatars.vrm import VrmFile, VrmModels
from neko.avatars.worn import Worn
from neko.characters import CHARACTERS
from neko.tasks import in_thread
from neko.workshop.folder import WorkshopFolder

_STANDARD: Final = "mao_pro"
"""The model in N.E.K.O.'s repository."""


@dataclass(frozen=True, slots=True)
class AvatarOverview:
    """``size`` in bytes, ``item`` the Workshop's number, if it is of one; ``worn_by`` are characters."""

    kind: Literal["live2d", "vrm"]
    name: str
    size: int
    url: str
    source: Source
    item: str
    worn_by: Sequence[str]


class Avatars:
    """``folder`` is the data folder, ``given`` that of N.E.K.O.'s own pages (``--pages``), which bring models along.
    What a card names is found by name, address or the Workshop's number."""

    def __init__(
        self, folder: Path, characters: Characters, workshop: WorkshopFolder, given: Path | None = None
    ) -> None:
        self._given = given
        self._characters = characters
        self.live2d = Live2DModels(lambda: roots_of(folder, workshop.root, given, workshop.subscribed))
        self.vrm = VrmModels(folder / "vrm")
        self._worn = Worn(self.live2d, self.vrm)

    async def take(self, files: Sequence[tuple[str, BinaryIO]]) -> arrival.Arrived:
        """Take in a Live2D model of files by their relative paths, or of one archive. Raises ``AvatarError``."""
        return await in_thread(arrival.take, files, self.live2d.user_root.folder)

    async def overview(self) -> Sequence[AvatarOverview]:
        """Every model of either kind, with who has it."""
        cards = self._characters.cards
        worn = [(await self.address_of(cards.card(name)), name) for name in cards.names]

        def wearers(url: str) -> list[str]:
            return [name for address, name in worn if address == url]

        def look() -> list[AvatarOverview]:
            folders = [
                AvatarOverview(
                    "live2d", one.name, live2d.size_of(one), one.url, one.root.source, one.item, wearers(one.url)
                )
                for one in self.live2d.all()
            ]
            files = [
                AvatarOverview("vrm", one.name, one.size, one.url, Source.USER, "", wearers(one.url))
                for one in self.vrm.models()
            ]
            return [*folders, *files]

        return await in_thread(look)

    async def rename_live2d(self, old: str, new: str) -> str:
        """Rename a Live2D model, also in the cards that name it. Raises ``AvatarError``."""
        name = await in_thread(self.live2d.rename, old, new)
        await self._reword("live2d", {old: name})
        return name

    async def rename_vrm(self, old: str, new: str) -> VrmFile:
        """Rename a VRM model or animation, also in the cards that name it. Raises ``AvatarError``."""
        before, after = await in_thread(self.vrm.rename, old, new)
        for key in ("vrm", "vrm_animation", "idleAnimation"):
            await self._reword(key, {before.url: after.url, before.path.name: after.url})
        return after

    async def _reword(self, key: str, names: Mapping[str, str]) -> None:
        def change(raw: dict[str, Any]) -> None:
            for card in raw[CHARACTERS].values():
                if isinstance(card, dict) and isinstance(card.get(key), str) and card[key] in names:
                    card[key] = names[card[key]]

        if any(card.get(key) in names for card in map(self._characters.cards.card, self._characters.cards.names)):
            await self._characters.edit(change)

    async def live2d_of(self, card: Mapping[str, Any], item: str = "") -> Live2DModel | None:
        """The Live2D model of a card: by ``item``, the card's own item, or its name; None where none is there."""
        return await in_thread(self._worn.live2d_of, card, item)

    async def standard(self) -> Live2DModel | None:
        """What N.E.K.O.'s own pages show where a character has no model; None without those pages."""

        def look() -> Live2DModel | None:
            return next((one for one in self.live2d.all() if one.name == _STANDARD), None)

        return await in_thread(look) if self._given else None

    async def address_of(self, card: Mapping[str, Any]) -> str:
        """The path or URL of a card's model; "" for the built-in face."""
        return await in_thread(self._worn.address_of, card)

    async def is_there(self, card: Mapping[str, Any]) -> bool:
        """Whether a card's model can be had, or it names none; of one on another host nobody knows."""
        return await in_thread(self._worn.is_there, card)


def roots_of(
    data: Path, workshop: Path, given: Path | None, subscribed: Mapping[str, Path] = MappingProxyType({})
) -> Sequence[Root]:
    """Where Live2D models are: the data folder, the folder of Workshop items, those that Steam has installed, and
    N.E.K.O.'s own pages."""
    stores = {folder.parent for folder in subscribed.values()} - {workshop.resolve()}
    return (
        Root(data / "live2d", "/user_live2d", Source.USER),
        Root(workshop, "/workshop", Source.WORKSHOP),
        *(Root(store, "/workshop", Source.WORKSHOP, frozenset(subscribed)) for store in sorted(stores)),
        *([Root(given / "static", "/static", Source.PROGRAM)] if given else []),
    )
