"""The connection with Steam's client, in the process of ``worker``, by its one thread."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from neko.steam.flat import FlatFunctions

PACE_S: Final = 0.05
"""Between two looks at what Steam has to tell."""
_INIT_FAULTS: Final = {2: "steam_not_running"}
"""``ESteamAPIInitResult``: there is no client."""


class SteamAnswerError(Exception):
    """Steam cannot be asked, or said no. ``code`` as of ``SteamError``, ``said`` by Steam; ``result``: ``EResult``."""

    def __init__(self, code: str, said: str = "", result: int = 0) -> None:
        super().__init__(code, said, result)
        self.code = code
        self.said = said
        self.result = result


class Connection:
    """Raises ``ImportError``, ``OSError`` or ``AttributeError`` where the package is not the one that is meant."""

    def __init__(self) -> None:
        self.api: Any = importlib.import_module("steamworks")
        self.flat = FlatFunctions(Path(str(self.api.__file__)).parent)
        self._pipe = 0
        self._fault: SteamAnswerError | None = None
        self._awaited: dict[int, bytes | None] = {}

    @property
    def is_open(self) -> bool:
        return self._pipe != 0

    def open(self) -> None:
        """Connect if need be. Raises ``SteamAnswerError``; what has failed in this process is not tried in it again."""
        if self._fault is not None:
            raise self._fault
        if not self.api.is_steam_running():
            raise self._lose() if self.is_open else SteamAnswerError("steam_not_running")
        if self.is_open:
            return
        if fault := self.api.init_ex():
            self._fault = SteamAnswerError(_INIT_FAULTS.get(fault, "steam_init"), str(self.api.last_init_error()))
            raise self._fault
        self.api.manual_dispatch.init()
        self._pipe = self.api.h_steam_pipe()

    def close(self) -> None:
        """Tell Steam that we go."""
        if self.is_open:
            self._pipe = 0
            self.api.shutdown_manual_dispatch()

    def look(self) -> None:
        """Take what Steam has to tell. Raises ``SteamAnswerError`` when it goes."""
        if not self.is_open:
            return
        dispatch = self.api.manual_dispatch
        dispatch.run_frame(self._pipe)
        is_gone = False
        while dispatch.next_callback(self._pipe):
            try:
                if dispatch.callback_is_api_call_completed():
                    self._take_result()
                elif dispatch.callback_id() in (
                    dispatch.callback_idipc_failure(),
                    dispatch.callback_id_steam_shutdown(),
                ):
                    is_gone = True
            finally:
                dispatch.free_last_callback(self._pipe)
        if is_gone:
            raise self._lose()

    def _take_result(self) -> None:
        dispatch = self.api.manual_dispatch
        call = dispatch.completed_api_call()
        if call not in self._awaited:
            return
        size, kind = dispatch.completed_callback_size(), dispatch.completed_callback_id()
        is_had = dispatch.api_call_result(self._pipe, call, size, kind) and not dispatch.api_call_result_failed()
        # the package takes bytes for UTF-8 and keeps what is none
        content = dispatch.api_call_result_data().encode("utf-8", "surrogateescape") if is_had else b""
        self._awaited[call] = content

    def _lose(self) -> SteamAnswerError:
        self._pipe = 0
        self._fault = SteamAnswerError("steam_lost")
        return self._fault

    def begin(self, call: int) -> int:
        """Wait for the result of this call from now on. Raises ``SteamAnswerError`` for what is no call."""
        if not call:
            raise SteamAnswerError("steam_refused", "it took no call")
        self._awaited[call] = None
        return call

    def result(self, call: int) -> bytes | None:
        """What came of a call, once; None as long as nothing did. Raises ``SteamAnswerError`` where it failed."""
        content = self._awaited[call]
        if content is None:
            return None
        self.forget(call)
        if not content:
            raise SteamAnswerError("steam_refused", "the call failed")
        return content

    def forget(self, call: int) -> None:
        self._awaited.pop(call, None)

    def wait(self, call: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> bytes:
        """What comes of a call. Raises ``SteamAnswerError``."""
        self.begin(call)
        end = clock() + seconds
        try:
            while True:
                self.look()
                if (content := self.result(call)) is not None:
                    return content
                if clock() >= end:
                    raise SteamAnswerError("steam_late")
                time.sleep(PACE_S)
        finally:
            self.forget(call)
