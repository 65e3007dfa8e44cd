"""The logins of media sites that the user has given, which no model may read (``web/routes/media_cookies``).

Also those that N.E.K.O. has encrypted (Fernet) with a key in a file beside (``contract/config.md`` §10), which are
read and left as they are.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from neko.set_aside import forget_damaged
from neko.storage import forget_previous, is_object, log_fault, read_document, write_json
from neko.well_formed import load_json

logger = logging.getLogger(__name__)

SITE_LOGIN: Final = "_cookies.json"
"""How the files end, whose names begin with the site's."""
KEY: Final = "_key.key"
"""The same of the key of an encrypted one."""
_TOKEN: Final = b"gAAAA"
"""How what Fernet has encrypted begins."""
MOST_FILES: Final = 20
LARGEST: Final = 64 * 1024
"""Bytes; a login that is given is no longer than 8 KiB."""
MOST_VALUES: Final = 100

_SMALL_KEY: Final = 100
"""Bytes; a key has 44."""

_Stamp = tuple[int, int]


def opened(path: Path, content: bytes) -> bytes | None:
    """What a file of a login says that has this content: the same, or decrypted; None: no key is beside that opens it.
    Changes nothing."""
    if not content.startswith(_TOKEN):
        return content
    from cryptography.fernet import Fernet, InvalidToken

    try:
        with _key_of(path).open("rb") as file:
            return Fernet(file.read(_SMALL_KEY).strip()).decrypt(content.strip())
    except (OSError, ValueError, InvalidToken):
        return None


def _key_of(path: Path) -> Path:
    return path.with_name(f"{path.name.removesuffix(SITE_LOGIN)}{KEY}")


def kept_login(path: Path) -> dict[str, Any] | None:
    """The cookies of a site by their names; none without a file; None: they are encrypted, and no key is beside that
    opens them. A damaged file is set aside."""
    content = _content(path)
    if not content.startswith(_TOKEN):
        cookies: dict[str, Any] = read_document(path, {}, is_object, log_fault)
        return cookies
    decrypted = opened(path, content)
    with contextlib.suppress(ValueError, RecursionError):
        found = load_json(decrypted) if decrypted is not None else None
        return found if is_object(found) else None
    return None


def replace_login(path: Path, cookies: dict[str, str]) -> None:
    """Keep these cookies of a site; the ones before them are in no file any more. Raises ``ConfigError``."""
    if _content(path).startswith(_TOKEN):  # no JSON, and yet not damaged
        path.unlink(missing_ok=True)
    write_json(path, cookies)
    forget_previous(path)


def forget_login(path: Path) -> None:
    """Delete the login of a site: its file, the key of an encrypted one, and what was set aside. Raises ``OSError``."""
    path.unlink(missing_ok=True)
    forget_previous(path)
    forget_damaged(path)
    _key_of(path).unlink(missing_ok=True)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError:
        return b""


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
                content = opened(path, file.read(LARGEST))
            return stamp, tuple(islice(_texts(load_json(content)), MOST_VALUES)) if content else ()
        except (OSError, ValueError, RecursionError) as error:
            logger.debug("%s is not read for secrets: %s", path.name, type(error).__name__)
            return None


def _texts(cookies: object) -> Iterator[str]:
    for value in cookies.values() if isinstance(cookies, dict) else ():
        if isinstance(value, str) and value:
            yield from {value, unquote(value)}
