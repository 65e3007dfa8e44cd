"""The body of an answer to a chat request, cut into the JSON texts that it is made of.

Its first bytes say what it is, not a header: servers send event streams as JSON, JSON as event streams, and either
as text/plain or as nothing at all.
"""

from __future__ import annotations

import json
import re
from typing import Final, Literal

from neko.llm.sse import EventDecoder, is_json

Shape = Literal["unknown", "events", "json", "page"]
LONGEST_WHOLE: Final = 8 * 1024 * 1024
_HEAD: Final = 2_000
_MOST_TEXTS: Final = 10_000
_LONGEST_PAGE: Final = 64 * 1024
_BETWEEN: Final = re.compile(r"(?:\s|data:)*")
_FIELD: Final = re.compile(rb"(\xef\xbb\xbf)?\s*(:|(data|event|id|retry|error)\s*[:\r\n]|[{\[])")
_BOM: Final = b"\xef\xbb\xbf"


class AnswerBody:
    """Bytes in, data out: that of server-sent events, one JSON text, or several, a line each.

    ``shape`` is known from the first byte that is no blank. ``head`` is how the body begins.
    """

    __slots__ = ("_events", "_has_line", "_held", "head", "shape")

    def __init__(self) -> None:
        self._events = EventDecoder()
        self._held = bytearray()
        self._has_line = False
        self.head = b""
        self.shape: Shape = "unknown"

    @property
    def page(self) -> bytes:
        """What there is of a web page."""
        return bytes(self._held)

    @property
    def is_plain_text(self) -> bool:
        """Whether this is no event stream either, by how it begins."""
        return self.shape == "events" and not _FIELD.match(self.head)

    @property
    def is_whole(self) -> bool:
        """True unless what has come ends in the middle of something."""
        return self._events.is_between_events

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data completed by ``chunk``. Raises ``ValueError`` when it gets too long."""
        if len(self.head) < _HEAD:
            self.head += chunk[:_HEAD]
        if self.shape == "events":
            return self._events.feed(chunk)
        self._held += chunk
        if self.shape == "unknown":
            self.shape = self._look()
        if self.shape == "json" and not self._has_line and b"\n" in chunk:
            self._has_line = True
            self.shape = "events" if self._is_by_lines() else "json"
        match self.shape:
            case "events":
                held, self._held = bytes(self._held), bytearray()
                return self._events.feed(held)
            case "page":
                del self._held[_LONGEST_PAGE:]
        if len(self._held) > LONGEST_WHOLE:
            raise ValueError("the answer is too long")
        return []

    def flush(self) -> list[bytes]:
        """The bytes are over: the data that is left."""
        return json_texts(bytes(self._held)) if self.shape == "json" else self._events.flush()

    def _look(self) -> Shape:
        text = self._held.removeprefix(_BOM).lstrip()
        if not text or _BOM.startswith(bytes(text)):
            return "unknown"
        self._held = text
        match bytes(text[:1]):
            case b"{" | b"[":
                return "json"
            case b"<":
                return "page"
        return "events"

    def _is_by_lines(self) -> bool:
        """Whether the first line is an object by itself, so that each line is one."""
        line = self._held.partition(b"\n")[0]
        return line.startswith(b"{") and line.rstrip().endswith(b"}") and is_json(line)


def json_texts(body: bytes) -> list[bytes]:
    """A body of JSON: one text, as a rule, or several one after the other, some with the name of an event's field
    between them; what is none stays as it is."""
    if is_json(body):
        return [body]
    text, at = body.decode("utf-8", "replace").strip(), 0
    texts: list[bytes] = []
    decoder = json.JSONDecoder()
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return [*texts, text[at:].encode()]
        texts.append(text[at:end].encode())
        if len(texts) > _MOST_TEXTS:
            raise ValueError("the answer is in too many pieces")
        found = _BETWEEN.match(text, end)
        at = found.end() if found else end
    return texts
