"""Steam is not there, and these calls say so in the way that quiets the page."""

from __future__ import annotations

from neko.web.endpoint import Call, post
from neko.web.errors import HTTPError
from neko.web.schemas import Empty, Success


@post("/api/steam/update-playtime", response_model=Success, summary="Always 503: there is no Steam", body_is_read=False)
async def update_playtime(call: Call[Empty]) -> Success:
    raise _no_steam()


@post(
    "/api/steam/set-achievement-status/{name}",
    response_model=Success,
    summary="Always 503: there is no Steam",
    body_is_read=False,
)
async def set_achievement_status(call: Call[Empty]) -> Success:
    raise _no_steam()


def _no_steam() -> HTTPError:
    return HTTPError(503, "no_steam", "Neko runs without Steam.")


ENDPOINTS = (update_playtime, set_achievement_status)
