"""Which characters came from an item of the Workshop, by their cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from neko.characters import KEPT_BY_PROGRAM, OWN, SYSTEM_PROMPT, free_fields
from neko.reserved_fields import RESERVED, unfolded

ITEM: Final = "创意工坊物品ID"
"""N.E.K.O.'s key of a card for the item that it was taken from."""
_ORIGIN: Final = "character_origin"
"""The same in the object of its newer layout."""


def came_from(item: int, card: Mapping[str, Any], cards: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a character's card was taken from an item with these ``cards``: it says so, or it says nothing of where
    it is from and is word for word one of them. What a page about models or voices sets is no word of it."""
    if named := _named_by(card):
        return named == str(item)
    return not _own(card) and any(_words(card) == _words(other) for other in cards)


def _named_by(card: Mapping[str, Any]) -> str:
    if card.get(ITEM):
        return str(card[ITEM])
    reserved = card.get(RESERVED)
    origin = reserved.get(_ORIGIN) if isinstance(reserved, Mapping) else None
    if isinstance(origin, Mapping) and origin.get("source") == "steam_workshop":
        return str(origin.get("source_id") or "")
    return ""


def _own(card: Mapping[str, Any]) -> bool:
    """Whether the user has given the card what N.E.K.O. has no key for; no item can."""
    own = card.get(OWN)
    return isinstance(own, Mapping) and any(value for key, value in own.items() if key not in KEPT_BY_PROGRAM)


def _words(card: Mapping[str, Any]) -> dict[str, str]:
    card = unfolded(card)
    return {**free_fields(card), SYSTEM_PROMPT: str(card.get(SYSTEM_PROMPT) or "").strip()}
