"""From a finished turn to a plan: one question to the agent's model for all abilities together, or none at all.

What counts is what the user said themselves in this turn: the model has to name their words that ask for the task, and
a plan whose words they did not say is dropped. So neither an old request nor a text from outside starts anything.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, cast, get_args

from neko.agent import outside
from neko.agent.agent_prompts import prompts
from neko.agent.messages import Utterance
from neko.language import guess
from neko.llm.tokens import beginning
from neko.tool_errors import AgentError
from neko.types.hands import HandName, Said, Thinker
from neko.types.model_session import Tool
from neko.types.plan import Plan, PlanStep, Reminder
from neko.well_formed import well_formed

logger = logging.getLogger(__name__)

MOST_STEPS: Final = 8
TIMEOUT_S: Final = 30.0
_OFFER: Final = 2_000
"""Tokens of what one ability offers."""
_UTTERANCE: Final = 400
"""Tokens of one that came before."""
_REQUEST: Final = 1_500
_INSTRUCTION: Final = 600
_TITLE: Final = 60
"""Characters."""
_LIKENESS: Final = 0.7
"""The part of the words that the model names which has to be the user's."""
_RUN: Final = 3
"""Letters in a row that are compared."""
_STRANGE: Final = 5
"""Such runs in a row that are not the user's: of a short word, with those that lead into it and out of it."""
_FARTHEST: Final = timedelta(days=5 * 366)
_NO_LETTER: Final = re.compile(r"[\W_]+")
_HANDS: Final[Mapping[str, HandName]] = {
    **{name: name for name in get_args(HandName)},
    "browser": "browser_use",
    "computer": "computer_use",
    "plugin": "user_plugin",
}

_INSTRUCTIONS: Final = ("instruction", "description", "action", "step", "task", "goal")
"""Under which models say what a step does."""

DECIDE: Final = Tool(
    "decide",
    "Say whether there is a task, and how it is done.",
    {
        "type": "object",
        "properties": {
            "why": {"type": "string", "description": "in at most 15 words"},
            "task": {"type": "boolean"},
            "words": {"type": "string", "description": "the user's own latest words that ask for it, copied"},
            "title": {"type": "string"},
            "again": {"type": "boolean"},
            "steps": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "ability": {"type": "string", "enum": list(get_args(HandName))},
                        "instruction": {"type": "string"},
                        "done_when": {"type": "string"},
                    },
                    "required": ["ability", "instruction", "done_when"],
                },
            },
            "reminder": {
                "type": "object",
                "properties": {
                    "about": {"type": "string"},
                    "at": {"type": "string", "description": "YYYY-MM-DDTHH:MM"},
                },
            },
        },
        "required": ["why", "task", "words"],
    },
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A finished turn: what was said last, the oldest first, and which functions the character's model called in it.
    ``fresh``: so many of the last entries of the user are of this turn; 0 where that is not known."""

    character: str
    utterances: Sequence[Utterance]
    called: Sequence[str] = ()
    turn_id: str = ""
    fresh: int = 0

    @property
    def own_words(self) -> str:
        """What the user said in this turn; where that is not known, their last words and those just before that nobody
        answered."""
        words: list[str] = []
        for utterance in reversed(self.utterances):
            if utterance["role"] == "user" and (not self.fresh or len(words) < self.fresh):
                words.append(utterance["content"])
            elif words and not self.fresh:
                break
        return "\n".join(reversed(words)).strip()


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be done with an ability that is ready and switched on (``Hand.offer``)."""

    hand: HandName
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants done. ``words``: those of theirs that ask for it; ``again``: explicitly once more."""

    plan: Plan | None = None
    reminder: Reminder | None = None
    words: str = ""
    again: bool = False


NOTHING: Final = Wanted()


Offers = Callable[[str], Sequence[Offer]]
"""What can be done now, for these words of the user's; nothing while the agent is off."""


