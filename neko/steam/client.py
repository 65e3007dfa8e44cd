"""Steam's client on this computer, asked through a process of its own that starts with the first question."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any, Final

from neko.model_process import Fault, Limits, ModelProcess, Program, read_line
from neko.settings.paths import ASSETS
from neko.steam_errors import SteamError
from neko.tasks import in_thread

LIMITS: Final = Limits(loading_s=30.0, answer_s=60.0, idle_s=600.0, most_waiting=50)
"""What is asked while so many wait is refused. Without any question Steam is let go, which shows the user as not
playing any more."""
_PACKAGE: Final = "steamworks"
_REQUIREMENTS: Final = ASSETS / "steam" / "requirements.txt"
_ROOT: Final = Path(__file__).parents[2]
_GOODBYE_S: Final = 2.0
_LONGEST_ANSWER: Final = 1 << 27
"""Bytes: all that Steam may tell of ``worker``'s most items, every byte of it escaped."""
_ENDED: Final = frozenset({"steam_init", "steam_lost"})
"""After these a process can do no more."""


def is_installed() -> bool:
    """Whether the package is there that brings Valve's library. Blocks."""
    importlib.invalidate_caches()  # it may have been installed meanwhile
    return importlib.util.find_spec(_PACKAGE) is not None


def install_command() -> str:
    """What to type so that it is: by version and hash."""
    return f'"{sys.executable}" -m pip install --no-deps --require-hashes -r "{_REQUIREMENTS}"'


class SteamClient:
    """``app`` is the number of the app that Steam takes us for; ``log`` is where the process writes what went wrong."""

    def __init__(self, app: int, log: Path, limits: Limits = LIMITS) -> None:
        self.app = app
        self._log = log
        self._process = ModelProcess("steam", self._program, log, limits, self._error)

    @property
    def process_id(self) -> int | None:
        """That of the process, None while there is none."""
        return self._process.id

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """The answer to one request of ``worker``. Raises ``SteamError``."""
        request = json.dumps({"do": do, **fields}).encode() + b"\n"
        answer = await self._process.ask(request, read_line, lambda told: told.get("error") in _ENDED)
        if "error" not in answer:
            return answer
        raise SteamError(answer["error"], str(answer.get("said", "")))

    async def aclose(self) -> None:
        """Tell Steam that we go, and end the process; idempotent."""
        if self._process.is_running and not self._process.is_closed:
            with contextlib.suppress(SteamError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await self.ask("stop")
        await self._process.aclose()

    async def _program(self) -> Program:
        if not await in_thread(is_installed):
            raise SteamError("steam_missing", command=install_command())
        in_place_of_a_file = dict.fromkeys(("SteamAppId", "SteamGameId"), str(self.app))  # steam_appid.txt
        return Program(("-m", "neko.steam.worker"), {"app": self.app}, _ROOT, in_place_of_a_file, _LONGEST_ANSWER)

    def _error(self, fault: Fault, said: str) -> SteamError:
        if fault is Fault.BUSY:
            return SteamError("steam_busy")
        return SteamError("steam_failed", said, log=str(self._log))
