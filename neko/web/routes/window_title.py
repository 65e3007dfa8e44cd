"""The title of the window in front, where the system tells it (``contract/rest.md`` §9)."""

from __future__ import annotations

from neko.settings.registry import PRIVACY
from neko.tasks import in_thread
from neko.web.endpoint import Call, get
from neko.web.schemas import Schema


class WindowTitle(Schema):
    success: bool
    window_title: str | None


@get(
    "/api/get_window_title",
    response=WindowTitle,
    summary="The title of the window in front; none while nothing may be seen, and where the system does not tell it",
)
async def window_title(call: Call) -> WindowTitle:
    private = call.neko.config.in_force.get(PRIVACY)
    title = None if private else await in_thread(call.neko.proactive.front.title)
    return WindowTitle(success=title is not None, window_title=title)


ENDPOINTS = (window_title,)
