"""What the page ``/memory_browser`` asks: all that a character remembers, day by day, and changes of it by hand."""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

from pydantic import Field
from starlette.responses import Response, StreamingResponse

from neko.app.traces import Traces, traces_of
from neko.memory.words import pieces
from neko.tasks import in_thread
from neko.types.memory import Because, ChangeKind, Memo
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.routes.history import CharacterPath, Deleted, LineShape, known, line_shape, manager_of
from neko.web.schemas import Empty, Id, Schema, Success
from neko.well_formed import well_formed

LONGEST_LINE = 20_000
"""Characters, as of what is typed in a chat."""
LONGEST_MEMO = 2_000
_NEAR_S = 2.0
MOST_LINES = 1_000
"""Lines that are forgotten, or shown, in one call."""
_NO_CHARACTER = "There is no character of this name."


class DayShape(Schema):
    """``date`` is ISO 8601, by the clock of then."""

    date: str
    lines: int


class Days(Schema):
    """The oldest first; days of which there are no lines are left out."""

    days: list[DayShape]


@get(
    "/api/memory_browser/{character}/days",
    path=CharacterPath,
    response=Days,
    summary="How many lines there are of each day",
    failures={404: _NO_CHARACTER},
)
async def days(call: Call[Empty, Empty, CharacterPath]) -> Days:
    found = await call.neko.memory.days(known(call, call.path.character))
    return Days(days=[DayShape(date=day.date.isoformat(), lines=day.lines) for day in found])


class DayQuery(Schema):
    """``after``: an exclusive line id."""

    date: datetime.date
    after: Id = 0
    limit: int = Field(100, ge=1, le=500)


class LinesShape(Schema):
    """Oldest first."""

    lines: list[LineShape]
    has_more: bool = False


@get(
    "/api/memory_browser/{character}/day",
    path=CharacterPath,
    query=DayQuery,
    response=LinesShape,
    summary="A page of the lines of one day",
    failures={404: _NO_CHARACTER},
)
async def day(call: Call[Empty, DayQuery, CharacterPath]) -> LinesShape:
    character, query = known(call, call.path.character), call.query
    found = await call.neko.memory.day(character, query.date, after=query.after, limit=query.limit + 1)
    return LinesShape(
        lines=[line_shape(line, character) for line in found[: query.limit]], has_more=len(found) > query.limit
    )


class LinesQuery(Schema):
    ids: list[Id] = Field(min_length=1, max_length=MOST_LINES)


@get(
    "/api/memory_browser/{character}/lines",
    path=CharacterPath,
    query=LinesQuery,
    response=LinesShape,
    summary="The lines with these ids that are there",
    failures={404: _NO_CHARACTER},
)
async def lines(call: Call[Empty, LinesQuery, CharacterPath]) -> LinesShape:
    found = await call.neko.memory.named_lines(known(call, call.path.character), call.query.ids)
    return LinesShape(lines=[line_shape(line, call.path.character) for line in found])


class MemosQuery(Schema):
    """``before``: an exclusive id of a memo."""

    q: str = Field("", max_length=200)
    before: Id | None = None
    limit: int = Field(30, ge=1, le=200)


class MemoShape(Schema):
    """``at`` is local time; ``sources`` are ids of lines. A ``pinned`` one stands in every memo."""

    id: int
    text: str
    at: str
    sources: list[int]
    pinned: bool


class Memos(Schema):
    """Newest first."""

    memos: list[MemoShape]
    has_more: bool


@get(
    "/api/memory_browser/{character}/memos",
    path=CharacterPath,
    query=MemosQuery,
    response=Memos,
    summary="The summaries that hold all of these words, newest first",
    failures={404: _NO_CHARACTER},
)
async def memos(call: Call[Empty, MemosQuery, CharacterPath]) -> Memos:
    query = call.query
    found = await call.neko.memory.memos(
        known(call, call.path.character), well_formed(query.q), before=query.before, limit=query.limit + 1
    )
    return Memos(memos=[memo_shape(memo) for memo in found[: query.limit]], has_more=len(found) > query.limit)


class NearQuery(Schema):
    q: str = Field("", max_length=200)
    limit: int = Field(12, ge=1, le=50)


