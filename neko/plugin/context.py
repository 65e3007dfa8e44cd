"""What a plug-in has of Neko: its id, its folder, a log, and two ways to tell her something."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

MessageType = Literal["text", "url", "binary", "binary_url"]
LONGEST_TEXT: Final = 20_000
"""Characters of a pushed message; what is longer is cut."""
LARGEST_BINARY: Final = 1_000_000
"""Bytes."""
PRIORITIES: Final = range(11)

Tell = Callable[[Mapping[str, Any]], None]


class _Sink:
    """A queue of N.E.K.O. that only takes."""

    def __init__(self, tell: Tell) -> None:
        self.put_nowait = tell

    def put(self, item: Mapping[str, Any], _block: bool = True, _timeout: float | None = None) -> None:
        self.put_nowait(item)


class PluginContext:
    """``config_path`` is the plug-in's ``plugin.toml``. Safe to use from any thread.

    ``is_private``: the user wants to be neither seen nor heard, so nothing may look at their screen, use their camera
    or listen; it follows the switch. ``status_queue``, ``message_queue`` and ``app`` are there because plug-ins for
    N.E.K.O. may name them.
    """

    def __init__(self, plugin_id: str, config_path: Path, logger: logging.Logger, tell: Tell) -> None:
        self.plugin_id = plugin_id
        self.config_path = config_path
        self.logger = logger
        self.is_private = False
        self.status_queue = self.message_queue = _Sink(tell)
        self.app = None
        self._tell = tell

    def update_status(self, status: Mapping[str, Any]) -> None:
        """Tell how the plug-in is; ``status`` is a JSON object, and the last one counts."""
        self._tell({"type": "STATUS_UPDATE", "plugin_id": self.plugin_id, "data": dict(status), "time": _now()})

    def push_message(
        self,
        source: str,
        message_type: MessageType,
        description: str = "",
        priority: int = 0,
        content: str | None = None,
        binary_data: bytes | None = None,
        binary_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell her something that the user may want to hear, unasked. ``priority`` from 0 to 10: what is outside
        counts as the nearest of them. Raises ``ValueError`` for more than ``LARGEST_BINARY`` bytes."""
        if binary_data is not None and len(binary_data) > LARGEST_BINARY:
            raise ValueError(f"binary_data has {len(binary_data)} bytes; {LARGEST_BINARY} are taken")
        self._tell(
            {
                "type": "MESSAGE_PUSH",
                "plugin_id": self.plugin_id,
                "source": str(source)[:200],
                "description": str(description)[:LONGEST_TEXT],
                "priority": min(max(int(priority), PRIORITIES[0]), PRIORITIES[-1]),
                "message_type": message_type,
                "content": None if content is None else str(content)[:LONGEST_TEXT],
                "binary_data": None if binary_data is None else base64.b64encode(binary_data).decode(),
                "binary_url": binary_url,
                "metadata": dict(metadata or {}),
                "time": _now(),
            }
        )


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
