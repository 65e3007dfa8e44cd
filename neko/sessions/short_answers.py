"""Words of the user's that are nothing but a yes, a no or a stop, in the languages that Neko speaks. Pure.

Strict on purpose: whatever is not in these lists, or says anything besides, is an ordinary line. Sounds of assent
("mhm", 嗯, うん, 응) are no yes when they are heard: they come by themselves while one listens. Nobody writes 응 or
うん without meaning it. A question ("yes?") is no answer.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from neko.late_patterns import late_pattern

Answer = Literal["yes", "no", "stop"]

_LONGEST: Final = 40
_PLEASE_EN: Final = r"(?:please|thanks|thank you)"
_YES: Final = late_pattern(
    rf"(?:(?:yes|yes yes|yes sure|yes do(?: it| that)?|yes you (?:may|can)|do it|go ahead|go for it|yes go ahead"
    rf"|please do|sure do it|sure go ahead|sure why not|ok(?:ay)? (?:do it|go ahead)"
    rf"|approved?|i approve|allow it)(?: {_PLEASE_EN})?)"
    r"|(?:是|是的|好|好的|可以|可以的|行|同意|允许|允許|去做吧|做吧|执行吧|執行吧|好的?做吧|可以做吧|嗯可以|嗯好的)(?:请|請)?"
    r"|(?:はい|いいよ|いいです|いいですよ|どうぞ|お願い|お願いします|お願いね|はいお願いします|はいどうぞ|やって"
    r"|やっていいよ|やってください|許可します|うんいいよ|うんお願い)"
    r"|(?:네|예|네 ?그래요|네 ?해 ?줘|네 ?해 ?주세요|네 ?부탁해요?|그렇게 ?해 ?줘|그렇게 ?해 ?주세요|해 ?줘"
    r"|해 ?주세요|해도 ?돼요?|허락해요?|허락할게요?|승인해요?|좋아 ?해 ?줘|응 ?해 ?줘|응 ?해도 ?돼)"
)
_TYPED_YES: Final = late_pattern(r"응+|ㅇㅇ+|(?:うん)+")
_NO: Final = late_pattern(
    rf"(?:(?:no|nope|no no|no don'?t|don'?t|don'?t do (?:it|that)|no don'?t do (?:it|that)|do not|do not do (?:it|that)"
    rf"|please don'?t|no way|never|deny|denied|refuse|cancel|cancel (?:it|that)|not now)(?: {_PLEASE_EN})?)"
    r"|(?:不|不要|不行|不用|不可以|不同意|别|別|别做|別做|不要做|不用了|拒绝|拒絕|取消|先不要|算了)"
    r"|(?:いいえ|いや|だめ|ダメ|だめです|やめて|やめてください|しないで|しないでください|やらないで|いらない|結構です|キャンセル)"
    r"|(?:아니|아니요|아뇨|안 ?돼|안 ?돼요|하지 ?마|하지 ?마요|하지 ?마세요|싫어|싫어요|취소|취소해|취소해 ?줘|거절)"
)
_STOP: Final = late_pattern(
    rf"(?:(?:please )?(?:stop|stop stop|stop it|stop that|stop everything|stop all|stop all of (?:it|that)|stop now"
    rf"|halt|abort|stop what you(?:'re| are) doing)(?: now)?(?: {_PLEASE_EN})?)"
    r"|(?:停|停停|停下|停下来|停下來|停止|快停|快停下|全部停止|全停|都停下|别做了|別做了|别弄了|別弄了|住手)"
    r"|(?:やめて|やめてください|止めて|とめて|止まって|とまって|ストップ|全部やめて|全部止めて|中止|中止して)"
    r"|(?:그만|그만해|그만해 ?줘|그만하세요|멈춰|멈춰 ?줘|멈추세요|중지|중지해|스톱|다 ?멈춰|전부 ?멈춰|전부 ?중지)"
)
_DROP: Final = late_pattern(
    rf"(?:never ?mind|forget (?:it|that|about it)|leave it|drop it|don'?t bother|cancel|cancel (?:it|that|this))"
    rf"(?: {_PLEASE_EN})?"
    r"|(?:算了|取消|不用了|不用找了|不用查了|没事了|沒事了|当我没说|當我沒說|别管了|別管了)"
    r"|(?:もういい|もういいよ|もういいです|もう大丈夫|忘れて|忘れてください|キャンセル|キャンセルして|取り消して|なんでもない)"
    r"|(?:됐어|됐어요|괜찮아 ?됐어|잊어버려|잊어 ?줘|신경 ?쓰지 ?마|신경 ?쓰지 ?마세요"
    r"|취소|취소해|취소해 ?줘|아무것도 ?아니야)"
)
_ANSWERS: Final[tuple[tuple[re.Pattern[str], Answer], ...]] = ((_STOP, "stop"), (_YES, "yes"), (_NO, "no"))
_CLAUSES: Final = late_pattern(r"[,.!~…、。，！〜・:;]+")
_BETWEEN: Final = late_pattern(r"[\s,.!?~…、。，！？〜・:;]+")
_ENDING: Final = late_pattern(r"(?:吧|啦|啊|呀|了)$")


def answer_in(text: str, name: str = "", *, typed: bool = False) -> Answer | None:
    """What these words say, if they say nothing else; ``name``: hers, by which she may be called in them.

    やめて is a stop: where nothing runs that could be stopped it is a no.
    """
    if len(text) > _LONGEST:
        return None
    forms = _forms(text, name)
    found = next((answer for pattern, answer in _ANSWERS if any(map(pattern.fullmatch, forms))), None)
    if found is None and typed and any(map(_TYPED_YES.fullmatch, forms)):
        found = "yes"
    return None if found == "yes" and text.rstrip().endswith(("?", "？")) else found


def _forms(text: str, name: str) -> set[str]:
    """The words as they may stand in a list, without her ``name``."""
    words = _plain(text)
    if name and (called := _plain(name)):
        words = words.removeprefix(called).removesuffix(called).strip()
    forms = {words, _ENDING.sub("", words)}
    return forms if words.isascii() else forms | {form.replace(" ", "") for form in forms}


def gives_up(text: str, name: str = "") -> bool:
    """Does the user say, and nothing else, that what was begun is not wanted any more ("never mind")? A stop may stand
    beside it ("stop, forget it")."""
    if len(text) > _LONGEST or text.rstrip().endswith(("?", "？")):
        return False
    if any(map(_DROP.fullmatch, _forms(text, name))):
        return True
    clauses = [_forms(words, name) for words in _CLAUSES.split(text) if words.strip()]
    clauses = [forms for forms in clauses if any(forms)]
    drops = [any(map(_DROP.fullmatch, forms)) for forms in clauses]
    return any(drops) and all(
        drop or any(map(_STOP.fullmatch, forms)) for drop, forms in zip(drops, clauses, strict=True)
    )


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _BETWEEN.sub(" ", text).strip()
