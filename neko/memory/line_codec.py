"""Lines as the message dicts that N.E.K.O. keeps on disk, and back.

Both the recent file and the log hold LangChain-style dicts: ``{"type": "human"|"ai"|"system",
"data": {"content": …, "additional_kwargs": {…}, …}}``. ``content`` is a list of text parts or a
plain string; both are read, turns are written as a list and memos as a string. Assistant text
carries the local time of the reply as a prefix, ``[20260222 Sun 10:00] ``. What only Neko knows
of a line lives in ``data.additional_kwargs.neko``: there, as ``at``, its moment in UTC. The column
``timestamp`` holds local time without a zone, so what N.E.K.O. wrote is read as the local time of
whoever reads it; in the hour that a change of clocks repeats, the first one is meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast, get_args

from neko.types.lines import UNKNOWN_TIME, Line, LineElsewhere, LineStatus, NewLine, Remark, Role
from neko.well_formed import load_json, well_formed

Message = dict[str, Any]
Names = Mapping[Role, str]
"""What the speakers of each role are called when a line does not name its own."""

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PREFIX = re.compile(r"\[(\d{8}) [A-Za-z]{3} (\d{2}:\d{2})\] ")
PICTURE_NAME: Final = re.compile(r"[0-9a-f]{64}\.jpg")
_TYPE_OF: Mapping[Role, str] = {"user": "human", "assistant": "ai", "system": "system"}
_ROLE_OF: Mapping[str, Role] = {
    **dict.fromkeys(("human", "user", "HumanMessage", "HumanMessageChunk"), "user"),
    **dict.fromkeys(("ai", "assistant", "AIMessage", "AIMessageChunk"), "assistant"),
    **dict.fromkeys(("system", "SystemMessage", "SystemMessageChunk"), "system"),
}
"""By what LangChain, chat requests and N.E.K.O.'s editor of the recent file call them."""


SETTLED_WITHIN: Final = timedelta(hours=12)
"""After what N.E.K.O. has still dated its lines by the end of their talk."""

_STATUSES = get_args(LineStatus)


def local_naive(at: datetime) -> datetime:
    """The same moment as local time without an offset, ``fold`` telling a repeated hour; a naive one is local."""
    if at.tzinfo is None:
        return at
    local = at.astimezone().replace(tzinfo=None)
    return local if local.astimezone() == at else local.replace(fold=1)


def stamp(at: datetime) -> str:
    """The column ``timestamp``; a naive moment is local."""
    return local_naive(at).isoformat(sep=" ", timespec="microseconds")


def utc_text(at: datetime) -> str:
    """The moment as it is kept beside the local time; a naive one is local."""
    return at.astimezone(UTC).isoformat()


def time_prefix(at: datetime) -> str:
    """``[20260222 Sun 10:00] ``, in English whatever the locale."""
    return f"[{at:%Y%m%d} {WEEKDAYS[at.weekday()]} {at:%H:%M}] "


def cut_prefix(text: str) -> tuple[datetime | None, str]:
    """Assistant text without its time prefix, and that time when there was one."""
    match = _PREFIX.match(text)
    if match is None:
        return None, text
    at = _time(f"{match[1]}T{match[2]}")
    return (at, text[match.end() :]) if at else (None, text)


def message(role: Role, content: str | list[dict[str, str]], neko: Mapping[str, Any] | None = None) -> Message:
    """A message dict in the canonical key order."""
    kind = _TYPE_OF[role]
    data: dict[str, Any] = {
        "content": content,
        "additional_kwargs": {"neko": dict(neko)} if neko else {},
        "response_metadata": {},
        "type": kind,
        "name": None,
        "id": None,
    }
    if kind == "ai":
        data |= {"tool_calls": [], "invalid_tool_calls": [], "usage_metadata": None}
    return {"type": kind, "data": data}


def turn_message(role: Role, text: str, at: datetime, neko: Mapping[str, Any] | None = None) -> Message:
    """A turn's message: list content, assistant text with its time prefix."""
    shown = time_prefix(at) + text if role == "assistant" and at != UNKNOWN_TIME else text
    return message(role, [{"type": "text", "text": shown}], neko)


