"""A character's lorebook: what a model is told of her world where words call for it.

Entries have the form that cards have (``character_book.entries`` in
https://github.com/malfoyslastname/character-card-spec-v2, with SillyTavern's ``extensions``) and stand in the card
under ``neko.lorebook``. One is told when one of its ``keys`` is among the words of the last lines or of an entry that
is told, and its ``secondary_keys`` are as ``extensions.selectiveLogic`` wants them. Keys that are patterns (``/…/``)
call for nothing, as nothing bounds how long looking for one takes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, pairwise
from operator import attrgetter
from typing import Final

from neko.llm.tokens import estimate_tokens
from neko.prompts import phrases

LINES: Final = 2
"""The newest of the talk, which are searched for keys."""
_BUDGET: Final = 800
"""Tokens of all that is told with one turn."""
MOST_ENTRIES: Final = 5_000
MOST_KEYS: Final = 20_000
"""Of a whole book."""
MOST_KEYS_EACH: Final = 100
"""Of one entry, secondary ones among them."""
LONGEST_KEY: Final = 50
_SEARCHED: Final = 16_000
"""Letters of the lines, the newest."""
_ROUNDS: Final = 8
"""How often what is told calls for more."""
_ORDER: Final = 100
_AND_ANY, _NOT_ALL, _NOT_ANY, _AND_ALL = range(4)
_PATTERN: Final = re.compile(r"/.+/[a-z]*")
_UNIT: Final = re.compile(
    r"[0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff]+"
    r"|[^ \t\r\f\v!\"'(),\-./:;?\[\\\]_`{}\u00a0\u00a1\u00ab\u00ad\u00b7\u00bb\u00bf"
    r"\u2000-\u206f\u3000-\u3004\u3008-\u3020\u3030\u30fb\ufe00-\ufe0f\ufeff]"
)
"""A word of Latin letters; a letter of any other script, since those words may stand without blanks or be inflected; a
sign that is no punctuation ("C++"); the end of a line."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How keys are searched for: as whole words, or anywhere; with case, or without."""

    whole: bool = True
    cased: bool = False

    def pieces(self, text: str) -> list[str]:
        """A text, or several with the ends of lines between them, in the pieces of which keys consist too."""
        text = unicodedata.normalize("NFKC", text)
        text = text if self.cased else text.casefold()
        return [unit + " " for unit in _UNIT.findall(text)] if self.whole else list(text)


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """``keys`` and ``also`` are as the card has them. ``logic``: how many of ``also`` have to be there besides one of
    ``keys``; ``order``: the higher, the rather."""

    place: int
    content: str
    keys: list[str]
    also: list[str]
    way: _Way
    logic: object
    order: float
    always: bool
    calls_others: bool
    called_by_others: bool

    @property
    def importance(self) -> tuple[bool, float]:
        return self.always, self.order


@dataclass(frozen=True, slots=True, eq=False)
class _Searched:
    """An entry with its secondary keys as they are found, and its tokens."""

    entry: _Entry
    also: list[str]
    cost: int

    def fits(self, found: set[str]) -> bool:
        """Are the secondary keys as it wants them, where a primary one is found?"""
        if not self.also:
            return True
        there = [key in found for key in self.also]
        logic = self.entry.logic
        if logic == _NOT_ALL:
            return not all(there)
        if logic == _NOT_ANY:
            return not any(there)
        return all(there) if logic == _AND_ALL else any(there)


class _Index:
    """The keys that are searched for in one way. What a search takes is linear in the text: at each of its pieces only
    the lengths count which keys of that beginning have."""

    __slots__ = ("_lengths", "_way", "called")

    def __init__(self, way: _Way) -> None:
        self._way = way
        self._lengths = dict[str, set[int]]()
        self.called = dict[str, list[_Searched]]()
        """The entries that a key calls for; none for a secondary one."""

    def add(self, entries: Sequence[_Entry]) -> list[_Searched]:
        """All at once, since one by one takes several times as long."""
        lists = [keys for entry in entries for keys in (entry.keys, entry.also)]
        folded = iter(self._folded(list(chain.from_iterable(lists))))
        searched = list[_Searched]()
        for entry in entries:
            keys, also = ([next(folded) for _ in listed] for listed in (entry.keys, entry.also))
            one = _Searched(entry, [key for key in also if key], estimate_tokens(entry.content))
            searched.append(one)
            for key in keys:
                if key:
                    self.called.setdefault(key, []).append(one)
            for key in one.also:
                self.called.setdefault(key, [])
        for key in self.called:
            if beginning := self._beginning(key):
                self._lengths.setdefault(beginning, set()).add(len(key))
        return searched

    def _folded(self, keys: Sequence[str]) -> list[str]:
        joined = "\n".join([" ".join(key.split()) for key in keys])
        lines = "".join(self._way.pieces(joined)).split("\n")
        return [line.strip() + " " * bool(line.strip()) for line in lines] if self._way.whole else lines

    def _beginning(self, key: str) -> str:
        """Its first two pieces, "" for a key of one piece."""
        if not self._way.whole:
            return key[:2] if len(key) > 1 else ""
        first = key.find(" ") + 1
        return key[: key.find(" ", first) + 1] if first < len(key) else ""

    def find(self, text: str) -> set[str]:
        """The keys in a text, none of which stands across the ends of lines."""
        pieces, found, at = self._way.pieces(text), set[str](), 0
        whole, keys, lengths = "".join(pieces), self.called, self._lengths
        for piece, following in pairwise([*pieces, ""]):
            if piece in keys:
                found.add(piece)
            for length in lengths.get(piece + following, ()):
                if (key := whole[at : at + length]) in keys:
                    found.add(key)
            at += len(piece)
        return found


