"""Which of some candidate lines answer a question best.

A line counts for its own words, for those of the lines around it and, where there are vectors, for its meaning; each
of these scores is divided by its largest value before they are added. The sum is then weighed by who said the line,
when it was said, whether it tells something or asks, and whether it tells the kind of thing that is asked for
(``asked.py``). Pure functions, on numpy's arrays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress
from typing import TYPE_CHECKING, Final, NamedTuple

from neko.memory.asked import is_hearsay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Likenesses = Callable[[Sequence[int]], Mapping[int, tuple[NDArray[np.float32], int]]]

K1: Final = 1.2
B: Final = 0.75
_NEAR: Final = 1.0
"""What a line and its two neighbours count together, beside 1 for the line alone."""
_FAR: Final = 0.9
_DECAYS: Final = (0.7, 0.49, 0.343)
"""Of lines one, two and three away."""
_MEANING: Final = 0.7
_PREVIOUS: Final = 0.5
_BEST_BY_TOKENS: Final = 100
"""Lines that are judged by their tokens, with a neighbour on either side."""
_ALIKE: Final = 0.45
"""The cosine of tokens above which one counts for the other."""
_WORDS_BESIDE: Final = 0.15
_WORD_SOUGHT: Final = 0.5
_MEANING_BESIDE: Final = 0.2
"""What words and meaning count beside tokens; words more where a word alone is looked for."""
_FIT: Final = 150
"""Cosines count from that of the 150th nearest line upwards: all lie close together."""
_DATE: Final = 1.5
"""What a line of a day that the question names counts more; a third of it five days away."""
_TELLING: Final = 0.4
"""By how much that differs between lines that tell nothing of their own and those that do."""
_DAYS_S: Final = 5 * 86_400
_OTHER_SPEAKER: Final = 0.6
_COMPANION: Final = 0.7
"""What the companion says counts less than what the user does, when the question does not tell whose words it means."""
_HEARSAY: Final = 0.85
"""What others say of the user, when the question is for what the user says."""
_OUTDATED: Final = 0.7
_RECENCY: Final = 0.02
"""How much more the newest line counts than the oldest."""
_QUESTION: Final = 0.6
_ANSWER: Final = 0.85
"""What the answer to a question gets of that line's score."""
_KIND: Final = 1.8
"""What a line counts more that tells such a thing as is asked for."""
_BEST_BY_KIND: Final = 300
_RELEVANT: Final = 0.1
"""Lines scoring less than this share of the best are not worth recalling; those that hold no word of the question,
and count for their neighbours only, need more."""
_RELEVANT_BY_OTHERS: Final = 0.15
_SESSION_S: Final = 4 * 3600
"""Lines that are further apart than this are no neighbours."""
_GAP: Final = 8
"""Nor are lines between whose ids as many are missing."""
_JUDGED: Final = 4_000
_END: Final = 40
_SENTENCE: Final = re.compile(r"[^.!?。！\n]+[.!?。！]*")
_ASKING: Final = re.compile(r"(?:\?|吗|呢|ですか|ますか)[.。!！~…\s]*$")
_BLANK: Final = ord(" ")
_LONGEST: Final = 4_000
"""Terms that a line counts to have at most: one of a whole book tells nothing of how long the others are."""
_MARKS: Final = 1 << 16
_AT_ONCE: Final = 8
_SPREAD: Final = 0x9E3779B97F4A7C15
"""What makes the last bits of a number's product with it depend on all of the number (Fibonacci hashing)."""
_TO_MARK: Final = 48


