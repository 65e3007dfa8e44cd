"""Which models there are, and which Live2D model a character has (``contract/rest.md`` §3.2)."""

from __future__ import annotations

from typing import Literal

from neko.avatars.places import Source
from neko.web.endpoint import Call, get
from neko.web.mount import mount_path
from neko.web.schemas import Empty, Schema, Success


class ModelOfCharacter(Schema):
    """``item_id``: the number of a Workshop item, which wins over the character's card."""

    catgirl_name: str = ""
    item_id: str = ""


class ModelInfo(Schema):
    name: str
    display_name: str
    path: str
    source: str
    item_id: str | None = None
    is_fallback: bool = False


class CurrentModel(Success):
    """``model_name`` is as the card has it; ``model_info`` is null where no such model is there."""

    catgirl_name: str
    model_name: str
    model_info: ModelInfo | None


@get(
    "/api/characters/current_live2d_model",
    query=ModelOfCharacter,
    response=CurrentModel,
    summary="A character's Live2D model, or that of N.E.K.O.'s pages where they are shown; none for the built-in face",
)
async def current_live2d_model(call: Call[Empty, ModelOfCharacter]) -> CurrentModel:
    characters = call.neko.characters.cards
    name = call.query.catgirl_name or characters.current
    card = characters.card(name) if name in characters.names else {}
    avatars = call.neko.avatars
    found = await avatars.live2d_of(card, call.query.item_id)
    model = found or await avatars.standard()
    info = None
    if model:
        info = ModelInfo(
            name=model.name,
            display_name=model.name,
            path=mount_path(call.request.scope) + model.url,
            source=model.root.source.value,
            item_id=model.item or None,
            is_fallback=found is None,
        )
    named = str(card.get("live2d") or "") or (model.name if model else "")
    return CurrentModel(catgirl_name=name, model_name=named, model_info=info)


class AvatarModel(Schema):
    """``size`` in bytes; ``path`` is what a card names; ``own``: it is the user's, who may rename and delete it."""

    kind: Literal["live2d", "vrm"]
    name: str
    size: int
    path: str
    item_id: str
    own: bool
    worn_by: list[str]


class AvatarModels(Success):
    models: list[AvatarModel]


@get("/api/avatars", response=AvatarModels, summary="Every model of either kind, with its size and who has it")
async def avatar_models(call: Call) -> AvatarModels:
    return AvatarModels(
        models=[
            AvatarModel(
                kind=one.kind,
                name=one.name,
                size=one.size,
                path=one.url,
                item_id=one.item,
                own=one.source is Source.USER,
                worn_by=list(one.worn_by),
            )
            for one in await call.neko.avatars.overview()
        ]
    )


ENDPOINTS = (current_live2d_model, avatar_models)
