"""All that the user's words say about reminders: several in one sentence, and what stands beside them. Pure rules.

"Remind me at 5 to call mum and at 6 to take the bins out" is two wishes: where a joint is followed by a time, a wish of
its own begins, which borrows its verb, its words or its day from those beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from neko.agent.reminder_words import LONGEST, Wish, is_about, plain, read_order, read_set, subject_of
from neko.agent.when import Read, read_when

MOST_WISHES: Final = 12
_MOST_FRAGMENTS: Final = 24
_LONGEST_SUBJECT: Final = 200
_LONGEST_ANSWER: Final = 60
"""Characters of a sentence that is but the time of the wish before it."""
_EXPLICIT: Final = (
    r"(?:and |but |so |then |please |also |can you |could you )*"
    r"(?:remind me|wake me|set (?:a|an|another)\b|start (?:a|an)\b|don't let me forget)"
    r"|(?:und |dann |bitte |auch )*(?:erinnere? mich|wecke? mich)"
    r"|(?:请|請|麻烦|麻煩|你|再|然后|然後|另外)*.{0,12}(?:提醒|叫醒)我"
)
_SENTENCES: Final = rf"(?<=[.!?;])\s+|(?<=[。！？；!?;])|\s*[,，、]\s*(?={_EXPLICIT})|\s+(?:and|und)\s+(?={_EXPLICIT})"
_AFTER_ORDER: Final = (
    r"\s*[.!?;。！？；,，、]+\s*(?:and )?(?:then )?|\s+(?:and )?then\s+|\s+(?:and|but)\s+|(?<=[고요줘])\s+"
    r"|(?<=[してで])(?:から)?、?\s*(?=新|[\d一二三四五六七八九十])"
)
_SETS: Final = (
    r"\b(?:set|start|make|begin|add|create|give me)\b|[设設定订訂开開来來]|セット|設定|かけ|スタート|開始"
    r"|맞춰|설정|켜|시작"
)
_ANOTHER: Final = (
    r"\b(?:set|start|make|begin|add|create|give me|a|an|the|new|other|another|one|instead|again|for|to|it|please"
    r"|timer|alarm|reminder)\b|再|重新|另外|新(?:しく|しい|的)?|[给給]我|[设設]置?|[设設]?定|[订訂开開来來]|[一个個的吧]"
    r"|[计計定][时時]器?|[闹鬧][钟鐘]|提醒|もう|セット|かけ|スタート|開始|して|ください|[てのをでに]|タイマー|アラーム"
    r"|リマインダー|짜리|다시|새로|맞춰|설정|켜|시작|해|줘|주세요|으?로|[을를]|하나|타이머|알람|알림|좀"
)
"""All that can stand in words which set another one and say no more than that."""
_JOINTS: Final = (
    r"(\s*(?:(?<!\d),|,(?!\d)|、)\s*"
    r"(?:and then |and also |and |then |also |plus |然后|然後|还有|還有|以及|并且|並且|再|和"
    r"|それから|そして|あと|また|그리고 |또 )?"
    r"|\s+(?:und dann|und auch|und|and then|and also|as well as|and|then|plus|그리고|또)\s+"
    r"|(?:然后|然後|还有|還有|以及|和|跟|それから|そして|と)|(?<=[가-힣])(?:와|과|랑|이랑) |(?<=[가-힣]고) )"
)
"""Where a further wish may begin; what follows has to begin with a time."""
_LEAD_IN: Final = (
    r"^(?:(?:(?:and|but|so|also|then|again|once more|another(?: one| timer| alarm)?|one(?: more)?|for)\b"
    r"|再|又|还有?|還有?|另外|然后|然後|顺便|順便|对了|對了|それから|そして|あと(?=[、,])|また|그리고|또)[ ,，、]*)+"
)
_ALIKE: Final = (
    (  # "Friday, December 4th"
        r"\b((?:mon|tues|wednes|thurs|fri|satur|sun)day), "
        r"(?=(?:the )?\d{1,2}(?:st|nd|rd|th)\b|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d)",
        r"\1 ",
    ),
    (r"\b(alarms?) for (?=\d{1,2}\b(?! ?(?:min|sec|hour|h\b|[ap]\.?m|[:.]\d)))", r"\1 at "),
    (r"\b((?:hours?|hrs?),?) and (?=[a-z\d-]+ (?:min|sec))|\b(min(?:ute)?s?,?) and (?=[a-z\d-]+ sec)", r"\1\2 "),
    (r"((?:小时|小時|時間))[和与と](?=[\d一二三四五十]+分)", r"\1"),
    (  # "5 and 10 minutes"
        r"\b(\d{1,3})((?:,? and |, ))(?=\d{1,3} ?(seconds?|secs?|minutes?|mins?|hours?)\b)",
        r"\1 \3\2",
    ),
    (r"\b(on the \d{1,2}(?:st|nd|rd|th)(?:,? and |, ))(?=the \d{1,2}(?:st|nd|rd|th)\b)", r"\1on "),
    (  # "at 8 and 9 to …"
        r"\b(at \d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m\b\.?)?)(,? and |, )"
        r"(?=\d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m\b\.?)?(?: to | that | and |[,.!?]|$))",
        r"\1\2at ",
    ),
)
_WEEKDAY_TOO: Final = r"^(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
"""After "every Monday and"."""
_NOT_THEN: Final = r"(?:(?:but|aber) )?(?:not|nicht)\b"
_IS_TIMER: Final = (
    r"timer|alarm|\bwecker|计时|計時|倒计时|倒計時|定时|定時|闹钟|鬧鐘|タイマー|アラーム|目覚まし|타이머|알람"
)
_MOST_WORDS: Final = 4
_TELLS_MORE: Final = r"\b(?:her|him|them|it|that|if|is|are|was|starts?|begins?|opens?|closes?|before|because|since)\b"
_FOR_SOMEBODY: Final = r"^((?:call|phone|ring|text|message|e-?mail|write to|visit|meet|feed|pick up|wake|thank) )"
_SOMEBODY: Final = r"^(?:[A-Z][\w'-]*|(?:grand)?(?:mum|mom|ma|dad|pa)(?:my|dy)?)(?: [A-Z][\w'-]*)?$"
_FOR_SOMEBODY_HAN: Final = (
    r"^(?P<before>(?:打电话|打電話|打|回电话|回電話|发[^给給]{1,4}|發[^给給]{1,4}|写信|寫信)[给給]|[见見找接叫喊]).+$",
    r"^(?P<before>[给給]).+?(?P<after>打电话|打電話|回电话|回電話|发[^给給]{1,4}|發[^给給]{1,4}|写信|寫信)$",
)
_SOMEBODY_HAN: Final = (
    r"^(?P<given>[给給])?(?P<whom>[A-Z][a-z'-]*(?: [A-Z][a-z'-]*)?|[小阿老][\u4e00-\u9fff]"
    r"|[\u4e00-\u9fff]{1,3}(?:先生|小姐|太太|老师|老師)"
    r"|妈妈?|媽媽?|爸爸?|奶奶|爷爷|爺爺|外婆|外公|姐姐?|妹妹?|哥哥?|弟弟?|老婆|老公)$"
)
_SHARES: Final = (r"[時分半頃]に|ごろに|後に?|[時分]$", r"[시분반쯤] ?에|뒤에?|후에?|[시분]$")
"""In Japanese and Korean the verb comes last: a part before it shares it if its own time is that of the telling …"""
_ASKS_ITSELF: Final = r"(?:ください|下さい|お願い(?:します)?|ます|です|[ねよ]|줘|줘요|주세요|줄래|[요다])$"
"""… and it has none of its own."""
_BARE_VERB_KO: Final = (r"하고$", "하기"), (r"(?<=[가-힣])(?<![라다자])고$", "기")
_BACKWARDS: Final = 3
"""So many times as far is a time that goes back in what the user lists."""
_FILLER: Final = (
    r"(?:hi|hey|hello|ok|okay|oh|yes|yeah|yep|no|well|so|and|also|then|thanks|thank you|thx|please|great|good"
    r"|nice|cool|sure|all right|alright|right|perfect|good morning|good evening|good night|by the way|btw"
    r"|好|好的|好吧|嗯|谢谢|謝謝|你好|嗨|那|另外|对了|對了|还有|還有|请|請|麻烦你?|麻煩你?|早上好|晚上好"
    r"|はい|うん|ねえ|ありがとう(?:ございます)?|こんにちは|こんばんは|おはよう(?:ございます)?|じゃあ|それから|あと|お願い(?:します)?"
    r"|네|응|그래|좋아|고마워요?|감사합니다|안녕(?:하세요)?|그리고|아)"
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """``alone``: nothing else is said that anybody could want to know of."""

    wishes: tuple[Wish, ...] = ()
    alone: bool = True


@dataclass(slots=True)
class _Part:
    """A part of a sentence, with the time that it names. ``wish`` is None for what is no wish; ``has_day``: its own, or
    that of the one before it."""

    text: str
    read: Read
    wish: Wish | None = None
    has_day: bool = False

    @property
    def is_mere_time(self) -> bool:
        return bool(self.read.when or self.read.is_past) and self.read.leads and not subject_of(self.read.rest)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def read_wishes(text: str, now: datetime, *, name: str = "") -> Wishes:
    """What the words say; ``name`` is what she may be called in them. ``now``: local, without a zone."""
    if not is_about(text):
        return Wishes()
    words = plain(text, name)
    if len(words) <= LONGEST and (order := read_order(words)):
        return Wishes(_in_its_place(words, now) or (order,))
    found, beside = _gathered(words, now)
    timed = [wish for wish in found if wish.when or wish.is_past]
    if not timed or (len(found) == 1 and not (found[0].text or found[0].is_timer)):
        whole = read_set(words, now) if len(words) <= LONGEST else None
        if whole and (not timed or whole.text):
            return Wishes((whole,))
    if not timed:
        return Wishes()
    others = [part for part in beside if not is_filler(part, name)]
    if len(found) == 1 and others and not (found[0].text or found[0].is_timer):
        told = subject_of(" ".join(others))
        is_subject = len(told) <= _LONGEST_SUBJECT // 3 and not _pattern(r"[.!?。！？]\s*$").search(others[-1])
        if is_subject:
            return Wishes((replace(found[0], text=told),))
    return Wishes(tuple(found[:MOST_WISHES]), alone=not others)


def _in_its_place(words: str, now: datetime) -> tuple[Wish, ...]:
    """An order and what is wanted after it: "cancel the timer and set one for ten minutes"."""
    for joint in _pattern(_AFTER_ORDER).finditer(words):
        first, further = words[: joint.start()], words[joint.end() :]
        order = read_order(first)
        if order is None or not further:
            continue
        found, _ = _gathered(further, now)
        if not found and order.kind == "cancel":
            read = read_when(further, now, bare_length=True)
            is_one = _pattern(_SETS).search(read.rest) and not _pattern(r"\w").search(
                _pattern(_ANOTHER).sub("", read.rest)
            )
            found = [Wish("set", "", read.when, is_timer=order.is_timer)] if read.when and is_one else []
        if found:
            return (replace(order, text=first), *found)
    return ()


def _gathered(words: str, now: datetime) -> tuple[list[Wish], list[str]]:
    """The wishes in their order, and the parts that are none."""
    found: list[Wish] = []
    beside: list[str] = []
    last: _Part | None = None
    for sentence in _pattern(_SENTENCES).split(words):
        if not sentence or not sentence.strip():
            continue
        is_one = len(sentence) <= LONGEST and (is_about(sentence) or len(sentence) <= _LONGEST_ANSWER)
        if not is_one or len(found) >= MOST_WISHES:
            beside.append(sentence)
            continue
        parts = _parts(sentence.strip(), now)
        if found and len(parts) == 1 and parts[0].is_mere_time and not found[-1].when:
            found[-1] = replace(found[-1], when=parts[0].read.when, is_past=parts[0].read.is_past)
            continue
        last = _understand(parts, now, last)
        found += _shared([part for part in parts if part.wish])
        beside += [part.text for part in parts if not part.wish]
    return found, beside


def _parts(sentence: str, now: datetime) -> list[_Part]:
    """A sentence cut before each further time."""
    is_timer = _pattern(_IS_TIMER).search(sentence) is not None
    for pattern, alike in _ALIKE:
        sentence = _pattern(pattern).sub(alike, sentence)
    fragments = _pattern(_JOINTS).split(sentence, maxsplit=_MOST_FRAGMENTS)
    first = _pattern(_LEAD_IN).sub("", fragments[0])
    parts = [_Part(first, read_when(first, now, bare_length=is_timer))]
    for joint, fragment in zip(fragments[1::2], fragments[2::2], strict=True):
        bare = _pattern(_LEAD_IN).sub("", fragment)
        if parts[-1].read.when and parts[-1].read.when.every == "week":
            bare = _pattern(_WEEKDAY_TOO).sub(r"every \g<0>", bare)
        read = read_when(bare, now, bare_length=is_timer)
        if _begins_another(parts[-1], bare, read, now):
            parts.append(_Part(bare, read))
        else:
            text = f"{parts[-1].text}{joint}{fragment}"
            parts[-1] = _Part(text, read_when(text, now, bare_length=is_timer))
    return parts


def _begins_another(before: _Part, text: str, read: Read, now: datetime) -> bool:
    if not (read.when or read.is_past) or _pattern(_NOT_THEN).match(text):
        return False
    if not read.leads:  # "to call mum at 5 and to take the bins out at 6", "to call Anna at 5 and Bob at 6"
        has_time = before.read.when is not None or before.read.is_past
        return has_time and (text.startswith("to ") or _is_like(before, text, read))
    one, other = before.read, read
    is_one_time = one.dated != other.dated and one.clocked != other.clocked  # "tomorrow, at nine, …"
    if not (is_one_time and (one.when or one.is_past)):
        return True
    wish = read_set(before.text, now)
    is_split = _Part(text, read).is_mere_time or before.is_mere_time or (wish is not None and not wish.text)
    return not is_split


def _is_like(before: _Part, text: str, read: Read) -> bool:
    """A further wish that has its hour where the one before it has: at its end, or in the middle of Chinese or Japanese
    words that a comma sets apart. What tells more of the same ("… at 5 and tell her that it starts at 6") is none."""
    if not (before.read.clocked and read.clocked) or before.read.leads:
        return False
    if _pattern(r"[\u3040-\u30ff\u3400-\u9fff]").search(text):
        return not read.ends and not before.read.ends
    words = subject_of(read.rest)
    return (
        read.ends and before.read.ends and len(words.split()) <= _MOST_WORDS and not _pattern(_TELLS_MORE).search(words)
    )


def _understand(parts: Sequence[_Part], now: datetime, last: _Part | None) -> _Part | None:
    """What each part wishes, by its own verb or that of another; the last one that does."""
    own = [read_set(part.text, now) for part in parts]
    carrier = next((_carrier(part.text, wish) for part, wish in zip(parts, own, strict=True) if wish), None)
    for at, (part, wish) in enumerate(zip(parts, own, strict=True)):
        if wish is None and carrier is not None and (part.read.when or part.read.is_past):
            wish = _borrowed(part, carrier, now, is_before_verb=not any(own[: at + 1]))
        if wish is None:
            continue
        part.wish, part.has_day = wish, part.read.dated
        if last is not None and not part.read.dated:
            _take_day(part, last)
        last = part
    return last


@dataclass(frozen=True, slots=True)
class _Carrier:
    """The verb that a part without one borrows, before or after it."""

    before: str = ""
    after: str = ""


def _carrier(text: str, wish: Wish) -> _Carrier:
    if _pattern(r"[가-힣]").search(text):
        return _Carrier(after=" 타이머 맞춰 줘" if wish.is_timer else " 리마인드해 줘")
    if _pattern(r"[\u3040-\u30ff]").search(text):
        return _Carrier(after="のタイマーをセットして" if wish.is_timer else "をリマインドして")
    if _pattern(r"[\u3400-\u9fff]").search(text):
        return _Carrier(before="设一个闹钟" if wish.is_timer else "提醒我")
    if _pattern(r"\b(?:mich|mir|wecker)\b").search(text):
        return _Carrier(before="stell einen Timer auf " if wish.is_timer else "erinnere mich ")
    return _Carrier(before="set a timer for " if wish.is_timer else "remind me ")


def _borrowed(part: _Part, carrier: _Carrier, now: datetime, *, is_before_verb: bool) -> Wish | None:
    text = part.text
    if carrier.before:
        return None if is_before_verb and not part.is_mere_time else read_set(f"{carrier.before}{text}", now)
    shares = any(_pattern(pattern).search(text) for pattern in _SHARES)
    if (
        not is_before_verb
        or not (part.read.leads or part.read.clocked)
        or not shares
        or _pattern(_ASKS_ITSELF).search(text)
    ):
        return None
    for pattern, bare in _BARE_VERB_KO:
        text = _pattern(pattern).sub(bare, text)
    return read_set(f"{text}{carrier.after}", now)


def _take_day(part: _Part, last: _Part) -> None:
    """ "Tomorrow at 5 … and at 6 …": an hour without a day is on that of the one before, or at that half of a day,
    where this is nearer. What goes back from one to the next is less likely."""
    wish, before = part.wish, last.wish
    if not (wish and wish.when and before and before.when) or before.when.after_s is not None:
        return
    due, base = wish.when.due, before.when.due
    later = read_when(part.text, base).when
    following = read_when(part.text, due).when
    is_open = following is not None and following.due - due <= timedelta(hours=12)
    if later and (last.has_day or is_open) and later.due - base < _BACKWARDS * (base - due):
        part.wish, part.has_day = replace(wish, when=later), last.has_day


def _shared(parts: Sequence[_Part]) -> list[Wish]:
    """With what one of them says for several: the words ("at 8 and at 20:00 to …"), the hour, the week."""
    found: list[Wish] = []
    for part in parts:
        wish = part.wish
        assert wish is not None
        is_mere_time = not (wish.text or wish.is_timer)
        if found and not found[-1].when and not found[-1].is_past and (is_mere_time or not found[-1].text):
            found[-1] = replace(wish, text=found[-1].text or wish.text, is_timer=found[-1].is_timer)
            continue
        if found and (verb := re.match(_FOR_SOMEBODY, found[-1].text)) and re.match(_SOMEBODY, wish.text):
            wish = replace(wish, text=f"{verb[1]}{wish.text}")
        elif found and (whole := _for_somebody_han(found[-1].text, wish.text)):
            wish = replace(wish, text=whole)
        if found and is_mere_time:
            wish = wish if part.read.dated else _as_often(wish, found[-1])
            found[-1] = _like_the_next(found[-1], replace(wish, text=found[-1].text))
            wish = replace(wish, text=found[-1].text)
        found.append(wish)
    for at in range(len(found) - 2, -1, -1):
        if not (found[at].text or found[at].is_timer):
            found[at + 1] = _as_often(found[at + 1], found[at])
            found[at] = _like_the_next(found[at], found[at + 1])
    return found


def _for_somebody_han(before: str, text: str) -> str | None:
    """ "打電話給 Anna … Bob": with what is to be done for the one before."""
    somebody = re.match(_SOMEBODY_HAN, text)
    verb = next((found for one in _FOR_SOMEBODY_HAN if (found := re.match(one, before))), None)
    if somebody is None or verb is None or (somebody["given"] and not verb["before"].endswith(("给", "給"))):
        return None
    return f"{verb['before']}{somebody['whom']}{verb.groupdict().get('after') or ''}"


def _as_often(wish: Wish, other: Wish) -> Wish:
    """ "Every day at 8 and at 20:00" is both every day."""
    if wish.when and other.when and other.when.every == "day" and wish.when.after_s is None:
        return replace(wish, when=replace(wish.when, every="day"))
    return wish


def _like_the_next(wish: Wish, following: Wish) -> Wish:
    """ "At 8 and at 20:00": of two that would be due at once the first is half a day off."""
    if wish.when and following.when and wish.when.due == following.when.due:
        wish = replace(wish, when=replace(wish.when, due=wish.when.due + timedelta(hours=12)))
    return replace(wish, text=following.text)


def is_filler(text: str, name: str = "") -> bool:
    """Is that a greeting, thanks or the like, which nobody has to look at?"""
    words = _pattern(r"[^\w\s']+").sub(" ", text)
    called = f"|{re.escape(name)}" if name else ""
    return _pattern(rf"\s*(?:(?:{_FILLER}{called})\s*)*").fullmatch(words) is not None
