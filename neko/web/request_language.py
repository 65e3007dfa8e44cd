"""Which language the person at the other end reads."""

from __future__ import annotations

from starlette.requests import Request

from neko.app import Neko
from neko.language import first_accepted


def request_language(request: Request, neko: Neko) -> str:
    """The chosen language, else the first that the browser asks for, else the system's."""
    return neko.language.chosen or first_accepted(request.headers.get("accept-language", "")) or neko.language.current
