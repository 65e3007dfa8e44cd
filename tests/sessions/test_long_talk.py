"""What reaches the model in a long talk over three sessions: every fact that was told, once, within the budgets."""

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

LONGER = 4
"""Times: a talk of so many turns less has replies that are longer, so that it is cut as often."""
WHO_SHE_IS = 1_200
"""Tokens of the instructions without what was said before."""
ANSWER = 100
"""Tokens that a line of either side may have besides."""
WAITING = HISTORY_TOKENS // 4
"""Tokens of the talk above its budget that stay until the memo has them: as long as that takes, the talk goes on."""
CUTS = 10
"""Times that what the model is sent may begin anew: at a session's start, and where the talk is folded."""


@dataclass(frozen=True)
class Talk:
    """``facts`` are told, by turn, and asked about at the end; ``small_talk`` is said otherwise."""

    language: str
    facts: dict[int, tuple[str, str]]
    small_talk: str
    reply: str = ""
    turns: int = 200
    session: int = 67
    """Turns."""

    def shorter(self) -> Talk:
        facts = {turn // LONGER: fact for turn, fact in self.facts.items()}
        reply = " ".join([self.small_talk] * (2 * LONGER - 1))
        return Talk(self.language, facts, self.small_talk, reply, self.turns // LONGER, self.session // LONGER + 1)


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
        self.memo: Script | None = None
        """What it makes of every talk, if that is no memo."""
        self.offers: list[bool] = []
        """Whether each of them came with functions."""

    async def _chat(self, connection: Connection, request: Request) -> None:
        messages = request.json["messages"]
        if messages[0]["role"] == "system":
            self.prompts.append(messages)
            self.offers.append("tools" in request.json)
            words = (self.talk.reply or self.talk.small_talk).format(number=f"{len(self.prompts)}b")
        else:
            told = [fact for fact, _ in self.talk.facts.values() if fact in messages[0]["content"]]
            words = "\n".join(told) or "…"
            assert len(words) <= LIMIT
        own = self.memo
        self.script(lambda asked: own if own and asked.json["messages"][0]["role"] != "system" else Script([words]))
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
        pytest.param(TALKS[0].shorter(), id="en-shorter"),
        pytest.param(TALKS[1].shorter(), id="zh-CN-shorter"),
        *(pytest.param(talk, id=talk.language, marks=pytest.mark.long) for talk in TALKS),
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
            for turn in range(talk.turns):
                if turn and not turn % talk.session:
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
    assert max(map(estimate, provider.prompts)) <= most + WAITING
    looks_up = provider.offers.index(True)  # once there is more in the log than in the prompt
    assert 0 < looks_up <= talk.session
    assert all(provider.offers[looks_up:])
    assert provider.prompts[looks_up][0] != provider.prompts[looks_up - 1][0]
    turns = list(pairwise(provider.prompts))
    shares = [reused(before, after) for before, after in turns if len(after) > 2]
    with capsys.disabled():
        largest = max(map(estimate, provider.prompts))
        print(f"\n{talk.language}: {len(provider.prompts)} prompts of at most {largest} tokens.")  # noqa: T201
        print(f"Of what came before the last words {sum(shares) / len(shares):.1%} is in the next one.")  # noqa: T201
    if not talk.reply:  # few turns have fewer in which nothing begins anew
        assert sum(shares) / len(shares) >= 0.95
    read_anew = [turn for turn in turns if reused(*turn) < 0.95]
    assert all(len(after) < len(before) for before, after in read_anew)  # the history was cut, or a session began
    assert len(read_anew) <= CUTS


WORDS = ("walnuts", "Clara", "Biscuit", "Bergen", "ninth of March")
"""Of the facts of the first talk, in whatever words they are told."""
SILENT = Script(["…"], delay=3600)


@pytest.mark.parametrize(
    "memo",
    [
        pytest.param(Script(["Sie sprachen über dies und das."]), id="another-language", marks=pytest.mark.long),
        pytest.param(SILENT, id="silent"),
        pytest.param(Script([]), id="empty", marks=pytest.mark.long),
        pytest.param(Script(['{"x": ']), id="garbage", marks=pytest.mark.long),
        pytest.param(failure(400), id="refused", marks=pytest.mark.long),
        pytest.param(failure(503), id="overloaded", marks=pytest.mark.long),
    ],
)
async def test_no_fact_is_in_neither_the_talk_nor_the_memo_whatever_the_model_makes_of_it(
    memo: Script, tmp_path: Path
) -> None:
    talk = TALKS[0].shorter()
    async with Provider(talk) as provider:
        provider.memo = memo
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
        async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as neko:
            for turn in range(talk.turns):
                fact = talk.facts.get(turn)
                await say(neko, fact[0] if fact else talk.small_talk.format(number=turn))
    for turn, word in zip(talk.facts, WORDS, strict=True):
        assert all(word in whole(prompt) for prompt in provider.prompts[turn:]), word
    assert any(len(after) < len(before) for before, after in pairwise(provider.prompts)), "the talk was cut"
    assert max(map(estimate, provider.prompts)) < HISTORY_TOKENS * 5 / 4 + RECENT_BUDGET + RECALL_BUDGET + WHO_SHE_IS


class SmallModel(Provider):
    """Refuses what its context does not hold, as it counts."""

    def __init__(self, talk: Talk, context: int) -> None:
        super().__init__(talk)
        self.context = context
        self.refused: list[int] = []
        """How many prompts had come by then."""

    async def _chat(self, connection: Connection, request: Request) -> None:
        used = estimate(request.json["messages"]) + len(str(request.json.get("tools", ""))) // 4
        if used <= self.context:
            await super()._chat(connection, request)
            return
        self.refused.append(len(self.prompts))
        words = (
            f"This model's maximum context length is {self.context} tokens, your messages resulted in {used} tokens."
        )
        self.script(Script(status=400, error={"message": words, "code": "context_length_exceeded"}))
        await ScriptedProvider._chat(self, connection, request)


@pytest.mark.parametrize("context", [2_048, pytest.param(4_096, marks=pytest.mark.long)])
async def test_a_small_context_is_overrun_once_and_loses_no_fact(context: int, tmp_path: Path) -> None:
    talk, turns = TALKS[0], context // 75
    facts = {4 * number: fact for number, (fact, _) in enumerate(talk.facts.values())}
    async with SmallModel(talk, context) as provider:
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
        async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as neko:
            for turn in range(turns):
                await say(neko, facts.get(turn) or talk.small_talk.format(number=turn))
    assert len(provider.prompts) == turns
    assert len([at for at in provider.refused if at < turns]) == 1
    for turn, word in zip(facts, WORDS, strict=True):
        assert all(word in whole(prompt) for prompt in provider.prompts[turn:]), word


async def test_a_long_paste_is_read_whole_and_its_ends_stay_beside_the_rest_of_the_talk(tmp_path: Path) -> None:
    talk = TALKS[0]
    paste = "The report begins. " + "A paragraph about flags and masts. " * 1_200 + "The report ends."
    async with Provider(talk) as provider:
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
        async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as neko:
            for text in ("My locker opens with zanzibar.", paste, "What did you think of it?"):
                await say(neko, text)
            assert [line.text for line in await neko.memory.lines(character(neko)) if line.role == "user"][1] == paste
    of_paste, later = provider.prompts[1], provider.prompts[2]
    assert of_paste[-1]["content"].endswith(paste)
    assert "zanzibar" in whole(of_paste)
    assert "zanzibar" in whole(later)
    assert "The report begins." in later[3]["content"]
    assert "The report ends." in later[3]["content"]
    assert "characters left out" in later[3]["content"]
    assert len(later[3]["content"]) < HISTORY_TOKENS
