"""What of a text is said aloud: markup, code, addresses and pictograms are not.

A Markdown parser wants whole documents; a sentence cut from a stream is a fragment whose other
half may hold the closing mark. So this removes marks one by one and never fails on half of one.
"""

from __future__ import annotations

import re

_SUBSTITUTIONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), replacement)
    for pattern, replacement in (
        (r"```[\s\S]*?(?:```|\Z)", " "),
        (r"!\[([^\]]*)\]\([^)]*\)", r"\1"),
        (r"\[([^\]]+)\]\([^)]*\)", r"\1"),
        (r"<(?:https?://)([^/>\s]+)[^>]*>", r"\1"),
        (r"</?[^\W\d_][^<>\n]{0,60}>", ""),
        (r"https?://(?:www\.)?([^/\s)\]，。]+)[^\s)\]，。]*", r"\1"),
        (r"^\s{0,3}#{1,6}\s+", ""),
        (r"^\s*>\s?", ""),
        (r"^\s*[-*+•]\s+(?:\[[ xX]\]\s+)?", ""),
        (r"^\s*(?:[-*_]\s*){3,}$", ""),
        (r"^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*:?-*:?\s*$", ""),
        (r"\s*\|\s*", ", "),
        (r"(\*\*\*|\*\*|__|~~|`)", ""),
        (r"(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])", ""),
        (r"(?<!\w)_(?=\S)|(?<=\S)_(?!\w)", ""),
        (r"[(（][^\w()（）]*[)）]", ""),
        (r"[(（][^()（）\n]{0,12}[°´ω▽∀•̀ᴗ≧≦╥﹏◕‿╯︵┻━＾`ﾟДд][^()（）\n]{0,12}[)）]", ""),
        (r"&nbsp;|&#160;", " "),
        (r"&amp;", "&"),
    )
)
_PICTOGRAMS = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f\u2190-\u21ff]+"
)
_SAYABLE = re.compile(r"\w")
_SPACES = re.compile(r"\s+")


def speakable(text: str) -> str:
    """The words to say, on one line; empty when there is nothing to say."""
    for pattern, replacement in _SUBSTITUTIONS:
        text = pattern.sub(replacement, text)
    text = _SPACES.sub(" ", _PICTOGRAMS.sub(" ", text)).strip(" ,")
    return text if _SAYABLE.search(text) else ""
