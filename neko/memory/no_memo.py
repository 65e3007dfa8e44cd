"""What a model answers that is no memo: a refusal, signs without a word, one word again and again.

Such an answer must not take the place of the memo before. It is told by few and plain signs, as a memo may be short,
abstract, or in another language than the talk.
"""

from __future__ import annotations

from typing import Final

from neko.late_patterns import late_pattern
from neko.memory.words import terms

_REFUSAL: Final = late_pattern(
    r"^\W*(?:(?:i.?m |i am )?(?:so |very |really )?sorry\b|(?:i )?apologi[sz]e\b|as an ai\b"
    r"|(?:unfortunately,? )?i (?:can(?:no|.)t|am (?:not able|unable)|won.t) (?:to )?"
    r"(?:help|assist|comply|summari[sz]e|do that|fulfil|process|continue|provide)"
    r"|(?:很|非常)?(?:抱歉|对不起|對不起)|作为(?:一个|一名)?(?:ai|人工智能)|作為(?:一個)?(?:ai|人工智慧)|我(?:无法|無法|不能)(?:提供|协助|協助|帮|幫|完成)"
    r"|申し訳|すみません|お(?:手伝い|答え)(?:は)?できません|죄송|도와드릴 수 없|(?:es )?tut mir (?:sehr )?leid\b)"
)
_OF_TALK: Final = 4
"""Terms of the talk that an answer holds which only begins like a refusal: "Sorry about Monday, said Tobi, whose …"."""
_MANY: Final = 30


def is_no_memo(answer: str, talk: str) -> bool:
    """Whether a model's ``answer`` cannot be a memo of the ``talk`` (``memo.transcript``). An empty one is none
    either."""
    if not any(map(str.isalnum, answer)):
        return True
    held = terms(answer)
    if len(held) >= _MANY and len(set(held)) == 1:
        return True
    return bool(_REFUSAL.match(answer.casefold())) and len(set(held).intersection(terms(talk))) < _OF_TALK
