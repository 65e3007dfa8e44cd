"""What the user wants to be asked, by hand, place and tool: the table ``policies`` of ``agent.json``.

``{"hands": {"browser_use": "ask"}, "domains": {"example.com": "never"}, "plugins": {"weather": "allow"},
"tools": {"computer_use//click": "ask_once"}}``. A domain counts for all below it, the nearest first; "never" above is
never undone below. MCP servers and their tools have theirs in ``mcp.json``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from neko.agent.agent_file import AgentFile
from neko.agent.policy import in_force
from neko.errors import NekoError
from neko.types.agent import Act, Policy
from neko.types.hands import HandName

KEY: Final = "policies"
TABLES: Final = ("hands", "domains", "plugins", "tools")
VERSIONS: Final = "versions"
"""Beside the tables: of which version a tool was when the user said "always" to it."""
MOST_ENTRIES: Final = 1_000
"""Of one table."""
_HANDS: Final[tuple[HandName, ...]] = ("mcp", "browser_use", "computer_use", "user_plugin")
_ON_SIGHT: Final = frozenset({"browser_use", "computer_use"})
"""What acts in many small steps: to look costs no question, and what is allowed at a place is allowed for the task."""
_WANTED: Final = ", ".join(Policy)

Words = Mapping[str, Policy]


class ElsewhereKept(Protocol):
    """The user's word on a place and a tool of it, where another file keeps it."""

    def said(self, place: str, tool: str) -> Policy | None: ...
    async def allow(self, place: str, tool: str, version: str) -> None: ...


