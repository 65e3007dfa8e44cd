"""Files that lines can be taken over from, recognised by what is in them: our exports, logs and recent windows of
N.E.K.O. and our own, its ``settings_*.json`` and facts (``folder_layout``), a folder or a zip archive of them, chats of
SillyTavern (``.jsonl``:
https://docs.sillytavern.app/usage/core-concepts/chatfilemanagement/) and of Open-LLM-VTuber (a list of ``role``,
``timestamp``, ``content``). What is damaged gives what can be read of it. Every call blocks.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, get_args

from neko.archives import ArchiveError, open_archive, open_entry
from neko.errors import DiskFullError
from neko.hand_written import decoded
from neko.memory import export_layout, folder_layout, folder_talk, import_rows, markdown_talk, schema, written_times
from neko.memory.folder_layout import Note
from neko.memory.import_rows import Precision, Summary, Taken
from neko.memory.line_codec import entry_time, local_naive, parse
from neko.memory.memo import cut_memo_prefix
from neko.memory.salvage import has_table, opened, readable_rows, salvage
from neko.memory.sqlite_errors import store_error
from neko.memory_files import character_of
from neko.set_aside import COMPANIONS
from neko.types.lines import NewLine, Role
from neko.well_formed import load_json, well_formed

LARGEST: Final = 4 << 30
"""Bytes of what is unpacked of one archive."""
_MOST_FILES: Final = 10_000
_LARGEST_TEXT: Final = 256 << 20
"""Bytes of a document, which is read whole."""
_SQLITE: Final = b"SQLite format 3\0"
_SETTINGS: Final = "settings_"
_NO_FILES: Final = (*COMPANIONS, ".bak")
PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".gif")


class Kind(Enum):
    """What a file is. ``OTHER``: nothing of a memory."""

    EXPORT = "export"
    MARKDOWN = "markdown"
    LOG = "log"
    RECENT = "recent"
    SETTINGS = "settings"
    FACTS = "facts"
    CHAT = "chat"
    OTHER = "other"


Why = Literal["", "not_memory", "empty", "too_large", "unreadable"]


@dataclass(frozen=True, slots=True)
class GivenFact:
    """A fact (``types.memory.Fact``) that rests on the user's own hand."""

    subject: str
    attribute: str
    value: str
    since: datetime
    pinned: bool


