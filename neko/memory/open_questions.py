"""Questions in a log that got no answer, found by rule. Every call blocks.

A question counts that ends a line and says what it is about. One of the user's is open when no reply follows; one of
hers when what follows is of another session, or was said hours later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

from neko.memory import fact_rules, schema
from neko.memory.line_codec import Names, logged_lines
from neko.memory.words import weighted_terms
from neko.types.lines import Line

_LOOKED_AT: Final = 300
"""Lines, the newest, in which questions are looked for."""
_TELLING: Final = 2.0
"""Weight of the words of a question below which it is small talk ("How are you?")."""
_AT_ONCE: Final = timedelta(hours=6)


def open_questions(connection: sqlite3.Connection, names: Names) -> list[Line]:
    """The lines of the newest that end with a question which is still open, oldest first, each with that question for
    its text; the last line is none."""
    rows = connection.execute(schema.BEFORE, (2**63 - 1, _LOOKED_AT)).fetchall()[::-1]
    return unanswered([logged.line for logged in logged_lines(rows, names)])


def unanswered(lines: Sequence[Line]) -> list[Line]:
    """The same of these lines, oldest first."""
    said = [line for line in lines if line.role != "system"]
    still = [replace(line, text=question_of(line)) for line, after in pairwise(said) if _is_open(line, after)]
    return [line for line in still if line.text]


def question_of(line: Line) -> str:
    """The question that ends a line, "" when none does, or one that says nothing of what it is about."""
    last = (fact_rules.sentences(line.text) or [""])[-1]
    telling = fact_rules.is_question(last) and sum(weighted_terms(last).values()) >= _TELLING
    return last if telling else ""


def _is_open(line: Line, after: Line) -> bool:
    if line.role == "user":
        return after.role == "user"
    return after.role == "user" and (after.session_id != line.session_id or after.at - line.at > _AT_ONCE)
