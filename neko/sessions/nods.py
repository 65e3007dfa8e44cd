"""Sounds of assent: who makes one while she speaks does not want her to stop."""

from __future__ import annotations

import re

from neko.late_patterns import late_pattern

_NOD = late_pattern(
    r"(?:m+h+m+|m+-?h+m+|mm+|hm+|uh[- ]?huh|a+h+|o+h+|yeah|yep|yup|right|ok|okay|i see|sure"
    r"|嗯+|恩+|唔+|哦+|噢+|喔+|啊+|对+|對+|好的?|是的?|是吗|是嗎|这样|這樣"
    r"|うん+|ん+|ええ+|はい+|へえ+|へぇ+|ふうん|ふーん|そう(?:です)?(?:ね|か|なんだ)?|なるほど|おお+"
    r"|응+|음+|네+|예+|어+|아+|오+|그래(?:요)?|그렇구나|맞아(?:요)?)",
    re.IGNORECASE,
)
_BETWEEN = late_pattern(r"[\s,.!?。、，！？…~〜ー・]+")
_MOST = 3
_LONGEST = 40


def is_nod(text: str) -> bool:
    """Is this nothing but a few sounds of assent ("mhm", "嗯", "うん")?"""
    if len(text) > _LONGEST:
        return False
    words = [word for word in _BETWEEN.split(text) if word]
    whole = " ".join(words)
    return 0 < len(words) <= _MOST and (
        _NOD.fullmatch(whole) is not None or all(_NOD.fullmatch(word) for word in words)
    )
