"""She speaks of her own accord: when it suits the user (``sessions/manners``), about something that is worth it.

What the calendar has (a birthday, also by the user's profile or her card, what was planned for today, the first meeting
of a day) is always worth a word. Of anything else (news, what is shared of the screen, the window in front, what is
still open) a model judges whether it is. What she has said so stands in the log, with the reason: the record of it is
read from there.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from neko.agent.computer.front_window import FrontWindow
from neko.agent.computer.own_page import is_own_page
from neko.agent.outside import marked, visible
from neko.app.conversations import Conversations
from neko.app.feeds import Feeds
from neko.app.models import Models
from neko.app.occasions import Kind, Occasion, birthdays, dated, hello
from neko.app.personal_news import PersonalNews
from neko.bus import Topic
from neko.characters import CharacterCards
from neko.errors import ModelEmptyReplyError, ModelTimeoutError, NekoError
from neko.memory.service import MemoryService
from neko.net import Network
from neko.prompts import phrases
from neko.sessions.events import ReplyText, Status, TurnAbandoned, TurnEnd
from neko.sessions.manager import SessionManager
from neko.sessions.manners import Manners, Record, Verdict, judge, read_quiet
from neko.sessions.outbox import Outbox
from neko.sessions.wishes import SpeakRequest
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import PRIVACY
from neko.settings.speaking_first import (
    PROACTIVE,
    PROACTIVE_EVERY_MIN,
    PROACTIVE_FEEDS,
    PROACTIVE_PER_DAY,
    PROACTIVE_QUIET,
    PROACTIVE_SOURCES,
)
from neko.tasks import TaskOwner, in_thread
from neko.types.lines import Line, Remark
from neko.types.memory import InChats, RecentEntry

logger = logging.getLogger(__name__)

REMARK: Final = "spoke_first_"
"""How the codes of the reasons begin: one for each kind of occasion."""
_LOOK_S: Final = 20.0
_LOOK_AGAIN: Final = timedelta(minutes=2)
"""After the calendar had nothing."""
_SHOWN_S: Final = 60.0
"""A picture of what is shared counts as long as what is seen."""
_CHOOSE_S: Final = 25.0
_SAY_S: Final = 90.0
_READ_LINES: Final = 200
_RECENT: Final = 8
_LONGEST: Final = 300
_MOST_TOPICS: Final = 24
_POSTS: Final = 5
_PASSES: Final = re.compile(r"(?<![A-Za-z])PASS(?![A-Za-z])")
_NUMBER: Final = re.compile(r"(?<![A-Za-z\d])(?<!\d[.:,/-])\d{1,3}(?![A-Za-z\d]|[.:,/-]\d)", re.ASCII)
"""One that is no part of a time, a date or a word."""
_OUTSIDE: Final = frozenset((Kind.SCREEN, Kind.WINDOW, Kind.NEWS))
"""Kinds whose words come from elsewhere."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a page brings along that wants her to speak now. Its own timer counts, not ours."""

    sources: frozenset[str]
    screenshot: bytes = field(default=b"", repr=False)
    window_title: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``verdict`` other than ``NOW``: she may not. ``text`` is what she said, "" when there was nothing worth it, or
    when she could not, for which ``failure`` is what her clients were told."""

    verdict: Verdict
    text: str = ""
    occasion: Occasion | None = None
    failure: Status | None = None


@dataclass(slots=True)
class _Known:
    """Of one character, as long as this Neko runs."""

    record: Record
    spoke: datetime | None
    last: datetime | None
    look_at: datetime | None = None


class Proactive:
    """``neko.proactive``. ``now()`` is local naive time; another clock may be set."""

    def __init__(
        self,
        conversations: Conversations,
        facts: Topic,
        memory: MemoryService,
        models: Models,
        network: Network,
        personal: Callable[[], PersonalNews],
        owner: TaskOwner,
        in_force: Callable[[], SettingsInForce],
        front: FrontWindow,
        cards: CharacterCards,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._conversations = conversations
        self._facts = facts
        self._follows_talk = False
        self._memory = memory
        self._models = models
        self._in_force = in_force
        self._personal = personal
        self.front = front
        self._cards = cards
        self.now = now
        self._owner = owner
        self._known: dict[str, _Known] = {}
        self._one_at_a_time: dict[str, asyncio.Lock] = {}
        self._task: asyncio.Task[None] | None = None
        self.feeds = Feeds(network)

    # ── when ──────────────────────────────────────────────────────────────────

    @property
    def manners(self) -> Manners:
        """What the user allows."""
        get = self._in_force().get
        try:
            quiet = read_quiet(get(PROACTIVE_QUIET))
        except ValueError:
            quiet = read_quiet(PROACTIVE_QUIET.default)
        return Manners(get(PROACTIVE), timedelta(minutes=get(PROACTIVE_EVERY_MIN)), get(PROACTIVE_PER_DAY), quiet)

    def follow(self) -> None:
        """The settings may have changed: look for moments to speak, or no more."""
        wanted = self.manners.on
        if wanted and (self._task is None or self._task.done()):
            self._task = self._owner.supervise(self._look_now_and_then, name="proactive talk")
        elif not wanted and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _on_line(self, fact: Mapping[str, Any]) -> None:
        """A fact of the bus topic ``session``: the user's words answer what she said, and count as a sign of life."""
        known = self._known.get(str(fact.get("lanlan_name")))
        if known is None:
            return
        known.last = self.now()
        if fact.get("role") == "user":
            known.spoke, known.record = known.last, known.record.answered()

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            for character in list(self._conversations.opened):
                try:
                    await self.consider(character)
                except NekoError as error:
                    logger.warning("%s: she does not speak first: %s", character, error.code)
                except Exception:
                    logger.exception("%s: looking for something to say failed", character)

    async def may_speak(self, character: str) -> Verdict:
        """May she speak of her own accord at this moment, and if not, why?"""
        manager = self._conversations.get(character)
        if manager is None:
            return Verdict.AWAY
        known = await self._known_of(character)
        return judge(self.manners, manager.presence(known.spoke), known.record, self.now())

    async def consider(self, character: str, brought: Brought | None = None) -> Outcome:
        """Have her say something if it suits and there is something; returns when she has, and at once while that is
        under way already. Raises ``NekoError``."""
        manager = self._conversations.get(character)
        if manager is None:
            return Outcome(Verdict.AWAY)
        one_at_a_time = self._one_at_a_time.setdefault(character, asyncio.Lock())
        if one_at_a_time.locked():
            return Outcome(Verdict.BUSY)
        async with one_at_a_time:
            known = await self._known_of(character)
            verdict = self._verdict(manager, known, brought)
            if verdict is not Verdict.NOW:
                return Outcome(verdict)
            if brought is None and known.look_at is not None and self.now() < known.look_at:
                return Outcome(Verdict.TOO_SOON)
            occasion = await self._occasion(manager, known, brought)
            if occasion is None:
                return Outcome(Verdict.NOW)
            verdict = self._verdict(manager, known, brought)  # it took a while
            if verdict is not Verdict.NOW:
                return Outcome(verdict)
            outcome = await self._say(manager, occasion)
            if outcome.text:
                known.record = known.record.spoke(occasion.key, self.now())
            elif outcome.verdict is Verdict.NOW:
                known.look_at = self.now() + self.manners.every
            return outcome

    def _verdict(self, manager: SessionManager, known: _Known, brought: Brought | None) -> Verdict:
        manners = self.manners
        if brought is not None:
            manners = Manners(True, timedelta(), manners.per_day, manners.quiet)
        return judge(manners, manager.presence(known.spoke), known.record, self.now())

    async def _known_of(self, character: str) -> _Known:
        known = self._known.get(character)
        if known is None:
            if not self._follows_talk:
                self._follows_talk = True
                self._facts.subscribe(self._on_line, name="proactive", only=("line",))
            lines = await self._memory.lines(character, limit=_READ_LINES, chat=InChats.ALL)
            known = self._known.setdefault(character, _read(lines))
        return known

    # ── about what ────────────────────────────────────────────────────────────

    async def _occasion(self, manager: SessionManager, known: _Known, brought: Brought | None) -> Occasion | None:
        now = self.now()
        sources = brought.sources if brought else frozenset(self._in_force().get(PROACTIVE_SOURCES))
        if "memory" in sources or brought is not None:
            facts = await self._memory.facts(manager.character)
            cards = birthdays(self._cards.master_traits(), self._cards.traits(manager.character), now)
            sure = [*cards, *dated(facts, now), *filter(None, (hello(known.last, now),))]
            if fresh := [one for one in sure if one.key not in known.record.about]:
                return fresh[0]
        known.look_at = now + _LOOK_AGAIN
        ask = self._models.chooser() if self._answers_by_model else None
        if ask is None:
            return None
        topics = await self._topics(manager, sources, brought)
        fresh = [one for one in topics if one.key not in known.record.about][:_MOST_TOPICS]
        if not fresh:
            return None
        known.look_at = now + self.manners.every
        question = self._question(manager, fresh, await self._memory.recent(manager.character))
        try:
            async with asyncio.timeout(_CHOOSE_S):
                return chosen(await ask(question), fresh)
        except ModelEmptyReplyError:
            return None
        except TimeoutError as error:
            raise self._too_late("choosing", _CHOOSE_S) from error

    @property
    def _answers_by_model(self) -> bool:
        return self._models.endpoint("conversation") is not None

    async def _topics(
        self, manager: SessionManager, sources: frozenset[str], brought: Brought | None
    ) -> list[Occasion]:
        found: list[Occasion] = []
        if "screen" in sources and (seen := await self._seen(manager, brought)):
            found.append(seen)
        if "window" in sources and (title := _line(brought.window_title if brought else await self._title_in_front())):
            found.append(Occasion(Kind.WINDOW, f"window:{title}", title))
        if "memory" in sources:
            questions = await self._memory.open_questions(manager.character)
            found.extend(Occasion(Kind.OPEN, f"open:{line.id}", _line(line.text)) for line in questions)
        if "news" in sources:
            for headline in await self.feeds.headlines(self._in_force().get(PROACTIVE_FEEDS)):
                key = f"news:{headline.link or headline.title}"[:_LONGEST]
                found.append(Occasion(Kind.NEWS, key, headline.title, headline.link, headline.source))
        if "personal" in sources:
            for posts in (await self._personal().find(_POSTS)).posts.values():
                for post in posts:
                    key = f"news:{post.link or post.text}"[:_LONGEST]
                    found.append(Occasion(Kind.NEWS, key, post.text, post.link, post.author))
        return found

    async def _title_in_front(self) -> str:
        """Of a window that is none of her own pages; "" while nothing may be seen."""
        if self._in_force().get(PRIVACY):
            return ""
        title = await in_thread(self.front.title) or ""
        return "" if is_own_page(title, self._cards.names) else title

    async def _seen(self, manager: SessionManager, brought: Brought | None) -> Occasion | None:
        """What the user shows of the screen at this moment, in the words of the model that sees."""
        jpeg = brought.screenshot if brought else manager.visual_input.seen_within(_SHOWN_S)
        describe = self._models.onlooker
        if not jpeg or describe is None or self._in_force().get(PRIVACY):
            return None
        try:
            async with asyncio.timeout(_CHOOSE_S):
                words = _line(await describe(jpeg), 4 * _LONGEST)
        except (NekoError, TimeoutError) as error:
            logger.warning("%s: what is on the screen is not known: %s", manager.character, type(error).__name__)
            return None
        return Occasion(Kind.SCREEN, f"screen:{self.now():%Y-%m-%dT%H:%M}", words) if words else None

    def _question(self, manager: SessionManager, topics: Sequence[Occasion], recent: Sequence[RecentEntry]) -> str:
        say = phrases(manager.language)
        names = {"character": manager.character, "master": self._cards.master_name}
        listed = "\n".join(
            f"{number}. {say[f'first_topic_{one.kind.value}'].format(**names, text=one.text, source=one.source)}"
            for number, one in enumerate(topics, 1)
        )
        speakers = {"user": names["master"], "assistant": names["character"]}
        said = [f"{speakers[one.role]}: {_line(one.text)}" for one in recent if one.role in speakers]
        lately = "\n".join(said[-_RECENT:])
        return say["first_choose"].format(**names, lately=lately or "–", topics=marked("several sources", listed))

    # ── saying it ─────────────────────────────────────────────────────────────

    async def _say(self, manager: SessionManager, occasion: Occasion) -> Outcome:
        outbox = Outbox(wants_audio=False)
        with manager.tap(outbox):
            turn_id = manager.open_talk(self._request(manager, occasion))
            if turn_id is None:
                return Outcome(Verdict.BUSY)
            text, is_late, failure = "", False, None
            try:
                async with asyncio.timeout(_SAY_S):
                    while (event := await outbox.get()) is not None:
                        match event:
                            case ReplyText(id_, _, piece, first) if id_ == turn_id:
                                text = piece if first else text + piece
                            case Status(code=ModelTimeoutError.code):
                                is_late = True
                            case Status(level="error"):
                                failure = event
                            case TurnEnd(id_) | TurnAbandoned(id_) if id_ == turn_id:
                                break
            except TimeoutError:
                is_late = True
        if is_late and not text:
            raise self._too_late("answering", _SAY_S)
        return Outcome(Verdict.NOW, text, occasion, None if text else failure)

    def _too_late(self, what: str, seconds: float) -> ModelTimeoutError:
        label = self._models.label
        return ModelTimeoutError(what, model=label.model, provider=label.provider, seconds=round(seconds))

    def _request(self, manager: SessionManager, occasion: Occasion) -> SpeakRequest:
        say, kind = phrases(manager.language), occasion.kind
        names = {"character": manager.character, "master": self._cards.master_name}
        params = {"key": occasion.key, "text": occasion.text, "link": occasion.link, "source": occasion.source}
        remark = Remark(f"{REMARK}{kind.value}", {name: value for name, value in params.items() if value})
        received = asyncio.get_running_loop().time()
        if not self._answers_by_model:
            words = say[f"first_words_{kind.value}"].format(**names, text=occasion.text)
            return SpeakRequest(received, words=words, remark=remark)
        outside = kind in _OUTSIDE
        text = marked(occasion.source or kind.value, occasion.text) if outside else occasion.text
        topic = say[f"first_topic_{kind.value}"].format(**names, text=text, source=occasion.source)
        return SpeakRequest(received, say["first_say"].format(**names, topic=topic), remark=remark, outside=outside)


def chosen(answer: str, topics: Sequence[Occasion]) -> Occasion | None:
    """The topic that a model named by its number; None where it named none, or says that nothing is worth it."""
    if _PASSES.search(answer) or answer.strip(" .!*[]\"'\n").casefold() == "pass":
        return None
    numbers = (int(found[0]) for found in _NUMBER.finditer(answer))
    number = next((one for one in numbers if 1 <= one <= len(topics)), 0)
    return topics[number - 1] if number else None


def _read(lines: Sequence[Line]) -> _Known:
    """What the log tells of it: lines in the order of time."""
    record, spoke = Record(), None
    for line in lines:
        if line.role == "user":
            record, spoke = record.answered(), line.at
        elif line.remark and line.remark.code.startswith(REMARK):
            record = record.spoke(str(line.remark.params.get("key", "")), line.at)
    return _Known(record, spoke, lines[-1].at if lines else None)


def _line(text: str, most: int = _LONGEST) -> str:
    return " ".join(visible(text).split())[:most]
