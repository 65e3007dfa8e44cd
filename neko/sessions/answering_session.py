"""The session that answers the turns: it takes the place of another, is asked, and is left or lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from neko.errors import ModelReplyLostError, NekoError
from neko.sessions import lorebook
from neko.sessions import turn_effects as do
from neko.sessions import turn_events as on
from neko.sessions.log_writer import TextRequest
from neko.sessions.said_lines import SaidLine
from neko.sessions.session_context import SessionContext
from neko.sessions.session_handle import SessionHandle
from neko.sessions.turn_effects import Step
from neko.sessions.turn_events import BargeIn
from neko.sessions.wishes import SpeakRequest
from neko.tasks import TaskOwner
from neko.types.model_session import AddContext, HearOn, ModelCapabilities, ReplyDone, TextDelta

if TYPE_CHECKING:
    from neko.sessions.turn_controller import TurnController

logger = logging.getLogger(__name__)


class AnsweringSession:
    """``context``: what its model knows."""

    def __init__(self, turns: TurnController, context: SessionContext, owner: TaskOwner) -> None:
        self._turns = turns
        self._context = context
        self._owner = owner
        self._lost: SessionHandle | None = None

    def use(self, handle: SessionHandle, *, follows: bool, unread: Sequence[SaidLine]) -> None:
        """This session answers from now on; a new session id marks its lines in the log.

        It is told the lines that it has not read before anything else. ``follows``: it goes on with the talk.
        """
        turns, before = self._turns, self._turns.link.handle or self._lost
        if not follows:
            self.leave()
        turns.link.use(handle)
        self._lost = None
        if follows and before and before.session.capabilities.hearing and handle.session.capabilities.hearing:
            turns.send(HearOn(before.session))
        turns.log.session_id = handle.id
        self._context.begin(handle)
        for line in unread:
            turns.send(AddContext(line.text, line.role), lambda error: logger.warning("a line was not told: %s", error))
            self._context.told(line)
        able = handle.session.capabilities
        if able.answers_speech:
            self.tell_lore()
        barge_in, turn_id = _barge_in(able), uuid4().hex
        turns.dispatch(on.SessionReady(handle.id, able.text_input, able.transcription, barge_in, follows, turn_id))

    def tell_lore(self, *heard: str) -> None:
        """A session that answers by itself what it hears is told what of the lorebook belongs to these words and those
        before, once, as it keeps what it is told. Words that it answers meanwhile have it for the next ones."""
        lore = self._context.new_lore([*self._turns.log.said.newest(lorebook.LINES), *heard])
        if lore:
            self._turns.send(AddContext(lore), lambda error: logger.warning("the lorebook was not told: %s", error))

    def leave(self) -> None:
        """The session answers no more. What was typed and has no sign of a reply is asked the next one."""
        if handle := self._turns.link.handle:
            self._not_heard()
            self._turns.dispatch(on.SessionGone(handle.id))
        self._lost = None
        self._turns.link.leave()

    def lose(self, error: NekoError) -> NekoError | None:
        """It broke off: what has been said by now is heard to its end, and what the user said last is answered by a
        successor. Returns what is to be told where a reply is cut, or is given up."""
        machine, handle = self._turns.machine, self._turns.link.handle
        if handle is None:
            return None
        told = error if machine.is_answering else None
        if machine.turn and machine.turn.step is Step.REPLYING:
            label = handle.session.label
            told = ModelReplyLostError(str(error), model=label.model, provider=label.provider)
        self._not_heard()
        words, off_record = machine.unanswered, self._turns.log.last_is_off_record
        asks = TextRequest(words, asyncio.get_running_loop().time(), off_record=off_record) if words else None
        self._turns.dispatch(on.SessionGone(handle.id, True, uuid4().hex, asks))
        self._turns.link.leave()
        self._lost = handle
        return told

    def _not_heard(self) -> None:
        """What the open turn told of comes to nothing where it is asked once more."""
        turn = self._turns.machine.turn
        if turn and turn.is_asked_again:
            self._turns.agent.not_heard(turn.id)

    def fold(self) -> None:
        """Make room in memory before it is read for another session."""
        self._owner.spawn(self._context.fold_if_full(self._turns.log.last_line_id), name="fold what was said")

    def ask(self, effect: do.Ask) -> None:
        """Ask the session; a failure ends the turn."""
        for earlier in effect.before:
            self._turns.send(AddContext(earlier.text, "user"))
        request, turn_id = effect.request, effect.turn_id
        self._turns.voice.expect(own_voice=self._turns.has_own_voice)
        if isinstance(request, SpeakRequest):
            self._speak(turn_id, request)
            return
        kept = request.line is not None and not request.off_record
        briefing = self._turns.agent.brief(turn_id, [one.text for one in (*effect.before, request)], kept=kept)
        lately = self._turns.log.said.newest(lorebook.LINES)
        item = self._context.message(turn_id, request, effect.before, briefing, lately)
        self._turns.send(item, lambda error: self._turns.dispatch(ReplyDone(turn_id, "failed", error)))

    def _speak(self, turn_id: str, request: SpeakRequest) -> None:
        self._context.lines.open(turn_id)
        if request.remark:
            self._turns.tell_remark(turn_id, request.remark)
        speech = self._turns.agent.speech(turn_id, request, own_voice=self._turns.has_own_voice)
        if not isinstance(speech, str):
            self._turns.send(speech, lambda error: self._turns.dispatch(ReplyDone(turn_id, "failed", error)))
            return
        if speech:
            self._turns.send(AddContext(speech, "assistant"))
        self._turns.dispatch(TextDelta(turn_id, speech))
        self._turns.dispatch(ReplyDone(turn_id))


def _barge_in(able: ModelCapabilities) -> BargeIn:
    if able.answers_speech:
        return BargeIn.CUT
    return BargeIn.PAUSE_UNTIL_TOLD if able.hearing else BargeIn.PAUSE