def line_json(line: NewLine, clock: datetime | None = None, **more: Any) -> str:
    """The ``message`` column of a new line whose speaker is named: ASCII-escaped JSON without indent. ``clock``: the
    local time of where it was said, if that was elsewhere; ``more``: what else is known of the line."""
    neko: dict[str, Any] = {
        "turn_id": line.turn_id,
        "status": line.status,
        "at": utc_text(line.at),
        "speaker": line.speaker,
    }
    if line.client_id is not None:
        neko["client_id"] = well_formed(line.client_id)
    if line.images:
        neko["images"] = line.images
    if line.pictures:
        neko["pictures"] = list(line.pictures)
    if line.remark:
        neko["remark"] = {"code": line.remark.code, "params": dict(line.remark.params)}
    if line.replaces is not None:
        neko["replaces"] = line.replaces
    if line.recalled:
        neko["recalled"] = list(line.recalled)
    if line.recalled_elsewhere:
        neko["recalled_elsewhere"] = [{"character": one.character, "id": one.id} for one in line.recalled_elsewhere]
    if line.outside:
        neko["outside"] = True
    if line.chat:
        neko["chat"] = line.chat
    if line.imported:
        neko["imported"] = line.imported
    return json.dumps(turn_message(line.role, line.text, clock or local_naive(line.at), neko | more))


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message dict taken apart. ``at`` is the time of the text prefix, if it had one."""

    role: Role
    text: str
    at: datetime | None = None
    neko: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sources(self) -> list[int]:
        """The ids of the lines that a summary is made of; empty for a line, and where they are not known."""
        listed = self.neko.get("sources")
        return [one for one in listed if isinstance(one, int)] if isinstance(listed, list) else []


def parse(value: object) -> Parsed | None:
    """Read a message dict leniently; None when it is none, or by nobody who is known, or has nothing like a text."""
    if not isinstance(value, dict):
        return None
    data = value.get("data", value)  # a chat request, and N.E.K.O.'s editor, have role and text side by side
    if not isinstance(data, dict):
        return None
    names = (one.get(key) for one in (value, data) for key in ("type", "role"))
    role = next((_ROLE_OF[name] for name in names if isinstance(name, str) and name in _ROLE_OF), None)
    text = content_text(data.get("content", data.get("text")))
    if role is None or text is None:
        return None
    at = None
    if role == "assistant":
        at, text = cut_prefix(text)
    extra = data.get("additional_kwargs")
    neko = extra.get("neko") if isinstance(extra, dict) else None
    return Parsed(role, text, at, neko if isinstance(neko, dict) else {})


def entry_time(parsed: Parsed) -> datetime | None:
    """When the line was said, local naive time, as far as its message tells."""
    return _time(_string(parsed.neko.get("at"))) or parsed.at


def content_text(content: object) -> str | None:
    """The text of any content form; parts are joined without a separator. None for what can hold no text."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return None
    parts = (part.get("text") if isinstance(part, dict) else part for part in content)
    return "".join(part for part in parts if isinstance(part, str))


Row = tuple[int, str | None, str | None, str | None]
"""``id, session_id, message, timestamp`` as they stand in the log."""


def rows_of(entries: Iterable[Any], chat: int) -> list[Row]:
    """The lines of a recent window as rows of a log, in this chat: they say little more of themselves than their ids
    and words. What names no id, or is a memo, is left out."""
    rows: list[Row] = []
    for entry in entries:
        parsed = parse(entry)
        line, at = (parsed.neko.get("id"), entry_time(parsed)) if parsed else (None, None)
        if parsed and parsed.role != "system" and parsed.text and isinstance(line, int) and at and 0 < line < 2**63 - 1:
            said = NewLine("", "", parsed.role, parsed.text, at, chat=chat)
            rows.append((line, "", line_json(said), stamp(at)))
    return rows


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """A row of the log. ``own``: written by Neko. ``own_status``: of a replaced line, as it was before. ``told_at``:
    the time that the text of a reply begins with."""

    line: Line
    own: bool
    own_status: LineStatus
    told_at: datetime | None = None

    @property
    def version(self) -> Line:
        """The line as one version of a reply."""
        return replace(self.line, status=self.own_status) if self.line.status == "replaced" else self.line


def logged_line(row: Row, names: Names, near: datetime | None = None) -> LoggedLine:
    """A row as a line; ``near`` dates it when neither the row nor its text has a time."""
    row_id, session_id, raw, stamp = row
    parsed = parsed_row(raw or "")
    neko = parsed.neko
    line = Line(
        id=row_id,
        session_id=session_id or "",
        turn_id=_string(neko.get("turn_id")) or "",
        role=parsed.role,
        speaker=_string(neko.get("speaker")) or names[parsed.role],
        text=parsed.text,
        at=_time(_string(neko.get("at"))) or _time(stamp) or parsed.at or near or UNKNOWN_TIME,
        status=_status(neko.get("status")),
        client_id=_string(neko.get("client_id")),
        images=_number(neko.get("images")) or 0,
        chat=_number(neko.get("chat")) or 0,
        replaces=_number(neko.get("replaces")),
        pictures=_pictures(neko.get("pictures")),
        remark=remark_of(neko.get("remark")),
        recalled=_numbers(neko.get("recalled")),
        recalled_elsewhere=lines_elsewhere(neko.get("recalled_elsewhere")),
        outside=neko.get("outside") is True,
    )
    return LoggedLine(line, bool(neko), _status(neko.get("own_status")), parsed.at)


