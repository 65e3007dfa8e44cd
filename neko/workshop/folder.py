"""The folder of Workshop items, and what may be read of it: nothing outside of it, whatever a path says.

``workshop_config.json`` is N.E.K.O.'s (``contract/config.md`` §9). A folder that was chosen and is not there at the
moment stays in force, as a drive may be plugged in again; one that N.E.K.O. has found by itself does not.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from neko.errors import ConfigError
from neko.storage import is_object, is_plain_name, make_folder, read_document, write_json
from neko.workshop_errors import WorkshopError

CONFIG_FILE: Final = "workshop_config.json"
_KEYS: Final = ("user_mod_folder", "WORKSHOP_PATH", "default_workshop_folder")
"""Which of them names the folder, the first that is set."""
STANDARD: Final = "workshop"
"""In the data folder."""
_OF_THE_SYSTEM: Final = (
    "/etc",
    "/private/etc",
    "/proc",
    "/sys",
    "/boot",
    "/usr",
    "/var/lib",
    "/var/log",
    "/System",
    "/Library",
)
"""Folders of other programs' settings and state, on Linux and macOS."""
_ELSEWHERE: Final = "/N.E.K.O/workshop"
"""How the standard ends, whatever it is below."""
_OF_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")
"""How absolute paths of Windows begin."""


