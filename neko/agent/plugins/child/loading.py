"""The class of a plug-in, found by what ``entry`` in its ``plugin.toml`` says."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any, Final

from neko.agent.plugins.child import upstream_names

_NOT_OF_IT: Final = ("<", str(Path(__file__).parent), str(Path(importlib.__file__).parents[1]))
"""Where a traceback tells nothing of the plug-in."""


class LoadError(Exception):
    """A plug-in that cannot run; the text says why in one line."""


def load_class(entry: str, folder: Path | None) -> type:
    """``entry`` is ``module.path:Class``. The module is looked for in the plug-in's folder: below it, as the folder
    itself (``notes:Notes`` in ``notes/``), or as that folder in a package, as N.E.K.O.'s plug-ins are named
    (``plugin.plugins.notes:Notes``). One that is installed has no folder. Raises ``LoadError``."""
    module_name, _, class_name = entry.partition(":")
    upstream_names.install()
    if folder is not None:
        # Bytecode goes by size and second: a change within one would not count at a reload.
        sys.dont_write_bytecode = True
        _make_importable(module_name.split("."), folder)
    try:
        found: Any = importlib.import_module(module_name)
        for part in class_name.split("."):
            found = getattr(found, part)
    except BaseException as error:
        traceback.print_exc()
        raise LoadError(last_line(error)) from error
    if not isinstance(found, type):
        raise LoadError(f"{entry} is no class")
    return found


def last_line(error: BaseException) -> str:
    """What the last line of the error's traceback says, and where in the plug-in it arose."""
    words = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(_NOT_OF_IT)]
    if not frames:
        return words
    return f"{words} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"


def _make_importable(names: list[str], folder: Path) -> None:
    if folder.name not in names or (folder / f"{names[0]}.py").is_file() or (folder / names[0]).is_dir():
        sys.path.insert(0, str(folder))
        return
    place = names.index(folder.name)
    if not place:
        sys.path.append(str(folder.parent))
        return
    for depth in range(1, place + 1):
        package = upstream_names.package(".".join(names[:depth]))
    package.__path__ = [*package.__path__, str(folder.parent)]
