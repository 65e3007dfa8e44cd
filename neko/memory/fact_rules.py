"""Facts that people state of themselves in plain words, found without a model.

One sentence at a time, by the patterns of its language (``assets/facts``). It misses what is said in passing, and takes
nothing from a question, a wish, a plan or what others say. A clause without a subject goes on with the last one. No
library does this offline for the five languages: those for relations bring models of hundreds of megabytes, for English
only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from neko.language import guess
from neko.late_patterns import late_pattern
from neko.settings import ASSETS

_Patterns = Mapping[str, Sequence[re.Pattern[str]]]

_LONGEST_TEXT: Final = 4_000
_LONGEST_SENTENCE: Final = 300


def _behind(abbreviations: str) -> str:
    return "(?:" + "|".join(rf"(?<=\b{one})" for one in abbreviations.split()) + ")"


_TITLE: Final = _behind("Mr Mrs Ms Dr Prof St Hr Fr Mt Sra bzw")
_WITHIN: Final = _behind("Inc Ltd Co Corp Jr Sr etc usw No Nr Str ca vs approx")
_SENTENCE: Final = late_pattern(
    r"(?:[^.!?。！？\n]|(?<=\d)\.(?= ?(?:Jan|Feb|März|Apr|Mai|Juni|Juli|Aug|Sep|Okt|Nov|Dez))|\.(?=[a-z\d])"
    rf"|{_TITLE}\.(?= ?[A-ZÄÖÜ\d])|{_WITHIN}\.(?=,| [a-zäöü\d])"
    r"|(?:(?<=\b(?<![iI] )am \d)|(?<=\b(?<![iI] )am \d\d)|(?<=\b(?:vom|zum|bis) \d)|(?<=\b(?:vom|zum|bis) \d\d))"
    r"\.(?= [a-zäöü])|(?:(?<=\be\.g)|(?<=\bi\.e)|(?<=\b[zZ]\.B)|(?<=\b[zZ]\. B)|(?<=\b[dD]\.h)|(?<=\b[uU]\.a))\."
    r"|(?<=\.[a-zA-Z])\.(?=,| [a-z\d])|(?<=\b[B-HJ-Zb-hj-z])(?<!\.[a-zA-Z])\.(?= ?(?!I\b)[A-ZÄÖÜ])"
    r"|(?:(?<=こんにちは)|(?<=こんばんは)|(?<=はじめまして)|(?<=初めまして)|(?<=[你您家]好)|(?<=안녕하세요)|(?<=안녕)"
    r"|(?<=\b[Hh]i)|(?<=\b[Hh]ello)|(?<=\b[Hh]ey))[!！。]"
    r"|[.!！。](?= ?(?i:(?:she|he|it|they)(?:['’]s|['’]re| is| are) (?:called|named)\b|(?:her|his|its) name\b"
    r"|(?:sie|er|es) heißt\b)|(?:它|牠|她|他)?(?:名字)?叫(?!我|做|人|醒|车|車|外|我们)))+[.!?。！？]*"
)
"""A point within "3.5", "am 3. Juni", "am 5. für", "at 5 p.m. on", "Acme Inc. in" and "J. Klein" ends none, nor does a
mark behind a greeting: whose it is comes then; nor one before the name of what was told of: "We got a cat! She's called
Biscuit."."""
_GERMAN: Final = late_pattern(
    r"\b(?:ich|mich|mir|wir|mein(?:e[mnrs]?)?|unser(?:e[mnrs]?)?|und|ist|nicht|eine[mnr]?|gibt|wie|wer|sind|habe|hatte"
    r"|kein(?:e[mnrs]?)?|das|dem|auf|auch|noch|wird|wurde|soll|sollte|kann|darf|dich|dir|oder|aber|wenn|weil|dass|daß"
    r"|nach|beim|zum|zur|vom|guten|welche[mnrs]?|warum|wann|dein(?:e[mnrs]?)?|sehr|schon|doch)\b",
    re.IGNORECASE,
)
"""What tells German from English, for which no other part of Neko has to."""
_QUESTION: Final = ("?", "？", "吗", "嗎", "呢", "ですか", "ますか", "ましたか", "でしたか", "ませんか", "습니까")
_AHEAD: Final = ("plan", "promise", "family")
"""What need not be so yet, or is told in the words of its clause."""
_PROMISED: Final = ("plan", "promise")
_LASTING: Final = ("home", "job", "diet", "family")
"""What is none for a time: a stay, a job for the summer, where somebody is until Thursday."""
_IN_ITS_WORDS: Final = ("family", "pet", "plan", "birthday")
"""Of whom these are, and when, stands in the value itself, at its beginning."""
_TASTES: Final = ("likes", "dislikes", "diet")
_SAY_WHOSE: Final = ("family", "plan", "promise", "name", "birthday", "hobby", "origin")
"""Of which the patterns themselves say whose they are."""
_MOST_CLAUSES: Final = 6
_EAST_ASIAN: Final = "\u1100"
"""From here on a letter goes on with no word in Latin ones."""
_MARK: Final = late_pattern(r"[,;，、；]")
_TAIL: Final = late_pattern(
    r"(?:\s+(?:because|but|so|and i|and we|though|now|anymore|as well|too)\b.*|[\s,，、:：\"'）)了啦]+)$", re.I
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the blanks around them."""
    return [found.strip() for found in _SENTENCE.findall(text[:_LONGEST_TEXT]) if found.strip()]


def stated(sentence: str, language: str = "en") -> list[tuple[str, str]]:
    """What the speaker states of themselves: attributes with their values. ``language`` where the signs do not tell."""
    return [(attribute, value) for attribute, value, has_ended in facts(sentence, language) if not has_ended]


def facts(sentence: str, language: str = "en") -> list[tuple[str, str, bool]]:
    """The same with what they state to be so no longer, which is true of the last value."""
    if len(sentence) > _LONGEST_SENTENCE or is_question(sentence):
        return []
    found: list[tuple[str, str, bool]] = []
    rules = _rules(language_of(sentence, language))
    sentence = _in_full(rules.corrected.split(sentence)[-1], rules)
    now, before = rules.now, rules.before
    is_meant, is_passing = not rules.unmeant.search(sentence), bool(rules.passing.search(sentence))
    for attribute in dict.fromkeys((*now, *before)):
        if (is_passing and attribute in _LASTING) or not (is_meant or attribute in _PROMISED):
            continue
        patterns = before.get(attribute, ())
        first = (next(_values(pattern, sentence, rules, attribute, is_past=True), None) for pattern in patterns)
        past = [one for one in first if one]
        matches = (
            match for pattern in now.get(attribute, ()) for match in _values(pattern, sentence, rules, attribute)
        )
        told = (one for one in matches if one[0] and not _is_of_today(one, sentence, rules, attribute))
        present = next((one for one in told if not any(_overlap(one, other) for other in past)), None)
        stated = [(attribute, present[0], False)] if present else []
        found += [*stated, *((attribute, one[0], True) for one in past[:1] if one[0])]
    return list(dict.fromkeys(found))


_Value = tuple[str, int, int]
"""What was stated, and where it begins and ends."""


def _in_full(sentence: str, rules: _Rules) -> str:
    """With the subject that further clauses leave out: "I am 34 and live in Lyon" as "I am 34 and i live in Lyon"."""
    for _ in range(_MOST_CLAUSES):
        places = (match.end() for match in rules.elided.finditer(sentence))
        place = next((place for place in places if _is_own(sentence, place, rules, is_real=True)), None)
        if place is None:
            break
        sentence = sentence[:place] + rules.says + sentence[place:]
    return sentence


def _values(
    pattern: re.Pattern[str], sentence: str, rules: _Rules, attribute: str, *, is_past: bool = False
) -> Iterator[_Value]:
    """The values of each match that is of the speaker and is so; the next one is looked for where a value ends. What
    "not" there is in a pattern of what is past is its own."""
    is_real = attribute not in _AHEAD
    match = pattern.search(sentence)
    while match:
        value = _value(match, rules, is_whole=attribute in _IN_ITS_WORDS)
        is_told = not is_real or not rules.unsaid.match(sentence, match.end())
        is_own = _is_own(sentence, value[1], rules, is_real=is_real and not is_past)
        is_own = is_own and (attribute in _SAY_WHOSE or not _has_topic(sentence, value[1], rules))
        if is_told and is_own and (not is_past or _is_own(sentence, match.start(), rules, is_real=is_real)):
            yield value
        match = pattern.search(sentence, max(value[2], match.start() + 1))


def _is_own(sentence: str, at: int, rules: _Rules, *, is_real: bool) -> bool:
    """Whether the words at a place are about who speaks, and, if it ``is_real`` that counts, tell what is so."""
    subjects = list(rules.subject.finditer(sentence, 0, at))
    unreal = list(rules.unreal.finditer(sentence, 0, at)) if is_real else []
    if subjects and subjects[-1]["other"]:
        return False
    return not unreal or bool(subjects and subjects[-1].start() >= unreal[-1].end())


def _has_topic(sentence: str, at: int, rules: _Rules) -> bool:
    """Whether the clause at a place is about somebody or something by name, and not about who speaks."""
    return bool(rules.topic.search(sentence, 0, at))


def _value(match: re.Match[str], rules: _Rules, *, is_whole: bool) -> _Value:
    value, sentence, end = match["value"], match.string, match.end("value")
    begins = rules.border.search(sentence, match.start("value") + 1)
    if begins and begins.start() < end:
        value = sentence[match.start("value") : begins.start()]
    elif end < len(sentence) and value[-1:].isascii() and sentence[end].isalnum() and sentence[end] < _EAST_ASIAN:
        value = value.rpartition(" ")[0]  # the pattern takes no more: the last word is cut
    value = _TAIL.sub("", value.strip(" .。,，、!！")).strip()
    begin = match.start("value")
    end = begin + len(value)
    if not is_whole and (lead := rules.lead.match(value)):
        begin, value = begin + lead.end(), value[lead.end() :]
    return "" if rules.no_value.match(value) else value, begin, end


def _is_of_today(value: _Value, sentence: str, rules: _Rules, attribute: str) -> bool:
    """Whether it is only what the family does, or what somebody likes or eats or not, today."""
    if attribute == "family":
        return bool(rules.news.search(value[0]))
    if attribute not in _TASTES:
        return False
    begins = max((end.end() for by in (_MARK, rules.border) for end in by.finditer(sentence, 0, value[1])), default=0)
    return bool(rules.today.search(sentence, begins, value[2]))


def _overlap(one: _Value, other: _Value) -> bool:
    return one[1] < other[2] and other[1] < one[2]


def language_of(sentence: str, fallback: str) -> str:
    """Which language's patterns are for a text: "en", "zh", "ja", "ko" or "de"."""
    found = guess(sentence, fallback).partition("-")[0]
    return "de" if found == "en" and _GERMAN.search(sentence) else found


def is_question(sentence: str) -> bool:
    """As far as its end tells."""
    return sentence.rstrip("。.!！ ").endswith(_QUESTION)


@dataclass(frozen=True, slots=True)
class _Rules:
    """``now`` and ``before``: by attribute, what is so and what is so no longer. ``subject``: whom the words behind it
    are about, ``other`` when that is not who speaks. ``topic``: the same of any noun marked as what its clause is
    about. ``unreal``: what is behind it is a wish, a plan, a condition, not so, until the subject is named again.
    ``unsaid``: the same of what is before it. ``elided``: up to where a clause goes on without its subject, which is
    put in as ``says``. ``border``: where another clause begins, which ends a value. ``lead``: what stands before a
    value and is none of it. ``no_value``: what is none, as it asks or points. ``unmeant``: the sentence is of a joke,
    a dream, a story, or quotes. ``passing``: it is of what is so for a time. ``news``: what the family does today is
    none of the facts about them. ``today``: nor is what somebody likes or eats or not on one day. ``corrected``: what
    is before it was said wrongly."""

    now: _Patterns
    before: _Patterns
    subject: re.Pattern[str]
    topic: re.Pattern[str]
    unreal: re.Pattern[str]
    unsaid: re.Pattern[str]
    elided: re.Pattern[str]
    says: str
    border: re.Pattern[str]
    lead: re.Pattern[str]
    no_value: re.Pattern[str]
    unmeant: re.Pattern[str]
    passing: re.Pattern[str]
    news: re.Pattern[str]
    today: re.Pattern[str]
    corrected: re.Pattern[str]


@cache
def _rules(language: str) -> _Rules:
    """Reads a file once a language (off the loop's thread)."""
    loaded: dict[str, Any] = json.loads((ASSETS / "facts" / f"{language}.json").read_text(encoding="utf-8"))
    says = str(loaded.pop("says"))
    subject, topic, unreal, unsaid, elided, border, lead, no_value, unmeant, passing, news, today, corrected = (
        re.compile(loaded.pop(name), re.IGNORECASE)
        for name in (
            *("subject", "topic", "unreal", "unsaid", "elided", "border", "lead", "no value"),
            *("unmeant", "passing", "news", "today", "corrected"),
        )
    )
    before = loaded.pop("no longer")
    now, past = (
        {name: [re.compile(one, re.IGNORECASE) for one in patterns] for name, patterns in of.items()}
        for of in (loaded, before)
    )
    return _Rules(
        now,
        past,
        subject,
        topic,
        unreal,
        unsaid,
        elided,
        says,
        border,
        lead,
        no_value,
        unmeant,
        passing,
        news,
        today,
        corrected,
    )