class Planner:
    """``now`` gives local time."""

    def __init__(self, thinker: Thinker, offers: Offers, now: Callable[[], datetime] = datetime.now) -> None:
        self._thinker = thinker
        self._offers = offers
        self._now = now

    async def wanted(self, turn: Turn, *, language: str = "en", under_way: Sequence[str] = ()) -> Wanted:
        """What a turn asks for. ``language``: that of the talk, where the words do not tell; ``under_way``: what tasks
        do already. No model is asked where there are no words of the user's or nothing is offered. Raises
        ``NekoError``."""
        own = turn.own_words
        offers = self._offers(own) if own else ()
        if not offers:
            return NOTHING
        language = guess(own, language)
        told = "\n\n".join((*_talk(turn, own, self._now()), *_tasks(under_way), _abilities(offers)))
        arguments = await self._decide("plan", told, language)
        words = _text(arguments.get("words"))
        reminder = _reminder(arguments.get("reminder"), self._now())
        plan = _plan(arguments, offers, own, language) if _is_true(arguments.get("task")) else None
        if plan is None and reminder is None:
            return NOTHING
        if not said_by(words, own):
            logger.info("%s: a plan is dropped: the user did not say what it is for", turn.character)
            return NOTHING
        return Wanted(plan, reminder, words, _is_true(arguments.get("again")))

    async def plan(self, character: str, instruction: str, *, language: str = "en") -> Plan:
        """For a task that the user wrote themselves. Raises ``NekoError``: ``agent_no_plan`` when no ability can do
        it."""
        offers = self._offers(instruction)
        if not offers:
            raise AgentError("no_plan", f"{character}: no ability is ready")
        language = guess(instruction, language)
        told = f"NOW: {_moment(self._now())}\n\nTASK: {beginning(instruction, _REQUEST)}\n\n{_abilities(offers)}"
        return await self._planned("direct", told, offers, instruction, language)

    async def replan(self, instruction: str, plan: Plan, done: Sequence[str], failure: str) -> Plan:
        """The rest of a plan in another way, after the step behind those that are ``done`` failed. ``done`` and
        ``failure`` are marked where they hold words from outside. Raises ``NekoError``: ``agent_no_plan`` when there is
        no other way."""
        failed, offers = len(done), self._offers(instruction)
        steps = [
            f"{number + 1}. [{'done' if number < failed else 'failed' if number == failed else 'not begun'}] "
            f"{step.hand}: {beginning(step.instruction, _INSTRUCTION)}"
            for number, step in enumerate(plan.steps)
        ]
        told = (
            f"NOW: {_moment(self._now())}",
            f"WHAT THE USER WANTS: {beginning(instruction, _REQUEST)}",
            "STEPS:\n" + "\n".join(steps),
            *(f"WHAT CAME OF STEP {number}: {text}" for number, text in enumerate(done, 1)),
            f"WHY STEP {failed + 1} FAILED: {failure}",
            _abilities(offers),
        )
        new = await self._planned("replan", "\n\n".join(told), offers, instruction, plan.language)
        return Plan(plan.title, new.steps, plan.language)

    async def _planned(self, prompt: str, told: str, offers: Sequence[Offer], words: str, language: str) -> Plan:
        arguments = await self._decide(prompt, told, language)
        plan = _plan(arguments, offers, words, language) if _is_true(arguments.get("task")) else None
        if plan is None:
            raise AgentError("no_plan", "the model has no plan", said=_text(arguments.get("why"))[:300])
        return plan

    async def _decide(self, prompt: str, told: str, language: str) -> Mapping[str, Any]:
        messages = (Said("system", prompts(language)[prompt]), Said("user", told))
        thought = await self._thinker.think(messages, (DECIDE,), must_call=True, timeout_s=TIMEOUT_S)
        for call in thought.calls:
            if call.action.name == DECIDE.name:
                return call.action.arguments
        logger.warning("the agent's model did not say whether there is a task")
        return {}


# ── what the model is told ────────────────────────────────────────────────────


def _moment(now: datetime) -> str:
    return f"{now:%A %Y-%m-%d %H:%M}"


