"""Regular expressions that are compiled when they are first used: a class of many characters takes milliseconds, and
a start needs few of those that there are."""

from __future__ import annotations

import re
import sys
from typing import Any, Final, cast

_waiting: Final[dict[str, list[_Late]]] = {}
"""Those that may not have been used yet, by the package of their module."""


class _Late:
    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags
        self._compiled: re.Pattern[str] | None = None

    def compiled(self) -> re.Pattern[str]:
        if self._compiled is None:
            self._compiled = re.compile(self.pattern, self._flags)
        return self._compiled

    def __getattr__(self, name: str) -> Any:
        """Of the compiled pattern; kept, so that this is called once for each method."""
        value = getattr(self.compiled(), name)
        setattr(self, name, value)
        return value


def late_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """``re.compile`` for a pattern that the first page does not need. A wrong one raises ``re.error`` when used."""
    late = _Late(pattern, flags)
    _waiting.setdefault(sys._getframe(1).f_globals["__package__"], []).append(late)
    return cast("re.Pattern[str]", late)


def compile_of(*packages: str) -> None:
    """Compile what modules of these packages (not of those within them) will use, ahead of that. For a thread: blocks
    some 40 ms for what speaks and reads replies; at once when it has been done.
    """
    for package in packages:
        for late in _waiting.pop(package, ()):
            late.compiled()
