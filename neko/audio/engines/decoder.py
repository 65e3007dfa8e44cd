"""What a speech server sends, to PCM16 mono: decided by its first bytes, whatever its header says.

WAV and bare PCM are decoded as they come in. What is compressed is short, a sentence, and is decoded by libsndfile
(MP3, Ogg Vorbis and Opus, FLAC, AIFF, and WAV of rarer encodings) when it is whole; MP3 also before, from its
beginning each time, which takes a millisecond or two. Text is no sound: it is
kept for whoever tells the user, and never played.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import Any, Final, Literal

from neko.audio.engines.wav import SampleFormat, WavStream, mixed_down
from neko.audio.resample import PcmStream
from neko.speech_errors import SpeechUnreadableError
from neko.types.speech import Convert

Kind = Literal["wav", "packed", "text", "pcm"]

_HEAD: Final = 512
"""Bytes after which it is certain what a stream is, whatever it looks like so far."""
_LARGEST_PACKED: Final = 32 * 1024 * 1024
_FRAMES_STEP: Final = 3000
"""Bytes of MP3, half a second of the usual ones."""
_LARGEST_TEXT: Final = 64 * 1024
_PACKED: Final = (b"ID3", b"OggS", b"fLaC", b"FORM", b"RIFX", b"caff", b".snd")
_UNKNOWN: Final = (b"\x1aE\xdf\xa3", b"ADIF")
"""WebM and AAC in a container."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_PARAMETER: Final = re.compile(r"(rate|channels)=\"?(\d{1,6})")


class SoundDecoder:
    """Bytes of one answer in, ``convert``ed PCM16 mono of ``rate`` Hz out.

    ``content_type`` tells the rate of bare PCM, where it does. ``started``: there has been sound. ``empty``: there
    has been nothing. ``text``: the answer so far, when it is text. Both methods raise ``SpeechUnreadableError``,
    ``flush`` also when there was no sound.
    """

    def __init__(self, convert: Convert, rate: int, content_type: str = "") -> None:
        self._convert = convert
        self._rate = rate
        self._bare = _bare_format(content_type, rate)
        self._kind: Kind | None = None
        self._held = b""
        self._wav = WavStream()
        self._to_rate: PcmStream | None = None
        self._tried = 0
        self._unpacked_length = 0
        self.started = False
        self.empty = True

    @property
    def text(self) -> bytes:
        return self._held[:_LARGEST_TEXT] if self._kind == "text" else b""

    def feed(self, chunk: bytes) -> bytes:
        self.empty = self.empty and not chunk
        if self._kind is None:
            self._held += chunk
            self._kind = _kind_of(self._held, whole=False)
            if self._kind is None:
                return b""
            chunk, self._held = self._held, b""
        if self._kind == "wav":
            return self._feed_wav(chunk)
        self._held += chunk
        if self._kind == "pcm":
            whole = len(self._held) - len(self._held) % self._bare.frame
            data, self._held = self._held[:whole], self._held[whole:]
            return self._say(self._bare.to_pcm16(data), self._bare.rate)
        if self._kind == "packed" and self._comes_in_frames():
            return self._feed_frames()
        if len(self._held) > (_LARGEST_PACKED if self._kind == "packed" else _LARGEST_TEXT):
            raise SpeechUnreadableError("an answer far too long")
        return b""

    def flush(self) -> bytes:
        """The rest, at the end of the answer."""
        if self._kind is None:
            self._kind = _kind_of(self._held, whole=True)
        rest = b""
        if self._kind == "packed":
            rest = self._unpacked()
        elif self._kind in ("pcm", "wav"):
            rest = self.feed(b"")
        if self._kind == "text" or not self.started:
            raise SpeechUnreadableError("text" if self._kind == "text" else "no sound")
        assert self._to_rate is not None
        tail = self._to_rate.flush()
        return rest + (self._convert(tail) if tail else b"")

    def _comes_in_frames(self) -> bool:
        """Whether what is there of it can be decoded: bare frames of MP3, without a head that tells of them all."""
        if len(self._held) > _LARGEST_PACKED:
            raise SpeechUnreadableError("an answer far too long")
        head = self._held[:_HEAD]
        return len(head) >= 4 and head[0] == 0xFF and _is_mpeg(head) and b"Xing" not in head and b"Info" not in head

    def _feed_frames(self) -> bytes:
        if len(self._held) - self._tried < _FRAMES_STEP:
            return b""
        self._tried = len(self._held)
        return self._unpacked()

    def _unpacked(self) -> bytes:
        """What is new of all that is there, decoded."""
        pcm, rate = _unpack(self._held)
        new, self._unpacked_length = pcm[self._unpacked_length :], len(pcm)
        return self._say(new, rate)

    def _feed_wav(self, chunk: bytes) -> bytes:
        self._held += b"" if self._wav.format else chunk
        try:
            pcm = self._wav.feed(chunk)
        except SpeechUnreadableError:
            self._kind = "packed"
            return b""
        if self._wav.format is None:
            return b""
        self._held = b""
        return self._say(pcm, self._wav.format.rate)

    def _say(self, pcm: bytes, rate: int) -> bytes:
        if not pcm:
            return b""
        if self._to_rate is None:
            self._to_rate = PcmStream(rate, self._rate)
        self.started = True
        converted = self._to_rate.process(pcm)
        return self._convert(converted) if converted else b""


def _bare_format(content_type: str, rate: int) -> SampleFormat:
    """``audio/L16;rate=16000;channels=2``."""
    told = {name: int(value) for name, value in _PARAMETER.findall(content_type.lower())}
    told_rate, channels = told.get("rate", rate), told.get("channels", 1)
    return SampleFormat(told_rate if 4000 <= told_rate <= 192_000 else rate, channels if channels in (1, 2) else 1)


def _kind_of(head: bytes, *, whole: bool) -> Kind | None:
    """None: more bytes are needed. Raises ``SpeechUnreadableError`` for sound that cannot be decoded."""
    whole = whole or len(head) >= _HEAD
    if len(head) < 12 and not whole:
        return None
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] in (b"WAVE", b""):
        return "wav"
    if head.startswith(_PACKED):
        return "packed"
    if head.startswith(_UNKNOWN) or head[4:8] == b"ftyp" or _is_aac(head):
        raise SpeechUnreadableError("sound of a kind that is not decoded here")
    if head[0:1] == b"\xff" and head[1:2] and head[1] & 0xE0 == 0xE0:
        return ("packed" if _is_mpeg(head) else "pcm") if whole or not _is_mpeg(head) else None
    if _CONTROL.search(head) or not _is_text(head):
        return "pcm"
    return ("text" if head.strip() else "pcm") if whole else None


def _is_text(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _is_mpeg(head: bytes) -> bool:
    """A frame header of layer III or II: no bare sound begins like that but by a rare chance."""
    if len(head) < 4:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    return version != 1 and layer in (1, 2) and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3


def _is_aac(head: bytes) -> bool:
    """An ADTS header: layer 0, a rate that exists, and a length that is no more than a frame takes."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return False
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return 7 < length < 2048 and (len(head) < length + 2 or head[length] == 0xFF)


def _unpack(data: bytes) -> tuple[bytes, int]:
    """PCM16 mono and its rate."""
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise SpeechUnreadableError(f"soundfile does not load: {error}") from error
    try:
        frames, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        raise SpeechUnreadableError(f"sound that cannot be decoded: {error}") from error
    samples: Any = frames
    return mixed_down(samples), int(rate)