class Book:
    """The ``entries`` of a card, read once. Of too many the most important count, those first that always hold:
    ``untold`` is how many never do, ``unsearched`` how many keys of the others call for nothing."""

    def __init__(self, entries: Sequence[object]) -> None:
        self.entries = entries
        read = sorted(filter(None, map(_read, count(), entries)), key=attrgetter("importance"), reverse=True)
        self.untold, self.unsearched = len(read[MOST_ENTRIES:]), 0
        ways, room = dict[_Way, list[_Entry]](), MOST_KEYS
        for entry in read[:MOST_ENTRIES]:
            had = len(entry.keys) + len(entry.also)
            most = min(MOST_KEYS_EACH, room)
            for keys in (entry.keys, entry.also):
                keys[:] = [key for key in keys if len(key) <= LONGEST_KEY]
            del entry.also[most // 2 if len(entry.keys) > most // 2 else most - len(entry.keys) :]
            del entry.keys[most - len(entry.also) :]
            kept = len(entry.keys) + len(entry.also)
            room -= kept
            if had and not most and not entry.always:
                self.untold += 1
            else:
                self.unsearched += had - kept
                ways.setdefault(entry.way, []).append(entry)
        self._indexes = {way: _Index(way) for way in ways}
        searched = [one for way, listed in ways.items() for one in self._indexes[way].add(listed)]
        self._always = [one for one in searched if one.entry.always]

    def told(self, lines: Sequence[str], language: str) -> str:
        """What of it belongs to these lines, the most important last, for a model to read; "" for nothing."""
        return worded(self.called(lines), language)

    def called(self, lines: Sequence[str]) -> list[str]:
        """The contents of the entries that belong to these lines, the most important last."""
        chosen, room, text = list[str](), _BUDGET, "\n".join(lines)[-_SEARCHED:]
        found = {way: set[str]() for way in self._indexes}
        waiting, decided = list(self._always), set(self._always)
        for turn in range(_ROUNDS):
            for way, index in self._indexes.items():
                new = index.find(text) - found[way]
                found[way] |= new
                waiting += chain.from_iterable(index.called[key] for key in new)
            fitting = [one for one in dict.fromkeys(waiting) if _is_called(one, found, turn, decided)]
            decided.update(fitting)
            texts = list[str]()
            for one in sorted(fitting, key=lambda one: (-one.entry.order, one.entry.place)):
                if one.cost <= room:
                    room -= one.cost
                    chosen.insert(0, one.entry.content)
                    if one.entry.calls_others:
                        texts.append(one.entry.content)
            if not texts:
                break
            text = "\n".join(texts)
        return chosen


def worded(contents: Sequence[str], language: str) -> str:
    """Contents of entries as a model is told them; "" for none."""
    return "\n".join((phrases(language)["lore"], *contents)) if contents else ""


_kept: Final = deque[Book](maxlen=4)


def book_of(entries: Sequence[object]) -> Book:
    """The book of these entries, which are not changed; the newest ones are kept read. Reading a large one takes a
    tenth of a second, so a thread does that ahead of a talk. When other parts of a card are saved, its entries are
    equal to those before, and that is told much sooner."""
    kept = list(_kept)
    book = next((one for one in kept if one.entries is entries), None)
    if book is None:
        book = next((one for one in kept if one.entries == entries), None)
        if book is None:
            book = Book(entries)
            _kept.append(book)
        book.entries = entries
    return book


def _is_called(one: _Searched, found: Mapping[_Way, set[str]], turn: int, decided: set[_Searched]) -> bool:
    """Is it told in this turn of looking, the first of which is over the lines?"""
    if one.entry.always:
        return turn == 0
    return one not in decided and (one.entry.called_by_others or turn == 0) and one.fits(found[one.entry.way])


def _read(place: int, one: object) -> _Entry | None:
    """None for one that is switched off, or is no entry."""
    if not isinstance(one, Mapping) or not one.get("enabled", True) or not isinstance(one.get("content"), str):
        return None
    order, found = one.get("insertion_order"), one.get("extensions")
    extensions = found if isinstance(found, Mapping) else {}
    cased = extensions.get("case_sensitive")
    return _Entry(
        place,
        one["content"].strip(),
        _keys(one.get("keys")),
        _keys(one.get("secondary_keys")) if one.get("selective") else [],
        _Way(
            extensions.get("match_whole_words") is not False,
            bool(one.get("case_sensitive") if cased is None else cased),
        ),
        extensions.get("selectiveLogic"),
        order if isinstance(order, int | float) else _ORDER,
        bool(one.get("constant")),
        not extensions.get("prevent_recursion"),
        not extensions.get("exclude_recursion"),
    )


def _keys(value: object) -> list[str]:
    listed: Iterable[object] = value if isinstance(value, list) else ()
    return [key for key in listed if isinstance(key, str) and not is_pattern(key)]


def is_pattern(key: str) -> bool:
    """Is the key a regular expression?"""
    return "/" in key and bool(_PATTERN.fullmatch(key.strip()))
