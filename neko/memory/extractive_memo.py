"""A memo without a model: sentences of the user that state something, in their own words.

What they state of themselves (``fact_rules``) goes before what only names somebody, something of theirs, a number or a
day, and that before what they did or what happened to them, of which the beginnings stay where there is room; small
talk is left out, and so is what is so no longer by a later sentence, and what only tells the same with other numbers.
Lines of the earlier memo are judged again like the rest; what a model wrote of it is kept before what only names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Final

from neko.late_patterns import late_pattern
from neko.memory import fact_rules, facts
from neko.memory.line_codec import Names
from neko.memory.telling_words import telling
from neko.types.memory import RecentEntry

_TIME_OR_NUMBER: Final = (
    r"\d|[月火水木金土日]曜|星期|礼拜|[周週][一二三四五六日末天]|[一二三四五六七八九十][月岁歲点點歳時]|[가-힣]+요일"
)
_NAME_OR_NUMBER: Final = late_pattern(
    rf"{_TIME_OR_NUMBER}|(?<=[^.!?\s] )[A-Z][a-z]+|[一-鿿ァ-ヶ](?:さん|くん|ちゃん)|[가-힣] ?(?:씨|님)(?![가-힣])"
)
_GERMAN_NAME_OR_NUMBER: Final = late_pattern(
    rf"{_TIME_OR_NUMBER}|\b(?:Herrn?|Frau|Dr\.|[Hh]eiß(?:t|en)|namens) [A-ZÄÖÜ]|\b[A-ZÄÖÜ]\w+ [A-ZÄÖÜ]\w+|\b(?:\w+tag|"
    r"Mittwoch|Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b"
)
"""German has a capital at every noun; two in a row are a name. Short lines of a German talk are German too."""
_OF_THEIRS: Final = late_pattern(
    r"\b(?:[Mm]y|[Oo]ur|[Mm]eine?[mnrs]?|[Uu]nsere?[mnrs]?)\b|[我咱][们們]?[的家]|私の|わたしの|僕の|俺の|うちの"
    r"|(?<![가-힣])(?:내|제|우리|나의|저의) "
)
_DAY_OR_NUMBER: Final = late_pattern(
    r"\d[\w-]*|\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|January|February|March|April|June|July|August|September"
    r"|October|November|December|(?:Mon|Diens|Donners|Frei|Sams|Sonn)tags?|Mittwochs?|Januar|Februar|März|Mai|Juni|Juli"
    r"|Oktober|Dezember)\b"
    rf"|{_TIME_OR_NUMBER}"
)
_LASTING: Final = late_pattern(
    r"\b(?:[Mm]y|[Oo]ur) \w+,? (?:is (?:called |named )?)?[A-Z][a-z]"
    r"|\b(?:[Mm]eine?|[Uu]nsere?)[mnrs]? \w+,? (?:ist |heißt )?[A-ZÄÖÜ][a-zäöü]"
    r"|\b(?:(?:darf|kann) ich (?:nicht|keine?n?) (?:\w+ )?essen|vertrage (?:ich )?(?:nicht|keine?n?))\b"
    r"|老板|老闆|上司|同事|[女男]朋友|老婆|老公|妻子|丈夫|室友|房东|房東"
    r"|(?:上司|部長|先生|彼女|彼氏|妻|夫|母|父|姉|妹|兄|弟|娘|息子|友達|先輩|後輩|同僚|大家)の(?:名前|[一-鿿ァ-ヶ])"
    r"|[여남]자 ?친구|부장|상사|사장님?|아내|남편|집주인"
)
"""Whom they have to do with, and what they must not eat."""
_KEY: Final = late_pattern(
    r"(?i:\b(?:pass(?:word|code|wort)|pin|kennwort|wi-?fi|wlan|keys?|\w*schlüssel"
    r"|(?:phone|account|door|flat|house|alarm) (?:number|code)|address|adresse|nummer)\b)"
    r"|密[码碼]|[钥鑰]匙|[号號][码碼]|地址|パスワード|暗証番号|合?鍵|住所|番号|비밀번호|열쇠|주소|전화번호"
    r"|(?P<moved>\b(?:moved|gezogen)\b|搬[到去来來]|引っ?越し|이사[했왔갔])"
)
"""What is looked for again: keys, passwords, numbers; and where they went to live."""
_BIRTHDAY: Final = late_pattern(r"(?i:\bbirthday\b|\bgeburtstag)|生日|誕生日|생일")
_IS: Final = late_pattern(
    r"\b(?:is|are|was|ist|sind|war|lautet|liegt|hängt) [^\W_]|[是在为為はが][^\W_]|[은는] ?[^\W_]|[:=] ?[^\W_]"
)
_DEED: Final = late_pattern(
    r"\b(?:I|[Ww]e)(?:['’]ve| have|['’]d| had)?(?: (?:just|also|then|finally|even|already|really|only|almost))* (?:"
    r"(?!need|agre|suppos|want)[a-z]{2,}ed|ate|beat|began|bought|broke|brought|built|came|caught|cut|did(?!n)|drank|"
    r"drew|drove|fell|felt|flew|forgot|found|gave|got|grew|heard|hid|hit|hurt|kept|left|lent|lit|lost|made|met|paid|put|"
    r"ran|read|rode|sang|sat|saw|sent|sewed|shot|slept|sold|spent|spoke|stole|swam|taught|threw|told|took|watched|"
    r"went|woke|won|wore|wrote)\b|"
    r"\b[Ii]ch (?:habe|bin)\b|\b[Ww]ir (?:haben|sind)\b|"
    r"[我咱][^，,。！!？?]{1,20}[了过過](?!吗|嗎)|(?:まし|っ|[いえきけししちにみりれべ])た(?:よ|ね|んです|んだ)*$|んだよ?$|"
    r"[았었였했갔왔됐봤샀](?:어|어요|습니다|다|지|네|네요|거든|거든요)$"
)
"""Of what the speaker did, or what happened to them: a verb in the past."""
_NUMBER: Final = late_pattern(r"\d+|[一二三四五六七八九十百]+")
_CLAUSE: Final = late_pattern(r"[^,;，、；]+[,;，、；]*")
_CLAUSE_END: Final = late_pattern(
    r"[,;](?=\s)|[，、；]| (?:and|but|und|aber) (?=(?:I|we|had|ich|wir|habe|bin|musste)\b)"
)
_LONGEST: Final = 160
"""Characters of a sentence."""
_OF_A_VALUE: Final = 40
"""Characters of what was stated that a line is not cut within."""
_OF_A_DEED: Final = 48
"""Characters of a line that tells one, where not all have room."""
_OF_AN_APPOSITION: Final = 20
_OF_AN_IDEOGRAPHIC_ONE: Final = 6
"""Characters of a clause behind another that only says who somebody is, as in "My boss, Mr. Okafor, wants"."""
_NOT_WORTH_A_CUT: Final = 16
"""Characters."""


class Worth(IntEnum):
    """Of a line: which goes first."""

    SMALL_TALK = 0
    DEED = 1
    THEIRS = 2
    NAMES = 3
    LASTING = 4
    FACT = 5


def extract(entries: Sequence[RecentEntry], names: Names, limit: int, language: str, least: Worth = Worth.DEED) -> str:
    """At most ``limit`` characters, "" when there is nothing of the ``least`` worth; the older of two equals gives way.

    Where not all have room lines are cut to what they tell.
    """
    found: dict[str, tuple[Worth, str]] = {}
    known = _Known()
    forms: dict[str, str] = {}
    said = [entry.text for entry in entries if entry.role == "user"]
    are_german = sum(fact_rules.language_of(text, language) == "de" for text in said) * 2 > len(said)
    for entry in entries:
        is_memo = entry.role == "system"
        if entry.role == "assistant":
            continue
        told = _of_memo(entry.text, names) if is_memo else _of_line(entry.text, names[entry.role])
        for speaker, sentence in told:
            label = f"{speaker}: " if speaker else ""
            stated = fact_rules.facts(sentence, language)
            values = [value for _, value, has_ended in stated if not has_ended]
            tongue = fact_rules.language_of(sentence, language)
            worth, end = _worth(sentence, values, is_german=tongue == "de" or (are_german and tongue == "en"))
            if is_memo:
                worth = max(worth, _worth_in_memo(sentence, speaker))
            line = label + sentence
            part = beginning(line, _OF_A_DEED) if worth is Worth.DEED else label + _up_to(end, sentence)
            if speaker and len(line) > _LONGEST:
                worth = Worth.SMALL_TALK if worth < Worth.LASTING and part.endswith("…") else worth
                line = part
            if not values and speaker:
                form = _NUMBER.sub("0", sentence)
                found.pop(forms.get(form, ""), None)
                forms[form] = line
            found.pop(line, None)
            for outdated in known.outdated(speaker, line, stated):
                found.pop(outdated, None)
            if worth >= least:
                found[line] = worth, part
    ranks = [worth for worth, _ in found.values()]
    is_full = sum(len(line) + 1 for line in found) > limit + 1
    are_many = sum(len(line) + 1 for line, (worth, _) in found.items() if worth > Worth.DEED) > limit + 1
    lines = [part if (is_full if worth is Worth.DEED else are_many) else line for line, (worth, part) in found.items()]
    left = limit + 1
    chosen: list[int] = []
    for place in sorted(range(len(lines)), key=lambda one: (ranks[one], one), reverse=True):
        if len(lines[place]) < left:
            left -= len(lines[place]) + 1
            chosen.append(place)
    return "\n".join(lines[place] for place in sorted(chosen))


def _of_line(text: str, speaker: str) -> Iterator[tuple[str, str]]:
    """Who said what, a sentence at a time."""
    return ((speaker, sentence) for sentence in fact_rules.sentences(text))


def _of_memo(text: str, names: Names) -> Iterator[tuple[str, str]]:
    """The same of a memo; nobody says what a model wrote. Its sentences may be long: those are told in parts."""
    for line in text.splitlines():
        speaker = next((name for name in names.values() if line.startswith(f"{name}: ")), "")
        told = line.removeprefix(f"{speaker}: ")
        if speaker and len(line) <= _LONGEST:
            yield speaker, told
            continue
        for sentence in fact_rules.sentences(told):
            parts = [sentence] if len(sentence) <= _LONGEST else _CLAUSE.findall(sentence)
            yield from ((speaker, part.strip()) for part in parts)


def beginning(text: str, length: int) -> str:
    """The first words of a text within ``length`` characters, marked when something is left out."""
    flat = " ".join(text.split())
    if len(flat) <= length:
        return flat
    cut = flat[: length - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > length // 2 else cut) + "…"


def is_looked_for(sentence: str) -> bool:
    """Whether it tells a password, where a key lies, a number, a birthday: what is found nowhere else."""
    key = _KEY.search(sentence)
    return bool((key and not key["moved"]) or _BIRTHDAY.search(sentence))


class _Known:
    """What lines have stated."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], dict[str, str]] = {}
        """By speaker and attribute, of each value the line that says nothing else."""

    def outdated(self, speaker: str, line: str, stated: Sequence[tuple[str, str, bool]]) -> list[str]:
        """The lines that say what is so no longer by this one."""
        gone = []
        for attribute, value, has_ended in stated:
            lines = self._lines.setdefault((speaker, attribute), {})
            if has_ended:
                gone += [lines.pop(value)] if value in lines else []
            elif attribute in facts.ONE_AT_A_TIME:
                gone += [lines.pop(other) for other in list(lines) if other != value]
            if not has_ended and len(stated) == 1:
                lines[value] = line
        return gone


