"""Facts out of lines: proposed and verified by a model, or found by rule where there is none.

What only the companion said is never taken for a truth about the user or anybody else, whatever a model proposes: the
words of the value have to stand in a sentence of the user's that is no question, or the user has to say yes to hers.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from neko.characters import placeholders
from neko.memory import fact_rules
from neko.memory.facts import NewFact
from neko.memory.model_answers import json_list
from neko.memory.words import plain, terms, weighted_terms
from neko.types.lines import UNKNOWN_TIME, Line
from neko.types.memory import CHARACTER, USER, Fact, Summarise

T = TypeVar("T")

logger = logging.getLogger(__name__)

BATCH: Final = 40
"""Lines that are looked at in one go."""
BATCH_BY_RULE: Final = 400
"""A tenth of a second, of a thread that is not the loop's."""
_ATTEMPTS: Final = 2
_TELLING: Final = 0.8
"""Weight of a word (``words.weighted_terms``) that two texts do not share by chance."""
_OF_USER: Final = re.compile(r"\buser\b", re.I)
_YES: Final = re.compile(
    r"\W*(?:yes|yeah|yep|yup|right|exactly|correct|true|indeed|that'?s (?:right|it|true)|对|對|是的|是啊|嗯|没错|沒錯|"
    r"はい|うん|ええ|そう|その通り|네|응|예|맞아|그래)(?![a-z])"
)
_ENDED: Final = " | ended"
_LONGEST_VALUE: Final = 200
_LONGEST_NAME: Final = 40
_LONGEST_LINE: Final = 1_000
_SPEAKERS: Final = {"user": USER, "assistant": CHARACTER}
CALLED_USER: Final = frozenset({"user", "human", "me", "master", "用户", "用戶", "使用者", "ユーザー", "사용자"})
"""Names, in small letters, of a speaker who is the user, whoever that is."""
_AWAY: Final = {
    name: days
    for days, names in enumerate(
        ("today 今天 今日 오늘 heute", "tomorrow 明天 明日 내일 morgen", "后天 後天 明後日 あさって 모레 übermorgen")
    )
    for name in names.split()
}
_DAY_OF_YEAR: Final = {
    "en": "{day} {name}",
    "de": "{day}.{month}.",
    "zh": "{month}月{day}日",
    "ja": "{month}月{day}日",
    "ko": "{month}월 {day}일",
}
_OF_HERSELF: Final = frozenset(("promise",))
"""What the rules take of her own words, for true of herself."""


def by_rule(lines: Sequence[Line], language: str, master: str = "") -> list[NewFact]:
    """What the user, whose name is ``master``, and other people who speak state of themselves in plain words, and what
    she promises, but for what may be said by others in her words."""
    return [
        NewFact(subject, attribute, _on_its_day(attribute, value, sentence, line.at), line.at, (line.id,), has_ended)
        for line in lines
        if line.role in _SPEAKERS and not line.outside
        for sentence in fact_rules.sentences(line.text)
        for attribute, value, has_ended in fact_rules.facts(sentence, language)
        if (subject := _label(line, master)) != CHARACTER or attribute in _OF_HERSELF
    ]


def _on_its_day(attribute: str, value: str, sentence: str, said: datetime) -> str:
    """A birthday that was said to be "today" or "tomorrow", by its month and day; any other value as it is."""
    away = _AWAY.get(value.casefold()) if attribute == "birthday" else None
    if away is None or said == UNKNOWN_TIME:
        return value
    day = said.date() + timedelta(days=away)
    form = _DAY_OF_YEAR.get(fact_rules.language_of(sentence, "en"), "{month}-{day}")
    return form.format(day=day.day, month=day.month, name=f"{day:%B}")


