"""Signs between words and numbers, and letters that stand for something, as they are said in each language.

espeak-ng knows many of them in English and German. In other languages it leaves them out or says them in English, and
a sign that compares (<, >) is left out in all. CLDR has names for signs ("greater-than sign"), which nobody says.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from neko.audio.scripts import named_symbols
from neko.late_patterns import late_pattern

_ORDER: Final = ["+", "−", "×", "÷", "=", "±", "≤", "≥", "<", ">", "≠", "≈", "∞", "√", "²", "³", "‰", "&", "@", "§"]
_SAID: Final = {
    "en": "plus|minus|times|divided by|equals|plus or minus|is at most|is at least|is less than|"
    "is greater than|is not equal to|is about|infinity|the square root of|squared|cubed|per mille|and|at|"
    "section",
    "de": "plus|minus|mal|geteilt durch|gleich|plus minus|ist höchstens|ist mindestens|ist kleiner als|"
    "ist größer als|ist ungleich|ist etwa|unendlich|Wurzel aus|hoch zwei|hoch drei|Promille|und|at|Paragraph",
    "fr": "plus|moins|fois|divisé par|égale|plus ou moins|est au plus|est au moins|est inférieur à|"
    "est supérieur à|est différent de|est environ|l’infini|racine de|au carré|au cube|pour mille|et|arobase|"
    "paragraphe",
    "es": "más|menos|por|entre|es igual a|más o menos|es como máximo|es como mínimo|es menor que|"
    "es mayor que|es distinto de|es aproximadamente|infinito|raíz de|al cuadrado|al cubo|por mil|y|arroba|"
    "sección",
    "ru": "плюс|минус|умножить на|разделить на|равно|плюс-минус|не больше|не меньше|меньше|больше|не равно|"
    "примерно равно|бесконечность|корень из|в квадрате|в кубе|промилле|и|собака|параграф",
    "zh": "加|负|乘以|除以|等于|正负|小于等于|大于等于|小于|大于|不等于|约等于|无限大|根号|的平方|的立方|"
    "千分|和|艾特|第",
    "ja": "たす|マイナス|かける|わる|イコール|プラスマイナス|小なりイコール|大なりイコール|小なり|大なり|"
    "ノットイコール|ニアリーイコール|無限大|ルート|の二乗|の三乗|パーミル|アンド|アット|セクション",
    "ko": "더하기|마이너스|곱하기|나누기|이퀄|플러스마이너스|작거나 같다|크거나 같다|작다|크다|같지 않다|"
    "약|무한대|루트|제곱|세제곱|퍼밀|그리고|골뱅이|섹션",
}
"""In the order of ``_ORDER``."""
_ABOUT: Final = {
    "en": "about", "de": "etwa", "fr": "environ", "es": "unos", "it": "circa", "pt": "cerca de", "nl": "ongeveer",
    "pl": "około", "ru": "около", "uk": "близько", "zh": "约", "ja": "約", "ko": "약",
}  # fmt: skip
"""Before a number."""
_MINUS: Final = {"zh": "减", "ja": "ひく", "ko": "빼기"}
"""Between numbers, where it is another word than before one."""
_BELOW_ZERO: Final = {"zh": "零下", "ja": "氷点下", "ko": "영하 "}
_PER: Final = {"en": "per", "de": "pro", "fr": "par", "es": "por", "it": "al", "pt": "por", "ru": "в", "zh": "每"}
_SHARP: Final = {"ru": "шарп", "ja": "シャープ", "ko": "샵", "zh": " sharp"}
_LETTERS: Final = {
    "ru": "альфа бета гамма дельта эпсилон дзета эта тета йота каппа лямбда мю ню кси омикрон пи ро сигма сигма тау "
    "ипсилон фи хи пси омега",
    "zh": "阿尔法 贝塔 伽马 德尔塔 艾普西隆 泽塔 伊塔 西塔 约塔 卡帕 拉姆达 缪 纽 克西 奥密克戎 派 柔 西格玛 西格玛 陶 "
    "宇普西隆 斐 希 普西 欧米伽",
    "ja": "アルファ ベータ ガンマ デルタ イプシロン ゼータ イータ シータ イオタ カッパ ラムダ ミュー ニュー クサイ "
    "オミクロン パイ ロー シグマ シグマ タウ ウプシロン ファイ カイ プサイ オメガ",
    "ko": "알파 베타 감마 델타 엡실론 제타 에타 세타 요타 카파 람다 뮤 뉴 크시 오미크론 파이 로 시그마 시그마 타우 "
    "입실론 피 카이 프사이 오메가",
}
"""From α to ω as Unicode has them, with both forms of σ."""

_OPERAND: Final = r"(?:(?<=[\d)\]%°²³∞])|(?<=\b[^\W\d_]))"
_START: Final = r"(?=[\w(\[{√∞$€£¥−-])"
_COMPARED: Final = late_pattern(rf"{_OPERAND}\s?(?P<sign>[<>≈])\s?{_START}|(?<=\w)\s?(?P<before>[<>])\s?(?=-?\d)")
"""Not in "Settings > Sound", where it means no comparison."""
_STAR: Final = late_pattern(rf"{_OPERAND}(?P<gap>\s?)\*(?P=gap)(?=[\d(]|\b[^\W\d_]\b)")
_BETWEEN: Final = late_pattern(rf"(?<=[\w)\]}}²³°%∞])\s?([+=])\s?{_START}|(?<=\s)([+=])(?=\s)|(?<=\d)(\+)(?![\w+])")
_DIFFERENCE: Final = late_pattern(r"(?<=[\d)])(?: [-–−] | ?− ?|-)(?=\d[^=\n]{0,40}=)|(?<=[\d)]) ?− ?(?=[\w(])")
_DIFFERENCE_SIGN: Final = late_pattern(r"(?<=[\w)]) − (?=[\w(])")
_NEGATIVE: Final = late_pattern(
    r"(?<![^\W\u3040-\uffff])(?<![.,)\]%°/:-])(?<!\d )[-−](?=[$€£¥]?\d)"
    r"(?=\d[\d.,]{0,20}\s?(?P<degrees>°|℃|摄氏度|度|도))?"
)
_ABOUT_A_NUMBER: Final = late_pattern(r"(?<![^\W\u3040-\uffff])(?<![)\]%℃°])(?:[~～〜]|≈\s?)(?=[$€£¥]?\d)")
_PLAIN: Final = late_pattern(
    r"\s?[×÷±≤≥≠≈∞√²³‰−]\s?|\s?(?<!\w)§{1,2}\s?|(?<=\s)[&@](?=\s)|(?<=[\u3040-\u9fff\uac00-\ud7a3])\s?[&@]\s?"
)
_RATE: Final = late_pattern(
    r"(?<![\d.,])(?P<amount>\d[\d.,]{0,20}(?:\s[A-Z][^\W\d_]{1,23}(?=\s))?(?:\s?[^\W\d_]{1,24})?)\s?/\s?(?P<of>[^\W\d_]+)"
)
_SLASH: Final = late_pattern(r"(?<=[^\W\d_])\s?/\s?(?=[^\W\d_])")
_NOTE: Final = late_pattern(r"(?<![\w#])([A-GJ])#(?!\w)")
"""C# and F#, a language or a note."""
_POWER: Final = late_pattern(r"(?<=[\w)])\^\(?(-?\d{1,4})\)?(?!\d)|(?:(?<=[\d)])|(?<=\b[^\W\d_]))([⁰¹²³⁴-⁹⁻]+)")
_RAISED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_LOWERED: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_POWERS: Final = {
    "en": " to the power of {}", "de": " hoch {}", "fr": " puissance {}", "es": " elevado a {}", "ru": " в степени {}",
    "zh": "的{}次方", "ja": "の{}乗", "ko": "의 {}제곱",
}  # fmt: skip
_TYPED: Final = {">=": "≥", "<=": "≤", "!=": "≠", "==": "="}
_TYPED_SIGN: Final = late_pattern(r"(?<![<>=!])(?:[><!]=|==)(?![<>=!])(?=\s?\S)")
_GAP: Final = late_pattern(r" {2,}")
_ENGLISH: Final = (
    (re.compile(r"\bw/o(?!\w)"), "without"),
    (re.compile(r"\bw/\s?(?=[\w$])"), "with "),
    (re.compile(r"\bb/c(?!\w)"), "because"),
)
_PERIODS_WORDS: Final = "mo month yr year hr hour wk week s second min minute h hour"
_ENGLISH_PERIODS: Final = dict(zip(_PERIODS_WORDS.split()[::2], _PERIODS_WORDS.split()[1::2], strict=True))
_GAPLESS: Final = ("zh", "ja")


