"""What a server has written, and what became of it: the last lines, without its secrets."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final, Literal, TextIO

from neko.agent.outside import visible

MOST_LINES: Final = 400
LONGEST_LINE: Final = 500
MARK: Final = "\x1e\n"
"""A line of its own by which a process parts what it wrote before from what it writes then; it is not shown."""
_HIDDEN: Final = "…"

Source = Literal["neko", "server"]


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    source: Source
    text: str


class ServerLog:
    """Safe to write to from any thread."""

    def __init__(self, secrets: frozenset[str] = frozenset()) -> None:
        self._lines: deque[LogLine] = deque(maxlen=MOST_LINES)
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._reader: threading.Thread | None = None
        self._last = ""

    def add(self, source: Source, text: str) -> None:
        for line in visible(self.without_secrets(text)[: 4 * LONGEST_LINE]).splitlines():
            if line.strip():
                self._lines.append(LogLine(datetime.now(UTC), source, line[:LONGEST_LINE]))

    def without_secrets(self, text: str) -> str:
        """The text with the server's own keys left out, which it may tell of."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    @property
    def lines(self) -> list[LogLine]:
        """Oldest first."""
        return list(self._lines)

    def last_words(self) -> str:
        """What the process wrote last since it was started, or since its last ``MARK``; "" for nothing."""
        return self._last

    def _take(self, line: str) -> None:
        if line == MARK:
            self._last = ""
        elif line.strip():
            self.add("server", line)
            self._last = self._lines[-1].text if self._lines else ""

    @contextmanager
    def capture(self, bytes_per_second: float = math.inf) -> Iterator[TextIO]:
        """A file for a process to write into. A thread reads it until the last process that has it is gone, since a
        pipe of an ordinary kind cannot be read by the loop on Windows. Whoever writes faster than this has to wait."""
        self._last = ""
        read_end, write_end = os.pipe()
        pipe = os.fdopen(read_end, "rb")
        self._reader = threading.Thread(
            target=self._read, args=(pipe, bytes_per_second), name="process log", daemon=True
        )
        self._reader.start()
        with os.fdopen(write_end, "w") as sink:
            yield sink

    def wait(self, timeout_s: float) -> None:
        """Until all has been read that a process which is gone has written; blocks."""
        if self._reader is not None:
            self._reader.join(timeout_s)

    def _read(self, pipe: BinaryIO, bytes_per_second: float) -> None:
        began, size = time.monotonic(), 0
        with pipe:
            while line := pipe.readline(4 * LONGEST_LINE):
                self._take(line.decode("utf-8", "replace"))
                size += len(line)
                if size > bytes_per_second:
                    time.sleep(max(0.0, 1 - (time.monotonic() - began)))
                    began, size = time.monotonic(), 0
