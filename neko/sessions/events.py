"""What a conversation tells its client (``contract/websocket.md`` §3), before encoding.

Events whose name on the wire begins with ``neko_`` are Neko's own; a page that does not know
them ignores them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from neko.safety import Helpline
from neko.sessions.actions import Mode
from neko.types.lines import Line, NewLine
from neko.types.model_session import ModelLabel

State = Literal["idle", "thinking", "speaking", "listening"]


@dataclass(frozen=True, slots=True)
class Hello:
    """First event on every connection. ``chat`` is the open one, None when the log cannot be read. ``private``:
    microphone, camera and screen are kept from everybody here."""

    character: str
    master: str
    state: State
    model: ModelLabel
    speech: str
    language: str
    last_line_id: int
    chat: int | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class StateChanged:
    state: State


@dataclass(frozen=True, slots=True)
class ModelChanged:
    model: ModelLabel


@dataclass(frozen=True, slots=True)
class LineStored:
    """A line was committed to the log: the receipt for ``line.client_id``, or a reply's final text."""

    line: Line


@dataclass(frozen=True, slots=True)
class LinesDeleted:
    """These lines are gone from the log."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LinesUnwanted:
    """The user wants these lines to be deleted. For a client that has said that it does so, and can undo it.

    ``name``: what the user was called, which an undo gives back; "" where that was not to be forgotten.
    """

    ids: tuple[int, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class ChatOpened:
    """The conversation goes on in this chat."""

    chat: int


@dataclass(frozen=True, slots=True)
class EmotionShown:
    emotion: str
    intensity: float
    speech_id: str


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """All sound of this reply has been handed over."""

    speech_id: str


@dataclass(frozen=True, slots=True)
class SpeakOnPage:
    """The page has the voice: it speaks this sentence itself. ``rate`` and ``pitch`` as in ``VoiceSettings``."""

    speech_id: str
    text: str
    language: str
    rate: float = 1.0
    pitch: float = 0.0


@dataclass(frozen=True, slots=True)
class SessionPreparing:
    mode: Mode


@dataclass(frozen=True, slots=True)
class SessionStarted:
    mode: Mode


@dataclass(frozen=True, slots=True)
class SessionFailed:
    mode: str
    message: str


@dataclass(frozen=True, slots=True)
class SessionEndedByServer:
    mode: Mode


@dataclass(frozen=True, slots=True)
class ReplyText:
    """A piece of a reply; ``first`` exactly once per reply and connection."""

    turn_id: str
    speech_id: str
    text: str
    first: bool


@dataclass(frozen=True, slots=True)
class TurnEnd:
    turn_id: str


@dataclass(frozen=True, slots=True)
class TurnAbandoned:
    """The turn ended before the model was asked; an error or a receipt has told why."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class UserTranscribed:
    """What the user said by voice."""

    text: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the user is heard to say, as it is recognised; each one replaces the one before. A final one without text:
    there were no words."""

    utterance_id: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The user may have begun to speak: hold this speech until more is known."""

    speech_id: str


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """It was nothing: go on where this speech was held."""

    speech_id: str


@dataclass(frozen=True, slots=True)
class TurnTimes:
    """How long the steps of a spoken turn took: seconds since the last sound of the user's voice, by name."""

    turn_id: str
    marks: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class HearingReady:
    """A call has begun: ``engine`` turns speech into words. ``local``: on this computer."""

    engine: str
    local: bool


@dataclass(frozen=True, slots=True)
class MicrophoneMuted:
    """Another program has muted or opened the microphone of this conversation."""

    muted: bool


@dataclass(frozen=True, slots=True)
class UserActivity:
    """The user took the floor: stop playing; ``interrupted`` is the speech id that is cut."""

    interrupted: str | None