def _talk(turn: Turn, own: str, now: datetime) -> list[str]:
    """``LATEST_USER_REQUEST`` is N.E.K.O.'s mark of what counts; each utterance is one line of JSON, so that none can
    pass for another."""
    lines = [
        json.dumps({"role": entry["role"], "content": beginning(entry["content"], _UTTERANCE)}, ensure_ascii=False)
        for entry in turn.utterances
    ]
    told = [
        f"NOW: {_moment(now)}",
        f"LATEST_USER_REQUEST: {json.dumps(beginning(own, _REQUEST), ensure_ascii=False)}",
        "CONVERSATION, oldest first:\n" + "\n".join(lines),
    ]
    if turn.called:
        told.append("FUNCTIONS CALLED BY THE ASSISTANT IN THIS TURN:\n" + "\n".join(turn.called))
    return told


def _tasks(under_way: Sequence[str]) -> list[str]:
    lines = [f"- {beginning(task, _UTTERANCE)}" for task in under_way]
    return ["TASKS UNDER WAY:\n" + "\n".join(lines)] if lines else []


def _abilities(offers: Sequence[Offer]) -> str:
    return "ABILITIES:\n" + "\n\n".join(f"## {offer.hand}\n{beginning(offer.text, _OFFER)}" for offer in offers)


# ── what it answers ───────────────────────────────────────────────────────────


def said_by(words: str, own: str) -> bool:
    """Are these words the user's, as far as letters tell?"""
    part, whole = _letters(words), _letters(own)
    if len(part) <= _RUN or part in whole:
        return bool(part) and part in whole
    known = set(_runs(whole))
    are_known = [run in known for run in _runs(part)]
    strange = [len(list(group)) for is_known, group in groupby(are_known) if not is_known]
    return sum(are_known) >= _LIKENESS * len(are_known) and max(strange, default=0) <= _STRANGE


def _runs(letters: str) -> list[str]:
    return [letters[at : at + _RUN] for at in range(len(letters) - _RUN + 1)]


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", text).casefold())


def _plan(arguments: Mapping[str, Any], offers: Sequence[Offer], words: str, language: str) -> Plan | None:
    """The plan, of steps with offered abilities; None when none is left."""
    offered = [offer.hand for offer in offers]
    steps = [step for one in _entries(arguments.get("steps")) if (step := _step(one, offered))]
    if not steps and len(offered) == 1 and not _entries(arguments.get("steps")):
        steps = [PlanStep(offered[0], beginning(words, _INSTRUCTION))]
    if not steps:
        return None
    title = _text(arguments.get("title")).replace("\n", " ") or words.replace("\n", " ")
    title = title if len(title) <= _TITLE else title[: _TITLE - 1].rstrip() + "…"
    return Plan(title, tuple(steps[:MOST_STEPS]), language)


def _entries(value: object) -> list[Mapping[str, Any]]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return []
    told = [{"instruction": one} if isinstance(one, str) else one for one in value]
    return [one for one in told if isinstance(one, dict)]


def _step(entry: Mapping[str, Any], offered: Sequence[HandName]) -> PlanStep | None:
    """A step that names no ability has the only one that there is."""
    named = _text(entry.get("ability") or entry.get("hand") or entry.get("tool")).lower()
    hand = _HANDS.get(named) or (offered[0] if len(offered) == 1 and not named else None)
    wording = next((entry[name] for name in _INSTRUCTIONS if isinstance(entry.get(name), str)), "")
    instruction = beginning(_text(wording), _INSTRUCTION)
    if hand not in offered or not instruction.strip():
        return None
    return PlanStep(cast("HandName", hand), instruction, beginning(_text(entry.get("done_when")), _UTTERANCE))


def _reminder(value: object, now: datetime) -> Reminder | None:
    entries = _entries(value)
    if not entries or not (about := _text(entries[0].get("about"))):
        return None
    try:
        at = datetime.fromisoformat(_text(entries[0].get("at")))
    except ValueError:
        return None
    at = at.astimezone().replace(tzinfo=None) if at.tzinfo else at
    return Reminder(beginning(about, _UTTERANCE), at) if now < at < now + _FARTHEST else None


def _text(value: object) -> str:
    return outside.visible(well_formed(value)).strip() if isinstance(value, str) else ""


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "yes"))
