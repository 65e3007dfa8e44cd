"""What a conversation needs of the other packages, behind narrow interfaces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from neko.bus import Bus
from neko.faults import StandingFaults
from neko.metrics import Metrics
from neko.safety import Helplines
from neko.sessions.actions import Mode
from neko.sessions.models.realtime.own_turns import Detection
from neko.sessions.prompt import Persona
from neko.sessions.renewal import RenewalTimes
from neko.sessions.turn_state import TurnTimeouts
from neko.tasks import TaskOwner
from neko.types.errands import Errands
from neko.types.memory import ConversationMemory, Gist, no_gist
from neko.types.model_session import Known, ModelLabel, ModelSession, Toolbox, known_nothing
from neko.types.speech import SpeechEngine, VoiceSettings


@dataclass(frozen=True, slots=True)
class SessionTimeouts:
    """Seconds. The start of a session that waits for another computer must fail before the page gives up (text 15 s,
    audio 10 s); any other has ``busy_start_timeout_s``, as only this computer keeps it up. After ``slow_start_s`` the
    user is told that it takes long.

    ``recent_timeout_s``: for the recent window when a session starts, and for the last line when a
    client comes. ``recall_timeout_s``: longer than the memory's own deadline, which says what was
    too slow. ``first_pause_s`` and ``longest_pause_s``: between starts that nobody asked for.
    ``mend_pauses_s``: before each further try for the successor of a lost session, of which none begins later than
    ``mend_within_s`` after the loss (the microphone keeps 15 s meanwhile).
    ``return_timeout_s``: sound waits so long for a client that left; ``absence_timeout_s``: after it, once
    nothing runs any more, the session of a conversation without a client ends. ``quiet_call_timeout_s``: after so long
    without a word of either side the microphone of a call is shut (N.E.K.O.: 90 s, where the provider asks for it).
    ``question_read_s``: nobody answers a question that has been shown for less. ``ahead_s``: how long a
    session that was opened before anybody called is kept for the call. ``renewal``: when a session is followed by
    another one.
    """

    text_start_timeout_s: float = 12.0
    audio_start_timeout_s: float = 8.0
    busy_start_timeout_s: float = 25.0
    slow_start_s: float = 5.0
    recall_timeout_s: float = 8.0
    recent_timeout_s: float = 5.0
    store_timeout_s: float = 20.0
    send_timeout_s: float = 5.0
    close_timeout_s: float = 2.0
    prewarm_timeout_s: float = 8.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    mend_pauses_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    mend_within_s: float = 10.0
    return_timeout_s: float = 20.0
    absence_timeout_s: float = 60.0
    quiet_call_timeout_s: float = 600.0
    question_read_s: float = 1.5
    ahead_s: float = 180.0
    renewal: RenewalTimes = field(default_factory=RenewalTimes)
    turn: TurnTimeouts = field(default_factory=TurnTimeouts)

    def start_timeout_s(self, mode: Mode, *, connects: bool) -> float:
        """For a session that ``connects``, or one that does not."""
        if not connects:
            return self.busy_start_timeout_s
        return self.text_start_timeout_s if mode == "text" else self.audio_start_timeout_s


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Sizes: lines that may wait to be written before more are refused, pictures that ride with one text."""

    waiting_lines: int = 64
    images: int = 8


@dataclass(frozen=True, slots=True)
class Voice:
    """The engine that speaks for a character, its kind ("builtin", "openai", "browser", "off"), and how.

    ``choice`` is all that decided it."""

    kind: str
    engine: SpeechEngine
    settings: VoiceSettings
    choice: object = None


async def _settle_nothing(_through: int, _at_any_rate: bool = False) -> None:
    """For a memory without a memo."""


async def _read_nothing() -> None:
    """For a persona that stands in no file."""


def _tell_nobody() -> None:
    """For a memory that nobody else knows."""


async def _call_nobody(_name: str) -> None:
    """For conversations without cards."""


@dataclass(frozen=True, slots=True)
class SessionDependencies:
    """``model(mode, owner)`` makes an unopened session and raises ``NekoError`` when there is none to
    be had; ``label()`` names the model that would be used; ``voice()`` makes an engine, and ``voice_choice()`` equals
    the ``choice`` of the last one while nothing changed; ``toolbox`` holds the functions a model may call;
    ``call_user`` keeps what the user said that they are called and raises ``NekoError``;
    ``known`` tells what is known of people; ``read_settings`` has the persona follow what stands in files now;
    ``also_knows()`` names the other characters whose talks may be recalled beside her own, and ``lines_gone()`` is
    called when lines of hers were deleted or corrected, of which others may have been told;
    ``opens_ahead()``: can a session for a call be opened before anybody calls, at no cost? ``detection()`` makes a
    judge of what is speech in the sound of one call;
    ``renewal_times`` gives the times of ``timeouts`` as the user has set them by now;
    ``settle`` has the memory fold what was said up to this line into the memo, if it can, or (true) at any rate,
    without a model where that one does not answer, and raises ``NekoError``;
    ``gist`` tells of what there is no memo of yet;
    ``is_private()``: the user wants to be neither heard nor seen;
    ``errands`` is what the agent does for the character;
    ``faults`` is what a client is told of when it comes; ``helplines`` whom somebody in danger can call."""

    memory: ConversationMemory
    bus: Bus
    metrics: Metrics
    executor: ThreadPoolExecutor
    persona: Callable[[], Persona]
    model: Callable[[Mode, TaskOwner], ModelSession]
    label: Callable[[], ModelLabel]
    voice: Callable[[], Voice]
    voice_choice: Callable[[], object] = lambda: None
    call_user: Callable[[str], Awaitable[None]] = _call_nobody
    known: Known = known_nothing
    read_settings: Callable[[], Awaitable[None]] = _read_nothing
    also_knows: Callable[[], Sequence[str]] = tuple
    lines_gone: Callable[[], None] = _tell_nobody
    is_private: Callable[[], bool] = lambda: False
    opens_ahead: Callable[[], bool] = lambda: False
    detection: Callable[[], Detection] | None = None
    renewal_times: Callable[[RenewalTimes], RenewalTimes] = lambda times: times
    settle: Callable[[int, bool], Awaitable[object]] = _settle_nothing
    gist: Gist = no_gist
    toolbox: Toolbox | None = None
    errands: Errands | None = None
    faults: StandingFaults = field(default_factory=StandingFaults)
    helplines: Helplines = field(default_factory=Helplines)
    now: Callable[[], datetime] = datetime.now
    timeouts: SessionTimeouts = field(default_factory=SessionTimeouts)
    limits: SessionLimits = field(default_factory=SessionLimits)
