"""The talk in a folder of N.E.K.O.'s: what its log and its recent window hold is one, each line once, in its order.

N.E.K.O. puts what is said into the window as it is said, and into the log what was left when a talk ended; so either
may hold lines that the other lacks, before, between or behind those of both. A line of both is known by the id that the
entry names, by its words and its minute, or by its words beside a line of both. What was there when the folder was read
before is known in the same way by the marks that were kept of it (``folder_layout.Note``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from hashlib import blake2b
from typing import Any, Final

from neko.memory.folder_layout import Note, State
from neko.memory.import_rows import Taken
from neko.memory.line_codec import local_naive

_TELLING: Final = "+"
"""What the mark of a line begins with that tells its minute."""
_CLEAR: Final = 3
"""So many lines that tell no time are the same, one after another."""
_OFTEN: Final = 20
_MOST_MARKS: Final = 5_000

Row = tuple[Any, ...]


def row_mark(row: Row) -> str:
    """What a row of a log is known by, with all that it holds."""
    return _digest(repr(row[:4]))


def marks(said: Iterable[Taken]) -> list[str]:
    """What lines are known by again, with none of their words."""
    return [_mark(one) for one in said]


def note_of(said: Sequence[Taken], last: Row | None, before: Note | None, files: State) -> Note:
    """What is kept of a talk once all of it has come. ``last``: the last row of its log; ``files``: their state."""
    now = marks(said)
    found = set(_pairs(before.marks or (), now).values()) if before else set()
    gone = [one for at, one in enumerate((before.marks if before else None) or ()) if at not in found]
    log = (int(last[0]), row_mark(last)) if last else (0, "")
    return Note(*log, [*gone, *now][-_MOST_MARKS:], files)


def together(log: Sequence[Taken], window: Sequence[Taken], note: Note | None, *, is_same_log: bool) -> list[Taken]:
    """The lines of both. ``note``: what of them has come; ``is_same_log``: with the log as it was then, or longer."""
    both = _both(log, window)
    in_window = set[int]()
    chat = log[-1].chat if log else 0
    merged = list[Taken]()
    last = next((at for at in range(len(window)) if at in both), None)
    beside = log[both[last]].chat if last is not None else chat
    left = sorted(set(range(len(log))).difference(both.values()))
    aheads = _aheads(both, len(window))
    taken = 0
    for at, one in enumerate(window):
        ahead = aheads[at]
        while taken < len(left) and (ahead is None or left[taken] < ahead):
            moment = log[left[taken]].line.at
            if moment > one.line.at or (moment == one.line.at and ahead is None and both):
                break
            merged.append(log[left[taken]])
            taken += 1
        in_window.add(len(merged))
        if at in both:
            found = log[both[at]]
            beside = found.chat
            merged.append(replace(found, span=one.span))
        else:
            merged.append(replace(one, chat=beside, row_id=0))
    merged += [log[at] for at in left[taken:]]
    return _with_come(merged, in_window, note, is_same_log=is_same_log) if note else merged


def _aheads(both: Mapping[int, int], size: int) -> list[int | None]:
    """For each entry of the window where it, or else the next one that the log has, stands there."""
    aheads = list[int | None]()
    for at in range(size - 1, -1, -1):
        aheads.append(both.get(at, aheads[-1] if aheads else None))
    return aheads[::-1]


def _both(log: Sequence[Taken], window: Sequence[Taken]) -> dict[int, int]:
    """Where the lines of the window stand in the log, by where they stand in the window."""
    named = {one.row_id: at for at, one in enumerate(log)}
    found = dict[int, int]()
    for at, one in enumerate(window):
        there = named.get(one.row_id)
        if there is not None and _words(log[there]) == _words(one):
            found[at] = named.pop(one.row_id)
    begins = {at for at in range(1, len(log)) if log[at].line.session_id != log[at - 1].line.session_id}
    found = _pairs(marks(log), marks(window), found, begins)
    telling = {one.line.session_id for one in log if _tells(one)}
    used, end = set(found.values()), len(window)
    for there in range(len(log) - 1, -1, -1):
        one = log[there]
        if there in used or one.line.session_id in telling:
            continue
        for at in range(end - 1, -1, -1):
            if at not in found and _words(window[at]) == _words(one) and _fits(one, window[at]):
                found[at], end = there, at
                break
    return found


def _fits(one: Taken, entry: Taken) -> bool:
    return entry.span is None or entry.span.holds(local_naive(one.line.at))


def _with_come(merged: Sequence[Taken], in_window: Collection[int], note: Note, *, is_same_log: bool) -> list[Taken]:
    """Each with whether it has come. Of the window only what stands behind all that has come is new: what stands
    before, and was not there, is an entry that somebody has edited."""
    by_id = {at for at, one in enumerate(merged) if is_same_log and 0 < one.row_id <= note.log}
    again = set(_pairs(note.marks or (), marks(merged)))
    come, last = by_id | again, max(again.intersection(in_window), default=-1)
    is_old = note.marks is None
    return [
        replace(one, has_come=at in come or (not one.row_id and (at < last or is_old))) for at, one in enumerate(merged)
    ]


def _pairs(
    there: Sequence[str],
    here: Sequence[str],
    found: Mapping[int, int] | None = None,
    begins: Collection[int] = (),
) -> dict[int, int]:
    """Which of these marks are which of those, each once, by where they stand: ``here`` to ``there``. ``begins``: where
    another talk begins there."""
    found = dict(found or {})
    used = set(found.values())

    def pair(at: int, other: int) -> None:
        found[at] = other
        used.add(other)

    def pair_beside() -> None:
        for step, order in ((-1, range(len(here) - 1, -1, -1)), (1, range(len(here)))):
            for at in order:
                other = found.get(at - step, -2) + step
                is_beside = 0 <= other < len(there) and max(other, other - step) not in begins
                if at not in found and is_beside and other not in used and there[other] == here[at]:
                    pair(at, other)

    telling = defaultdict[str, list[int]](list)
    for at, mark in enumerate(there):
        if mark.startswith(_TELLING) and at not in used:
            telling[mark].append(at)
    for at in range(len(here) - 1, -1, -1):
        if at not in found and telling.get(here[at]):
            pair(at, telling[here[at]].pop())
    pair_beside()
    ours, theirs = _comparable(here, found.keys(), "here"), _comparable(there, used, "there")
    for start, begin, size in SequenceMatcher(None, theirs, ours, autojunk=False).get_matching_blocks():
        if size >= _CLEAR or (size and start + size == len(there) and begin == 0):
            for offset in range(size):
                pair(begin + offset, start + offset)
    pair_beside()
    return found


def _comparable(marks: Sequence[str], known: Collection[int], side: str) -> list[str]:
    """What is left to be compared; what is known, and what stands there too often to tell anything, is like nothing."""
    often = Counter(mark for at, mark in enumerate(marks) if at not in known)
    return [f"{side} {at}" if at in known or often[mark] > _OFTEN else mark for at, mark in enumerate(marks)]


def _words(one: Taken) -> tuple[str, str]:
    return one.line.role, one.line.text.strip()


def _tells(one: Taken) -> bool:
    return one.tells_time and one.line.role == "assistant"


def _mark(one: Taken) -> str:
    role, text = _words(one)
    if _tells(one):
        return _TELLING + _digest(f"{one.line.at:%Y%m%d %H:%M} {role} {text}")
    return _digest(f"{role} {text}")


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
