"""The built-in model: rules that find an answer to each sentence of a line, or say honestly that there is none."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import Final

from neko.language import guess
from neko.sessions.emotion import classify
from neko.sessions.models.builtin import dates, forgetting, herself, knowledge, recall, signs, sums, units, zones
from neko.sessions.models.builtin.forgetting import Wish
from neko.sessions.models.builtin.games import Games
from neko.sessions.models.builtin.names import told_name
from neko.sessions.models.builtin.phrasebook import Phrasebook, namings, phrasebook, plain
from neko.sessions.models.builtin.small_talk import REASONS, is_talk
from neko.sessions.models.builtin.wording import Wording, joined
from neko.types.memory import Because, Evidence, Fact, Reason
from neko.types.model_session import UserMessage

_LONGEST_TEXT: Final = 2000
_MOST_PARTS: Final = 5
_LONGEST_IN_PARTS: Final = 400
_TRAILING: Final = " \t\n.!。！~〜…、,，;；:"
_SENTENCE: Final = re.compile(r"(?:[^.!?。！？\n]|\.(?=\w)|(?<=\d)!)+[.!?。！？\n]*")
_HEAVY: Final = frozenset({"sad", "angry"})
_BETWEEN_HINTS: Final = 5
"""Replies from one mention of what she is to the next; who asks is told at once."""

_SERIOUS: Final = ("grief", "illness", "lonely", "bad_day")
_ABOUT_HER: Final = (
    "present",
    "connect",
    "identity",
    "abilities",
    "how_are_you",
    "correction",
    "know_me",
    "hug",
    "topic",
)
_SAYS_WHAT_SHE_IS: Final = frozenset({"connect", "identity", "abilities", "picture"})
_SAYS_IT_IS_KEPT: Final = frozenset({"statement", "noted", "remember", "name_noted", "love", "good_day"})
_CANNOT: Final = ("translate", "recommend", "timer", "news", "write", "act", "request")
_MOODS: Final = ("laughter", "grumble")
_SOCIAL: Final = ("thanks", "night", "bye", "sorry", "love", "good_day", "fond", "goes_on", "daily", "agreement")


class Weight(IntEnum):
    """What counts when the sentences of one line say different things; the heaviest is answered."""

    PUZZLED = 0
    REMARK = 1
    SOCIAL = 2
    ANSWER = 3
    SERIOUS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found: its name, and the reply."""

    weight: Weight
    name: str
    reply: str


Rule = Callable[[Phrasebook, str, UserMessage], Found | None]


