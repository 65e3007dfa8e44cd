"""What a question asks for, as far as its wording tells: whose words, and which kind of thing.

What answers is often not said in the words of the question. Who asks for a film to watch wants one that suits what was
said of liking; what is still to be done was told as "I need to"; how much was spent, in figures. So lines that hold
signs of the kind that is asked for count more, and words in which such things are told are looked for as well.

What people ask a companion for every day (what they cannot eat, their work, their pets, who their boss is) is in
``assets/asked``, by language: how it is ``asked`` for in a ``question``, how it is ``told``, and in which ``words``;
what comes ``first``, as it says more than the kinds below do, and what depends on what the user told (``of_user``), as
advice on a meal does, for which no question of their own is needed. Which words are ``idle``, as they ask for nothing:
greetings, thanks, and what is idle where it stands ``alone``; and which are ``little`` in a question, where ``words``
does not know them: those of German.

Patterns are written for texts in their simplest form (``words.plain``): traditional characters and katakana are gone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Final

from neko.late_patterns import late_pattern
from neko.memory.fact_rules import language_of
from neko.memory.words import plain, terms, weighted_terms
from neko.settings import ASSETS

_I: Final = late_pattern(
    r"\b(?:i|my|me|mine|myself)\b|我|私|僕|俺|わたし|ぼく|내|나[는를의도]|(?<![가-힣])나(?=\s)|제|저[는를의도]"
)
_YOU: Final = late_pattern(r"\b(?:you|your|yours|yourself)\b|你|您|あなた|君|きみ|너|네|당신")
_ADDRESSED: Final = late_pattern(
    r"\b(?:can|could|will|would|won't|can't|couldn't|wouldn't) you\b"
    r"|\bdo(?:n't)? you (?:still |also )?(?:remember|recall|know)\b"
    r"|(?:请|麻烦|拜托)[你您]|[你您](?:还|也)?(?:能不能|可不可以|能|可以|会|记不记得|记得|知不知道|知道)"
)
"""Whom a question is put to is not whose words it asks for."""
_PAST: Final = late_pattern(
    r"\b(?:was|were|did|had|used to|before|earlier|once|previous\w*|former\w*|last|ago|ever|back then|originally)\b"
    r"|以前|从前|曾|之前|原来|过去|小时候|当时|昔|かつて|元々|もともと|ました|でした|だった|いた|예전|옛날|전에|했|었|았"
)
_HEARSAY: Final = late_pattern(
    r"\b(?:he|she|they|people|everyone|everybody|someone|somebody|(?:my|our|his|her|their) \w+)(?: \w+)?"
    r" (?:says?|said|thinks?|thought|claims?|claimed|believes?|believed|insists?|insisted|tells? me|told me)"
    r"(?: that)? i\b"
    r"|(?:他|她|人家|别人|大家|有人)们?[^,，。我]{0,4}(?:说|觉得|以为|认为|猜)我"
    r"|(?:彼|彼女|みんな|人|さん|母|父|友達)(?:は|が|に)[^。]*(?:私|わたし|僕|ぼく|俺)[^。]*(?:って|と)(?:言|い[うっわ]|思)"
    r"|(?:그|그녀|사람들|친구|엄마|아빠)[은는이가][^.]*(?:내가|제가)[^.]*고 (?:해|했|말|생각)"
)
"""What others say of who speaks."""
_VERBS_OF_HEARSAY: Final = ("say", "said", "think", "thought", "claim", "believe", "insist", "tell", "told")
"""One of them is in all hearsay in English; to look for them takes a tenth of the time."""
_AROUND: Final = late_pattern(
    r"\b(?:when|while) (?:i|we) (?:was|were|went)\b|\bduring\b|的时候|期间"
    r"|(?:いた|行った)(?:とき|时|间)|(?:있을|있었을|갔을) ?때|동안"
)
_LAST_TALK: Final = late_pattern(
    r"\b(?:(?:we|i|you) (?:talk|speak|chat|discuss|say|tell)\w* (?:\w+ ){0,3}?(?:the )?(?:last|previous) time"
    r"|(?:the )?last time (?:that )?(?:we|i|you) (?:talked|spoke|chatted|met|said|told)\w*(?: \w+){0,2}"
    r"|(?:we|you and i) (?:last|previously) (?:talk|speak|spoke|chat|talked|chatted|met)\w*"
    r"|(?:our|the) (?:last|previous) (?:talk|chat|conversation)|we (?:leave|left) off)\b"
    r"|(?:woruber|was|wann)?\W*(?:haben|hatten) wir (?:das )?(?:letztes? mal|zuletzt) "
    r"(?:gesprochen|geredet|geschrieben|besprochen)"
    r"|我?们?(?:上一?次|上一?回|前一次|最后一?次)我?们?[是在]?(?:什么时候|几时|哪天|何时)?"
    r"(?:聊|说|谈|讲|讨论)[天话到起]?[的过了]*(?:什么|啥|哪里?|到哪里?|什么时候)?"
    r"|我?们?(?:聊|说|谈|讲)到哪里?了?"
    r"|(?:前回|この前|こないだ|この间|最后に)[はに]?(?:何を?|何の|どんな)?话(?:を?し)?(?:て(?:い)?)?(?:た|ました)?"
    r"(?:っけ|のは?|んだっけ)?(?:いつ|何)?"
    r"|(?:지난번|저번|지난 번|마지막으로|마지막)에? ?(?:우리)? ?(?:무슨|언제|뭐|뭘|어떤)? ?"
    r"(?:얘기|이야기|대화|말)\S*"
)
"""When the two talked last, or of what."""
_CJK: Final = late_pattern("[\u3041-\u30ff\u3400-\u9fff]")
_IDEOGRAPH: Final = late_pattern("[\u3400-\u9fff]")
_CHANGING: Final = frozenset({"home", "job", "age"})
"""Attributes of which the last word counts."""
_RECENCY_OF_CHANGING: Final = 0.2
_WEIGHT: Final = 0.4
"""What words in which such things are told count, beside 1 for those of the question."""
_WEIGHT_OF_REQUEST: Final = 0.5
_MOST_BESIDE: Final = 0.75
"""What words a question may have beside those that ask for an everyday thing, as a share of all."""
_SAID: Final = late_pattern(r"[^\W_]")
_WORD: Final = late_pattern(r"\W*(?:[^\W\u3041-\uffdc]+|[\u3041-\uffdc]{1,6})(?:['’-]\w+)*\W*")
_MOST_WORDS: Final = 4
_ASKS: Final = late_pattern(
    r"[?？谁什何哪几吗么呢怎]|多少|か$|だれ|どこ|どれ|どう|なに|なぜ|いつ|누구|어디|언제|무엇|뭐|뭘|왜|어떻|몇|까$"
)
_LONGEST_EVERYDAY: Final = 300
"""Characters of such a question."""
_CUT_WORD: Final = late_pattern("[\uac00-\ud7a3]*\0[\uac00-\ud7a3]*")
"""A word of Korean, of which a part is taken out."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Of what is asked for: how a question asks for it, how a line tells it, and in which words. ``of_user``: it
    depends on what the user told, and the words that ask for it, as "recommend", tell little. ``recency``: how much
    more the newest line counts than the oldest, for what does not hold for long. ``first``: it is meant, whichever
    other kind the wording fits as well."""

    asked: re.Pattern[str]
    told: re.Pattern[str]
    words: str = ""
    of_user: bool = False
    recency: float = 0.0
    first: bool = False


_CHOICE: Final = Kind(
    late_pattern(
        r"^(?:(?!\b(?:did|does|has|had)\b).)*\b(?:recommend|suggest)\b"
        r"|\b(?:any|some|your|more) (?:\w+ )?(?:recommendations?|suggestions?|ideas|advice|tips)\b"
        r"|\b(?:what|which|where|who) (?:\w+ ){0,3}should i\b(?! (?:not|never|avoid|stay away|keep away)\b)"
        r"|(?:推荐|建议|介绍)(?!过|了|的)|おすすめ|お?(?:勧め|薦め)(?!た|られた)|推薦して|추천(?!했|한 적)",
        re.MULTILINE,
    ),
    late_pattern(
        r"\b(?:like|likes|liked|love|loves|loved|enjoy\w*|prefer\w*|hate[sd]?|dislike\w*|adore\w*|favou?rites?|fan of|"
        r"(?:really|so|more|all|get|got|getting|been|am|'m) into|drawn to|fond of|can't stand|interested in|obsessed|"
        r"my (?:thing|cup)|can't get enough)\b"
        r"|喜欢|喜爱|最爱|爱[看听吃喝玩读]|讨厌|不爱|迷上|着迷|感兴趣|受不了"
        r"|好き|嫌い|苦手|はまっ|気に入|好み|좋아|싫어|즐겨|빠졌|사랑"
    ),
    "love enjoy prefer dislike favorite 喜欢 讨厌 好き 嫌い 좋아 싫어",
    of_user=True,
    recency=0.2,
)
_TO_DO: Final = Kind(
    late_pattern(
        r"\b(?:to-?do|tasks?|plans|reminders?|calendar|schedule|upcoming|appointments?|deadlines?"
        r"|(?:have|need|left) to do)\b"
        r"|待办|任务|日程|安排|要做|やること|やるべき|予定|할 ?일|일정|예정"
    ),
    late_pattern(
        r"^(?!.*(?:\b(?:no longer|completed?|finished|already|cancel\w*|not any ?more|delete)\b"
        r"|已经|不用|完成|做完|取消|終わった|済み|やめた|끝났|취소))"
        r".*(?:\b(?:(?:need|needs|have|ought|plan|planning|going|want|remember) to|should|must|i'll|appointments?"
        r"|scheduled?|deadline|due|coming up|don't forget|remind)\b"
        r"|需要|必须|得去|打算|计划|准备|别忘|预约|约了|要去|截止|ないと|なければ|なきゃ|つもり|予定|予約|締め切り"
        r"|해야|할 거|예정|약속|계획|예약|마감)",
        re.DOTALL,
    ),
    "need plan scheduled appointment deadline 需要 打算 予定 つもり 해야 약속",
    recency=0.5,
)
_AMOUNT: Final = Kind(
    late_pattern(
        r"\bhow (?:much|many)\b|\b(?:total|sum|average|budget|spend|spent|spending|costs?|expenses?|number of)\b"
        r"|\b(?:meet|reach|hit|exceed)\w* (?:\w+ ){0,5}(?:goal|target|limit)s?\b"
        r"|多少|几[个次天本回杯块]|一共|总共|总计|合计|花费|预算|いくら|いくつ|何[回人円個歩]|合計|全部で|予算"
        r"|얼마|몇|합계|예산"
    ),
    late_pattern(
        r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand"
        r"|dozen|twice)\b|(?:[二两三四五六七八九十百千万]|一[百千万])+[个個只本次回位岁歳人杯块元円天日年月步歩]"
    ),
)
_KINDS: Final = (_CHOICE, _TO_DO, _AMOUNT)


_ATTRIBUTES: Final[Mapping[str, re.Pattern[str]]] = {
    "name": late_pattern(r"\b(?:name[ds]?|called)\b|名字|叫什么|名前|이름"),
    "home": late_pattern(
        r"\b(?:live[sd]?|living|home|resides?|residence|moved?|address)\b|住|搬|家在|暮ら|引っ越|すん|사는|살|사세요|사나|사니|이사"
    ),
    "job": late_pattern(
        r"\b(?:works?|worked|working|jobs?|professions?|occupation|career|employ\w*|for a living)\b"
        r"|工作|职业|上班|做什么的|仕事|働|職業|일하|직업|직장"
    ),
    "family": late_pattern(
        r"\b(?:family|parents?|mother|mum|mom|father|dad|sisters?|brothers?|siblings?|wife|husband|sons?|daughters?)\b"
        r"|家人|家庭|家族|妈|爸|兄弟|姐|妹|母|父|兄|弟|가족|어머니|엄마|아버지|아빠|동생"
    ),
    "pet": late_pattern(r"\b(?:pets?|cats?|dogs?|animals?)\b|宠物|猫|狗|ペット|犬|동물|고양이|강아지"),
    "likes": late_pattern(
        r"\b(?:likes?|loves?|enjoys?|favou?rites?|fond)\b|(?<!不)喜欢|最爱|爱[吃喝看听玩]|好き|好物|좋아"
    ),
    "dislikes": late_pattern(r"\b(?:dislikes?|hates?)\b|讨厌|不喜欢|嫌い|苦手|싫어"),
    "allergy": late_pattern(r"\ballerg\w+|过敏|アレルギー|알레르기"),
    "birthday": late_pattern(r"\b(?:birthday|born)\b|生日|出生|誕生日|生まれ|생일|태어"),
    "plan": late_pattern(r"\b(?:plans?|planning|planned|going to)\b|打算|计划|予定|つもり|계획|예정"),
    "promise": late_pattern(r"\bpromise[ds]?\b|答应|保证|约定|約束|약속"),
}
"""How a question asks for an attribute of somebody, by the names that ``assets/facts`` gives them."""


def attributes_of(question: str) -> frozenset[str]:
    """The attributes of facts that a question asks for."""
    text = f"{question.lower()}\n{plain(question)}"
    return frozenset(name for name, pattern in _ATTRIBUTES.items() if pattern.search(text))


def is_of_now(text: str) -> bool:
    """Whether a question asks for how something is, not for how it was."""
    return not _PAST.search(text)


def is_of_around(text: str) -> bool:
    """Whether a question asks for what was said about the time of what it names, in whichever words."""
    return bool(_AROUND.search(text))


def is_of_last_talk(text: str) -> bool:
    """Whether it asks when the two talked last, or about what, and names nothing that was said then."""
    rest = _LAST_TALK.sub(" ", text) if len(text) <= _LONGEST_EVERYDAY else text
    return rest != text and not [term for term in weighted_terms(rest) if term not in little_in(text)]


def is_hearsay(text: str) -> bool:
    """Whether a line tells what others say of who speaks."""
    if text.isascii():
        for verb in _VERBS_OF_HEARSAY:
            if verb in text:
                break
        else:
            return False
    return bool(_HEARSAY.search(text))


def recency_of(kind: Kind | None, attributes: Collection[str]) -> float:
    """How much more the newest line counts than the oldest for a question. ``attributes``: that it asks for as they are
    now."""
    of_kind = kind.recency if kind else 0.0
    return max(of_kind, 0.0 if _CHANGING.isdisjoint(attributes) else _RECENCY_OF_CHANGING)


def kind_of(text: str) -> Kind | None:
    """What a question asks for; None when it does not tell."""
    everyday = _everyday_of(text)
    kinds = everyday.kinds if len(text) <= _LONGEST_EVERYDAY else ()
    is_question = bool(everyday.question.search(text))
    meant = [kind for kind in kinds if (is_question or kind.of_user) and kind.asked.search(text)]
    first = (kind for kind in meant if kind.first and _is_meant(kind, text))
    own = (kind for kind in _KINDS if kind.asked.search(text))
    return next(chain(first, own, (kind for kind in meant if _is_meant(kind, text))), None)


def _is_meant(kind: Kind, text: str) -> bool:
    """Whether a question names little else: "Who is my boss?", not "Which film by Ozu did my boss tell us to see?"."""
    little = little_in(text)
    whole, rest = (
        sum(weight for term, weight in weighted_terms(one).items() if term not in little)
        for one in (text, _CUT_WORD.sub(" ", kind.asked.sub("\0", text)))
    )
    return kind.of_user or rest <= _MOST_BESIDE * whole


def without_idle(text: str) -> str:
    """The text without what asks for nothing."""
    return _everyday_of(text).idle.sub(" ", text)


def asks_nothing(text: str) -> bool:
    """Whether all that a text says is idle, or of the kind that is where it stands alone: "Haha, that's funny!"."""
    everyday = _everyday_of(text)
    if len(text) > _LONGEST_EVERYDAY:
        return False
    rest = everyday.alone.sub(" ", everyday.idle.sub(" ", text))
    return not _SAID.search(rest) and not weighted_terms(rest)


def is_words(text: str) -> bool:
    """Whether it is words that are looked for, each of which tells something, and no question."""
    words = text.split()
    return (
        0 < len(words) <= _MOST_WORDS
        and not _ASKS.search(text)
        and all(_WORD.fullmatch(word) and weighted_terms(word) for word in words)
    )


def little_in(text: str) -> frozenset[str]:
    """The terms of a question that say how it is asked, where the index does not tell them from others."""
    everyday = _everyday_of(text)
    return frozenset(terms(" ".join(everyday.little.findall(text)))) if everyday.little else frozenset()


@dataclass(frozen=True, slots=True)
class _Everyday:
    question: re.Pattern[str]
    idle: re.Pattern[str]
    alone: re.Pattern[str]
    little: re.Pattern[str] | None
    kinds: tuple[Kind, ...]


def _everyday_of(text: str) -> _Everyday:
    return _everyday(language_of(text, "en"))


@cache
def _everyday(language: str) -> _Everyday:
    """Reads a file once a language (off the loop's thread)."""
    loaded: dict[str, Any] = json.loads((ASSETS / "asked" / f"{language}.json").read_text("utf-8"))
    kinds = (
        Kind(
            _simplest(of["asked"]),
            _simplest(of["told"]),
            of["words"],
            of_user=of.get("of_user", False),
            first=of.get("first", False),
        )
        for of in loaded["kinds"].values()
    )
    little = _simplest(loaded["little"]) if "little" in loaded else None
    return _Everyday(
        _simplest(loaded["question"]), _simplest(loaded["idle"]), _simplest(loaded["alone"]), little, tuple(kinds)
    )


def _simplest(pattern: str) -> re.Pattern[str]:
    """A pattern for texts in their simplest form, which may be written in any: 誕生日 is looked for as 诞生日."""
    return re.compile(_CJK.sub(lambda sign: plain(sign[0]), pattern))


def is_by_user(text: str, kind: Kind | None) -> bool | None:
    """Whether a question asks for the user's words, or for the companion's; None when it does not tell."""
    about = _ADDRESSED.sub(" ", text)
    mine, yours = bool(_I.search(about)), bool(_YOU.search(about))
    if kind is not None and kind.of_user and not yours:
        return True
    return None if mine == yours else mine


def named(kind: Kind | None, text: str, own: Collection[str]) -> Collection[str]:
    """Of the terms of a question those that say more than which kind of thing is asked for."""
    if kind is None or not kind.words:
        return own
    rest = set(terms(kind.asked.sub(" ", text)))
    return [term for term in own if term in rest]


def with_words_of(kind: Kind, text: str, weights: Mapping[str, float]) -> dict[str, float]:
    """The terms of a question, and those in which what it asks for is told, by what each tells before its rarity."""
    rest = set(terms(kind.asked.sub(" ", text))) if kind.of_user else weights.keys()
    weighed = {term: weight * (1.0 if term in rest else _WEIGHT_OF_REQUEST) for term, weight in weights.items()}
    words = [word for word in kind.words.split() if word.isascii() == text.isascii()]
    for term, weight in weighted_terms(" ".join(words)).items():
        if len(term) > 1:  # a sign alone says too little, and its pair is here because it tells
            weighed.setdefault(term, _WEIGHT * (1.0 if _IDEOGRAPH.search(term) else weight))
    return weighed
