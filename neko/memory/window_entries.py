"""What the entries of a recent window tell: their lines, and which of them is the memo."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from neko.memory.line_codec import LoggedLine, Message, parse, turn_message, utc_text


def largest_id(entries: Sequence[Any]) -> int:
    """The largest log id that the entries name."""
    return max((line_id_of(entry) or 0 for entry in entries), default=0)


def line_ids(entries: Sequence[Any]) -> list[int]:
    """The log ids that the entries name."""
    return [line_id for entry in entries if (line_id := line_id_of(entry)) is not None]


def line_id_of(entry: Any) -> int | None:
    parsed = parse(entry)
    value = parsed.neko.get("id") if parsed else None
    return value if isinstance(value, int) else None


def lines_since(entries: Sequence[Any]) -> list[Any]:
    """The lines that no memo was made of yet, without those that stayed as they were said."""
    reach = largest_id([one for one in entries if is_memo(one)])
    lines = [entry for entry in entries if parse(entry) is not None and not is_memo(entry)]
    return [entry for entry in lines if not 0 < largest_id([entry]) <= reach]


def is_memo(entry: Any) -> bool:
    """The memo has the id of the last line that it is made from."""
    parsed = parse(entry)
    return parsed is not None and parsed.role == "system"


def entry_of(logged: LoggedLine) -> Message:
    """The line as an entry."""
    line = logged.line
    return turn_message(line.role, line.text, line.at, {"id": line.id, "at": utc_text(line.at)})


def may_stand(logged: LoggedLine) -> bool:
    """Whether a window has such lines."""
    return logged.line.role != "system" and bool(logged.line.text.strip())


def without(turns: Sequence[Any], lines: Sequence[LoggedLine]) -> tuple[list[Any], set[int]]:
    """The turns but those lines, and the ids of the lines that were found. What N.E.K.O. wrote has no id."""
    by_id = {logged.line.id: logged for logged in lines}
    by_text = {(logged.line.role, logged.line.text): logged for logged in lines}
    kept, found = [], set()
    for entry in turns:
        line_id, parsed = line_id_of(entry), parse(entry)
        of_same_text = by_text.get((parsed.role, parsed.text)) if parsed and line_id is None else None
        logged = by_id.get(line_id) if line_id is not None else of_same_text
        if logged is None:
            kept.append(entry)
        else:
            found.add(logged.line.id)
    return kept, found


def may_hold(memo: Any, lines: Sequence[LoggedLine], found: Collection[int]) -> bool:
    """Whether the memo was made of any of these lines, as far as one can know; ``found`` stand after it."""
    reach = line_id_of(memo)
    if reach is None:
        return any(logged.line.id not in found for logged in lines)
    return any(logged.line.id <= reach for logged in lines)
