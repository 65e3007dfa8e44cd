"""Where each model stands on the page (``user_preferences.json``, best first)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, RootModel, field_validator

from neko.errors import DamagedFileError
from neko.storage import read_json, write_json
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.schemas import Done, Empty, Schema

Entry = dict[str, Any]
Entries = list[Entry]

_changing = threading.Lock()
"""Held from reading the file to writing it: two changes at once are both kept."""


class Point(Schema):
    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    x: float
    y: float


class Preference(Schema):
    """One model's place. What is left out keeps its stored value."""

    model_path: str = Field(min_length=1, max_length=1000)
    position: Point
    scale: Point
    parameters: dict[str, Any] | None = None
    display: dict[str, Any] | None = None
    rotation: dict[str, Any] | None = None
    viewport: dict[str, Any] | None = None
    camera_position: dict[str, Any] | None = None

    @field_validator("viewport", mode="before")
    @classmethod
    def _drop_what_is_no_size(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        sides = (value.get("width"), value.get("height"))
        fits = all(isinstance(side, int | float) and not isinstance(side, bool) and side > 0 for side in sides)
        return value if fits else None


class PreferenceList(RootModel[Entries]):
    model_config = ConfigDict(defer_build=True)


class Preferred(Schema):
    model_path: str = Field(min_length=1)


@get("/api/config/preferences", response_model=PreferenceList, summary="Every model's place, best first")
async def preferences(call: Call[Empty]) -> PreferenceList:
    try:
        return PreferenceList(await in_thread(_read, _file(call)))
    except DamagedFileError:
        return PreferenceList([])


@post(
    "/api/config/preferences",
    request_model=Preference,
    response_model=Done,
    summary="Store one model's place",
    invalid_status=200,
)
async def store_preference(call: Call[Preference]) -> Done:
    entry = call.body.model_dump(exclude_none=True)
    await in_thread(_change, _file(call), lambda stored: _laid_over(stored, entry))
    return Done(message="stored")


@post(
    "/api/config/preferences/set-preferred",
    request_model=Preferred,
    response_model=Done,
    summary="Put one model first",
    invalid_status=200,
)
async def set_preferred(call: Call[Preferred]) -> Done:
    await in_thread(_change, _file(call), lambda stored: _moved_up(stored, call.body.model_path))
    return Done(message="stored")


def _file(call: Call[Any]) -> Path:
    return call.neko.folder.config("user_preferences.json")


def _read(path: Path) -> Entries:
    stored = read_json(path, [])
    listed = [stored] if isinstance(stored, dict) else stored
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _change(path: Path, change: Callable[[Entries], Entries]) -> None:
    with _changing:
        write_json(path, change(_read(path)))


def _laid_over(stored: Entries, entry: Entry) -> Entries:
    for index, old in enumerate(stored):
        if old.get("model_path") == entry["model_path"]:
            return [*stored[:index], {**old, **entry}, *stored[index + 1 :]]
    return [entry, *stored]


def _moved_up(stored: Entries, model_path: str) -> Entries:
    chosen = [entry for entry in stored if entry.get("model_path") == model_path]
    if not chosen:
        raise HTTPError(200, "unknown_model", "No place is stored for this model.")
    return [*chosen, *(entry for entry in stored if entry.get("model_path") != model_path)]


ENDPOINTS = (preferences, store_preference, set_preferred)
