"""What a model answers instead of a memo: a refusal, a nod, a request for the text, the announcement of a memo that
does not come, one word again and again. And what it says before a memo.

None of that may take the place of the memo before. It is told by few and plain signs, as a memo may be short, abstract,
or in another language than the talk.
"""

from __future__ import annotations

import re
from typing import Final

from neko.late_patterns import late_pattern
from neko.memory import words
from neko.memory.telling_words import telling

_NOD: Final = (
    r"(?:m+hm+|m{2,9}|h+m+|uh[- ]?huh|ah+|oh+|aha|i (?:see|understand(?: your request)?)|o\.?k(?:ay)?|certainly"
    r"|sure(?: thing)?"
    r"|of course|absolutely|got it|understood|al(?:l )?right|no problem|great|noted|thanks?(?: you)?|yes|yeah|yep|right"
    r"|sounds good|will do"
    r"|done|go on|hello|hi|here you go|talk to you later|(?:i am|i.m) ready|however"
    r"|i(?:.d| would| will|.ll|.m| am)? (?:be )?(?:happy|glad) to help(?: you)?(?: with that)?"
    r"|i(?: can|.ll| will) (?:do|summari[sz]e|help(?: you)? with) (?:that|it|this)(?: for you)?"
    r"|i(?:.ll| will) (?:keep that in mind|remember (?:that|it|this))|none|n/a"
    r"|nothing(?: to (?:note|add|report|summari[sz]e))?|(?:no|kein)(?: new)? memo"
    r"|null|undefined|an error occurred[^\n.]*|nothing (?:important|notable|special)(?: (?:was )?\w+)?"
    r"|no (?:conversation|text|messages?|content)(?: (?:to summari[sz]e|provided|found))?"
    r"|(?:as requested,? )?i(?:.ve| have) (?:summari[sz]ed|written|created)[^\n.:]*"
    r"|(?:das )?merke ich mir|nichts (?:wichtiges|besonderes)"
    r"|klar|alles klar|nat(?:ü|ue)rlich|gerne?|sicher|selbstverst(?:ä|ae)ndlich|verstanden"
    r"|in ordnung|ich verstehe|ja|genau|gut|danke|mach(?:e)? ich|kein problem|keine?|nichts)\b"
    r"|[嗯哦啊噢]|好(?:的|呀|吧)?|明白了?|知道了|了解了?|(?:我|已)(?=明白|知道|了解|收到)|(?:当然|當然)(?:可以)?|(?:没|沒)(?:问题|問題)|收到"
    r"|是的?|可以|你好|您好|[无無]|(?:没|沒)有"
    r"|(?:我)?(?:记住|記住|记下|記下)(?:了|啦)|(?:没|沒)有(?:什么|什麼)?(?:需要|值得)(?:记录|記錄|总结|總結)的?(?:内容|內容)?"
    r"|覚えました|(?:会話|対話)を要約しました|特に(?:記録|要約)することはありません"
    r"|기억(?:할게요|하겠습니다|했습니다)|(?:대화를 )?요약했습니다|(?:특별히 )?기록할 (?:내용|것)이 없습니다"
    r"|うん|ええ|はい|なるほど|[分わ]か(?:りました|った)|了解(?:です|しました|いたしました)?|承知(?:しました|いたしました)|かしこまりました|もちろん(?:です)?"
    r"|(?:以下に)?(?:メモ|要約)を(?:作成|記載)します|そうです(?:ね|か)|そうなん(?:だ|ですね)|ふむ|(?:特に)?(?:なし|ありません)"
    r"|[네예응음]|아하?|그렇(?:군요?|구나)|알(?:겠|았)(?:습니다|어요|어)|물론(?:이죠|이에요|입니다)?|좋(?:아요?|습니다)|이해했(?:습니다|어요|어)"
    r"|확인했(?:습니다|어요)|감사합니다|안녕하세요|없(?:음|습니다|어요)"
    r"|(?:요약해|메모를 작성해?) ?(?:드리)?겠습니다|메모를 작성하겠습니다"
    r"|我[会會][记記]住的?|我[来來将將会會][为為帮幫给給]?[您你]?(?:总结|總結)(?:[这這]段[对對][话話])?"
)
"""Nods, and what says that there is nothing."""
_ANNOUNCED: Final = (
    r"(?:(?:here(?:.s| is| are)|below is|the following is)(?: (?:the|an?|your|my))?(?: [\w'’-]+){0,5}? "
    r"(?:memo|summary|recap)\b"
    r"|(?:hier(?: ist| kommt)?|nachfolgend(?: ist)?|(?:im )?folgend(?:en)?(?: ist)?)(?: \w+){0,5}? "
    r"(?:memo|zusammenfassung|(?:gesprächs)?notiz(?:en)?)\b"
    r"|(?:以下|下面|这|這)[里裡裏]?就?[是为為][^\n:：。，,]{0,30}?(?:备忘录?|備忘錄?|总结|總結|摘要|概要)"
    r"|(?:以下|こちら|次)[はがに、][^\n:：。、]{0,30}?(?:メモ|要約|まとめ|概要)|(?:다음은|아래는|여기)[^\n:：.,]{0,30}?(?:메모|요약)"
    r")[^\n:：.。!！]{0,60}"
)
_HEADING: Final = (
    r"(?:(?:this is|the|die|das|previous|earlier|updated?|new|short|brief|concise|detailed|conversation) ){0,3}"
    r"(?:memo|summary|recap|zusammenfassung)(?: (?:is as follows|follows|lautet wie folgt|lautet))?"
    r"(?: (?:of|der|des) (?:the |our |this )?(?:conversation|talk|unterhaltung|gesprächs))?"
    r"|(?:先前|之前|更新|简短|簡短|详细|詳細|本次|这段|這段|以上|对话|對話|的|后|後){0,6}(?:备忘录?|備忘錄?|总结|總結|摘要|概要)(?:如下)?"
    r"|(?:前回|会話|以前|更新|の|した){0,5}(?:メモ|要約|まとめ|概要)(?:は(?:以下|次)の(?:通り|とおり)です)?"
    r"|(?:(?:이전|지난|대화|새) ?){0,3}(?:메모|요약)(?:[은는] 다음과 같습니다|입니다)?"
)
_PREAMBLE: Final = late_pattern(
    rf"[\W_]{{0,9}}(?:(?:{_NOD})[\W_]{{0,9}}){{0,3}}"
    rf"(?:(?:{_ANNOUNCED}|{_HEADING})[*_ ]*(?:[:：。.]?[*_]*\s*\n\s*|[:：][*_]*\s*)"
    rf"|(?:{_ANNOUNCED}|[^\n]{{0,8}}(?:如下|以下の通りです|다음과 같습니다))[.。!！]?[*_]*\s*$)",
    re.I,
)
_NODS: Final = late_pattern(rf"(?:[\W_]*(?:{_NOD}))+[\W_]*", re.I)
_REFUSAL: Final = (
    r"(?:i.?m |i am )?(?:so |very |really )?sorry\b|(?:i )?apologi[sz]e\b|as an? (?:ai|language model)\b"
    r"|(?:unfortunately,? )?i(?: can(?:no|.)t|(?: a|.)m (?:not able|unable)| won.t) (?:to )?"
    r"(?:help|assist|comply|summari[sz]e|do that|fulfil|process|continue|provide|create|generate)"
    r"|das (?:kann|darf) ich (?:leider )?nicht\b|ich (?:kann|darf) (?:leider )?keine?\b[^.!?\n]{0,40}\bzusammenfassen"
    r"|(?:很|非常)?(?:抱歉|对不起|對不起)|作为(?:一个|一名)?(?:ai|人工智能)|作為(?:一個)?(?:ai|人工智慧)|我(?:无法|無法|不能)(?:提供|协助|協助|帮|幫|完成|处理|處理|总结|總結)"
    r"|申し訳|すみません|お(?:手伝い|答え)(?:は)?できません|죄송|도와드릴 수 없|(?:es )?tut mir (?:sehr )?leid\b"
)
_REQUEST: Final = (
    r"(?:please|could you|can you|kindly|you (?:have|did)n.t)\b[^.!?\n]{0,30}"
    r"\b(?:provided?|shared?|sen[dt]|pasted?|give)\b[^.!?\n]{0,30}\b(?:conversation|text|transcript|dialogue|chat|messages)\b"
    r"|(?:it (?:seems|looks like|appears)|there (?:is|was|are))\b[^.!?\n]{0,30}(?:\bnot?\b|n.t\b|\bempty\b|\bmissing\b)"
    r"[^.!?\n]{0,30}\b(?:conversation|transcript|text provided)\b|how (?:can|may) i (?:help|assist)\b"
    r"|it (?:seems|looks like) you (?:haven.t|have not|did not|didn.t)\b"
    r"|[请請](?:您|你)?先?[把将將](?:对话|對話|文本|内容|內容|聊天)[^。！？\n]{0,9}[发發给給贴貼]|[您你](?:还|還)?(?:没|沒)有?(?:提供|发送|發送|给我|給我)"
    r"|(?:for sharing|let me know|what (?:would you like|do you want|should i))\b|i am an? (?:ai|language model)\b"
    r"|(?:i(?:.ll| will| can| would|.d| do(?:n.t| not)| can(?:not|.t))|let me)\b[^.!?\n]{0,40}"
    r"\b(?:memo|summar\w+|conversation|transcript)\b|the (?:conversation|transcript)(?: text)? is (?:missing|empty)\b"
    r"|[请請](?:您|你)?先?(?:告[诉訴]我|提供|发送|發送|分享|粘贴|貼上|给出|給出|输入|輸入)[^。！？\n]{0,20}(?:对话|對話|文本|内容|內容|文字|聊天记录|聊天記錄)"
    r"|[请請]?[问問]?有什[么麼]可以[帮幫]"
    r"|[^。！？\n]{0,20}(?:会話|対話|テキスト|文章|内容)[^。！？\n]{0,20}(?:ください|下さい|いただけますか|頂けますか)(?:[。！!？?\s]|$)"
    r"|[^。！？\n]{0,12}お手伝いできますか|何を要約しま|[^。\n]{0,9}会話(?:の\w{1,6})?が(?:見当たり|あり)ません"
    r"|무엇을 도와|대화 내용이 없"
    r"|[^.!?\n]{0,20}(?:대화|텍스트|내용)[^.!?\n]{0,20}(?:주세요|주십시오|주시겠)"
    r"|(?:bitte|könnten? sie|könntest du|kannst du|gib mir|schicke? mir|sende? mir|teile? mir)\b[^.!?\n]{0,40}"
    r"\b(?:gespräch|text|unterhaltung|dialog|transkript|chatverlauf)|wie kann ich (?:dir|ihnen|euch) "
    r"|ich (?:fasse|werde)\b[^.!?\n]{0,40}\bzusammen|was soll ich zusammen"
    r"|ich sehe keine?n? (?:gespräch|text|unterhaltung)"
)
_INSTEAD: Final = late_pattern(rf"[\W_]*(?:(?:{_NOD})[\W_]*){{0,3}}(?:{_REFUSAL}|{_REQUEST})", re.I)
_OF_TALK: Final = 4
"""Telling words of the talk that an answer holds which only begins so: "Sorry about Monday, said Tobi, whose …"."""
_LONGEST_NOD: Final = 120
_MANY: Final = 30


