"""The entries of an export: what stands in a log as values of JSON, and back.

Nothing that a log tells is left out, so that the log which is made of them exports the same entries. What comes back
may have been written by anybody: it is checked here, and what it refers to by whoever puts it in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, cast, get_args

from neko.memory import facts
from neko.memory.facts import HAND
from neko.memory.line_codec import (
    PICTURE_NAME,
    LoggedLine,
    Message,
    Row,
    content_text,
    entry_time,
    lines_elsewhere,
    local_naive,
    message,
    parse,
    parsed_row,
    remark_of,
    turn_message,
    utc_text,
)
from neko.types.lines import LineStatus, NewLine, Role
from neko.well_formed import well_formed

Entry = dict[str, Any]

LARGEST_ID: Final = 2**53
"""What any program that reads JSON can count."""
_FARTHEST: Final = timedelta(hours=14)
"""That a clock is from UTC."""
_LONGEST_NAME: Final = 1_000
_MOST_IMAGES: Final = 1_000
_LONGEST_PART: Final = {"subject": 200, "attribute": 200, "value": 2_000}


# ── lines ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ExportedLine:
    """A line of an export, by the id and the numbers that it had. ``clock`` is the local time of where it was said,
    ``own_status`` that of a replaced line before."""

    id: int
    line: NewLine
    clock: datetime
    own_status: LineStatus


def line_entry(logged: LoggedLine, stamp: str | None) -> Entry:
    """A line of the log; ``stamp`` is its column ``timestamp``."""
    line = logged.line
    more: Entry = {
        "client_id": line.client_id,
        "replaces": line.replaces,
        "own_status": logged.own_status if line.status == "replaced" else None,
        "pictures": list(line.pictures),
        "remark": {"code": line.remark.code, "params": dict(line.remark.params)} if line.remark else None,
        "recalled": list(line.recalled),
        "recalled_elsewhere": [{"character": one.character, "id": one.id} for one in line.recalled_elsewhere],
        "outside": line.outside or None,
    }
    return {
        "id": line.id,
        "chat": line.chat,
        "at": _clock_text(line.at, stamp),
        "role": line.role,
        "speaker": line.speaker,
        "text": line.text,
        "status": line.status,
        "images": line.images,
        "session": line.session_id,
        "turn": line.turn_id,
        **{name: value for name, value in more.items() if value not in (None, [])},
    }


def _clock_text(at: datetime, stamp: str | None) -> str:
    """A moment with the offset of the clock that the stamp was taken from."""
    moment = at.astimezone(UTC)
    with suppress(ValueError, TypeError):
        clock = datetime.fromisoformat(stamp or "")
        offset = clock - moment.replace(tzinfo=None)
        if abs(offset) <= _FARTHEST and not offset % timedelta(minutes=1):
            return clock.replace(tzinfo=timezone(offset)).isoformat()
    return at.astimezone().isoformat()


def exported_line(entry: Any) -> ExportedLine | None:
    """None for what is no line."""
    if not isinstance(entry, dict) or entry.get("role") not in get_args(Role) or not isinstance(entry.get("text"), str):
        return None
    at = _moment(entry.get("at"))
    if at is None:
        return None
    status = _status(entry.get("status"))
    pictures = tuple(one for one in _list(entry.get("pictures"), str) if PICTURE_NAME.fullmatch(one))
    line = NewLine(
        session_id=_name(entry.get("session")),
        turn_id=_name(entry.get("turn")),
        role=cast("Role", entry["role"]),
        text=well_formed(entry["text"]),
        at=local_naive(at),
        status=status,
        client_id=_name(entry.get("client_id")) or None,
        images=min(_number(entry.get("images")), _MOST_IMAGES),
        replaces=_number(entry.get("replaces")) or None,
        speaker=_name(entry.get("speaker")),
        pictures=pictures,
        remark=remark_of(entry.get("remark")),
        recalled=_ids(entry.get("recalled")),
        recalled_elsewhere=lines_elsewhere(entry.get("recalled_elsewhere")),
        outside=entry.get("outside") is True,
        chat=_number(entry.get("chat")),
    )
    own = _status(entry.get("own_status"))
    return ExportedLine(_number(entry.get("id")), line, at.replace(tzinfo=None), own)


def _status(value: object) -> LineStatus:
    return cast("LineStatus", value) if value in get_args(LineStatus) else "complete"


# ── summaries, and where a session begins ────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ExportedSummary:
    """``at`` is the column ``timestamp``."""

    id: int
    session: str
    text: str
    at: str
    sources: tuple[int, ...]
    pinned: bool


def summary_entry(row: Row) -> Entry:
    """A row of the table of summaries."""
    parsed = parsed_row(row[2] or "")
    pinned = {"pinned": True} if parsed.neko.get("pinned") else {}
    whole = {"id": row[0], "session": row[1] or "", "at": row[3] or "", "text": parsed.text}
    return {**whole, "sources": parsed.sources, **pinned}


def exported_summary(entry: Any) -> ExportedSummary | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        return None
    at = _name(entry.get("at"))
    return ExportedSummary(
        _number(entry.get("id")),
        _name(entry.get("session")),
        well_formed(entry["text"]),
        at if _moment(at) else "",
        _ids(entry.get("sources")),
        entry.get("pinned") is True,
    )


@dataclass(frozen=True, slots=True)
class ExportedRecent:
    """An entry of the recent window: a memo, which is ``id`` the last line it was made from and ``summary``, or a
    line. 0 where it is not known."""

    role: Role
    text: str
    at: datetime | None
    id: int
    summary: int

    def message(self, line_id: int, summary: int) -> Message:
        """As it stands in the window of a log where its line and its summary have these ids."""
        known: Entry = {**({"id": line_id} if line_id else {}), **({"summary": summary} if summary else {})}
        if self.role == "system":
            return message("system", self.text, known)
        if self.at is None:
            return message(self.role, [{"type": "text", "text": self.text}], known)
        return turn_message(self.role, self.text, self.at, {**known, "at": utc_text(self.at)})


def recent_entry(entry: Any) -> Entry | None:
    """An entry of the recent window; None for what is none."""
    parsed = parse(entry)
    if parsed is None:
        return None
    at = entry_time(parsed)
    known = {"id": parsed.neko.get("id"), "summary": parsed.neko.get("summary")}
    return {
        "role": parsed.role,
        "text": parsed.text,
        **({"at": at.astimezone().isoformat()} if at else {}),
        **{name: value for name, value in known.items() if isinstance(value, int)},
    }


def exported_recent(entry: Any) -> ExportedRecent | None:
    if not isinstance(entry, dict) or entry.get("role") not in get_args(Role):
        return None
    text, at = content_text(entry.get("text")), _moment(entry.get("at"))
    if text is None:
        return None
    known = _number(entry.get("id")), _number(entry.get("summary"))
    return ExportedRecent(cast("Role", entry["role"]), well_formed(text), local_naive(at) if at else None, *known)


# ── facts ────────────────────────────────────────────────────────────────────

_RENAMED: Final = {"valid_from": "since", "valid_to": "until", "recorded_at": "recorded"}
_COLUMNS: Final = tuple(facts.COLUMNS.split(", "))


@dataclass(frozen=True, slots=True)
class ExportedFact:
    """``row`` is one of ``facts.COLUMNS``; each of the ``statements`` is the lines that together say it."""

    row: tuple[Any, ...]
    statements: tuple[tuple[int, ...], ...]

    def value(self, column: str) -> Any:
        return self.row[_COLUMNS.index(column)]

    def with_values(self, **values: Any) -> tuple[Any, ...]:
        """The row with other values."""
        return tuple(values.get(column, own) for column, own in zip(_COLUMNS, self.row, strict=True))

    @property
    def by_hand(self) -> bool:
        return any(HAND in lines for lines in self.statements)


def fact_entry(row: Sequence[Any], sources: Iterable[tuple[int, int, int]]) -> Entry:
    """A row of ``facts.COLUMNS`` with those of its sources."""
    statements: dict[int, list[int]] = {}
    for _, statement, line in sorted(sources):
        statements.setdefault(statement, []).append(line)
    values = dict(zip(_COLUMNS, row, strict=True))
    lines = sorted({line for said in statements.values() for line in said} - {HAND})
    return {
        **{_RENAMED.get(name, name): value for name, value in values.items()},
        "pinned": bool(values["pinned"]),
        "by_hand": HAND in statements,
        "lines": lines,
        "statements": list(statements.values()),
    }


def exported_fact(entry: Any) -> ExportedFact | None:
    if not isinstance(entry, dict):
        return None
    values = {name: entry.get(_RENAMED.get(name, name)) for name in _COLUMNS}
    for name, longest in _LONGEST_PART.items():
        text = values[name]
        if not isinstance(text, str) or not 0 < len(clean := " ".join(well_formed(text).split())) <= longest:
            return None
        values[name] = clean
    since, until, recorded = (_moment(values[name]) for name in ("valid_from", "valid_to", "recorded_at"))
    if since is None:
        return None
    values |= {
        "id": _number(values["id"]),
        "valid_from": facts.stamp(since),
        "valid_to": facts.stamp(until) if until else None,
        "recorded_at": facts.stamp(recorded or datetime.now()),
        "superseded_by": _closed_by(values["superseded_by"]),
        "pinned": int(values["pinned"] is True),
    }
    row = tuple(value if isinstance(value, str | int | float | None) else None for value in values.values())
    said = entry.get("statements")
    statements = [_ids(lines) for lines in said] if isinstance(said, list) else []
    return ExportedFact(row, tuple(lines for lines in statements if lines))


def _closed_by(value: object) -> int | None:
    """The id of a fact, or that of a line with a minus before it."""
    line = -_number(-value) if isinstance(value, int) and value < 0 else 0
    return line or _number(value) or None


# ── values ───────────────────────────────────────────────────────────────────


def _moment(value: object) -> datetime | None:
    """A moment that every clock knows; without an offset it is local."""
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            at.astimezone(UTC)
            return at
    return None


def _number(value: object) -> int:
    """One that can be an id, a count or the number of a chat; else 0."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST_ID
    return cast("int", value) if fits else 0


def _ids(value: object) -> tuple[int, ...]:
    """``HAND`` among them."""
    return tuple(one for one in _list(value, int) if _number(one) == one)


def _list(value: object, kind: type) -> list[Any]:
    return [one for one in value if isinstance(one, kind)] if isinstance(value, list) else []


def _name(value: object) -> str:
    return well_formed(value)[:_LONGEST_NAME] if isinstance(value, str) else ""


def titles(entries: Iterable[Any]) -> Mapping[int, str]:
    """The titles of chats by their numbers, "" for one that has none."""
    found = (one for one in entries if isinstance(one, dict) and isinstance(one.get("id"), int))
    return {one["id"]: " ".join(_name(one.get("title")).split()) for one in found if 0 <= one["id"] < LARGEST_ID}
