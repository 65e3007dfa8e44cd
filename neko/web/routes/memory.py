"""Talk from elsewhere into a memory, questions to it, and forgetting: for programs, by the ids that they give.

A ``conversation`` is a character. Its lines keep who said them, when and the id of whoever sent them.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection
from typing import Annotated, Any, Final, Literal

from pydantic import (
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from neko.app.earlier_talk import character_of, roles_of
from neko.app.traces import holding_all
from neko.errors import CharacterError, NekoError
from neko.i18n import describe, sentence
from neko.memory import written_times
from neko.memory.line_codec import local_naive
from neko.memory.service import MemoryService
from neko.tasks import in_thread
from neko.types.lines import UNKNOWN_TIME, Line, NewLine, Role
from neko.types.memory import InChats, Reason
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError, failure_of
from neko.web.request_language import request_language
from neko.web.routes.history import CharacterPath, known, manager_of, said_of_index
from neko.web.schemas import Empty, Schema, Success
from neko.well_formed import is_blank, well_formed

MOST_BYTES = 64 * 1024 * 1024
"""Of lines in one call, some hundreds of thousands."""
_SEARCH_S = 10.0
_LATEST = 200
"""Lines that tell who is who in a memory."""
_MOST_FORGOTTEN = 1_000
_MOST_FACTS = 10
_LOOKED_S = 10.0
_MOST_LOOKED_FOR = 20
_TELLING = 12
"""Characters of a line that is looked for in files: a shorter one stands in many."""
_NUMBER: Final = re.compile(r"(?:line:)?([0-9]{1,18})")
"""What a line that was said here is called."""
_TIME_UNREADABLE: Final = (
    'this is no time that can be told: write "2023-05-08T13:56:00+02:00" (ISO 8601), "1:56 pm on 8 May, 2023" or the '
    "seconds since 1970"
)


def _read(value: Any, read: ValidatorFunctionWrapHandler) -> datetime.datetime:
    try:
        moment: datetime.datetime | None = read(value)
    except ValidationError:
        moment = written_times.read(value) if isinstance(value, str) else None
    if moment is None:
        raise ValueError(_TIME_UNREADABLE)
    try:
        local_naive(moment).astimezone(datetime.UTC)
    except (OverflowError, ValueError, OSError):
        raise ValueError("no clock shows this time") from None
    return moment


Moment = Annotated[datetime.datetime, WrapValidator(_read)]
"""ISO 8601, Unix seconds or what ``written_times`` reads; without an offset it is local time."""
TurnId = Annotated[str, Field(min_length=1, max_length=200)]
Conversation = Annotated[str, Field(min_length=1, max_length=200)]
_MOST_FOUND = 200


class Liberal(Schema):
    """Takes a number where a name or an id is text, as programs count their lines."""

    model_config = ConfigDict(coerce_numbers_to_str=True)


class Turn(Liberal):
    """One thing said. ``id`` is the sender's: the same one again in a conversation changes nothing. ``role`` tells
    who the companion is where the names of the speakers do not. ``ts``: ISO 8601, Unix seconds, or a date with a time
    as people write them ("1:56 pm on 8 May, 2023"); without an offset it is local time."""

    conversation: Conversation
    id: TurnId
    session: str = Field("", max_length=200)
    ts: Moment
    speaker: str = Field(min_length=1, max_length=200)
    text: str = Field(max_length=200_000)
    role: Role | None = None


class Turns(Schema):
    """One turn, or many as ``turns``."""

    turns: list[Turn] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return value if not isinstance(value, dict) or "turns" in value else {"turns": [value]}


class Refused(Schema):
    """Lines of a conversation that were not stored, by their ids. ``code`` and ``error`` say why: "blank_line" for
    those of which nothing is seen, "id_taken" where other words are known under this id, which stay, else what keeps
    the conversation out."""

    conversation: str
    ids: list[str]
    code: str
    error: str


class Kept(Success):
    """``stored`` lines are new, ``known`` ones were there; with the ids of ``refused`` those are all that came.
    ``characters``: in whose memory each conversation is. Facts and memos follow in the background once no more comes;
    ``/api/memory_browser/{character}/work`` tells how far."""

    stored: int
    known: int
    characters: dict[str, str]
    refused: list[Refused]


@post(
    "/api/memory/turns",
    body=Turns,
    body_limit=MOST_BYTES,
    response=Kept,
    summary="Put what was said elsewhere into a memory, also while she is off the record. All lines of a "
    "conversation that are not blank are stored at once, or none is. Of several conversations each stands for itself: "
    "the answer tells in refused what was not stored. What is no turn keeps out all of its call",
    failures={400: "None of the conversations can have a character of its name."},
)
async def turns(call: Call[Turns, Empty, Empty]) -> Kept:
    by_conversation: dict[str, list[Turn]] = {}
    for turn in call.body.turns:
        by_conversation.setdefault(turn.conversation, []).append(turn)
    failures: list[NekoError] = []
    kept = Kept(stored=0, known=0, characters={}, refused=[])
    nothing_seen = HTTPError(400, "blank_line", "Nothing can be seen of this line.")
    other_words = HTTPError(409, "id_taken", "Other words are known under this id; they stay.")
    for conversation, said in by_conversation.items():
        blank = [turn.id for turn in said if is_blank(turn.text)]
        try:
            if len(blank) == len(said):
                raise nothing_seen
            others = await _store(call, conversation, [turn for turn in said if not is_blank(turn.text)], kept)
        except NekoError as error:
            failures.append(error)
            kept.refused.append(await _refused(call, conversation, [turn.id for turn in said], error))
        else:
            for ids, why in ((blank, nothing_seen), (others, other_words)):
                kept.refused += [await _refused(call, conversation, ids, why)] if ids else []
    if len(failures) == len(by_conversation):
        raise failures[0]
    return kept


async def _store(call: Call[Turns, Empty, Empty], conversation: str, said: list[Turn], kept: Kept) -> list[str]:
    """Store what was said in a conversation, and count it as ``kept``; the ids under which other words are known."""
    character = await _made(call, conversation)
    latest = await call.neko.memory.lines(character, limit=_LATEST, chat=InChats.ALL)
    before: dict[str, Role] = {line.speaker: line.role for line in latest}
    lines = await in_thread(_lines, said, conversation, call.neko.characters.cards.master_name, before)
    stored = await call.neko.memory.store_many(character, lines)
    fresh = sum(one.fresh for one in stored)
    known = [(line, one.line) for line, one in zip(lines, stored, strict=True) if not one.fresh]
    others = [line.turn_id for line, earlier in known if line.text != earlier.text]
    kept.stored, kept.known = kept.stored + fresh, kept.known + len(known) - len(others)
    kept.characters[conversation] = character
    return others


async def _refused(call: Call[Turns, Empty, Empty], conversation: str, ids: list[str], error: NekoError) -> Refused:
    failure = await failure_of(error, request_language(call.request, call.neko))
    return Refused(conversation=conversation, ids=ids, code=failure.code, error=failure.error)


def _lines(said: list[Turn], conversation: str, master: str, before: dict[str, Role]) -> list[NewLine]:
    roles = roles_of((turn.speaker for turn in said), conversation, master, before)
    lines = [
        NewLine(
            session_id=turn.session,
            turn_id=turn.id,
            role=turn.role or roles[turn.speaker],
            text=turn.text,
            at=local_naive(turn.ts),
            client_id=turn.id,
            speaker=turn.speaker,
        )
        for turn in said
    ]
    return sorted(lines, key=lambda line: line.at)


async def _made(call: Call[Any, Any, Any], conversation: str) -> str:
    characters = call.neko.characters
    while (name := character_of(conversation, characters.names)) not in characters.names:
        try:
            await characters.create(name, {})
        except CharacterError:
            if name == character_of(conversation, characters.names) and name not in characters.names:
                raise  # else somebody else was faster, with this name or one that looks like it
    return name


class Question(Liberal):
    """``k``: how many lines at most, of 200. ``now``: when it is asked, this moment by default."""

    conversation: Conversation
    query: str = Field(max_length=20_000)
    k: int = Field(10, ge=1)
    now: Moment | None = None


class Result(Schema):
    """``id`` is the sender's id of the line; for one that was said here, its number, as "2", or as "line:2"
    where a sender gave "2" to another. ``ts`` is ISO 8601, "" where nobody knows it. ``reason`` is a sentence for the
    user, in their language."""

    id: str
    session: str
    ts: str
    speaker: str
    role: Role
    text: str
    score: float
    reason: str


class KnownShape(Schema):
    """Something that is known of ``subject`` ("user", "character" or a name); true since ``since``, until ``until`` if
    that is told (ISO 8601). ``ids`` are those of the lines that say so, none where it was written by hand."""

    subject: str
    attribute: str
    value: str
    since: str
    until: str | None
    ids: list[str]


class Results(Success):
    """The best first. ``facts`` that bear on it stand beside them, and change nothing of their order. ``incomplete``
    says in a sentence that not all could be searched yet; empty when all was."""

    ids: list[str]
    results: list[Result]
    facts: list[KnownShape]
    incomplete: str


@post(
    "/api/memory/search",
    body=Question,
    response=Results,
    summary="The lines that bear on a question, and the facts that do",
    failures={404: "There is no such conversation."},
)
async def search(call: Call[Question, Empty, Empty]) -> Results:
    return await call.neko.characters.steadily(lambda: _found(call))


async def _found(call: Call[Question, Empty, Empty]) -> Results:
    character, body, memory = _known(call, call.body.conversation), call.body, call.neko.memory
    now = local_naive(body.now) if body.now else None
    language = request_language(call.request, call.neko)
    limit = min(body.k, _MOST_FOUND)
    found = await memory.recall(character, body.query, limit=limit, now=now, timeout_s=_SEARCH_S, is_search=True)
    incomplete = await said_of_index(call, character)
    lines = {line.id: line for line in await memory.named_lines(character, [one.sources[0] for one in found])}
    ids = await _ids(memory, character, lines.values())
    results = [
        Result(
            id=ids[line.id],
            session=line.session_id,
            ts="" if line.at == UNKNOWN_TIME else line.at.astimezone().isoformat(),
            speaker=line.speaker,
            role=line.role,
            text=line.text,
            score=one.score,
            reason=_reason(one.reason, language),
        )
        for one in found
        if (line := lines.get(one.sources[0]))
    ]
    ids_found, facts = [result.id for result in results], await _facts(call, character)
    return Results(ids=ids_found, results=results, facts=facts, incomplete=incomplete)


def _reason(reason: Reason, language: str) -> str:
    return sentence(f"recalled.{reason.because.value}", language).format(words=", ".join(reason.words))


async def _facts(call: Call[Question, Empty, Empty], character: str) -> list[KnownShape]:
    memory = call.neko.memory
    found = await (await memory.fact_book(character)).about(call.body.query, limit=_MOST_FACTS)
    said = await memory.named_lines(character, [line for fact in found for line in fact.sources])
    ids = await _ids(memory, character, said)
    return [
        KnownShape(
            subject=fact.subject,
            attribute=fact.attribute,
            value=fact.value,
            since=fact.valid_from.astimezone().isoformat(),
            until=fact.valid_to.astimezone().isoformat() if fact.valid_to else None,
            ids=[ids[line] for line in fact.sources if line in ids],
        )
        for fact in found
    ]


class ToForget(Liberal):
    """``ids`` as the sender gave them, or as ``search`` tells them; or ``text``: all that holds all of its words, each
    whole, lines and what was made of them."""

    conversation: Conversation
    ids: list[TurnId] = Field([], max_length=_MOST_FORGOTTEN)
    text: str = Field("", max_length=1_000)

    @model_validator(mode="after")
    def _says_what(self) -> ToForget:
        if not self.ids and not self.text.strip():
            raise ValueError("either ids or text must say what to forget")
        return self


class Layers(Schema):
    """How much less each holds: entries of the recent window, lines, summaries, lines that recall finds."""

    recent: int
    original: int
    compressed: int
    semantic: int


class Forgotten(Success):
    """``ids`` of the lines that are gone. Memos and summaries that may hold their words went with them.

    ``kept``: the files below the data folder in which the same words still stand, as they are no part of this memory or
    are kept on purpose: cards, other characters' talks, backups that the user made, lines that say it too and were not
    named. Looked for are all words of ``text``, or a line's whole words where ``ids`` were given and they are longer
    than a greeting, twenty lines at most. ``all_looked_through``: false when there was more than that or than can be
    looked through in ten seconds, or somebody still reads what is deleted.
    """

    ids: list[str]
    layers: Layers
    kept: list[str]
    all_looked_through: bool


@post(
    "/api/memory/forget",
    body=ToForget,
    response=Forgotten,
    summary="Forget lines in every layer, for good",
    failures={404: "There is no such conversation."},
)
async def forget(call: Call[ToForget, Empty, Empty]) -> Forgotten:
    return await call.neko.characters.steadily(lambda: _forgotten(call))


async def _forgotten(call: Call[ToForget, Empty, Empty]) -> Forgotten:
    character, body, memory = _known(call, call.body.conversation), call.body, call.neko.memory
    lines = await memory.of_clients(character, body.ids)
    given = {line.client_id for line in lines}
    numbers = [int(match[1]) for one in body.ids if one not in given and (match := _NUMBER.fullmatch(one))]
    lines += [line for line in await memory.named_lines(character, numbers) if line.client_id is None]
    lines += await memory.named_lines(character, await memory.every_line(character, body.text))
    ids = await _ids(memory, character, lines)
    before = await memory.layer_sizes(character)
    manager = manager_of(call, character)
    gone = await manager.edits.delete_lines(sorted(ids)) if ids else []
    if await memory.forget_beside(character, body.text):
        manager.begin_anew()
    after = await memory.layer_sizes(character)
    less = {name: max(getattr(before, name) - getattr(after, name), 0) for name in Layers.model_fields}
    named = [[line.text] for line in lines if body.ids and len(line.text) >= _TELLING]
    wanted = [[well_formed(word) for word in words] for words in (body.text.split(), *named[:_MOST_LOOKED_FOR])]
    is_gone = await memory.rid_of_deleted(character)
    kept = await holding_all(call.neko.folder.path, wanted, _LOOKED_S)
    return Forgotten(
        ids=[ids.get(one, str(one)) for one in gone],
        layers=Layers(**less),
        kept=list(kept.found),
        all_looked_through=is_gone and kept.done == kept.total and len(named) <= _MOST_LOOKED_FOR,
    )


async def _ids(memory: MemoryService, character: str, lines: Collection[Line]) -> dict[int, str]:
    """What the lines are called, by their numbers: a number that a sender gave to a line is that line's alone."""
    ids = {line.id: line.client_id or str(line.id) for line in lines}
    ours = [str(line.id) for line in lines if not line.client_id]
    given = {line.client_id for line in await memory.of_clients(character, ours)}
    return ids | {int(one): f"line:{one}" for one in ours if one in given}


