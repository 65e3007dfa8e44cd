"""How long a provider asks to wait before the next try."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_RETRY_DELAY = re.compile(r"""["']retryDelay["']:\s*["']([\d.]+)s["']""")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
_UNITS_S = (3600.0, 60.0, 1.0, 0.001)
_EPOCH_S = 1e9
_EPOCH_MS = 1e12


def retry_hint(headers: Mapping[str, str], body: object) -> float | None:
    """Seconds, or None when nothing is said.

    By ``Retry-After`` as seconds or as an HTTP date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after), by
    ``retry-after-ms`` or ``x-ratelimit-reset`` (seconds, a moment, "1m12.5s"), or by Google's ``retryDelay``.
    """
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    after = headers.get("retry-after", "")
    if (seconds := _number(after)) is not None:
        return seconds
    if (seconds := _until(after)) is not None:
        return seconds
    if match := _RETRY_DELAY.search(str(body)):
        return _number(match[1])
    return _reset(headers)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _until(date: str) -> float | None:
    """Seconds from now to an HTTP date."""
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _reset(headers: Mapping[str, str]) -> float | None:
    """When what is used up is there again."""
    waits = [
        _moment(headers[f"x-ratelimit-reset{kind}"])
        for kind in ("", "-requests", "-tokens")
        if headers.get(f"x-ratelimit-remaining{kind}") == "0" and f"x-ratelimit-reset{kind}" in headers
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def _moment(text: str) -> float | None:
    """Seconds to a moment that is given as such, in seconds from now, in seconds or milliseconds of Unix time."""
    number = _number(text)
    if number is not None:
        seconds = number / 1000 if number > _EPOCH_MS else number
        return max(0.0, seconds - time.time()) if seconds > _EPOCH_S else seconds
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    parts = [_number(part or "0") for part in match.groups()]
    return sum(part * unit for part, unit in zip(parts, _UNITS_S, strict=True) if part)
