"""How a text ends, by its words: English, Chinese, Japanese, Korean.

Recognisers close whatever they were given with a full stop, so that one counts only where no word leads on. Chinese
and Japanese often come without any mark; there the last word tells.
"""

from __future__ import annotations

import re
from enum import Enum


class Ending(Enum):
    """What a text sounds like up to where it stops."""

    NOTHING = "nothing"
    """There are no words."""
    LEADS_ON = "leads on"
    """More must come: after "and", 然后, けど, a filler, a comma, half a sentence."""
    OPEN = "open"
    """It may be all or not."""
    STATEMENT = "statement"
    QUESTION = "question"
    ANSWER = "answer"
    """A few words that are a turn by themselves: "Yes, please"."""


_LOOKED_AT = 300
"""Characters at the end of a text that are looked at."""
_MARKS = r"[\s.。!！?？\"'”’」』)）]*$"
_TRAILS_OFF = re.compile(r"(?:\.{2,}|…|,|，|、|-|—|:|：|~|～)\s*$")
_STOPS = re.compile(r"[.!?。！？]+[\"'”’」』)）]*\s*$")
_ASKS = re.compile(r"[?？][\"'”’」』)）]*\s*$")
_SENTENCES = re.compile(r"[^.!?。！？]+[.!?。！？]*")

