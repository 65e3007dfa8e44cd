"""How long a provider asks to wait before the next try."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from neko.late_patterns import late_pattern

_RETRY_DELAY = late_pattern(r"""["']retryDelay["']:\s*["']([\d.]+)s["']""")
_IN_WORDS = late_pattern(
    r"(?:try again|retry|wait|available|resets?)(?: \w+){0,2}? ?(?:in|after|for|again in)?:? (?:about |around )?"
    r"((?:\d+(?:\.\d+)?\s*(?:ms|milliseconds?|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)\b[\s,]*(?:and )?"
    r"|\d+[hm](?=\d))+)"
    r"|(\d+(?:\.\d+)?\s*(?:秒|分钟|小时))(?:钟)?(?:之?后|内)",
    re.IGNORECASE,
)
_AMOUNT = late_pattern(r"(\d+(?:\.\d+)?)\s*(ms|milli|[smh秒分小])", re.IGNORECASE)
_AMOUNTS_S = {"ms": 0.001, "milli": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "秒": 1.0, "分": 60.0, "小": 3600.0}
_LONGEST_WORDS = 8_000
_DURATION = late_pattern(r"(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
_UNITS_S = (3600.0, 60.0, 1.0, 0.001)
_EPOCH_S = 1e9
_EPOCH_MS = 1e12


def retry_hint(headers: Mapping[str, str], body: object) -> float | None:
    """Seconds, perhaps without end, or None when nothing is said.

    By ``Retry-After`` as seconds or as an HTTP date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after), by
    ``retry-after-ms`` or ``x-ratelimit-reset`` (seconds, a moment, "1m12.5s"), by Google's ``retryDelay``, or in words
    ("Please try again in 5.3s.").
    """
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    after = headers.get("retry-after", "")
    if (seconds := _number(after)) is not None:
        return seconds
    if (seconds := _until(after)) is not None:
        return seconds
    words = str(body)[:_LONGEST_WORDS]
    if match := _RETRY_DELAY.search(words):
        return _number(match[1])
    if match := _IN_WORDS.search(words):
        amounts = _AMOUNT.findall(match[0])
        return sum(float(number) * _AMOUNTS_S[unit.lower()] for number, unit in amounts)
    return _reset(headers)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else max(0.0, number)


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
