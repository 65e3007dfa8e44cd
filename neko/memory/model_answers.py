"""What models answer to memory's questions."""

from __future__ import annotations

import json
from typing import Any


def json_list(answer: str) -> list[Any] | None:
    """The JSON list in an answer, whatever stands around it; None when there is none that can be read."""
    first, end = answer.find("["), answer.rfind("]") + 1
    try:
        items = json.loads(answer[first:end]) if 0 <= first < end else None
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) else None
