"""``python -m neko import DIR``: what another program left, brought over while Neko does not run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from neko.app.earlier_talk import character_of as character_called
from neko.app.elsewhere.bringing import bring
from neko.app.elsewhere.found import Found
from neko.app.elsewhere.scanning import look_into
from neko.characters import CharacterCards
from neko.language import system_language
from neko.memory import import_files
from neko.memory.import_files import Kind, Source
from neko.memory_command import bring_in, copied_settings, tell_share, tell_unread
from neko.settings import default_data_dir
from neko.settings.registry import DATA_DIR
from neko.storage import CHARACTERS_FILE, DataFolder


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """What the command line says; the exit code. Raises ``NekoError``; a wrong usage exits with 2, and what cannot be
    done with 1 and a sentence."""
    parser = argparse.ArgumentParser(
        prog="neko import",
        description="Bring over characters, talks and files from a folder of N.E.K.O., SillyTavern, Open-LLM-VTuber or "
        "AIRI. Nothing is changed there, and nothing here is overwritten. First it is only told what would come.",
    )
    parser.add_argument("folder")
    parser.add_argument("--yes", action="store_true", help="bring it over; else it is only told what would come")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would come, as without --yes")
    parser.add_argument("--data-dir", help=DATA_DIR.help)
    options = parser.parse_args(argv)
    chosen = options.data_dir or environ.get("NEKO_DATA_DIR")
    data = Path(chosen).expanduser().absolute() if chosen else default_data_dir(environ)
    folder = Path(options.folder).expanduser().absolute()
    if not folder.is_dir():
        raise SystemExit(f"there is no folder {folder}")
    if folder.resolve() == data.resolve():
        raise SystemExit(f"{folder} is the data folder itself: start Neko, and everything in it is there")
    dry_run = options.dry_run or not options.yes
    return _import(folder, data, system_language(environ), dry_run=dry_run)


def _import(folder: Path, data: Path, language: str, *, dry_run: bool) -> int:
    with TemporaryDirectory(prefix="neko-import-") as place:
        rewritten, workplace = Path(place, "talks"), Path(place, "work")
        rewritten.mkdir()
        workplace.mkdir()
        config = copied_settings(data, Path(place, "config")) if dry_run else data / "config"
        found = look_into(folder, rewritten, language, _user(config, language))
        if found.is_empty:
            _tell_left(found)
            raise SystemExit(f"nothing of N.E.K.O., SillyTavern, Open-LLM-VTuber or AIRI was found in {folder}")
        print("Would come:" if dry_run else "Came:")
        with nullcontext() if dry_run else closing(DataFolder.open(data)):
            made = bring(data, config, found, language, lambda what: print(f"  {what}"), dry_run=dry_run)
        sources = _sources(found, workplace)
        if any(source.kind is not Kind.OTHER for source in sources):

            def into(named: str, names: Sequence[str]) -> str:
                return character_called(named, [*names, *made])

            brought = asyncio.run(bring_in(data, sources, into, language, dry_run=dry_run))
            for share, is_made in brought:
                tell_share(share, is_made=is_made and share.character not in made)
        for source in sources:
            tell_unread(source)
    _tell_left(found)
    if dry_run:
        print("Nothing was changed. To bring it over: --yes")
    return 0


def _user(config: Path, language: str) -> str:
    path = config / CHARACTERS_FILE
    there = CharacterCards.load(path, language) if path.exists() else None
    return there.master_name if there and there.is_master_named else ""


def _sources(found: Found, workplace: Path) -> list[Source]:
    named = {talk.name: talk.character for talk in found.talks}
    sources = import_files.look_into([(talk.name, talk.path) for talk in found.talks], workplace)
    for source in sources:
        if character := named.get(source.name):
            source.character = character
        elif not source.character and source.kind is Kind.CHAT:
            source.kind, source.why = Kind.OTHER, ""
            found.left.append((source.name, "it does not say whose talk it is: `neko memory import --character`"))
    return [source for source in sources if source.kind is not Kind.OTHER or source.why != "not_memory"]


def _tell_left(found: Found) -> None:
    if found.left:
        print("Left:")
    for (what, why), count in Counter(found.left).items():
        print(f"  {what}: {why}" + (f" ({count} times)" if count > 1 else ""))
    if found.others:
        print(f"  {found.others} files that are nothing of these programs", file=sys.stderr)
