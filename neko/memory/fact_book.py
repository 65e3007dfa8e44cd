"""What one character knows of people, looked through and changed by hand.

Every change can be undone for half a minute, from memory only; that it was made is kept without its words
(``changes``). Other words stand in the place of the old ones, which are gone from the files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from neko.i18n import attribute_name
from neko.language import LANGUAGES
from neko.memory import changes, deletion, facts
from neko.memory.asked import attributes_of, is_by_user
from neko.memory.facts import HAND, Earlier, NewFact
from neko.memory.undo import Undo
from neko.memory.words import plain, terms, weighted_terms
from neko.memory_errors import forgetting, saving
from neko.tasks import in_thread
from neko.types.memory import CHARACTER, USER, ChangeKind, Fact

if TYPE_CHECKING:
    from neko.memory.log import Log

_LONGEST_QUESTION: Final = 2_000
_TELLING: Final = 0.8
"""Weight of a word (``weighted_terms``) that two texts do not share by chance."""
_REPLACE: Final = (
    "UPDATE neko_facts SET subject = ?, attribute = ?, value = ?, valid_from = ?, valid_to = ? WHERE id = ?"
)


def _words(fact: Fact) -> str:
    """What a fact is found by: whom it is about, its value, and its attribute in every language."""
    names = {attribute_name(fact.attribute, language) for language in LANGUAGES}
    return " ".join((fact.subject, fact.value, fact.attribute, *sorted(names)))


@lru_cache(maxsize=10_000)
def _terms_of(text: str) -> frozenset[str]:
    return frozenset(terms(text))


def _about(known: Sequence[Fact], question: str, limit: int) -> list[Fact]:
    wanted, asked = weighted_terms(question), attributes_of(question)
    scores = {fact.id: _shared(fact, wanted) for fact in known}
    by_user = is_by_user(plain(question), None)
    subject = "" if by_user is None else USER if by_user else CHARACTER
    found = [
        fact
        for fact in reversed(known)
        if scores[fact.id] >= _TELLING or (fact.attribute in asked and fact.subject == subject)
    ]

    def answers(fact: Fact) -> tuple[bool, float, bool]:
        return fact.attribute in asked, scores[fact.id], fact.valid_to is None

    return sorted(found, key=answers, reverse=True)[:limit]


def _shared(fact: Fact, wanted: Mapping[str, float]) -> float:
    return sum(wanted.get(term, 0.0) for term in _terms_of(_words(fact)))


@dataclass(frozen=True, slots=True)
class Changed:
    """``change`` is for ``FactBook.undo``; ``fact`` as it is now, None when it is forgotten."""

    change: int
    fact: Fact | None


class FactBook:
    """Every method raises ``MemoryStoreError``; those that name a fact answer None when it is not there."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._undo: Undo[int, Earlier] = Undo()

    async def facts(self, at: datetime | None = None) -> list[Fact]:
        """``Facts.facts``."""
        return await self._log.facts(at)

    async def history(self) -> list[Fact]:
        """All facts with what they were before, the newest last."""
        return await self._log.recall(lambda connection, _: facts.every(connection))

    async def find(self, words: str) -> list[Fact]:
        """Facts, also of before, whose subject, attribute in any language, or value hold each of these words."""
        wanted, known = plain(words).split(), await self.history()
        return await in_thread(lambda: [fact for fact in known if all(word in plain(_words(fact)) for word in wanted)])

    async def about(self, question: str, limit: int) -> list[Fact]:
        """Facts, also of before, that have words with a question in common, or that it asks for of the user or of the
        character: those of the attribute that it asks for first, then those with the most telling words, then what
        holds before what did."""
        known = await self.history()
        return await in_thread(_about, known, question[:_LONGEST_QUESTION], limit)

    async def add(self, subject: str, attribute: str, value: str, since: datetime) -> Changed:
        """Keep what the user says by hand, or that what is known already has been said by hand, too."""
        fact = NewFact(subject, attribute, value, since, (HAND,))

        def work(connection: sqlite3.Connection) -> tuple[Earlier, int]:
            before = facts.earlier(connection, facts.rivals(connection, subject, attribute))
            row, is_new = facts.keep(connection, fact, datetime.now())
            return Earlier(before.rows, before.sources, (row,) if is_new else ()), row

        changed = await self._change(ChangeKind.FACT_ADDED, work)
        assert changed is not None
        return changed

    async def edit(self, fact: Fact) -> Changed | None:
        """Give a fact the subject, attribute, value and times of ``fact``, which has its id."""
        until = facts.stamp(fact.valid_to) if fact.valid_to else None
        row = (fact.subject, fact.attribute, fact.value, facts.stamp(fact.valid_from), until, fact.id)

        def work(connection: sqlite3.Connection) -> tuple[Earlier, int] | None:
            before = facts.earlier(connection, [fact.id])
            return (before, fact.id) if connection.execute(_REPLACE, row).rowcount else None

        return await self._change(ChangeKind.FACT_EDITED, work, takes_words=True)

    async def pin(self, fact_id: int, *, on: bool) -> Changed | None:
        """From now on nothing that is learnt closes it, or what is learnt counts again."""

        def work(connection: sqlite3.Connection) -> tuple[Earlier, int] | None:
            before = facts.earlier(connection, [fact_id])
            statement = "UPDATE neko_facts SET pinned = ? WHERE id = ?"
            return (before, fact_id) if connection.execute(statement, (on, fact_id)).rowcount else None

        return await self._change(ChangeKind.FACT_PINNED if on else ChangeKind.FACT_UNPINNED, work)

    async def merge(self, into: int, others: Sequence[int]) -> Changed | None:
        """Have one fact stand for several about the same thing: it rests on the lines of all, since the first."""
        others = [one for one in others if one != into]

        def work(connection: sqlite3.Connection) -> tuple[Earlier, int] | None:
            before = facts.earlier(connection, [into, *others])
            there = {row[0] for row in before.rows}
            if into not in there or not there.issuperset(others):
                return None
            for one in others:
                facts.fold(connection, one, into)
            return before, into

        return await self._change(ChangeKind.FACT_MERGED, work, takes_words=True)

    @forgetting()
    async def forget(self, ids: Sequence[int]) -> Changed | None:
        """Delete facts, not what was said; what they had closed is open again."""

        def work(connection: sqlite3.Connection) -> tuple[Earlier, int] | None:
            before = facts.earlier(connection, ids)
            facts.remove(connection, ids)
            return (before, 0) if before.rows else None

        return await self._change(ChangeKind.FACT_FORGOTTEN, work, takes_words=True)

    async def undo(self, change: int) -> bool:
        """Take a change back; false when it is too late."""
        with self._undo.taken(change) as before:
            if before is None:
                return False

            def work(connection: sqlite3.Connection) -> None:
                facts.put_back(connection, before)
                deletion.leave_untidy(connection)
                changes.note(connection, ChangeKind.FACT_RESTORED, 1)

            await self._log.without_traces(work)
        return True

    def clear(self) -> None:
        """Nothing can be undone any more."""
        self._undo.clear()

    async def _change(
        self,
        kind: ChangeKind,
        change: Callable[[sqlite3.Connection], tuple[Earlier, int] | None],
        *,
        takes_words: bool = False,
    ) -> Changed | None:
        def work(connection: sqlite3.Connection) -> tuple[Earlier, Changed] | None:
            changed = change(connection)
            if changed is None:
                return None
            if takes_words:
                deletion.leave_untidy(connection)
            noted = changes.note(connection, kind, 1)
            return changed[0], Changed(noted, facts.one(connection, changed[1]))

        async with saving():
            done = await (self._log.without_traces(work) if takes_words else self._log.transaction(work))
        if done is None:
            return None
        before, changed = done
        self._undo.keep(changed.change, before)
        return changed
