"""What reaches the model in 200 turns over three sessions: every fact that was told, once, within the budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from neko.app import Neko
from neko.llm.chat_request import estimate
from neko.memory.kept_lines import MOST
from neko.memory.memo import LIMIT
from neko.memory.recent import LARGEST_WINDOW
from neko.sessions.actions import EndSession
from neko.sessions.models.chat import HISTORY_TOKENS
from neko.sessions.prompt import RECENT_BUDGET
from neko.sessions.recall_lines import RECALL_BUDGET
from neko.settings import Settings
from tests.scripted_provider import Connection, Request, Script, ScriptedProvider, failure

TURNS = 200
SESSION = 67
"""Turns."""
WHO_SHE_IS = 1_200
"""Tokens of the instructions without what was said before."""
ANSWER = 100
"""Tokens that a line of either side may have besides."""


@dataclass(frozen=True)
class Talk:
    """``facts`` are told, by turn, and asked about at the end; ``small_talk`` is said otherwise."""

    language: str
    facts: dict[int, tuple[str, str]]
    small_talk: str


TALKS = [
    Talk(
        "en",
        {
            3: ("I am allergic to walnuts", "Which food must I avoid?"),
            30: ("My sister Clara builds violins in Cremona", "What does my sister do?"),
            71: ("My cat is called Biscuit", "What is my cat called?"),
            120: ("We moved to Bergen last winter", "Where do I live?"),
            170: ("I have a job interview on the ninth of March", "When is my interview?"),
        },
        "Number {number}: today I tidied the shelf again, the rain went on for hours, the bus was late, and I had soup "
        "with bread while some music played next door. Nothing else of note has happened here since then, I think.",
    ),
    Talk(
        "zh-CN",
        {
            3: ("我对核桃过敏", "我不能吃什么?"),
            30: ("我姐姐在苏州做小提琴", "我姐姐是做什么的?"),
            71: ("我的猫叫饼干", "我的猫叫什么名字?"),
            120: ("去年冬天我们搬到了大连", "我住在哪里?"),
            170: ("三月九日我有一场面试", "我的面试是哪天?"),
        },
        "第{number}句:今天又整理了书架,雨下了好几个小时,公交车来晚了,我喝了汤吃了面包,隔壁在放音乐,"
        "后来也就没有别的事了,窗外的灯亮着,街上的人不多,我坐了一会儿就想早点休息。",
    ),
    Talk(
        "ja",
        {
            3: ("わたしはくるみアレルギーです", "食べられないものは何?"),
            30: ("姉は松本でバイオリンを作っています", "姉の仕事は何?"),
            71: ("うちの猫の名前はビスケットです", "うちの猫の名前は?"),
            120: ("去年の冬に函館へ引っ越しました", "わたしはどこに住んでる?"),
            170: ("三月九日に面接があります", "面接はいつ?"),
        },
        "{number}番目の話。今日も棚を片づけて、雨が何時間も降って、バスが遅れて、スープとパンを食べて、"
        "となりで音楽が鳴っていて、ほかには何もありませんでした。窓の外は静かで、早く休もうと思います。",
    ),
    Talk(
        "ko",
        {
            3: ("나는 호두 알레르기가 있어", "내가 먹으면 안 되는 게 뭐지?"),
            30: ("우리 언니는 춘천에서 바이올린을 만들어", "우리 언니 직업이 뭐야?"),
            71: ("우리 고양이 이름은 비스킷이야", "우리 고양이 이름이 뭐야?"),
            120: ("작년 겨울에 강릉으로 이사했어", "내가 어디에 살지?"),
            170: ("삼월 구일에 면접이 있어", "면접이 언제지?"),
        },
        "{number}번째 이야기. 오늘도 책장을 정리했고, 비가 몇 시간이나 내렸고, 버스가 늦었고, 수프와 빵을 먹었고, "
        "옆집에서 음악이 들렸어. 그 밖에는 아무 일도 없었고, 창밖은 조용해서 일찍 쉬려고 해.",
    ),
]


class Provider(ScriptedProvider):
    """Chats in small talk; a request without a system message wants a memo, which holds what is a fact of the text."""

    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self.talk = talk
        self.prompts: list[list[dict[str, Any]]] = []
        self.fails = False
        """Whether it makes no memo."""
        self.offers: list[bool] = []
        """Whether each of them came with functions."""

    async def _chat(self, connection: Connection, request: Request) -> None:
        messages = request.json["messages"]
        if messages[0]["role"] == "system":
            self.prompts.append(messages)
            self.offers.append("tools" in request.json)
            words = self.talk.small_talk.format(number=f"{len(self.prompts)}b")
        else:
            told = [fact for fact, _ in self.talk.facts.values() if fact in messages[0]["content"]]
            words = "\n".join(told) or "…"
            assert len(words) <= LIMIT
        self.script(failure(400) if self.fails and messages[0]["role"] != "system" else Script([words]))
        await super()._chat(connection, request)


def whole(messages: Sequence[dict[str, Any]]) -> str:
    return "\n".join(f"<{message['role']}>{message['content']}" for message in messages)


def reused(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> float:
    """Which share of what came before the last words of the user the next request begins with, too."""
    stable, other = whole(before[:-1]), whole(after)
    same = next((at for at, (one, two) in enumerate(zip(stable, other, strict=False)) if one != two), len(stable))
    return same / len(stable)


async def say(neko: Neko, text: str) -> None:
    async for _ in neko.chat(character(neko), text):
        pass


def character(neko: Neko) -> str:
    name = neko.conversations.fallback_character()
    assert name is not None
    return name


async def end_session(neko: Neko) -> None:
    """End it, and wait until the memory has settled."""
    manager = neko.conversations.get(character(neko))
    assert manager is not None
    manager.handle(EndSession())
    async with asyncio.timeout(30):
        while len(await neko.memory.recent(character(neko))) > LARGEST_WINDOW + MOST:
            continue


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(talk, id=talk.language, marks=[] if talk.language in ("en", "zh-CN") else [pytest.mark.long])
        for talk in TALKS
    ],
)
async def test_every_fact_that_was_told_is_in_every_later_prompt_and_once_when_it_is_asked_about(
    talk: Talk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Provider(talk) as provider:
        environ = {
            "NEKO_ASSIST_API_KEY_OPENAI": "sk-x",
            "NEKO_OPENAI_BASE_URL": provider.base_url,
            "LANG": talk.language.replace("-", "_"),
        }
        async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as neko:
            for turn in range(TURNS):
                if turn and not turn % SESSION:
                    await end_session(neko)
                fact = talk.facts.get(turn)
                await say(neko, fact[0] if fact else talk.small_talk.format(number=turn))
            starts = len(provider.prompts)
            for _, question in talk.facts.values():
                await say(neko, question)
    asked = provider.prompts[starts:]
    for (told, question), prompt in zip(talk.facts.values(), asked, strict=True):
        assert prompt[-1]["content"].endswith(question)
        assert whole(prompt).count(told) == 1, told
    for turn, (told, _) in talk.facts.items():
        counts = [whole(prompt).count(told) for prompt in provider.prompts[turn:]]
        assert set(counts) == {1}, told
    most = HISTORY_TOKENS + RECENT_BUDGET + RECALL_BUDGET + WHO_SHE_IS + ANSWER
    assert max(map(estimate, provider.prompts)) <= most
    looks_up = provider.offers.index(True)  # once there is more in the log than in the prompt
    assert 0 < looks_up < SESSION
    assert all(provider.offers[looks_up:])
    assert provider.prompts[looks_up][0] != provider.prompts[looks_up - 1][0]
    turns = list(pairwise(provider.prompts))
    shares = [reused(before, after) for before, after in turns if len(after) > 2]
    with capsys.disabled():
        largest = max(map(estimate, provider.prompts))
        print(f"\n{talk.language}: {len(provider.prompts)} prompts of at most {largest} tokens.")  # noqa: T201
        print(f"Of what came before the last words {sum(shares) / len(shares):.1%} is in the next one.")  # noqa: T201
    assert sum(shares) / len(shares) >= 0.95
    read_anew = [turn for turn in turns if reused(*turn) < 0.95]
    assert all(len(after) < len(before) for before, after in read_anew)  # the history was cut, or a session began
    assert len(read_anew) <= TURNS * 0.05


@pytest.mark.parametrize("fails", [False, True], ids=["one-paste", "no-summaries"])
async def test_what_a_cut_of_the_talk_took_away_is_in_the_memo_of_the_next_turn(fails: bool, tmp_path: Path) -> None:
    """The talk is cut at once by one long paste, or no model makes a memo before it is cut."""
    talk = TALKS[0]
    fact = talk.facts[3][0]
    async with Provider(talk) as provider:
        provider.fails = fails
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
        async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as neko:
            await say(neko, fact)
            for turn in range(1, 40):
                await say(neko, talk.small_talk.format(number=turn))
            paste = " ".join(f"word{number}" for number in range(6_000))
            await say(neko, paste[: 4 * HISTORY_TOKENS])
            assert fact not in whole(provider.prompts[-1]), "the talk was cut"
            async with asyncio.timeout(60):
                while not any(entry.role == "system" for entry in await neko.memory.recent(character(neko))):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            for _ in range(5):  # the session is told of the memo beside the talk
                await say(neko, "Let us go on.")
                if fact in whole(provider.prompts[-1]):
                    break
    assert whole(provider.prompts[-1]).count(fact) == 1
