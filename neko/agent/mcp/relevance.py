"""Which of many tools a model is told of: all while they are few, else those whose words fit what the user says.

By words, as BM25 without lengths: exact, in microseconds, and the same every time. What was chosen or called lately
stays, so that a talk about one thing keeps its tools and the server's prompt cache.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol

MOST_TOOLS: Final = 20
_WORD: Final = re.compile(r"[a-z0-9]+|[^\W\x00-\x7f]+")
_FILLING: Final = "a all an and any at by do for from get i in is it me my of on or set that the this to tool with you"
_SAYS_NOTHING: Final = frozenset(_FILLING.split())
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Described(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...


def chosen(
    tools: Sequence[Described], words: str, kept: frozenset[int] = frozenset(), most: int = MOST_TOOLS
) -> list[int]:
    """The places of the tools to tell of, in order; ``kept`` are places that stay as long as there is room."""
    if len(tools) <= most:
        return list(range(len(tools)))
    told = [Counter(_terms(f"{tool.name} {tool.name} {tool.title} {tool.description[:500]}")) for tool in tools]
    spread = Counter(term for one in told for term in one)
    wanted = set(_terms(words))

    def fits(place: int) -> float:
        return sum(
            math.log(1 + len(tools) / spread[term]) * told[place][term] / (1 + told[place][term])
            for term in wanted & told[place].keys()
        )

    scores = {place: fits(place) for place in range(len(tools))}
    order = sorted(scores, key=lambda place: (-(scores[place] > 0), place not in kept, -scores[place], place))
    return sorted(order[:most])


def asked_for(tool: Described, words: str) -> bool:
    """Do the user's ``words`` name it: do they hold a word of its name or title? Not of what it says of itself beyond
    that, which holds all kinds of words."""
    return bool((set(_terms(f"{tool.name} {tool.title}")) - _SAYS_NOTHING) & set(_terms(words)))


def _terms(text: str) -> list[str]:
    """Words, and for scripts that write none apart pairs of signs."""
    found: list[str] = []
    for word in _WORD.findall(_CAMEL.sub(" ", text[:4000]).casefold()):
        if word.isascii():
            found.append(word[:-1] if len(word) > 3 and word.endswith("s") else word)
        else:
            found += [word[at : at + 2] for at in range(max(1, len(word) - 1))]
    return found
