"""Numbers with their counters in kana: 10時30分 is じゅうじさんじゅっぷん, and 3本 さんぼん.

A dictionary of words gives a counter one reading, whatever number stands before it.
"""

from __future__ import annotations

import re
from typing import Final

from neko.late_patterns import late_pattern

_DIGITS: Final = ("", "いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう")
_HUNDREDS: Final = {1: "ひゃく", 3: "さんびゃく", 6: "ろっぴゃく", 8: "はっぴゃく"}
_THOUSANDS: Final = {1: "せん", 3: "さんぜん", 8: "はっせん"}
_GROUPS: Final = ("", "まん", "おく", "ちょう", "けい")

_K = {1: "いっ", 6: "ろっ", 8: "はっ", 10: "じゅっ"}
_S = {1: "いっ", 8: "はっ", 10: "じゅっ"}
_COUNTERS: Final[dict[str, tuple[str, dict[int, str]]]] = {
    "時間": ("じかん", {4: "よ", 7: "しち", 9: "く"}), "時": ("じ", {4: "よ", 7: "しち", 9: "く"}),
    "年間": ("ねんかん", {4: "よ"}), "年": ("ねん", {4: "よ"}), "円": ("えん", {4: "よ"}),
    "月": ("がつ", {4: "し", 7: "しち", 9: "く"}), "日間": ("にちかん", {}), "日": ("にち", {}),
    "ヶ月": ("かげつ", _K), "か月": ("かげつ", _K), "カ月": ("かげつ", _K), "ヵ月": ("かげつ", _K), "個": ("こ", _K),
    "回": ("かい", _K), "週間": ("しゅうかん", _S), "歳": ("さい", _S), "才": ("さい", _S), "冊": ("さつ", _S),
    "点": ("てん", _S), "頭": ("とう", _S), "着": ("ちゃく", _S), "足": ("そく", _S), "千円": ("せんえん", {}),
    "枚": ("まい", {}), "台": ("だい", {}), "番": ("ばん", {}), "度": ("ど", {}), "秒": ("びょう", {}),
    "倍": ("ばい", {}),
    "名": ("めい", {}), "号": ("ごう", {}), "人": ("にん", {4: "よ"}), "位": ("い", {}), "話": ("わ", {}),
    "万": ("まん", {}), "パーセント": ("パーセント", {1: "いっ", 10: "じゅっ"}),
}  # fmt: skip
_LIVELY: Final = {
    "分間": ("ふん", "ぷん", "ぷん", "かん"), "分": ("ふん", "ぷん", "ぷん", ""), "本": ("ほん", "ぽん", "ぼん", ""),
    "匹": ("ひき", "ぴき", "びき", ""), "杯": ("はい", "ぱい", "ばい", ""), "泊": ("はく", "ぱく", "ぱく", ""),
    "階": ("かい", "かい", "がい", ""), "軒": ("けん", "けん", "げん", ""),
}  # fmt: skip
"""Counters whose first sound changes: usually, after a doubled consonant, after さん and なん; and what follows."""
_WHOLE: Final = {
    "1人": "ひとり", "2人": "ふたり", "20歳": "はたち", "20才": "はたち", "1日": "ついたち", "2日": "ふつか",
    "3日": "みっか",
    "4日": "よっか", "5日": "いつか", "6日": "むいか", "7日": "なのか", "8日": "ようか", "9日": "ここのか",
    "10日": "とおか",
    "14日": "じゅうよっか", "20日": "はつか", "24日": "にじゅうよっか", "1つ": "ひとつ", "2つ": "ふたつ",
    "3つ": "みっつ",
    "4つ": "よっつ", "5つ": "いつつ", "6つ": "むっつ", "7つ": "ななつ", "8つ": "やっつ", "9つ": "ここのつ",
}  # fmt: skip
_NAMES: Final = "|".join(sorted((*_COUNTERS, *_LIVELY, "つ"), key=len, reverse=True))
_COUNTED: Final = late_pattern(rf"(?<![\d.,])(\d{{1,3}}(?:,\d{{3}})+|\d{{1,16}}|何)({_NAMES})")


def numbers_in_kana(text: str) -> str:
    """Every number or 何 that a counter follows, as it is read."""
    return _COUNTED.sub(lambda found: _read(found[1].replace(",", ""), found[2]), text)


def _read(number: str, counter: str) -> str:
    if number == "何":
        return "いくつ" if counter == "つ" else "なん" + _after_n(counter)
    value = int(number)
    if whole := _WHOLE.get(f"{value}{counter}"):
        return whole
    if counter == "つ":
        return number + counter
    if counter in _LIVELY:
        return _lively(value, *_LIVELY[counter])
    reading, changed = _COUNTERS[counter]
    return _stem(value, changed) + reading


def _after_n(counter: str) -> str:
    if counter in _LIVELY:
        _, _, after_n, rest = _LIVELY[counter]
        return after_n + rest
    return _COUNTERS[counter][0]


def _lively(value: int, usual: str, doubled: str, after_n: str, rest: str) -> str:
    last = 10 if value % 10 == 0 else value % 10
    if last == 3 or (value and value % 1000 == 0):
        return in_kana(value) + after_n + rest
    if last == 4 and usual == "ふん":
        return in_kana(value) + doubled + rest
    return _stem(value, _K) + (doubled if last in _K and value else usual) + rest


def _stem(value: int, changed: dict[int, str]) -> str:
    """``value`` in kana, its end as it is before a counter; ``changed`` by its last digit, 10 for a ten."""
    if value and value % 100 == 0:
        return re.sub("ゃく$", "ゃっ", in_kana(value)) if 6 in changed else in_kana(value)
    last = 10 if value % 10 == 0 else value % 10
    if last not in changed or not value:
        return in_kana(value)
    usual = "じゅう" if last == 10 else _DIGITS[last]
    return in_kana(value).removesuffix(usual) + changed[last]


def in_kana(value: int) -> str:
    """A whole number below 10^20 as it is read."""
    if value == 0:
        return "ぜろ"
    parts: list[str] = []
    for name in _GROUPS:
        value, group = divmod(value, 10_000)
        if group:
            parts.append(_group(group, name))
    return "".join(reversed(parts))


def _group(group: int, name: str) -> str:
    thousands, hundreds, tens, ones = group // 1000, group // 100 % 10, group // 10 % 10, group % 10
    read = _THOUSANDS.get(thousands, f"{_DIGITS[thousands]}せん") if thousands else ""
    read += _HUNDREDS.get(hundreds, f"{_DIGITS[hundreds]}ひゃく") if hundreds else ""
    read += ("" if tens == 1 else _DIGITS[tens]) + "じゅう" if tens else ""
    read += _DIGITS[ones]
    if name == "ちょう":
        read = re.sub("いち$", "いっ", re.sub("はち$", "はっ", re.sub("じゅう$", "じゅっ", read)))
    return read + name
