"""How Neko is launched, and what ``core_config.json`` says."""

from __future__ import annotations

import argparse
import copy
import ipaddress
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from neko.errors import ConfigError
from neko.storage import check_writable, read_json, write_json

DEFAULT_PORT: Final = 48911
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_FOLDER_NAME: Final = "N.E.K.O"


def _find_assets() -> Path:
    package = Path(__file__).parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


ASSETS: Final = _find_assets()
"""Data files that ship with Neko: inside the installed package, beside it in a checkout."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How Neko is launched; ``Settings()`` is right for embedding.

    ``data_dir`` None means ``default_data_dir``. ``port`` 0 lets the system choose. ``token`` is
    needed to listen on any but a loopback address. Raises ``ConfigError`` for values that cannot work.
    """

    data_dir: Path | None = None
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    open_browser: bool = False
    log_level: str = "info"
    token: str | None = field(default=None, repr=False)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False, hash=False)
    find_local_servers: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port {self.port} is not between 0 and 65535", value=self.port)
        if self.log_level not in LOG_LEVELS:
            raise ConfigError(f"log level {self.log_level!r} is not one of {', '.join(LOG_LEVELS)}")
        if not self.token and not is_loopback(self.host):
            raise ConfigError(
                f"listening on {self.host} lets other machines in: set a token with --token or NEKO_TOKEN",
                value=self.host,
            )

    @classmethod
    def from_command_line(cls, argv: Sequence[str], environ: Mapping[str, str]) -> Self:
        """Flags over environment variables over defaults.

        ``argv`` is without the program's name. A bad value prints one sentence on stderr and
        exits with code 2.
        """
        parser = _parser()
        given = parser.parse_args(argv)
        try:
            folder = given.data_dir or environ.get("NEKO_DATA_DIR")
            return cls(
                data_dir=Path(folder).expanduser() if folder else None,
                host=given.host or environ.get("NEKO_HOST") or "127.0.0.1",
                port=_port(given.port, environ),
                open_browser=not (given.no_browser or _is_on(environ.get("NEKO_NO_BROWSER"))),
                log_level=(given.log_level or environ.get("NEKO_LOG_LEVEL") or "info").lower(),
                token=given.token or environ.get("NEKO_TOKEN") or None,
                environ=dict(environ),
            )
        except ConfigError as error:
            parser.error(str(error))


class _OneSentenceParser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        sys.stderr.write(f"{self.prog}: {message} (see {self.prog} --help)\n")
        sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _OneSentenceParser(prog="neko", description="A companion who talks, listens and remembers.")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1; NEKO_HOST)")
    parser.add_argument("--port", help=f"port to listen on, 0 for any free one (default {DEFAULT_PORT}; NEKO_PORT)")
    parser.add_argument("--data-dir", help="folder for everything of yours (default Documents/N.E.K.O; NEKO_DATA_DIR)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser (NEKO_NO_BROWSER=1)")
    parser.add_argument("--log-level", help=f"one of {', '.join(LOG_LEVELS)} (default info; NEKO_LOG_LEVEL)")
    parser.add_argument("--token", help="secret that other machines must send (NEKO_TOKEN)")
    return parser


def _port(flag: str | None, environ: Mapping[str, str]) -> int:
    """A wrong flag or ``NEKO_PORT`` is an error; a wrong value of the older names is ignored."""
    for source, text in (("--port", flag), ("NEKO_PORT", environ.get("NEKO_PORT"))):
        if text:
            if not text.strip().isdecimal() or int(text) > 65535:
                raise ConfigError(f"{source} {text!r} is not a port number between 0 and 65535", value=text)
            return int(text)
    for name in ("NEKO_MAIN_SERVER_PORT", "MAIN_SERVER_PORT"):
        text = environ.get(name, "").strip()
        if text.isdecimal() and 1 <= int(text) <= 65535:
            return int(text)
    return DEFAULT_PORT


def _is_on(value: str | None) -> bool:
    return (value or "").strip().lower() not in ("", "0", "false", "no", "off")


def is_loopback(host: str) -> bool:
    """True for addresses that only this machine can reach: 127.0.0.0/8, ::1, localhost."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def default_data_dir(
    environ: Mapping[str, str], *, platform: str = sys.platform, home: Path | None = None, cwd: Path | None = None
) -> Path:
    """``<Documents>/N.E.K.O`` under the first documents folder that can be made and written.

    Blocks (it makes the documents folder and writes a probe file). The working directory is the
    last resort and is not probed.
    """
    home = home or Path.home()
    cwd = cwd or Path.cwd()
    for folder in _document_folders(environ, platform, home):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            check_writable(folder)
        except OSError:
            continue
        return folder / _FOLDER_NAME
    return cwd / _FOLDER_NAME


def _document_folders(environ: Mapping[str, str], platform: str, home: Path) -> list[Path]:
    folders = [home / "Documents"]
    if platform == "win32":
        import platformdirs

        folders.insert(0, Path(platformdirs.user_documents_dir()))
    elif platform != "darwin" and (named := environ.get("XDG_DOCUMENTS_DIR", "").strip()):
        folders.insert(0, Path(named.replace("$HOME", str(home))).expanduser())
    return folders


class CoreConfig:
    """``core_config.json`` in memory and on disk: keys that Neko does not know are kept.

    What Neko adds to the format lives under the one key ``neko``. Safe to use from any thread;
    ``load`` and ``merge`` block on the disk.
    """

    def __init__(self, path: Path, values: dict[str, Any]) -> None:
        self._path = path
        self._values = values
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; a missing one is an empty configuration. Raises ``DamagedFileError``."""
        return cls(path, read_json(path, {}, expect=dict))

    @property
    def values(self) -> Mapping[str, Any]:
        """The current content, read-only. A later ``merge`` does not change a mapping got earlier."""
        return MappingProxyType(self._values)

    def merge(self, changes: Mapping[str, Any]) -> None:
        """Lay ``changes`` over the content and save; objects are merged key by key.

        ``None`` removes a key. Raises ``ConfigError`` when the disk refuses; then nothing has changed.
        """
        with self._lock:
            merged = _merged(self._values, changes)
            write_json(self._path, merged)
            self._values = merged


def _merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in changes.items():
        before = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(before, value)
        else:
            result[key] = copy.deepcopy(value)
    return result
