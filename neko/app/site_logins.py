"""The logins of media sites that the user has given, which no model may read (``web/routes/media_cookies``)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from neko.well_formed import load_json

logger = logging.getLogger(__name__)

SITE_LOGIN: Final = "_cookies.json"
"""How the files end, whose names begin with the site's."""
MOST_FILES: Final = 20
LARGEST: Final = 64 * 1024
"""Bytes; a login that is given is no longer than 8 KiB."""
MOST_VALUES: Final = 100

_Stamp = tuple[int, int]


class SiteLogins:
    """``folder`` has the files of the sites. A file is read again only once it is another one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[_Stamp, tuple[str, ...]]] = {}

    def secrets(self) -> frozenset[str]:
        """The values of all cookies, also as they are where they are written with ``%``."""
        try:
            files = list(islice(self._folder.glob(f"*{SITE_LOGIN}"), MOST_FILES))
        except OSError:
            files = []
        self._read = {path.name: known for path in files if (known := self._values(path))}
        return frozenset(value for _, values in self._read.values() for value in values)

    def _values(self, path: Path) -> tuple[_Stamp, tuple[str, ...]] | None:
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            known = self._read.get(path.name)
            if known is not None and known[0] == stamp:
                return known
            with path.open("rb") as file:
                return stamp, tuple(islice(_texts(load_json(file.read(LARGEST))), MOST_VALUES))
        except (OSError, ValueError, RecursionError) as error:
            logger.debug("%s is not read for secrets: %s", path.name, type(error).__name__)
            return None


def _texts(cookies: object) -> Iterator[str]:
    for value in cookies.values() if isinstance(cookies, dict) else ():
        if isinstance(value, str) and value:
            yield from {value, unquote(value)}
