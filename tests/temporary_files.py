"""The files of tests lie in memory where there is room for them.

What is started for a test writes a dozen files so that they outlast a power cut, and waits each time for the disk.
A process that is killed loses no more and no less in memory than on a disk; a power cut no test can make.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 4 << 30
"""Bytes that have to be free: many times what a run leaves there at any moment."""


def has_room(place: Path) -> bool:
    """Programs that a test writes can be run there as well."""
    try:
        return not os.statvfs(place).f_flag & os.ST_NOEXEC and shutil.disk_usage(place).free >= ROOM
    except OSError:
        return False


def pytest_configure(config: pytest.Config) -> None:
    """Unless whoever runs the tests has said where. Workers are told by the main process."""
    if config.option.basetemp is None and MEMORY.is_dir() and has_room(MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
