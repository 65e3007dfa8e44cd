"""``python -m neko backup|restore FILE``: all that matters of a data folder in one file, and back."""

from __future__ import annotations

import argparse
import getpass
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from neko import pending_restore
from neko.app.backups.layout import KeptCharacter
from neko.app.backups.reading import Backup, Report
from neko.app.backups.writing import write
from neko.settings import default_data_dir
from neko.settings.registry import DATA_DIR
from neko.storage import DataFolder

_PASSPHRASE = "passphrase: "


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """What the command line says, ``argv`` beginning with "backup" or "restore"; the exit code. Raises ``NekoError``;
    a wrong usage exits with 2, and what cannot be done with 1 and a sentence."""
    return {"backup": _backup, "restore": _restore}[argv[0]](argv[1:], environ)


def _backup(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    parser = argparse.ArgumentParser(
        prog="neko backup",
        description="Write all that matters of the data folder into one file, also while Neko runs. Whoever has the "
        "file can read what was said; keys are in it only with --secrets, and then sealed by a passphrase.",
    )
    parser.add_argument("file", help="the file to write, or a folder for it")
    parser.add_argument(
        "--secrets", action="store_true", help="keys, logins and MCP servers too; asks for a passphrase"
    )
    parser.add_argument("--data-dir", help=DATA_DIR.help)
    options = parser.parse_args(argv)
    data, target = _data_folder(options, environ), Path(options.file).expanduser()
    if target.is_dir():
        target /= f"neko-{datetime.now():%Y%m%d-%H%M%S}.zip"
    passphrase = _passphrase(is_new=True) if options.secrets else ""
    progress = _Progress("kept")
    made = write(data, target, passphrase, progress.tell)
    progress.end()
    print(f"{made.path}: {made.files} files, {_size(made.size)}")
    if made.left_out:
        print(f"without keys (--secrets takes them too): {', '.join(made.left_out)}")
    if made.links:
        print(f"without links to elsewhere: {', '.join(made.links)}")
    if made.others:
        print(f"without what is no part of Neko's data: {', '.join(made.others)}")
    for path in made.unread:
        print(f"{path}: cannot be read, so it is not in it", file=sys.stderr)
    return 1 if made.unread else 0


def _restore(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    parser = argparse.ArgumentParser(
        prog="neko restore",
        description="Put a backup in the place of the data folder, while Neko does not run. First it is told what "
        "would come. What was there before is kept for a month.",
    )
    parser.add_argument("file")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would come")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--secrets", action="store_true", help="what is sealed too; asks for the passphrase")
    parser.add_argument("--data-dir", help=DATA_DIR.help)
    options = parser.parse_args(argv)
    data = _data_folder(options, environ)
    with closing(Backup(Path(options.file).expanduser())) as backup:
        progress = _Progress("looked at")
        report = backup.compare(data, progress.tell)
        progress.end()
        _tell(report, data, sealed=options.secrets)
        if options.dry_run or not (options.yes or _says_yes()):
            print("Nothing was changed.")
            return 0
        passphrase = _passphrase(is_new=False) if options.secrets and report.manifest.sealed else ""
        is_new = not data.exists()
        try:
            with closing(DataFolder.open(data)) as folder:
                progress = _Progress("restored")
                backup.stage(folder.path, passphrase, progress.tell)
                progress.end()
        except BaseException:
            if is_new:  # nothing is in it but what opening it has made
                shutil.rmtree(data, ignore_errors=True)
            raise
    DataFolder.open(data).close()  # it takes effect
    print(f"{data} is as the backup has it.")
    if kept := sorted((data / pending_restore.BEFORE).glob("*")):
        print(f"What was there before is kept for a month: {kept[-1]}")
    return 0


def _data_folder(options: argparse.Namespace, environ: Mapping[str, str]) -> Path:
    chosen = options.data_dir or environ.get("NEKO_DATA_DIR")
    return Path(chosen).expanduser().absolute() if chosen else default_data_dir(environ)


def _tell(report: Report, data: Path, *, sealed: bool) -> None:
    made = f"of {report.manifest.made.replace('T', ' ')}, " if report.manifest.made else ""
    print(f"A backup {made}{len(report.manifest.files)} files, {_size(report.size)}. For {data}:")
    for change in report.changes:
        counts = {"new": change.new, "different": change.different, "as they are": change.same, "gone": change.gone}
        print(f"  {change.part}: {', '.join(f'{count} {what}' for what, count in counts.items() if count)}")
    for talk in report.talks:
        print(f"  {talk.name}: {_told(talk.kept)} in the backup, {_told(talk.here)} here")
    if report.manifest.secrets and not (sealed and report.manifest.sealed):
        remedy = "--secrets brings them" if report.manifest.sealed else "they have to be entered again"
        print(f"  without keys ({remedy}): {', '.join(report.manifest.secrets)}")


def _told(character: KeptCharacter | None) -> str:
    if character is None:
        return "no such character"
    lines = character.lines
    return "lines that cannot be counted" if lines is None else f"{lines} line{'s' * (lines != 1)}"


def _says_yes() -> bool:
    if not sys.stdin.isatty():
        print("To restore it: --yes")
        return False
    return input("Restore it? [y/N] ").strip().lower() in ("y", "yes")


def _passphrase(*, is_new: bool) -> str:
    """From the terminal, unseen, a new one twice; else the first line of what comes in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    passphrase = getpass.getpass(_PASSPHRASE)
    if is_new and getpass.getpass("again: ") != passphrase:
        raise SystemExit("these are two different ones; nothing was written")
    return passphrase


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


class _Progress:
    """Tells on stderr how far it is, in one row of a terminal, every twentieth part."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._told = 0
        self._is_shown = sys.stderr.isatty()

    def tell(self, done: int, total: int) -> None:
        part = 20 * done // max(total, 1)
        if self._is_shown and part > self._told:
            self._told = part
            print(f"\r{_size(done)} of {_size(total)} {self._what}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._told:
            print(file=sys.stderr)
