"""Server-sent events, decoded from bytes as they come.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html (only the ``data`` field
matters to a chat stream; lines end with LF or CRLF).
"""

from __future__ import annotations

LONGEST_LINE = 4 * 1024 * 1024


class EventDecoder:
    """Bytes in, the data of whole events out."""

    __slots__ = ("_data", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events completed by ``chunk``; raises ``ValueError`` for a line of absurd length."""
        lines = (self._rest + chunk if self._rest else chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LONGEST_LINE:
            raise ValueError("a line of the stream is too long")
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:])
            elif data and line in (b"", b"\r"):
                events.append(data[0].strip() if len(data) == 1 else b"\n".join(data).strip())
                data.clear()
        return events

    def flush(self) -> list[bytes]:
        """The last event, if the stream ended without a blank line."""
        return self.feed(b"\n\n")
