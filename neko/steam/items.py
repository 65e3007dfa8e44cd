"""Items of the Workshop as Steam tells of them (``worker``), and what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from neko.well_formed import well_formed

STATE_BITS: Final[Mapping[str, int]] = {
    "subscribed": 1,
    "legacyItem": 2,
    "installed": 4,
    "needsUpdate": 8,
    "downloading": 16,
    "downloadPending": 32,
}
"""``EItemState``, by the names of the contract."""
_LANGUAGES: Final[Mapping[str, str]] = {
    "schinese": "zh-CN",
    "tchinese": "zh-TW",
    "english": "en",
    "japanese": "ja",
    "koreana": "ko",
    "korean": "ko",
}


@dataclass(frozen=True, slots=True)
class Details:
    """What Steam's servers know of an item. Moments in seconds since 1970, ``size`` in bytes; ``added``: to the user's
    list; ``owner``: a Steam id; ``picture``: a URL."""

    title: str
    description: str
    tags: tuple[str, ...]
    owner: str
    created: int
    updated: int
    added: int
    file: int
    preview_file: int
    size: int
    url: str
    picture: str


@dataclass(frozen=True, slots=True)
class SteamItem:
    """``state`` by the contract's names; ``folder`` where it is installed, with ``size`` bytes; ``loaded`` of ``total``
    bytes have come. ``details`` is None while Steam's servers cannot be asked; ``fault`` says why they do not tell of
    it."""

    id: int
    state: Mapping[str, bool]
    folder: Path | None
    size: int
    installed: int
    loaded: int
    total: int
    details: Details | None = None
    fault: str = field(default="")

    @property
    def is_known(self) -> bool:
        """Whether there is such an item, as far as Steam can tell."""
        return self.details is not None or any(self.state[name] for name in ("subscribed", "installed"))


def state_of(bits: int) -> dict[str, bool]:
    """``EItemState`` by the names of the contract."""
    state = {name: bool(bits & bit) for name, bit in STATE_BITS.items()}
    return {**state, "isWorkshopItem": bits != 0 and not state["legacyItem"]}


def item_of(told: Mapping[str, Any]) -> SteamItem:
    """An item as ``worker`` tells of it."""
    state = state_of(told["state"])
    install, download = told["install"] or {}, told["download"] or {}
    folder = install.get("folder", "")
    if well_formed(folder) != folder:
        folder = ""  # a name that no answer can hold
    loaded, total = int(download.get("bytes_downloaded", 0)), int(download.get("bytes_total", 0))
    known = dict(told["details"] or {})
    fault = known.pop("said") if known else ""
    details = None
    if known and not fault:
        told_as_text: dict[str, Any] = {name: int(known[name]) for name in ("file", "preview_file")}
        details = Details(**{**known, **told_as_text, "tags": tuple(known["tags"])})
    return SteamItem(
        told["id"],
        state,
        Path(folder) if folder and state["installed"] else None,
        int(install.get("size_on_disk", 0)),
        int(install.get("timestamp", 0)),
        loaded,
        total,
        details,
        fault,
    )


def language_of(name: str) -> str | None:
    """One of ``neko.language.LANGUAGES`` for Steam's name of a language."""
    return _LANGUAGES.get(name)
