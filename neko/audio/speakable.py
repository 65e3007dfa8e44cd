"""What should be said of a piece of a reply: the words, without markup, addresses and pictures.

Written by hand: a Markdown parser reads whole documents, while a piece is one sentence that may
begin in the middle of a list, hold half of an emphasis, or be a single row of a table; it would
take the rest for text and have it spoken.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from neko.audio.actions import without_actions
from neko.audio.formulas import with_formulas
from neko.late_patterns import late_pattern

_COMMENT: Final = late_pattern(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_AUTOLINK: Final = late_pattern(r"<((?:https?://|mailto:)[^<>\s]+)>")
_TAG: Final = late_pattern(r"</?[^\W\d_][^<>\n]{0,200}>")
_BLOCK_TAG: Final = late_pattern(r"br|p|div|li|t[rdh]|hr|[uo]l|table|blockquote|section|h[1-6]", re.IGNORECASE)
_INLINE_TAG: Final = late_pattern(
    r"a|abbr|b|big|button|center|cite|code|del|details|dfn|em|font|i|img|input|ins|kbd|label|mark|pre|q|rp|rt|ruby|s"
    r"|samp|small|span|strike|strong|sub|summary|sup|tbody|thead|tt|u|var|wbr|html|head|body|script|style|svg"
)
"""HTML is written in small letters: <Del> is a key, <del> a tag."""
_IMAGE: Final = late_pattern(r"!\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_LINK: Final = late_pattern(r"\[([^\[\]]+)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\[\]]*\])")
_FOOTNOTE: Final = late_pattern(r"\[\^[^\[\]]+\]:?|(?<=\w)\[\d{1,3}\]")
_LINK_TARGET: Final = late_pattern(r"^\s*\[[^\[\]]+\]:\s+\S+.*$", re.MULTILINE)
_URL: Final = late_pattern(
    r"(?<![a-z0-9])(?:https?://|ftp://|(?=www\.))(?:www\.)?([a-z0-9.-]+\.[a-z]{2,}|localhost|[\d.]+)(?::\d+)?"
    r"(?:[/?#][^\s<>\"'“”‘’「」『』（）【】，。！？、；：)\]}]*[^\s<>\"'“”‘’「」『』（）【】，。！？、；：)\]}.,;:!?*_~])?/?",
    re.IGNORECASE,
)

_RULE: Final = late_pattern(r"^[ \t]*(?:([-*_=])[ \t]*)(?:\1[ \t]*){2,}$", re.MULTILINE)
_TABLE_RULE: Final = late_pattern(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)+$", re.MULTILINE)
_TABLE_ROW: Final = late_pattern(r"^[ \t]*\|(.+?)\|?[ \t]*$", re.MULTILINE)
_LINE_START: Final = late_pattern(
    r"^[ \t]*(?:>[ \t]*)*(?:#{1,6}[ \t]+|[-*+•][ \t]+(?:\[[ xX]\][ \t]+)?)?", re.MULTILINE
)
_HEADING_END: Final = late_pattern(r"[ \t]+#+[ \t]*$", re.MULTILINE)

_ESCAPED_MARK: Final = late_pattern(r"\\[\\`*_#~|]")
_ESCAPED: Final = late_pattern(r"\\([{}\[\]()+\-.!<>\"'])")
_COMMAND: Final = late_pattern(r"\\(?=[A-Za-z])")
_STARS: Final = late_pattern(r"\*{2,}|~~")
_EMPHASIS: Final = late_pattern(r"(?<!\d)\*(?=\S)([^*\n]+?)(?<=\S)\*|(?<![\w])_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)")
_LOOSE_MARK: Final = late_pattern(r"(?<![\w)])[*_]+(?=\S)|(?<=\S)[*_]+(?!\w)")
_JOINT: Final = late_pattern(r"(?<=\w)_+(?=\w)")

_LAUGHTER: Final = late_pattern(
    r"[(（](?:笑|爆笑|苦笑|泣|汗|怒|照れ)[)）]|(?<=[\u3040-\u30ff\u4e00-\u9fff])[wｗ]+(?![a-zA-Z])|[ㄱ-ㅎㅏ-ㅣ]{2,}"
)
_BRACKETS: Final = late_pattern(
    r"([ヽヾ٩ᕕლ╰┐乁\\oOｍmщ]?)[(（]([^()（）\n]{1,24})[)）]([ノﾉ۶ᕗ╯┌ㄏ/oOｍmщっシ]*(?:[︵彡☆]*\s?[┻━┳─]+)?)"
)
_FACE: Final = late_pattern(
    r"(?<!\w)(?:[:;]['’]?-?[)(DPpOo3/\\|*\]]|=-?[)(DP](?!\s)|<3+|[>＞][._]?[<＜]|[TQ][_A][TQ]|-_-\+?|[oO]_[oO]|[xX]D)"
    r"(?![\w/])|\^[_.-]?\^|¯\\*_*[(（]ツ[)）]_*/*¯"
)
_STYLED: Final = late_pattern("[\U0001d400-\U0001d7ff]+")
"""Letters in bold, in script and so on, of Unicode's block for mathematics."""
_SHORTCODE: Final = late_pattern(r"(?<![\w:]):[a-z][a-z0-9_+-]+:(?![\w:])")
_EMOJI: Final = late_pattern(
    "[\U0001f000-\U0001faff\U000e0020-\U000e007f\u2300-\u23ff\u2460-\u24ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u200b\u200d\u2060\u20e3\u3030\u303d\ufe00-\ufe0f\ufeff™®©]+"
)
_ARROW: Final = late_pattern(r"\s*(?:[\u2190-\u21ff\u27f0-\u27ff]|(?<!-)-+>|=+>)+\s*")
_TILDE: Final = late_pattern(r"[~～〜]+(?![$€£¥￥₩]?\d)")
_DASH: Final = late_pattern(r"\s*(?:[—―]+|(?<=\s)–(?=\s)|(?<!-)--+(?!-))\s*")
_REPEATED: Final = late_pattern(r"([!?,;:！？，、；：。])\1+")
_ELLIPSIS: Final = late_pattern(r"(?:\.{2,}|…)+")
_HASHTAG: Final = late_pattern(r"(?<!\w)#(?=[^\W\d])")
_FACE_MARK: Final = late_pattern(r"[^\w\s+\-%&$€£¥#@/=.,:°'\"!?，。！？、：]|[_・･￣ω∀дДεз]")
_WORD: Final = late_pattern(r"[^\W\d_]{2,}")
_SPACE: Final = late_pattern(r"\s+")
_LOOSE_STOP: Final = late_pattern(r"\s+(?=[!?,.;:…](?:\s|$))")