class Piece(Schema):
    """A piece of a text; ``hit``: a word that was looked for, in whichever form."""

    text: str
    hit: bool


class NearLine(Schema):
    """``pieces`` together are the text of the line."""

    line: LineShape
    pieces: list[Piece]


class NearLines(Schema):
    """The best first."""

    lines: list[NearLine]


@get(
    "/api/memory_browser/{character}/near",
    path=CharacterPath,
    query=NearQuery,
    response=NearLines,
    summary="The lines that recall finds for these words: in other forms, by their meaning, by when they were said; "
    "not those that were said beside them",
    failures={404: _NO_CHARACTER},
)
async def near(call: Call[Empty, NearQuery, CharacterPath]) -> NearLines:
    character, words, memory = known(call, call.path.character), well_formed(call.query.q), call.neko.memory
    recalled = await memory.recall(character, words, limit=call.query.limit, timeout_s=_NEAR_S, is_search=True)
    found = [one for one in recalled if one.reason.because is not Because.BESIDE]
    lines = {line.id: line for line in await memory.named_lines(character, [one.sources[0] for one in found])}
    best = [line for one in found if (line := lines.get(one.sources[0]))]
    cut = await in_thread(lambda: [pieces(line.text, words) for line in best])
    return NearLines(
        lines=[
            NearLine(line=line_shape(line, character), pieces=[Piece(text=text, hit=hit) for text, hit in parts])
            for line, parts in zip(best, cut, strict=True)
        ]
    )


class LineText(Schema):
    id: Id
    text: str = Field(min_length=1, max_length=LONGEST_LINE)


class Corrected(Success):
    line: LineShape


@post(
    "/api/memory_browser/{character}/line",
    path=CharacterPath,
    body=LineText,
    response=Corrected,
    summary="Give a line other words; memos that may hold the old ones go, and a session that runs begins anew",
    failures={404: "There is no character of this name, or no such line."},
)
async def correct_line(call: Call[LineText, Empty, CharacterPath]) -> Corrected:
    manager = manager_of(call, call.path.character)
    line = await manager.edits.correct_line(call.body.id, call.body.text)
    if line is None:
        raise HTTPError(404, "no_line", "There is no such line.")
    return Corrected(line=line_shape(line, call.path.character))


class MemoText(Schema):
    id: Id
    text: str = Field(min_length=1, max_length=LONGEST_MEMO)


class MemoRewritten(Success):
    memo: MemoShape


@post(
    "/api/memory_browser/{character}/memo",
    path=CharacterPath,
    body=MemoText,
    response=MemoRewritten,
    summary="Give a summary other words, also where she begins the next session with it",
    failures={404: "There is no character of this name, or no such summary."},
)
async def rewrite_memo(call: Call[MemoText, Empty, CharacterPath]) -> MemoRewritten:
    character, body = known(call, call.path.character), call.body
    memo = await call.neko.memory.rewrite_memo(character, body.id, body.text)
    if memo is None:
        raise HTTPError(404, "no_memo", "There is no such summary.")
    return MemoRewritten(memo=memo_shape(memo))


class LineIds(Schema):
    ids: list[Id] = Field(min_length=1, max_length=MOST_LINES)


@post(
    "/api/memory_browser/{character}/forget",
    path=CharacterPath,
    body=LineIds,
    response=Deleted,
    summary="Forget lines in every layer; ``undo`` brings them back, for half a minute",
    failures={404: _NO_CHARACTER},
)
async def forget(call: Call[LineIds, Empty, CharacterPath]) -> Deleted:
    manager = manager_of(call, call.path.character)
    return Deleted(ids=await manager.edits.delete_lines(call.body.ids, may_be_undone=True))


class Restored(Success):
    lines: list[LineShape]


@post(
    "/api/memory_browser/{character}/undo",
    path=CharacterPath,
    response=Restored,
    summary="Bring back the lines that were forgotten last",
    failures={404: _NO_CHARACTER, 409: "It is too late."},
)
async def undo(call: Call[Empty, Empty, CharacterPath]) -> Restored:
    restored = await manager_of(call, call.path.character).edits.undo_deletion()
    if not restored:
        raise HTTPError(409, "undo_too_late", "This cannot be undone any more.")
    return Restored(lines=[line_shape(line, call.path.character) for line in restored])


