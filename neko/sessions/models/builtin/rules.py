"""The built-in model: rules that find an answer to one line, or say honestly that there is none."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from neko.characters import placeholders
from neko.language import guess
from neko.sessions.models.builtin.arithmetic import SumTooLargeError, evaluate, in_words
from neko.sessions.models.builtin.names import told_name
from neko.sessions.models.builtin.phrasebook import Phrasebook, namings, phrasebook, plain
from neko.types.memory import Evidence
from neko.types.model_session import UserMessage

_LONGEST_QUOTE = 160
_LONGEST_TEXT = 2000
_LONGEST_SUM = 300
_TRAILING = " \t\n.!。！~〜…、,，;；:"
_SUM = re.compile(r"[\d.+\-*/() ]+")
_TWO_NUMBERS = re.compile(r"[\d.)]\s*[-+*/]+\s*[-+(]*\d")
_LOOKS_LIKE_DATE = re.compile(r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4}|[\d ()-]*\d{3,}-\d{3,}")
_HAN_NUMBER = re.compile(r"[零〇一二两兩三四五六七八九十百]+")
_HAN_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "兩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7,
               "八": 8, "九": 9}  # fmt: skip
_CALLED = re.compile(r"[,、，]\s*\{master\}")
_DIRECT = ("time", "weekday", "date", "my_name", "connect", "identity", "abilities", "how_are_you", "joke")
_SOCIAL = ("thanks", "night", "bye", "agreement")


@dataclass(slots=True)
class Rules:
    """Answers for one session. ``choice`` picks among wordings; none is used twice in a row."""

    character: str
    master: str
    language: str
    clock: Callable[[], datetime]
    choice: random.Random
    _name: str | None = None
    _last: dict[str, str] = field(default_factory=dict)
    _puzzled: int = 0

    def answer(self, message: UserMessage) -> str:
        """A whole reply in the language of the user's text; may begin with an emotion tag."""
        words = message.text[:_LONGEST_TEXT]
        named = self.learn(words)
        if self._name is None:
            self._learn_from(message.recalled)
        self.language = guess(words, self.language)
        book = phrasebook(self.language)
        if message.images:
            return self._say(book, "picture")
        text = self._core(plain(words))
        if not re.search(r"\w", text):
            return self._puzzle(book, "unclear")
        if named and not book.matches("question", text):
            return self._say(book, "name_noted")
        return self._known(book, text, message) or (self._say(book, "name_noted") if named else self._talk(book, text))

    def learn(self, text: str) -> bool:
        """Keep the name that a line of the user gives; False when it gives none. A later one replaces it."""
        name = told_name(text, namings())
        self._name = name or self._name
        return name is not None

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

    def _known(self, book: Phrasebook, text: str, message: UserMessage) -> str | None:
        """What the rules or the memory really know."""
        rest = text.rstrip("? ")
        total = self._sum(book, rest)
        if total is not None:
            return total
        if book.matches("greeting", rest):
            return self._say(book, f"greeting_{self._part_of_day()}")
        for pattern in book.triggers["compound_greeting"]:
            rest = pattern.sub("", rest, count=1) or rest
        for intent in _DIRECT:
            if book.matches(intent, rest):
                return self._say(book, self._my_name() if intent == "my_name" else intent)
        if book.matches("question", text) and not book.matches("remember", text):
            return self._recall(book, message)
        return None

    def _talk(self, book: Phrasebook, text: str) -> str:
        """A reply to small talk, and to questions that nothing here can answer."""
        for intent in _SOCIAL:
            if book.matches(intent, text):
                return self._say(book, intent)
        if book.matches("remember", text):
            return self._say(book, "remember")
        is_question = book.matches("question", text)
        if book.matches("love", text) and not is_question:
            return self._say(book, "love")
        for intent in ("bad_day", "good_day"):
            if book.matches(intent, text) and not is_question:
                return self._say(book, intent)
        if book.matches("request", text):
            return self._puzzle(book, "cannot")
        if is_question:
            return self._puzzle(book, "unknown")
        if len(book.key_words(text)) == 0 or not re.search(r"[^\W\d_]{2}", text):
            return self._puzzle(book, "unclear")
        if book.matches("personal", text):
            return self._say(book, "statement")
        if len(text) >= (4 if re.search(r"[\u3040-\u9fff\uac00-\ud7a3]", text) else 12):
            return self._say(book, "noted")
        return self._puzzle(book, "unclear")

    def _my_name(self) -> str:
        if self._name:
            return "my_name_told"
        return "my_name_unknown" if self._called is None else "my_name"

    @property
    def _called(self) -> str | None:
        """What the user is called: the name they gave, else that of the settings; None when there is neither."""
        return self._name or (None if self.master in placeholders() else self.master)

    def _say(self, book: Phrasebook, name: str, **values: str) -> str:
        now, called = self.clock(), self._called
        phrase = self._pick(book, name)
        if called is None:
            phrase = _CALLED.sub("", phrase)
        return phrase.format(
            character=self.character,
            master=called,
            time=f"{now:%H:%M}",
            date=book.date("full", now),
            weekday=book.weekdays[now.weekday()],
            **values,
        )

    def _puzzle(self, book: Phrasebook, name: str) -> str:
        """Admit it; the first time, and now and then, with what this is and how to get a real model."""
        hint = self._say(book, "hint") if self._puzzled % 3 == 0 else ""
        self._puzzled += 1
        return self._say(book, name) + hint

    def _pick(self, book: Phrasebook, name: str) -> str:
        phrases = book.phrases[name]
        fresh = [phrase for phrase in phrases if phrase != self._last.get(name)] or phrases
        self._last[name] = self.choice.choice(fresh)
        return self._last[name]

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

    def _recall(self, book: Phrasebook, message: UserMessage) -> str | None:
        """Quote what memory found, if it shares half of the words that matter in the question."""
        wanted = book.key_words(message.text[:_LONGEST_TEXT])
        relevant = [hit for hit in message.recalled if 2 * len(wanted & book.key_words(hit.text)) >= len(wanted)]
        by_user = [hit for hit in relevant if hit.role == "user" and not book.matches("question", plain(hit.text))]
        hits = by_user or [hit for hit in relevant if hit.role == "assistant"]
        if not hits:
            return None
        best = max(hits, key=lambda hit: (len(wanted & book.key_words(hit.text)), hit.score))
        answer = self._quote(book, "recall_user" if by_user else "recall_self", best)
        other = self._second(book, wanted, hits, best)
        return answer if other is None else answer + self._quote(book, "recall_also", other)

    @staticmethod
    def _second(book: Phrasebook, wanted: set[str], hits: Sequence[Evidence], best: Evidence) -> Evidence | None:
        """Another line that fits just as well, if there is one."""
        shared = wanted & book.key_words(best.text)
        others = (h for h in hits if plain(h.text) != plain(best.text))
        return next((h for h in others if shared <= book.key_words(h.text)), None)

    def _quote(self, book: Phrasebook, name: str, hit: Evidence) -> str:
        text = " ".join(hit.text.split())
        if len(text) > _LONGEST_QUOTE:
            text = text[:_LONGEST_QUOTE].rsplit(" ", 1)[0] + "…"
        text = re.sub(r"^<\w+>", "", text).rstrip(".。")
        when = book.when(hit.at, self.clock())
        opening, closing = book.quotes
        return self._say(book, name, when=when, When=when[0].upper() + when[1:], quote=opening + text + closing)

    def _sum(self, book: Phrasebook, text: str) -> str | None:
        expression = _expression(book, text)
        if expression is None:
            return None
        shown = expression.replace("**", "^").replace("*", " × ").replace("/", " ÷ ")
        shown = " ".join(re.sub(r"(?<=[\d)])([-+])", r" \1 ", shown).split())
        try:
            number, exact = in_words(evaluate(expression))
        except ZeroDivisionError:
            return self._say(book, "sum_zero")
        except SumTooLargeError:
            return self._say(book, "sum_huge")
        except ValueError:
            return None
        return self._say(book, "sum" if exact else "sum_about", expression=shown, result=number)


