"""Speech in a stream of probabilities: (state, probability) → (state, events). Pure; its clock is the sound itself.

One window (``WINDOW_S`` seconds) is a step. A few likely windows are a start, provisional until the speech has
lasted; quiet for ``pause_s`` is a pause, and a pause as long as the listener's patience is the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from neko.audio.voice_activity import WINDOW_S


class Speech(Enum):
    """What was just heard."""

    BEGAN = "began"
    """Maybe speech."""
    LASTS = "lasts"
    """It is too long for a cough."""
    PAUSED = "paused"
    """Quiet for a moment: the time to look at the words so far."""
    WENT_ON = "went on"
    """The pause was none."""
    ENDED = "ended"
    """The turn is over."""
    WAS_NOISE = "was noise"
    """It is over and was too short to hold a word."""


class _State(Enum):
    QUIET = "quiet"
    SPEAKING = "speaking"
    PAUSING = "pausing"


@dataclass(frozen=True, slots=True)
class SegmenterLimits:
    """``on``, ``off``: probabilities above and below which a window counts as speech and as quiet (between them
    it is what the one before was). Seconds: ``start_s`` of speech are a start, as is one window of probability
    ``sure`` (Silero's gives none of clicks, knocks and noise that much); ``lasting_s`` are no cough, nor is a key that
    is held for ``held_s``,
    ``pause_s`` of quiet are a pause, less than ``shortest_s`` of speech holds no word, and after ``longest_s`` a turn
    ends at its next pause, after twice that at once."""

    on: float = 0.5
    off: float = 0.35
    sure: float = 0.7
    start_s: float = 2 * WINDOW_S
    lasting_s: float = 0.6
    held_s: float = 2.5
    pause_s: float = 4 * WINDOW_S
    shortest_s: float = 0.1
    longest_s: float = 60.0


class Segmenter:
    """``patience_s`` is how long a pause must be to end the turn; whoever knows the words sets it.

    ``held``: the user holds the key to talk: speech has begun, and ends by ``end`` alone.
    """

    def __init__(self, limits: SegmenterLimits | None = None, patience_s: float = 0.8) -> None:
        self._limits = limits or SegmenterLimits()
        self._state = _State.QUIET
        self._likely = False
        self._run_s = 0.0
        self._lasting = False
        self.patience_s = patience_s
        self.held = False
        self.speech_s = 0.0
        """Speech of this turn, or of the last one, without its pauses."""
        self.turn_s = 0.0
        """The turn so far, with its pauses."""
        self.silence_s = 0.0
        """How long it has been quiet since the last speech of this turn."""
        self.since_pause_s = 0.0
        """Speech since the last pause of this turn."""
        self.longest_pause_s = 0.0
        """Of the pauses of this turn that are over."""

    @property
    def pausing(self) -> bool:
        """Has it been quiet for a moment within a turn?"""
        return self._state is _State.PAUSING

    @property
    def open(self) -> bool:
        """Is a turn under way?"""
        return self._state is not _State.QUIET

    def feed(self, probability: float) -> Iterator[Speech]:
        """One more window."""
        limits = self._limits
        self._likely = probability >= (limits.off if self._likely else limits.on)
        if self._state is _State.QUIET:
            self._run_s = self._run_s + WINDOW_S if self._likely else 0.0
            if probability >= limits.sure or self._run_s >= limits.start_s - 1e-9:
                yield from self._begin(self._run_s)
            return
        self.turn_s += WINDOW_S
        if self._likely:
            if self._state is _State.PAUSING:
                self._state = _State.SPEAKING
                self.longest_pause_s = max(self.longest_pause_s, self.silence_s)
                self.since_pause_s = 0.0
                yield Speech.WENT_ON
            self.speech_s += WINDOW_S
            self.since_pause_s += WINDOW_S
            self.silence_s = 0.0
        else:
            self.silence_s += WINDOW_S
            yield from self._quiet()
        is_long = self.speech_s >= limits.lasting_s or (self.held and self.turn_s >= limits.held_s)
        if self.open and is_long and not self._lasting:
            self._lasting = True
            yield Speech.LASTS
        if self.open and not self.held and self.turn_s >= 2 * limits.longest_s:
            yield from self.end()

    def hold(self) -> Iterator[Speech]:
        """The key to talk is pressed."""
        self.held = True
        if not self.open:
            yield from self._begin(0.0)

    def end(self) -> Iterator[Speech]:
        """The turn is over, whatever was heard last."""
        was_open, was_held = self.open, self.held
        spoke = self.speech_s >= self._limits.shortest_s
        self.reset()
        if was_open:
            yield Speech.ENDED if spoke or was_held else Speech.WAS_NOISE

    def reset(self) -> None:
        """Nothing is being said."""
        self._state = _State.QUIET
        self._likely = self._lasting = self.held = False
        self._run_s = 0.0

    def _begin(self, speech_s: float) -> Iterator[Speech]:
        self._state = _State.SPEAKING
        self._lasting = False
        self.speech_s = self.turn_s = self.since_pause_s = speech_s
        self.silence_s = self.longest_pause_s = 0.0
        yield Speech.BEGAN

    def _quiet(self) -> Iterator[Speech]:
        limits = self._limits
        if self._state is _State.SPEAKING and self.silence_s >= limits.pause_s:
            if self.speech_s < limits.shortest_s and not self.held:
                yield from self.end()
                return
            self._state = _State.PAUSING
            yield Speech.PAUSED
        if self._state is _State.PAUSING and not self.held:
            too_long = self.turn_s >= limits.longest_s
            if self.silence_s >= self.patience_s or too_long:
                yield from self.end()
