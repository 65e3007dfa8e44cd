"""``python -m neko memory check|rebuild|export|import``: the memories of a data folder, while Neko does not run."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from neko.app.earlier_talk import character_of as character_called
from neko.app.export import Form, exported
from neko.app.import_share import Share
from neko.app.imports import take_over, what_would_come
from neko.characters import CHARACTERS, CharacterCards, check_character, is_characters
from neko.errors import DataFolderError, DataFolderInUseError, MemoryTooNewError, NekoError
from neko.language import system_language
from neko.memory import backup
from neko.memory.copied_files import copy_memory
from neko.memory.import_files import PICTURES, Kind, Source, look_into, named_sources
from neko.memory.log_check import look_over
from neko.memory.only_in_window import windows_in
from neko.memory.page_check import MOST_FINDINGS
from neko.memory.paths import log_path, logs_in, recent_path
from neko.memory.service import MemoryService
from neko.memory_files import character_of
from neko.settings import default_data_dir
from neko.settings.registry import DATA_DIR
from neko.storage import CHARACTERS_FILE, DataFolder, log_fault, read_document
from neko.tasks import TaskOwner, in_thread

_CHECK_S = 120.0
"""For one log."""
_PROGRESS = 10_000
"""Lines."""


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """What the command line says; the exit code. Raises ``NekoError``; a wrong usage exits with 2, and what cannot be
    done with 1 and a sentence."""
    parser = argparse.ArgumentParser(prog="neko memory", description="What the characters remember.")
    parser.add_argument("--data-dir", help=DATA_DIR.help)
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="look over every log; changes nothing, also while Neko runs")
    rebuild = actions.add_parser("rebuild", help="make the indexes anew from the logs")
    rebuild.add_argument("character", nargs="?", help="of one character only")
    export = actions.add_parser("export", help="write all that a character remembers into a file")
    export.add_argument("character")
    export.add_argument("file", nargs="?", help="where to; else it is printed")
    export.add_argument(
        "--form", choices=get_args(Form), help="json holds all of it, markdown what was said; else as the file ends"
    )
    take = actions.add_parser(
        "import",
        help="take over exports, backups, the files or the folder of a memory of N.E.K.O., zip archives of them",
    )
    take.add_argument("files", nargs="+")
    take.add_argument("--character", help="whose memory; else the one that the file is of")
    take.add_argument("--dry-run", action="store_true", help="only say what would come")
    for action in (check, rebuild, export, take):
        action.add_argument("--data-dir", default=argparse.SUPPRESS, help=DATA_DIR.help)
    options = parser.parse_args(argv)
    chosen = options.data_dir or environ.get("NEKO_DATA_DIR")
    path = Path(chosen).expanduser() if chosen else default_data_dir(environ)
    options.language = system_language(environ)
    if options.action == "check":
        return _check(path / "memory")
    if options.action != "import" and not path.is_dir():
        raise SystemExit(f"there is no data folder {path}; name another one with --data-dir")
    work = {"rebuild": _rebuild, "export": _export, "import": _import}[options.action]
    return asyncio.run(work(path, options))


def _check(folder: Path) -> int:
    logs = logs_in(folder)
    with_log = {character_of(log.name) for log in logs}
    windows = [(name, count) for name, count in windows_in(folder).items() if name not in with_log]
    if not logs and not windows:
        print(f"nothing is remembered in {folder}")
    for name, count in windows:
        print(f"ok    {name}: {_counted(count, 'line')} of N.E.K.O.'s, for which a log is made when Neko starts")
    sound = [_is_sound(log) for log in logs]
    return 0 if all(sound) else 1


def _is_sound(log: Path) -> bool:
    """Tell all that is wrong with a log, and what to do."""
    name = character_of(log.name)
    copies = backup.copies(log)
    backups = f"{_counted(len(copies), 'backup')}, the newest {copies[-1].name}" if copies else "no backup"
    try:
        state = look_over(log, _CHECK_S)
    except MemoryTooNewError:
        print(f"bad   {name}: a newer Neko wrote it, so this one cannot read it; {backups}")
        print(f"      Update Neko; nothing has to be done to the file: {log}")
        return False
    except (sqlite3.Error, OSError, NekoError) as error:
        print(f"bad   {name}: cannot be read: {error}; {backups}")
        print(f"      See that the file can be read and that no other program holds it: {log}")
        return False
    lines = "unknown how many lines" if state.lines is None else _counted(state.lines, "line")
    if not state.damage:
        print(f"ok    {name}: {lines}; {backups}")
        return True
    more = f", {state.restorable} more are kept elsewhere" if state.restorable else ""
    print(f"bad   {name}: damaged, {lines} can be read{more}; {backups}")
    for finding in state.damage:
        print(f"      {finding}")
    if len(state.damage) == MOST_FINDINGS:
        print("      and maybe more")
    print("      Start Neko: it keeps this file beside its place and goes on with all those lines.")
    print(f"      If you have a better copy of your own, put it here first, while Neko does not run: {log}")
    return False


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


@asynccontextmanager
async def _memory(path: Path) -> AsyncIterator[MemoryService]:
    """Raises ``DataFolderInUseError`` while Neko runs."""
    folder = DataFolder.open(path)
    try:
        async with _service(folder.memory) as memory:
            yield memory
    finally:
        folder.close()


@asynccontextmanager
async def _readable(path: Path, character: str) -> AsyncIterator[MemoryService]:
    """As ``_memory``, for one who only reads: of a copy, where the files cannot be written."""
    with ExitStack() as stack:
        if folder := _held_if_writable(path, character):
            stack.callback(folder.close)
            place = folder.memory
        else:
            try:
                place = Path(stack.enter_context(TemporaryDirectory(prefix="neko-export-")))
                await in_thread(copy_memory, path / "memory", character, place)
            except OSError as error:
                raise SystemExit(f"{error.filename or path} cannot be copied to be read: {error.strerror}") from error
        async with _service(place) as memory:
            yield memory


def _held_if_writable(path: Path, character: str) -> DataFolder | None:
    if not os.access(log_path(path / "memory", character), os.W_OK):
        return None
    try:
        return DataFolder.open(path)
    except DataFolderInUseError:
        raise
    except DataFolderError:
        return None


@asynccontextmanager
async def _service(folder: Path) -> AsyncIterator[MemoryService]:
    async with TaskOwner("memory") as owner:
        memory = MemoryService(folder, owner, on_damage=lambda error: print(error, file=sys.stderr))
        await memory.start()
        try:
            yield memory
        finally:
            await memory.aclose()


async def _rebuild(path: Path, options: argparse.Namespace) -> int:
    async with _memory(path) as memory:
        logs = {name for log in logs_in(path / "memory") if (name := character_of(log.name))}
        every = sorted(logs.union(windows_in(path / "memory")))
        bad = 0
        for name in [_there(path, options.character)] if options.character else every:
            try:
                print(f"{name}: {await memory.rebuild_index(name)} lines in the index")
            except NekoError as error:
                bad += 1
                print(f"{name}: {error}", file=sys.stderr)
            await memory.close(name)
    return 1 if bad else 0


async def _export(path: Path, options: argparse.Namespace) -> int:
    character = _there(path, options.character)
    form: Form = options.form or ("markdown" if (options.file or "").endswith(".md") else "json")
    async with _readable(path, character) as memory:
        pieces = exported(memory, character, form)
        if options.file is None:
            async for piece in pieces:
                sys.stdout.write(piece)
            return 0
        whole = Path(options.file)
        part = whole.with_name(whole.name + ".part")
        try:
            with part.open("w", encoding="utf-8", newline="\n") as file:
                async for piece in pieces:
                    await in_thread(file.write, piece)
            await in_thread(part.replace, whole)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise SystemExit(f"{options.file} cannot be written: {error.strerror}") from error
    return 0


async def _import(path: Path, options: argparse.Namespace) -> int:
    files = [(one, Path(one)) for one in options.files]
    with TemporaryDirectory(prefix="neko-import-") as workplace:
        sources = await in_thread(look_into, files, Path(workplace))
        shares = await bring_in(
            path,
            sources,
            lambda named, names: _into(named, options, names),
            options.language,
            dry_run=options.dry_run,
        )
        for source in sources:
            tell_unread(source)
        for share, is_made in shares:
            tell_share(share, is_made=is_made)
    if not any(share.brings_anything for share, _ in shares):
        raise SystemExit(f"nothing of a memory can be read of {', '.join(options.files)}")
    return 0


async def bring_in(
    path: Path,
    sources: Sequence[Source],
    into: Callable[[str, Sequence[str]], str],
    language: str,
    *,
    dry_run: bool,
) -> list[tuple[Share, bool]]:
    """Import into the memories of a data folder, or only find out what would come; who has none is made, which is told
    beside each share. ``into`` says where the lines of a file's character go, of the characters that are there.

    To find out, what is there is read of copies: nothing is written in the data folder, and Neko may run."""
    if dry_run:
        with TemporaryDirectory(prefix="neko-look-") as place:
            config = await in_thread(copied_settings, path, Path(place, "config"))
            names = await in_thread(_names, config / CHARACTERS_FILE)
            whose = {into(named, names) for named in named_sources(sources)}
            await in_thread(_copy_memories, path / "memory", Path(place, "memory"), whose)
            async with _service(Path(place, "memory")) as memory:
                shares = await _would_come(memory, Path(place, "memory"), sources, into, names)
    else:
        async with _memory(path) as memory:
            cards = path / "config" / CHARACTERS_FILE
            names = await in_thread(_names, cards)
            shares = await _would_come(memory, path / "memory", sources, into, names)
            if made := [share.character for share in shares if share.character not in names]:
                await in_thread(_make, cards, language, made)
            for share in shares:
                progress = _Progress("stored", share.lines + share.versions)
                await take_over(memory.importing, sources, share, progress.tell)
                progress.end()
    return [(share, share.character not in names) for share in shares]


def copied_settings(path: Path, target: Path) -> Path:
    """A copy of the documents of a data folder, to be read: reading one may mend it. Raises ``OSError``."""
    target.mkdir()
    for document in (path / "config").glob("*.json*"):
        if document.is_file():
            shutil.copyfile(document, target / document.name)
    return target


def _copy_memories(folder: Path, target: Path, characters: Iterable[str]) -> None:
    target.mkdir()
    for character in characters:
        if log_path(folder, character).exists() or recent_path(folder, character).exists():
            copy_memory(folder, character, target)


async def _would_come(
    memory: MemoryService,
    folder: Path,
    sources: Sequence[Source],
    into: Callable[[str, Sequence[str]], str],
    names: Sequence[str],
) -> list[Share]:
    there = {*windows_in(folder), *(character_of(log.name) for log in logs_in(folder))}
    progress = _Progress("looked at")
    shares = await what_would_come(
        memory.importing, sources, lambda named: into(named, names), lambda name: name in there, progress.tell
    )
    progress.end()
    return shares


class _Progress:
    """Tells on stderr how many lines it is by now: every ten thousand, and on a terminal in one row."""

    def __init__(self, what: str, total: int = 0) -> None:
        self._what = what
        self._of = f" of {total}" if total else ""
        self._done = 0
        self._told = 0
        self._end = "\r" if sys.stderr.isatty() else "\n"

    def tell(self, lines: int) -> None:
        self._done += lines
        if self._done - self._told >= _PROGRESS:
            self._told = self._done
            print(f"{self._done}{self._of} lines {self._what}", end=self._end, file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._told and self._end == "\r":
            print(file=sys.stderr)


def _names(cards: Path) -> list[str]:
    """Of the characters that are there, none before Neko has run."""
    return list((read_document(cards, {}, is_characters, log_fault).get(CHARACTERS)) or {})


def _make(cards: Path, language: str, names: Sequence[str]) -> None:
    """Make characters, as the page does: a memory without one can be reached by nobody."""
    there = CharacterCards.load(cards, language)
    for name in names:
        if not there.knows(name):
            there.create(name, {}, beside_namesakes=True)


def _into(named: str, options: argparse.Namespace, names: Sequence[str]) -> str:
    if options.character and options.character not in names:
        check_character(options.character)
    if not (whose := options.character or named):
        raise SystemExit("a file does not say whose lines it holds: name the character with --character")
    return character_called(whose, names)


_WHY = {
    "not_memory": "is nothing of a memory",
    "empty": "is empty",
    "too_large": "is too large",
    "unreadable": "cannot be read",
}


def tell_unread(source: Source) -> None:
    if source.kind is Kind.MARKDOWN:
        print(f"{source.name}: Markdown holds the lines, with who and when, and the memo; nothing else comes of it")
    if source.why and not source.path.name.endswith(PICTURES):
        print(f"{source.name}: {_WHY[source.why]}", file=sys.stderr)
    if source.unread or source.damaged:
        left = f"{source.unread} entries" if source.unread else "a part"
        print(f"{source.name}: {left} cannot be read", file=sys.stderr)


def tell_share(share: Share, *, is_made: bool) -> None:
    span = f", said from {share.first:%Y-%m-%d} to {share.last:%Y-%m-%d}" if share.first and share.last else ""
    counts = (
        (share.versions, "earlier versions of replies"),
        (share.summaries, "summaries"),
        (share.settings, "settings"),
        (share.facts, "facts"),
        (share.pictures, "pictures"),
        (share.missing_pictures, "pictures that are not in the file"),
    )
    more = "".join(f", {count} {what}" for count, what in counts if count)
    new = "; there is no such character yet, so one is made" if is_made else ""
    print(f"{share.character}: {share.new} new lines, {share.known} known ones{more}{span}{new}")


def _there(path: Path, character: str) -> str:
    logs = {character_of(log.name): log for log in logs_in(path / "memory")}
    if (log := logs.get(character)) is None:
        if character in windows_in(path / "memory"):
            return character
        raise SystemExit(f"nothing is remembered of {character} in {path}")
    if log.is_symlink() and not log.exists():
        raise SystemExit(f"{log} is a link to {log.readlink()}, where nothing is: put the log back there first")
    return character