@dataclass(frozen=True, slots=True)
class Audio:
    """One frame of speech: PCM16 little-endian, mono, 48 kHz."""

    speech_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class ResponseDiscarded:
    reason: str
    attempt: int
    max_attempts: int
    will_retry: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """A notice. ``code``, ``remedy`` and ``link`` (a settings page) let a page show more than a string.

    ``fault`` is the id of what is wrong until ``FaultOver`` comes, and ``dismissible`` whether the user may say
    that it shall be told no more. ``turn_id`` is set where it is about one reply. ``wait_s``: it says what is waited
    for, and is true for so many seconds, 0: until the next word or another status; None: it is no wait.
    """

    message: str
    code: str = ""
    remedy: str = ""
    link: str = ""
    level: Literal["info", "error"] = "info"
    fault: str = ""
    dismissible: bool = False
    turn_id: str = ""
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class FaultOver:
    """What a ``Status`` with this ``fault`` told of is wrong no more."""

    fault: str


@dataclass(frozen=True, slots=True)
class HelpOffered:
    """The user's words may mean ``danger``: whom to call, to be shown below their line.

    ``find`` is the address of a page that lists helplines everywhere, ``checked`` the month or day of the numbers
    (ISO 8601), ``region`` where they are dialled, empty when that is not known.
    """

    danger: str
    message: str
    numbers: tuple[Helpline, ...]
    find: str
    checked: str
    region: str
    turn_id: str
    client_id: str | None


@dataclass(frozen=True, slots=True)
class LineUnkept:
    """A line was said but cannot be written to the log yet; ``LineStored`` follows once it is. ``off_record``: it never
    will be."""

    line: NewLine
    off_record: bool = False


@dataclass(frozen=True, slots=True)
class PrivacyChanged:
    """From now on microphone, camera and screen are kept from everybody here, or no longer."""

    on: bool


@dataclass(frozen=True, slots=True)
class OffRecord:
    """From now on what is said is kept nowhere, or is kept again."""

    on: bool


@dataclass(frozen=True, slots=True)
class AutoCloseMic:
    """Nobody will hear the microphone: the page may as well close it."""

    message: str


@dataclass(frozen=True, slots=True)
class RepetitionWarning:
    name: str


@dataclass(frozen=True, slots=True)
class CharacterSwitched:
    new: str
    old: str


@dataclass(frozen=True, slots=True)
class CardChanged:
    """The card of the conversation's character says something else: how she looks, perhaps."""


@dataclass(frozen=True, slots=True)
class ReloadPage:
    message: str


@dataclass(frozen=True, slots=True)
class RequestScreenshot:
    """She would like to see the screen; after ``wait_s`` seconds nobody waits for it any more."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class AgentStatus:
    snapshot: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AgentNotification:
    """``task_id`` "" is that of no task."""

    text: str
    status: str
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class AgentTask:
    task: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """The user is asked before something is done, or by a server of tools (``agent/approvals``). ``question`` says
    what, its id, and for how many seconds it can be answered."""

    question: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ApprovalOver:
    """This question cannot be answered any more: it was (``outcome`` says how), is too old, or nobody asks it now."""

    id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Pong:
    pass


Event = (
    Hello
    | StateChanged
    | ModelChanged
    | LineStored
    | LinesDeleted
    | LinesUnwanted
    | ChatOpened
    | EmotionShown
    | SpeechEnded
    | SpeakOnPage
    | SessionPreparing
    | SessionStarted
    | SessionFailed
    | SessionEndedByServer
    | ReplyText
    | TurnEnd
    | TurnAbandoned
    | UserTranscribed
    | Recognised
    | SpeechPaused
    | SpeechResumed
    | TurnTimes
    | HearingReady
    | MicrophoneMuted
    | UserActivity
    | Audio
    | ResponseDiscarded
    | Status
    | FaultOver
    | LineUnkept
    | OffRecord
    | PrivacyChanged
    | HelpOffered
    | AutoCloseMic
    | RepetitionWarning
    | CharacterSwitched
    | CardChanged
    | ReloadPage
    | RequestScreenshot
    | AgentStatus
    | AgentNotification
    | AgentTask
    | ApprovalAsked
    | ApprovalOver
    | Pong
)
