"""The words of a text as the full-text index holds them, for any of the languages Neko speaks.

Width, case, diacritics, hiragana and katakana, traditional and simplified characters make no difference. Latin words
are cut to their stems; scripts without blanks give pairs of neighbouring characters and single ideographs, Korean
pairs of syllables, an emoji itself, whatever its skin, and the people of a family beside it. A text to be stored and a
question are read by the same function, so that every word finds itself.

SQLite's own tokenizers do not serve: ``unicode61`` takes a Chinese sentence for one word, ``trigram`` finds no word
of two characters. Stems are those of Snowball (https://snowballstem.org/algorithms/english/stemmer.html).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from importlib import metadata
from itertools import pairwise
from typing import Any, Final

from neko.late_patterns import late_pattern
from neko.memory.word_forms import PLAINEST
from neko.safety.folding import folded
from neko.well_formed import well_formed

_VERSION: Final = "3"
"""Of the rules of this module, and of the tables of ``index.py``."""
LONGEST_WORD: Final = 64

_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々〆"
_HIRAGANA: Final = r"\u3041-\u309f"
_KATAKANA: Final = r"\u30a0-\u30ff"
_HANGUL: Final = r"\uac00-\ud7a3"
_UNSPACED: Final = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Burmese, Khmer."""
_PICTURES: Final = (
    r"\u2194-\u2199\u21a9\u21aa\u231a-\u23ff\u25aa-\u27bf\u2934\u2935\u2b00-\u2bff\u3030\u303d"
    r"\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
)
_LOOK: Final = r"\ufe0e\ufe0f\U0001f3fb-\U0001f3ff"
"""What says how an emoji is drawn: as text, in colour, with which skin."""
_ONE_PICTURE: Final = f"[{_PICTURES}][{_LOOK}]*[\\U000e0020-\\U000e007f]*"
"""Tags spell the region of a flag behind a black one (https://www.unicode.org/reports/tr51/)."""
_RUNS: Final = late_pattern(
    f"(?P<unspaced>[{_HAN}{_HIRAGANA}{_KATAKANA}{_UNSPACED}]+)|(?P<hangul>[{_HANGUL}]+)"
    f"|(?P<word>(?:(?![{_HAN}{_HIRAGANA}{_KATAKANA}{_HANGUL}{_UNSPACED}_])\\w)+(?:\\+\\+|#)?"
    "(?:['’](?:s|t|re|ve|ll|d|m)\\b)?)"
    f"|(?P<emoji>[\\U0001f1e6-\\U0001f1ff]{{1,2}}|{_ONE_PICTURE}(?:\\u200d{_ONE_PICTURE})*)"
)
_IS_EMOJI: Final = late_pattern(f"[{_PICTURES}\U0001f1e6-\U0001f1ff]")
_BESIDE_WORDS: Final = 0.2
"""What an emoji counts in a question that has words: it says how it is asked."""
_HOW_DRAWN: Final = late_pattern(f"[{_LOOK}]")
_IDEOGRAPH: Final = late_pattern(f"[{_HAN}]")
_LONE_IDEOGRAPH: Final = late_pattern(f"(?<![{_HAN}])[{_HAN}](?![{_HAN}])")
_NOT_SPACED: Final = late_pattern(
    f"[{_HAN}{_HIRAGANA}{_KATAKANA}{_HANGUL}{_UNSPACED}\\u1100-\\u11ff\\U00020000-\\U0003ffff]"
)
"""Signs beside which a word may begin or end: of scripts without blanks, and of Korean, which adds particles."""
_IS_HIRAGANA: Final = re.compile(f"[{_HIRAGANA}]+")
_HIRAGANA_SIGN: Final = re.compile(f"[{_HIRAGANA}]")
_SENTENCE_BEGINS: Final = re.compile(r"(?:^|[.!?。！？\n…:\"“(\[])\W*$")
_JOINER: Final = "\u200d"
_LATIN_MARKS: Final = re.compile("[\u0300-\u036f]")
_TO_HIRAGANA: Final = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}

