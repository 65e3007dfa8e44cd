"""Names of tools as a chat model may call them: unique, and what every provider takes (``[a-zA-Z0-9_-]{1,64}``)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 64
_ELSE: Final = re.compile(r"[^a-zA-Z0-9_-]+")


def function_names(tools: Iterable[tuple[str, str]], taken: Iterable[str] = ()) -> dict[str, tuple[str, str]]:
    """The server and tool behind each name, which begins with the server's, so that no server can take the place of a
    function that is ours. What is too long or taken already ends in a hash of both."""
    names: dict[str, tuple[str, str]] = {}
    used = {name.casefold() for name in taken}
    for server, tool in tools:
        plain = _ELSE.sub("_", tool).strip("_") or "tool"
        full = f"{_ELSE.sub('_', server).strip('_') or 'server'}__{plain}"
        number = hashlib.sha256(f"{server}\0{tool}".encode()).hexdigest()[:8]
        for name in (full, f"{full[: LONGEST - 9]}_{number}"):
            if len(name) <= LONGEST and name.casefold() not in used:
                used.add(name.casefold())
                names[name] = (server, tool)
                break
    return names
