"""Cards in N.E.K.O.'s newer layout: what the program sets is in one object, ``_reserved``, by avatar and kind of model.

Neko reads and changes the older fields of the card itself. ``unfolded`` gives a card those from its object, and
``folded`` puts what has changed of them back into it. A card without such an object stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

RESERVED: Final = "_reserved"
_AVATAR: Final = "avatar"
_KIND: Final = (_AVATAR, "model_type")
_KIND_3D: Final = (_AVATAR, "live3d_sub_type")
_LIVE2D: Final = (_AVATAR, "live2d", "model_path")
_IDLE: Final = (_AVATAR, "vrm", "idle_animation")
_SOURCE: Final = (_AVATAR, "asset_source")
_CONFIG: Final = ".model3.json"
_VRM: Final = "vrm"
_3D: Final = "live3d"
_PLACES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "voice_id": ("voice_id",),
        "system_prompt": ("system_prompt",),
        "model_type": _KIND,
        "live2d": _LIVE2D,
        "live2d_item_id": (_AVATAR, "asset_source_id"),
        "vrm": (_AVATAR, _VRM, "model_path"),
        "vrm_animation": (_AVATAR, _VRM, "animation"),
        "idleAnimation": _IDLE,
        "lighting": (_AVATAR, _VRM, "lighting"),
    }
)
"""Where in the object an older field is."""
NEWER: Final = (
    RESERVED,
    *("_field_order", "touch_set", "live3d_sub_type", "live2d_idle_animation", "idleAnimations", "pngtuber"),
    *("mmd", "mmd_animation", "mmd_idle_animation", "mmd_idle_animations"),
)
"""Fields of a card that newer versions know and older ones do not; none is a trait."""


def unfolded(card: Mapping[str, Any]) -> dict[str, Any]:
    """The card with the older fields; the object counts where both say something."""
    return {**card, **_older(card.get(RESERVED))}


def folded(card: Mapping[str, Any]) -> dict[str, Any]:
    """An ``unfolded`` card as it is kept; what nobody has changed in its object is as it was."""
    if not isinstance(card.get(RESERVED), dict):
        return dict(card)
    kept = {key: value for key, value in card.items() if key not in _PLACES}
    kept[RESERVED] = copy.deepcopy(card[RESERVED])
    before = _older(kept[RESERVED])
    for key in _PLACES:
        if card.get(key) != before.get(key):
            _put(kept[RESERVED], key, card.get(key))
    return kept


def _older(reserved: object) -> dict[str, Any]:
    """The older fields that the object has a value for."""
    found = {key: _read(key, _at(reserved, place), reserved) for key, place in _PLACES.items()}
    return {key: value for key, value in found.items() if value}


def _read(key: str, value: Any, reserved: object) -> Any:
    if key == "lighting":
        return value if isinstance(value, dict) else None
    if key == "voice_id" and isinstance(value, dict):
        return _voice(value)
    if key == "idleAnimation" and isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, str):
        return None
    if key == "live2d":
        return _model_name(value)
    if key == "model_type" and value.strip().lower() == _3D:
        has_other = bool(_at(reserved, (_AVATAR, "mmd", "model_path")))
        return value if (_at(reserved, _KIND_3D) or ("mmd" if has_other else _VRM)) != _VRM else _VRM
    return value


def _voice(voice: Mapping[str, Any]) -> str:
    """A voice by its provider and name, written as one word."""
    mark = {"elevenlabs": "eleven:", "gptsovits": "gsv:"}.get(str(voice.get("provider")), "")
    name = voice.get("ref")
    return mark + name if isinstance(name, str) and name else ""


def _model_name(path: str) -> str:
    """The folder of a Live2D model, by which older cards name it."""
    parts = [part for part in path.strip().replace("\\", "/").split("/") if part]
    if len(parts) > 1 and parts[-1].endswith(_CONFIG):
        return parts[-2]
    return parts[-1].removesuffix(_CONFIG) if parts else ""


def _at(reserved: object, place: tuple[str, ...]) -> Any:
    for key in place:
        reserved = reserved.get(key) if isinstance(reserved, dict) else None
    return reserved


def _put(reserved: dict[str, Any], key: str, value: Any) -> None:
    if key == "model_type":
        _set(reserved, _KIND_3D, _VRM if value == _VRM else None)
        value = _3D if value == _VRM else value
    elif key == "live2d" and value and not str(value).endswith(_CONFIG):
        value = f"{value}/{value}{_CONFIG}"
    elif key == "idleAnimation" and value:
        value = [value]
    elif key == "live2d_item_id":
        _set(reserved, _SOURCE, "steam_workshop" if value else "local")
    _set(reserved, _PLACES[key], value)


def _set(reserved: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    """None takes it away."""
    for key in place[:-1]:
        if not isinstance(reserved.get(key), dict):
            reserved[key] = {}
        reserved = reserved[key]
    if value is None:
        reserved.pop(place[-1], None)
    else:
        reserved[place[-1]] = value
