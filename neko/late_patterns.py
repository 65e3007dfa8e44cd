"""Regular expressions that are compiled when they are first used: a class of many characters takes milliseconds, and
a start needs few of those that there are."""

from __future__ import annotations

import re
from typing import Any, cast


class _Late:
    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Of the compiled pattern; kept, so that this is called once for each method."""
        value = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, value)
        return value


def late_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """``re.compile`` for a pattern that the first page does not need. A wrong one raises ``re.error`` when used."""
    return cast("re.Pattern[str]", _Late(pattern, flags))