def _expression(book: Phrasebook, text: str) -> str | None:
    """The sum that ``text`` asks for, when it asks for nothing else."""
    if len(text) > _LONGEST_SUM or _LOOKS_LIKE_DATE.fullmatch(text):
        return None
    for words, number in sorted(book.sums.numbers.items(), key=lambda item: -len(item[0])):
        text = re.sub(rf"\b{words}\b", str(number), text)
    text = _HAN_NUMBER.sub(_han_number, text)
    text = text.replace("×", "*").replace("÷", "/").replace("^", "**").replace("−", "-")
    for pattern, sign in book.sums.operators:
        text = pattern.sub(sign, text)
    for pattern in book.sums.frame:
        text = pattern.sub(" ", text)
    text = re.sub(r"(?<=\d)[,_](?=\d{3}\b)", "", text)
    text = re.sub(r"(\d+(?:\.\d+)?)\s*%", r"(\1/100)", text)
    text = re.sub(r"\b0+(?=\d)", "", text).strip()
    if not _SUM.fullmatch(text) or not (_TWO_NUMBERS.search(text) or "**" in text):
        return None
    return re.sub(r"\s+", "", text) if not re.search(r"\d\s+\d", text) else None


def _han_number(match: re.Match[str]) -> str:
    """Chinese and Japanese numerals below one thousand; others stay as they are."""
    total = digit = 0
    for character in match[0]:
        if character in _HAN_DIGITS:
            digit = _HAN_DIGITS[character]
        else:
            total += (digit or 1) * (100 if character == "百" else 10)
            digit = 0
    return str(total + digit)
