"""The built-in model: rules and memory, no network, honest about what it is."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial

from neko.characters import placeholders
from neko.language import LANGUAGES, guess
from neko.late_patterns import late_pattern
from neko.prompts import phrases
from neko.safety import load_words
from neko.sessions import emotion
from neko.sessions.errand_words import said_reports
from neko.sessions.models.builtin.comfort import Comfort
from neko.sessions.models.builtin.errands import with_errands
from neko.sessions.models.builtin.phrasebook import phrasebook
from neko.sessions.models.builtin.rules import Rules
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.reply_runner import Reply, ReplyRunner
from neko.sessions.short_answers import answer_in
from neko.tasks import TaskOwner, in_thread
from neko.types.memory import RecentEntry
from neko.types.model_session import (
    ForgetLines,
    Known,
    ModelCapabilities,
    ModelEvent,
    ModelInput,
    ModelLabel,
    Respond,
    SessionSetup,
    UserMessage,
    known_nothing,
)

LABEL = ModelLabel("built-in", "Neko", offline=True)
_PIECES = late_pattern(
    r"<\w+>|\s*[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef「」、。]{1,3}|\s*[^\s\u3040-\u9fff<]+|.", re.S
)


class BuiltinSession:
    """Answers by rule, streamed in small pieces through the same events as any model.

    ``clock`` is local time; ``choice`` picks among wordings.
    """

    def __init__(
        self,
        *,
        owner: TaskOwner,
        clock: Callable[[], datetime] = datetime.now,
        choice: random.Random | None = None,
        channel: EventChannel | None = None,
    ) -> None:
        self.label = LABEL
        self.capabilities = ModelCapabilities()
        self._clock = clock
        self._choice = choice or random.Random()
        self._rules: Rules | None = None
        self._comfort: Comfort | None = None
        self._known: Known = known_nothing
        self._replies = ReplyRunner(owner, self.label, _forget, channel)

    async def open(self, setup: SessionSetup) -> None:
        """Read the phrases; nothing can fail here but a broken installation."""
        await in_thread(_load)
        rules = Rules(setup.character, setup.master, setup.language, self._clock, self._choice, setup.traits)
        await in_thread(_learn, rules, setup.recent)
        self._comfort = Comfort(setup.language, self._choice)
        self._rules = rules
        self._known = setup.known

    async def send(self, item: ModelInput) -> None:
        """See ``ModelSession``; raises ``RuntimeError`` unless the session is open."""
        if self._replies.closed or self._rules is None or self._comfort is None:
            raise RuntimeError("the session is not open")
        if isinstance(item, UserMessage):
            compose = partial(self._compose, self._comfort, self._rules)
            self._replies.start(item.id, partial(self._answer, self._rules, compose, item))
        elif isinstance(item, Respond):
            self._replies.start(item.id, partial(self._speak_first, self._rules, item))

    async def interrupt(self, reply_id: str, text: str, played_ms: int | None = None) -> None:
        self._replies.interrupt(reply_id, text)

    def events(self) -> AsyncIterator[ModelEvent]:
        return self._replies.events()

    async def aclose(self) -> None:
        await self._replies.aclose()

    async def _answer(
        self, rules: Rules, compose: Callable[[UserMessage], str], message: UserMessage, reply: Reply
    ) -> None:
        if await in_thread(rules.asks_what_is_known, message.text):
            rules.known = await self._known()
        text = await in_thread(compose, message)
        if wish := rules.take_granted():
            reply.forget(ForgetLines(wish.lines, wish.turn, wish.name, wish.told_in))
        if (name := rules.take_told()) is not None:
            reply.call_user(name)
        await self._stream(text, reply)

    def _compose(self, comfort: Comfort, rules: Rules, message: UserMessage) -> str:
        answer, now = partial(comfort.answer, rules=rules), self._clock().replace(tzinfo=None)
        if answer_in(message.text, rules.character) == "stop" and not (comfort.is_serious or rules.is_playing):
            return f"<neutral>{phrases(guess(message.text, rules.language))['say_nothing_to_stop']}"
        if not (message.reports or message.underway or message.reminder):
            return answer(message)
        language = guess(message.text, rules.language)
        return with_errands(message, answer, language=language, master=rules.master, now=now)

    async def _speak_first(self, rules: Rules, wish: Respond, reply: Reply) -> None:
        if wish.reports:
            text = said_reports(wish.reports, rules.language, self._clock().replace(tzinfo=None))
        else:
            text = await in_thread(rules.speak_first, wish.instructions)
        await self._stream(text, reply)

    @staticmethod
    async def _stream(text: str, reply: Reply) -> None:
        for piece in _PIECES.findall(text):
            if not reply.push(piece):
                await reply.drain()
            await asyncio.sleep(0)


def _load() -> None:
    for language in LANGUAGES:
        phrasebook(language)
    load_words()
    placeholders()
    emotion.load()


def _learn(rules: Rules, recent: Sequence[RecentEntry]) -> None:
    for entry in recent:
        if entry.role == "user":
            rules.learn(entry.text)


def _forget(_reply_id: str, _text: str) -> None:
    """The rules look at one line at a time; what was said is kept by memory."""
