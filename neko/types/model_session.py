"""The model-session seam: text, pictures and sound in; text, sound and transcripts out.

Its behaviour suite is ``tests/seams/model_session.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from neko.errors import NekoError
from neko.safety import Help
from neko.types.errands import ReminderAnswer, Report, Underway
from neko.types.hearing import HearingCapabilities
from neko.types.lines import Role
from neko.types.memory import Evidence, Fact, Gist, RecentEntry, no_gist


@dataclass(frozen=True, slots=True)
class ModelLabel:
    """What the user sees: "gpt-5-chat-latest" by "OpenAI". ``offline``: the built-in model.

    ``works``: whether it answered what it was asked last, None when it has not been asked anything yet.
    """

    model: str
    provider: str
    offline: bool = False
    works: bool | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ModelCapabilities:
    """What a session takes, gives and decides by itself.

    ``text_input``, ``audio_input``, ``image_input``: takes ``UserMessage``, ``UserAudio``, ``UserImage``.
    ``images_in_speech_only``: takes the latter only while the user speaks. ``looks``: sees the pictures of a result of
    a function, and replies by itself to what it hears.
    ``audio_output``: emits ``AudioDelta``. ``input_rate``: Hz of the sound it is sent.
    ``tools``: is told the tools of ``SessionSetup``, emits ``ToolCall``, takes ``ToolResult``.
    ``truncation``: ``interrupt(played_ms=…)`` shortens what it remembers of its own speech.
    ``turn_detection``: decides when the user's turn is over; otherwise it waits for ``EndOfSpeech``.
    ``transcription``: emits ``Transcript`` for what it hears. ``answers_speech``: replies to what it hears by itself;
    else the words of a ``Transcript`` are to be sent to it as a ``UserMessage``. ``hearing``: what turns speech into
    words for it, where that is a part of its own. ``connects``: ``open`` waits for another computer, which may stay
    silent; else it only takes what this one needs for it. ``idles_free``: an open session that is sent nothing costs
    nothing, so that it may be opened before anybody speaks. ``quiet_timeout_s``: a call is to end after so many seconds
    without speech, to spare the provider. ``most_tokens``: what it is sent may be no longer, None where that is not
    known.
    """

    text_input: bool = True
    most_tokens: int | None = None
    audio_input: bool = False
    image_input: bool = False
    images_in_speech_only: bool = False
    looks: bool = False
    audio_output: bool = False
    input_rate: int = 16_000
    tools: bool = False
    truncation: bool = False
    turn_detection: bool = False
    transcription: bool = False
    answers_speech: bool = False
    hearing: HearingCapabilities | None = None
    connects: bool = False
    idles_free: bool = False
    quiet_timeout_s: float | None = None


FIND_TOOLS: Final = "find_tools"
"""The function by which a model looks for others, of more than it is told of."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may ask for. ``parameters`` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(hash=False)


Known = Callable[[], Awaitable[Sequence[Fact]]]
"""What is known at this moment, the newest last; nothing while memory does not work."""


async def known_nothing() -> Sequence[Fact]:
    """For a session without a memory."""
    return ()


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """What a session is opened with. ``instructions`` is the whole system prompt; for a session that reads no prompt
    ``recent`` is the part of the memory that it tells of, ``traits`` are the fields of the character's card, and
    ``known`` tells what is known of people. ``gist`` says what was stated in a part of the talk that a session is no
    longer sent, until the instructions have a memo of it."""

    character: str
    master: str
    instructions: str
    language: str
    voice: str = ""
    tools: tuple[Tool, ...] = ()
    recent: tuple[RecentEntry, ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict, hash=False)
    known: Known = known_nothing
    gist: Gist = field(default=no_gist, compare=False)


# ── inputs ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class UserMessage:
    """A user turn by text. The reply carries ``id`` as its ``reply_id``.

    ``images`` are JPEG bytes. ``recalled`` is what memory found for this text; ``context`` is
    the same and anything else worth knowing now, as text for a model to read (may be empty).
    ``help`` is there when the text may mean danger; ``context`` then says so, too.
    ``again``: the same message once more for a new reply; the session first forgets its last
    exchange, when it has one. ``time`` says in words when this is said; unlike the context it stays with the text.
    ``off_record``: the text is kept nowhere; ``context`` says so, too. ``reports`` are to be told with the answer,
    ``underway`` is what can be asked about, ``reminder`` what became of a wish for one: ``context`` says all of it.
    """

    id: str
    text: str
    images: tuple[bytes, ...] = ()
    recalled: tuple[Evidence, ...] = ()
    context: str = ""
    again: bool = False
    help: Help | None = None
    time: str = ""
    off_record: bool = False
    reports: tuple[Report, ...] = ()
    underway: tuple[Underway, ...] = ()
    reminder: ReminderAnswer | None = None


