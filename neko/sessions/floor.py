"""How she gets the floor for what the agent has to say (``agent_talk.Floor``), on the turns of one conversation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from neko.sessions import turn_events as on
from neko.sessions.arbiter import Verdict
from neko.sessions.turn_effects import Step
from neko.sessions.turn_events import Priority
from neko.sessions.wishes import SpeakRequest
from neko.types.model_session import TextDelta

if TYPE_CHECKING:
    from neko.sessions.turn_controller import TurnController

_SIGNS_A_SECOND: Final = 12.0
"""How fast she speaks where nothing is known of what was played."""
_LAST_SIGNS: Final = 8


class TurnFloor:
    """See ``agent_talk.Floor``. ``read_s``: seconds within which nobody has read a question."""

    def __init__(self, turns: TurnController, read_s: float) -> None:
        self._turns = turns
        self._read_s = read_s

    def wish(self, turn_id: str, request: SpeakRequest, priority: Priority, timeout_s: float) -> Verdict:
        return self._turns.wish(on.SpeakFirst(turn_id, priority, request), timeout_s)

    def waits_in(self) -> str | None:
        turn = self._turns.open_turn
        if turn is None or not turn.tools or turn.utterance_id is not None or self._turns.has_own_voice:
            return None
        return turn.id if turn.step in (Step.ASKED, Step.REPLYING) else None

    def interject(self, words: str) -> str | None:
        turn = self._turns.open_turn
        if turn is None or self.waits_in() is None or not self._turns.voice.in_call():
            return None
        said = self._turns.stream(turn.id).text
        self._turns.dispatch(TextDelta(turn.id, f"\n{words}\n" if said else f"{words}\n"))
        return turn.id

    def is_heard(self, turn_id: str, words: str, since: float) -> bool:
        shown_s = asyncio.get_running_loop().time() - since
        if not words:
            return shown_s >= self._read_s
        stream = self._turns.latest_reply
        if stream is None or stream.turn_id != turn_id or stream.silent:
            return shown_s >= self._read_s
        heard = self._turns.voice.heard(stream)
        if heard is None:
            return shown_s >= self._read_s + len(words) / _SIGNS_A_SECOND
        return words.rstrip()[-_LAST_SIGNS:] in heard

    def stop(self) -> None:
        self._turns.dispatch(on.Stop())
