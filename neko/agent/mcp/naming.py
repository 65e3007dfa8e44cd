"""Names of tools as a chat model may call them: unique, and what every provider takes (``[a-zA-Z0-9_-]{1,64}``)."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 64
_ELSE: Final = re.compile(r"[^a-zA-Z0-9_-]+")


def function_names(tools: Iterable[tuple[str, str]], servers: Iterable[str] = ()) -> dict[str, tuple[str, str]]:
    """The server and tool behind each name, which begins with the server's, so that no server can take the place of a
    function that is ours. What is too long or taken already ends in a hash of both, and so do all tools of a server
    that is written like another one of ``servers``, which need not be there now: else a name would be that of the one
    or of the other as they come and go."""
    names: dict[str, tuple[str, str]] = {}
    used: set[str] = set()
    written = Counter(_plain(server, "server").casefold() for server in set(servers))
    for server, tool in tools:
        of_server = _plain(server, "server")
        full = f"{of_server}__{_plain(tool, 'tool')}"
        number = hashlib.sha256(f"{server}\0{tool}".encode()).hexdigest()[:8]
        hashed = f"{full[: LONGEST - 9]}_{number}"
        for name in (hashed,) if written[of_server.casefold()] > 1 else (full, hashed):
            if len(name) <= LONGEST and name.casefold() not in used:
                used.add(name.casefold())
                names[name] = (server, tool)
                break
    return names


def _plain(name: str, default: str) -> str:
    return _ELSE.sub("_", name).strip("_") or default
