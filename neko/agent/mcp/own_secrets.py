"""What of an entry of ``mcp.json`` is a secret of the user's, which no model may read and no act may carry.

What it is called tells it (``API_TOKEN``, ``--api-key``, ``Authorization``), or that it looks like a key. A folder or
an address that a server is given is none: then it could not be spoken of at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

SHORTEST: Final = 8
NAMES_SECRET: Final = re.compile(r"key|token|secret|passw|auth|bearer|cookie|credential", re.IGNORECASE)
_OF_A_KEY: Final = re.compile(r"[A-Za-z0-9_\-+=.~]{20,}")
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9]{16,}")
_IS_A_PLACE: Final = re.compile(r"^[~./\\]|^[A-Za-z]:\\|://")
_SCHEMES: Final = frozenset({"bearer", "basic", "token"})
URLS: Final = ("url", "serverUrl", "httpUrl")


def secrets_of(entry: Mapping[str, Any]) -> frozenset[str]:
    """The secrets in an entry, as they stand there."""
    return frozenset(part for text in _texts(entry) for part in _parts(text) if len(part) >= SHORTEST)


def secrets_among(table: Mapping[str, str]) -> frozenset[str]:
    """Those of the values of variables or headers, by name."""
    return frozenset(part for text in _named(table) for part in _parts(text) if len(part) >= SHORTEST)


def _texts(entry: Mapping[str, Any]) -> Iterator[str]:
    for table in (entry.get(name) for name in ("env", "headers", "requestHeaders")):
        if isinstance(table, Mapping):
            yield from _named(table)
    args = entry.get("args")
    yield from of_arguments([str(one) for one in args] if isinstance(args, list) else [])
    for name in URLS:
        if isinstance(entry.get(name), str):
            yield from _of_address(entry[name])


def _named(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        text = str(value)
        if NAMES_SECRET.search(str(name)) or _looks_like_a_key(text):
            yield text


def of_arguments(args: list[str]) -> Iterator[str]:
    """Of those of a program: ``--api-key VALUE``, ``--token=VALUE``, ``API_KEY=VALUE``, or what looks like one."""
    is_named = False
    for text in args:
        name, sign, value = text.partition("=")
        names = bool(NAMES_SECRET.search(name)) and (text.startswith("-") or bool(sign))
        if names and sign:
            yield value
        elif (is_named and not text.startswith("-")) or _looks_like_a_key(text):
            yield text
        is_named = names and not sign


def _of_address(url: str) -> Iterator[str]:
    """The password, what the query calls a key, and a part of the path that looks like one."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return
    if password:
        yield unquote(password)
    yield from _named(dict(parse_qsl(parts.query)))
    yield from filter(_looks_like_a_key, parts.path.split("/"))


def _looks_like_a_key(text: str) -> bool:
    """Letters and digits that make no words."""
    if _IS_A_PLACE.search(text):
        return False
    runs = (run for word in text.split() if _OF_A_KEY.fullmatch(word) for run in _LONG_RUN.findall(word))
    return any(not (run.isalpha() or run.isdigit()) for run in runs)


def _parts(text: str) -> Iterator[str]:
    """The whole, and without the scheme of a header."""
    yield text
    first, _, rest = text.partition(" ")
    if first.lower() in _SCHEMES:
        yield rest.strip()