class Candidate(NamedTuple):
    """A line as the index has it: ``text`` in its simplest form, ``at`` in UTC seconds, ``terms`` in their order as
    UTF-8, a blank between them, from which few are wanted."""

    id: int
    at: int
    by_user: int
    chat: int
    speaker: str
    text: str
    terms: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """``weights``: what each term adds to a line that has it, its rarity included. ``by_user``, ``speakers``: whose
    words are asked for, as far as the question tells. ``spans`` of UTC seconds that it names."""

    weights: Mapping[str, float]
    is_word: bool = False
    """It is a word alone, that is meant to be found as it is."""
    by_user: bool | None = None
    speakers: frozenset[str] = frozenset()
    spans: Sequence[tuple[int, int]] = ()
    tells: re.Pattern[str] | None = None
    """What a line holds that tells such a thing as is asked for."""
    recency: float = 0.0
    """How much more the newest line counts than the oldest."""
    outdated: frozenset[int] = frozenset()
    """Lines that say what is so no longer, of what is asked for as it is now."""
    floor: float = 0.0
    """What the terms of some line and its neighbours must weigh for any line to count by its terms."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """``terms``: those of the question that the line holds, or, when it ``answers`` a question, that line before it."""

    candidate: Candidate
    score: float
    terms: tuple[str, ...]
    answers: bool = False
    tells: bool = False
    """It tells such a thing as is asked for."""
    alike: float = 0.0
    """How much of the question its tokens are like, from 0 to 1."""
    asks: bool = False
    """Whatever it says about these terms it asks."""

    def bears(self, best: float) -> bool:
        """Whether it is worth recalling beside the ``best`` score. What lines around it say is less sure."""
        return self.score >= best * (_RELEVANT if self.terms else _RELEVANT_BY_OTHERS)


def rank(
    question: Question,
    lines: Sequence[Candidate],
    cosines: Mapping[int, float] | None = None,
    likenesses: Likenesses | None = None,
) -> Iterator[Ranked]:
    """The lines that count for anything, best first; given in the order of their ids, neighbours among them.

    ``cosines``: how near lines are to the question. ``likenesses``: asked for the best lines, how much their tokens
    are like the question's; what it knows of none of them makes no difference.
    """
    import numpy as np

    if not lines or not (question.weights or question.spans or cosines):
        return
    names = list(question.weights)
    terms = _Terms([line.terms for line in lines])
    counts, lengths = terms.of(names), np.minimum(terms.counts(), _LONGEST)
    weights = np.array(list(question.weights.values()))
    joined = _joined(lines)
    words = _with_neighbours(counts, lengths, joined, weights)
    if not len(weights) or ((_around(counts, joined, (1.0,)) > 0) @ weights).max() < question.floor:
        words[:] = 0.0
    meaning = _meaning(lines, cosines or {}, joined, words)
    dates = np.zeros(len(lines))
    if question.spans:
        dates = _DATE * _by_date(question, lines) * (1 + _TELLING * (_telling(terms) - 0.5))
    ids = np.array([line.id for line in lines], dtype=float)
    factor = _by_speaker(question, lines) * (
        1 + (_RECENCY + question.recency) * (ids - ids[0]) / (ids[-1] - ids[0] or 1.0)
    )
    factor *= np.where([line.id in question.outdated for line in lines], _OUTDATED, 1.0)
    score = (words + _MEANING * meaning + dates) * factor
    if question.tells:
        factor = factor * _by_kind(question.tells, lines, score)
        score = (words + _MEANING * meaning + dates) * factor
    alike = np.zeros(len(lines))
    if likenesses:
        share = _WORD_SOUGHT if question.is_word else _WORDS_BESIDE
        beside = (share * words + _MEANING_BESIDE * meaning + dates) * factor
        score, alike = _by_tokens(score, beside, factor, lines, joined, likenesses)
    answers = _give_way(score, counts, lines, joined, names)
    for row in np.argsort(-score):
        if score[row] <= 0:
            return
        held = tuple(names[column] for column in np.nonzero(counts[row - int(answers[row])])[0])
        tells = bool(question.tells and question.tells.search(lines[row].text[:_JUDGED]))
        asks = _has_sign(lines[row].text) and _asks(lines[row].text, held)
        yield Ranked(lines[row], float(score[row]), held, bool(answers[row]), tells, float(alike[row]), asks)


def _by_tokens(
    score: Array, beside: Array, factor: Array, lines: Sequence[Candidate], joined: Flags, likenesses: Likenesses
) -> tuple[Array, Array]:
    """The scores by what the tokens of the best lines, by ``score``, and of their neighbours are like, and by what
    counts ``beside`` that; and how much of the question the tokens of each line alone are like.

    For each token of the question the line's token that is most like it counts as if it was the same one, by how much
    the cosine is above what any two tokens have: BM25 over such counts finds a word and what means much the same, also
    in the lines around (late interaction, https://arxiv.org/abs/2004.12832, with the counts of BM25). Lines that have
    no such vectors yet keep their place beside the best that have them: before it, if they scored more.
    """
    import numpy as np

    best = np.zeros(len(lines), dtype=bool)
    best[np.argsort(-score)[:_BEST_BY_TOKENS]] = True
    rows = np.flatnonzero(best | np.append(best[1:] & joined, False) | np.append(False, best[:-1] & joined))
    judged = [lines[int(row)] for row in rows]
    liked = likenesses([line.id for line in judged])
    alike = np.zeros(len(lines))
    if not liked:
        return score, alike
    width = len(next(iter(liked.values()))[0])
    nothing = (np.zeros(width, np.float32), 0)
    cosines, lengths = zip(*(liked.get(line.id, nothing) for line in judged), strict=True)
    counts = np.maximum(np.array(cosines, dtype=float) - _ALIKE, 0.0) / (1 - _ALIKE)
    often = counts.sum(axis=0)
    weights = np.log(1 + (len(liked) - often + 0.5) / (often + 0.5))
    like = _with_neighbours(counts, np.array(lengths, dtype=float), _joined(judged), weights)
    refined = like * factor[rows] + beside[rows]
    has_tokens = np.array(lengths) > 0
    known = score[rows][has_tokens].max()
    refined[~has_tokens] = score[rows][~has_tokens] * (refined[has_tokens].max() / known if known > 0 else 1.0)
    scores = np.zeros(len(lines))
    scores[rows] = refined
    alike[rows] = counts @ weights / weights.sum()
    return scores, alike


def _with_neighbours(counts: Array, lengths: Array, joined: Flags, weights: Array) -> Array:
    """What lines count for their terms, alone and together with those around them."""
    score = _scaled(_bm25(counts, lengths, weights))
    for share, decays in ((_NEAR, (1.0,)), (_FAR, _DECAYS)):
        around = _bm25(_around(counts, joined, decays), _around(lengths, joined, decays), weights)
        score += share * _scaled(around)
    return score


class _Terms:
    """The terms of all lines at once, as one array of their UTF-8: they are a hundred thousand, each of which would be
    an object of Python's."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        import numpy as np

        joined = b" ".join([b"", *texts, b" " * _AT_ONCE])
        units = np.frombuffer(joined, np.uint8)
        gaps = np.flatnonzero(units[:-_AT_ONCE] == _BLANK)
        self._starts, ends = gaps[:-1] + 1, gaps[1:]
        self.sizes = ends - self._starts
        self._first = np.searchsorted(gaps, np.cumsum([0, *map(len, texts)]) + np.arange(len(texts) + 1))
        """The place of each text's first term, and the end."""
        self._eights = np.ndarray((len(joined) - _AT_ONCE + 1,), np.uint64, joined, strides=(1,))
        """Eight units from each unit on, as one number."""
        self.ends: NDArray[np.uint16] = np.ndarray((len(joined) - 1,), np.uint16, joined, strides=(1,))[ends - 2]
        """The last two units of each term as one number; of one unit the blank before it is the other. What tells most
        terms from those that are wanted, for the least work."""

    def heads(self, places: NDArray[np.intp]) -> NDArray[np.uint64]:
        """The first eight units of the terms at these places, all of most terms."""
        import numpy as np

        first = self._eights[self._starts[places]]
        heads: NDArray[np.uint64] = first & _masks()[np.minimum(self.sizes[places], _AT_ONCE)]
        return heads

    def counts(self) -> Array:
        """How many each text has."""
        import numpy as np

        return np.diff(self._first) - self._summed(self.sizes == 0)

    def rarity(self) -> Array:
        """How much the terms of each text tell that stand in few others."""
        import numpy as np

        every = self.heads(np.arange(len(self.sizes)))
        marks = ((every ^ self.sizes.view(np.uint64)) * _SPREAD >> _TO_MARK).astype(np.uint16)
        often = np.bincount(marks)[marks]  # the same number for the same term, and seldom for others
        return self._summed(np.log(np.maximum((len(self._first) - 1) / often, 1.0)) * (self.sizes > 0))

    def of(self, terms: Sequence[str]) -> Array:
        """How often each text (row) has each of these terms (column)."""
        import numpy as np

        counts = np.zeros((len(self._first) - 1, len(terms)))
        if not terms:
            return counts
        wanted = _Terms([b" ".join(term.encode() for term in terms)])
        is_wanted = np.zeros(_MARKS, dtype=bool)
        is_wanted[wanted.ends] = True
        near = np.flatnonzero(is_wanted[self.ends])
        heads, sizes = self.heads(near), self.sizes[near]
        rows = np.repeat(np.arange(len(counts)), np.diff(self._first))[near]
        beginnings = wanted.heads(np.arange(len(terms)))
        order = np.argsort(beginnings)
        column = order[np.minimum(np.searchsorted(beginnings[order], heads), len(terms) - 1)]
        short = (heads == beginnings[column]) & (sizes == wanted.sizes[column]) & (sizes <= _AT_ONCE)
        found = np.bincount(rows[short] * len(terms) + column[short], minlength=counts.size)
        counts += found.reshape(counts.shape)
        for long in np.flatnonzero(wanted.sizes > _AT_ONCE).tolist():
            size = int(wanted.sizes[long])
            same = np.flatnonzero((heads == beginnings[long]) & (sizes == size))
            for end in range(2 * _AT_ONCE, size + _AT_ONCE, _AT_ONCE):  # the rest of it, eight units at once
                last = min(end, size) - _AT_ONCE
                rest = self._eights[self._starts[near[same]] + last]
                same = same[rest == wanted.eights(long, last)]
            counts[:, long] = np.bincount(rows[same], minlength=len(counts))
        return counts

    def eights(self, place: int, offset: int) -> np.uint64:
        """Eight units of the term at this place."""
        eight: np.uint64 = self._eights[self._starts[place] + offset]
        return eight

    def _summed(self, values: Array) -> Array:
        import numpy as np

        sums = np.append(0.0, np.cumsum(values))
        summed: Array = np.diff(sums[self._first])
        return summed


@cache
def _masks() -> NDArray[np.uint64]:
    """What leaves so many units of eight, by their number."""
    import numpy as np

    filled = [b"\xff" * size + b"\0" * (_AT_ONCE - size) for size in range(_AT_ONCE + 1)]
    return np.frombuffer(b"".join(filled), np.uint64)


def _joined(lines: Sequence[Candidate]) -> Flags:
    """Whether each line but the last and the one behind it are neighbours."""
    import numpy as np

    columns = ([line.id for line in lines], [line.at for line in lines], [line.chat for line in lines])
    ids, moments, chats = (np.abs(np.diff(np.array(column, dtype=np.int64))) for column in columns)
    joined: Flags = (ids <= _GAP) & (moments <= _SESSION_S) & (chats == 0)
    return joined


def _around(values: Array, joined: Flags, decays: Sequence[float]) -> Array:
    """Each line's values and, times ``decays``, those of its first, second … neighbours on both sides."""
    total = values.copy()
    reach = joined
    for distance, decay in enumerate(decays, 1):
        if distance > 1:
            reach = reach[:-1] & joined[distance - 1 :]
        if not len(reach):
            break
        held = reach if values.ndim == 1 else reach[:, None]
        total[distance:] += decay * values[:-distance] * held
        total[:-distance] += decay * values[distance:] * held
    return total


def _bm25(counts: Array, lengths: Array, weights: Array) -> Array:
    norm = K1 * (1 - B + B * lengths / (lengths.mean() or 1.0))
    scores: Array = (counts * (K1 + 1) / (counts + norm[:, None])) @ weights
    return scores


def _scaled(scores: Array) -> Array:
    largest = scores.max()
    return scores / largest if largest > 0 else scores


def _meaning(lines: Sequence[Candidate], cosines: Mapping[int, float], joined: Flags, words: Array) -> Array:
    """How near each line is to the question, alone and together with the line before it, which it may answer.

    Lines that have no vector yet count as near as lines that do by how much their ``words`` count: while a log is
    being embedded neither its older part nor its newer one gives way to the other.
    """
    import numpy as np

    if not cosines:
        return np.zeros(len(lines))
    lowest = min(cosines.values())
    alone = np.array([cosines.get(line.id, lowest) for line in lines])
    after = alone.copy()
    after[1:] += _PREVIOUS * alone[:-1] * joined
    meaning = _above_most(alone) + _above_most(after)
    known = np.array([line.id in cosines for line in lines])
    # the slope of the line through 0 that fits best, by least squares
    meaning[~known] = words[~known] * ((words[known] @ meaning[known]) / ((words[known] @ words[known]) or 1.0))
    return meaning


def _above_most(cosines: Array) -> Array:
    import numpy as np

    place = max(len(cosines) - _FIT, 0)
    return _scaled(np.maximum(cosines - np.partition(cosines, place)[place], 0.0))


def _by_date(question: Question, lines: Sequence[Candidate]) -> Array:
    import numpy as np

    moments = np.array([line.at for line in lines], dtype=float)
    fits = np.zeros(len(lines))
    for first, end in question.spans:
        away = np.maximum(np.maximum(first - moments, moments - (end - 1)), 0.0)
        fits = np.maximum(fits, np.exp(-away / _DAYS_S))
    return fits


def _telling(terms: _Terms) -> Array:
    """How much of what a line says the other lines do not, from 0 to 1: of a day that is asked for without a word, what
    is said every day matters least."""
    told = terms.rarity()
    return told / (told + (told.mean() or 1.0))  # a very long line tells little more than a long one


def _by_speaker(question: Question, lines: Sequence[Candidate]) -> Array:
    import numpy as np

    if question.speakers:
        fits = [line.speaker in question.speakers for line in lines]
        return np.where(fits, 1.0, _OTHER_SPEAKER)
    by_user = np.array([line.by_user for line in lines], dtype=bool)
    if question.by_user is None:
        return np.where(by_user, 1.0, _COMPANION)
    of_speaker: Array = np.where(by_user == question.by_user, 1.0, _OTHER_SPEAKER)
    hearsay = np.array([bool(question.by_user) and is_hearsay(line.text[:_JUDGED]) for line in lines])
    return np.where(hearsay, of_speaker * _HEARSAY, of_speaker)


def _by_kind(tells: re.Pattern[str], lines: Sequence[Candidate], score: Array) -> Array:
    """What the best lines count more when they tell such a thing as is asked for."""
    import numpy as np

    weight = np.ones(len(lines))
    for row in np.argsort(-score)[:_BEST_BY_KIND]:
        if tells.search(lines[int(row)].text[:_JUDGED]):
            weight[row] = _KIND
    return weight


def _give_way(score: Array, counts: Array, lines: Sequence[Candidate], joined: Flags, terms: Sequence[str]) -> Flags:
    """Questions give way to statements, above all to the answer that followed; which lines are such answers."""
    import numpy as np

    answers = np.zeros(len(lines), dtype=bool)
    rows = [row for row, line in enumerate(lines) if _has_sign(line.text)]
    for row, is_held in zip(rows, (counts[rows] > 0).tolist(), strict=True):
        if not score[row]:
            continue
        line, asked, held = lines[row], score[row], list(compress(terms, is_held))
        is_about = _asks(line.text, held)
        if is_about or _ASKING.search(line.text[-_END:]):
            score[row] *= _QUESTION
        if not is_about:
            continue
        is_followed = row < len(joined) and joined[row] and lines[row + 1].speaker != line.speaker
        if is_followed and score[row + 1] < asked * _ANSWER:
            score[row + 1] = asked * _ANSWER
            answers[row + 1] = True
    return answers


def _has_sign(text: str) -> bool:
    """Whether it may ask anything."""
    if "?" in text or text.isascii():
        return "?" in text
    return "吗" in text or "呢" in text or "ですか" in text or "ますか" in text


def _asks(text: str, held: Sequence[str]) -> bool:
    """True when whatever the line says about the terms it says in questions."""
    sentences = [one for one in _SENTENCE.findall(text[:_JUDGED]) if any(term in one for term in held)]
    return bool(sentences) and all(_ASKING.search(sentence) for sentence in sentences)
