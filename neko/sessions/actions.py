"""What a client may ask of a conversation (``contract/websocket.md`` §2), already decoded and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neko.types.agent import Decision, Reply
from neko.well_formed import is_blank

Mode = Literal["text", "audio"]
ShareSource = Literal["screen", "camera"]
PictureKind = Literal["live", "beside"]


@dataclass(frozen=True, slots=True)
class StartSession:
    """``fresh`` also forgets input that is still waiting.

    ``binary_rate``: binary frames of this client are PCM16 mono at so many Hz from now on; ``None``: they are nothing.
    ``echo_cancelled``: what it plays is already taken out of its sound.
    """

    mode: Mode
    fresh: bool = False
    binary_rate: int | None = None
    echo_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class EndSession:
    """End (or "pause", which has always meant the same) the session; cancels a start in progress."""


@dataclass(frozen=True, slots=True)
class SendText:
    """A user turn. Sending the same ``client_id`` again does nothing but repeat the receipt."""

    text: str
    client_id: str | None = None

    @property
    def words(self) -> str:
        """The text without blanks around it, "" when nothing of it is seen."""
        return "" if is_blank(self.text) else self.text.strip()


@dataclass(frozen=True, slots=True)
class SendAudio:
    """Microphone sound: PCM16 little-endian mono at ``rate`` Hz."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class ReportPlayback:
    """How much of a speech the client has played, milliseconds."""

    speech_id: str
    played_ms: float
    state: Literal["playing", "paused", "ended"]


@dataclass(frozen=True, slots=True)
class MuteMicrophone:
    """Take no sound until it is opened again; what was being said is over."""

    muted: bool


@dataclass(frozen=True, slots=True)
class ReduceNoise:
    """Take the noise of the room out of the microphone's sound, or leave it in."""

    on: bool


@dataclass(frozen=True, slots=True)
class PushToTalk:
    """The key to talk is pressed, or let go."""

    held: bool


@dataclass(frozen=True, slots=True)
class HeardOnPage:
    """The page recognises speech by itself: what it hears the user say."""

    utterance_id: str
    state: Literal["started", "partial", "final", "rejected"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class SendImage:
    """A JPEG that rides with the next text ("beside" it), or one of what is being shown ("live"); None: the client does
    not say which."""

    jpeg: bytes
    kind: PictureKind | None = None
    captured: bool = True
    """A camera or the screen was looked at for it just now."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What is shown live from now on; None: nothing any more."""

    source: ShareSource | None


@dataclass(frozen=True, slots=True)
class StopReply:
    """Stop the running reply, text and speech; the session stays."""


@dataclass(frozen=True, slots=True)
class RetryReply:
    """Answer the last user message once more; the new reply replaces the old one."""


@dataclass(frozen=True, slots=True)
class ScreenshotResponse:
    """The answer to ``RequestScreenshot``: a JPEG; None: the user does not want it."""

    jpeg: bytes | None


@dataclass(frozen=True, slots=True)
class AnswerApproval:
    """The user's answer to an ``ApprovalAsked``: a decision on an act, or a reply to a server that asks."""

    id: str
    answer: Decision | Reply


@dataclass(frozen=True, slots=True)
class ReportSight:
    """Does the user see the page, or is it hidden behind others?"""

    in_sight: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there?"""


Action = (
    StartSession
    | EndSession
    | SendText
    | SendAudio
    | ReportPlayback
    | MuteMicrophone
    | ReduceNoise
    | PushToTalk
    | HeardOnPage
    | SendImage
    | Sharing
    | StopReply
    | RetryReply
    | ScreenshotResponse
    | AnswerApproval
    | ReportSight
    | Ping
)
