"""The model-session seam: text, pictures and sound in; text, sound and transcripts out.

Its behaviour suite is ``tests/seams/model_session.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from neko.errors import NekoError
from neko.types.memory import Recalled


@dataclass(frozen=True, slots=True)
class ModelLabel:
    """What the user sees: "gpt-5-chat-latest" by "OpenAI". ``offline``: the built-in model."""

    model: str
    provider: str
    offline: bool = False


@dataclass(frozen=True, slots=True)
class ModelCapabilities:
    """``audio_input``: takes ``UserAudio``. ``audio_output``: emits ``AudioDelta``. ``image_input``: takes pictures."""

    audio_input: bool = False
    audio_output: bool = False
    image_input: bool = False


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """What a session is opened with. ``instructions`` is the whole system prompt."""

    character: str
    master: str
    instructions: str
    language: str
    voice: str = ""


@dataclass(frozen=True, slots=True)
class UserMessage:
    """A user turn by text. The reply carries ``id`` as its ``reply_id``.

    ``images`` are JPEG bytes. ``recalled`` is what memory found for this text; ``context`` is
    the same and anything else worth knowing now, as text for a model to read (may be empty).
    ``again``: the same message once more for a new reply; the session first forgets its last
    exchange, when it has one.
    """

    id: str
    text: str
    images: tuple[bytes, ...] = ()
    recalled: tuple[Recalled, ...] = ()
    context: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class UserAudio:
    """Microphone sound: PCM16 little-endian, mono, 16 kHz."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class UserImage:
    """A live picture (JPEG) that belongs to no text message."""

    jpeg: bytes


ModelInput = UserMessage | UserAudio | UserImage


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """``reply_id`` is the ``UserMessage.id`` it answers, or a fresh id for a spoken turn."""

    reply_id: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    reply_id: str
    text: str


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """The model's own voice: PCM16 little-endian mono at ``rate`` Hz."""

    reply_id: str
    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The last event of a reply, always sent. ``error`` is set when ``reason`` is failed."""

    reply_id: str
    reason: Literal["complete", "interrupted", "failed"] = "complete"
    error: NekoError | None = None


@dataclass(frozen=True, slots=True)
class Retrying:
    """A transient failure; the session tries again by itself after ``delay`` seconds."""

    reply_id: str
    error: NekoError
    attempt: int
    delay: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user began to speak (voice activity)."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The user stopped speaking."""


@dataclass(frozen=True, slots=True)
class UserTranscript:
    """What the user said, recognised; one per spoken turn."""

    text: str


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The connection to the provider is gone for good; no event follows."""

    error: NekoError


ModelEvent = (
    ReplyStarted
    | TextDelta
    | AudioDelta
    | ReplyDone
    | Retrying
    | SpeechStarted
    | SpeechStopped
    | UserTranscript
    | SessionLost
)


class ModelSession(Protocol):
    """One conversation with one model: a chat model, a speech-to-speech model, a cascade."""

    label: ModelLabel
    capabilities: ModelCapabilities

    async def open(self, setup: SessionSetup) -> None:
        """Get ready to talk; raises ``ModelError`` when that is impossible."""
        ...

    async def send(self, item: ModelInput) -> None:
        """Take input in order. Never waits for the reply. Input it has no capability for is dropped."""
        ...

    async def interrupt(self, reply_id: str, delivered: str) -> None:
        """Stop this reply at once; its history keeps only ``delivered``, the text the user got.

        ``ReplyDone(reason="interrupted")`` follows; an unknown or finished id is ignored.
        """
        ...

    def events(self) -> AsyncIterator[ModelEvent]:
        """All events in order, for one consumer; ends after ``aclose`` or ``SessionLost``."""
        ...

    async def aclose(self) -> None:
        """End the session and free everything; idempotent."""
        ...
