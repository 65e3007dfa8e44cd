"""What a character does rather than says, set apart in the text: ``*smiles*``, ``[giggles]``, ``（歪头）``.

Emphasis looks the same (``I *really* like it``), and a word left unsaid is worse than an action said. So a span is an
action where it is built like one: a verb of the body in the third person, a narrated sentence of its own, or, at the
start of what is said, words that the sentence does not need.
"""

from __future__ import annotations

import re
from typing import Final

from neko.late_patterns import late_pattern

_SPAN: Final = late_pattern(
    r"(?<![A-Za-z0-9*\\])(?P<stars>\*{1,2})(?![*\s])(?P<starred>[^*\n]{1,400})(?<![\s*])(?P=stars)(?![A-Za-z0-9*])"
    r"|(?<![\w\\])_(?![_\s])(?P<lined>[^_\n]{1,400})(?<![\s_])_(?!\w)"
    r"|(?<![\w\\])(?P<open>[(\[])(?P<bracketed>[^()\[\]\n]{1,200})[)\]]"
    r"|[（【](?P<wide>[^（）【】\n]{1,200})[）】]"
)
_ENDED: Final = late_pattern(r"(?:^|[.!?…。！？～~♪\n\"”」』)）*\]】])\s*$")
_NEXT: Final = late_pattern(r"\s*(\S)")
_PAUSES: Final = ",.;:!?，。！？、：；"
_WIDE: Final = late_pattern(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")

_OF_FACE_AND_BODY_WORDS: Final = """
smile laugh giggle chuckle grin smirk blush nod wink sigh hug pout yawn shrug purr meow blink gasp wince frown sob
sniff sniffle whisper mumble murmur mutter stretch cuddle snuggle nuzzle fidget tremble shiver shudder gulp cough
snort scoff huff groan moan whine whimper squeal beam facepalm wiggle curtsy twirl cry clap drool
"""
_OTHER_DEEDS_WORDS: Final = """
pat poke wave kiss bow spin jump hop bounce dance cheer tilt lean stare gaze glance peek look tap gesture point pause
think ponder rub scratch cross fold roll raise lower lift hold reach squeeze stroke ruffle tug pull push sit stand
lie lay walk step turn run skip kneel wag flick twitch perk curl sway hum sing sip pour hand offer give take place
set adjust brush tuck swallow exhale inhale breathe scrunch furrow rest flop slump tease stick narrow widen hide
cover shake squint clear open close bite drop play press sink slide stop
"""
_OF_FACE_AND_BODY: Final = frozenset(_OF_FACE_AND_BODY_WORDS.split())
_DEEDS: Final = _OF_FACE_AND_BODY.union(_OTHER_DEEDS_WORDS.split())
_BESIDE_A_DEED: Final = late_pattern(
    r"\s(?:\w+ly|behind|toward|towards|closer|her|his|their|my|your|you|him|them|at|up|down|around|over|away|back|into|in|on|with|out|off|softly)\b"
)
_OF_A_BODY: Final = late_pattern(
    r"(?:\b(?:her|his|their)|\w['’]s) (?:\w+ )?(?:face|eyes?|head|hair|hands?|arms?|cheeks?|lips|tail|ears?|shoulders?|"
    r"voice|gaze|smile|fingers?|mouth|lap|breath)\b",
    re.IGNORECASE,
)
_FEELINGS_WORDS: Final = """
happy sad excited angry shy surprised nervous curious confused embarrassed proud playful teasing amused worried
thoughtful cheerful sleepy annoyed flustered relieved gentle warm softly happily sadly shyly nervously quietly excitedly
playfully gently warmly cheerfully teasingly
"""
_FEELINGS: Final = frozenset(_FEELINGS_WORDS.split())
"""In square brackets before a sentence: how it is said."""
_WIDE_FEELING: Final = late_pattern(
    "(?:很|有点|有些|十分|非常|超|略带|略帶|一脸|一臉)?(?:开心|開心|高兴|高興|兴奋|興奮|激动|激動|期待|害怕|"
    "生气|生氣|愤怒|憤怒|难过|難過|悲伤|悲傷|伤心|傷心|惊讶|驚訝|"
    "惊喜|驚喜|疑惑|好奇|委屈|得意|温柔|溫柔|无奈|無奈|尴尬|尷尬|紧张|緊張|平静|平靜|担心|擔心|感动|感動|失落|"
    "困惑|认真|認真|慌张|慌張|调皮|調皮|俏皮|傲娇|傲嬌|宠溺|寵溺)"
    "(?:地|的|脸|臉|状|貌|地说|地說|的样子|的樣子)?"
    "|(?:嬉し|悲し|楽し|恥ずかし|寂し)(?:い|そう(?:に)?|げ(?:に)?)|(?:驚|怒|焦|困|喜|拗ね)(?:い|っ|り|"
    "ん)?(?:て|た|だ|り|び)?"
    "|(?:にっこり|ニッコリ|にこにこ|ニコニコ|ニヤニヤ|ニヤリ|にやり|しょんぼり|ドキドキ|どきどき|わくわく|"
    "ワクワク|ぎゅっ?|"
    "ギュッ|なでなで|もじもじ|きょとん|てへ|ぺこり?|ペコリ?|じーっ|ぷくー|むすっ)(?:と|と?し(?:て|ながら)|する)?"
    "|기쁨|슬픔|화남|당황|부끄러(?:움|워하며)|수줍게|신나서|행복|놀람|설렘|진지하게"
)
_NO_DEED_WORDS: Final = "this is was has does yes always perhaps sometimes its hers ours yours as us thus"
_NO_DEED: Final = frozenset(_NO_DEED_WORDS.split())
_TELLER: Final = late_pattern(r"(?:She|He|They|Her|His|Their)\s")
_WIDE_DEED: Final = late_pattern(
    "笑|哭|蹭|揉|捂|戳|吻|趴|叹气|嘆氣|歪头|歪頭|歪着|歪著|点头|點頭|点点头|點點頭|摇头|搖頭|摇了|搖了|眨眼|眨了|抱住|抱抱|拥抱|擁抱|"
    "摸头|摸頭|摸摸|拍拍|挥手|揮手|亲亲|親親|靠近|靠过|靠過|靠在|跳起|跳了|转圈|轉圈|转身|轉身|脸红|臉紅|害羞|撒娇|撒嬌|鼓掌|"
    "嘟嘴|嘟起|噘嘴|吐舌|懒腰|懶腰|哈欠|皱眉|皺眉|耸肩|聳肩|低头|低頭|抬头|抬頭|凑近|湊近|看着你|看著你|望着|望著|盯着|盯著|"
    "尾巴|耳朵|轻轻|輕輕|偷偷|悄悄|小声|小聲|沉默|停顿|停頓|深呼吸|"
    "うなず|頷|首を|手を|目を|頬を|照れ|ため息|溜息|抱きし|撫で|瞬き|微笑|にこ|くすくす|うつむ|見つめ|しっぽ|耳を|"
    "웃|미소|끄덕|갸웃|한숨|손을|껴안|안아|눈을|윙크|고개|얼굴을|볼을|꼬리|속삭"
)


def without_actions(text: str) -> str:
    """``text`` without the actions in it. Linear in its length."""
    return _SPAN.sub(lambda span: _gap(span, text) if _is_action(span, text) else span.group(), text)


def _gap(span: re.Match[str], text: str) -> str:
    return "" if _WIDE.search(text, max(0, span.start() - 1), span.end() + 1) else " "


def _is_action(span: re.Match[str], text: str) -> bool:
    inside = next(part for part in span.group("starred", "lined", "bracketed", "wide") if part is not None)
    if _WIDE.search(inside):
        return _is_wide_action(inside, span, text)
    words = inside.split()
    if not words:
        return False
    stands_first = _ENDED.search(text, max(0, span.start() - 8), span.start()) is not None or span.start() == 0
    if _is_deed(words[0], _OF_FACE_AND_BODY if len(words) == 1 and not stands_first else _DEEDS) and (
        stands_first or len(words) == 1 or _BESIDE_A_DEED.search(inside)
    ):
        return True
    if stands_first and span.group().startswith("[") and " ".join(words).strip(".!,").lower() in _FEELINGS:
        return True
    if stands_first and inside[0].islower() and _is_bare(words, inside):
        return True
    following = _NEXT.match(text, span.end())
    goes_on = following is not None and (following[1].islower() or following[1] in _PAUSES)
    if span["starred"] is None and span["lined"] is None:
        return stands_first and _TELLER.match(inside) is not None and _is_narrated(words, inside)
    if not stands_first or goes_on or span["stars"] == "**":
        return False
    if inside[0].islower():
        return inside[-1] not in "?!:"
    return _is_narrated(words, inside)


def _is_bare(words: list[str], inside: str) -> bool:
    """Whether it is "blush", "pat pat", or a verb by its ending and what stands beside it: "teleports behind you"."""
    plain = [word.strip(".,!…~") for word in words]
    if len(words) < 3 and all(word in _OF_FACE_AND_BODY or (len(words) == 2 and word in _DEEDS) for word in plain):
        return True
    ends_like_one = plain[0].endswith("s") and not plain[0].endswith("ss") and plain[0] not in _NO_DEED
    return ends_like_one and len(words) > 1 and _BESIDE_A_DEED.search(inside) is not None


def _is_narrated(words: list[str], inside: str) -> bool:
    """Whether a sentence tells what somebody does: "She pours the tea.", "Mio nods.", "I smile at you."."""
    if len(words) < 2:
        return False
    if _OF_A_BODY.search(inside):
        return True
    second = words[1].rstrip(".,!")
    if _TELLER.match(inside):
        return second[-1:] == "s" or second.endswith("ed") or _is_deed(second, _DEEDS) or words[0][-1] in "rs"
    return _is_deed(second, _DEEDS) or (words[0] == "I" and second in _DEEDS)


def _is_deed(word: str, deeds: frozenset[str]) -> bool:
    """Whether a word is the third person or a participle of one of ``deeds``."""
    word = word.strip(".,!…~").lower()
    if word in _NO_DEED:
        return False
    if word.endswith("ing"):
        return not deeds.isdisjoint((word[:-3], f"{word[:-3]}e", word[:-4]))
    return word.endswith("s") and not deeds.isdisjoint((word[:-1], word[:-2], f"{word[:-3]}y"))


def _is_wide_action(inside: str, span: re.Match[str], text: str) -> bool:
    if _WIDE_DEED.search(inside) or (span["starred"] is None and _WIDE_FEELING.fullmatch(inside.strip())):
        return True
    if span["starred"] is None or span["stars"] == "**":
        return False
    alone = span.end() == len(text) or text[span.end()].isspace()
    return alone and span.start() == 0 and inside[-1] not in "？?：:"
