"""Values that cross the rooms, and the protocols by which the rooms meet.

Four seams: a *model session* talks (text, pictures and sound in; text, sound and transcripts
out), a *speech engine* gives a text model a voice, a *memory* keeps what was said, and the
avatar, which lives in the page (``web/static/avatar/avatar.js``). Every implementation of a
seam passes the behaviour suite of that seam in ``tests/seams/``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from neko.errors import NekoError

Role = Literal["user", "assistant", "system"]
LineStatus = Literal["complete", "interrupted", "failed", "replaced"]

# ── memory ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line about to be written to the verbatim log.

    ``client_id`` is the sender's own id of a user line: storing the same one twice stores once.
    ``replaces`` is the id of an earlier reply of which this one is a retry.
    """

    session_id: str
    turn_id: str
    role: Role
    text: str
    at: datetime
    status: LineStatus = "complete"
    client_id: str | None = None
    images: int = 0
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A committed line. ``id`` grows with time within one character; ``at`` is local naive time."""

    id: int
    session_id: str
    turn_id: str
    role: Role
    text: str
    at: datetime
    status: LineStatus = "complete"
    client_id: str | None = None
    images: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """``fresh`` is false when ``client_id`` had been stored before; ``line`` is then the old line."""

    line: Line
    fresh: bool


@dataclass(frozen=True, slots=True)
class Recalled:
    """A remembered line with its relevance (higher is better; comparable within one search)."""

    line: Line
    score: float


@dataclass(frozen=True, slots=True)
class RecentEntry:
    """One entry of the recent window. ``role`` system is the memo of what came before."""

    role: Role
    text: str


Summarise = Callable[[str], Awaitable[str]]
"""Text in, summary out; raises ``NekoError`` when no summary could be had."""


class Memory(Protocol):
    """What a character remembers. Every method may raise ``MemoryStoreError``."""

    async def store(self, character: str, line: NewLine) -> Stored:
        """Commit one line; when this returns the line survives ``kill -9``."""
        ...

    async def lines(
        self, character: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[Line]:
        """A page of the log in time order, without replaced lines.

        ``before``/``after`` are exclusive ids. Without ``after`` the *last* ``limit`` lines
        (older than ``before``); with ``after`` the *first* ``limit`` lines newer than it.
        """
        ...

    async def recent(self, character: str) -> list[RecentEntry]:
        """The recent window: at most one memo (first), then the last lines, oldest first."""
        ...

    async def search(self, character: str, query: str, *, limit: int = 5, before: int | None = None) -> list[Recalled]:
        """Lines that speak of what ``query`` speaks of, best first; only ids below ``before``."""
        ...

    async def compress(self, character: str, summarise: Summarise | None) -> bool:
        """Fold the oldest part of the recent window into the memo; false when nothing was done."""
        ...

    async def review(self, character: str, correct: Summarise | None) -> bool:
        """Let a model tidy the recent window; false when nothing was changed."""
        ...


# ── model session ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ModelLabel:
    """What the user sees: "gpt-5-chat-latest" by "OpenAI". ``offline``: the built-in model."""

    model: str
    provider: str
    offline: bool = False


@dataclass(frozen=True, slots=True)
class ModelCapabilities:
    """``hears``: takes ``UserAudio``. ``speaks``: emits ``AudioDelta``. ``sees``: takes pictures."""

    hears: bool = False
    speaks: bool = False
    sees: bool = False


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
class UserSpeechStarted:
    """The user began to speak (voice activity)."""


@dataclass(frozen=True, slots=True)
class UserSpeechStopped:
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
    | UserSpeechStarted
    | UserSpeechStopped
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


# ── speech engine ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """``voice`` is the engine's own name ("" is its default); ``rate`` 1.0 is normal speed;
    ``pitch`` is in semitones from the voice's normal."""

    voice: str = ""
    rate: float = 1.0
    pitch: float = 0.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """One speakable piece of text (markup already removed) in one language (BCP 47)."""

    text: str
    language: str
    voice: VoiceSettings = field(default_factory=VoiceSettings)


@dataclass(frozen=True, slots=True)
class SpeechCapabilities:
    """``sample_rate``: Hz of what ``convert`` is given. ``local``: works without a network.
    ``on_page``: makes no sound here, the page speaks the text itself."""

    name: str
    sample_rate: int
    local: bool
    on_page: bool = False


Convert = Callable[[bytes], bytes]
"""PCM16 mono at the engine's rate in, bytes for the listener out. Called off the loop, in order."""


class SpeechEngine(Protocol):
    """Text to sound."""

    capabilities: SpeechCapabilities

    async def prewarm(self, language: str = "") -> None:
        """Load or connect ahead of the first utterance, which will be in ``language``.

        Raises ``SpeechError``.
        """
        ...

    def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """Converted sound, piece by piece as it is made; raises ``SpeechError``.

        Synthesis and ``convert`` of one piece happen in one executor job. Closing the iterator
        (``aclose``) cancels this utterance and stops its work at once.
        """
        ...

    async def aclose(self) -> None:
        """Cancel everything and free it; idempotent."""
        ...