class Policies:
    """``of_others``: for a hand whose places and tools have their policies in a file of their own."""

    def __init__(self, file: AgentFile, of_others: Mapping[HandName, ElsewhereKept] | None = None) -> None:
        self._file = file
        self._of_others = of_others or {}
        self.on_change: Callable[[str, str | None, str | None], object] = lambda hand, place, tool: None
        """Told of what the user says otherwise than before: hand, place and tool, None for all of them."""
        self._words: dict[str, Words] = {name: {} for name in TABLES}
        self._versions: Mapping[str, str] = {}
        self._changing = asyncio.Lock()

    def load(self) -> None:
        """Take what the file says; a value that is no policy is told, and counts as if nothing were said."""
        table = self._file.table(KEY)
        for name in TABLES:
            entries = table.get(name)
            self._words[name] = dict(self._usable(name, entries if isinstance(entries, dict) else {}))
        versions = table.get(VERSIONS)
        self._versions = {key: str(one) for key, one in versions.items()} if isinstance(versions, dict) else {}

    def all(self) -> dict[str, dict[str, str]]:
        """What the user has said, as the file has it."""
        return {name: {key: word.value for key, word in words.items()} for name, words in self._words.items()}

    async def put(
        self, changes: Mapping[str, Mapping[str, Policy | None]], versions: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Change entries; None takes one back. What is said of a tool holds whatever becomes of it, but for those with
        ``versions``. Raises ``NekoError`` when the disk refuses; a "never" holds all the same, until the next start."""
        async with self._changing:
            table: dict[str, Any] = self._file.table(KEY)
            words: dict[str, Words] = dict(self._words)
            for name in TABLES:
                merged = {**words[name], **{_key(name, key): word for key, word in changes.get(name, {}).items()}}
                words[name] = {key: word for key, word in list(merged.items())[-MOST_ENTRIES:] if word is not None}
                table[name] = {key: word.value for key, word in words[name].items()}
            others = {key: known for key, known in self._versions.items() if key not in changes.get("tools", {})}
            table[VERSIONS] = kept = {
                key: known for key, known in {**others, **versions}.items() if key in words["tools"]
            }
            if not kept:
                del table[VERSIONS]
            try:
                await self._file.store(KEY, table)
            except NekoError:
                never = {
                    name: {_key(name, key): word for key, word in changes.get(name, {}).items() if word is Policy.NEVER}
                    for name in TABLES
                }
                self._take({name: {**self._words[name], **never[name]} for name in TABLES}, self._versions)
                raise
            self._take(words, kept)

    def _take(self, words: dict[str, Words], kept: Mapping[str, str]) -> None:
        before, self._words, self._versions = self._words, words, kept
        for name in TABLES:
            for key, _ in set(before[name].items()) ^ set(words[name].items()):
                self.on_change(*_concerned(name, key))

    async def allow(self, hand: HandName, place: str, tool: str, version: str = "") -> None:
        """The user said "always": for the domain, or for this tool of anything else, as long as it is of this
        ``version`` where there is one."""
        if elsewhere := self._of_others.get(hand):
            await elsewhere.allow(place, tool, version)
        elif hand == "browser_use" and place:
            await self.put({"domains": {place: Policy.ALLOW}})
        else:
            key = f"{hand}/{place}/{tool}"
            await self.put({"tools": {key: Policy.ALLOW}}, {key: version} if version else {})

    def of(self, hand: HandName, place: str, tool: str, act: Act, version: str = "") -> Policy:
        """What holds for an act with this tool, of this ``version``, at this place."""
        words = self._said(hand, place, tool, version)
        return in_force(words, act, _unasked(act) if hand in _ON_SIGHT else None)

    def allowed(self, hand: HandName, place: str, tool: str, version: str = "") -> bool:
        """The nearest of the user's words allows it, whether or not that counts for every act."""
        return next(filter(None, self._said(hand, place, tool, version)), None) is Policy.ALLOW

    def _said(self, hand: HandName, place: str, tool: str, version: str) -> list[Policy | None]:
        """The user's words on it, the nearest first."""
        elsewhere = self._of_others.get(hand)
        return [
            elsewhere.said(place, tool) if elsewhere else None,
            self._of_tool(f"{hand}/{place}/{tool}", version),
            *(self._of_domain(place) if hand == "browser_use" else ()),
            self._words["plugins"].get(place) if hand == "user_plugin" else None,
            self._words["hands"].get(hand),
        ]

    def _of_tool(self, key: str, version: str) -> Policy | None:
        """What was said of a tool that was another one then counts only where it keeps it from being used."""
        word, known = self._words["tools"].get(key), self._versions.get(key, "")
        return word if known in ("", version) or word is Policy.NEVER else None

    def on_hand(self, hand: HandName) -> Policy | None:
        """The user's word on an ability as a whole."""
        return self._words["hands"].get(hand)

    def _of_domain(self, host: str) -> Iterator[Policy | None]:
        labels = _key("domains", host).split(".")
        for start in range(len(labels)):
            yield self._words["domains"].get(".".join(labels[start:]))

    def _usable(self, name: str, entries: Mapping[str, Any]) -> Iterator[tuple[str, Policy]]:
        for key, value in list(entries.items())[:MOST_ENTRIES]:
            if value not in set(Policy) or (name == "hands" and key not in _HANDS):
                self._file.unusable(f"{KEY}.{name}.{key}", _WANTED)
            else:
                yield _key(name, key), Policy(value)


def is_broad(hand: HandName) -> bool:
    """What is approved at a place counts for all its tools until the task is over."""
    return hand in _ON_SIGHT


def _concerned(table: str, key: str) -> tuple[str, str | None, str | None]:
    """Hand, place and tool that an entry is about."""
    if table == "tools":
        hand, _, rest = key.partition("/")
        place, _, tool = rest.rpartition("/")
        return hand, place, tool
    return {"domains": "browser_use", "plugins": "user_plugin"}.get(table, key), None if table == "hands" else key, None


def _unasked(act: Act) -> Policy:
    return Policy.ALLOW if act is Act.READ else Policy.ASK_ONCE


def _key(table: str, key: str) -> str:
    return key.strip().rstrip(".").casefold() if table == "domains" else key