_SPACED_LEADS = re.compile(
    r"\b(?:and|but|or|because|if|the|a|an|my|your|our|their|his|to|of|from|with|than|unless|until|while|although|"
    r"i|i'm|i'll|i've|we|we're|he's|she's|it's|they're|there's|would like|'d like|want|need|very|"
    r"ask you|tell you|let you know|(?:is|was|think|said|say|hope|believe|so) that)" + _MARKS,
    re.IGNORECASE,
)
_SPACED_LEADS_UNLESS_ASKED = re.compile(
    r"\b(?:(?<!come )(?<!go )(?<!hold )on|(?<!come )in|at|for|about|which|who|when|where|is|are|was|were|am|lives|"
    r"called|feel like|felt like)" + _MARKS,
    re.IGNORECASE,
)
_FILLERS = re.compile(
    r"(?:^|[,.!?;…]\s*)(?:(?:and|but|so|oh|okay)\s+)?(?:u+m+|u+h+|e+r+m*|h+m+|well|so|like|then|anyway|actually|maybe|"
    r"you know|i mean|let me (?:think|see)|let's see|hold on|one (?:moment|second)|for example|wait)" + _MARKS,
    re.IGNORECASE,
)
_HALF = re.compile(
    r"^\W*(?:and |but |so )?(?:if|when|while|although|though|unless|once|whenever|before|after|since)\b"
    r"(?:\s+[^\s,;]+){1,7}$"
    r"|^(?:但是?|所以|可是)?(?:如果|要是|虽然|雖然|因为|因為|既然|只要|即使|每次)[^，,。]{1,12}$",
    re.IGNORECASE,
)
_CHINESE_LEADS = re.compile(
    r"(?:然后|然後|还有|還有|但是|可是|不过|不過|因为|因為|所以|如果|(?<!不)就是|那个|那個|这个|這個|嗯+|呃+|或者|而且|比如|其实|其實|"
    r"(?<!不)[会會能]|[应應][该該]|正在|[也都很更]|想要?|需要|打算|[准準][备備]|希望|怎[么麼]|(?<=\w)(?<![不就])是|我(?:觉得|覺得)|(?:问|問|告诉|告訴)你|(?<![好真是对對行会會])的|和|跟|把|在|给|給|被|让|讓)"
    + _MARKS
)
_NUMBER = re.compile(r"\d[\d\s,-]{2,}" + _MARKS)
_CHINESE_ENDS = re.compile(
    r"(?:了|吧|啊|呀|啦|嘛|哦|谢谢|謝謝|再见|再見|晚安|[好真是对對行会會]的|(?:[还還]有|最[后後]是)\w{1,6})" + _MARKS
)
_CHINESE_ASKS = re.compile(r"(?:吗|嗎|呢)" + _MARKS + r"|什[么麼]|怎[么麼]|[谁誰]|哪|[几幾][点點个個]|多少")
_JAPANESE_LEADS = re.compile(
    r"(?:え+ー?っ?とー?|あの+ー*|その+ー*|まあ|なんか|う+ー*ん|実は|じつは|それで|でも|だから|そして|それから|例えば|たとえば|"
    r"から|ので|けども?|けれども?|たら|なら|れば|し|とか|や|が|は|を|に|で|と|も|へ)" + _MARKS
)
_JAPANESE_ENDS = re.compile(
    r"(?:です|ます|ました|でした|ません|ください|下さい|なさい|ましょう|でしょう|だ|だった|ね|よ|わ|さ|たい|ない|なかった)"
    + _MARKS
)
_JAPANESE_ASKS = re.compile(r"(?:か|かな|かしら)" + _MARKS)
_KOREAN_LEADS = re.compile(
    r"(?:그리고|그래서|근데|하지만|그런데|음+|어+|저기|그게|은|는|이|가|을|를|에|에서|면|고|서|지만|(?<![습입합됩])니까)"
    + _MARKS
)
_KOREAN_ENDS = re.compile(r"(?:요|니다|죠|자)" + _MARKS)
_KOREAN_ASKS = re.compile(r"(?:[습입합됩]니까|나요|까요|가요)" + _MARKS)
_ENGLISH_ASKS = re.compile(
    r"^\W*(?:(?:and|but|so|well|oh)\W+)?(?:what|who|where|when|why|how|which|whose|do|does|did|is|are|was|were|can|could|"
    r"will|would|shall|should|have|has|may)\b",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"^\W*(?:(?:yes|yeah|yep|no|nope|nah|okay|ok|sure|right|fine|thanks|thank you|please|hello|hi|"
    r"good (?:night|morning)|bye|goodbye)\b(?:\W+[\w']+){0,3}"
    r"|(?:[\w']+\W+){0,3}(?:please|thanks|thank you)"
    r"|(?:好的?|不用|不要|是的|对|對|行|可以|没有|沒有|不是|谢谢|謝謝|你好|晚安|再见|再見|嗯)[^。！？]{0,7}"
    r"|(?:はい|いいえ|うん|ううん|ええ|そう|ありがとう|おやすみ|おはよう|こんにちは|こんばんは|大丈夫)[^。！？]{0,10}"
    r"|(?:네|예|아니요?|응|그래|고마워|감사)[^。！？]{0,8})\W*$",
    re.IGNORECASE,
)
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_HAN = re.compile(r"[\u4e00-\u9fff]")


def sentences(text: str) -> list[str]:
    """``text`` at its full stops, question and exclamation marks."""
    return [part.strip() for part in _SENTENCES.findall(text) if part.strip()]


def ending(text: str) -> Ending:
    """What the last sentence of ``text`` sounds like."""
    text = text.strip()[-_LOOKED_AT:]
    if not text:
        return Ending.NOTHING
    last = (sentences(text) or [text])[-1]
    clause = re.sub(_MARKS, "", last)
    asks = _ASKS.search(text) is not None
    if _TRAILS_OFF.search(text) or _FILLERS.search(text) or (not asks and _HALF.search(clause)):
        return Ending.LEADS_ON
    if not asks and _NUMBER.search(last):
        return Ending.OPEN  # of a telephone, maybe
    if _KANA.search(last):
        return _by_last_word(last, asks, _JAPANESE_LEADS, _JAPANESE_ENDS, _JAPANESE_ASKS)
    if _HANGUL.search(last):
        return _by_last_word(last, asks, _KOREAN_LEADS, _KOREAN_ENDS, _KOREAN_ASKS)
    if _HAN.search(last):
        return _by_last_word(last, asks, _CHINESE_LEADS, _CHINESE_ENDS, _CHINESE_ASKS)
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
