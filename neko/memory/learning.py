"""Facts out of lines: proposed and verified by a model, or found by rule where there is none.

What only the companion said is never taken for a truth about the user or anybody else: somebody else has to have said
it, unless it is about herself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from neko.memory import fact_rules
from neko.memory.facts import NewFact
from neko.memory.model_answers import json_list
from neko.types.lines import Line
from neko.types.memory import CHARACTER, USER, Fact, Summarise

T = TypeVar("T")

logger = logging.getLogger(__name__)

BATCH: Final = 40
"""Lines that are looked at in one go."""
_ATTEMPTS: Final = 2
_LONGEST_VALUE: Final = 200
_LONGEST_NAME: Final = 40
_LONGEST_LINE: Final = 1_000
_SPEAKERS: Final = {"user": USER, "assistant": CHARACTER}
_OF_HERSELF: Final = frozenset(("promise",))
"""What the rules take of her own words, for true of herself."""


def by_rule(lines: Sequence[Line], language: str) -> list[NewFact]:
    """What the user states of themselves in plain words, and what either of them promises."""
    return [
        NewFact(subject, attribute, value, line.at, (line.id,))
        for line in lines
        if (subject := _SPEAKERS.get(line.role))
        for sentence in fact_rules.sentences(line.text)
        for attribute, value in fact_rules.stated(sentence, language)
        if subject == USER or attribute in _OF_HERSELF
    ]


async def by_model(
    lines: Sequence[Line], known: Sequence[Fact], instructions: Mapping[str, str], ask: Summarise
) -> list[NewFact] | None:
    """What the model proposes and, asked again, confirms; None when its answers cannot be read.

    Raises ``NekoError`` when it gives none.
    """
    text = "\n".join(f"{line.id} | {line.at:%Y-%m-%d} | {_label(line)} | {line.text[:_LONGEST_LINE]}" for line in lines)
    by_id = {line.id: line for line in lines}
    proposed = await _answer(
        ask, instructions["propose"].format(text=text), lambda items: [_proposal(item, by_id) for item in items]
    )
    if proposed is None:
        return None
    candidates = [fact for fact in proposed if fact is not None]
    if not candidates:
        return []
    listed = "\n".join(f"{at} | {fact.subject} | {fact.attribute} | {fact.value}" for at, fact in enumerate(candidates))
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


def _label(line: Line) -> str:
    return _SPEAKERS.get(line.role, line.speaker)


def _proposal(item: Any, lines: Mapping[int, Line]) -> NewFact | None:
    """One item of the answer, None when it does not fit the schema or does not rest on what others than she said."""
    if not isinstance(item, dict):
        return None
    texts = [item.get(name) for name in ("subject", "attribute", "value")]
    subject, attribute, value = (" ".join(one.split()) if isinstance(one, str) else "" for one in texts)
    given = item.get("lines")
    sources = sorted({one for one in given if isinstance(one, int) and one in lines}) if isinstance(given, list) else []
    fits = (
        0 < len(subject) <= _LONGEST_NAME and 0 < len(attribute) <= _LONGEST_NAME and 0 < len(value) <= _LONGEST_VALUE
    )
    if not fits or not sources:
        return None
    if subject != CHARACTER and not any(lines[one].role == "user" for one in sources):
        return None
    said = lines[sources[0]].at
    return NewFact(subject, attribute.lower(), value, min(_since(item.get("since")) or said, said), tuple(sources))


def _since(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None) if isinstance(value, str) else None
    except ValueError:
        return None


def _numbers(items: list[Any]) -> set[int]:
    return {one for one in items if isinstance(one, int) and not isinstance(one, bool)}
