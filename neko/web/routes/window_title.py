"""The title of the window in front, on Windows; elsewhere no way works everywhere (``contract/rest.md`` §9)."""

from __future__ import annotations

import sys

from neko.tasks import in_thread
from neko.web.endpoint import Call, get
from neko.web.schemas import Schema

_LONGEST = 500


class WindowTitle(Schema):
    success: bool
    window_title: str | None


@get("/api/get_window_title", response=WindowTitle, summary="The title of the window in front; none but on Windows")
async def window_title(call: Call) -> WindowTitle:
    title = await in_thread(_title)
    return WindowTitle(success=title is not None, window_title=title)


def _title() -> str | None:
    if sys.platform == "win32":
        import ctypes

        text = ctypes.create_unicode_buffer(_LONGEST)
        user32 = ctypes.windll.user32
        user32.GetWindowTextW(user32.GetForegroundWindow(), text, _LONGEST)
        return str(text.value)
    return None


ENDPOINTS = (window_title,)