_BLANKS: Final = late_pattern(r"[^\S\n]+")
_BREAKS: Final = late_pattern(r"(?: ?\n)+ ?")
_MOST_AT_ONCE: Final = 600
"""Characters that the patterns see at a time; some take the square of it."""

_WIDE_PAUSE: Final = {"zh": "，", "ja": "、"}


def speakable(text: str, language: str) -> str:
    """The words to say, "" when there are none; symbols with a reading (%, &, °, €) are left in. Linear."""
    pause = _WIDE_PAUSE.get(language.partition("-")[0], ", ")
    text = condensed(text)
    parts = [text] if len(text) <= _MOST_AT_ONCE else _parts(text)
    said = " ".join(filter(None, (_without_markup(part, pause) for part in parts)))
    return said if any(char.isalnum() for char in said) else ""


def condensed(text: str) -> str:
    """``text`` without comments, its blanks and line breaks one each."""
    text = _COMMENT.sub(" ", text)
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()


def _parts(text: str) -> Iterator[str]:
    """A text far longer than a sentence, in parts that end at a line, at a blank or, if there is none, anywhere."""
    start = 0
    while start < len(text):
        end = start + _MOST_AT_ONCE
        if end < len(text):
            end = next((at for mark in "\n " if (at := text.rfind(mark, start + 1, end)) > start), end)
        yield text[start:end]
        start = end


def _without_markup(text: str, pause: str) -> str:
    text = _STYLED.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    text = _without_links(with_formulas(text))
    text = _without_pictures(text)
    text = _without_blocks(text, pause)
    text = _without_emphasis(without_actions(text.strip()))
    text = _ARROW.sub(pause, text)
    text = _DASH.sub(pause, text)
    text = _TILDE.sub("", text)
    text = _ELLIPSIS.sub("…", text)
    text = _REPEATED.sub(r"\1", text)
    text = _LOOSE_STOP.sub("", _SPACE.sub(" ", text)).strip()
    return text.lstrip(",;:.…，、；：。 ")


def _without_links(text: str) -> str:
    text = _AUTOLINK.sub(r" \1 ", text)
    text = _TAG.sub(_tag, text)
    text = html.unescape(text)
    text = text.replace("`", "")
    text = _LINK_TARGET.sub("", text)
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _FOOTNOTE.sub("", text)
    return _URL.sub(r"\1", text.replace("mailto:", ""))


def _tag(found: re.Match[str]) -> str:
    """A tag of HTML that breaks the line leaves a gap, others may sit within a word; what is no tag is said."""
    inside = found.group().strip("</> ")
    name = inside.partition(" ")[0]
    if _BLOCK_TAG.fullmatch(name):
        return " "
    if _INLINE_TAG.fullmatch(name) or "=" in inside or found.group().startswith("</"):
        return ""
    return f" {inside} "


def _without_blocks(text: str, pause: str) -> str:
    text = _RULE.sub("", text)
    text = _TABLE_RULE.sub("", text)
    text = _TABLE_ROW.sub(lambda row: _cells(row.group(1), pause), text)
    text = _HEADING_END.sub("", text)
    text = _LINE_START.sub("", text)
    return _HASHTAG.sub("", text)


def _cells(row: str, pause: str) -> str:
    return pause.join(cell.strip() for cell in row.split("|") if cell.strip())


def _without_emphasis(text: str) -> str:
    text = _ESCAPED_MARK.sub(" ", text)
    text = _ESCAPED.sub(r"\1", text)
    text = _COMMAND.sub(" ", text)
    text = _STARS.sub("", text)
    text = _EMPHASIS.sub(lambda found: found.group(1) or found.group(2), text)
    text = _LOOSE_MARK.sub("", text)
    return _JOINT.sub(" ", text)


def _without_pictures(text: str) -> str:
    text = _BRACKETS.sub(lambda found: "" if _is_face(found.group(2)) else found.group(), text)
    text = _FACE.sub("", _LAUGHTER.sub("", text))
    text = _SHORTCODE.sub("", text)
    return _EMOJI.sub("", text)


def _is_face(inside: str) -> bool:
    """Whether what stands in brackets is drawn with characters: (^_^), (≧▽≦), （・ω・）."""
    if _WORD.search(inside) or inside.strip().isalnum():
        return False
    marks = len(_FACE_MARK.findall(inside))
    return marks > 1 or (marks == 1 and not any(char.isdigit() for char in inside))
