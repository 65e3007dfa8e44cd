"""The turn machine on a virtual clock, stepped with what must hold at every step checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from neko.sessions import turn_effects as do
from neko.sessions import turn_events as on
from neko.sessions.turn_effects import Phase
from neko.sessions.turn_state import AwaitedWords, State, TurnTimeouts
from neko.sessions.turns import advance
from neko.types import model_session as model

TIMEOUTS = TurnTimeouts()


@dataclass
class Machine:
    """Steps the machine and checks what holds for every sequence of events.

    ``tagged``: every delta and sound names the turn it belongs to, which must be the one it is shown for.
    ``log`` holds what was written with the moment it belongs to, the number of the event that made it due.
    """

    state: State = field(default_factory=State)
    now: float = 0.0
    effects: list[do.Effect] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    written: list[tuple[int, do.LogEffect]] = field(default_factory=list)
    phases: set[Phase] = field(default_factory=set)
    tagged: bool = False
    count: int = 0
    moments: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def log(self) -> list[do.LogEffect]:
        return [entry for _, entry in self.written]

    def take(self, *events: on.Event) -> list[do.Effect]:
        """The effects of these events, checked."""
        seen: list[do.Effect] = []
        for one in events:
            before = self.state
            self.state, effects = advance(self.state, one, self.now, TIMEOUTS)
            self._check(before, one, effects)
            seen += effects
        self.effects += seen
        return seen

    def wait(self) -> list[do.Effect]:
        """Let time run to the next deadline."""
        deadline = self.state.deadline
        assert deadline is not None
        self.now = max(self.now, deadline)
        return self.take(on.Tick())

    def rest(self) -> None:
        """Let all deadlines pass, with nobody answering anything."""
        for _ in range(100):
            if self.state.deadline is None:
                return
            self.wait()
        raise AssertionError(f"no way out of {self.state}")

    def _check(self, before: State, taken: on.Event, effects: Sequence[do.Effect]) -> None:
        self.phases.add(self.state.phase)
        self._note_moments(before, taken)
        if self.state.turn and (before.turn is None or before.turn.id != self.state.turn.id):
            self.opened.append(self.state.turn.id)
        opened = set(self.opened)
        current = {turn.id for turn in (before.turn, self.state.turn) if turn}
        for effect in effects:
            match effect:
                case do.ShowText(turn_id, text) if self.tagged and text.replace(tag(turn_id), ""):
                    raise AssertionError(f"{text} was shown for {turn_id}")
                case do.WithdrawText(turn_id, text) if self.tagged and text.replace(tag(turn_id), ""):
                    raise AssertionError(f"{text} was shown anew for {turn_id}")
                case do.PlaySound(turn_id, pcm, _) if self.tagged and pcm != tag(turn_id).encode():
                    raise AssertionError(f"{pcm!r} was played for {turn_id}")
                case (
                    do.WithdrawText(turn_id)
                    | do.ShowText(turn_id)
                    | do.PlaySound(turn_id)
                    | do.OpenReply(turn_id)
                    | do.FinishReply(turn_id)
                ):
                    assert turn_id in current, f"{effect} belongs to no open turn"
                    assert not self.ended[turn_id], f"{effect} comes after the end of its turn"
                case do.EndTurn(turn_id):
                    self.ended[turn_id] += 1
                    assert turn_id in opened
                    assert self.ended[turn_id] == 1, f"{turn_id} ended twice"
                case do.Ask(turn_id):
                    assert self.state.turn is not None
                    assert self.state.turn.id == turn_id
                    assert self.state.session_id is not None
                case _:
                    pass
            match effect:
                case do.WriteUserLine(turn_id):
                    self.written.append((self.moments["typed", turn_id], effect))
                case do.WriteSpokenLine(utterance_id):
                    self.written.append((self.moments["spoken", utterance_id], effect))
                case do.WriteReply(turn_id) | do.EndTurn(turn_id):
                    self.written.append((self.moments["ended", turn_id], effect))

    def _note_moments(self, before: State, taken: on.Event) -> None:
        """When each line became due: typed; its speech over, or its words there when nothing waited; its turn over."""
        self.count += 1
        after = self.state
        if isinstance(taken, on.UserWords):
            self.moments["typed", taken.turn_id] = self.count
        if before.turn and (after.turn is None or after.turn.id != before.turn.id):
            self.moments["ended", before.turn.id] = self.count
        awaited = {entry.utterance_id for entry in before.log if isinstance(entry, AwaitedWords)}
        for entry in after.log:
            if isinstance(entry, AwaitedWords) and entry.utterance_id not in awaited:
                self.moments["spoken", entry.utterance_id] = self.count
        if isinstance(taken, model.Transcript) and taken.utterance_id not in {*awaited, *before.transcribed}:
            self.moments["spoken", taken.utterance_id] = self.count


def tag(turn_id: str) -> str:
    return f"[{turn_id}]"
