"""Which model a character's card names, and the light on it (``contract/rest.md`` §3.2, §3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response

from neko.avatars.worn import kind_of
from neko.characters import PROFILE_NAME
from neko.errors import CharacterError
from neko.reserved_fields import RESERVED
from neko.web.endpoint import Call, get, post, put
from neko.web.errors import HTTPError
from neko.web.mount import mount_path
from neko.web.routes.characters import NamePath, NewName, OldNamePath, SomeLight, known_character, master_refused
from neko.web.schemas import Done, Empty, Schema, Success

_MODELS = ("/user_vrm/", "/static/vrm/")
_ANIMATIONS = ("/user_vrm/animation/", "/static/vrm/animation/")
_LIGHT = {"ambient": 0.4, "main": 1.2, "fill": 0.5, "rim": 0.8, "top": 0.3, "bottom": 0.15}
"""Of the lamps around a VRM model where nothing is set."""
_OF_THE_OTHER = {"vrm": ("live2d", "live2d_item_id"), "live2d": ("vrm", "vrm_animation", "lighting")}
"""What a card loses when it gets a model of this kind."""
_UNKNOWN = {404: "There is no character of this name."}


class ModelChoice(Schema):
    """``vrm_animation``: null or empty takes it away; left out it stays."""

    model_type: Literal["live2d", "vrm"] = "live2d"
    live2d: str | None = Field(None, max_length=200)
    vrm: str | None = Field(None, max_length=1000)
    item_id: str | int | None = None
    vrm_animation: str | None = Field(None, max_length=1000)


class Worn(Success):
    """``valid``: the model of the card is there; ``model_path`` is empty for the built-in face."""

    valid: bool
    model_path: str


class Fallback(Schema):
    fallback_to_default: bool = False


class LightChange(Schema):
    lighting: SomeLight
    apply_runtime: bool = False


class AtOnce(Schema):
    apply_runtime: bool | None = None


class LightChanged(Done):
    applied_runtime: bool
    needs_reload: bool


@put(
    "/api/characters/catgirl/l2d/{name}",
    path=NamePath,
    body=ModelChoice,
    response=Done,
    summary="Choose a character's model; in a card of the older layout it takes the place of one of the other kind",
    invalid_status=400,
    failures={400: "No model is named, or its path leads elsewhere.", **_UNKNOWN},
)
async def choose_model(call: Call[ModelChoice, Empty, NamePath]) -> Done:
    name, sent = known_character(call, call.path.name), call.body
    fields: dict[str, Any] = dict.fromkeys(() if _keeps_both(call, name) else _OF_THE_OTHER[sent.model_type])
    fields["model_type"] = sent.model_type
    if sent.model_type == "vrm":
        fields |= {"vrm": _inside(sent.vrm, _MODELS), "live2d_item_id": None}
        if "vrm_animation" in sent.model_fields_set:
            fields["vrm_animation"] = _inside(sent.vrm_animation, _ANIMATIONS) if sent.vrm_animation else None
    elif not (sent.live2d or "").strip():
        raise HTTPError(400, "invalid", "A model has to be named.")
    else:
        fields["live2d"] = sent.live2d
        if sent.item_id not in (None, ""):
            fields["live2d_item_id"] = str(sent.item_id)
    await call.neko.characters.merge_card(name, fields)
    return Done(message="saved")


def _keeps_both(call: Call[Any, Any, Any], name: str) -> bool:
    """The versions of N.E.K.O. whose cards have an object of reserved fields keep each kind's model in it for when the
    user goes back; older ones have room for one."""
    return isinstance(call.neko.characters.cards.card(name).get(RESERVED), Mapping)


def _inside(path: str | None, folders: tuple[str, ...]) -> str:
    """A path that is served from one of these folders."""
    text = (path or "").strip()
    parts = text.replace("\\", "/").split("/")
    if not text.startswith(folders) or "://" in text or ".." in parts or not parts[-1] or not text.isprintable():
        raise HTTPError(400, "invalid", "The path of the model leads to none of the folders of models.")
    return text


@get(
    "/api/characters/catgirl/l2d/{name}",
    path=NamePath,
    response=Worn,
    summary="Whether the model that a character's card names is there",
    failures=_UNKNOWN,
)
async def worn(call: Call[Empty, Empty, NamePath]) -> Worn:
    card = call.neko.characters.cards.card(known_character(call, call.path.name))
    if not await call.neko.avatars.is_there(card):
        return Worn(valid=False, model_path="")
    return Worn(valid=True, model_path=_mounted(call, await call.neko.avatars.address_of(card)))


def _mounted(call: Call[Any, Any, Any], address: str) -> str:
    return mount_path(call.request.scope) + address if address.startswith("/") else address


@post(
    "/api/characters/catgirl/l2d/{name}",
    path=NamePath,
    body=Fallback,
    response=Worn,
    summary="Let a character whose model is gone have the built-in face",
    failures=_UNKNOWN,
)
async def fall_back(call: Call[Fallback, Empty, NamePath]) -> Worn:
    name = known_character(call, call.path.name)
    if call.body.fallback_to_default:
        fields = {"live2d": ("live2d", "live2d_item_id"), "vrm": ("vrm", "vrm_animation")}
        gone: tuple[str, ...] = ("model_type", *fields["live2d"], *fields["vrm"])
        if _keeps_both(call, name):  # its kind stays too: without one it would wear the other model
            gone = fields[kind_of(call.neko.characters.cards.card(name))]
        await call.neko.characters.merge_card(name, dict.fromkeys(gone))
    address = await call.neko.avatars.address_of(call.neko.characters.cards.card(name))
    return Worn(valid=True, model_path=_mounted(call, address))


@put(
    "/api/characters/catgirl/{name}/lighting",
    path=NamePath,
    query=AtOnce,
    body=LightChange,
    response=LightChanged,
    summary="Set the light on a character's model; other settings of it stay",
    invalid_status=400,
    failures={400: "It is no light, or too strong or weak.", **_UNKNOWN},
)
async def set_light(call: Call[LightChange, AtOnce, NamePath]) -> LightChanged:
    name = known_character(call, call.path.name)
    stored = call.neko.characters.cards.card(name).get("lighting")
    kept = stored if isinstance(stored, dict) else {}
    changes = call.body.lighting.model_dump(exclude_none=True)
    await call.neko.characters.merge_card(name, {"lighting": {**_LIGHT, **kept, **changes}})
    at_once = call.body.apply_runtime if call.query.apply_runtime is None else call.query.apply_runtime
    return LightChanged(message="saved", applied_runtime=at_once, needs_reload=not at_once)


@post(
    "/api/characters/master/{old}/rename",
    path=OldNamePath,
    body=NewName,
    response=Success,
    summary="Call the user by another name",
    failures={400: "The name cannot be one.", 404: "The user is not called that."},
)
async def rename_master(call: Call[NewName, Empty, OldNamePath]) -> Success | Response:
    characters = call.neko.characters
    try:
        if call.path.old != characters.cards.master_name:
            raise HTTPError(404, "character", "The user is not called that.", name=call.path.old)
        await characters.set_master({**characters.cards.master(), PROFILE_NAME: call.body.new_name})
    except (HTTPError, CharacterError) as error:
        return await master_refused(call, error)
    return Success()


ENDPOINTS = (choose_model, worn, fall_back, set_light, rename_master)