async def by_model(
    lines: Sequence[Line],
    known: Sequence[Fact],
    instructions: Mapping[str, str],
    ask: Summarise,
    master: str = "",
) -> list[NewFact] | None:
    """What the model proposes and, asked again, confirms; None when its answers cannot be read. Words from outside are
    no source. The user's name is ``master``.

    Raises ``NekoError`` when it gives none.
    """
    lines = [line for line in lines if not line.outside]
    labels = {line.id: _label(line, master) for line in lines}
    text = "\n".join(
        f"{line.id} | {line.at:%Y-%m-%d} | {labels[line.id]} | {line.text[:_LONGEST_LINE]}" for line in lines
    )
    by_id = {line.id: line for line in lines}
    others = {number for number, label in labels.items() if label not in (USER, CHARACTER)}
    proposed = await _answer(
        ask, instructions["propose"].format(text=text), lambda items: [_proposal(item, by_id, others) for item in items]
    )
    if proposed is None:
        return None
    candidates = [fact for fact in proposed if fact is not None]
    if not candidates:
        return []
    listed = "\n".join(
        f"{at} | {fact.subject} | {fact.attribute} | {fact.value}{_ENDED if fact.has_ended else ''}"
        for at, fact in enumerate(candidates)
    )
    before = "\n".join(f"{fact.subject} | {fact.attribute} | {fact.value}" for fact in known) or "-"
    confirmed = await _answer(ask, instructions["verify"].format(text=text, known=before, proposed=listed), _numbers)
    return None if confirmed is None else [fact for at, fact in enumerate(candidates) if at in confirmed]


async def _answer(ask: Summarise, prompt: str, read: Callable[[list[Any]], T]) -> T | None:
    """What can be read of the JSON list that the model is asked for, at the second try if need be."""
    for _ in range(_ATTEMPTS):
        if (items := json_list(await ask(prompt))) is not None:
            return read(items)
    logger.info("facts were not learnt: the model's answer cannot be read")
    return None


def _label(line: Line, master: str) -> str:
    """Who speaks: the user, the character, or somebody else, by name."""
    name = " ".join(line.speaker.split())
    is_user = not name or name == master or name.lower() in CALLED_USER or name in placeholders()
    return name[:_LONGEST_NAME] if line.role == "user" and not is_user else _SPEAKERS.get(line.role, name)


def _proposal(item: Any, lines: Mapping[int, Line], others: Set[int]) -> NewFact | None:
    """One item of the answer, None when it does not fit the schema or does not rest on what others than she said.
    ``others`` are the lines of people who are not the user: nothing about the user rests on them alone."""
    if not isinstance(item, dict):
        return None
    texts = [item.get(name) for name in ("subject", "attribute", "value")]
    subject, attribute, value = (" ".join(one.split()) if isinstance(one, str) else "" for one in texts)
    subject = subject.lower() if subject.lower() in (USER, CHARACTER) else subject
    given = item.get("lines")
    sources = sorted(_numbers(given) & lines.keys()) if isinstance(given, list) else []
    fits = (
        0 < len(subject) <= _LONGEST_NAME and 0 < len(attribute) <= _LONGEST_NAME and 0 < len(value) <= _LONGEST_VALUE
    )
    if not fits or not sources:
        return None
    of_herself = subject == CHARACTER and not _OF_USER.search(f"{attribute} {value}")
    if not of_herself and not _is_stated(value, sources, lines, others if subject == USER else ()):
        return None
    said = lines[sources[0]].at
    if item.get("ended") is True:
        return NewFact(subject, attribute.lower(), value, said, tuple(sources), has_ended=True)
    return NewFact(subject, attribute.lower(), value, min(_since(item.get("since")) or said, said), tuple(sources))


def _is_stated(value: str, sources: Sequence[int], lines: Mapping[int, Line], without: Collection[int]) -> bool:
    """Does somebody say this in one of the lines, or yes to hers right before it? Not in those ``without``."""
    wanted = {term for term, weight in weighted_terms(value).items() if weight >= _TELLING}
    order = list(lines)
    for number in sources:
        line = lines[number]
        if line.role != "user" or number in without:
            continue
        said = "\n".join(one for one in fact_rules.sentences(line.text) if not fact_rules.is_question(one))
        if wanted.intersection(terms(said)) or plain(value) in plain(said):
            return True
        before = order[order.index(number) - 1] if order.index(number) else None
        if before in sources and _YES.match(plain(line.text)):
            return True
    return False


def _since(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None) if isinstance(value, str) else None
    except ValueError:
        return None


def _numbers(items: list[Any]) -> set[int]:
    return {one for one in items if isinstance(one, int) and not isinstance(one, bool)}
