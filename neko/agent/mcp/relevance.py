"""Which of many tools a model is told of: all while there is room, else those whose words fit what the user says.

By words, as BM25 without lengths: exact, in microseconds, and the same every time. What was chosen or called lately
stays, so that a talk about one thing keeps its tools and the server's prompt cache. Words say nothing where the user
writes in another language than the server: so few are left out, and a model that misses one looks for it by
``FIND``, in the servers' language.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from neko.llm.tokens import estimate_tokens
from neko.types.model_session import FIND_TOOLS, Tool

MOST_TOOLS: Final = 20
"""However much they take to describe."""
ROOM: Final = 8_000
"""Tokens: more tools than these are told of while all of them take no more to describe."""
MOST_FOUND: Final = 10
MOST_NAMES: Final = 100
FIND: Final = Tool(
    FIND_TOOLS,
    "There are more tools than you are told of here. Look for others by what they should do, in a few English words; "
    "those that fit can be called after it.",
    {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
)
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
    @property
    def parameters(self) -> Mapping[str, Any]: ...


def chosen(
    tools: Sequence[Described],
    words: str,
    kept: frozenset[int] = frozenset(),
    most: int = MOST_TOOLS,
    room: int = ROOM,
    found: frozenset[int] = frozenset(),
) -> list[int]:
    """The places of the tools to tell of, in order: ``most`` of them, and more while all take no more than ``room``
    tokens. Those that were ``found`` come first; ``kept`` are places that stay as long as there is room."""
    if len(tools) <= most:
        return list(range(len(tools)))
    scores = _scores(tools, words)
    order = sorted(
        range(len(tools)), key=lambda place: (place not in found, scores[place] <= 0, place not in kept, -scores[place])
    )
    picked, left = order[:most], room - sum(_tokens(tools[place]) for place in order[:most])
    for place in order[most:]:
        left -= _tokens(tools[place])
        if left < 0:
            break
        picked.append(place)
    return sorted(picked)


def fitting(tools: Sequence[Described], words: str, most: int = MOST_FOUND) -> list[int]:
    """The places of the tools that fit the words, the best first."""
    scores = _scores(tools, words)
    order = sorted((place for place in range(len(tools)) if scores[place] > 0), key=lambda place: -scores[place])
    return order[:most]


class Search:
    """What a model has looked for in a task or a talk, by the names of the functions, the newest last."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    def places(self, names: Sequence[str]) -> frozenset[int]:
        return frozenset(place for place, name in enumerate(names) if name in self._found)

    def look(self, names: Sequence[str], tools: Sequence[Described], words: str) -> list[str]:
        """The names of those that fit, which are told of from now on."""
        found = [names[place] for place in fitting(tools, words)]
        for name in reversed(found):
            self._found.pop(name, None)
            self._found[name] = None
        for name in list(self._found)[: -MOST_TOOLS // 2]:
            del self._found[name]
        return found


def answer(found: Sequence[str], names: Sequence[str]) -> str:
    """What a model is told of its search; where nothing fits, all names there are."""
    if found:
        return f"These fit; you can call them now: {', '.join(found)}."
    return f"Nothing fits these words. All that there is: {', '.join(names[:MOST_NAMES])}. Look for one by its name."


def _scores(tools: Sequence[Described], words: str) -> list[float]:
    told = [Counter(_terms(f"{tool.name} {tool.name} {tool.title} {tool.description[:500]}")) for tool in tools]
    spread = Counter(term for one in told for term in one)
    wanted = set(_terms(words))
    return [
        sum(math.log(1 + len(tools) / spread[term]) * terms[term] / (1 + terms[term]) for term in wanted & terms.keys())
        for terms in told
    ]


def _tokens(tool: Described) -> int:
    """What it takes to tell of it, roughly."""
    return 20 + estimate_tokens(tool.description[:1000]) + estimate_tokens(json.dumps(tool.parameters, default=str))


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