_UNCHANGED: Final = late_pattern(
    r"[\W_]*(?:"
    r"(?:the )?(?:(?:previous|earlier|former|existing|current) )?(?:memo |summary )?(?:remains |stays |is )?(?:the )?"
    r"(?:unchanged|same(?: as (?:before|above|previously|earlier))?|as it (?:is|was))"
    r"|(?:there (?:is|are|was|were) )?(?:no (?:new )?(?:changes?|updates?|information)|nothing (?:new|has changed))"
    r"(?: to (?:add|report|note|the memo))?"
    r"|i(?:.ve| have) (?:carried over|kept) the (?:previous|earlier|former|existing) memo"
    r"|(?:das memo |die zusammenfassung )?(?:bleibt )?(?:unverändert|gleich|wie (?:zuvor|vorher|bisher|oben))"
    r"|(?:es gibt )?(?:nichts neues|keine (?:neuen informationen|änderung(?:en)?))"
    r"|(?:备忘录|備忘錄|摘要|总结|總結|内容|內容)?(?:保持|维持|維持)?(?:不变|不變|(?:没有|沒有|无|無)(?:变化|變化)|原样|原樣)"
    r"|同上|[与與和跟](?:之前|上[文次面]|先前|以前)(?:相同|一样|一樣|一致)|[暂暫]?(?:[无無]|没有|沒有)新(?:的)?(?:内容|內容|信息|資訊)"
    r"|(?:メモ[はに])?(?:変更(?:は)?(?:なし|ありません)|変わりません|変化なし)|(?:前回|以前|前|上)(?:のメモ)?と(?:同じ|同様)(?:です)?"
    r"|(?:新しい|追加の?)(?:情報|内容)は?(?:特に)?(?:なし|ありません)"
    r"|(?:메모(?:는|에) )?(?:변경(?: ?사항)?(?:이|은)? ?없(?:음|습니다)|그대로입니다|변함없(?:음|습니다))"
    r"|(?:이전|위)(?: ?메모)?[과와] ?(?:동일(?:함|합니다)|같(?:음|습니다))"
    r"|(?:새로운|추가할) ?(?:내용|정보)(?:이|은|는)? ?없(?:음|습니다)"
    r")[\W_]*",
    re.I,
)
"""The memo before stays as it is."""
_CLOSING: Final = late_pattern(
    r"[\W_]*(?:(?:please )?let me know\b|feel free to\b|would you like me to\b|i hope this\b"
    r"|(?:如需|如果[您你]?(?:需要|想|有))[^\n]{0,30}(?:告诉|告訴|随时|隨時)|(?:修正|変更)が(?:必要|あれ)|필요하(?:시)?면[^\n]{0,20}(?:말씀|알려)"
    r"|(?:sag|gib)(?: mir)? (?:gerne? )?bescheid\b"
    r"|(?:characters|word count|zeichen|字[数數]|文字数|글자 ?수)[\W_]{0,4}\d"
    r"|\d+ ?(?:characters|words|zeichen|字|文字|자)\b[\W_]*$)",
    re.I,
)
"""A line behind a memo that is none of it."""
_QUOTED: Final = ('""', "“”", "„“", "「」", "『』")


