"""The words of a text that tell what it is about, for any of the languages Neko speaks.

Scripts with spaces give words, cut to a stem by a few English rules; Chinese and Japanese give
pairs of neighbouring characters and single ideographs, Korean pairs of syllables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MOST: Final = 24
"""More keywords than this are not worth looking for."""
_READ: Final = 4_000
"""Characters of a text that are looked through: its beginning."""
_LONGEST: Final = 64
"""Characters of a word that are looked for; SQLite refuses patterns of many thousand."""

_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々〆"
_HIRAGANA: Final = r"\u3041-\u309f"
_KATAKANA: Final = r"\u30a0-\u30ff"
_HANGUL: Final = r"\uac00-\ud7a3"
_RUNS: Final = re.compile(
    f"(?P<han>[{_HAN}]+)|(?P<hiragana>[{_HIRAGANA}]+)|(?P<katakana>[{_KATAKANA}]+)|(?P<hangul>[{_HANGUL}]+)"
    f"|(?P<word>(?:(?![{_HAN}{_HIRAGANA}{_KATAKANA}{_HANGUL}_])\\w)+(?:['’](?:s|t|re|ve|ll|d|m)\\b)?)"
)

_ENGLISH: Final = """
    a about after again all also always am an and any anything are aren't as ask asked at be because been before
    being but by can can't cannot could couldn't did didn't do does doesn't doing don't during each ever every for
    from get give go going got had has hasn't have haven't having he he'd he'll he's her here hers herself hi him
    himself his how how's however i i'd i'll i'm i've if in into is isn't it it's its itself just know let let's like
    likely make many may maybe me might mine more most much must my myself no nor not now of off oh ok okay on once
    one only or other our ours out over own please really remember s said same say says shall she she'd she'll she's
    should shouldn't so some something such sure t tell than thank thanks that that's the their theirs them
    themselves then there there's these they they'd they'll they're they've thing things think this those though
    through to told too under until up us very want was wasn't way we we'd we'll we're we've well were weren't what
    what's when where which while who who's whom whose why will with won't would wouldn't yeah yes yet you you'd
    you'll you're you've your yours yourself
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
    "的了是在我你您他她它们們吗嗎呢吧啊呀么麼什甚怎哪谁誰这這那和与與也都就很还還不没沒要会會能把被给給对對"
    "从從到个個之其为為所以但而或再又曾经經过過说說告诉訴记記得知道想请請问問几幾多少让讓可私僕俺何時今"
)
_STOP_HIRAGANA: Final = frozenset(_JAPANESE.split())
_STOP_HANGUL: Final = frozenset(_KOREAN.split())


@dataclass(frozen=True, slots=True)
class Keyword:
    """``word``: it stands at the start of a word; else it may stand anywhere. ``whole``: nothing
    but an English ending may follow. ``weight``: how much it tells, before its rarity."""

    text: str
    weight: float = 1.0
    word: bool = False
    whole: bool = False


def keywords(text: str) -> list[Keyword]:
    """The keywords of a text, each once, in the order they come; at most ``MOST``."""
    unique: dict[str, Keyword] = {}
    for match in _RUNS.finditer(text[:_READ]):
        run = match[0]
        for keyword in _OF_SCRIPT[str(match.lastgroup)](run):
            unique.setdefault(keyword.text, keyword)
    return sorted(unique.values(), key=lambda keyword: -keyword.weight)[:MOST]


def _words(run: str) -> list[Keyword]:
    word = run.lower().replace("’", "'")
    if word in _STOP_WORDS or (len(word) < 2 and not word.isdigit()):
        return []
    stem = _stem(word.split("'")[0])
    if stem in _STOP_WORDS:
        return []
    return [Keyword(stem[:_LONGEST], word=True, whole=len(stem) <= 4)]


def _stem(word: str) -> str:
    if not word.isascii() or len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 5:
        return word[:-3]
    if word.endswith("ing") and len(word) > 5:
        return _undoubled(word[:-3])
    if word.endswith("ed") and len(word) > 4:
        return _undoubled(word[:-2])
    if word.endswith("s") and word[-2] not in "sui":
        word = word[:-1]
    if len(word) > 4 and word[-1] in "ey":
        return word[:-1]
    return word


def _undoubled(stem: str) -> str:
    return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "ls" else stem


def _han(run: str) -> list[Keyword]:
    result = []
    for piece in _pieces(run):
        result += [Keyword(piece[start : start + 2]) for start in range(len(piece) - 1)]
        weight = 0.8 if len(piece) == 1 else 0.4
        result += [Keyword(character, weight) for character in piece]
    return result


def _pieces(run: str) -> list[str]:
    return "".join(" " if character in _STOP_HAN else character for character in run).split()


def _hiragana(run: str) -> list[Keyword]:
    pairs = [run[start : start + 2] for start in range(len(run) - 1)]
    return [Keyword(pair, 0.3) for pair in pairs if pair not in _STOP_HIRAGANA]


def _katakana(run: str) -> list[Keyword]:
    run = run.strip("・ー゠") if len(run) > 1 else run
    return [Keyword(run[:_LONGEST])] if len(run) > 1 else []


def _hangul(run: str) -> list[Keyword]:
    if run in _STOP_HANGUL:
        return []
    pairs = [run[start : start + 2] for start in range(len(run) - 1)] or [run]
    return [Keyword(pair, 1.0 if start == 0 else 0.5) for start, pair in enumerate(pairs)]


_OF_SCRIPT: Final = {
    "han": _han,
    "hiragana": _hiragana,
    "katakana": _katakana,
    "hangul": _hangul,
    "word": _words,
}