@dataclass(frozen=True, slots=True)
class Prepare:
    """The user is about to speak: what a reply would have to wait for can be done by then.

    ``time`` is that of their words, as in ``UserMessage``, "" while they have not begun; ``words`` what was recognised
    so far, which may be all.
    """

    time: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class UserAudio:
    """Microphone sound: PCM16 little-endian, mono, at the session's ``input_rate``. ``reduce_noise``: the user wants
    the noise of the room taken out of it."""

    pcm: bytes
    reduce_noise: bool = False


@dataclass(frozen=True, slots=True)
class UserImage:
    """A live picture (JPEG) that belongs to no text message; they come no faster than ``contract/sessions.md`` §9 has
    them."""

    jpeg: bytes


@dataclass(frozen=True, slots=True)
class EndOfSpeech:
    """The user's spoken turn is over: for sessions without ``turn_detection``, and whenever the microphone is shut."""


@dataclass(frozen=True, slots=True)
class HoldToTalk:
    """The user pressed the key to talk: until ``EndOfSpeech`` everything is one utterance, however long its pauses."""


PlaybackState = Literal["playing", "paused", "ended"]


@dataclass(frozen=True, slots=True)
class SoundToPlay:
    """A piece of her speech that a client without an echo canceller was given to play: PCM16 little-endian mono at
    ``rate`` Hz. A session that hears takes it out of what it hears."""

    speech_id: str
    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class Playback:
    """How much of a speech a client has played."""

    speech_id: str
    played_ms: float
    state: PlaybackState


@dataclass(frozen=True, slots=True, eq=False)
class HearOn:
    """The microphone that ``before`` heard, in the same call, is heard by this session from now on, with what was
    learned of its room. Comes before any sound; that one gets none any more."""

    before: ModelSession


@dataclass(frozen=True, slots=True)
class AddContext:
    """Something to know from now on; asks for no reply.

    Role ``user`` or ``assistant``: a line of this conversation that was said elsewhere (in the
    session before this one). Role ``system``: a note.
    """

    text: str
    role: Role = "system"


@dataclass(frozen=True, slots=True)
class Renew:
    """Other instructions in place of those before; the turns ``covered`` by them are forgotten.

    Ignored by a session that emits no ``HistoryFills``.
    """

    instructions: str
    covered: frozenset[str]


@dataclass(frozen=True, slots=True)
class Respond:
    """Speak without a user turn: a greeting, a report, proactive talk.

    The reply carries ``id`` as its ``reply_id``. ``instructions`` say what about, for this reply only; ``context`` is
    as in ``UserMessage``. ``reports``: it is about these, which the context holds too.
    """

    id: str
    instructions: str
    context: str = ""
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The outcome of a ``ToolCall``. An unknown or answered ``call_id`` is ignored. ``images``: JPEGs that belong
    to it."""

    call_id: str
    output: str
    failed: bool = False
    images: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class OfferTools:
    """The functions that the model may ask for from now on, in place of those before; for a session with ``tools``."""

    tools: tuple[Tool, ...]


ModelInput = (
    UserMessage
    | Prepare
    | UserAudio
    | UserImage
    | EndOfSpeech
    | HoldToTalk
    | SoundToPlay
    | Playback
    | HearOn
    | AddContext
    | Renew
    | Respond
    | ToolResult
    | OfferTools
)


# ── events ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """``reply_id`` is the id of the ``UserMessage`` or ``Respond`` it answers, or a fresh one for a
    spoken turn, whose ``utterance_id`` it then names."""

    reply_id: str
    utterance_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    reply_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TextWithdrawn:
    """What came of this reply was none (a thought that shows only at its end): it is ``kept`` and what follows."""

    reply_id: str
    kept: str = ""


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """The model's own voice: PCM16 little-endian mono at ``rate`` Hz."""

    reply_id: str
    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a function called; the reply goes on when every call of it has its ``ToolResult``."""

    reply_id: str
    call_id: str
    name: str
    arguments: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The last event of a reply, always sent, but for one of which nothing has come when its session is lost: another
    session may be asked for it. ``error`` is set when ``reason`` is failed."""

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
class ReplyNotice:
    """What the user should know of the reply under way: ``code`` and ``params`` make the sentence (``errors.*``).

    ``is_wait``: it says what is being waited for, and is over with the next word.
    """

    reply_id: str
    code: str
    params: Mapping[str, str | int | float] = field(hash=False)
    is_wait: bool = False


@dataclass(frozen=True, slots=True)
class ForgetLines:
    """The user has said that these lines of the log are to be deleted, and yes when asked.

    So are the reply of ``turn``, in which they were asked, and the words that it answers. Only a session that reads no
    text of others emits it. ``name``: what the user was called up to now, where that is to be forgotten;
    ``told_in``: the turn in which they said so, which goes like ``turn``.
    """

    lines: tuple[int, ...]
    turn: str
    name: str = ""
    told_in: str = ""


@dataclass(frozen=True, slots=True)
class HistoryFills:
    """What the session remembers of the talk is about to be too long: ``Renew`` makes room, best by covering this turn
    and those before it. Comes after each reply until there is room; ``at_any_rate``: there is none any more."""

    turn_id: str
    at_any_rate: bool = False


