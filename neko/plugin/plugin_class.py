"""The class that every plug-in derives from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from neko.plugin.context import PluginContext
from neko.plugin.events import EVENT_META_ATTR, EventHandler
from neko.plugin.file_log import BACKUP_COUNT, MAX_BYTES, MAX_FILES, enable_plugin_file_logging


class NekoPluginBase:
    """``ctx`` is what the plug-in has of Neko."""

    input_schema: ClassVar[Mapping[str, Any] | None] = None

    def __init__(self, ctx: PluginContext) -> None:
        self.ctx = ctx
        self._plugin_id = ctx.plugin_id

    def get_input_schema(self) -> Mapping[str, Any]:
        """What the class says of its arguments in ``input_schema``."""
        return self.input_schema or {}

    def collect_entries(self) -> dict[str, EventHandler]:
        """Every decorated method, by its id; of two with one id the first in the order of their names."""
        found: dict[str, EventHandler] = {}
        for name in dir(type(self)):
            meta = getattr(getattr(type(self), name, None), EVENT_META_ATTR, None)
            if meta is not None:
                found.setdefault(meta.id, EventHandler(meta, getattr(self, name)))
        return found

    def report_status(self, status: Mapping[str, Any]) -> None:
        """Tell how the plug-in is; the last one counts."""
        self.ctx.update_status(status)

    def enable_file_logging(
        self,
        log_level: int | str = logging.INFO,
        max_bytes: int = MAX_BYTES,
        backup_count: int = BACKUP_COUNT,
        max_files: int = MAX_FILES,
    ) -> logging.Logger:
        """A logger that writes into ``logs/`` beside ``plugin.toml`` too."""
        return enable_plugin_file_logging(
            self._plugin_id, self.ctx.config_path.parent, self.ctx.logger, log_level, max_bytes, backup_count, max_files
        )
