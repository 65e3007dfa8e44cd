"""How a text ends, by its words: English, Chinese, Japanese, Korean.

Recognisers close whatever they were given with a full stop, so that one counts only where no word leads on. Chinese
and Japanese often come without any mark; there the last word tells.
"""

from __future__ import annotations

import re

from neko.audio.turn_taking.chinese import chinese_ending
from neko.audio.turn_taking.kinds import MARKS, Ending
from neko.late_patterns import late_pattern

_LOOKED_AT = 300
"""Characters at the end of a text that are looked at."""
_TRAILS_OFF = late_pattern(r"(?:\.{2,}|…|,|，|、|-|—|:|：|~|～)\s*$")
_STOPS = late_pattern(r"[.!?。！？]+[\"'”’」』)）]*\s*$")
_ASKS = late_pattern(r"[?？][\"'”’」』)）]*\s*$")
_SENTENCES = late_pattern(r"[^.!?。！？]+[.!?。！？]*")

_SPACED_LEADS = late_pattern(
    r"\b(?:and|but|or|because|if|the|a|an|my|your|our|their|his|to|of|from|with|than|unless|until|while|although|"
    r"i|i'm|i'll|i've|we|we're|he's|she's|it's|they're|there's|would like|'d like|want|need|very|"
    r"ask you|tell you|let you know|(?:is|was|think|said|say|hope|believe|so) that)" + MARKS,
    re.IGNORECASE,
)
_SPACED_LEADS_UNLESS_ASKED = late_pattern(
    r"\b(?:(?<!come )(?<!go )(?<!hold )on|(?<!come )in|at|for|about|which|who|when|where|is|are|was|were|am|lives|"
    r"called|feel like|felt like)" + MARKS,
    re.IGNORECASE,
)
_FILLERS = late_pattern(
    r"(?:^|[,.!?;…]\s*)(?:(?:and|but|so|oh|okay)\W+)?"
    r"(?:u+m+|u+h+|e+r+m*|h+m+|well|so|like|then|anyway|actually|maybe|honestly|basically|besides|also|first|finally|"
    r"to be honest|by the way|in fact|the thing is|guess what|listen|look|"
    r"you know|i mean|let me (?:think|see)|let's see|hold on|one (?:moment|second)|for example|wait)" + MARKS,
    re.IGNORECASE,
)
_HALF = late_pattern(
    r"^\W*(?:and |but |so )?(?:if|when|while|although|though|unless|once|whenever|before|after|since)\b"
    r"(?:\s+[^\s,;]+){1,7}$|\b(?:it's|is|was) not (?:that|because|only)\b[^,;]*$|^\W*first\b(?! of\b)[^,;]+$",
    re.IGNORECASE,
)
_NO_VERB = late_pattern(
    r"^\W*(?:and |but |so )?(?:(?:last|this|next|every|one|the|my|our|his|her) (?:\w+ ?){1,2}|yesterday|tomorrow|"
    r"tonight|these days|a \w+ ago|(?:in|on|at|during|for|by) (?:\w+ ?){1,4})$",
    re.IGNORECASE,
)
"""A whole sentence that only says when, where or of whom."""
_NUMBER = late_pattern(r"\d[\d\s,-]{2,}" + MARKS)
_JAPANESE_LEADS = late_pattern(
    r"(?:え+ー?っ?と*ー?|あの+ー*|その+ー*|まあ|なんか|う+ー*ん|実は|じつは|それで|でも|だから|そして|それから|例えば|たとえば|"
    r"そういえば|ちなみに|とにかく|じゃあ?|ところで|やっぱり|たぶん|最近|ねえ|"
    r"(?:昨日|今日|明日|今朝|今夜|昨夜|週末|去年|今年|来年|先週|今週|来週|先月|今月|来月|[春夏秋冬朝昼夜])|"
    r"(?:時|とき|頃|ころ|[以の]?前|[の以]?[後あ][とで]?|間|うち|途中|帰り|ため|つもり|場合)|(?<![るただいなんも])の|"
    r"から|ので|けども?|けれども?|たら|なら|れば|し|とか|や|が|は|を|に|で|と|も|へ)" + MARKS
)
_JAPANESE_ENDS = late_pattern(
    r"(?:です|ます|ました|でした|ません|ください|下さい|なさい|ましょう|でしょう|だ|だった|ね|よ|わ|さ|たい|ない|なかった)"
    + MARKS
)
_JAPANESE_ASKS = late_pattern(r"(?:か|かな|かしら)" + MARKS)
_KOREAN_LEADS = late_pattern(
    r"(?:그리고|그래서|근데|하지만|그런데|음+|어+|저기|그게|은|는|이|가|을|를|에|에서|면|고|서|지만|(?<![습입합됩])니까)"
    + MARKS
)
_KOREAN_ENDS = late_pattern(r"(?:요|니다|죠|자)" + MARKS)
_KOREAN_ASKS = late_pattern(r"(?:[습입합됩]니까|나요|까요|가요)" + MARKS)
_ENGLISH_ASKS = late_pattern(
    r"^\W*(?:(?:and|but|so|well|oh)\W+)?(?:what|who|where|when|why|how|which|whose|do|does|did|is|are|was|were|can|could|"
    r"will|would|shall|should|have|has|may)\b",
    re.IGNORECASE,
)
_ANSWERS = late_pattern(
    r"^\W*(?:(?:yes|yeah|yep|no|nope|nah|okay|ok|sure|right|fine|thanks|thank you|please|hello|hi|"
    r"good (?:night|morning)|bye|goodbye)\b(?:\W+[\w']+){0,3}"
    r"|(?:[\w']+\W+){0,3}(?:please|thanks|thank you)"
    r"|(?:はい|いいえ|うん|ううん|ええ(?!と)|そう(?!いえば|したら|いう)|ありがとう|おやすみ|おはよう|こんにちは|こんばんは|大丈夫)[^。！？]{0,10}"
    r"|(?:네|예|아니요?|응|그래|고마워|감사)[^。！？]{0,8})\W*$",
    re.IGNORECASE,
)
_KANA = late_pattern(r"[\u3040-\u30ff]")
_HANGUL = late_pattern(r"[\uac00-\ud7a3]")
_HAN = late_pattern(r"[\u4e00-\u9fff]")