@dataclass(slots=True)
class Rules:
    """Answers for one session. ``traits`` are the fields of her card."""

    character: str
    master: str
    language: str
    clock: Callable[[], datetime]
    choice: random.Random
    traits: Mapping[str, str] = field(default_factory=dict)
    has_answered: bool = False
    """The last line asked for something that she did or knew, or told her a name."""
    known: Sequence[Fact] = ()
    """About whom she talks with, for the line that asks for it (``asks_what_is_known``)."""
    _since_hint: int = _BETWEEN_HINTS
    _before: str = ""
    _wording: Wording = field(init=False)
    _games: Games = field(init=False)
    _wish: Wish | None = None
    """To forget something, which she has asked about."""
    _granted: Wish | None = None
    """The wish that the last line said yes to."""
    _told: str | None = None
    """The name that the last line gave; "" when it is to be forgotten."""
    _named_in: str = ""
    """The message that gave the name, when it came in this session."""
    _off_record: bool = False
    """Is the line that is answered kept nowhere?"""
    _games_before: Games | None = None
    """As the game stood before the last line: the same line once more is the same move."""

    def __post_init__(self) -> None:
        self._wording = Wording(self.character, self.master, self.clock, self.choice)
        self._games = Games(self._wording)

    # ── in and out ────────────────────────────────────────────────────────────

    def answer(self, message: UserMessage) -> str:
        """A whole reply in the language of the user's text; begins with the face that she makes at it."""
        words = message.text[:_LONGEST_TEXT]
        self._off_record = message.off_record
        if message.again and self._games_before:
            self._games = copy.copy(self._games_before)
        self._games_before = copy.copy(self._games)
        named = self.learn(words)
        self._told = self._wording.name if named else None
        self._named_in = message.id if named else self._named_in
        if self._wording.name is None:
            self._learn_from(message.recalled)
        self.language = self._language_of(words)
        book = phrasebook(self.language)
        found = Found(Weight.ANSWER, "picture", self._say(book, "picture"))
        if (agreed := self._agreed(book, self._core(plain(words)))) is not None:
            found = agreed
        elif not message.images:
            found = self._of_parts(book, words, message, named=named)
        self._before = found.name
        self.has_answered = found.weight is Weight.ANSWER
        self._since_hint += 1
        reply = found.reply
        if found.name in _SAYS_WHAT_SHE_IS:
            self._since_hint = 0
        elif found.weight is Weight.PUZZLED and self._since_hint >= _BETWEEN_HINTS:
            reply, self._since_hint = reply + self._say(book, "hint"), 0
        return reply if reply.startswith("<") else "<neutral>" + reply

    @property
    def is_playing(self) -> bool:
        """A game is going on, which a stop ends."""
        return bool(self._games.kind)

    def take_granted(self) -> Wish | None:
        """What the line that was answered last says is to be forgotten; told once."""
        granted, self._granted = self._granted, None
        return granted

    def take_told(self) -> str | None:
        """What the line that was answered last says the user is called, "" for nothing any more; told once."""
        told, self._told = self._told, None
        return told

    def asks_what_is_known(self, text: str) -> bool:
        """Does a line of the user ask for all that she knows about them?"""
        words = text[:_LONGEST_TEXT]
        return phrasebook(self._language_of(words)).matches("know_facts", plain(words).rstrip("?？ "))

    def learn(self, text: str) -> bool:
        """Keep the name that a line of the user gives; False when it gives none. A later one replaces it."""
        name = told_name(text, namings())
        self._wording.name = name or self._wording.name
        return name is not None

    def _language_of(self, words: str) -> str:
        """One word in Latin letters ("ok", "lol") does not change the language of a talk."""
        few = len(re.findall(r"[a-zA-Z]+", words)) <= 1
        other = guess(re.sub(r"[a-zA-Z×÷]+", "", words), self.language) if few else None
        return other or guess(words, self.language)

    def _learn_from(self, recalled: Sequence[Evidence]) -> None:
        for hit in sorted(recalled, key=lambda hit: hit.at):
            if hit.role == "user":
                self.learn(hit.text)

    def speak_first(self, instructions: str) -> str:
        """A line without one of the user: a greeting where one is wished, else the wish itself, passed on."""
        book = phrasebook(self.language)
        if book.matches("greet_first", plain(instructions[:_LONGEST_TEXT])):
            return self._say(book, f"greeting_{self._part_of_day()}")
        opening, closing = book.quotes
        words = " ".join(instructions[:_LONGEST_TEXT].split()).rstrip(".。")
        return self._say(book, "pass_on", quote=opening + words + closing)

    # ── the parts of a line ───────────────────────────────────────────────────

    def _of_parts(self, book: Phrasebook, words: str, message: UserMessage, *, named: bool) -> Found:
        found = list(self._each(book, words, message, named=named))
        heaviest = max(found, key=lambda one: one.weight)
        games = [one for one in found if one.name == "game"]
        answers = [one for one in found if one.weight is Weight.ANSWER and one not in games[:-1]]
        answers = list({one.name if is_talk(one.name) else one: one for one in answers}.values())
        if heaviest.weight is Weight.SERIOUS:
            answers.insert(0, heaviest)
        if len(answers) <= 1:
            return heaviest
        return Found(answers[0].weight, answers[-1].name, joined([one.reply for one in answers], book.space))

    def _each(self, book: Phrasebook, words: str, message: UserMessage, *, named: bool) -> Iterator[Found]:
        whole = self._core(plain(words))
        parts = self._parts(book, words)
        first = self._first(self._whole_rules, book, whole, message) if len(parts) > 1 else None
        if first:
            yield first
            return
        for part in parts or [whole]:
            found = self._one(book, part, message, named=named)
            self._before = found.name
            yield found
            if found.weight <= Weight.REMARK and not book.matches("question", part):
                message = replace(message, recalled=(*message.recalled, self._said(part, message)))

    def _said(self, part: str, message: UserMessage) -> Evidence:
        """A sentence of the line itself, for a question in the next one."""
        written = re.search(re.escape(part), message.text, re.IGNORECASE)
        text = written[0] if written else part
        return Evidence(
            text, "user", self.master, self.clock().replace(tzinfo=None), "line", (), Reason(Because.MENTIONS), 0.0
        )

    def _parts(self, book: Phrasebook, words: str) -> list[str]:
        """The sentences of a line of reasonable length; longer ones are taken whole."""
        text = plain(words)
        if len(text) > _LONGEST_IN_PARTS:
            return [self._core(text)]
        sentences = [piece for one in _SENTENCE.findall(text) for piece in book.joints.split(one)]
        parts = [core for one in sentences if re.search(r"\w", core := self._core(one))]
        return parts[:_MOST_PARTS]

    def _one(self, book: Phrasebook, text: str, message: UserMessage, *, named: bool) -> Found:
        if not re.search(r"\w", text):
            name = signs.kind(text)
            return self._found(book, name, Weight.SOCIAL) if name else self._found(book, "unclear", Weight.PUZZLED)
        if named and told_name(text, [book.naming]):
            return Found(Weight.ANSWER, "name_noted", self._say(book, "name_noted"))
        found = self._first(self._rules, book, text, message)
        if found:
            return found
        if named:
            return Found(Weight.ANSWER, "name_noted", self._say(book, "name_noted"))
        return self._remark(book, text, message)

    @staticmethod
    def _first(rules: Sequence[Rule], book: Phrasebook, text: str, message: UserMessage) -> Found | None:
        found = (rule(book, text, message) for rule in rules)
        return next((one for one in found if one), None)

    @property
    def _whole_rules(self) -> tuple[Rule, ...]:
        """What may need several sentences, before the line is taken apart."""
        return (self._sum, self._forget, self._age, self._knowledge)

    @property
    def _rules(self) -> tuple[Rule, ...]:
        """In the order in which they are tried."""
        return (
            self._serious,
            self._insult,
            self._mood,
            self._move,
            self._forget,
            self._sum,
            self._why,
            self._small_talk,
            self._greeting,
            self._day,
            self._unit,
            self._time,
            self._knowledge,
            self._my_name,
            self._remember,
            self._what_she_is,
            self._game,
            self._herself,
            self._cannot,
            self._unknown_of_her,
            self._recall,
            self._social,
        )

    # ── the rules ─────────────────────────────────────────────────────────────

    def _serious(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        if book.matches("not_serious", text) or book.matches("laughter", text):
            return None
        for intent in _SERIOUS:
            if book.matches(intent, text):
                return self._found(book, intent, Weight.SERIOUS)
        return None

    def _insult(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._found(book, "insult", Weight.SERIOUS) if book.matches("insult", text) else None

    def _mood(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        intent = next((intent for intent in _MOODS if book.matches(intent, text)), None)
        return self._found(book, intent, Weight.SOCIAL) if intent else None

    def _move(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._reply("move", self._games.move(book, text))

    def _forget(self, book: Phrasebook, text: str, message: UserMessage) -> Found | None:
        if not book.matches("forget", text):
            return None
        hits = forgetting.find(book, text, message.recalled)
        if not hits and hits is not None and self._wording.called and book.matches("forget_name", text):
            self._wish = Wish((), message.id, names=True, told_in=self._named_in)
            return self._ask_to_forget(book, [self._wording.called])
        if not hits:
            return self._found(book, "forget" if hits is None else "forget_nothing")
        lines = tuple(source for hit in hits for source in hit.sources)
        names = any(told_name(hit.text, namings()) for hit in hits)
        self._wish = Wish(lines, message.id, names=names, told_in=self._named_in if names else "")
        return self._ask_to_forget(book, [hit.text for hit in hits])

    def _ask_to_forget(self, book: Phrasebook, texts: Sequence[str]) -> Found:
        return self._found(book, "forget_ask", lines=forgetting.listed(book, texts))

    def _agreed(self, book: Phrasebook, text: str) -> Found | None:
        """The answer to what she asked before she forgets something; anything but yes or no lets the matter drop."""
        wish, self._wish = self._wish, None
        if wish is None:
            return None
        if book.matches("forget_yes", text):
            self._granted = replace(wish, name=self._wording.called or "") if wish.names else wish
            if wish.names:
                self._wording.name, self._wording.master, self._told = None, "", ""
            return self._found(book, "forget_done")
        return self._found(book, "forget_kept") if book.matches("no", text) else None

    def _sum(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._reply("sum", sums.answer(book, text.rstrip("? "), self._wording))

    def _why(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        """Why she said what she said before, where that has a reason."""
        if not book.matches("why", text.rstrip("?？ ")):
            return None
        return self._found(book, REASONS.get(self._before, "goes_on"))

    def _small_talk(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        asked, again = text.rstrip("?？ "), book.matches("another", text)
        for talk in book.talks:
            if talk.ask.search(asked) or (again and talk.name == self._before):
                return Found(Weight.ANSWER, talk.name, self._wording.one_of(book, talk.name, talk.say))
        return None

    def _unit(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._reply("unit", units.answer(book, text, self._wording))

    def _greeting(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        if book.matches("greeting", text.rstrip("? ")):
            return self._found(book, f"greeting_{self._part_of_day()}", Weight.SOCIAL)
        return None

    def _day(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._reply("day", dates.answer(book, text.rstrip("? "), self._wording))

    def _age(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._reply("day", dates.age(book, text.rstrip("? "), self._wording))

    def _time(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        text = text.rstrip("? ")
        goes_on = self._before == "time" and zones.only_a_place(book, text)
        return self._reply("time", zones.answer(book, text, self._wording, asked=goes_on))

    def _knowledge(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        if not book.matches("know_facts", text.rstrip("?？ ")):
            return None
        told = knowledge.answer(book, self.known, self._wording)
        return self._reply("know_facts", told) or self._found(book, "know_me")

    def _my_name(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        if not book.matches("my_name", text.rstrip("? ")):
            return None
        if self._wording.name:
            return self._found(book, "my_name_told")
        return self._found(book, "my_name_unknown" if self._wording.called is None else "my_name")

    def _remember(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._found(book, "remember") if book.matches("remember", text) else None

    def _what_she_is(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        for pattern in book.triggers["compound_greeting"]:
            text = pattern.sub("", text, count=1) or text
        for intent in _ABOUT_HER:
            if book.matches(intent, text.rstrip("? ")):
                return self._found(book, intent)
        return None

    def _game(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._reply("game", self._games.start(book, text))

    def _cannot(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        intent = next((intent for intent in _CANNOT if book.matches(intent, text)), None)
        name = {"request": "cannot", "act": "cannot"}.get(intent or "", f"cannot_{intent}")
        return Found(Weight.ANSWER, "cannot", self._say(book, name)) if intent else None

    def _herself(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._reply("herself", herself.answer(book, text, self.traits, self._wording))

    def _unknown_of_her(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        return self._reply("self_unknown", herself.unknown(book, text, self._wording))

    def _recall(self, book: Phrasebook, text: str, message: UserMessage) -> Found | None:
        if not book.matches("question", text):
            return None
        return self._reply("recall", recall.answer(book, text, message.recalled, self._wording))

    def _social(self, book: Phrasebook, text: str, _message: UserMessage) -> Found | None:
        for intent in _SOCIAL:
            if book.matches(intent, text.rstrip("? ") if intent in ("agreement", "goes_on") else text):
                return self._found(book, intent, Weight.SOCIAL)
        return None

    def _remark(self, book: Phrasebook, text: str, message: UserMessage) -> Found:
        """A reply to what no rule knows: a question, something told, or nothing understood."""
        if book.matches("question", text):
            name = "unknown" if book.matches("personal", text) else "guess_not"
            if name == "unknown" and recall.may_be_told(book, message.recalled):
                name = "unknown_perhaps"
            return self._found(book, name, Weight.PUZZLED)
        if not book.key_words(text) or not re.search(r"[^\W\d_]{2}", text):
            return self._found(book, "unclear", Weight.PUZZLED)
        if classify(text).emotion in _HEAVY:
            return self._found(book, "heavy", Weight.REMARK)
        if book.matches("personal", text):
            return self._found(book, "statement", Weight.REMARK)
        if len(text) >= (4 if re.search(r"[\u3040-\u9fff\uac00-\ud7a3]", text) else 12):
            return self._found(book, "noted", Weight.REMARK)
        return self._found(book, "unclear", Weight.PUZZLED)

    # ── words ─────────────────────────────────────────────────────────────────

    def _found(self, book: Phrasebook, name: str, weight: Weight = Weight.ANSWER, **values: str) -> Found:
        return Found(weight, name, self._say(book, name, **values))

    @staticmethod
    def _reply(name: str, reply: str | None) -> Found | None:
        return Found(Weight.ANSWER, name, reply) if reply else None

    def _say(self, book: Phrasebook, name: str, **values: str) -> str:
        if self._off_record and name in _SAYS_IT_IS_KEPT:
            name = "off_record"
        return self._wording.say(book, name, **values)

    def _core(self, text: str) -> str:
        """Without the character's name at either end and without closing punctuation."""
        text = text.strip(_TRAILING)
        name = re.escape(plain(self.character))
        text = re.sub(rf"^{name}(?:[,，、!！:：~\s]+|(?:ちゃん|さん)[、,]?)", "", text)
        return re.sub(rf"[,，、\s]+{name}(?=[?？]?$)", "", text).strip(_TRAILING)

    def _part_of_day(self) -> str:
        hour = self.clock().hour
        if 5 <= hour < 11:
            return "morning"
        if 11 <= hour < 18:
            return "day"
        return "evening" if 18 <= hour < 23 else "night"
