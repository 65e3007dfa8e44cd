"""Which of the lines that leave the recent window stay in it as they were said, beside the memo of the others.

The model of the role ``router`` says so, within bounds; where its answer cannot be used, what states facts, plans and
promises in plain words stays. Where no model has that role nothing does: the window is a memo and nine entries.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from neko.errors import NekoError
from neko.memory import fact_rules, memo
from neko.memory.line_codec import Names
from neko.memory.model_answers import json_list
from neko.tasks import in_thread
from neko.types.memory import RecentEntry, Summarise

logger = logging.getLogger(__name__)

MOST: Final = 4
"""How many lines stay."""
MOST_CHARACTERS: Final = 400
"""Of these lines in all, so that they and the memo are no longer than two memos."""
_MOST_ASKED: Final = 60
"""Lines that a model is asked of, the newest; a longer talk is folded in time."""
_PROMISE: Final = re.compile(
    r"\bI(?:'ll| will| promise)\b|我(?:会|會|答应|答應|保证|保證)|約束(?:する|します|だよ)|약속|[할갈줄볼올둘]게", re.I
)


async def kept(lines: Sequence[RecentEntry], names: Names, language: str, route: Summarise) -> list[int]:
    """The places in ``lines`` of those that stay, in order; at least one line never does."""
    wanted = await _by_model(lines, names, language, route)
    if wanted is None:
        wanted = await in_thread(_by_rule, lines, language)
    return sorted(_within_bounds(wanted, lines))


async def _by_model(lines: Sequence[RecentEntry], names: Names, language: str, route: Summarise) -> list[int] | None:
    """What the model names, the most important first; None when it gives no answer that can be used."""
    first = max(0, len(lines) - _MOST_ASKED)
    asked = [(at, line) for at, line in enumerate(lines) if at >= first and len(line.text) <= MOST_CHARACTERS]
    if not asked:
        return []
    text = "\n".join(f"{at} {names[line.role]} | {' '.join(line.text.split())}" for at, line in asked)
    instruction = (await in_thread(memo.instructions, language))["route"]
    try:
        answer = json_list(await route(instruction.format(most=MOST, text=text)))
    except NekoError as error:
        logger.warning("which lines to keep was not answered: %s", error.code)
        return None
    if answer is None:
        return None
    known = {at for at, _ in asked}
    numbers = [number for item in answer if (number := _number(item)) in known]
    return None if answer and not numbers else numbers


def _by_rule(lines: Sequence[RecentEntry], language: str) -> list[int]:
    """What the user states of themselves, then what either promises, the newest first."""
    newest_first = range(len(lines) - 1, -1, -1)
    facts = [at for at in newest_first if _states_a_fact(lines[at], language)]
    return facts + [at for at in newest_first if _promises(lines[at])]


def _states_a_fact(line: RecentEntry, language: str) -> bool:
    said = fact_rules.sentences(line.text) if line.role == "user" else []
    return any(fact_rules.stated(sentence, language) for sentence in said)


def _promises(line: RecentEntry) -> bool:
    said = fact_rules.sentences(line.text)
    return any(_PROMISE.search(sentence) and not fact_rules.is_question(sentence) for sentence in said)


def _within_bounds(wanted: Iterable[int], lines: Sequence[RecentEntry]) -> list[int]:
    found: list[int] = []
    left = MOST_CHARACTERS
    for at in dict.fromkeys(wanted):
        if len(found) < min(MOST, len(lines) - 1) and len(lines[at].text) <= left:
            left -= len(lines[at].text)
            found.append(at)
    return found


def _number(item: Any) -> int | None:
    """A number as it is, as text, or in an object beside other things."""
    if isinstance(item, dict):
        item = item.get("n", next(iter(item.values()), None))
    if isinstance(item, str) and item.strip().isdecimal() and len(item) < 9:
        return int(item)
    return item if isinstance(item, int) and not isinstance(item, bool) else None