@dataclass(slots=True)
class Source:
    """A file of a memory. ``character`` is "" where the file does not say whose it is.

    ``unread`` entries are nothing that was said, ``damaged`` tells that more was there than could be read; both are
    known once ``taken`` has come to its end; ``in_part`` tells the same before. ``why`` says what is wrong with a file
    of ``Kind.OTHER``.
    """

    name: str
    path: Path
    kind: Kind
    character: str = ""
    unread: int = 0
    damaged: bool = False
    in_part: bool = False
    why: Why = ""
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    window: Source | None = None
    """Of a log in a character's folder: the window there, whose lines come with those of the log."""
    is_beside: bool = False
    """Of that window."""
    note: Note | None = None
    """Of either of them: what has come before."""
    last: tuple[Any, ...] | None = None
    """Of a log: the last row that was read, once ``taken`` has come to its end."""
    memo: str = ""
    facts: Sequence[GivenFact] = ()
    """What the user had said of people by hand, or pinned."""
    _is_same_log: bool = False
    head: Mapping[str, Any] | None = None
    """Of an export with all that a memory holds (``export_layout``): it is for ``restoring``, and nothing else here."""

    @property
    def precision(self) -> Precision:
        """To what it tells when something was said."""
        return Precision.MINUTE if self.kind is Kind.MARKDOWN else Precision.SECOND

    def taken(self) -> Iterator[Taken]:
        """What was said, the oldest first; read anew at every call."""
        if self.is_beside:
            return
        self.unread, self.damaged = 0, self.in_part
        match self.kind:
            case Kind.LOG if self.window or self.note:
                yield from self._of_folder()
            case Kind.LOG:
                yield from self._of_log()
            case Kind.RECENT if self.note:
                yield from folder_talk.together((), [*self._of_text()], self.note, is_same_log=False)
            case Kind.MARKDOWN:
                yield from markdown_talk.said_in(_text(self.path))
            case Kind.EXPORT | Kind.CHAT | Kind.RECENT if self.head is None:
                yield from self._of_text()
            case _:
                return

    def summaries(self) -> list[Summary]:
        """The summaries in a log."""
        if self.kind is not Kind.LOG:
            return []
        with closing(opened(self.path)) as connection:
            return import_rows.summaries(readable_rows(connection, schema.COMPRESSED))

    def _of_folder(self) -> Iterator[Taken]:
        log = [*self._of_log()]
        window = [*self.window._read_whole()] if self.window else []
        yield from folder_talk.together(log, window, self.note, is_same_log=self._is_same_log)

    def _read_whole(self) -> Iterator[Taken]:
        self.unread, self.damaged = 0, self.in_part
        return self._of_text()

    def _of_log(self) -> Iterator[Taken]:
        with closing(opened(self.path)) as connection:
            yield from import_rows.dated(self._rows(connection), self._modified)

    def _rows(self, connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
        self.last, self._is_same_log = None, self.note is not None and not self.note.row
        for row in readable_rows(connection, schema.ORIGINAL, self._lost):
            if self.last is None or row[0] > self.last[0]:
                self.last = row
            if self.note is not None and row[0] == self.note.log:
                self._is_same_log = folder_talk.row_mark(row) == self.note.row or not self.note.row
            yield row

    @property
    def _modified(self) -> datetime:
        return datetime.fromtimestamp(self.path.stat().st_mtime)

    def _lost(self, rows: int) -> None:
        self.unread += rows
        self.damaged = self.damaged or not rows

    def _of_text(self) -> Iterator[Taken]:
        text = _text(self.path)
        read = {Kind.EXPORT: _of_export, Kind.CHAT: _of_chat, Kind.RECENT: _of_recent}[self.kind]
        start = _lines_of_export(text) if self.kind is Kind.EXPORT else 0
        entries = _Objects(text, start)
        said = self._said(entries, read)
        yield from import_rows.in_order(said, self._modified, with_spans=self.kind is Kind.RECENT)
        self.damaged = entries.is_damaged

    def _said(self, entries: Iterable[Any], read: Callable[[Any], Taken | None]) -> Iterator[Taken]:
        for entry in entries:
            if (one := read(entry)) is not None:
                yield one
            else:
                self.unread += not _is_silent(entry)


def readable_messages(text: str) -> list[Any]:
    """The messages of a damaged recent window, as far as they can be read: of a list that is there twice the first."""
    try:
        whole, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        whole = None
    entries: Iterable[Any] = whole if isinstance(whole, list) else _Objects(text)
    return [one for one in entries if parse(one) is not None]


def look_into(paths: Iterable[tuple[str, Path]], workplace: Path) -> list[Source]:
    """The files of these names at these places; folders and archives are looked into. ``workplace`` gets what is
    unpacked, and copies of logs, which SQLite changes when it opens them. What tells most comes first, and of two
    layouts of N.E.K.O. the newer one. Raises ``DiskFullError``."""
    sources = [source for name, path in paths for source in _sources(name, path, workplace)]
    windows = {
        folder: one for one in sources if one.kind is Kind.RECENT and (folder := folder_layout.folder_of(one.name))
    }
    for source in sources:
        if source.kind is Kind.LOG and (window := windows.get(folder_layout.folder_of(source.name))):
            source.window, window.is_beside = window, True
    return sorted(sources, key=_order)


def _order(source: Source) -> tuple[bool, bool, bool, str]:
    is_older = not folder_layout.is_of_folder(source.name)
    return source.head is None, source.kind is not Kind.LOG, is_older, source.name


def _sources(name: str, path: Path, workplace: Path) -> Iterator[Source]:
    if path.is_dir():
        inside = [one for one in sorted(path.rglob("*")) if one.is_file() and not one.is_symlink()][:_MOST_FILES]
        named = path.parent if folder_layout.is_character_folder(path) else path
        for one in inside:
            if not one.name.startswith(".") and not one.name.endswith(_NO_FILES):
                yield _source(one.relative_to(named).as_posix(), one, workplace)
        return
    try:
        is_archive = zipfile.is_zipfile(path)
    except OSError:
        yield Source(name, path, Kind.OTHER, why="unreadable")
        return
    if not is_archive:
        if not name.endswith(_NO_FILES):
            yield _source(name, path, workplace)
        return
    target = _place_in(workplace)
    try:
        _unpack(path, target)
    except (OSError, ValueError, ArchiveError):
        yield Source(name, path, Kind.OTHER, why="unreadable", damaged=True)
    yield from _sources(name, target, workplace)


def _place_in(workplace: Path) -> Path:
    target = workplace / f"{len(list(workplace.iterdir()))}"
    target.mkdir()
    return target


def _unpack(archive: Path, target: Path) -> None:
    """Raises ``ValueError`` for more than ``LARGEST``; pictures are left where they are."""
    left = LARGEST
    with open_archive(archive) as packed:
        for info in packed.infolist()[:_MOST_FILES]:
            parts = [part for part in info.filename.replace("\\", "/").split("/") if part not in ("", ".", "..")]
            if info.is_dir() or not parts or parts[-1].lower().endswith(PICTURES):
                continue
            place = target.joinpath(*(re.sub(r'[<>:"|?*\x00-\x1f]', "_", part)[-200:] for part in parts))
            place.parent.mkdir(parents=True, exist_ok=True)
            with open_entry(packed, info) as content, place.open("wb") as file:
                while chunk := content.read(1 << 20):
                    left -= len(chunk)
                    if left < 0:
                        raise ValueError("it is too large when it is unpacked")
                    file.write(chunk)
            with suppress(ValueError, OSError, OverflowError):
                moment = datetime(*info.date_time).timestamp()
                os.utime(place, (moment, moment))


def _source(name: str, path: Path, workplace: Path) -> Source:
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
        stem = Path(name).name
        parent = Path(name).parent.name
        whose = folder_layout.character_in(name, path) or character_of(stem) or parent.partition("backups_")[2]
        if head == _SQLITE or (stem.startswith("time_indexed") and not head.lstrip().startswith((b"{", b"["))):
            return _log(Source(name, path, Kind.LOG, whose), workplace)
        if (begun := export_layout.head_of(path)) is not None:
            return Source(name, path, Kind.EXPORT, begun["character"], head=begun)
        if path.stat().st_size > _LARGEST_TEXT:
            return Source(name, path, Kind.OTHER, why="too_large")
        return _document(Source(name, path, Kind.OTHER, whose), workplace)
    except (OSError, sqlite3.Error) as error:
        if store_error(error, workplace).params["reason"] == "full":
            raise DiskFullError(f"there is no room for a copy of {path}", file=str(workplace)) from error
        return Source(name, path, Kind.OTHER, why="unreadable")


def _log(source: Source, workplace: Path) -> Source:
    """A log that can be read: a copy, or what could be saved of it."""
    copy = _place_in(workplace) / "log"
    for ending in ("", "-wal", "-journal"):
        with suppress(FileNotFoundError):
            shutil.copy2(source.path.with_name(source.path.name + ending), copy.with_name(copy.name + ending))
    if has_table(copy):
        source.path = copy
    else:
        source.path, source.in_part = copy.with_name("saved"), True
        if not salvage(copy, source.path).read:
            source.kind, source.why = Kind.OTHER, "unreadable"
    return source


def _document(source: Source, workplace: Path) -> Source:
    text = _text(source.path)
    stripped = text.lstrip()
    if (facts := _facts(text)) is not None:
        source.kind, source.facts, source.in_part = Kind.FACTS, facts, not _is_json(text)
    elif stripped.startswith("["):
        first = next(iter(_Objects(text)), None)
        is_chat = isinstance(first, dict) and "timestamp" in first and "role" in first
        is_recent = _has_lines(text) or stripped[1:].lstrip().startswith("]")
        source.kind = Kind.CHAT if is_chat else Kind.RECENT if is_recent else Kind.OTHER
        source.memo = _memo(text) if source.kind is Kind.RECENT else ""
    elif stripped.startswith("{"):
        if laid_out := _laid_out_anew(text, workplace):
            source.path, source.head = laid_out, export_layout.head_of(laid_out) or {}
            source.kind, source.character = Kind.EXPORT, str(source.head.get("character", ""))
        elif _lines_of_export(text):
            source.kind, source.character = Kind.EXPORT, _named_in(text) or source.character
            source.memo, source.facts = _memo_of_export(text), _facts_of_export(text)
        elif settings := _settings(text):
            source.kind, source.settings = Kind.SETTINGS, settings
            name = Path(source.name).name.removesuffix(".json")
            source.character = name.removeprefix(_SETTINGS) if name.startswith(_SETTINGS) else source.character
        else:
            first = next(iter(_Objects(text)), None)
            if isinstance(first, dict) and ({"chat_metadata", "mes"} & first.keys() or first.keys() >= _IN_HEAD):
                source.kind = Kind.CHAT
                source.character = str(first.get("character_name") or "")
    elif named := markdown_talk.named_in(stripped):
        source.kind, source.character, source.memo = Kind.MARKDOWN, named, markdown_talk.memo_in(stripped)
    if source.kind is Kind.OTHER:
        is_cut_off = folder_layout.is_of_folder(source.name) and not _is_json(text)
        source.why = "empty" if not stripped else "unreadable" if is_cut_off else "not_memory"
    return source


def _laid_out_anew(text: str, workplace: Path) -> Path | None:
    """An export that some program has written in its own way, as it should be; None for what is none."""
    try:
        document = load_json(text) if '"format"' in text else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not export_layout.is_export(document):
        return None
    path = _place_in(workplace) / "export"
    export_layout.lay_out(document, path)
    return path


def _is_json(text: str) -> bool:
    try:
        load_json(text)
    except (ValueError, RecursionError):
        return False
    return True


_IN_HEAD: Final = frozenset(("user_name", "character_name"))
"""What the first line of every talk of SillyTavern has."""
_PERSONA: Final = re.compile(r'\s*\{\s*"(?:master|user|neko|ai|relationship)"\s*:\s*\{')


def _facts(text: str) -> list[GivenFact] | None:
    """Those that N.E.K.O. has learnt, None for what is no file of them."""
    found = None
    if text.lstrip().startswith("["):
        first = next(iter(_Objects(text)), None)
        if isinstance(first, dict) and "entity" in first:
            found = folder_layout.facts_in([*_Objects(text)])
    elif _PERSONA.match(text):
        with suppress(ValueError, RecursionError):
            found = folder_layout.facts_in(load_json(text))
    if found is None:
        return None
    return [
        GivenFact(subject, attribute, well_formed(value), _moment(at) or datetime.now(), pinned=False)
        for subject, attribute, value, at in found
    ]


def _has_lines(text: str) -> bool:
    return any(parse(entry) for entry, _ in zip(_Objects(text), range(20), strict=False))


def _text(path: Path) -> str:
    return decoded(path.read_bytes(), "replace")


# ── entries ──────────────────────────────────────────────────────────────────

_TRIES: Final = 1_000


class _Objects:
    """The JSON objects in a text one after another, whatever stands between them: the entries of a list, of which a
    damaged one loses only what is damaged. After so many places where none can be read it is given up."""

    def __init__(self, text: str, start: int = 0) -> None:
        self._text = text
        self._start = start
        self.is_damaged = False

    def __iter__(self) -> Iterator[Any]:
        decoder, at, tries = json.JSONDecoder(), self._start, 0
        while (at := self._text.find("{", at)) >= 0 and tries < _TRIES:
            try:
                entry, at = decoder.raw_decode(self._text, at)
            except (ValueError, RecursionError):
                tries += 1
                at += 1
                self.is_damaged = True
                continue
            yield entry


_LINES: Final = re.compile(r'\A\s*\{\s*"character"\s*:\s*("(?:[^"\\]|\\.)*+")\s*,.{0,2000}?"lines"\s*:\s*\[', re.DOTALL)


def _lines_of_export(text: str) -> int:
    """Where the lines of an export begin, 0 when it is none."""
    match = _LINES.match(text)
    return match.end() if match else 0


def _named_in(text: str) -> str:
    match = _LINES.match(text)
    return str(json.loads(match[1])) if match else ""


_MEMO: Final = '\n"memo": '
_FACTS: Final = '\n"facts": ['


def _memo_of_export(text: str) -> str:
    """No string of JSON holds a bare newline, so that the mark stands nowhere else."""
    at = text.rfind(_MEMO)
    with suppress(ValueError, RecursionError):
        memo = json.JSONDecoder().raw_decode(text, at + len(_MEMO))[0] if at >= 0 else ""
        return _string(memo)
    return ""


def _facts_of_export(text: str) -> list[GivenFact]:
    at = text.rfind(_FACTS)
    return [fact for entry in _Objects(text, at) if (fact := _given(entry))] if at >= 0 else []


def _given(entry: Any) -> GivenFact | None:
    """A fact by hand that is still so; the others are learnt anew from the lines."""
    if not _is_fact(entry) or not (entry.get("by_hand") or entry.get("pinned")) or entry.get("until"):
        return None
    subject, attribute, value = (" ".join(well_formed(_string(entry.get(key))).split()) for key in _OF_FACT)
    if not 0 < len(subject) <= 40 or not 0 < len(attribute) <= 40 or not 0 < len(value) <= 200:
        return None
    return GivenFact(
        subject, attribute, value, _moment(entry.get("since")) or datetime.now(), bool(entry.get("pinned"))
    )


_OF_FACT: Final = ("subject", "attribute", "value")


def _is_fact(entry: Any) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in _OF_FACT)


