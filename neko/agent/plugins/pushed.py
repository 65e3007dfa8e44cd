"""What plug-ins push: kept for whoever reads it, and told by her, a few a minute."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import uuid4

from neko.agent.messages import timestamp
from neko.agent.outside import visible

MOST_KEPT: Final = 1000
MOST_TOLD: Final = 6
"""Of one plug-in within ``WITHIN_S`` seconds."""
WITHIN_S: Final = 60.0
LONGEST_TOLD: Final = 500
FIELDS: Final = (
    "plugin_id",
    "source",
    "description",
    "priority",
    "message_type",
    "content",
    "binary_data",
    "binary_url",
    "metadata",
    "time",
)


class PushedMessages:
    """The last ``MOST_KEPT`` messages, which are gone once they are read. ``dropped``: how many were not."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.dropped = 0
        self._clock = clock
        self._kept: deque[dict[str, Any]] = deque()
        self._told: defaultdict[str, deque[float]] = defaultdict(deque)

    def add(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a message; the oldest makes room."""
        message = {name: sent.get(name) for name in FIELDS}
        message |= {"message_id": uuid4().hex, "timestamp": timestamp()}
        if len(self._kept) >= MOST_KEPT:
            self._kept.popleft()
            self.dropped += 1
        self._kept.append(message)
        return message

    def take(self, plugin_id: str | None, most: int, least_priority: int | None) -> list[dict[str, Any]]:
        """The oldest that are asked for; they are kept no longer."""
        taken: list[dict[str, Any]] = []
        left: deque[dict[str, Any]] = deque()
        for message in self._kept:
            wanted = plugin_id in (None, message["plugin_id"]) and (
                least_priority is None or message["priority"] >= least_priority
            )
            (taken if wanted and len(taken) < most else left).append(message)
        self._kept = left
        return taken

    def tell(self, plugin_id: str) -> int:
        """How many more of this plug-in may be told for now, before this one, which counts; 0: this one may not."""
        told, now = self._told[plugin_id], self._clock()
        while told and now - told[0] > WITHIN_S:
            told.popleft()
        left = MOST_TOLD - len(told)
        if left:
            told.append(now)
        return left


def proactive_message(character: str, plugin_name: str, message: Mapping[str, Any]) -> dict[str, Any] | None:
    """On ``agent``: something that she may tell unasked (``contract/bus.md`` §3.2); None for what has no words.

    ``neko`` says whose words they are, and how much they matter (0 to 10).
    """
    words = [visible(str(message.get(name) or "")).strip() for name in ("description", "content")]
    if message.get("message_type") in ("url", "binary_url"):
        words.append(visible(str(message.get("binary_url") or "")).strip())
    text = "\n".join(dict.fromkeys(filter(None, words)))
    if not text:
        return None
    source = f"the plug-in {visible(plugin_name)[:60]}"
    return {
        "event_type": "proactive_message",
        "lanlan_name": character,
        "text": f"{plugin_name}: {text}"[:LONGEST_TOLD],
        "task_id": "",
        "channel": "user_plugin",
        "status": "completed",
        "success": True,
        "summary": f"{plugin_name}: {text}"[:LONGEST_TOLD],
        "detail": text[: 3 * LONGEST_TOLD],
        "error_message": "",
        "timestamp": timestamp(),
        "neko": {"kind": "message", "outside": source, "priority": message.get("priority", 0)},
    }