_ENGLISH: Final = """
    a about after again all also always am an and any anything are aren as ask asked at be because been before
    being but by can cannot could couldn did didn do does doesn doing don during each ever every for
    from get give go going got had has hasn have haven having he her here hers herself hi him
    himself his how however i if in into is isn it its itself just know let like
    likely make many may maybe me might mine more most much must my myself no nor not now of off oh ok okay on once
    one only or other our ours out over own please really remember s said same say says shall she
    should shouldn so some something such sure t tell than thank thanks that the their theirs them
    themselves then there these they thing things think this those though
    through to told too under until up us very want was wasn way we well were weren what
    when where which while who whom whose why will with won would wouldn yeah yes yet you your yours yourself
"""
_JAPANESE: Final = """
    です ます でし まし した して いる ある する こと もの それ これ あれ どれ この その あの どの から まで って
    とい いう のは のが のを のに では には とは ので けど だけ よう ない なに なん どこ だれ いつ たい った んだ
    すか せん くだ ださ さい おし えて ぼく わた たし あな なた
"""
_KOREAN: Final = """
    내 내가 나는 나의 나 너 너는 네 네가 우리 뭐 뭐야 뭐지 뭐라고 무엇 무슨 어디 언제 누구 왜 어떻게 그 이 저 것 수 좀
    더 있어 있니 있었 있다 없어 했어 했지 기억 기억해 기억나 알아 말해 줘
"""
_STOP_WORDS: Final = frozenset(_ENGLISH.split())
_STOP_HAN: Final = frozenset(
    "的了是在我你您他她它们吗呢吧啊呀么什甚怎哪谁这那和与也都就很还不没要会能把被给对"
    "从到个之其为所以但而或再又曾经过说告诉记得知道想请问几多少让可私仆俺何时今"
)
_STOP_PAIRS: Final = frozenset(_JAPANESE.split())
_STOP_HANGUL: Final = frozenset(_KOREAN.split())


@cache
def version() -> str:
    """Of the rules by which words are found; an index made by others is made anew."""
    return f"{_VERSION} snowball {metadata.version('snowballstemmer')}"


def plain(text: str) -> str:
    """The text as it is looked through for words that stand in it: every sign is kept, in its simplest form."""
    text = folded(well_formed(text))
    if text.isascii():
        return text
    bare = _LATIN_MARKS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare).translate(_TO_HIRAGANA)


def sought(text: str) -> list[str]:
    """The words of a text as ``plain`` has them, each once; none for one of which nothing is seen, as a mark alone."""
    return list(dict.fromkeys(filter(None, (plain(word).strip() for word in text.split()))))


def holds(text: str, words: Sequence[str]) -> bool:
    """Whether all of the words (``sought``) stand in the text, each whole: "cat" is in "my cat's", not in "vacation".
    Scripts without blanks, and Korean, have no such ends of words."""
    return plainly_holds(plain(text), words)


def plainly_holds(simple: str, words: Sequence[str]) -> bool:
    """``holds`` for a text that is ``plain`` already."""
    return all(_stands_in(simple, word) for word in words)


def _stands_in(simple: str, word: str) -> bool:
    at = simple.find(word)
    while at >= 0:
        end = at + len(word)
        if not (_are_of_one_word(simple[at - 1 : at], word[0]) or _are_of_one_word(word[-1], simple[end : end + 1])):
            return True
        at = simple.find(word, at + 1)
    return False


def _are_of_one_word(*signs: str) -> bool:
    """Whether signs that stand side by side are letters, marks or digits of a script with blanks."""
    return all(sign and unicodedata.category(sign)[0] in "LMN" and not _NOT_SPACED.match(sign) for sign in signs)


def terms(text: str) -> list[str]:
    """What the index holds of a text, in its order, words that come twice twice."""
    return [term for term, _ in _weighted(text)]


def weighted_terms(text: str) -> dict[str, float]:
    """What a question looks for, in its order: how much each term tells, before its rarity; some tell nothing."""
    weights: dict[str, float] = {}
    for term, weight in _weighted(text):
        if weight:
            weights[term] = max(weight, weights.get(term, 0.0))
    emoji = {term for term in weights if _IS_EMOJI.match(term)}
    if len(emoji) < len(weights):
        weights.update((term, weights[term] * _BESIDE_WORDS) for term in emoji)
    return weights


def pieces(text: str, query: str) -> list[tuple[str, bool]]:
    """A text in pieces that together are all of it, each with whether it is a word that the query looks for, in
    whichever form."""
    return _pieces(text, {term for term in weighted_terms(query) if len(term) > 1 or not _IDEOGRAPH.match(term)})


def written(text: str, wanted: Collection[str]) -> list[str]:
    """How terms are written in a text, each once, in its order."""
    found = dict.fromkeys(piece for piece, is_hit in _pieces(text, wanted) if is_hit)
    return list({_plain_piece(piece): piece for piece in found}.values())


@lru_cache(maxsize=2_000)
def _plain_piece(piece: str) -> str:
    return plain(piece)


def _pieces(text: str, wanted: Collection[str]) -> list[tuple[str, bool]]:
    wanted = frozenset(wanted)
    hits: list[tuple[int, int]] = []
    for match in _RUNS.finditer(text):
        if match.lastgroup in ("word", "emoji"):
            if _is_wanted(match[0], wanted):
                hits.append(match.span())
        else:
            hits += [(match.start() + first, match.start() + end) for first, end in _signs_of(match[0], wanted)]
    bounds = [0]
    for first, end in sorted(hits):
        if first > bounds[-1] or len(bounds) == 1:
            bounds += [first, end]
        else:  # they touch
            bounds[-1] = max(bounds[-1], end)
    bounds.append(len(text))
    pieces = [(text[first:end], bool(place % 2)) for place, (first, end) in enumerate(pairwise(bounds))]
    return [piece for piece in pieces if piece[0]]


