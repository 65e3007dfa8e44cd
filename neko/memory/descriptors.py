"""How many descriptors the open logs hold, which is more than one for each connection."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class _Held:
    connections: int = 0
    of_database: int = 0

    @property
    def count(self) -> int:
        return self.of_database + self.connections + 1


class Descriptors:
    """Counted by file; from any thread.

    Each connection has one for the WAL and one for the database, and one for the shared memory serves all of a file.
    A lock goes with the first descriptor that a process closes (https://sqlite.org/howtocorrupt.html §2.2), so SQLite
    keeps that of the database, for the next connection to it, until no connection to the file is open any more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._held: dict[Path, _Held] = {}
        self._lock = threading.Lock()

    @property
    def are_too_many(self) -> bool:
        """More than there should be: a file should be closed that nobody uses."""
        return self._count > self._most

    def opened(self, path: Path) -> None:
        """One more connection to this database."""
        with self._lock:
            held = self._held.get(path)
            self._count -= held.count if held else 0
            held = self._held.setdefault(path, _Held())
            held.connections += 1
            held.of_database = max(held.of_database, held.connections)
            self._count += held.count

    def closed(self, path: Path) -> None:
        """One less."""
        with self._lock:
            held = self._held[path]
            self._count -= held.count
            held.connections -= 1
            if held.connections:
                self._count += held.count
            else:
                del self._held[path]
