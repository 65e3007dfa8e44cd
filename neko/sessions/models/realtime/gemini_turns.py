"""Which of Gemini's turns is which reply.

Gemini names nothing: what comes belongs to the turn that it is making, and its end is told by ``turnComplete``, or by
``interrupted`` and then ``turnComplete``. ``generationComplete`` comes earlier: all is made, and the provider takes it
to be playing, so that it can still be interrupted. What is written to it interrupts the turn under way, whose rest
comes before its end is told. Nothing can be cancelled; what nobody wants any more is dropped here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from neko.errors import ModelError
from neko.sessions.models.realtime.talk import Reply, Talk

_STOPS: Final = (".", "!", "?", "…", "。", "！", "？")
_NO_WORDS: Final = re.compile(r"<[a-z ]{1,24}>")
"""How a noise is transcribed: ``<noise>``."""


@dataclass(slots=True, eq=False)
class Generation:
    """One turn of the provider's. ``made``: all of it has come. ``calls``: waits for the results of so many."""

    reply: Reply
    made: bool = False
    calls: int = 0


class GeminiTurns:
    """``current`` is what the provider is making or takes to be playing, ``asked`` a reply of which nothing came yet.

    ``on_empty`` is told of a reply that ended without anything.
    """

    def __init__(self, talk: Talk, on_empty: Callable[[Reply], None]) -> None:
        self.current: Generation | None = None
        self.asked: Reply | None = None
        self._talk = talk
        self._on_empty = on_empty
        self._outdated = False
        self._end_follows = False
        self._heard = ""
        self._waits = False
        self._is_to_answer = False
        """Words of the user are all there, and nothing has come in answer."""

    @property
    def is_quiet(self) -> bool:
        """Is nothing being made, and nothing owed?"""
        return self.current is None and self.asked is None and not self._is_hearing

    @property
    def is_owed(self) -> bool:
        """Is anything to come? An answer to words is, not one to a noise."""
        current = self.current
        if self.asked is not None:
            return True
        if (self._is_to_answer or (self._is_hearing and self._heard.strip())) and not self._waits:
            return True
        return current is not None and not current.made and not current.calls

    def ask(self, reply: Reply) -> None:
        """This reply has been asked for in writing."""
        self.asked = reply
        self._outdated = self.current is not None
        if self.current is not None and self.current.calls:
            self.current.calls, self.current.made = 0, True

    def heard(self, text: str, *, finished: bool) -> None:
        """A piece of what the user says, as recognised. What comes while she speaks is a rest of what she answers:
        speech over her is told as an interruption first."""
        if self.current is None and not self._is_hearing and text.strip():
            self._begin_to_hear()
        words = _NO_WORDS.sub("", text)
        self._heard += words
        self._waits = False
        self._talk.words("", words)
        if finished:
            self._words_over()

    @property
    def words_linger(self) -> bool:
        """Is she answering already, and may a rest of what she answers still be recognised?"""
        return self.current is not None and self._is_hearing and bool(self._heard.strip())

    def hears(self) -> None:
        """The user is speaking; the words come later."""
        if self.current is None and not self._is_hearing:
            self._begin_to_hear()

    def pressed(self) -> None:
        """The user says that they begin to speak."""
        if not self._talk.is_speaking:
            self._words_over()
            self._begin_to_hear()

    def waits(self) -> None:
        """It answers nothing yet: it takes the user to go on."""
        self._waits = True

    def content(self, *, sound: bool) -> Generation:
        """What something that has come belongs to: the turn under way, or one that begins with it."""
        current = self.current
        if current is not None and not (current.made and sound):
            return current
        self._outdated = False
        reply, self.asked = self.asked, None
        if reply is None:
            if not (self._is_hearing or self._is_to_answer):
                self._begin_to_hear()
            if self._is_hearing:
                self._talk.speech_stopped()
            if self._heard.rstrip().endswith(_STOPS):
                self._words_over()
            reply = self._talk.begin_spoken()
        self._is_to_answer = False
        self.current = Generation(reply)
        return self.current

    def made(self) -> Reply | None:
        """All of the turn has come: the reply that it ends, once its last words had time to come."""
        current = self.current
        if current is None or current.calls:
            return None
        current.made = True
        return current.reply

    def interrupted(self) -> None:
        """The turn under way is over: the user speaks, or has written."""
        self.current = None
        self._end_follows = True
        if self._outdated:
            self._outdated = False
            return
        early = "" if self._is_hearing else self._heard
        if not self._talk.is_speaking:
            self._words_over()
            self._begin_to_hear()
        if self._talk.reply is not None and self._talk.reply is not self.asked:
            self._talk.interrupt(self._talk.reply.id)
        if early:
            self.heard(early, finished=False)

    def complete(self, error: ModelError | None = None, *, wants_more: bool = False) -> None:
        """A turn is over, its playing included. ``error``: why it broke off; ``wants_more``: it is the user's turn."""
        current = self.current
        if current is None and self._end_follows:
            self._end_follows = False
            return
        if current is not None and current.calls:
            return
        self.current, self._outdated = None, False
        self._words_over()
        self._is_to_answer = False
        reply = self.asked if current is None else current.reply
        if current is None:
            self.asked = None
        if reply is None:
            return
        if error is not None:
            self._talk.end(reply, "failed", error)
        elif current is None and not wants_more:
            self._on_empty(reply)
        else:
            self._talk.end(reply)

    def calls_cancelled(self) -> None:
        """Results are not wanted any more: the turn that waited for them is over."""
        if self.current is not None and self.current.calls:
            self.current = None

    def end_hearing(self) -> None:
        """Nothing more comes of the user's words, or of what was taken to be speech."""
        self._words_over()

    def reset(self) -> None:
        """The connection is another one, which owes nothing."""
        self._words_over()
        self.current = self.asked = None
        self._outdated = self._end_follows = self._is_to_answer = False

    @property
    def _is_hearing(self) -> bool:
        """Are words of the user still to come?"""
        return self._talk.is_speaking or self._talk.unanswered is not None

    def _begin_to_hear(self) -> None:
        self._heard = ""
        self._is_to_answer = False
        self._talk.speech_started()

    def _words_over(self) -> None:
        """The user's words are all there; without any it was none."""
        if self._is_hearing:
            self._is_to_answer = self.current is None and bool(self._heard.strip())
            self._talk.all_words("", self._heard)
        self._heard = ""
