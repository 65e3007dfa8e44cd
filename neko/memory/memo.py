"""The memo: what the recent window says about everything that came before it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from neko.errors import ContextTooLongError, NekoError
from neko.language import guess
from neko.memory import extractive_memo
from neko.memory.fact_rules import sentences
from neko.memory.line_codec import Names
from neko.memory.no_memo import NoMemoError, memo_of, says_unchanged
from neko.memory.telling_words import is_lost, left_out, most_telling, telling
from neko.settings import ASSETS
from neko.tasks import in_thread
from neko.types.memory import RecentEntry, Summarise

logger = logging.getLogger(__name__)

LIMIT = 500
"""Characters of a memo, without its prefix."""

_ATTEMPTS = 3
_NO_MEMOS = 2
"""Answers that are no memo, after which a model is not asked again."""
_SHORTEST_PART = 64
"""Characters: a model that takes no more than this at once is asked nothing."""
_SHORTEST_EXCERPT = 16

_PREFIXES: Mapping[str, str] = {
    "en": "Previous conversation memo: ",
    "zh-CN": "先前对话的备忘录: ",
    "zh-TW": "先前對話的備忘錄: ",
    "ja": "前回の会話のメモ: ",
    "ko": "이전 대화 메모: ",
}
_PREFIXES_THERE = (
    "Memo from prior conversations: ",
    "以前の会話のメモ: ",
    "이전 대화의 메모: ",
    "Заметки из предыдущих разговоров: ",
    "Notas de conversaciones previas: ",
    "Notas de conversas anteriores: ",
)
"""Those of newer versions of N.E.K.O. that are none of ours."""
_FENCE = re.compile(r"^```\w*\s*\n?|\n?```\s*$")
_SENTENCE_END = re.compile(r"[.!?。！？…\n]")


def memo_text(summary: str, language: str) -> str:
    """The memo as it stands in the file, with the prefix of its language."""
    return _PREFIXES[language] + summary


def cut_memo_prefix(text: str) -> str:
    """The bare summary; the prefix of any language is recognised."""
    for prefix in (*_PREFIXES.values(), *_PREFIXES_THERE):
        if text.startswith(prefix.rstrip()):
            return text[len(prefix.rstrip()) :].lstrip()
    return text


@cache
def instructions(language: str) -> Mapping[str, str]:
    """What a model is asked to do with the window, in one language. Reads a file once."""
    path = ASSETS / "prompts" / "memory" / f"{language}.json"
    loaded: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def transcript(entries: Sequence[RecentEntry], names: Names) -> str:
    """``speaker | text`` lines; ``names`` maps the roles to what the speakers are called."""
    return "\n".join(f"{names[entry.role]} | {entry.text}" for entry in entries)


def gist(entries: Sequence[RecentEntry], limit: int, names: Names, language: str) -> str:
    """``types.memory.Gist``, for who they are called and the language of the user."""
    said = [entry.text for entry in entries if entry.role == "user"]
    return extractive_memo.extract(entries, names, limit, guess("\n".join(said), language))


def extract(entries: Sequence[RecentEntry], names: Names, language: str = "en") -> str:
    """A memo without a model: what was stated (``extractive_memo``), within ``LIMIT``.

    Of mere small talk the earlier memo, then how each line began.
    """
    if stated := extractive_memo.extract(entries, names, LIMIT, language):
        return stated
    earlier = "\n".join(entry.text for entry in entries if entry.role == "system")
    turns = [entry for entry in entries if entry.role != "system"]
    heads = [f"{names[turn.role]}: " for turn in turns]
    if not turns:
        return earlier[:LIMIT]
    wanted = sum(len(head) + len(turn.text) + 1 for head, turn in zip(heads, turns, strict=True))
    room = LIMIT - min(len(earlier) + 1, max(LIMIT // 2, LIMIT - wanted)) if earlier else LIMIT
    share = max(_SHORTEST_EXCERPT, (room - sum(len(head) + 1 for head in heads)) // len(turns))
    lines = [head + extractive_memo.beginning(turn.text, share) for head, turn in zip(heads, turns, strict=True)]
    recent = "\n".join(lines)[-room:]
    return f"{earlier[-(LIMIT - room - 1) :]}\n{recent}" if earlier else recent


def stated(entries: Sequence[RecentEntry], names: Names, language: str) -> str:
    """What of the lines must not be lost in a memo of them (``summary``), "" for nothing."""
    lines = [entry for entry in entries if entry.role != "system"]
    return extractive_memo.extract(lines, names, LIMIT, language, least=extractive_memo.Worth.LASTING)


async def summary(
    text: str, language: str, summarise: Summarise, *, former: str = "", told: str = "", detailed: bool = False
) -> str | None:
    """A summary of at most ``LIMIT`` characters; None when the model has no words, ``NekoError`` when it fails,
    ``NoMemoError`` when what it says is none. ``former``: the memo that the text begins with; ``told``: what the
    lines behind it state (``stated``). ``detailed``: one that keeps as much as it can.

    What is too long for it is summed up in parts, the oldest first, each after the memo of those before. What a
    former memo said, or the lines, is not lost in a new one that passes it over.
    """
    memo, rest, size = "", text, len(text)
    while True:
        head = f"{memo_text(memo, language)}\n" if memo else ""
        part = _first_part(rest, max(size - len(head), size // 2))
        try:
            answer = await _memo_of(head + part, memo or former, language, summarise, detailed=detailed)
        except ContextTooLongError:
            size = min(size, len(head) + len(part)) // 2
            if size < _SHORTEST_PART:
                raise
            continue
        if not answer:
            return None
        rest = rest[len(part) :]
        memo = await in_thread(_keeping, memo or former, answer, "" if rest else told)
        if not rest:
            return memo


def _first_part(text: str, size: int) -> str:
    """The first ``size`` characters at most, up to the end of a line or of a word if there is one in the later half."""
    if len(text) <= size:
        return text
    ends = (text.rfind(end, size // 2, size) for end in "\n ")
    return text[: next((end + 1 for end in ends if end >= 0), size)]


async def _memo_of(text: str, former: str, language: str, summarise: Summarise, *, detailed: bool) -> str:
    """One part summed up, "" when there are no words.

    At most three calls in all; a summary that is too long is sent back to be shortened, and after the last call, or
    when that fails, cut at a sentence end. Raises ``NoMemoError``.
    """
    ask = instructions(language)
    best, no_memos = "", 0
    for _ in range(_ATTEMPTS):
        prompt = ask["shorten" if best else "detailed" if detailed else "summary"]
        try:
            reply = await summarise(prompt.format(limit=LIMIT, text=best or text))
            reply = await in_thread(_read, reply, text, former, best)
        except NoMemoError:
            logger.warning("what the model answered is no memo: %d characters", len(reply))
            reply, no_memos = "", no_memos + 1
        except NekoError as error:
            if not best:
                raise
            logger.warning("a memo could not be shortened: %s", error.code)
            break
        best = min((found for found in (best, reply) if found), key=len, default="")
        if (best and len(best) <= LIMIT) or no_memos == _NO_MEMOS:
            break
    if no_memos and not best:
        raise NoMemoError
    return _cut_at_sentence(best)


def _read(reply: str, talk: str, former: str, longer: str) -> str:
    """``no_memo.memo_of``, whichever way a model dresses it up: the ``former`` memo where it says that this stays as
    it is; "" for what has lost the ``longer`` memo that was to be shortened."""
    answer = unwrapped(reply)
    if (longer or former) and says_unchanged(answer):
        return longer or former
    memo = unwrapped(memo_of(answer, talk))
    return "" if is_lost(longer, memo) else memo


def _keeping(former: str, new: str, told: str) -> str:
    """The new memo between what is told best of the former one and of the lines, of each that is lost in it."""
    lost = {text: lines for text in (former, told) if (lines := _lost(text, new))}
    if not lost:
        return new
    logger.warning("what the model answered has lost what was said before, which stays beside it")
    room = LIMIT - min(len(new), LIMIT // 2) - len(lost)
    kept = {}
    for share, text in zip(range(len(lost), 0, -1), sorted(lost, key=len), strict=True):
        kept[text] = most_telling(lost[text], room // share)
        room -= len(kept[text])
    new = _cut_at_sentence(new, LIMIT - sum(map(len, kept.values())) - len(kept))
    return "\n".join(filter(None, (kept.get(former), new, kept.get(told))))


def _lost(text: str, new: str) -> str:
    """What of a text is beside a new memo: all that is not in it if it has lost the text, else what is looked for again
    of which it has not a word."""
    lines = left_out(text, new)
    if is_lost(text, new):
        return lines
    had = telling(new)
    keys = filter(extractive_memo.is_looked_for, sentences(lines))
    return "\n".join(one for one in keys if had.isdisjoint(telling(one)))


def unwrapped(reply: str) -> str:
    """A model's answer without fences, and without the JSON that some insist on: what stands in it, by its names where
    that is more than one text."""
    text = _FENCE.sub("", reply.strip()).strip()
    if not text.startswith(("{", "[")):
        return text
    try:
        waiting: list[tuple[str, Any]] = [("", json.loads(text))]
    except (ValueError, RecursionError):
        return text
    told: list[tuple[str, str]] = []
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.items()][::-1]
        elif isinstance(value, list):
            waiting += [("", one) for one in reversed(value)]
        elif isinstance(value, str | int | float) and (words := str(value).strip()):
            told.append((name, words))
    if len(told) == 1:
        return told[0][1]
    return "\n".join(f"{name}: {words}" if name else words for name, words in told) or text


def _cut_at_sentence(text: str, limit: int = LIMIT) -> str:
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit)]
    return text[: ends[-1]] if ends and ends[-1] > limit // 2 else extractive_memo.beginning(text, limit)
