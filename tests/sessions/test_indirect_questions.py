"""Questions that name what they are about only by what was said before them, or by a time: what reaches the model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from neko.app import Neko
from neko.llm.tokens import estimate_tokens
from neko.prompts import phrases
from neko.sessions.recall_lines import RECALL_BUDGET
from neko.settings import Settings
from neko.types.lines import NewLine
from tests.scripted_provider import Script, ScriptedProvider

DAYS = 250
"""Of talk before the questions, a few lines each."""


@dataclass(frozen=True)
class Talk:
    """What was told, and the questions that want it; ``nothing`` are words to which nothing belongs."""

    language: str
    small_talk: tuple[str, ...]
    sister: str
    ask_sister: tuple[str, str]
    yesterday: str
    ask_yesterday: str
    friday: str
    ask_friday: str
    may: str
    ask_may: str
    oslo: tuple[str, str]
    ask_oslo: str
    nothing: tuple[str, ...]


TALKS = [
    Talk(
        "en",
        ("The bus was late again.", "I had soup for lunch.", "It rained all morning.", "The shelf is tidy at last."),
        "My sister Clara builds violins in Cremona.",
        ("Do you remember my sister?", "And what is her job?"),
        "A red kite got stuck in the plum tree.",
        "What did I tell you yesterday?",
        "The piano tuner forgot his hat.",
        "What happened last Friday?",
        "The new boiler makes the whole flat hum.",
        "What was going on in May?",
        ("I am in Oslo for the week.", "A goat stands on the hotel roof!"),
        "What did I see when I was in Oslo?",
        ("ok thanks", "haha nice", "good night"),
    ),
    Talk(
        "zh-CN",
        ("公交车又晚点了。", "午饭喝了汤。", "上午一直在下雨。", "书架终于整理好了。"),
        "我姐姐克拉拉在苏州做小提琴。",
        ("你还记得我姐姐吗？", "那她做什么工作？"),
        "一只红风筝挂在李子树上了。",
        "昨天我跟你说了什么？",
        "钢琴调音师忘了拿帽子。",
        "上周五发生了什么？",
        "新锅炉让整间屋子嗡嗡响。",
        "五月的时候怎么了？",
        ("我这周在奥斯陆。", "有只山羊站在旅馆屋顶上！"),
        "我在奥斯陆的时候看到了什么？",
        ("好的谢谢", "哈哈不错", "晚安"),
    ),
    Talk(
        "ja",
        ("バスがまた遅れた。", "昼はスープを飲んだ。", "午前中はずっと雨だった。", "やっと棚が片づいた。"),
        "姉のクララは松本でバイオリンを作っています。",
        ("姉のこと覚えてる？", "それで、姉の仕事は？"),
        "赤い凧がスモモの木に引っかかった。",
        "昨日わたしは何を話した？",
        "調律師が帽子を忘れていった。",
        "先週の金曜日に何があった？",
        "新しいボイラーで部屋じゅうがうなっている。",
        "五月に何があった？",
        ("今週はオスロにいます。", "ホテルの屋根にヤギが立っている！"),
        "オスロにいたとき、何を見た？",
        ("うん、ありがとう", "あはは、いいね", "おやすみ"),
    ),
    Talk(
        "ko",
        ("버스가 또 늦었어.", "점심에 수프를 먹었어.", "오전 내내 비가 왔어.", "드디어 책장을 정리했어."),
        "우리 언니 클라라는 크레모나에서 바이올린을 만들어.",
        ("우리 언니 기억나?", "그럼 언니 직업이 뭐야?"),
        "빨간 연이 자두나무에 걸렸어.",
        "어제 내가 뭐라고 했지?",
        "조율사가 모자를 두고 갔어.",
        "지난주 금요일에 무슨 일이 있었어?",
        "새 보일러 때문에 온 집이 웅웅거려.",
        "5월에 무슨 일이 있었어?",
        ("이번 주는 오슬로에 있어.", "호텔 지붕 위에 염소가 서 있어!"),
        "오슬로에 있을 때 내가 뭘 봤지?",
        ("응 고마워", "하하 좋네", "잘 자"),
    ),
]


def noon(day: datetime) -> datetime:
    return day.replace(hour=12, minute=0, second=0, microsecond=0)


def last_may(now: datetime) -> datetime:
    return datetime(now.year if now.month > 5 else now.year - 1, 5, 14, 12)


def lines(talk: Talk, now: datetime) -> list[NewLine]:
    """All that was said, in the order of time; the facts fall between small talk."""
    said: list[tuple[datetime, str]] = []
    for day in range(DAYS, 0, -1):
        for number, text in enumerate(talk.small_talk):
            said.append((noon(now - timedelta(days=day)) - timedelta(hours=4 - number), text))
    of_oslo = noon(now - timedelta(days=90))
    of_last_week = now.weekday() + 3
    friday = noon(now - timedelta(days=((now.weekday() - 4) % 7 or 7) if talk.language == "en" else of_last_week))
    said += [
        (noon(now - timedelta(days=120)) + timedelta(minutes=5), talk.sister),
        (noon(now - timedelta(days=1)) + timedelta(minutes=5), talk.yesterday),
        (friday + timedelta(minutes=5), talk.friday),
        (last_may(now), talk.may),
        (of_oslo + timedelta(minutes=5), talk.oslo[0]),
        (of_oslo + timedelta(minutes=9), talk.oslo[1]),
    ]
    return [NewLine("s", f"t{at}", "user", text, at) for at, text in sorted(said)]


@dataclass(slots=True)
class Asked:
    """A talk that goes on, and what its model is sent."""

    neko: Neko
    name: str
    provider: ScriptedProvider

    async def ask(self, text: str) -> list[dict[str, Any]]:
        self.provider.script(Script(["…"]))
        async for _ in self.neko.chat(self.name, text):
            pass
        asked = (request.json["messages"] for request in reversed(self.provider.chats))
        return next(messages for messages in asked if messages[0]["role"] == "system")  # memory asks without one

    async def begin_anew(self) -> None:
        manager = self.neko.conversations.get(self.name)
        assert manager is not None
        await manager.edits.open_chat(None)


@pytest.fixture(params=TALKS, ids=[talk.language for talk in TALKS])
async def asked(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Talk, Asked]]:
    talk: Talk = request.param
    async with ScriptedProvider() as provider:
        environ = {
            "NEKO_ASSIST_API_KEY_OPENAI": "sk-x",
            "NEKO_OPENAI_BASE_URL": provider.base_url,
            "LANG": talk.language.replace("-", "_"),
        }
        async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as neko:
            name = neko.conversations.fallback_character()
            assert name is not None
            await neko.memory.store_many(name, lines(talk, datetime.now()))
            await neko.memory.change_chat(name, None)
            await neko.memory.recall(name, talk.sister)  # loads what it uses
            yield talk, Asked(neko, name, provider)


def told(messages: list[dict[str, Any]], fact: str) -> int:
    return sum(str(message["content"]).count(fact) for message in messages)


async def test_what_an_indirect_question_means_is_in_the_prompt_once(asked: tuple[Talk, Asked]) -> None:
    talk, one = asked
    heading = phrases(talk.language)["recall"]
    for words in talk.nothing:
        assert heading not in (await one.ask(words))[-1]["content"], words
    for question in talk.ask_sister:
        messages = await one.ask(question)
        assert told(messages, talk.sister) == 1, question
    for fact, question in (
        (talk.yesterday, talk.ask_yesterday),
        (talk.friday, talk.ask_friday),
        (talk.may, talk.ask_may),
        (talk.oslo[1], talk.ask_oslo),
    ):
        await one.begin_anew()
        messages = await one.ask(question)
        assert told(messages, fact) == 1, question
        recalled = messages[-1]["content"].removesuffix(question)
        assert estimate_tokens(recalled) <= RECALL_BUDGET + 40
