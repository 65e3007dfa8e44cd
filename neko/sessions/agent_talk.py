"""What the agent has to do with a conversation: she tells what came of tasks and asks for approval, and the user's
words may answer her, stop everything, or be about reminders.

The turns are those of ``TurnController``, which calls this at the few moments that matter; while there is neither a
task nor a reminder nothing here takes time or adds a word to what a model is sent.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol
from uuid import uuid4

from neko.prompts import phrases
from neko.sessions.agent_reports import DETAIL_WITH_WORDS, AgentReports, read, read_answer
from neko.sessions.arbiter import Verdict
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.errand_words import (
    reminder_note,
    report_lines,
    said_reminder,
    said_reports,
    underway_lines,
)
from neko.sessions.short_answers import answer_in, gives_up
from neko.sessions.spoken_approvals import Question, SpokenApprovals
from neko.sessions.turn_events import Priority
from neko.sessions.wishes import SpeakRequest
from neko.tasks import TaskOwner
from neko.types.agent import Decision
from neko.types.errands import Errands, ReminderAnswer, Report, Underway
from neko.types.lines import LineStatus
from neko.types.model_session import Respond

logger = logging.getLogger(__name__)

_ACKNOWLEDGED_WITHIN_S: Final = 10.0
_STOP_TIMEOUT_S: Final = 5.0
_REMIND_TIMEOUT_S: Final = 2.0
_ANSWERS_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class Briefing:
    """What a turn of the user's is told beside their words; ``text`` is all of it for a model that reads."""

    text: str = ""
    reports: tuple[Report, ...] = ()
    underway: tuple[Underway, ...] = ()
    reminder: ReminderAnswer | None = None


_NOTHING: Final = Briefing()
_MOST_BROKEN: Final = 5
_MOST_BROKEN_TOKENS: Final = 200


class Floor(Protocol):
    """The turns, as they are needed here. Nothing waits."""

    def wish(self, turn_id: str, request: SpeakRequest, priority: Priority, timeout_s: float) -> Verdict:
        """Have her speak in this turn, when the floor is free."""
        ...

    def waits_in(self) -> str | None:
        """The turn whose reply waits for a function, if one does."""
        ...

    def interject(self, words: str) -> str | None:
        """In a call, say this in the reply that waits for a function; the id of its turn, None without such a one."""
        ...

    def is_heard(self, turn_id: str, words: str, since: float) -> bool:
        """Has the client shown, or played to the end, these words of a turn, which began at ``since``? Without words:
        what was put on the page then."""
        ...

    def stop(self) -> None:
        """Cut what she says and what the model does."""
        ...


