"""How a Chinese text ends, by its words, simplified or traditional.

Chinese has few marks of the end, and recognisers put a full stop anywhere: a clause that another follows looks like a
sentence. Finished is what ends in a particle, answers the clause before it, or is long; the rest is open.
"""

from __future__ import annotations

import re
from typing import Final

from neko.audio.turn_taking.kinds import MARKS, Ending
from neko.late_patterns import late_pattern

_CLAUSES: Final = late_pattern(r"[^,，、;；\s]+")
_LONG: Final = 10
"""Characters from which a clause is mostly the whole of what somebody says."""
_SHORT: Final = 12
"""Characters up to which a clause that ends in "when" or "after" is only the first half."""

_LEADS: Final = late_pattern(
    r"(?:然后|然後|还有|還有|但是|可是|不过|不過|因为|因為|所以|如果|(?<!不)就是|那个|那個|这个|這個|呃+|或者|而且|比如|其实|其實|"
    r"(?<!不)[会會能]|[应應][该該]|正在|[也都很更]|想要?|需要|打算|[准準][备備]|希望|(?<=\w)(?<![不就])是|我(?:觉得|覺得)|"
    r"(?:问|問|告诉|告訴)你|(?<![好真是对對行会會])的|和|跟|把|在|被|"
    r"(?:[给給让讓帮幫替陪为為向对對请請叫]|[和跟]你?[说說讲講]?)[我你您他她]?[们們]?|"
    r"(?:[搬走跑飞飛送寄开開坐住放回]|来|來)到了?|"
    r"(?:[这這那每]|(?<![第十])一)[个個家条條本张張件只隻位种種间間座把辆輛首部杯瓶块塊双雙台份])" + MARKS
)
"""Words after which more must come."""
_LEADS_ASKED: Final = late_pattern(r"(?:^你知道[吗嗎不]?|^你猜(?:猜看)?|.怎[么麼])" + MARKS)
"""The same with a question mark: who says it goes on."""
_FIRST: Final = late_pattern(
    r".(?:之?[后後前]|以[后後前]|[时時](?:候|间|間)?|(?<![说說])的[话話]|期[间間])$"
    r"|^(?:[说說](?:实话|實話|真的|起来|起來)|老[实實][说說]|坦白[说說]|[总總]之|另外|首先|后来|後來|突然|有[时時]候?|[对對]了|"
    r"[听聽据據][说說]|[结結]果|本[来來]|原[来來])$"
)
"""A clause that says when, or how what follows is meant."""
_HALF: Final = late_pattern(
    r"^(?:但是?|所以|可是|不[过過])?(?:如果|要是|假如|虽然|雖然|尽管|儘管|因为|因為|由[于於]|既然|只要|只有|即使|就算|每次|除了|自[从從]|不管|"
    r"[为為]了|[关關对對][于於]|不是[我你他她因]|不[仅但僅]|与其|與其|[当當等](?=..)|一边|一邊|(?:[我你他她][们們]?)?先)"
)
"""How the first half of a sentence begins."""
_ANSWERING: Final = late_pattern(
    r"^(?:.{0,3}(?:就|才|[还還](?=.)|都|也|再|又)|但是?|可是|不[过過]|所以|而|然后|然後|因为|因為|因此|[结結]果|否[则則]|不然)"
)
"""How the second half begins."""
_NO_VERB: Final = late_pattern(
    r"^(?:[我你他她][们們]?)?[想要]?(?:在|到|从|從)?"
    r"(?:(?:去|今|明|前)年|[昨今明前后後]天|最近|小[时時]候|[上下这這][个個]?(?:周|週|月|星期|[礼禮]拜)|周末|週末|星期.|[周週].)?"
    r"(?:春天|夏天|秋天|冬天|早上|上午|中午|下午|晚上|早|晚)?$"
    r"|^[嗯啊哦]+$|^[一二两兩三四五六七八九十半几幾]+\w[^了着著过過是有在]{1,4}$"
)
"""A clause that only says who and when, how many of what, as in a list, or nothing."""
_ENDS: Final = late_pattern(
    r"(?:(?<!到)了|吧|啊|呀|啦|嘛|哦|谢谢|謝謝|再见|再見|晚安|[好真是对對行会會]的|(?:[还還]有|最[后後]是)\w{1,6})"
    + MARKS
)
_ASKS: Final = late_pattern(
    r"(?:吗|嗎|呢)" + MARKS + r"|什[么麼]|怎[么麼]|[谁誰]|哪|[几幾][点點个個]|多少|有[没沒]有|"
    r"[能会會是要好行可对對]不[能会會是要好行可对對]"
)
_ANSWERS: Final = late_pattern(
    r"^\W*(?:(?:好的?|不用|不要|是的|对|對|行|可以|没有|沒有|不是|谢谢|謝謝|你好|晚安|再见|再見)[^。！？]{0,7}|嗯[^。！？]{1,7})"
    + MARKS
)


def chinese_ending(last: str, *, asks: bool) -> Ending:
    """What ``last``, the last sentence of a text, sounds like; ``asks``: it has a question mark."""
    clauses = _CLAUSES.findall(re.sub(MARKS, "", last)) or [last]
    clause = clauses[-1]
    answers_a_clause = len(clauses) > 1 and _ANSWERING.search(clause) is not None
    ends = _ENDS.search(last) is not None
    if _LEADS_ASKED.search(clause):
        return Ending.LEADS_ON
    if asks:
        return Ending.QUESTION
    if not ends and _LEADS.search(last):
        return Ending.LEADS_ON
    if len(clause) <= _SHORT and (_FIRST.search(clause) or (_HALF.search(clause) and not answers_a_clause)):
        return Ending.LEADS_ON
    if _NO_VERB.search(clause):
        return Ending.OPEN
    if _ANSWERS.search(last):
        return Ending.ANSWER
    if _ASKS.search(last):
        return Ending.QUESTION
    return Ending.STATEMENT if ends or answers_a_clause or len(clause) >= _LONG else Ending.OPEN