class WorkshopFolder:
    """``data`` is the data folder; in it is the folder that counts as long as no other is set."""

    def __init__(self, data: Path, on_fault: Callable[[ConfigError], None]) -> None:
        self._data = data
        self._on_fault = on_fault
        self.standard = data / STANDARD
        self.subscribed: Mapping[str, Path] = {}
        """Where Steam has installed items, by their numbers: read like those in the folder, never written."""

    @property
    def config(self) -> dict[str, Any]:
        """What is set, with the standard where nothing is."""
        return self._completed(read_document(self._data / "config" / CONFIG_FILE, {}, is_object, self._on_fault))

    def set(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Keep changes, and make the folder if that is wanted and what it is to be in is there. Raises
        ``WorkshopError``, ``ConfigError``."""
        for key in ("user_mod_folder", "default_workshop_folder"):
            if changes.get(key):
                self._usable(str(changes[key]))
        config = {key: value for key, value in {**self.config, **changes}.items() if value is not None}
        write_json(self._data / "config" / CONFIG_FILE, config)
        completed = self._completed(config)
        if completed["auto_create_folder"] and (self.root.parent.is_dir() or self.root == self.standard):
            with contextlib.suppress(OSError):
                make_folder(self.root)
        return completed

    def _completed(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        """The standard also stands for what is of the wrong kind: the file may be anybody's."""
        standard = {"default_workshop_folder": str(self.standard), "auto_create_folder": True}
        wrong = {key for key, value in standard.items() if not isinstance(kept.get(key), type(value))}
        return {**kept, **{key: standard[key] for key in wrong}}

    def _usable(self, path: str) -> None:
        """Raises ``WorkshopError`` for what no folder can be called, and what none for items can be."""
        try:
            folder = _expanded(path)
            folder.exists()
            self._check(folder)
            if os.name != "nt" and _OF_WINDOWS.match(path.strip()):
                raise ValueError("it is a path of Windows")
        except (OSError, ValueError, RuntimeError) as error:
            raise WorkshopError("workshop_folder", f"{path!r}: {error}", folder=path[:200]) from error

    def _check(self, folder: Path) -> None:
        """A folder that holds what is private, such as keys, is none for items."""
        folder, data = folder.resolve(), self._data.resolve()
        is_own = folder.is_relative_to(data) and folder.is_relative_to(self.standard.resolve())
        home = Path.home().resolve()
        holds_private = data.is_relative_to(folder) or home.is_relative_to(folder) or folder.is_relative_to(data)
        if not is_own and (holds_private or _is_of_a_program(folder, home)):
            raise WorkshopError("workshop_not_here", f"{folder} holds private files", folder=str(folder)[:200])

    @property
    def root(self) -> Path:
        """The folder of items, which need not be there."""
        return self.root_by(self.config)

    def root_by(self, config: Mapping[str, Any]) -> Path:
        """The folder of items with these settings."""
        for key in _KEYS:
            if isinstance(config.get(key), str) and config[key].strip():
                with contextlib.suppress(WorkshopError, OSError, ValueError, RuntimeError):
                    folder = _expanded(config[key].strip())
                    self._check(folder)
                    if not _is_of_another_computer(key, config[key].strip(), folder):
                        return folder
        return self.standard

    def inside(self, path: str) -> Path:
        """What a path names, absolute or from the root, perhaps percent-encoded once more. It may also be in what Steam
        has installed, from the item's number on. Raises ``WorkshopError``: it leads out, is hidden, or is not there."""
        try:
            return self._own(path)
        except WorkshopError:
            for text in dict.fromkeys((path, unquote(path))):
                if found := self._installed(text.strip()):
                    return found
            raise

    def _own(self, path: str) -> Path:
        root = self.root.resolve()
        for text in dict.fromkeys((path, unquote(path))):
            try:
                found = (root / text.strip()).resolve()
            except (OSError, ValueError) as error:
                raise WorkshopError("workshop_outside", f"no path: {path!r}", path=path[:200]) from error
            if not _is_plainly_in(found, root):
                raise WorkshopError("workshop_outside", f"{path!r} is not in {root}", path=path[:200])
            with contextlib.suppress(OSError):
                if found.exists():
                    return found
        raise WorkshopError("workshop_missing", f"{path!r} is not there", path=path[:200])

    def _installed(self, path: str) -> Path | None:
        """What a path names in an item that Steam has installed; None where that is nothing."""
        for number, folder in self.subscribed.items():
            with contextlib.suppress(OSError, ValueError):
                found = (folder.parent / path).resolve()
                if folder.name == number and _is_plainly_in(found, folder) and found.exists():
                    return found
        return None

    def shown(self, path: Path) -> str:
        """A path as ``inside`` and the mount take it: from the root, or from an item's number on."""
        for folder in (self.root.resolve(), *(one.parent for one in self.subscribed.values())):
            if path.is_relative_to(folder):
                return path.relative_to(folder).as_posix()
        return str(path)

    def folder(self, path: str) -> Path:
        """What ``inside`` finds, if it is a folder; the root for an empty path."""
        return _folder(path, self.inside(path) if path.strip() else self.root)

    def file(self, path: str) -> Path:
        """What ``inside`` finds, if it is a file."""
        return _file(path, self.inside(path))

    def own_folder(self, path: str) -> Path:
        """A folder in the root that may be written, as what Steam has installed may not."""
        return _folder(path, self._writable(path))

    def own_file(self, path: str) -> Path:
        """The same for a file."""
        return _file(path, self._writable(path))

    def _writable(self, path: str) -> Path:
        found = self._own(path)
        if any(found.is_relative_to(folder) for folder in self.subscribed.values()):
            raise WorkshopError("workshop_outside", f"{path!r} is Steam's", path=path[:200])
        return found


def _is_of_another_computer(key: str, value: str, folder: Path) -> bool:
    """Whether a path can be nowhere on this system, or is not there and was chosen by nobody: N.E.K.O. writes
    ``WORKSHOP_PATH`` at each start, and its standard."""
    if os.name != "nt" and _OF_WINDOWS.match(value):
        return True
    if key == "user_mod_folder" or (key != "WORKSHOP_PATH" and not _ends_as_standard(value)):
        return False
    return not folder.is_dir()


def _ends_as_standard(value: str) -> bool:
    return value.replace("\\", "/").rstrip("/").endswith(_ELSEWHERE)


def _is_plainly_in(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder) and all(map(is_plain_name, path.relative_to(folder).parts))


def _folder(path: str, found: Path) -> Path:
    with contextlib.suppress(OSError):
        if found.is_dir():
            return found
    raise WorkshopError("workshop_missing", f"{path!r} is no folder", path=path[:200])


def _file(path: str, found: Path) -> Path:
    if not found.is_file():
        raise WorkshopError("workshop_missing", f"{path!r} is no file", path=path[:200])
    return found


def moved(config: Mapping[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """The settings of a data folder for its copy: the folder of items in the old one becomes that in the new one."""
    place = (old / STANDARD).resolve()

    def in_new(value: object) -> object:
        if not isinstance(value, str) or not value.strip():
            return value
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            found = _expanded(value.strip()).resolve()
            if found.is_relative_to(place):
                return str(new / STANDARD / found.relative_to(place))
        return str(new / STANDARD) if _ends_as_standard(value.strip()) and place.is_dir() else value

    return {key: in_new(value) for key, value in config.items()}


def _expanded(path: str) -> Path:
    """Relative values are from the home folder."""
    return Path.home() / Path(path).expanduser()


def _is_of_a_program(folder: Path, home: Path) -> bool:
    """Whether other programs keep their own there: folders of the system, and hidden ones but for Steam's."""
    if folder.is_relative_to(home):
        folder = folder.relative_to(home)
        return any(part.startswith(".") for part in folder.parts) and "steamapps" not in folder.parts
    places = [*_OF_THE_SYSTEM, os.environ.get("SYSTEMROOT", ""), os.environ.get("PROGRAMDATA", "")]
    return any(place and folder.is_relative_to(place) for place in places)
