"""Which lines of the log the model of the current session has before it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from neko.sessions.recall_lines import UNSPACED, parts_of
from neko.types.lines import LineElsewhere
from neko.types.memory import Because, Evidence
from neko.well_formed import bare_words

_MERE_FACT: Final = 120
"""Signs of a wording that says little more than the fact which was taken from it."""
_MORE: Final = 2
"""Words, or signs where words are not set apart, that stand nowhere in the instructions: a wording with so many says
more than the fact, as "went to Harbin and is a nurse there" does. One is for the verb. A number is more by itself."""
_GRAMMAR: Final = re.compile("[ぁ-ん我你您他她它们們的了是在也就都和吗嗎呢吧啊把被很着著]")
_LAUGHTER: Final = re.compile(
    r"笑死(?:我了?|了)?|[哈嘿呵嘻呜嗚]{2,}|ｗ+|www+|ㅋ+|ㅎㅎ+|ㅠ+|\b(?:lol|lmao|haha(?:ha)*|hehe(?:he)*|omg)\b",
    re.IGNORECASE,
)
"""And sighs, which say nothing more."""
_NUMBER: Final = re.compile(r"\d+")
_SENTENCE: Final = re.compile(r"[^.!?。！？\n]+")
_LONGEST_SPLIT: Final = 2_000
_TELLING: Final = 4
"""Signs of a wording below which it may stand anywhere by chance."""


@dataclass(frozen=True, slots=True)
class Instructions:
    """The system prompt of a session. ``lines``: the ids of the lines of the log that stand in it whole; ``sources``:
    of those from which the facts in it were taken. ``outside``: its memo is one of words from outside, too."""

    text: str
    lines: frozenset[int]
    sources: frozenset[int] = frozenset()
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Recalled:
    """What memory told of for one reply: ids of lines, and lines that were said to others."""

    lines: tuple[int, ...] = ()
    elsewhere: tuple[LineElsewhere, ...] = ()

    def hold(self, evidence: Evidence) -> bool:
        return evidence.elsewhere in self.elsewhere or not set(self.lines).isdisjoint(evidence.sources)

    def with_more(self, evidence: Sequence[Evidence]) -> Recalled:
        lines = dict.fromkeys((*self.lines, *(source for one in evidence for source in one.sources)))
        elsewhere = dict.fromkeys((*self.elsewhere, *(one.elsewhere for one in evidence if one.elsewhere)))
        return Recalled(tuple(lines), tuple(elsewhere))


class PromptLines:
    """Lines in the instructions of the session, and those that it was told since, by the turn they belong to: what was
    said in it, and what the model looked up."""

    def __init__(self) -> None:
        self._instructed: frozenset[int] = frozenset()
        self._sources: frozenset[int] = frozenset()
        self._words = self._gist = ""
        self._gone: dict[str, int] = {}
        self._told: dict[str, set[int]] = {}
        self._looked_up: dict[str, Recalled] = {}
        self._recalled: tuple[str, Recalled] = ("", Recalled())

    @property
    def ids(self) -> frozenset[int]:
        return self._instructed.union(*self._told.values(), *(one.lines for one in self._looked_up.values()))

    def told_without(self, turns: Collection[str]) -> frozenset[int]:
        """Those that are no part of the instructions, nor belong to these turns."""
        return frozenset().union(*(lines for turn, lines in self._told.items() if turn not in turns))

    def hold(self, evidence: Evidence) -> bool:
        """Does it stand in the prompt: as one of its lines, in the memo's words, or as the fact taken from it?"""
        wording = bare_words(evidence.text)
        in_words = self._stands(wording) or self._stands_where_it_was_found(evidence, len(wording))
        as_fact = not self._sources.isdisjoint(evidence.sources) and self._says_little_more(evidence.text)
        looked_up = any(one.hold(evidence) for one in self._looked_up.values())
        return in_words or as_fact or looked_up or not self.ids.isdisjoint(evidence.sources)

    def _stands(self, wording: str) -> bool:
        return len(wording) >= _TELLING and (wording in self._words or wording in self._gist)

    def _stands_where_it_was_found(self, evidence: Evidence, size: int) -> bool:
        """Do the sentences stand there that hold what was asked for, as in a memo without a model, and most of it?"""
        reason = evidence.reason
        if reason.because is not Because.MENTIONS or len(evidence.text) > _LONGEST_SPLIT:
            return False
        sentences = [bare_words(one) for one in _SENTENCE.findall(evidence.text)]
        standing = [one for one in sentences if self._stands(one)]
        rest = [one for one in sentences if one not in standing]
        sought = [word for word in map(bare_words, reason.words) if word]
        found = [one for one in standing if any(word in one for word in sought)]
        return (
            bool(found)
            and not any(word in one for one in rest for word in sought)
            and 2 * sum(map(len, standing)) >= size
        )

    def _says_little_more(self, text: str) -> bool:
        """Than the fact which was taken from it, and what else the instructions say."""
        if len(bare_words(text)) > _MERE_FACT:
            return False
        if not set(_NUMBER.findall(text)) <= set(_NUMBER.findall(self._words)):
            return False
        text = _LAUGHTER.sub(" ", text)
        words = parts_of(UNSPACED.sub(" ", text))
        signs = (sign for run in UNSPACED.findall(text.lower()) for sign in self._new_signs(run))
        return sum(word not in self._words for word in words) + sum(1 for _ in signs) < _MORE

    def _new_signs(self, run: str) -> Iterator[str]:
        """Those that stand in the instructions beside neither of their neighbours."""
        for at, sign in enumerate(run):
            pairs = run[max(at - 1, 0) : at + 1], run[at : at + 2]
            if not _GRAMMAR.match(sign) and not any(len(pair) == 2 and pair in self._words for pair in pairs):
                yield sign

    def begin(self, instructions: Instructions) -> None:
        """A session that was told nothing but these."""
        self.instruct(instructions)
        self._gone.clear()
        self._gist = ""
        self._told.clear()
        self._looked_up.clear()

    def open(self, turn_id: str, *, again: bool = False) -> None:
        """A turn begins; ``again``: in place of the last one, which the model forgets with all that it looked up."""
        if again and self._told:
            self._looked_up.pop(next(reversed(self._told)), None)
        self._told.setdefault(turn_id, set())

    def add(self, turn_id: str, line_id: int) -> None:
        """The session was told this line, or has said it."""
        self._told.setdefault(turn_id, set()).add(line_id)

    def recalled(self, turn_id: str, evidence: Sequence[Evidence]) -> None:
        """For the reply of this turn, the newest, the session was told of this from memory."""
        self._recalled = turn_id, Recalled().with_more(evidence)

    def look_up(self, turn_id: str, evidence: Sequence[Evidence]) -> None:
        """The model looked this up for its reply."""
        self._looked_up[turn_id] = self._looked_up.get(turn_id, Recalled()).with_more(evidence)
        self._recalled = turn_id, self.recalled_for(turn_id).with_more(evidence)

    def recalled_for(self, turn_id: str) -> Recalled:
        """What ``recalled`` was told of this turn; nothing of an earlier one."""
        return self._recalled[1] if turn_id == self._recalled[0] else Recalled()

    def instruct(self, instructions: Instructions) -> None:
        """The session has other instructions."""
        self._instructed = instructions.lines
        self._sources = instructions.sources
        self._words = bare_words(instructions.text)

    def last_of(self, turn_id: str) -> int:
        """The id of the last line of a turn, 0 for none."""
        return max(self._told.get(turn_id, ()), default=0)

    def covered(self, reach: int) -> frozenset[str]:
        """The turns of which every line was said up to this one; such as were kept nowhere go with those after them."""
        turns = [turn for turn in self._told if self.last_of(turn) <= reach]
        while turns and not self._told[turns[-1]]:
            turns.pop()
        return frozenset(turns)

    def made_up_for(self, reach: int) -> frozenset[str]:
        """The turns that were cut and stand in the instructions again: up to this line in their memo, or whole."""
        again = [turn for turn, last in self._gone.items() if last <= reach or last in self._instructed]
        for turn in again:
            del self._gone[turn]
        if not self._gone:
            self._gist = ""
        return frozenset(again)

    @property
    def turns(self) -> frozenset[str]:
        """Those that the model is sent besides its instructions."""
        return frozenset(self._told)

    def cut(self, turn_id: str, gist: str = "") -> frozenset[str]:
        """The model is no longer sent this turn and those before it, which are returned, but for this gist of them."""
        self._gist = bare_words(gist)
        turns = list(self._told)
        gone = turns[: turns.index(turn_id) + 1] if turn_id in self._told else []
        for turn in gone:
            if gist:
                self._gone[turn] = self.last_of(turn)
            del self._told[turn]
            self._looked_up.pop(turn, None)
        return frozenset(gone)