def _of_export(entry: Any) -> Taken | None:
    if not isinstance(entry, dict) or entry.get("role") not in get_args(Role) or not isinstance(entry.get("text"), str):
        return None
    at = _moment(entry.get("at"))
    if entry.get("status") == "replaced" or not entry["text"].strip():
        return None
    line = NewLine("", "", entry["role"], entry["text"], at or datetime.now(), speaker=_string(entry.get("speaker")))
    return Taken(line, at is not None, chat=entry["chat"] if isinstance(entry.get("chat"), int) else 0)


def _of_recent(entry: Any) -> Taken | None:
    parsed = parse(entry)
    if parsed is None or parsed.role == "system" or not parsed.text.strip():
        return None
    at = entry_time(parsed)
    named = parsed.neko.get("id")
    row_id = named if isinstance(named, int) else 0
    line = NewLine("", "", parsed.role, parsed.text, at or datetime.now())
    return Taken(line, at is not None, row_id=row_id, tells_time=at is not None)


def _of_chat(entry: Any) -> Taken | None:
    if not isinstance(entry, dict):
        return None
    if isinstance(entry.get("mes"), str):
        if entry.get("is_system") or not entry["mes"].strip():
            return None
        at, role = _moment(entry.get("send_date")), "user" if entry.get("is_user") else "assistant"
        line = NewLine("", "", role, entry["mes"], at or datetime.now())  # type: ignore[arg-type]
        return Taken(line, at is not None)
    parsed, at = parse(entry), _moment(entry.get("timestamp"))
    if parsed is None or parsed.role == "system" or not parsed.text.strip():
        return None
    return Taken(NewLine("", "", parsed.role, parsed.text, at or datetime.now()), at is not None)


