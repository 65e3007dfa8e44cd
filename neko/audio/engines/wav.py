"""The header of a WAV stream, read as it comes in.

The standard library's ``wave`` wants a seekable file with true lengths; a server that streams WAV
sends neither. Layout: RIFF, chunks of (id, length, content), of which ``fmt `` tells the format.
"""

from __future__ import annotations

import struct

from neko.errors import SpeechError

_LARGEST_HEADER = 4096


class WavHeader:
    """Takes the head off a stream. ``rate`` is None for bare PCM."""

    def __init__(self) -> None:
        self.rate: int | None = None
        self._head = b""
        self._past = False

    def feed(self, chunk: bytes) -> bytes:
        """The sound in ``chunk``. Raises ``SpeechError`` for sound that is not 16-bit mono PCM."""
        if self._past:
            return chunk
        self._head += chunk
        if len(self._head) < 4:
            return b""
        if not self._head.startswith(b"RIFF"):
            return self._pass(0)
        start = self._find_data()
        return self._pass(start) if start else b""

    def _pass(self, start: int) -> bytes:
        self._past = True
        rest, self._head = self._head[start:], b""
        return rest

    def _find_data(self) -> int:
        at = 12
        while at + 8 <= len(self._head):
            kind, length = struct.unpack_from("<4sI", self._head, at)
            if kind == b"data":
                return at + 8
            if kind == b"fmt " and at + 24 <= len(self._head):
                encoding, channels, self.rate, _, _, bits = struct.unpack_from("<HHIIHH", self._head, at + 8)
                if (encoding, channels, bits) not in ((1, 1, 16), (0xFFFE, 1, 16)):
                    raise SpeechError("the speech server sent sound that is not 16-bit mono PCM", engine="openai")
            at += 8 + length + (length & 1)
        if len(self._head) > _LARGEST_HEADER:
            raise SpeechError("the speech server sent a WAV without sound", engine="openai")
        return 0
