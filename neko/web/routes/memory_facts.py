"""What a character knows of people, as the page ``/memory_browser`` shows it and has it changed by hand."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from neko.memory.fact_book import Changed, FactBook
from neko.memory.line_codec import local_naive
from neko.memory_files import settings_name
from neko.types.lines import UNKNOWN_TIME
from neko.types.memory import Fact
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.routes.history import CharacterPath, known, manager_of
from neko.web.schemas import Empty, Id, Schema, Success
from neko.well_formed import well_formed

MOST_FACTS = 200
"""That are merged or forgotten in one call."""
_NO_CHARACTER = "There is no character of this name."
_NO_FACT = "There is no character of this name, or no such fact."


def _one_line(text: str) -> str:
    bare = " ".join(well_formed(text).split())
    if not bare:
        raise ValueError("must not be empty")
    return bare


Name = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_one_line)]
Value = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]


class FactShape(Schema):
    """``subject`` is ``user``, ``character`` or a name; it is so since ``since``, until ``until`` if that is told (ISO
    8601, local time; "" where nobody knows); ``sources`` are the ids of the lines that say so; ``by_hand``: the user
    wrote it themselves."""

    id: int
    subject: str
    attribute: str
    value: str
    since: str
    until: str | None
    sources: list[int]
    by_hand: bool
    pinned: bool


class GivenShape(Schema):
    """Something that a card, or the file of what N.E.K.O. extracted, says of the user or of the character."""

    subject: Literal["user", "character"]
    attribute: str
    value: str


class FactsQuery(Schema):
    """``at``: what was true at the end of that day. ``q``: what holds all of these words, also what was so before."""

    at: datetime.date | None = None
    q: str = Field("", max_length=200)


class FactsShape(Schema):
    """The newest last. ``given`` is what is known besides, as it is now: the user's card, and of both what stands in
    ``file``."""

    facts: list[FactShape]
    given: list[GivenShape]
    file: str


@get(
    "/api/memory_browser/{character}/facts",
    path=CharacterPath,
    query=FactsQuery,
    response=FactsShape,
    summary="What is known of the user, the character and others, as it is now or was on a day",
    failures={404: _NO_CHARACTER},
)
async def facts(call: Call[Empty, FactsQuery, CharacterPath]) -> FactsShape:
    day, words = call.query.at, well_formed(call.query.q)
    book = await _book(call)
    if words.strip():
        found = await book.find(words)
    else:
        found = await book.facts(datetime.datetime.combine(day, datetime.time.max) if day else None)
    character = call.path.character
    given = [] if day or words.strip() else await _given(call)
    return FactsShape(facts=[_shape(one) for one in found], given=given, file=settings_name(character))


async def _given(call: Call[Any, Any, CharacterPath]) -> list[GivenShape]:
    character, extracted = call.path.character, call.neko.extracted
    await extracted.read(character)
    hers, users = extracted.of(character)
    on_card = call.neko.characters.cards.traits(character)
    told = [GivenShape(subject="user", attribute=name, value=value) for name, value in users.items()]
    of_her = [(name, value) for name, value in hers.items() if name not in on_card]
    return [*told, *(GivenShape(subject="character", attribute=name, value=value) for name, value in of_her)]


class Kept(Success):
    """``change`` is for ``undo``, for half a minute."""

    fact: FactShape | None
    change: int


class FactToAdd(Schema):
    """``since``: this moment by default."""

    subject: Name
    attribute: Name
    value: Value
    since: datetime.datetime | None = None


@post(
    "/api/memory_browser/{character}/facts/add",
    path=CharacterPath,
    body=FactToAdd,
    response=Kept,
    summary="Have something known that nobody said",
    failures={404: _NO_CHARACTER},
)
async def add(call: Call[FactToAdd, Empty, CharacterPath]) -> Kept:
    body, book = call.body, await _book(call)
    since = _local(body.since) if body.since else datetime.datetime.now()
    return _kept(call, await book.add(body.subject, body.attribute, body.value, since))


class FactEdit(Schema):
    """What is left out stays; ``until`` is null for what is still so."""

    id: Id
    subject: Name | None = None
    attribute: Name | None = None
    value: Value | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None


@post(
    "/api/memory_browser/{character}/facts/edit",
    path=CharacterPath,
    body=FactEdit,
    response=Kept,
    summary="Set a fact right",
    failures={400: "It would end before it began.", 404: _NO_FACT},
)
async def edit(call: Call[FactEdit, Empty, CharacterPath]) -> Kept:
    book = await _book(call)
    given = call.body.model_dump(exclude_unset=True)
    new = {name: given[name] for name in ("subject", "attribute", "value") if given.get(name)}
    fact = next((one for one in await book.history() if one.id == call.body.id), None)
    if fact is None:
        raise HTTPError(404, "no_fact", "There is no such fact.")
    fact = replace(fact, **new)
    if call.body.since:
        fact = replace(fact, valid_from=_local(call.body.since))
    if "until" in given:
        fact = replace(fact, valid_to=_local(call.body.until) if call.body.until else None)
    if fact.valid_to and fact.valid_to < fact.valid_from:
        raise HTTPError(400, "ends_before_it_begins", "It would end before it began.")
    return _kept(call, await book.edit(fact))


class FactPin(Schema):
    id: Id
    on: bool


@post(
    "/api/memory_browser/{character}/facts/pin",
    path=CharacterPath,
    body=FactPin,
    response=Kept,
    summary="Have a fact stand in every prompt, closed by nothing that is learnt, or not any more",
    failures={404: _NO_FACT},
)
async def pin(call: Call[FactPin, Empty, CharacterPath]) -> Kept:
    return _kept(call, await (await _book(call)).pin(call.body.id, on=call.body.on))


class FactMerge(Schema):
    """``into`` is the one that stays, with the lines of all."""

    into: Id
    ids: list[Id] = Field(min_length=1, max_length=MOST_FACTS)


@post(
    "/api/memory_browser/{character}/facts/merge",
    path=CharacterPath,
    body=FactMerge,
    response=Kept,
    summary="Have one fact stand for several that say the same",
    failures={404: _NO_FACT},
)
async def merge(call: Call[FactMerge, Empty, CharacterPath]) -> Kept:
    return _kept(call, await (await _book(call)).merge(call.body.into, call.body.ids))


class FactsToForget(Schema):
    """``lines``: with the lines that say so, as ``forget`` of lines does it."""

    ids: list[Id] = Field(min_length=1, max_length=MOST_FACTS)
    lines: bool = False


class FactsForgotten(Kept):
    """``lines`` are the ids of lines that went with it; they come back by the ``undo`` of lines."""

    lines: list[int]


@post(
    "/api/memory_browser/{character}/facts/forget",
    path=CharacterPath,
    body=FactsToForget,
    response=FactsForgotten,
    summary="Forget facts, alone or with what was said",
    failures={404: _NO_FACT},
)
async def forget(call: Call[FactsToForget, Empty, CharacterPath]) -> FactsForgotten:
    body, book = call.body, await _book(call)
    lines = {line for one in await book.history() if body.lines and one.id in body.ids for line in one.sources}
    kept = _kept(call, await book.forget(body.ids))
    manager_of(call, call.path.character).begin_anew()
    edits = manager_of(call, call.path.character).edits
    gone = await edits.delete_lines(sorted(lines), may_be_undone=True) if lines else []
    return FactsForgotten(fact=None, change=kept.change, lines=gone)


class ChangeToUndo(Schema):
    change: Id


@post(
    "/api/memory_browser/{character}/facts/undo",
    path=CharacterPath,
    body=ChangeToUndo,
    response=Success,
    summary="Take a change of facts back",
    failures={404: _NO_CHARACTER, 409: "It is too late."},
)
async def undo(call: Call[ChangeToUndo, Empty, CharacterPath]) -> Success:
    if not await (await _book(call)).undo(call.body.change):
        raise HTTPError(409, "undo_too_late", "This cannot be undone any more.")
    manager_of(call, call.path.character).follow_change()
    return Success()


async def _book(call: Call[Any, Any, CharacterPath]) -> FactBook:
    return await call.neko.memory.fact_book(known(call, call.path.character))


def _kept(call: Call[Any, Any, CharacterPath], changed: Changed | None) -> Kept:
    """The model begins anew with what is known from now on."""
    if changed is None:
        raise HTTPError(404, "no_fact", "There is no such fact.")
    manager_of(call, call.path.character).follow_change()
    return Kept(fact=_shape(changed.fact) if changed.fact else None, change=changed.change)


def _local(moment: datetime.datetime) -> datetime.datetime:
    try:
        naive = local_naive(moment)
        naive.astimezone(datetime.UTC)
    except (OverflowError, ValueError, OSError):
        raise HTTPError(400, "no_such_time", "No clock shows this time.") from None
    return naive


def _shape(fact: Fact) -> FactShape:
    return FactShape(
        id=fact.id,
        subject=fact.subject,
        attribute=fact.attribute,
        value=fact.value,
        since="" if fact.valid_from == UNKNOWN_TIME else fact.valid_from.isoformat(timespec="seconds"),
        until=fact.valid_to.isoformat(timespec="seconds") if fact.valid_to else None,
        sources=list(fact.sources),
        by_hand=fact.by_hand,
        pinned=fact.pinned,
    )


ENDPOINTS = (facts, add, edit, pin, merge, forget, undo)