def _up_to(end: int, sentence: str) -> str:
    """A sentence up to the end of the clause that tells something, the part before ``end`` of a long one."""
    part = sentence[: _end_of_clause(end, sentence)].rstrip(" ,;，、；")
    if len(part) <= _LONGEST * 3 // 4:
        return part
    begins, ends = max(0, end - _LONGEST // 2), min(end + _LONGEST // 4, len(part))
    return ("…" if begins else "") + part[begins:ends].strip() + ("…" if ends < len(part) else "")


def _end_of_clause(at: int, sentence: str) -> int:
    """The end of the one at a place, of the next one if it only says who somebody is, of all if little is left."""
    clause = _CLAUSE_END.search(sentence, at)
    if clause is None:
        return len(sentence)
    borders = [match.end() for match in _CLAUSE_END.finditer(sentence, 0, clause.start())]
    longest = _OF_AN_APPOSITION if sentence[clause.start()] in ",;" else _OF_AN_IDEOGRAPHIC_ONE
    if borders and clause.start() - borders[-1] <= longest:
        clause = _CLAUSE_END.search(sentence, clause.end())
    return clause.start() if clause and len(sentence) - clause.start() > _NOT_WORTH_A_CUT else len(sentence)


def _worth(sentence: str, values: Sequence[str], *, is_german: bool) -> tuple[Worth, int]:
    """With the place up to which a sentence tells something; ``values`` are what it states."""
    if not values and fact_rules.is_question(sentence):
        return Worth.SMALL_TALK, 0
    signs = [match.end() for match in _DAY_OR_NUMBER.finditer(sentence)]
    if values:
        signs += [sentence.rfind(value) + min(len(value), _OF_A_VALUE) for value in values]
        return Worth.FACT, max(0, *signs)
    if key := _KEY.search(sentence):
        told = _IS.search(sentence, key.end())
        signs += [told.end()] if told else []
        ends = [end for end in signs if end > key.end()]
        return Worth.LASTING, max(ends) if ends and not key["moved"] else len(sentence)
    ranks = {
        _LASTING: Worth.LASTING,
        _GERMAN_NAME_OR_NUMBER if is_german else _NAME_OR_NUMBER: Worth.NAMES,
        _OF_THEIRS: Worth.THEIRS,
    }
    for pattern, worth in ranks.items():
        if match := pattern.search(sentence):
            return worth, max(match.end(), *signs) if signs else match.end()
    return (Worth.DEED if _DEED.search(sentence.rstrip("。.!！ …")) else Worth.SMALL_TALK), 0


def _worth_in_memo(sentence: str, speaker: str) -> Worth:
    """What somebody wrote into a memo counts though no rule knows it."""
    told = len(telling(sentence))
    if speaker:
        return Worth.THEIRS if told > 1 else Worth.SMALL_TALK
    return Worth.FACT if told else Worth.DEED