def parsed_row(raw: str) -> Parsed:
    """A row's message; what is none is a line of nobody's."""
    try:
        value = load_json(raw)
    except (ValueError, RecursionError):
        value = None
    data = value.get("data") if isinstance(value, dict) else None
    text = content_text(data.get("content")) if isinstance(data, dict) else well_formed(raw)
    return parse(value) or Parsed("system", text or "")


def with_text(raw: str, text: str) -> str | None:
    """The ``message`` column with other words, the time prefix as it was; None for what is no message."""
    try:
        value = load_json(raw)
    except (ValueError, RecursionError):
        return None
    parsed, data = parse(value), value.get("data") if isinstance(value, dict) else None
    if parsed is None or not isinstance(data, dict):
        return None
    whole = content_text(data.get("content")) or ""
    prefix = whole[: len(whole) - len(parsed.text)]
    return json.dumps(value | {"data": data | {"content": [{"type": "text", "text": prefix + well_formed(text)}]}})


def logged_lines(rows: Sequence[Row], names: Names) -> list[LoggedLine]:
    """Rows, oldest first, as lines; a row without a time takes that of its neighbour."""
    result: list[LoggedLine] = []
    near: datetime | None = None
    for place, row in enumerate(rows):
        logged = logged_line(row, names, near)
        if near is None and logged.line.at != UNKNOWN_TIME:
            result = [logged_line(before, names, logged.line.at) for before in rows[:place]]
        near = logged.line.at if near or logged.line.at != UNKNOWN_TIME else None
        result.append(logged)
    return result


def as_said(logged: Sequence[LoggedLine]) -> list[LoggedLine]:
    """To be shown: what N.E.K.O. wrote, which dates all rows of a talk by when it was settled, at the times that its
    replies tell, and each of the user's lines at that of the reply to it."""
    result: list[LoggedLine] = []
    moment, session = None, ""
    for one in reversed(logged):
        line, told_at = one.line, one.told_at
        if not one.own and told_at and timedelta() <= line.at - told_at <= SETTLED_WITHIN:
            moment, session = told_at, line.session_id
        elif one.own or line.role == "assistant" or line.session_id != session:
            moment = None
        result.append(replace(one, line=replace(line, at=moment)) if moment else one)
    return result[::-1]


def committed(line_id: int, line: NewLine) -> Line:
    """A new line whose speaker is named, as it is read back once it has this id."""
    return Line(
        id=line_id,
        session_id=line.session_id,
        turn_id=line.turn_id,
        role=line.role,
        speaker=line.speaker,
        text=line.text,
        at=local_naive(line.at),
        status=line.status,
        client_id=line.client_id,
        images=line.images,
        chat=line.chat,
        replaces=line.replaces,
        pictures=line.pictures,
        remark=line.remark,
        recalled=line.recalled,
        recalled_elsewhere=line.recalled_elsewhere,
        outside=line.outside,
    )


def _time(stamp: str | None) -> datetime | None:
    if not stamp:
        return None
    try:
        at = local_naive(datetime.fromisoformat(stamp))
        at.astimezone(UTC)
    except (ValueError, OverflowError):  # no time, or one that no zone can hold
        return None
    return at


def _status(value: object) -> LineStatus:
    return cast("LineStatus", value) if value in _STATUSES else "complete"


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def remark_of(value: object) -> Remark | None:
    """What was kept of a remark, None when it is none."""
    if not isinstance(value, dict) or not isinstance(code := value.get("code"), str):
        return None
    params = value.get("params")
    found = params.items() if isinstance(params, dict) else ()
    return Remark(code, {name: one for name, one in found if isinstance(one, str | int | float)})


def _pictures(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else []
    return tuple(name for name in names if isinstance(name, str) and PICTURE_NAME.fullmatch(name))


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def lines_elsewhere(value: object) -> tuple[LineElsewhere, ...]:
    listed = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    found = ((_string(one.get("character")), _number(one.get("id"))) for one in listed)
    return tuple(LineElsewhere(character, number) for character, number in found if character and number is not None)


def _numbers(value: object) -> tuple[int, ...]:
    found = map(_number, value if isinstance(value, list) else [])
    return tuple(number for number in found if number is not None)
