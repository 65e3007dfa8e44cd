"""What can go wrong with a log and mends itself; where it stands in the tree of errors: ``neko.errors``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

from neko.errors import ConfigError, MemorySlowError, MemoryStoreError


class LinesPutBackError(MemoryStoreError):
    """Its last lines were lost and known elsewhere. ``params``: also lines, how many."""

    code = "memory_lines_back"
    _sentences: ClassVar[Mapping[str, str]] = {}


class BackupFailedError(MemoryStoreError):
    """``params``: file (the folder of the backups), reason, why."""

    code = "backup_failed"
    _sentences: ClassVar[Mapping[str, str]] = {}


class MemoryLateError(MemorySlowError):
    """A session began without what was said before. ``params``: also seconds, how long was waited for it."""

    code = "memory_late"


class NotForgottenError(MemoryStoreError):
    """The disk is too full to delete words: they are still there."""

    code = "memory_not_forgotten"
    _sentences: ClassVar[Mapping[str, str]] = {}


class NotSavedError(MemoryStoreError):
    """The disk is too full for what the user changes by hand: all is as it was."""

    code = "disk_full"
    _sentences: ClassVar[Mapping[str, str]] = {}


@asynccontextmanager
async def forgetting() -> AsyncIterator[None]:
    """What is done inside deletes words: that a full disk keeps it from being done is told so."""
    async with _when_full(NotForgottenError):
        yield


@asynccontextmanager
async def saving() -> AsyncIterator[None]:
    """What is done inside is a change by hand: that a full disk keeps it from being done is told so."""
    async with _when_full(NotSavedError):
        yield


@asynccontextmanager
async def _when_full(kind: type[MemoryStoreError]) -> AsyncIterator[None]:
    try:
        yield
    except MemoryStoreError as error:
        if error.params.get("reason") != "full":
            raise
        raise kind(str(error), **error.params) from error


class ProgramFolderError(ConfigError):
    """The data folder is that of N.E.K.O.'s program. ``params``: folder."""

    code = "program_folder"


class NotTakenOverError(MemoryStoreError):
    """What N.E.K.O. has kept of a character in a folder of its own has not come yet; it is tried again. ``params``:
    also name (the character's) and why."""

    code = "not_taken_over"
    _sentences: ClassVar[Mapping[str, str]] = {
        "full": "not_taken_over_full",
        "locked": "not_taken_over_locked",
        "unreadable": "not_taken_over_unreadable",
    }


class TakenOverError(MemoryStoreError):
    """It has come, which is told as a fault is, until the reader has seen it. ``params``: file (the log), reason
    (``whole``, ``damaged``), lines, facts, damaged (the names of the files of which not all could be read)."""

    code = "taken_over"
    _sentences: ClassVar[Mapping[str, str]] = {"damaged": "taken_over_in_part"}
