"""Who stands on the page and with which model: the first thing a page asks, answered from memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neko.web.endpoint import Call, get
from neko.web.schemas import Empty, Schema, Success


class PageQuery(Schema):
    lanlan_name: str = ""


class PageConfig(Success):
    """``model_path`` is empty for the built-in face; ``model_type`` is as the card has it."""

    lanlan_name: str
    model_path: str
    model_type: str


@get(
    "/api/config/page_config",
    query=PageQuery,
    response=PageConfig,
    summary="A character's name and model",
)
async def page_config(call: Call[Empty, PageQuery]) -> PageConfig:
    characters = call.neko.characters.cards
    name = call.query.lanlan_name or characters.current
    card = characters.card(name) if name in characters.names else {}
    kind = str(card.get("model_type") or "live2d")
    return PageConfig(lanlan_name=name, model_path=_model_path(kind, card), model_type=kind)


def _model_path(kind: str, card: Mapping[str, Any]) -> str:
    """Only what the card itself addresses; there is no folder of models to look in."""
    path = str(card.get("vrm") or "") if kind.lower() == "vrm" else ""
    return path if path.startswith(("http://", "https://", "/")) else ""


ENDPOINTS = (page_config,)
