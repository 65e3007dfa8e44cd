"""What the model of the current session knows: its instructions, and what it is told with each turn, in step with the
memory.

When the talk of a session grows long, its oldest part has to go from what the model is sent. Before it goes the memory
folds it into the memo, and the session gets instructions with that memo, all at one time: between two such times what
the model is sent begins with what it was sent before, and servers need not read that again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from neko.errors import NekoError
from neko.prompts import phrases
from neko.sessions import lorebook, prompt
from neko.sessions.agent_talk import Briefing
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.help_offers import HelpOffers
from neko.sessions.log_writer import TextRequest
from neko.sessions.look_tool import may_look
from neko.sessions.prompt_lines import Instructions, PromptLines
from neko.sessions.recall_lines import MOST_LINES
from neko.sessions.recall_tool import NAME as RECALL
from neko.sessions.said_lines import SaidLine
from neko.sessions.session_handle import SessionHandle
from neko.sessions.tool_runner import offered
from neko.tasks import TaskOwner, in_thread
from neko.types.model_session import (
    HistoryCut,
    HistoryFills,
    ModelCapabilities,
    ModelInput,
    OfferTools,
    Prepare,
    Renew,
    Tool,
    UserMessage,
)

logger = logging.getLogger(__name__)


class SessionContext:
    """``send`` hands something to the current session. ``lines``: what of the log stands in the prompt."""

    def __init__(
        self,
        character: str,
        dependencies: SessionDependencies,
        owner: TaskOwner,
        help_offers: HelpOffers,
        send: Callable[[ModelInput], None],
    ) -> None:
        self._character = character
        self._dependencies = dependencies
        self._owner = owner
        self._help = help_offers
        self._send = send
        self._session_id = ""
        self._began = dependencies.now()
        self._takes_tools = self._looks_up = False
        self._capabilities: Callable[[], ModelCapabilities] = ModelCapabilities
        self._renewing: asyncio.Task[None] | None = None
        self._offered: tuple[Tool, ...] = ()
        self._words = ""
        self._lore = set[str]()
        self._renewed: frozenset[str] = frozenset()
        """The turns that the newest instructions cover."""
        self.lines = PromptLines()

    def begin(self, handle: SessionHandle) -> None:
        """Another session answers from now on."""
        self._offered = handle.tools
        self._looks_up = any(tool.name == RECALL for tool in handle.tools)
        self._session_id = handle.id
        self._lore.clear()
        self._began = handle.began
        self._takes_tools = handle.session.capabilities.tools
        self._capabilities = lambda: handle.session.capabilities
        self.lines.begin(handle.instructions)
        self._note_memo(handle.instructions)

    def _note_memo(self, instructions: Instructions) -> None:
        if self._dependencies.toolbox:
            self._dependencies.toolbox.note_memo(outside=instructions.outside)

    def told(self, line: SaidLine) -> None:
        """The session was told of this line, which was said before it answered."""
        self.lines.open(line.turn_id)
        if line.id:
            self.lines.add(line.turn_id, line.id)

    def message(
        self,
        turn_id: str,
        request: TextRequest,
        earlier: Sequence[TextRequest],
        briefing: Briefing,
        lately: Sequence[str] = (),
    ) -> UserMessage:
        """``earlier``: words that were cut before they were asked; their pictures ride with these. ``briefing``: what
        the agent has to do with it. ``lately``: what was said last."""
        persona = self._dependencies.persona()
        said = (*earlier, request)
        images = tuple(image for one in said for image in one.images)[-self._dependencies.limits.images :]
        in_danger = self._help.of(*(one.text for one in said))
        note = self._help.note(in_danger, persona.master, persona.language) if in_danger else ""
        unkept = phrases(persona.language)["off_record"].format(master=persona.master) if request.off_record else ""
        self.lines.open(turn_id, again=request.again)
        if request.replaces:
            self.lines.add(turn_id, request.replaces.id)
        for one in said:
            if one.line:
                self.lines.add(turn_id, one.line.id)
        known = prompt.context(persona, request.recalled, request.text, self.lines.hold)
        self.lines.recalled(turn_id, known.evidence)
        if self._dependencies.toolbox and any(evidence.outside for evidence in known.evidence):
            self._dependencies.toolbox.note_outside(turn_id)
        book = lorebook.book_of(persona.lorebook)
        lore = book.told([*lately, *(one.text for one in said)], persona.language)
        self._offer(" ".join(one.text for one in said))
        return UserMessage(
            turn_id,
            request.text or phrases(persona.language)["look"],
            images,
            request.recalled[:MOST_LINES],
            "\n\n".join(filter(None, (lore, known.text, note, unkept, briefing.text))),
            again=request.again,
            help=in_danger,
            time=self.time(),
            off_record=request.off_record,
            reports=briefing.reports,
            underway=briefing.underway,
            reminder=briefing.reminder,
        )

    def new_lore(self, lines: Sequence[str]) -> str:
        """What of the lorebook belongs to these lines and was not told so to this session; "" for nothing."""
        persona = self._dependencies.persona()
        called = lorebook.book_of(persona.lorebook).called(lines)
        new = [content for content in called if content not in self._lore]
        self._lore.update(new)
        return lorebook.worded(new, persona.language)

    def offer_again(self) -> None:
        """The model has looked for other functions, for the same words."""
        self._offer(self._words)

    def _offer(self, words: str) -> None:
        """The functions that fit these words, where there are others than before."""
        self._words = words
        if self._takes_tools:
            language = self._dependencies.persona().language
            look = may_look(self._capabilities(), words, self._dependencies)
            tools = offered(self._dependencies.toolbox, words, language, recall=self._looks_up, look=look)
            if tools != self._offered:
                self._offered = tools
                self._send(OfferTools(tools))

    def words_to_come(self, so_far: str = "") -> Prepare:
        """The user speaks."""
        return Prepare(self.time(), so_far)

    def on_history(self, event: HistoryFills | HistoryCut) -> None:
        """What the session remembers of the talk has grown long, or was cut."""
        through = self.lines.last_of(event.turn_id)
        if is_cut := isinstance(event, HistoryCut):
            self._cut(event.turn_id, event.gist)
            if event.turn_id in self._renewed:
                return
        if is_cut or self._renewing is None or self._renewing.done():
            at_any_rate = isinstance(event, HistoryCut) or event.at_any_rate
            renewing = self._renew(through, is_cut=is_cut, at_any_rate=at_any_rate)
            self._renewing = self._owner.spawn(renewing, name="renew the memo of a session")

    def _cut(self, turn_id: str, gist: str) -> None:
        gone, renewed = self.lines.cut(turn_id, gist), turn_id in self._renewed
        if self._dependencies.toolbox:
            # lines of earlier sessions stand in the instructions until those are renewed
            left = self.lines.turns
            self._dependencies.toolbox.forget_outside(lambda turn: turn not in left if renewed else turn in gone)

    def time(self) -> str:
        """Now, as a model is told it."""
        return prompt.clock(self._dependencies.persona().language, self._dependencies.now(), self._began)

    async def fold_if_full(self, through: int) -> None:
        """Have the memory fold what was said up to this line, if it is more than the next prompt has room for."""
        try:
            if prompt.is_full(await self._dependencies.memory.recent(self._character, with_left=True)):
                await self._dependencies.settle(through, False)
        except NekoError as error:
            logger.warning("%s: the memo was not renewed: %s", self._character, error.code)

    async def _renew(self, through: int, *, is_cut: bool, at_any_rate: bool) -> None:
        """Have the memory fold what was said up to this line, and let the session go on from that. What fails is tried
        again after the next reply, as long as there is room; then there is a memo of it without a model, if need be."""
        session_id = self._session_id
        try:
            await self._dependencies.settle(through, at_any_rate)
            recent = await self._dependencies.memory.recent(self._character, with_left=True)
            known = await self._dependencies.memory.facts(self._character)
            questions = await self._dependencies.memory.open_questions(self._character)
        except NekoError as error:
            logger.warning("%s: the memo of a session was not renewed: %s", self._character, error.code)
            return
        reach = max((entry.id for entry in recent if entry.role == "system"), default=0)
        covered = self.lines.covered(reach)
        if session_id != self._session_id or not (covered or is_cut):
            return
        told = self.lines.told_without(covered)
        rest = [entry for entry in recent if entry.role == "system" or entry.id not in told]
        known = [fact for fact in known if told.isdisjoint(fact.sources)]
        questions = [line for line in questions if line.id not in told]
        persona, gist, most = self._dependencies.persona(), self._dependencies.gist, self._capabilities().most_tokens
        instructions = await in_thread(prompt.compose, persona, rest, self._began, known, questions, gist, most)
        if session_id != self._session_id:
            return
        self.lines.instruct(instructions)
        self._note_memo(instructions)
        self._looks_up = True  # from the next turn on: what it is sent begins differently anyway
        self._renewed = covered
        self._send(Renew(instructions.text, covered | self.lines.made_up_for(reach)))