def with_minus_signs(text: str, language: str) -> str:
    """A hyphen that subtracts as a minus sign, one before a number in words; before ranges are looked for."""
    text = _DIFFERENCE.sub(" − ", text)
    words = _words(language)
    if not words or language == "en":  # the voice says minus there, and knows where
        return text
    return _NEGATIVE.sub(lambda found: _negative(found, words["−"], language), text)


def with_signs(text: str, language: str) -> str:
    """Signs of arithmetic and comparison, ``/`` and lone Greek letters in words. Linear."""
    words = _words(language)

    def say(sign: str, found: re.Match[str]) -> str:
        return _spaced(words[sign], language, found)

    if words:
        text = _POWER.sub(lambda found: _power(found[1] or found[2].translate(_RAISED), language), text)
        text = _TYPED_SIGN.sub(lambda found: _TYPED[found[0]], text.translate(_LOWERED))
        text = _COMPARED.sub(lambda found: say(found["sign"] or found["before"], found), text)
    if language != "el":
        text = named_symbols(text, lambda letter: _letter(letter, language))
    if language == "en":
        for sign, word in _ENGLISH:
            text = sign.sub(word, text)
    text = _NOTE.sub(lambda found: f"{found[1]}{_SHARP.get(language, ' sharp')}", text)
    if about := _ABOUT.get(language):
        text = _ABOUT_A_NUMBER.sub(lambda found: _spaced(about, language, found), text)
    if words:
        text = _STAR.sub(lambda found: say("×", found), text)
        between = _MINUS.get(language, words["−"])
        text = _DIFFERENCE_SIGN.sub(lambda found: _spaced(between, language, found), text)
        text = _BETWEEN.sub(lambda found: say(found[1] or found[2] or found[3], found), text)
        text = _PLAIN.sub(lambda found: say(found[0].strip()[0], found), text)
    return _GAP.sub(" ", _without_slashes(text, language))