def _is_silent(entry: Any) -> bool:
    """An entry that is meant to be no line: a memo, a head, a reply that was replaced, an empty one."""
    if not isinstance(entry, dict):
        return False
    if "chat_metadata" in entry or "user_name" in entry or entry.get("role") == "metadata" or entry.get("is_system"):
        return True
    if _is_fact(entry):
        return True
    parsed = parse(entry)
    return entry.get("status") == "replaced" or (
        parsed is not None and not (parsed.role != "system" and parsed.text.strip())
    )


def _memo(text: str) -> str:
    for entry in _Objects(text):
        parsed = parse(entry)
        if parsed and parsed.role == "system" and parsed.text.strip():
            memo = cut_memo_prefix(parsed.text)
            return "" if memo in _NO_MEMO else memo
    return ""


_NO_MEMO: Final = ("无。", "無。", "None.", "なし。", "없음.", "нет.", "ninguna.", "nenhuma.")
"""What N.E.K.O. writes where it has none."""


def _settings(text: str) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    fits = isinstance(content, dict) and content and all(isinstance(one, dict) for one in content.values())
    return content if fits and len(content) <= 2 else {}


_FORMS: Final = ("%Y-%m-%d@%Hh%Mm%Ss", "%Y-%m-%d @%Hh %Mm %Ss %fms")
"""Of SillyTavern's ``send_date``, beside "May 8, 2023 1:56pm"."""


def _moment(value: object) -> datetime | None:
    """Local naive time of ISO 8601, of milliseconds since 1970, or as SillyTavern writes it."""
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000)
        if isinstance(value, str) and value.strip():
            at = _iso(value) or next(filter(None, (_by_form(value.strip(), form) for form in _FORMS)), None)
            at = at or written_times.read(value)
            if at:
                at.astimezone(UTC)
                return local_naive(at)
    return None


def _iso(text: str) -> datetime | None:
    with suppress(ValueError):
        return local_naive(datetime.fromisoformat(text))
    return None


def _by_form(text: str, form: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.strptime(text, form)
    return None


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def named_sources(sources: Sequence[Source]) -> dict[str, list[Source]]:
    """The files of a memory by the character that they name."""
    named: dict[str, list[Source]] = {}
    for source in sources:
        if source.kind is not Kind.OTHER:
            named.setdefault(source.character, []).append(source)
    return named
