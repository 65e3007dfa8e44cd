"""What the user's words say about reminders: set one, cancel one, tell which there are. Pure rules, no model.

Only clear forms count; anything else is left to whoever reads the whole talk. Texts have their widths and spaces
evened out (NFKC), which is how they are kept.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, Literal

from neko.agent.when import When, read_when

LONGEST: Final = 400
"""Characters; longer words are no wish as a whole, but may hold one."""
_LONGEST_LINE: Final = 4_000
_LONGEST_SUBJECT: Final = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """``when`` is None where no time was understood, or it ``is_past``. ``text``: what to say then, "" for a timer.

    ``everything``: all that there are are meant; ``is_waking``: those that wake the user.
    """

    kind: Literal["set", "cancel", "list"]
    text: str = ""
    when: When | None = None
    is_past: bool = False
    is_timer: bool = False
    everything: bool = False
    is_waking: bool = False


_GATE: Final = (
    r"remind|timer|alarm|wake me|let me forget|waking me"
    r"|提醒|闹钟|鬧鐘|计时|計時|定时器|定時器|倒计时|倒數|叫我|叫醒|喊我|通知我"
    r"|リマイン|タイマー|アラーム|目覚まし|知らせて|教えて|起こ(?:して|さな)|思い出させて|声をかけて"
    r"|알려|리마인|타이머|알람|깨[워우울]|상기시|알림|말해 ?줘|erinner|\bweck|lass mich nicht vergessen"
)
_STRONG: Final = (
    r"\b(?:remind me|wake me|alert me|ping me|nudge me|(?:set|start) .{0,20}(?:timer|alarm|reminder)|a reminder)\b"
    r"|提醒我|叫醒我|[设設定].{0,12}(?:闹钟|鬧鐘|提醒|计时|計時)|リマインド|起こして|(?:タイマー|アラーム).{0,6}(?:セット|かけ)"
    r"|리마인드|깨워|(?:타이머|알람).{0,4}(?:맞춰|켜)"
    r"|\b(?:erinnere?|erinnerst du|wecke?|weckst du) mich\b|\bdu mich\b.{0,60}\b(?:erinnern|wecken)\b"
    r"|\bstelle? .{0,20}(?:wecker|timer|alarm)"
)
_THINGS_EN: Final = r"(?P<thing>reminders?|timers?|alarms?)\b"
_THINGS_DE: Final = r"(?P<thing>erinnerung(?:en)?|timer|wecker|alarme?)\b"
_THINGS_HAN: Final = r"(?P<thing>提醒|闹钟|鬧鐘|计时器?|計時器?|定时器|定時器|倒计时)"
_THINGS_JA: Final = r"(?P<thing>リマインダー?|リマインド|タイマー|アラーム|目覚まし)"
_THINGS_KO: Final = r"(?P<thing>알림|리마인더|타이머|알람)"
_NOT_TO_DE: Final = r"(?: (?!wenn|falls|damit|weil|dass|ob\b|und\b|aber\b|daran|dran|an\b)\w+){0,4} nicht\b(?! zu\b)"
_NOT_EN: Final = r"(?:don't|do not|never|needn't|(?:don't|do not) (?:have|need) to|no need to)"
_NOT_JA: Final = r"起こさな(?:いで|くて|くとも)|起こして(?:(?:ほし|欲し)くな|(?:くれ|もらわ)なくて|はいけ|はだめ)"
_NOT_KO: Final = r"깨우지 ?(?:마|말|않)|깨워 ?주지 ?(?:마|말|않)|안 ?깨워 ?(?:줘)?도 ?[돼되]|깨울 필요 ?[가는]? ?없"
_NOT_WAKING: Final = (
    rf"^(?:please |you |there's )?{_NOT_EN} wake me\b|^(?:please )?stop waking me\b",
    rf"^(?:bitte )?weck(?:e|st du)? mich\b{_NOT_TO_DE}",
    r"^du (?:musst|brauchst|sollst|darfst) mich\b.{0,40}\bnicht\b.{0,40}\bwecken\b",
    r"(?:[别別甭]|(?<!要)不要|不用|不必)[^忘,。]{0,12}?(?:叫醒我|[叫喊]我.{0,12}起[床来來])",
    _NOT_JA,
    _NOT_KO,
)
_OTHER_TIME: Final = (
    r"\b(?:before|until|till|unless|but at|vor|bevor|bis|erst|sondern|außer)\b"
    r"|之前|以前|前に|まで|ではなく|じゃなく|而是|전에|말고|까지"
)
"""What is not wished at one time may be at another."""
_CANCEL: Final = (
    r"^(?:please |can you |could you )?(?:cancel|delete|remove|clear|drop|turn off|switch off|stop)\b.{0,60}"
    + _THINGS_EN,
    rf"^(?:please |you )?{_NOT_EN} remind me\b(?P<thing>)",
    rf"^(?:bitte )?(?:lösch|streich|stornier|stopp|entfern)\w*\b.{{0,60}}{_THINGS_DE}",
    rf"^(?:bitte )?(?:schalte?|mache?|stelle?) .{{0,30}}{_THINGS_DE} (?:wieder )?(?:aus|ab)$",
    rf"{_THINGS_DE}.{{0,40}} (?:löschen|streichen|stornieren|abbrechen|ausschalten|abstellen|stoppen)$",
    rf"^(?:bitte )?erinnere? mich\b{_NOT_TO_DE}(?P<thing>)",
    rf"(?:取消|删除|刪除|删掉|刪掉|关掉|關掉|去掉).{{0,30}}{_THINGS_HAN}",
    rf"{_THINGS_HAN}.{{0,10}}(?:取消|删除|刪除|删掉|刪掉|关掉|關掉|去掉)",
    r"(?:不用|别|別|不要)(?:再)?(?P<thing>提醒)我",
    rf"{_THINGS_JA}.{{0,12}}(?:キャンセル|取り消|取消|消して|止めて|削除|オフ)",
    rf"{_THINGS_KO}.{{0,8}}(?:취소|지워|삭제|꺼|해제)",
)
_ALL: Final = (
    r"\b(?:all|every|both|alle)\b|\b(?:my|the) (?:reminders|timers|alarms)\b"
    r"|所有|全部|都|全て|すべて|全部|모두|전부|다 "
)
_LIST: Final = (
    rf"^(?:please )?(?:what|which|list|show|tell me|do i have|are there|have i got|how long).{{0,50}}{_THINGS_EN}",
    rf"^(?:welche|zeige?|habe ich|gibt es|liste|was für) .{{0,50}}{_THINGS_DE}",
    rf"(?:有|还有|還有)(?:什么|什麼|哪些|哪几个|哪幾個|几个|幾個|没有|沒有).{{0,8}}{_THINGS_HAN}",
    rf"{_THINGS_HAN}.{{0,4}}(?:有哪些|有什么|有什麼|列表|还有多久|還有多久)",
    rf"(?:列出|看看|看一下|显示|顯示).{{0,8}}{_THINGS_HAN}",
    rf"{_THINGS_JA}.{{0,8}}(?:ある|あります|何が|なにが|どんな|見せ|一覧|残り|あと)",
    rf"{_THINGS_KO}.{{0,6}}(?:뭐|무엇|어떤|있|보여|목록|남)",
)
_BEFORE: Final = (
    r"^(?:(?:hey|hi|ok|okay|so|and|oh|please|pls|then|can you|could you|would you|will you|i want you to|i need you to"
    r"|bitte|hallo|und|dann|oh|also"
    r"|i'd like you to|could you please|can you please|请你?|請你?|麻烦你?|麻煩你?|帮我|幫我|你"
    r"|记得|記得|到时候|到時候|那|好的?|嗯|ねえ|あのね?|じゃあ|ごめん"
    r"|나한테|나에게|저한테|저기|그럼)[,，、. ]*)+"
)
_SET_EN: Final = (
    r"^remind me(?: again)?[, ]*(?P<x>.*)$",
    r"^(?:don't|do not) let me forget[, ]*(?P<x>.*)$",
    r"^(?:set|start|make|create|put|add|give me|i need|begin)(?: up)? (?:me )?"
    r"(?:a |an |the |another |my |one |two |three |\d )*(?P<kind>timer|alarm|reminder)s?\b[, ]*(?P<x>.*)$",
    r"^(?:a |the )?(?P<kind>timer|alarm)\b[, ]*(?P<x>.*)$",
    r"^wake me(?: up)?[, ]*(?P<wake>.*)$",
)
_CAN_YOU_DE: Final = r"(?:kannst|könntest|würdest|willst|magst)"
_SET_DE: Final = (
    r"^erinner(?:e|st du)? mich(?: bitte)?(?: noch ?mal)?,?(?: bitte)?(?: daran| dran)?[, ]*(?:an |dass )?(?P<x>.*)$",
    rf"^{_CAN_YOU_DE} du mich(?: bitte)?(?: noch ?mal)?(?: an| daran,?(?: dass)?)? ?(?P<x>.*?) ?erinnern$",
    rf"^{_CAN_YOU_DE} du mich(?: bitte)?(?: daran| dran) erinnern[, ]*(?:dass )?(?P<x>.*)$",
    r"^lass mich nicht vergessen[, ]*(?:dass )?(?P<x>.*)$",
    r"^weck(?:e|st du)? mich\b(?P<wake>).*$",
    rf"^{_CAN_YOU_DE} du mich\b(?P<wake>).{0, 40}?(?:auf)?wecken$",
    r"^(?:stelle?|setze?|mache?|starte?|erstelle?)(?: mir)?(?: bitte)?(?: (?:eine[nrm]?|den|die|noch eine[nr]?))?"
    r" (?P<kind>timer|wecker|alarm|erinnerung)\b(?: (?:auf|für|an|um|von|in))?[, ]*(?P<x>.*?)(?:(?:^| )(?:auf|für))?$",
    r"^(?:eine[nr]? )?(?P<kind>wecker|erinnerung)\b(?: (?:auf|für|an|um))?[, ]*(?P<x>.*)$",
)
_SET_HAN: Final = (
    r"^(?:叫醒我|(?:叫|喊)我起床|(?:叫|喊)我起来|(?:叫|喊)我起來)(?P<wake>).*$",
    r"^(?:再)?(?:提醒|叫|喊|通知)(?:一下)?我(?:一下)?(?:要|记得|記得|该|該|去(?=.))?[,，: ]*(?P<x>.*)$",
    r"^提醒[,，: ]*(?P<x>.+)$",
    r"^(?:给我|給我)?(?:设置|設置|设定|設定|设|設|定|订|訂|开|開|来|來|上)(?:一?[个個])?[ 的]*"
    r"(?P<kind>闹钟|鬧鐘|计时器?|計時器?|定时器?|定時器?|倒计时|倒計時|提醒)[,，: ]*(?P<x>.*)$",
    r"^(?P<kind>计时|計時|倒计时|倒計時|闹钟|鬧鐘)(?P<x>)$",
)
_SET_JA: Final = (
    r"^(?P<wake>)(?:.{0,6})起こして.*$",
    r"^(?P<kind>タイマー|アラーム|目覚まし)(?:を|の|で)?(?P<x>)(?:.{0,3})?(?:セット|設定|かけ|鳴らし|お願い|開始|スタート|して)?.{0,10}$",
    r"^(?P<x>.*?)(?:(?:する)?(?:よう)に?(?:って|と)?|って|と|のを|ことを|こと|を)?"
    r"(?:リマインド(?:して)?|思い出させて|知らせて|教えて|声をかけて|通知して|リマインダー(?:を)?(?:セット|設定)(?:して)?)(?:.{0,8})$",
)
_SET_KO: Final = (
    r"^(?P<wake>)(?:.{0,6})깨워.*$",
    r"^(?:(?P<x>.*?) )?(?P<kind>타이머|알람|알림)(?:을|를)? ?(?:좀 )?(?:맞춰|설정|켜|시작|부탁|해 ?줘).*$",
    r"^(?P<kind>타이머|알람)(?P<x>)$",
    r"^(?P<x>.*?) ?(?:좀 )?(?:알려|리마인드|상기시켜|말해|얘기해) ?(?:해 ?)?(?:줘|주세요|줄래|주라|달라|줄 수).{0,8}$",
)
_NOT_IT: Final = (
    r"^(?:what|how|who|why|where|which|of (?:what|how|when|the|my|a)\b|(?:was|wie|wer|warum|wo|welche[rs]?)\b"
    r"|的|何|どう|뭐|무엇|어떻게|어떤|왜|누가)"
)
_NEEDS_TIME: Final = r"教えて|알려|말해|얘기해|叫我|喊我|知らせて|声をかけて|通知"
"""Words that ask for many things: without a time they are about something else."""
_QUOTED: Final = (
    r"(?:って|よう(?:に)?|のを|ことを) ?(?:教え|知らせ|声|通知)|(?:라고|다고|도록) ?(?:좀 )?(?:알려|말해|얘기)|[叫喊通]"
)
_AT: Final = r"(?:時|分|半|頃|ごろ)に|[시분반쯤] ?에"
"""What shows that the time is that of the telling, not of what is told: "tell me tomorrow's weather" is no reminder."""
_LEADING: Final = (
    r"^(?:to |that |about |for |at |in |on |by |of |called |named |saying |when it's time to |i (?:have|need) to (?=\w)"
    r"|に|の|で|は|、|から|까지|에는|에|쯤|,|，|:|\.|-|的时候|的時候|的|时|時|要|该|該|去(?=.))+ ?"
)
_TRAILING: Final = (
    r"(?:[\s,，、。.!！?？~:]|\b(?:please|pls|ok|okay|thanks|thank you|bitte|danke|for|at|in|on|by|from now)$"
    r"|[吧呀哦啊啦]$|よ$|ね$|お願い$|お願いします$|좀$)+$"
)
_BETWEEN: Final = r"(?<=[\u3040-\u30ff\u3400-\u9fff]) (?=[\u3040-\u30ff\u3400-\u9fff])"
"""Where the words of a time stood."""
_QUOTES: Final = "\"'“”„‘’「」『』《》"
WAKE: Final = {"en": "wake up", "de": "aufstehen", "han": "起床", "ja": "起きる", "ko": "일어나기"}


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _any(patterns: tuple[str, ...], text: str) -> bool:
    return any(_pattern(pattern).search(text) for pattern in patterns)


def is_about(text: str) -> bool:
    """Might these words be about reminders? Quick, for every line of a talk."""
    return len(text) <= _LONGEST_LINE and _pattern(_GATE).search(text) is not None


def plain(text: str, name: str = "") -> str:
    """Evened out, without the ``name`` that she is called by at its beginning."""
    words = " ".join(unicodedata.normalize("NFKC", text).replace("’", "'").split())
    called = _pattern(rf"^((?:hey|hi|ok|okay|ねえ|嗨|嘿|야)[, ]+)?{re.escape(name)}(?:ちゃん|さん)?[,，、!！ ]*")
    return called.sub("", words) if name else words


def seems_to_ask(text: str, now: datetime) -> bool:
    """Is there a verb of reminding in these words, and a time?"""
    if len(text) > _LONGEST_LINE or not _pattern(_STRONG).search(text):
        return False
    return any(read.when for part in _pattern(r"[.!?。！？\n]+").split(text) if (read := read_when(part, now)))


def read_order(words: str) -> Wish | None:
    """A wish to cancel some, or to hear which there are; ``words`` are plain."""
    if _any(_NOT_WAKING, words):
        is_over = not _pattern(_OTHER_TIME).search(words)
        return Wish("cancel", words, is_waking=True) if is_over else None
    for kind, patterns in (("cancel", _CANCEL), ("list", _LIST)):
        if _any(patterns, words):
            everything = _any((_ALL,), words)
            is_timer = _pattern(r"timer|计时|計時|倒计时|タイマー|타이머").search(words) is not None
            return Wish(kind, words, is_timer=is_timer, everything=everything)  # type: ignore[arg-type]
    return None


def read_time(text: str, now: datetime) -> tuple[When | None, bool]:
    """The time in an answer to "when?"; and whether it is past. Words that say more are no such answer."""
    read = read_when(plain(text), now, bare_length=True)
    if len(_pattern(_TRAILING).sub("", _pattern(_LEADING).sub("", read.rest))) > 4:
        return None, False
    return read.when, read.is_past


def read_set(words: str, now: datetime) -> Wish | None:
    """A wish for one, which all of these plain words are about."""
    if _any(_NOT_WAKING, words):
        return None
    is_timer = _pattern(
        r"timer|alarm|\bwecker|计时|計時|倒计时|倒計時|定时|定時|闹钟|鬧鐘|タイマー|アラーム|目覚まし|타이머|알람"
    ).search(words)
    read = read_when(words, now, bare_length=is_timer is not None)
    rest = _pattern(_BEFORE).sub("", _stripped(read.rest))
    for script, patterns in (("en", _SET_EN), ("de", _SET_DE), ("han", _SET_HAN), ("ja", _SET_JA), ("ko", _SET_KO)):
        for pattern in patterns:
            if found := _pattern(pattern).match(rest):
                return _wish(found.groupdict(), script, (words, rest), read.when, is_past=read.is_past)
    return None


def _wish(
    found: dict[str, str | None], script: str, said: tuple[str, str], when: When | None, *, is_past: bool
) -> Wish | None:
    words, rest = said
    timed = when is not None or is_past
    subject = subject_of(found.get("x") or "")
    is_vague = _pattern(_NEEDS_TIME).search(rest) is not None
    if not timed and (is_vague or _pattern(_NOT_IT).match(subject)):
        return None
    if is_vague and not (when and (when.after_s or _pattern(_QUOTED).search(rest) or _pattern(_AT).search(words))):
        return None
    if not timed and "kind" not in found and not subject and found.get("wake") is None:
        return None
    if found.get("wake") is not None:
        return Wish("set", WAKE[script], when, is_past)
    return Wish("set", subject[:_LONGEST_SUBJECT], when, is_past, is_timer=bool(found.get("kind")))


def subject_of(text: str) -> str:
    """What is left of the words of a wish: what it is about."""
    text = _stripped(text)
    text = _pattern(_LEADING).sub("", text)
    text = _pattern(_BETWEEN).sub("", text)
    return _pattern(_TRAILING).sub("", text).strip(_QUOTES + " ")


def _stripped(text: str) -> str:
    return _pattern(_TRAILING).sub(
        "", _pattern(r"^(?:[\s,，、.:]|[にはでの](?=[ 、])|에 |の(?=\S))+").sub("", text.strip())
    )
