"""A plug-in's own log files: ``<plug-in>/logs/<id>_<YYYYMMDD_HHMMSS>.log``, bounded in size and number."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final, TypeVar

C = TypeVar("C", bound=type)

MAX_BYTES: Final = 5 * 1024 * 1024
BACKUP_COUNT: Final = 10
MAX_FILES: Final = 20
_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"


def enable_plugin_file_logging(
    plugin_id: str,
    folder: Path,
    logger: logging.Logger | None = None,
    log_level: int | str = logging.INFO,
    max_bytes: int = MAX_BYTES,
    backup_count: int = BACKUP_COUNT,
    max_files: int = MAX_FILES,
) -> logging.Logger:
    """``logger``, made to write into a file as well. Of older files the newest ``max_files`` stay. Where nothing can
    be written it says so and goes on without."""
    logger = logger or logging.getLogger(f"plugin.{plugin_id}")
    logger.setLevel(log_level)
    if any(isinstance(handler, RotatingFileHandler) for handler in logger.handlers):
        return logger
    logs = folder / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            logs / f"{plugin_id}_{time.strftime('%Y%m%d_%H%M%S')}.log",
            maxBytes=max_bytes,
            backupCount=backup_count,
            encoding="utf-8",
        )
    except OSError as error:
        logger.warning("no log file can be written (%s)", error)
        return logger
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(handler)
    _keep_newest(logs, plugin_id, max_files)
    return logger


def plugin_file_logger(
    cls: C | None = None,
    *,
    log_level: int | str = logging.INFO,
    max_bytes: int = MAX_BYTES,
    backup_count: int = BACKUP_COUNT,
    max_files: int = MAX_FILES,
) -> Any:
    """Give a plug-in class ``self.file_logger``; with or without brackets."""

    def decorate(decorated: C) -> C:
        before: Callable[..., None] = decorated.__init__  # type: ignore[misc]

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            before(self, *args, **kwargs)
            self.file_logger = self.enable_file_logging(log_level, max_bytes, backup_count, max_files)

        decorated.__init__ = __init__  # type: ignore[misc]
        return decorated

    return decorate if cls is None else decorate(cls)


def _keep_newest(logs: Path, plugin_id: str, count: int) -> None:
    files = sorted(logs.glob(f"{plugin_id}_*.log*"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[max(1, count) :]:
        with contextlib.suppress(OSError):
            file.unlink()
