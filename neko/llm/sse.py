"""Server-sent events, decoded from bytes as they come.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html. Lines end with LF, CRLF or CR. Of the fields
only ``data`` and an ``event`` called "error" matter to a chat stream. Habits of servers are read as well: a
field called ``error`` in place of ``data`` (old llama.cpp), a line that is a bare JSON object (an error put into
a stream that had begun, and streams of JSON lines), events without the blank line between them, and a last one
without the end of its line, after which the socket stays open.
"""

from __future__ import annotations

import json
import re

_END = re.compile(rb"data:\s*\"?\[DONE\]\"?\s*", re.IGNORECASE)
_LONGEST_END = 64
LONGEST_LINE = 4 * 1024 * 1024


class ErrorData(bytes):
    """The data of an event that says that it is an error."""


def is_json(text: bytes | bytearray) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class EventDecoder:
    """Bytes in, the data of whole events out."""

    __slots__ = ("_after_cr", "_data", "_is_error", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._is_error = False
        self._after_cr = False

    @property
    def is_between_events(self) -> bool:
        """True when nothing of an event has come without its end."""
        return not self._rest.strip() and not self._data

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events completed by ``chunk``; raises ``ValueError`` for a line of absurd length."""
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_line_feeds(chunk)
        lines = chunk.split(b"\n")
        rest = self._rest
        if rest and len(lines) > 1:
            lines[0] = bytes(rest) + lines[0]
            rest.clear()
        if last := lines.pop():
            rest += last
            if len(rest) < _LONGEST_END and _END.fullmatch(rest):
                lines += (bytes(rest), b"")
                rest.clear()
            elif len(rest) > LONGEST_LINE:
                raise ValueError("a line of the stream is too long")
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data:"):
                if data and _is_over(data[-1], line):
                    events.append(self._event())
                data.append(line[5:])
            elif not line:
                if data:
                    events.append(self._event())
                self._is_error = False
            elif line.startswith(b"{"):
                if data:
                    events.append(self._event())
                events.append(line)
            else:
                self._other_field(line)
        if len(data) == 1 and _is_whole(data[0]):
            events.append(self._event())
        return events

    def flush(self) -> list[bytes]:
        """The last event, if the stream ended without a blank line."""
        return self.feed(b"\n\n")

    def _event(self) -> bytes:
        data = self._data[0].strip() if len(self._data) == 1 else b"\n".join(self._data).strip()
        self._data.clear()
        return ErrorData(data) if self._is_error else data

    def _other_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"error":
            self._data.append(value)
            self._is_error = True
        elif name == b"event":
            self._is_error = value.strip().lower() == b"error"

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        """``chunk`` with LF for each end of a line; a CR at its end counts at once, a LF that follows is dropped."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _is_over(line: bytes, following: bytes) -> bool:
    """Whether an event ends between two lines of data: no JSON goes on with a text after another."""
    return line.rstrip().endswith((b"}", b"]")) and following[5:].lstrip().startswith((b"{", b"[DONE]"))


def _is_whole(data: bytes) -> bool:
    """Whether nothing can follow in the same event."""
    data = data.strip()
    return data == b"[DONE]" or (data.startswith(b"{") and data.endswith(b"}") and is_json(data))