class AgentTalk:
    """One conversation; ``time()`` is the moment as a model is told it."""

    def __init__(
        self,
        character: str,
        dependencies: SessionDependencies,
        clients: Clients,
        owner: TaskOwner,
        floor: Floor,
        time: Callable[[], str],
    ) -> None:
        self._character = character
        self._dependencies = dependencies
        self._errands = dependencies.errands
        self._clients = clients
        self._owner = owner
        self._floor = floor
        self._time = time
        self._clock = asyncio.get_running_loop().time
        self._reports = AgentReports()
        self._is_waiting = False
        self._report_turn = ""
        self._in_plain_words = False
        self._last_told: tuple[str, tuple[Report, ...]] = ("", ())
        self._questions = SpokenApprovals()
        self._heard_before: str = ""
        self._reminders: OrderedDict[str, ReminderAnswer] = OrderedDict()
        self._loaded = False
        self._broken: list[str] = []

    # ── what comes from the agent ─────────────────────────────────────────────

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take a message of the bus topic ``agent`` that is for this character."""
        match message.get("event_type"):
            case "proactive_message" if answer := read_answer(message):
                self._confirm(answer)
            case "task_result" | "proactive_message":
                if (report := read(message)) and self._reports.add(report, self._clock()):
                    if self._errands:
                        self._errands.keep_untold(message)
                    self._offer()
            case "task_update":
                task = message.get("task")
                if isinstance(task, Mapping) and task.get("status") == "cancelled":
                    self._reports.cancelled(str(task.get("id")))
            case "neko_approval" | "neko_inquiry":
                self._ask(self._questions.asked(message["question"], self._clock()))
            case "neko_approval_over":
                self._over(str(message["id"]), str(message.get("outcome")))

    def client_came(self) -> None:
        """There is somebody to tell; the first time also what a restart left untold."""
        if self._errands and not self._loaded:
            self._loaded = True
            self._owner.spawn(self._load(), name="untold results")
        self._offer()

    async def _load(self) -> None:
        assert self._errands
        for message in await self._errands.untold():
            self.hear(message)

    def model_saw(self, output: str) -> None:
        """The result of a function that the model of the conversation has called itself."""
        self._reports.model_saw(output)

    # ── results ───────────────────────────────────────────────────────────────

    def _offer(self) -> None:
        """Tell what waits in the next free moment, if there is anybody to tell."""
        if self._is_waiting or not self._may_tell():
            return
        request = SpeakRequest(self._clock(), reports=True, wanted=self._is_wanted)
        self._report_turn = uuid4().hex
        self._is_waiting = True
        if self._floor.wish(self._report_turn, request, Priority.REPORT, math.inf) is not Verdict.WAIT:
            self._is_waiting = False

    @property
    def results_wait(self) -> bool:
        """Is there something that has not been told?"""
        return self._reports.waiting > 0

    def _may_tell(self) -> bool:
        return self._reports.waiting > 0 and self._clients.owner is not None

    def _is_wanted(self) -> bool:
        self._is_waiting = False
        return self._may_tell()

    def speech(self, turn_id: str, request: SpeakRequest, *, own_voice: bool) -> Respond | str:
        """What a turn of hers is asked of the model, or the words that are said without one; "" for nothing.

        With an ``own_voice`` words are asked of the model, which alone can be heard.
        """
        persona, now = self._dependencies.persona(), self._dependencies.now().replace(tzinfo=None)
        say = phrases(persona.language)
        words = request.words
        reports: tuple[Report, ...] = ()
        if request.reports:
            reports = self._reports.take(turn_id)
            if not reports:
                return ""
            if self._in_plain_words:
                words = said_reports(reports, persona.language, now)
        if request.outside and self._dependencies.toolbox:
            self._dependencies.toolbox.note_outside(turn_id)
        if words:
            exactly = say["say_exactly"].format(master=persona.master, words=words)
            return Respond(turn_id, exactly, self._time(), reports) if own_voice else words
        if not reports:
            return Respond(turn_id, request.instructions, self._time())
        self._note_outside(turn_id, reports, ())
        lines = report_lines(reports, persona.master, persona.language, now, self._outside)
        told = say["report"].format(master=persona.master)
        return Respond(turn_id, told, f"{lines}\n\n{self._time()}", reports)

    def turn_ended(self, turn_id: str, text: str, status: LineStatus) -> None:
        """A turn is over, with this much of its reply got by the user."""
        carried = self._reports.carried(turn_id)
        told = self._reports.turn_ended(turn_id, told=bool(text.strip()), now=self._clock())
        if carried:
            self._last_told = (turn_id, carried) if text.strip() else ("", ())
        if told and self._errands:
            self._errands.told(told)
        if turn_id == self._report_turn and not carried:
            return  # there is no session; it is tried again after the next turn, or when somebody comes
        if not carried or text.strip():
            self._in_plain_words = False
            self._offer()
        elif status == "failed" and not self._in_plain_words:
            self._in_plain_words = True  # the model cannot tell it
            self._offer()

    def not_heard(self, turn_id: str) -> None:
        """Nothing of this turn's sound was heard before the user spoke over it: what it told is told again."""
        told_in, reports = self._last_told
        if self._reports.carried(turn_id):
            self._reports.turn_ended(turn_id, told=False, now=self._clock())
        elif told_in == turn_id:
            self._last_told = ("", ())
            self._reports.tell_again(reports)

    def broke_off(self, functions: Sequence[str]) -> None:
        """The user's words or their stop ended these calls, or the questions that they waited for."""
        self._broken = [*self._broken, *functions][-_MOST_BROKEN:]

    def goes_on_beside(self, turn_id: str) -> None:
        """Calls of this turn go on though it has given way to the user's words: what is asked for them is asked again,
        when the floor is free."""
        for question in self._questions.pending:
            if question.turn_id == turn_id and question.in_turn:
                question.in_turn = question.stands = False
                self._ask(question)

    # ── the user's turns ──────────────────────────────────────────────────────

    def brief(self, turn_id: str, words: Sequence[str], *, kept: bool) -> Briefing:
        """What is to be told and known with these words of the user's. Of such as are not ``kept`` in the log, off the
        record or for want of a disk, nobody makes a task, which would have to be written down."""
        self._questions.something_said(turn_id)
        if self._dependencies.toolbox:
            self._dependencies.toolbox.begin_turn(turn_id)
        underway = tuple(self._errands.underway()) if self._errands else ()
        broken, self._broken = list(dict.fromkeys(self._broken)), []
        reminder = next((one for text in reversed(words) if (one := self._reminders.get(text))), None)
        unseen = not kept and self._errands is not None and self._errands.begins_tasks()
        if not (underway or reminder or broken or unseen or self._reports.waiting):
            return _NOTHING
        reports = self._reports.take(turn_id, detail=DETAIL_WITH_WORDS)
        persona, now = self._dependencies.persona(), self._dependencies.now().replace(tzinfo=None)
        master, language = persona.master, persona.language
        parts: list[str] = []
        self._note_outside(turn_id, reports, underway)
        if reports:
            parts.append(phrases(language)["report_too"].format(master=master))
            parts.append(report_lines(reports, master, language, now, self._outside))
        if unseen:
            parts.append(phrases(language)["no_task"].format(master=master))
        if broken:
            parts.append(phrases(language)["broken_off"].format(master=master))
            parts.append(self._outside("the agent", "\n".join(f"- {name}" for name in broken), _MOST_BROKEN_TOKENS))
        if underway:
            parts.append(underway_lines(underway, master, language, self._outside))
        if reminder:
            parts.append(reminder_note(reminder, master, language, now))
        return Briefing("\n".join(parts), reports, underway, reminder)

    def _note_outside(self, turn_id: str, reports: Sequence[Report], underway: Sequence[Underway]) -> None:
        """What a model calls in a turn in which it reads results may have been asked for by them."""
        if self._dependencies.toolbox and (underway or any(one.outcome != "reminder" for one in reports)):
            self._dependencies.toolbox.note_outside(turn_id)

    def _outside(self, source: str, text: str, most_tokens: int) -> str:
        return self._errands.outside(source, text, most_tokens) if self._errands else text

    async def beside(self, look: Awaitable[None], text: str, *, keep: bool, confirm: bool = False) -> None:
        """Do what these words of the user's say about reminders, after ``look``; ``brief`` tells of it, or with
        ``confirm`` she does so herself. Without ``keep`` nothing of it is written to a disk."""
        await look
        if self._errands is None or not self._errands.about_reminders(text):
            return
        await self._remind(self._errands, text, keep=keep)
        if confirm and (answer := self._reminders.pop(text, None)):
            self._confirm(answer)

    def _confirm(self, answer: ReminderAnswer) -> None:
        language, now = self._dependencies.persona().language, self._dependencies.now().replace(tzinfo=None)
        self._say(said_reminder(answer, language, now), Priority.REPORT)

    async def _remind(self, errands: Errands, text: str, *, keep: bool) -> None:
        answer: ReminderAnswer | None = ReminderAnswer("failed")
        try:
            async with asyncio.timeout(_REMIND_TIMEOUT_S):
                answer = await errands.remind(text, keep=keep)
        except TimeoutError:
            logger.warning("%s: a reminder took too long to be kept", self._character)
        self._reminders.pop(text, None)
        if answer:
            self._reminders[text] = answer
            while len(self._reminders) > _ANSWERS_KEPT:
                self._reminders.popitem(last=False)

    # ── questions ─────────────────────────────────────────────────────────────

    def _ask(self, question: Question) -> None:
        """Ask it in words: in the reply that waits for it, else when the floor is free."""
        if not question.is_approval:
            return
        persona = self._dependencies.persona()
        say = phrases(persona.language)
        if len(self._questions.pending) > 1:
            self._say(say["say_ask_several"], Priority.APPROVAL)
            return
        place = question.place or say["place_computer"]
        name = "say_ask_arguments" if question.arguments else "say_ask"
        name = name if question.can_be_said else "say_ask_screen"
        words = say[name].format(title=question.title, place=place, arguments=question.arguments)
        if turn_id := self._floor.interject(words):
            self._questions.said(question, turn_id, words, self._clock(), in_turn=True)
            return
        if (turn_id := self._floor.waits_in()) and self._shows_questions:
            self._questions.said(question, turn_id, "", self._clock(), in_turn=True)
            return
        question.turn_id, question.words = uuid4().hex, words
        request = SpeakRequest(self._clock(), words=words, wanted=partial(self._questions.holds, question.id))
        self._floor.wish(question.turn_id, request, Priority.APPROVAL, question.ends - self._clock())

    @property
    def _shows_questions(self) -> bool:
        """Whoever reads has the question before them, on a page of ours."""
        owner = self._clients.owner
        return owner is not None and owner.knows_takeover

    def turn_shown(self, turn_id: str) -> None:
        """A reply begins to be shown."""
        self._questions.something_said(turn_id)
        for question in self._questions.pending:
            if question.turn_id == turn_id and not question.stands:
                self._questions.said(question, turn_id, question.words, self._clock(), in_turn=False)

    def _over(self, question_id: str, outcome: str) -> None:
        question = self._questions.over(question_id)
        if question and outcome == "expired" and question.asked_at is not None and not question.in_turn:
            say = phrases(self._dependencies.persona().language)
            self._say(say["say_expired"].format(title=question.title), Priority.REPORT)

    def speech_began(self) -> None:
        """The user begins to say something: what she has asked to its end by now may be what it answers."""
        question = self._questions.approvable()
        self._heard_before = question.id if question and self._is_heard(question) else ""

    def _is_heard(self, question: Question) -> bool:
        since = question.asked_at
        return since is not None and self._floor.is_heard(question.turn_id, question.words, since)

    def _is_read(self, question: Question) -> bool:
        """Whoever types an answer on a page of ours has it before them, however long she takes to say it."""
        since = question.asked_at
        return self._shows_questions and since is not None and self._floor.is_heard(question.turn_id, "", since)

    # ── short words ───────────────────────────────────────────────────────────

    def takes(self, text: str, keep: Callable[[], None], *, spoken: bool) -> str | None:
        """Are these words of the user's no turn, but an answer or a stop, which has now been done? The id of the turn
        in which she says so, or goes on; the words have been given to the log by ``keep``."""
        pending = self._questions.pending
        if self._errands is None or not (pending or self._errands.underway()):
            return None
        answer = answer_in(text, self._character, typed=not spoken)
        drops = gives_up(text, self._character)
        say = phrases(self._dependencies.persona().language)
        if answer == "stop":
            self.stop_everything()
            keep()
            return self._say(say["say_stopped"], Priority.APPROVAL)
        question = self._answered(answer == "yes", spoken=spoken) if (answer or drops) and pending else None
        if question is None and drops and self._errands.drop():
            self._floor.stop()
            keep()
            return self._say(say["say_stopped"], Priority.APPROVAL)
        if question is None:
            return None
        if not self._errands.decide(question.id, Decision.IN_WORDS if answer == "yes" else Decision.DENY):
            return None
        keep()
        if question.in_turn:
            return question.turn_id
        return self._say(say["say_allowed" if answer == "yes" else "say_denied"], Priority.APPROVAL)

    def _answered(self, allowed: bool, *, spoken: bool) -> Question | None:
        if not allowed:
            return self._questions.deniable()
        question = self._questions.approvable()
        if question is None:
            return None
        if spoken:
            return question if self._heard_before == question.id else None
        return question if self._is_heard(question) or self._is_read(question) else None

    def stop_everything(self) -> None:
        """What she says, what the model does and every task of this character: all of it ends now."""
        self._floor.stop()
        if self._errands is None:
            return
        for question in self._questions.pending:
            if question.is_approval:
                self._errands.decide(question.id, Decision.DENY)
        self._owner.spawn(self._stop_tasks(), name="stop tasks")

    async def _stop_tasks(self) -> None:
        assert self._errands
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await self._errands.stop()
        except TimeoutError:
            logger.error("%s: the tasks did not stop in time", self._character)

    def _say(self, words: str, priority: Priority) -> str:
        turn_id = uuid4().hex
        self._floor.wish(turn_id, SpeakRequest(self._clock(), words=words), priority, _ACKNOWLEDGED_WITHIN_S)
        return turn_id
