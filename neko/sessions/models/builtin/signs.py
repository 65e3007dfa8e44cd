"""What a line without a word says: emoji, emoticons, the crying letters of Korean. The same in every language."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_KINDS: Final = {
    "sign_sad": re.compile("[😢😭🥺😞😔😟😣😖😫😩💔😿☹😥😓😪😰😨]|^[:;=]['-]?[(c/]+$|[TㅠㅜᅲᅮQ][_.]?[TㅠㅜᅲᅮQ]|[:;]_+[:;]"),
    "sign_cross": re.compile("[😠😡🤬😤👿💢😾🖕]|^>[:=][(]+$"),
    "sign_laughing": re.compile("[😂🤣😆😹]|^x[d)]+$|^[:=]-?d+$"),
    "sign_love": re.compile("[❤♥💕💖💗💓💞💘💙💚💛💜🧡🖤🤍🤎😍🥰😘😻🤗🫶]|^<3+$"),
    "sign_fine": re.compile("[👍👌🆗✅🙏👏🤝✌🫡]"),
    "sign_happy": re.compile("[😀😃😄😁😊🙂☺😇🥳🎉🎊😎😸😺🤩✨😋]|^[:;=]['-]?[)p\\]]+$|[\\^＾][_.]?[\\^＾]"),
}
_SYMBOLS: Final = frozenset({"So", "Sk"})


def kind(text: str) -> str | None:
    """The name of the phrases that answer ``text``; None when it holds no sign."""
    for name, pattern in _KINDS.items():
        if pattern.search(text):
            return name
    return "sign_other" if any(unicodedata.category(character) in _SYMBOLS for character in text) else None
