"""What a page asks about VRM and Live2D models; the built-in face has none of either."""

from __future__ import annotations

from typing import Any

from neko.web.endpoint import Call, get
from neko.web.errors import HTTPError
from neko.web.mount import mount_path
from neko.web.schemas import Empty, Schema, Success


class VrmPaths(Schema):
    user_vrm: str
    static_vrm: str
    static_animation: str


class VrmConfig(Success):
    paths: VrmPaths


class ModelOfCharacter(Schema):
    """``item_id`` is one of Steam's, which nobody has here."""

    catgirl_name: str = ""
    item_id: str = ""


class CurrentModel(Success):
    """``model_name`` is as the card has it; there is no folder to find its files in."""

    catgirl_name: str
    model_name: str
    model_info: None = None


class ModelPath(Schema):
    model: str


class EmotionMapping(Success):
    config: dict[str, Any]


class ModelParameters(Success):
    parameters: dict[str, float]


@get("/api/model/vrm/config", response=VrmConfig, summary="Where VRM models and animations are found")
async def vrm_config(call: Call) -> VrmConfig:
    root = mount_path(call.request.scope)
    return VrmConfig(
        paths=VrmPaths(
            user_vrm=f"{root}/user_vrm",
            static_vrm=f"{root}/static/vrm",
            static_animation=f"{root}/static/vrm/animation",
        )
    )


@get(
    "/api/characters/current_live2d_model",
    query=ModelOfCharacter,
    response=CurrentModel,
    summary="A character's Live2D model, which is never there",
)
async def current_live2d_model(call: Call[Empty, ModelOfCharacter]) -> CurrentModel:
    characters = call.neko.characters.cards
    name = call.query.catgirl_name or characters.current
    card = characters.card(name) if name in characters.names else {}
    return CurrentModel(catgirl_name=name, model_name=str(card.get("live2d") or ""))


@get(
    "/api/live2d/emotion_mapping/{model}",
    path=ModelPath,
    response=EmotionMapping,
    summary="A Live2D model's motions by emotion",
    failures={404: "There is no model of this name."},
)
async def emotion_mapping(call: Call[Empty, Empty, ModelPath]) -> EmotionMapping:
    raise _unknown_model(404)


@get(
    "/api/live2d/load_model_parameters/{model}",
    path=ModelPath,
    response=ModelParameters,
    summary="A Live2D model's own parameters",
)
async def model_parameters(call: Call[Empty, Empty, ModelPath]) -> ModelParameters:
    raise _unknown_model(200)


def _unknown_model(status: int) -> HTTPError:
    return HTTPError(status, "unknown_model", "There is no model of this name.")


ENDPOINTS = (vrm_config, current_live2d_model, emotion_mapping, model_parameters)
