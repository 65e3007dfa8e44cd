"""What people tell of themselves in other words than they ask for it in: "I work as a nurse", "what is my job?".

A language lists for each such fact how it is asked for (``ask``), how it is told by the user of themselves (``told``;
``{who}`` stands for the person that the question names), and words by which the log is searched for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in one language."""

    ask: re.Pattern[str]
    told: str
    words: str

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Self:
        return cls(re.compile(data["ask"]), data["told"], data["words"])

    def wanted(self, text: str) -> re.Pattern[str] | None:
        """How the answer to the question ``text`` (lower case) is told; None when it does not ask for this."""
        match = self.ask.search(text)
        if match is None:
            return None
        who = next((name for name in match.groupdict().values() if name), "")
        return re.compile(self.told.replace("{who}", re.escape(who)))