class NoMemoError(Exception):
    """A model answered in words, and they are no memo."""


def says_unchanged(answer: str) -> bool:
    """Whether it says in so many words that the memo before stays as it is, with nothing to add."""
    return len(answer) <= _LONGEST_NOD and bool(_UNCHANGED.fullmatch(answer))


def memo_of(answer: str, talk: str) -> str:
    """The memo of the ``talk`` (``memo.transcript``) in a model's answer, "" when that is empty.

    Raises ``NoMemoError``. For a thread: looks through the talk.
    """
    if not answer.strip():
        return ""
    if not any(map(str.isalnum, answer)) or says_unchanged(answer):
        raise NoMemoError
    preamble = _PREAMBLE.match(answer)
    memo = _bare(answer[preamble.end() :].strip() if preamble else answer)
    if not any(map(str.isalnum, memo)) or (len(memo) <= _LONGEST_NOD and _NODS.fullmatch(memo)):
        raise NoMemoError
    held = words.terms(memo)
    if len(held) >= _MANY and len(set(held)) == 1:
        raise NoMemoError
    if _INSTEAD.match(memo) and len(telling(memo).intersection(telling(talk))) < _OF_TALK:
        raise NoMemoError
    return memo


def _bare(memo: str) -> str:
    """Without what is said behind it, and without quotes round all of it."""
    before, _, last = memo.rpartition("\n")
    if before.strip() and _CLOSING.match(last):
        memo = before.strip()
    is_quoted = memo[:1] + memo[-1:] in _QUOTED and not any(mark in memo[1:-1] for mark in (memo[0], memo[-1]))
    return memo[1:-1].strip() if is_quoted else memo