def _is_wanted(run: str, wanted: frozenset[str]) -> bool:
    if not run.isascii() or len(run) > LONGEST_WORD:
        return not wanted.isdisjoint(terms(run))
    term, is_stop = _term_of(run)
    return term in wanted and not is_stop


def _signs_of(run: str, wanted: Collection[str]) -> list[tuple[int, int]]:
    """Where the pairs and signs of a run without blanks are that are wanted."""
    simple = plain(run)
    if len(simple) == len(run):  # sign by sign; else some are written by several
        pairs = [(at, at + 2) for at, pair in enumerate(pairwise(simple)) if "".join(pair) in wanted]
        return pairs + [(at, at + 1) for at, sign in enumerate(simple) if sign in wanted]
    places = ((at, at + size) for size in (2, 1) for at in range(len(run) - size + 1))
    return [(at, end) for at, end in places if plain(run[at:end]) in wanted]


def _weighted(text: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    text = unicodedata.normalize("NFKC", text)
    for match in _RUNS.finditer(text):
        run = match[0]
        if match.lastgroup == "word":
            found += _word(run, text, match.start())
        elif match.lastgroup == "hangul":
            found += _hangul(run)
        elif match.lastgroup == "emoji":
            found += _emoji(run)
        else:
            found += _unspaced(run)
    return found


def _word(run: str, text: str, start: int) -> list[tuple[str, float]]:
    term, is_stop = _term_of(run) if len(run) <= LONGEST_WORD else _term_of.__wrapped__(run)
    if is_stop and not _is_name(run, text, start):
        return []
    return [(term, 1.0)] if term else []


@lru_cache(maxsize=20_000)
def _term_of(run: str) -> tuple[str, bool]:
    """The term of a word, empty if it has none, and whether the word is one that tells little. Few words are most of
    what is said."""
    word = plain(run).split("'")[0]
    is_stop = word in _STOP_WORDS
    if len(word) < 2 and not word.isdigit():
        return "", is_stop
    plainest = PLAINEST.get(word) or PLAINEST.get(word.removesuffix("s"), word)
    if plainest in _STOP_WORDS and plainest != word:
        return "", is_stop
    return _stem(plainest)[:LONGEST_WORD], is_stop


def _is_name(run: str, text: str, start: int) -> bool:
    """True for what else means little but is capitalised within a sentence: Will, May."""
    if len(run) < 2 or not run.istitle() or "'" in run or "’" in run:
        return False
    return not _SENTENCE_BEGINS.search(text[max(0, start - 8) : start])


def _stem(word: str) -> str:
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    return str(_stemmer().stemWord(word))


@cache
def _stemmer() -> Any:
    from snowballstemmer.english_stemmer import EnglishStemmer

    return EnglishStemmer()


def _unspaced(run: str) -> list[tuple[str, float]]:
    shape = plain(run)
    found = []
    for at, character in enumerate(shape):
        if _IDEOGRAPH.match(character) and character not in _STOP_HAN:
            found.append((character, 0.8 if len(shape) == 1 else 0.4))
        pair = shape[at : at + 2]
        if len(pair) == 2:
            found.append((pair, _weight_of_pair(pair, run[at : at + 2])))
    return found


def alone(text: str) -> set[str]:
    """The ideographs that stand beside no other, as the verb of 何を弾く does; such a sign is a word of its own."""
    return set(_LONE_IDEOGRAPH.findall(plain(text))).difference(_STOP_HAN)


def is_seam(term: str) -> bool:
    """Whether a pair of signs is, like 母の, of a word and of what stands beside it or ends it."""
    return len(term) == 2 and any(_HIRAGANA_SIGN.match(sign) or sign in _STOP_HAN for sign in term)


def _weight_of_pair(pair: str, written: str) -> float:
    if _IS_HIRAGANA.fullmatch(written):
        return 0.0 if pair in _STOP_PAIRS else 0.3
    if _HIRAGANA_SIGN.search(written):
        return 0.4
    return (1.0, 0.4, 0.0)[sum(character in _STOP_HAN for character in pair)]


def _emoji(run: str) -> list[tuple[str, float]]:
    whole = _HOW_DRAWN.sub("", run)[:LONGEST_WORD]
    joined = whole.split(_JOINER)
    return [(whole, 1.0), *((one, 0.4) for one in joined if one and one != whole)]


def _hangul(run: str) -> list[tuple[str, float]]:
    if run in _STOP_HANGUL:
        return []
    pairs = [run[start : start + 2] for start in range(len(run) - 1)] or [run]
    return [(pair, 1.0 if start == 0 else 0.5) for start, pair in enumerate(pairs)]
