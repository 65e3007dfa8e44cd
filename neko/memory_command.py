"""``python -m neko memory check|rebuild|export|import``: the memories of a data folder, while Neko does not run."""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from neko.app.export import exported
from neko.errors import ConfigError, NekoError
from neko.memory import backup
from neko.memory.line_codec import logged_lines
from neko.memory.log_check import look_over
from neko.memory.paths import checked, logs_in
from neko.memory.salvage import readable_rows
from neko.memory.schema import ORIGINAL
from neko.memory.service import MemoryService
from neko.memory_files import character_of
from neko.settings import default_data_dir
from neko.settings.registry import DATA_DIR
from neko.storage import DataFolder
from neko.tasks import TaskOwner, in_thread
from neko.types.lines import NewLine, Role
from neko.types.memory import InChats

_CHECK_S = 120.0
"""For one log."""
_PAGE = 1_000
_SQLITE = b"SQLite format 3\0"


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """What the command line says; the exit code. Raises ``NekoError``; a wrong usage exits with 2."""
    parser = argparse.ArgumentParser(prog="neko memory", description="What the characters remember.")
    parser.add_argument("--data-dir", help=DATA_DIR.help)
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="look over every log; changes nothing, also while Neko runs")
    rebuild = actions.add_parser("rebuild", help="make the indexes anew from the logs")
    rebuild.add_argument("character", nargs="?", help="of one character only")
    export = actions.add_parser("export", help="write what was said as JSON")
    export.add_argument("character")
    export.add_argument("file", nargs="?", help="where to; else it is printed")
    take = actions.add_parser("import", help="take lines from an export, a backup, or a log of N.E.K.O.")
    take.add_argument("file")
    take.add_argument("--character", help="whose memory; else the one that the file is of")
    take.add_argument("--dry-run", action="store_true", help="only say what would come")
    for action in (check, rebuild, export, take):
        action.add_argument("--data-dir", default=argparse.SUPPRESS, help=DATA_DIR.help)
    options = parser.parse_args(argv)
    chosen = options.data_dir or environ.get("NEKO_DATA_DIR")
    path = Path(chosen).expanduser() if chosen else default_data_dir(environ)
    if options.action == "check":
        return _check(path / "memory")
    work = {"rebuild": _rebuild, "export": _export, "import": _import}[options.action]
    return asyncio.run(work(path, options))


def _check(folder: Path) -> int:
    bad = 0
    for log in logs_in(folder):
        name = character_of(log.name)
        copies = backup.copies(log)
        backups = f"{len(copies)} backups, the newest {copies[-1].name}" if copies else "no backup"
        try:
            state = look_over(log, _CHECK_S)
        except (sqlite3.Error, NekoError) as error:
            bad += 1
            print(f"bad   {name}: cannot be read: {error}; {backups}")
            continue
        lines = "unknown how many" if state.lines is None else state.lines
        if state.damage:
            bad += 1
            print(f"bad   {name}: damaged ({state.damage}), {lines} lines can be read; {backups}")
        else:
            print(f"ok    {name}: {lines} lines; {backups}")
    return 1 if bad else 0


@asynccontextmanager
async def _memory(path: Path) -> AsyncIterator[MemoryService]:
    """Raises ``DataFolderInUseError`` while Neko runs."""
    folder = DataFolder.open(path)
    try:
        async with TaskOwner("memory") as owner:
            memory = MemoryService(folder.memory, owner, on_damage=lambda error: print(error, file=sys.stderr))
            await memory.start()
            try:
                yield memory
            finally:
                await memory.aclose()
    finally:
        folder.close()


async def _rebuild(path: Path, options: argparse.Namespace) -> int:
    async with _memory(path) as memory:
        every = [name for log in logs_in(path / "memory") if (name := character_of(log.name))]
        for name in [_there(path, options.character)] if options.character else every:
            print(f"{name}: {await memory.rebuild_index(name)} lines in the index")
            await memory.close(name)
    return 0


async def _export(path: Path, options: argparse.Namespace) -> int:
    async with _memory(path) as memory:
        whole = "".join([piece async for piece in exported(memory, _there(path, options.character), "json")])
    if options.file is None:
        sys.stdout.write(whole)
        return 0
    try:
        await in_thread(Path(options.file).write_text, whole, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{options.file} cannot be written: {error.strerror}") from error
    return 0


async def _import(path: Path, options: argparse.Namespace) -> int:
    character, lines = _read(Path(options.file), options.character)
    async with _memory(path) as memory:
        there = {_mark(line.at, line.role, line.text) async for line in _all(memory, character)}
        new = [line for line in lines if _mark(line.at, line.role, line.text) not in there]
        print(f"{character}: {len(new)} new lines, {len(lines) - len(new)} known ones")
        if not options.dry_run:
            for at in range(0, len(new), _PAGE):
                await memory.store_many(character, new[at : at + _PAGE])
    return 0


async def _all(memory: MemoryService, character: str) -> AsyncIterator[Any]:
    last = 0
    while page := await memory.lines(character, after=last, limit=_PAGE, chat=InChats.ALL):
        for line in page:
            yield line
        last = page[-1].id


def _read(path: Path, character: str | None) -> tuple[str, list[NewLine]]:
    """Whose lines they are, and they, the oldest first. Raises ``ConfigError``."""
    try:
        with path.open("rb") as file:
            is_log = file.read(len(_SQLITE)) == _SQLITE
        named, lines = (_named(path), list(_of_log(path, character or ""))) if is_log else _of_export(path)
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error) as error:
        raise ConfigError(f"{path} is neither an export nor a log: {error}") from error
    whose = character or named
    if not whose:
        raise ConfigError(f"{path} does not say whose lines it holds: name the character with --character")
    return checked(whose), sorted(lines, key=lambda line: line.at)


def _named(path: Path) -> str | None:
    """A log is named after its character, the folder of a backup too."""
    return character_of(path.name) or (path.parent.name.partition("backups_")[2] or None)


def _of_log(path: Path, character: str) -> Iterator[NewLine]:
    names: dict[Role, str] = {"user": "", "assistant": character, "system": ""}
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for logged in logged_lines(list(readable_rows(connection, ORIGINAL)), names):
            line = logged.line
            if line.text.strip() and line.status != "replaced":
                yield _line(line.session_id, line.role, line.speaker, line.text, line.at, line.client_id)


def _of_export(path: Path) -> tuple[str | None, list[NewLine]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return content.get("character"), [
        _line("", _role(one["role"]), one.get("speaker", ""), one["text"], datetime.fromisoformat(one["at"]))
        for one in content["lines"]
        if one.get("status") != "replaced"
    ]


def _line(session: str, role: Role, speaker: str, text: str, at: datetime, client_id: str | None = None) -> NewLine:
    mark = _mark(at, role, text)
    return NewLine(session, mark, role, text, at, client_id=client_id or mark, speaker=speaker)


def _role(value: object) -> Role:
    if value not in get_args(Role):
        raise ValueError(f"{value!r} is no role")
    role: Role = value  # type: ignore[assignment]
    return role


def _mark(at: datetime, role: str, text: str) -> str:
    """The same for the same words of the same second."""
    return sha256(f"{int(at.timestamp())} {role} {text}".encode()).hexdigest()[:24]


def _there(path: Path, character: str) -> str:
    if character not in [character_of(log.name) for log in logs_in(path / "memory")]:
        raise ConfigError(f"nothing is remembered of {character} in {path}")
    return character
