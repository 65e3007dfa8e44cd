"""Whether the user's next words may answer a question for approval. Pure: the conversation tells what happens.

A yes by words is taken only if all of this holds; anything else is an ordinary line and leaves the question open:

* the words are the user's own: typed, or recognised from the microphone and no echo of her voice; they are nothing but
  a yes (``short_answers``);
* exactly one question waits, and it is one for approval: with two of them a yes does not say to which;
* she has asked it in words, to its end, before the user's words began, and neither of them has said anything since; for
  what is typed, our page has shown it instead, long enough to be read, however long her voice takes.
  So a yes to another question of hers, or one that was on its way, approves nothing;
* what may destroy or tell others, or was suggested by words from outside, has been said with its exact arguments, but
  for where in a page something stands and what its title has said. What is too long to be said can be allowed on the
  screen alone.

It approves that one act once, whatever a yes on the page would hold for (``Decision.IN_WORDS``). A no needs less, as it
does no harm: one question that she has asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from neko.types.agent import Act

LONGEST_SAID: Final = 160
"""Characters of arguments that are said; nobody follows more by ear."""
_LONGEST_TITLE: Final = 120
_OF_PAGE: Final = frozenset({"page", "ref"})
_TARGET: Final = "form is sent to"
_RISKY: Final = frozenset({Act.DESTRUCTIVE.value, Act.EXFILTRATING.value})


@dataclass(slots=True, eq=False)
class Question:
    """One that waits. ``turn_id``: in which she asked it; ``asked_at``: when its words were shown, monotonic seconds;
    ``stands``: nothing was said since. ``words``: as she asked it; ``in_turn``: in the midst of another reply."""

    id: str
    is_approval: bool
    title: str
    place: str
    arguments: str
    risky: bool
    ends: float
    turn_id: str = ""
    words: str = ""
    asked_at: float | None = None
    stands: bool = False
    in_turn: bool = False

    @property
    def can_be_said(self) -> bool:
        """Is all of it said when it is asked?"""
        return len(self.arguments) <= LONGEST_SAID


class SpokenApprovals:
    """The questions of one conversation."""

    def __init__(self) -> None:
        self._pending: dict[str, Question] = {}

    @property
    def pending(self) -> tuple[Question, ...]:
        """Those that wait for an answer, oldest first."""
        return tuple(self._pending.values())

    def holds(self, question_id: str) -> bool:
        """Does this one wait, alone?"""
        return list(self._pending) == [question_id]

    def asked(self, shown: Mapping[str, Any], now: float) -> Question:
        """A question was put to the user on the page (``agent.approvals``)."""
        title = " ".join(str(shown.get("title") or shown.get("tool") or "").split())[:_LONGEST_TITLE]
        place, in_browser = str(shown.get("server") or ""), shown.get("hand") == "browser_use"
        question = Question(
            str(shown["id"]),
            shown.get("kind") == "approval",
            title,
            place,
            _said(
                str(shown.get("arguments") or ""),
                lambda values: _of_page(values, title, place) if in_browser else values,
            ),
            shown.get("act") in _RISKY or bool(shown.get("after_outside")),
            now + float(shown.get("seconds_left") or 0.0),
        )
        self._pending[question.id] = question
        return question

    def over(self, question_id: str) -> Question | None:
        """It cannot be answered any more."""
        return self._pending.pop(question_id, None)

    def said(self, question: Question, turn_id: str, words: str, now: float, *, in_turn: bool) -> None:
        """She has asked it in this turn."""
        question.turn_id, question.words, question.in_turn = turn_id, words, in_turn
        question.asked_at, question.stands = now, True

    def something_said(self, turn_id: str) -> None:
        """A turn begins: what was asked in another one is not what was said last."""
        for question in self._pending.values():
            if question.turn_id != turn_id:
                question.stands = False

    def deniable(self) -> Question | None:
        """The question that a no answers."""
        return next((one for one in self._alone() if one.asked_at is not None), None)

    def approvable(self) -> Question | None:
        """The question that a yes may answer, if it was heard to its end."""
        return next((one for one in self._alone() if one.stands and (one.can_be_said or not one.risky)), None)

    def _alone(self) -> tuple[Question, ...]:
        return tuple(one for one in self._pending.values() if one.is_approval) if len(self._pending) == 1 else ()


def _said(arguments: str, chosen: Callable[[dict[str, Any]], dict[str, Any]]) -> str:
    """The exact arguments in one line: of a JSON object its names and values, those that are ``chosen``."""
    try:
        values = json.loads(arguments)
    except ValueError:
        return " ".join(arguments.split())
    if not isinstance(values, dict):
        return json.dumps(values, ensure_ascii=False)
    written = {
        name: one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)
        for name, one in chosen(values).items()
    }
    return "; ".join(f"{name}: {one}" for name, one in written.items())


def _of_page(values: dict[str, Any], title: str, place: str) -> dict[str, Any]:
    """Of an act in a page without what stands in the question already, and what tells a listener nothing; of where a
    form goes the host, when it is another."""
    left = {name: one for name, one in values.items() if name not in _OF_PAGE and one not in ("", {}, [])}
    target = left.pop(_TARGET, None)
    if isinstance(target, str) and (host := urlsplit(target).hostname or target) != place:
        left[_TARGET] = host
    return {name: one for name, one in left.items() if not (isinstance(one, str) and f"“{one}”" in title)}
