"""What a module of the page imports, so that a browser can be told of all of it at once.

Without that it learns of a module only when it has read the one that imports it: one round trip for each level.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Final

_STATIC_IMPORT: Final = re.compile(r"""^(?:import|export)\b[^"'();]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)
"""Written as our own modules are: at the start of a line. An ``import()`` is none: what it names is loaded later."""


def modules_of(folder: Path, *entries: str) -> list[str]:
    """These modules, those that they import, and so on, each once, as paths below ``folder``. Blocks.

    All that the first one needs comes first, nearest first. Raises ``OSError`` for one that is not there.
    """
    found: list[str] = []
    for entry in entries:
        waiting = [entry]
        for path in waiting:
            if path not in found:
                found.append(path)
                text = (folder / path).read_text(encoding="utf-8")
                waiting += [normpath(PurePosixPath(path).parent / name) for name in _STATIC_IMPORT.findall(text)]
    return found
