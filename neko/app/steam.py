"""``neko.steam``: Steam's client on this computer, if the user has switched it on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from neko.app.characters import Characters
from neko.app.play_time import PlayTime
from neko.app.publishing import Publishing
from neko.bus import Topic
from neko.errors import NekoError
from neko.faults import Fault, StandingFaults
from neko.settings import CoreConfig
from neko.settings.registry import LOCAL_ONLY, STEAM, STEAM_APP
from neko.steam.client import LIMITS, SteamClient
from neko.steam.items import SteamItem, item_of, language_of
from neko.steam_errors import SteamError
from neko.tasks import TaskOwner, in_thread
from neko.workshop import items
from neko.workshop.folder import WorkshopFolder
from neko.workshop.origin import came_from

logger = logging.getLogger(__name__)

_FAULT: Final = "steam"
_LANGUAGE_S: Final = 1.5
"""A page waits two seconds for its language."""
_PLAYED: Final = "PLAY_TIME_SECONDS"
_MILESTONES: Final[Mapping[str, int]] = {"ACH_TIME_5MIN": 300, "ACH_TIME_1HR": 3600, "ACH_TIME_100HR": 360_000}
"""Achievements by the seconds of play that they take."""


@dataclass(frozen=True, slots=True)
class Named:
    """Characters that an item's cards name: who came from it and goes with it; who stays, as the user's own, or because
    she is the current one."""

    going: Sequence[str]
    staying: Sequence[str]


class Steam:
    """Off until it is switched on. Every call raises ``SteamError`` where Steam cannot be asked or says no; that it
    cannot be asked stands as a fault until it can, or is switched off. ``folder`` is the data folder, ``session`` and
    ``is_here`` are for ``PlayTime``. After ``unsubscribe_s`` without an answer a subscription counts as ended."""

    unsubscribe_s: float = 5.0

    def __init__(
        self,
        config: CoreConfig,
        folder: Path,
        workshop: WorkshopFolder,
        standing: StandingFaults,
        owner: TaskOwner,
        session: Topic,
        is_here: Callable[[], bool],
    ) -> None:
        self._config = config
        self._log = folder / "logs" / "steam.log"
        self._workshop = workshop
        self._standing = standing
        self._owner = owner
        self._client: SteamClient | None = None
        self._closed = False
        self.is_asked = False
        """Whether it answered when it was last asked."""
        self._who: Mapping[str, str] | None = None
        self.limits = LIMITS
        self.publishing = Publishing(self.ask, workshop, folder / "character_cards")
        self.play_time = PlayTime(self.play, self.unlock, session, is_here, owner)

    @property
    def is_on(self) -> bool:
        """Whether it is switched on; that may be in vain."""
        return self._config.in_force.get(STEAM)

    async def follow(self) -> None:
        """Take what is set: have no process when it is switched off, and look for its items when it is on."""
        in_force = self._config.in_force
        client = self._client
        if client and (not self.is_on or in_force.get(LOCAL_ONLY) or client.app != in_force.get(STEAM_APP)):
            self._client = self._who = None
            await client.aclose()
            self.is_asked = False
        self.play_time.follow(on=self.is_on)
        if not self.is_on:
            self._standing.over(_FAULT)
            self._workshop.subscribed = {}
        elif self._client is None:
            self._owner.spawn(self._look(), name="steam")

    async def aclose(self) -> None:
        """Tell Steam that we go, and end the process; idempotent."""
        self._closed = True
        self.play_time.follow(on=False)
        if self._client:
            await self._client.aclose()

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """The answer to a request of ``steam.worker``."""
        try:
            if self._config.in_force.get(LOCAL_ONLY):
                raise SteamError("steam_local_only")
            if self._closed or not self.is_on:
                raise SteamError("steam_lost")  # it was switched off meanwhile
            if self._client is None:
                self._client = SteamClient(self._config.in_force.get(STEAM_APP), self._log, self.limits)
            answer = await self._client.ask(do, **fields)
        except SteamError as error:
            if error.is_gone and self.is_on and not self._closed:
                self._standing.stand(Fault(_FAULT, error))
                self._who = None
                self.is_asked = False
            raise
        self._standing.over(_FAULT)
        self.is_asked = True
        return answer

    async def _look(self) -> None:
        """Find out where its items are, so that what is in them is found; that it cannot be asked stands as a fault."""
        with contextlib.suppress(SteamError):
            await self.subscribed()

    # ── items ─────────────────────────────────────────────────────────────────

    async def subscribed(self) -> Sequence[SteamItem]:
        """The items that the user is subscribed to."""
        found = [item_of(told) for told in (await self.ask("items"))["items"]]
        here = {str(item.id): item.folder for item in found if item.folder and item.folder.name == str(item.id)}
        self._workshop.subscribed = {name: await in_thread(folder.resolve) for name, folder in here.items()}
        return found

    async def item(self, number: int) -> SteamItem | None:
        """One item; None where Steam knows none."""
        (told,) = (await self.ask("item", item=number))["items"]
        item = item_of(told)
        return item if item.is_known else None

    async def named(self, item: SteamItem | None, characters: Characters) -> Named:
        """The characters that an item's cards name. Without a folder that is surely the item's, nobody."""
        if item is None or item.folder is None or not self._is_own(item.folder, item.id):
            return Named((), ())
        cards = await in_thread(_cards_in, item.folder)
        known = [name for name in cards if name in characters.names]
        going = [
            name
            for name in known
            if name != characters.current
            and came_from(item.id, characters.cards.card(name), cards[name])
            and not await in_thread(self.publishing.is_of, item.id, name)
        ]
        return Named(tuple(going), tuple(name for name in known if name not in going))

    async def unsubscribe(self, number: int, characters: Characters) -> Named:
        """End a subscription, and delete the item's folder and the characters that came from it, but for the current
        one. Their memories are kept like those of anybody who is deleted."""
        item = await self.item(number)
        named = await self.named(item, characters)
        await self.ask("unsubscribe", item=number, within=self.unsubscribe_s)
        gone: list[str] = []
        for name in named.going:
            try:
                await characters.delete(name)
                gone.append(name)
            except NekoError as error:
                logger.warning("a character of item %s stays: %s", number, error)
        if item and item.folder and self._is_own(item.folder, number):
            await in_thread(shutil.rmtree, item.folder, ignore_errors=True)
        self._workshop.subscribed = {
            name: place for name, place in self._workshop.subscribed.items() if name != str(number)
        }
        await characters.reload()
        return Named(tuple(gone), tuple(name for name in (*named.going, *named.staying) if name not in gone))

    def _is_own(self, folder: Path, number: int) -> bool:
        """Whether it is where Steam puts this item of our app, and no link to elsewhere."""
        app = str(self._config.in_force.get(STEAM_APP))
        return folder.is_absolute() and folder.parts[-4:] == ("workshop", "content", app, str(number))

    # ── what the user has done ────────────────────────────────────────────────

    async def achievements(self) -> Sequence[Mapping[str, Any]]:
        """Every achievement of the app: ``name`` and whether it is ``unlocked``."""
        return list((await self.ask("achievements"))["achievements"])

    async def unlock(self, name: str) -> None:
        await self.ask("unlock", name=name)

    async def play(self, seconds: int) -> tuple[int, bool]:
        """Add to the time of play, which unlocks what it takes; the seconds by now, and whether Steam keeps them."""
        answer = await self.ask("play", stat=_PLAYED, seconds=seconds, achievements=dict(_MILESTONES))
        return answer["total"], answer["kept"]

    # ── who the user is ───────────────────────────────────────────────────────

    async def who(self) -> Mapping[str, str]:
        """Steam's name of the user's ``language`` and the ``country`` (ISO 3166); nothing where it does not tell in
        time."""
        if not self.is_on:
            return {}
        if self._who is None:
            try:
                async with asyncio.timeout(_LANGUAGE_S):
                    self._who = await self.ask("who")
            except (SteamError, TimeoutError):
                return {}
        return self._who

    async def language(self) -> str | None:
        """The language that Steam has for the app, if that is one of ours."""
        return language_of((await self.who()).get("language", ""))


def _cards_in(folder: Path) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The cards in a folder by the characters that they name."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for card in map(items.card_in, items.files_in(folder, [items.CARD])):
        if name := items.name_on(card):
            found.setdefault(name, []).append(card)
    return found