def sentences(text: str) -> list[str]:
    """``text`` at its full stops, question and exclamation marks."""
    return [part.strip() for part in _SENTENCES.findall(text) if part.strip()]


_JAPANESE_FILLERS = late_pattern(
    r"^\W*(?:え+ー?っ?と*ー?|あの+ー*|その+ー*|まあ|なんか|う+ー*ん|じゃあ?|ねえ|あのね|ところで|そういえば)" + MARKS
)


def ending(text: str) -> Ending:
    """What the last sentence of ``text`` sounds like."""
    text = text.strip()[-_LOOKED_AT:]
    if not text:
        return Ending.NOTHING
    last = (sentences(text) or [text])[-1]
    clause = re.sub(MARKS, "", last)
    asks = _ASKS.search(text) is not None
    if _TRAILS_OFF.search(text) or _FILLERS.search(text) or (not asks and _HALF.search(clause)):
        return Ending.LEADS_ON
    if not asks and _NUMBER.search(last):
        return Ending.OPEN  # of a telephone, maybe
    if not asks and _NO_VERB.search(clause):
        return Ending.OPEN
    if _JAPANESE_FILLERS.search(last):
        return Ending.LEADS_ON
    if _KANA.search(last):
        return _by_last_word(last, asks, _JAPANESE_LEADS, _JAPANESE_ENDS, _JAPANESE_ASKS)
    if _HANGUL.search(last):
        return _by_last_word(last, asks, _KOREAN_LEADS, _KOREAN_ENDS, _KOREAN_ASKS)
    if _HAN.search(last):
        return chinese_ending(last, asks=asks)
    if _SPACED_LEADS.search(last) or (not asks and _SPACED_LEADS_UNLESS_ASKED.search(last)):
        return Ending.LEADS_ON
    if _ANSWERS.search(text):
        return Ending.ANSWER
    if asks or _ENGLISH_ASKS.search(last):
        return Ending.QUESTION
    return Ending.STATEMENT if _STOPS.search(last) else Ending.OPEN


def _by_last_word(
    last: str, asks: bool, leads: re.Pattern[str], ends: re.Pattern[str], question: re.Pattern[str]
) -> Ending:
    if not asks and _ANSWERS.search(last):
        return Ending.ANSWER
    if not asks and not ends.search(last) and leads.search(last):
        return Ending.LEADS_ON
    if asks or question.search(last):
        return Ending.QUESTION
    return Ending.STATEMENT if ends.search(last) or _STOPS.search(last) else Ending.OPEN