def _without_slashes(text: str, language: str) -> str:
    def rate(found: re.Match[str]) -> str:
        amount, of = found["amount"], found["of"]
        if language in ("ja", "ko"):
            return f"{of} {amount}"
        if (per := _PER.get(language)) is None or (language == "en" and of.endswith("s") and of != "s"):
            return found[0]
        gap = _gap(language)
        return f"{amount}{gap}{per}{gap}{_ENGLISH_PERIODS.get(of, of) if language == 'en' else of}"

    return _SLASH.sub(" ", _RATE.sub(rate, text))


def _power(exponent: str, language: str) -> str:
    return {"2": "²", "3": "³"}.get(exponent) or _POWERS[language].format(exponent)


def _gap(language: str) -> str:
    return "" if language in _GAPLESS else " "


def _spaced(word: str, language: str, found: re.Match[str]) -> str:
    gap = _gap(language)
    after = gap if found.end() < len(found.string) and found.string[found.end()] not in ".,;:!?)" else ""
    return f"{gap if found.start() else ''}{word}{after}"


def _negative(found: re.Match[str], minus: str, language: str) -> str:
    if found["degrees"] and language in _BELOW_ZERO:
        return _BELOW_ZERO[language]
    return f"{minus}{_gap(language)}"


@cache
def _words(language: str) -> dict[str, str]:
    said = _SAID.get(language)
    return dict(zip(_ORDER, said.split("|"), strict=True)) if said else {}


def _letter(letter: str, language: str) -> str:
    small, gap = letter.lower(), _gap(language)
    if names := _LETTERS.get(language, "").split():
        return f"{gap}{names[ord(small) - ord('α')]}{gap}"
    name = unicodedata.name(small).rpartition(" ")[2].lower().replace("lamda", "lambda")
    return f" {name if language in ('en', 'de', 'fr') else name.replace('ph', 'f')} "
