"""The header of a WAV stream, read as it comes in.

The standard library's ``wave`` wants a seekable file with true lengths; a server that streams WAV
sends neither. Layout: RIFF, chunks of (id, length, content), of which ``fmt `` tells the format.
"""

from __future__ import annotations

import struct

from neko.errors import SpeechError

_LARGEST_HEADER = 4096


_OTHER_FORMATS = (b"OggS", b"fLaC", b"ID3")
_ENDLESS = 0x7FFF_0000
"""Lengths from here on are what a server writes that does not know the length yet."""


class WavHeader:
    """Takes the head off a stream, and what follows its sound. ``rate`` is None for bare PCM."""

    def __init__(self) -> None:
        self.rate: int | None = None
        self._head = b""
        self._past = False
        self._left: int | None = None

    def feed(self, chunk: bytes) -> bytes:
        """The sound in ``chunk``. Raises ``SpeechError`` for sound that is not 16-bit mono PCM."""
        if not self._past:
            chunk = self._read_head(chunk)
        if self._left is not None:
            chunk = chunk[: self._left]
            self._left -= len(chunk)
        return chunk

    def flush(self) -> bytes:
        """The sound of a stream that ended before it was clear what it is."""
        rest, self._head = self._head, b""
        return b"" if b"RIFF".startswith(rest[:4]) or self._past else rest

    def _read_head(self, chunk: bytes) -> bytes:
        self._head += chunk
        if len(self._head) < 4:
            return b""
        if self._head.startswith(_OTHER_FORMATS):
            raise SpeechError("the speech server sent sound that is not PCM")
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
                self._left = length if 0 < length < _ENDLESS else None
                return at + 8
            if kind == b"fmt " and at + 24 <= len(self._head):
                encoding, channels, self.rate, _, _, bits = struct.unpack_from("<HHIIHH", self._head, at + 8)
                if (encoding, channels, bits) not in ((1, 1, 16), (0xFFFE, 1, 16)) or not 4000 <= self.rate <= 192_000:
                    raise SpeechError("the speech server sent sound that is not 16-bit mono PCM")
            at += 8 + length + (length & 1)
        if len(self._head) > _LARGEST_HEADER:
            raise SpeechError("the speech server sent a WAV without sound")
        return 0