class Cleared(Success):
    """How many lines were forgotten."""

    lines: int


@post(
    "/api/memory_browser/{character}/clear",
    path=CharacterPath,
    response=Cleared,
    summary="Forget everything, for good: all lines and all that was made of them, backups and pictures too, and what "
    "is still kept of a deleted character of this name",
    failures={404: _NO_CHARACTER},
)
async def clear(call: Call[Empty, Empty, CharacterPath]) -> Cleared:
    return Cleared(lines=await call.neko.characters.clear_memory(known(call, call.path.character)))


class ChangeShape(Schema):
    """``at`` is ISO 8601 with its offset; ``lines`` is how many lines, summaries or facts it was."""

    at: str
    kind: ChangeKind
    lines: int
    number: int


class Changes(Schema):
    """Newest first, without the words. ``can_undo_review``: what the last review changed still stands as it left it."""

    changes: list[ChangeShape]
    can_undo_review: bool


@get(
    "/api/memory_browser/{character}/changes",
    path=CharacterPath,
    response=Changes,
    summary="What was changed by hand, and when",
    failures={404: _NO_CHARACTER},
)
async def changes(call: Call[Empty, Empty, CharacterPath]) -> Changes:
    character, memory = known(call, call.path.character), call.neko.memory
    found = await memory.changes(character)
    shapes = [ChangeShape(at=one.at.isoformat(), kind=one.kind, lines=one.lines, number=one.number) for one in found]
    return Changes(changes=shapes, can_undo_review=await memory.can_undo_review(character))


@post(
    "/api/memory_browser/{character}/undo_review",
    path=CharacterPath,
    response=Success,
    summary="Put back what the last review of the recent lines changed",
    failures={404: _NO_CHARACTER, 409: "It is too late."},
)
async def undo_review(call: Call[Empty, Empty, CharacterPath]) -> Success:
    if not await call.neko.memory.undo_review(known(call, call.path.character)):
        raise HTTPError(409, "undo_too_late", "This cannot be undone any more.")
    return Success()


class WordsToLookFor(Schema):
    words: list[Annotated[str, Field(min_length=1, max_length=LONGEST_LINE)]] = Field(min_length=1, max_length=20)


@post(
    "/api/memory_browser/{character}/traces",
    path=CharacterPath,
    body=WordsToLookFor,
    response=Empty,
    produces="application/x-ndjson",
    summary="Look for words in the bytes of every file of the data folder, once what was deleted is gone from them: "
    "lines of JSON as it goes on, the last of which is the answer",
    failures={404: _NO_CHARACTER},
)
async def traces(call: Call[WordsToLookFor, Empty, CharacterPath]) -> Response:
    await call.neko.memory.rid_of_deleted(known(call, call.path.character))
    steps = traces_of(call.neko.folder.path, [well_formed(word) for word in call.body.words])
    return StreamingResponse(_as_lines(steps), media_type="application/x-ndjson")


async def _as_lines(steps: AsyncIterator[Traces]) -> AsyncIterator[str]:
    async for step in steps:
        yield json.dumps(asdict(step)) + "\n"


class OffRecordSwitch(Schema):
    on: bool


@post(
    "/api/memory_browser/{character}/off_record",
    path=CharacterPath,
    body=OffRecordSwitch,
    response=Success,
    summary="Keep nothing of what is said from now on, or keep it again; what a running session knows it knows",
    failures={404: _NO_CHARACTER},
)
async def off_record(call: Call[OffRecordSwitch, Empty, CharacterPath]) -> Success:
    manager_of(call, call.path.character).keep_nothing(call.body.on)
    return Success()


def memo_shape(memo: Memo) -> MemoShape:
    """A summary as the calls answer it."""
    return MemoShape(id=memo.id, text=memo.text, at=memo.at, sources=list(memo.sources), pinned=memo.pinned)


ENDPOINTS = (
    days,
    day,
    lines,
    memos,
    near,
    correct_line,
    rewrite_memo,
    forget,
    undo,
    clear,
    changes,
    undo_review,
    traces,
    off_record,
)
