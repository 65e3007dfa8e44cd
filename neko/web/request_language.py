"""Which language the person at the other end reads."""

from __future__ import annotations

from starlette.requests import Request

from neko.language import LANGUAGES, normalise
from neko.web.services import Services


def configured_language(services: Services) -> str | None:
    """The language that the user chose in the settings, if any."""
    own = services.config.values.get("neko")
    language = own.get("language") if isinstance(own, dict) else None
    return language if language in LANGUAGES else None


def request_language(request: Request, services: Services) -> str:
    """The chosen language, else the first that the browser asks for, else the system's."""
    chosen = configured_language(services)
    if chosen:
        return chosen
    asked = request.headers.get("accept-language", "").split(",")[0].split(";")[0].strip()
    return normalise(asked) if asked not in ("", "*") else services.language