def _known(call: Call[Any, Any, Any], conversation: str) -> str:
    name = character_of(conversation, call.neko.characters.names)
    if name not in call.neko.characters.names:
        raise HTTPError(404, "character", "There is no character of this name.", name=conversation)
    return name


class MeaningState(Schema):
    """``done`` of ``total`` lines are found by their meaning, by ``model``, "" for none. ``state``: "off" without a
    model, "waiting" for what ``error`` and ``remedy`` tell to be over."""

    state: Literal["off", "working", "paused", "waiting", "done"]
    model: str
    done: int
    total: int
    error: str = ""
    remedy: str = ""


@get(
    "/api/memory/{character}/meaning",
    path=CharacterPath,
    response=MeaningState,
    summary="How many lines are found by their meaning, too",
    failures={404: "There is no such character."},
)
async def meaning(call: Call[Empty, Empty, CharacterPath]) -> MeaningState:
    return await meaning_state(call)


async def meaning_state(call: Call[Any, Empty, CharacterPath]) -> MeaningState:
    """How far the lines of the character in the path are embedded."""
    at = await call.neko.memory.meaning(known(call, call.path.character))
    notice = describe(at.error, request_language(call.request, call.neko)) if at.error else None
    return MeaningState(
        state=at.state,
        model=at.model,
        done=at.done,
        total=at.total,
        error=notice.text if notice else "",
        remedy=notice.remedy if notice else "",
    )


ENDPOINTS = (turns, search, forget, meaning)
