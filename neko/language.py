"""The five languages Neko speaks: naming them, guessing them, asking the system for one."""

from __future__ import annotations

import locale
import re
import sys
from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "zh-CN", "zh-TW", "ja", "ko")

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+")

_SIMPLIFIED_ONLY: Final = frozenset(
    "们这说时对发经么为还没过吗见东车门问间样听让从现头开关应给谢认识话语读写钟后边难觉"
)
_TRADITIONAL_ONLY: Final = frozenset(
    "們這說時對發經麼為還沒過嗎見東車門問間樣聽讓從現頭開關應給謝認識話語讀寫鐘後邊難覺"
)


def normalise(tag: str | None) -> str:
    """One of ``LANGUAGES`` for a language tag or locale name (``zh_TW.UTF-8``, ``ja-JP``, ``FR``).

    Chinese is traditional for Taiwan, Hong Kong, Macao and script Hant. Anything unknown is English.
    """
    parts = re.split(r"[-_.@]", (tag or "").strip().lower())
    if parts[0] in ("zh", "chinese"):
        return "zh-TW" if {"tw", "hk", "mo", "hant", "traditional"} & set(parts) else "zh-CN"
    if parts[0] in ("ja", "japanese"):
        return "ja"
    if parts[0] in ("ko", "korean"):
        return "ko"
    return "en"


def first_accepted(header: str) -> str | None:
    """The first language of an ``Accept-Language`` header that is one of ``LANGUAGES``, English when none is.

    ``None`` for a header that says nothing.
    """
    tags = [(tag.partition(";")[0].strip(), _weight(tag)) for tag in header.split(",")]
    wanted = [tag for tag, _ in sorted(tags, key=lambda one: -one[1]) if tag not in ("", "*")]
    known = next((tag for tag in wanted if re.split("[-_]", tag.lower())[0] in ("en", "zh", "ja", "ko")), None)
    return normalise(known) if wanted else None


def _weight(tag: str) -> float:
    quality = re.search(r";\s*q=([01](?:\.[0-9]{0,3})?)\s*$", tag)
    return float(quality[1]) if quality else 1.0


def guess(text: str, fallback: str) -> str:
    """The language a text is written in, by its characters; ``fallback`` where they do not tell.

    Kana make it Japanese and Hangul Korean unless Latin words outweigh them. Han alone is
    Chinese, except for a Japanese ``fallback`` when nothing in the text is only Chinese.
    """
    han, kana, hangul = len(_HAN.findall(text)), len(_KANA.findall(text)), len(_HANGUL.findall(text))
    latin = 2 * len(_LATIN_WORD.findall(text))
    if kana and kana >= hangul and kana + han >= latin:
        return "ja"
    if hangul and hangul + han >= latin:
        return "ko"
    if han and han >= latin:
        return _guess_han(text, fallback)
    return "en" if latin else fallback


def _guess_han(text: str, fallback: str) -> str:
    seen = set(text)
    simplified, traditional = len(seen & _SIMPLIFIED_ONLY), len(seen & _TRADITIONAL_ONLY)
    if simplified != traditional:
        if simplified > traditional:
            return "zh-CN"
        return fallback if fallback == "ja" else "zh-TW"
    return fallback if fallback in ("zh-CN", "zh-TW", "ja") else "zh-CN"


def system_language(environ: Mapping[str, str]) -> str:
    """The reader's language: the POSIX locale variables in their order, else what Windows says."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        tag = environ.get(variable, "").split(":")[0]
        if tag and tag.split(".")[0] not in ("C", "POSIX"):
            return normalise(tag)
    if sys.platform == "win32":
        return normalise(locale.getlocale()[0])
    return "en"
