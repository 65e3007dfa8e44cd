"""A Steam that is installed and scripted: the package that the product looks for is played, its process is real.

``items`` by number: ``state`` (EItemState), ``install`` (folder, size, at), ``download`` (bytes, of how many),
``details``, ``picture``. ``query``, ``unsubscribe``: the EResult, or "never". ``create``, ``submit``: ``result``,
``unagreed``, ``id``, or "never". ``refuses``: parts of an update that are not taken. ``achievements``, ``stats``.
``running``, ``init``, ``goes``: whether Steam is there. ``dies``, ``hangs``: a call in which that happens.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).with_name("scripted_steam_package")


class ScriptedSteam:
    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, app: int = 4099310) -> None:
        self.store = folder / "steamapps" / "workshop" / "content" / str(app)
        self._path = folder / "steam.json"
        self._script: dict[str, Any] = {}
        self.says()
        patch.syspath_prepend(str(PACKAGE))
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(PACKAGE), os.environ.get("PYTHONPATH")))))
        patch.setenv("SCRIPTED_STEAM", str(self._path))

    def says(self, **script: Any) -> None:
        """From now on; what is not named stays."""
        self._script |= script
        whole = self._path.with_suffix(".new")
        whole.write_text(json.dumps(self._script), encoding="utf-8")
        whole.replace(self._path)

    def has(self, number: int, state: int = 5, **told: Any) -> Path:
        """An item; its folder, which is installed if the state says so."""
        folder = self.store / str(number)
        item: dict[str, Any] = {"state": state, **told}
        if state & 4:
            folder.mkdir(parents=True, exist_ok=True)
            item.setdefault("install", {"folder": str(folder), "size": 1234, "at": 1_700_000_000})
        self.says(items={**self._script.get("items", {}), str(number): item})
        return folder

    def calls(self, *names: str) -> list[Any]:
        """What was called so far, with its values; of these names only."""
        path = Path(f"{self._path}.calls")
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [call for call in map(json.loads, lines) if not names or call[0] in names]
