"""Steam is not there, and these calls say so in the way that quiets the page."""

from __future__ import annotations

from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.schemas import Empty, Schema, Success

NO_STEAM = {503: "There is no Steam."}


class AchievementPath(Schema):
    name: str


@post("/api/steam/update-playtime", response=Success, failures=NO_STEAM, summary="Always 503: there is no Steam")
async def update_playtime(call: Call) -> Success:
    raise _no_steam()


@post(
    "/api/steam/set-achievement-status/{name}",
    path=AchievementPath,
    response=Success,
    failures=NO_STEAM,
    summary="Always 503: there is no Steam",
)
async def set_achievement_status(call: Call[Empty, Empty, AchievementPath]) -> Success:
    raise _no_steam()


class ItemPath(Schema):
    item: str


class Achievements(Schema):
    count: int
    achievements: list[dict[str, object]]


@get("/api/steam/list-achievements", response=Achievements, failures={500: "There is no Steam."}, summary="Always 500")
async def list_achievements(call: Call) -> Achievements:
    raise HTTPError(500, "no_steam", "Neko runs without Steam.")


@get(
    "/api/steam/workshop/subscribed-items",
    response=Success,
    failures=NO_STEAM,
    summary="Always 503: there is no Steam",
)
async def subscribed_items(call: Call) -> Success:
    raise _no_steam()


@get(
    "/api/steam/workshop/item/{item}",
    "/api/steam/workshop/item/{item}/path",
    path=ItemPath,
    response=Success,
    failures=NO_STEAM,
    summary="Always 503: there is no Steam",
)
async def item(call: Call[Empty, Empty, ItemPath]) -> Success:
    raise _no_steam()


@post("/api/steam/workshop/unsubscribe", response=Success, failures=NO_STEAM, summary="Always 503: there is no Steam")
async def unsubscribe(call: Call) -> Success:
    raise _no_steam()


@post("/api/steam/workshop/publish", response=Success, failures=NO_STEAM, summary="Always 503: there is no Steam")
async def publish(call: Call) -> Success:
    raise _no_steam()


def _no_steam() -> HTTPError:
    return HTTPError(503, "no_steam", "Neko runs without Steam.")


ENDPOINTS = (
    update_playtime,
    set_achievement_status,
    list_achievements,
    subscribed_items,
    item,
    unsubscribe,
    publish,
)
