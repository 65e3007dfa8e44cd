"""Where each model stands on the page (``user_preferences.json``, best first)."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, RootModel, field_validator

from neko.errors import SettingError
from neko.preferences import Entries
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.schemas import Done, Schema


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


@get("/api/config/preferences", response=PreferenceList, summary="Every model's place, best first")
async def preferences(call: Call) -> PreferenceList:
    return PreferenceList(await in_thread(call.neko.preferences.read))


@post(
    "/api/config/preferences",
    body=Preference,
    response=Done,
    summary="Store one model's place",
    invalid_status=200,
)
async def store_preference(call: Call[Preference]) -> Done:
    await in_thread(call.neko.preferences.store, call.body.model_dump(exclude_none=True))
    return Done(message="stored")


@post(
    "/api/config/preferences/set-preferred",
    body=Preferred,
    response=Done,
    summary="Put one model first",
    invalid_status=200,
    failures={200: "There is no such model."},
)
async def set_preferred(call: Call[Preferred]) -> Done:
    try:
        await in_thread(call.neko.preferences.put_first, call.body.model_path)
    except SettingError as error:
        raise HTTPError(200, error.code, str(error)) from error
    return Done(message="stored")


ENDPOINTS = (preferences, store_preference, set_preferred)
