"""Text that can be written anywhere: half a surrogate pair, which JSON may carry and UTF-8 cannot, becomes U+FFFD."""

from __future__ import annotations

import json
import re
from typing import Any

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """The text with every surrogate replaced."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def load_json(raw: str | bytes) -> Any:
    """A JSON document whose texts are well formed; raises ``ValueError`` and ``RecursionError``."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    value = json.loads(text)
    return _all_well_formed(value) if "\\ud" in text or "\\uD" in text else value


def _all_well_formed(value: Any) -> Any:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [_all_well_formed(item) for item in value]
    if isinstance(value, dict):
        return {well_formed(key): _all_well_formed(item) for key, item in value.items()}
    return value
