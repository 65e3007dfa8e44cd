"""Who stands on the page and with which model: the first thing a page asks, answered at once."""

from __future__ import annotations

from neko.web.endpoint import Call, get
from neko.web.mount import mount_path
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
    path = await call.neko.avatars.address_of(card)
    if not path and kind.lower() != "vrm" and (standard := await call.neko.avatars.standard()):
        path = standard.url
    root = mount_path(call.request.scope) if path.startswith("/") else ""
    return PageConfig(lanlan_name=name, model_path=root + path, model_type=kind)


ENDPOINTS = (page_config,)