@dataclass(frozen=True, slots=True)
class HistoryCut:
    """The model is no longer sent this turn, nor what was said before it; ``gist`` is what it is sent instead of all
    that went since the instructions were renewed."""

    turn_id: str
    gist: str = ""


@dataclass(frozen=True, slots=True)
class NameTold:
    """The user has said what they are called, or, with "", that this is to be forgotten.

    Only a session that reads no text of others emits it.
    """

    name: str


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user began to speak (voice activity); it may still prove to be a noise."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class SpeechLasts:
    """What began is too long to be a cough or a nod."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The user stopped speaking; a ``final`` ``Transcript`` or ``SpeechRejected`` of this utterance follows
    where the session has ``transcription``."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the user said, recognised; each one replaces the one before, ``final`` ends the utterance.

    ``spoken_until``: when its last sound arrived, and ``ended``: when it was found to be over; monotonic seconds,
    ``None`` where that is not known.
    """

    utterance_id: str
    text: str
    final: bool = True
    spoken_until: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class SpeechRejected:
    """What was heard held no words (a cough, a noise), or they could not be recognised: nothing follows.

    ``error``: why not.
    """

    utterance_id: str
    error: NekoError | None = None


@dataclass(frozen=True, slots=True)
class WordsAwaited:
    """The words of an utterance take long; ``engine``, which is to tell them, is waited for."""

    utterance_id: str
    engine: str


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The connection was lost and is there again; the session remembers what was said.

    The running reply, if any, has ended with ``ReplyDone``.
    """


@dataclass(frozen=True, slots=True)
class SessionEnds:
    """The provider will end the session at this moment (monotonic seconds; the last such event counts), whatever is
    going on then: another one takes its place before that."""

    at: float


@dataclass(frozen=True, slots=True)
class SessionNotice:
    """The provider reports what belongs to no reply and to nothing that the user said; the session goes on."""

    error: NekoError


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The connection to the provider is gone for good; no event follows."""

    error: NekoError


ModelEvent = (
    ReplyStarted
    | TextDelta
    | TextWithdrawn
    | AudioDelta
    | ToolCall
    | ReplyDone
    | Retrying
    | ReplyNotice
    | ForgetLines
    | NameTold
    | HistoryFills
    | HistoryCut
    | SpeechStarted
    | SpeechLasts
    | SpeechStopped
    | Transcript
    | SpeechRejected
    | WordsAwaited
    | Reconnected
    | SessionEnds
    | SessionNotice
    | SessionLost
)


class Toolbox(Protocol):
    """The functions that a conversation offers its model. After a call of ``FIND_TOOLS`` there may be others."""

    def tools(self, words: str = "") -> tuple[Tool, ...]:
        """What a model is told of now; of many those that fit the user's ``words``."""
        ...

    async def run(self, call: ToolCall) -> ToolResult:
        """Call a function; a failure is a result too."""
        ...

    def hand_over(self, call: ToolCall) -> bool:
        """The reply of a call that is being made has given way to the user's next words: may it go on, its result told
        as that of a task, and what ``run`` returns unheard? False: it is to be ended."""
        ...

    def begin_turn(self, turn_id: str) -> None:
        """The user has said something, which is answered in this turn."""
        ...

    def note_outside(self, turn_id: str) -> None:
        """The model reads words from outside for the reply of this turn: they may be what asks for a call, in it or in
        a later turn."""
        ...

    def forget_outside(self, gone: Callable[[str], bool] | None = None) -> None:
        """The model is no longer sent what it read in the turns of which ``gone`` is true; None: in none of before."""
        ...

    def note_memo(self, *, outside: bool) -> None:
        """The model is told a memo of what was said before; ``outside``: also of words from outside."""
        ...

    def has_read_outside(self, turn_id: str) -> bool:
        """It has read some for the reply of this turn, which may hold them."""
        ...


class ModelSession(Protocol):
    """One conversation with one model: a chat model, a speech-to-speech model, a cascade."""

    label: ModelLabel

    @property
    def capabilities(self) -> ModelCapabilities:
        """As far as they are known at this moment."""
        ...

    async def open(self, setup: SessionSetup) -> None:
        """Get ready to talk; raises ``ModelError`` when that is impossible."""
        ...

    async def send(self, item: ModelInput) -> None:
        """Take input in order. Never waits for the reply. Input it has no capability for is dropped."""
        ...

    async def interrupt(self, reply_id: str, text: str, played_ms: int | None = None) -> None:
        """Stop this reply at once; its history keeps only ``text``, what the user got of it.

        ``played_ms``: how much of its own voice was heard, for a session with ``truncation``.
        ``ReplyDone(reason="interrupted")`` follows. Of a reply that has ended only what is remembered
        changes: its sound may still have been playing. An unknown id is ignored.
        """
        ...

    def events(self) -> AsyncIterator[ModelEvent]:
        """All events in order, for one consumer; ends after ``aclose`` or ``SessionLost``."""
        ...

    async def aclose(self) -> None:
        """End the session and free everything; idempotent."""
        ...
