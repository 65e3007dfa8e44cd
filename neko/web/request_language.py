"""Which language the person at the other end reads."""

from __future__ import annotations

from starlette.requests import Request

from neko.app import Neko
from neko.language import normalise


def request_language(request: Request, neko: Neko) -> str:
    """The chosen language, else the first that the browser asks for, else the system's."""
    if neko.language.chosen:
        return neko.language.chosen
    wanted = request.headers.get("accept-language", "").split(",")[0].split(";")[0].strip()
    return normalise(wanted) if wanted not in ("", "*") else neko.language.current
