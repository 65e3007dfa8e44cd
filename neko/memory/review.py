"""Tidying the recent window with a model that may leave entries out and reword, never add."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import datetime

from neko.memory.line_codec import Message, Names, parse, time_prefix
from neko.memory.memo import LIMIT, memo_text
from neko.memory.model_answers import json_list
from neko.memory.telling_words import is_lost
from neko.memory.words import terms, weighted_terms
from neko.types.lines import Role
from neko.types.memory import RecentEntry

_LONGEST_GROWTH = 1.2
_SMALLEST_REST = 0.3
_TELLING = 0.8
"""Weight of a word (``words.weighted_terms``) that two entries do not share by chance."""


def numbered(entries: Sequence[RecentEntry], names: Names) -> str:
    """The entries as a model reads them: ``0 speaker | text``."""
    return "\n".join(f"{number} {names[entry.role]} | {entry.text}" for number, entry in enumerate(entries))


def corrections(reply: str, entries: Sequence[RecentEntry]) -> dict[int, str] | None:
    """Which entries stay, with what text; None when the answer is not acceptable.

    Acceptable: known numbers in rising order, no empty text, the memo and the newest entry
    still there, not much longer and not a mere rest of what it was, neither is the memo, which has not lost what it
    said. What the user said may be left out, and keeps its words; so does what would gain words of another entry,
    which stays too then.
    """
    answers = [(number, _own_words(number, text, entries)) for number, text in _numbered_texts(reply)]
    if not answers:
        return None
    answers = _unmoved(answers, entries)
    numbers = [number for number, _ in answers]
    required = {number for number, entry in enumerate(entries) if entry.role == "system"} | {len(entries) - 1}
    before = sum(len(entry.text) for entry in entries)
    after = sum(len(text) for _, text in answers)
    acceptable = (
        numbers == sorted(set(numbers))
        and numbers[0] >= 0
        and numbers[-1] < len(entries)
        and required <= set(numbers)
        and all(text for _, text in answers)
        and before * _SMALLEST_REST <= after <= before * _LONGEST_GROWTH
        and all(
            _is_a_memo_of(entries[number].text, text) for number, text in answers if entries[number].role == "system"
        )
    )
    return dict(answers) if acceptable else None


def _own_words(number: int, text: str, entries: Sequence[RecentEntry]) -> str:
    is_users = 0 <= number < len(entries) and entries[number].role == "user"
    return entries[number].text if is_users else text


def _unmoved(answers: Sequence[tuple[int, str]], entries: Sequence[RecentEntry]) -> list[tuple[int, str]]:
    """The same without what would put words of one entry into the mouth of another, which is none of the memo's."""
    held = [set(terms(entry.text)) for entry in entries]
    texts = dict(answers)
    if list(texts) != sorted(texts) or len(texts) < len(answers) or not texts.keys() <= set(range(len(entries))):
        return list(answers)  # not acceptable
    for number, text in answers:
        if entries[number].role == "system":
            continue
        gained = {term for term, weight in weighted_terms(text).items() if weight >= _TELLING} - held[number]
        if sources := [at for at, words in enumerate(held) if gained & words]:
            texts |= {at: entries[at].text for at in (number, *(one for one in sources if one not in texts))}
    return sorted(texts.items())


def _is_a_memo_of(before: str, after: str) -> bool:
    is_of_its_size = len(before) * _SMALLEST_REST <= len(after) <= max(LIMIT, len(before))
    return is_of_its_size and not is_lost(before, after)


def rewritten(entry: Message, text: str, language: str) -> Message:
    """The same entry with another text; its time and all other keys stay."""
    parsed = parse(entry)
    if parsed is None or parsed.text == text:
        return entry
    content: str | list[dict[str, str]] = [{"type": "text", "text": _prefix(parsed.role, parsed.at) + text}]
    if parsed.role == "system":
        content = memo_text(text, language)
    changed = copy.deepcopy(entry)
    changed["data"]["content"] = content
    return changed


def _prefix(role: Role, at: datetime | None) -> str:
    return time_prefix(at) if role == "assistant" and at else ""


def _numbered_texts(reply: str) -> list[tuple[int, str]]:
    result = []
    for item in json_list(reply) or []:
        number, text = (item.get("n"), item.get("text")) if isinstance(item, dict) else (None, None)
        if not isinstance(number, int) or not isinstance(text, str):
            return []
        result.append((number, text.strip()))
    return result
