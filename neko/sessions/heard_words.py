"""Words of the user's voice on their way to a turn: nods, her own echo and short answers are none."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from neko.sessions import turn_events as on
from neko.sessions.clients import Clients
from neko.sessions.events import Recognised, UserTranscribed
from neko.sessions.log_writer import TextRequest
from neko.sessions.nods import is_nod
from neko.sessions.own_words import are_own
from neko.types.model_session import SpeechRejected, SpeechStarted, Transcript

if TYPE_CHECKING:
    from neko.sessions.turn_controller import TurnController
    from neko.sessions.visual_input import VisualInput


class HeardWords:
    """Takes what a session, or the page, recognised."""

    def __init__(self, turns: TurnController, clients: Clients, pictures: VisualInput) -> None:
        self._turns = turns
        self._clients = clients
        self._pictures = pictures

    def begin(self, event: SpeechStarted) -> None:
        """The user begins to speak."""
        self._turns.agent.speech_began()
        self._turns.dispatch(event)
        if self._turns.answers_speech:
            self._turns.voice.expect(own_voice=self._turns.has_own_voice)

    def take(self, event: Transcript | SpeechRejected) -> None:
        """A nod while she speaks is no word, nor are her own; others are shown as they come, and the final ones asked
        like typed ones, unless the session has answered them itself."""
        answered = self._turns.answers_speech
        if isinstance(event, Transcript) and event.final and self._is_short_answer(event) and not answered:
            event = SpeechRejected(event.utterance_id)
        if isinstance(event, Transcript) and self._turns.is_paused and self._is_none(event.text):
            if not event.final:
                return
            event = SpeechRejected(event.utterance_id)
        words = event.text.strip() if isinstance(event, Transcript) else ""
        final = isinstance(event, SpeechRejected) or event.final
        self._clients.emit(Recognised(event.utterance_id, words, final))
        if answered and words:
            self._turns.session.tell_lore(words)
        if not (words and final) or answered or isinstance(event, SpeechRejected):
            self._turns.dispatch(event)
            return
        self._open_turn(event, words)

    def _open_turn(self, event: Transcript, words: str) -> None:
        turn_id, now = uuid4().hex, asyncio.get_running_loop().time()
        stream = self._turns.stream(turn_id)
        stream.spoken = True
        stream.timeline.start = event.spoken_until or now
        if event.ended:
            stream.timeline.marks["end_of_turn"] = event.ended - stream.timeline.start
        stream.timeline.mark("transcript")
        self._turns.user_spoke()
        request = TextRequest(words, now, self._pictures.with_words(), off_record=self._turns.log.off_record)
        self._turns.dispatch(on.SpokenWords(turn_id, event.utterance_id, words, request))

    def _is_short_answer(self, event: Transcript) -> bool:
        """Is it an answer to a question for approval, or a stop for what the agent does? Then it is written, too."""
        text = event.text.strip()
        if are_own(text, self._turns.voice.being_said()):
            return False
        return bool(self._turns.agent.takes(text, partial(self._keep, text), spoken=True))

    def _keep(self, text: str) -> None:
        if not self._turns.answers_speech:  # else these words go to the log like any
            self._clients.emit(UserTranscribed(text))
            self._turns.log.write_spoken_line(text)

    def _is_none(self, text: str) -> bool:
        return is_nod(text) or are_own(text, self._turns.voice.being_said())
