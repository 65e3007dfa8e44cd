"""What is wrong and stays told until it is dealt with: to every client that comes, at every start and by ``doctor``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neko.errors import LogMovedError, MemoNotRenewedError, NekoError, UnreadEntriesError
from neko.memory_errors import LinesPutBackError, ProgramFolderError, TakenOverError

_DISMISSIBLE: Final = (
    LinesPutBackError,
    LogMovedError,
    MemoNotRenewedError,
    ProgramFolderError,
    TakenOverError,
    UnreadEntriesError,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """``character``: whom it concerns, None everybody. ``aside``: the file that was set aside, if it is about one."""

    id: str
    error: NekoError
    character: str | None = None
    aside: Path | None = None

    @property
    def dismissible(self) -> bool:
        """May the user say that it shall be told no more? Anything else ends when its cause does."""
        return self.aside is not None or isinstance(self.error, _DISMISSIBLE)

    def concerns(self, character: str) -> bool:
        return self.character in (None, character)

    def is_like(self, other: Fault) -> bool:
        """Is the same wrong, for the same reason?"""
        return (self.error.code, self.error.params) == (other.error.code, other.error.params)


class StandingFaults:
    """All that is wrong now, by id. Changed by the loop's thread only."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self.on_stand: Callable[[Fault], None] = _ignore
        self.on_over: Callable[[Fault], None] = _ignore

    def stand(self, fault: Fault) -> None:
        """It is wrong from now on; one that stands already for the same reason is not told again."""
        known = self._faults.get(fault.id)
        self._faults[fault.id] = fault
        if known is None or not known.is_like(fault):
            self.on_stand(fault)

    def over(self, fault_id: str) -> None:
        """It is wrong no more."""
        if fault := self._faults.pop(fault_id, None):
            self.on_over(fault)

    def file_works(self, path: Path) -> None:
        """Nothing is wrong any more with a file that could not be read or written."""
        for fault in self.all():
            if fault.aside is None and fault.error.params.get("file") == str(path):
                self.over(fault.id)

    def get(self, fault_id: str) -> Fault | None:
        return self._faults.get(fault_id)

    def all(self) -> tuple[Fault, ...]:
        return tuple(self._faults.values())

    def dealt_with(self) -> list[str]:
        """Ids of files that were set aside and are not there any more. Blocks, and only reads: for any thread."""
        return [fault.id for fault in self.all() if fault.aside is not None and not fault.aside.exists()]

    def of(self, character: str) -> list[Fault]:
        """Those that the clients of a character are told."""
        return [fault for fault in self._faults.values() if fault.concerns(character)]


def _ignore(_fault: Fault) -> None:
    return None
