"""Which model a character's card names: by name, address or the Workshop's number. Every call blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from neko.avatar_errors import AvatarError
from neko.avatars.live2d import Live2DModel, Live2DModels
from neko.avatars.vrm import VrmModels


def kind_of(card: Mapping[str, Any]) -> Literal["live2d", "vrm"]:
    """Of which kind the model is that a card wears; it may name one of the other kind besides."""
    return "vrm" if str(card.get("model_type") or "").lower() == "vrm" else "live2d"


class Worn:
    def __init__(self, live2d: Live2DModels, vrm: VrmModels) -> None:
        self._live2d = live2d
        self._vrm = vrm

    def live2d_of(self, card: Mapping[str, Any], item: str = "") -> Live2DModel | None:
        """The Live2D model of a card: by ``item``, the card's own item, or its name; None where none is there."""
        named = str(card.get("live2d") or "")
        kept = str(card.get("live2d_item_id") or "")
        find, of_item = self._live2d.find, self._live2d.of_item
        for look, what in ((of_item, item), (of_item, kept), (find, named)):
            try:
                if what:
                    return look(what)
            except AvatarError:
                continue
        return None

    def address_of(self, card: Mapping[str, Any]) -> str:
        """The path or URL of a card's model; "" for the built-in face."""
        if kind_of(card) == "live2d":
            model = self.live2d_of(card)
            return model.url if model else ""
        named = str(card.get("vrm") or "")
        if not named or named.startswith(("http://", "https://", "/")):
            return named
        try:
            return self._vrm.find(named).url
        except AvatarError:
            return ""

    def is_there(self, card: Mapping[str, Any]) -> bool:
        """Whether a card's model can be had, or it names none; of one on another host nobody knows."""
        address = self.address_of(card)
        if address.startswith("/user_vrm/"):
            return self._vrm.is_there(address)
        named = ("vrm",) if kind_of(card) == "vrm" else ("live2d", "live2d_item_id")
        return bool(address) or not any(card.get(key) for key in named)
