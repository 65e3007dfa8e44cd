"""Which language the person at the other end reads, and where they are."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from neko.app import Neko
from neko.language import first_accepted, normalise
from neko.safety import region_of

_REGION_LETTERS = 2


def client_language(connection: HTTPConnection) -> str | None:
    """What a client says it shows (``neko_language``), else what its browser asks for; None when it says nothing."""
    shown = connection.query_params.get("neko_language")
    return normalise(shown) if shown else first_accepted(connection.headers.get("accept-language", ""))


def client_region(connection: HTTPConnection) -> str | None:
    """Where a client says it is (``neko_region``, ISO 3166), else what its browser's first language tells."""
    named = region_code(connection.query_params.get("neko_region", ""))
    return named or region_of(connection.headers.get("accept-language", "").partition(",")[0].partition(";")[0])


def region_code(named: str) -> str | None:
    """ISO 3166 in capitals; None for what is none."""
    return named.upper() if len(named) == _REGION_LETTERS and named.isascii() and named.isalpha() else None


def request_language(connection: HTTPConnection, neko: Neko) -> str:
    """The client's own language, else that of the current character's last client, else the setting."""
    return client_language(connection) or neko.language_of(neko.characters.current)


def page_language(connection: HTTPConnection, neko: Neko) -> str:
    """The language to show a page in: the setting is for this, and from then on the page says what it shows."""
    return neko.language.chosen or request_language(connection, neko)
