"""A talk of any length is summed up by a model of any size, over HTTP; a renewal that fails loses nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from neko.errors import MemoNotRenewedError
from neko.llm.adaptation import Adaptations
from neko.llm.client import Timeouts
from neko.memory.memo import LIMIT
from neko.memory.recent import UNCOMPRESSED
from neko.memory.service import MemoryService
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models import summariser
from neko.types.memory import Summarise
from tests.field.chat_talk import Pauses
from tests.field.hostile_provider import HostileProvider, Raw, problem, reply, whole
from tests.memory.memory_folder import MIO, MemoryFolder, new_line
from tests.scripted_provider import Request

TEXTS = {
    "words": "line {} " + "and then we walked along the shore " * 20,
    "no-spaces": "line {} " + "海" * 900,
    "one-long-line": "line {} " + "word" * 5_000,
}


def small_model(limit: int, read: set[int], wording: str) -> Callable[[Request], Raw]:
    """Notes the numbers of the lines in what it took; the memo is as long as it may be."""

    def answer(request: Request) -> Raw:
        prompt = request.json["messages"][0]["content"]
        plain = len(prompt.encode("ascii", "ignore"))
        used = plain // 4 + (len(prompt) - plain)
        if used > limit:
            return whole(problem(wording.format(used=used, limit=limit), "context_length_exceeded"), 400)
        read.update(int(number) for number in re.findall(r"line (\d+) ", prompt))
        return reply("".join(f"m{number:03}. " for number in range(LIMIT // 6)))

    return answer


def summarise_by(provider: HostileProvider, adaptations: Adaptations) -> Summarise:
    endpoint = ModelEndpoint("summary", "custom", "Scripted", provider.base_url, "m", "key")
    return summariser(Network(), endpoint, adaptations, Timeouts(sleep=Pauses()))


async def talk(memory: MemoryService, text: str, count: int) -> None:
    for number in range(count):
        await memory.store(MIO, new_line(text.format(number)))


@pytest.mark.parametrize("wording", ["maximum context length is {limit} tokens, got {used}", "input is too long"])
@pytest.mark.parametrize("limit", [1024, 2048, 100_000])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.few(6)
async def test_a_talk_of_any_length_is_summed_up_by_a_small_model(
    memory_folder: MemoryFolder, text: str, limit: int, wording: str
) -> None:
    read: set[int] = set()
    adaptations = Adaptations()
    memory = await memory_folder.open()
    await talk(memory, text, 60)
    async with HostileProvider() as provider:
        provider.answers = [small_model(limit, read, wording)]
        assert await memory.compress(MIO, summarise_by(provider, adaptations))
        assert read == set(range(60 - UNCOMPRESSED))
        window = await memory.recent(MIO)
        assert (window[0].role, len(window)) == ("system", 1 + UNCOMPRESSED)
        assert len(window[0].text) <= LIMIT

        await talk(memory, text, 30)
        refused: list[int] = []
        provider.answers = [counting_refusals(small_model(limit, read, wording), refused)]
        assert await memory.compress(MIO, summarise_by(provider, adaptations))
        assert len(refused) <= 1, "the limit is known by then, or nearly"
    assert len(await memory.lines(MIO, limit=200)) == 90


def counting_refusals(answer: Callable[[Request], Raw], refused: list[int]) -> Callable[[Request], Raw]:
    def counted(request: Request) -> Raw:
        raw = answer(request)
        if raw.status != 200:
            refused.append(raw.status)
        return raw

    return counted


async def test_a_model_that_takes_nothing_is_given_up_and_the_window_stays(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await talk(memory, TEXTS["words"], 30)
    before = await memory.recent(MIO)
    async with HostileProvider() as provider:
        provider.answers = [whole(problem("input is too long", "context_length_exceeded"), 400)]
        assert not await memory.compress(MIO, summarise_by(provider, Adaptations()))
        assert len(provider.chats) < 20
    assert await memory.recent(MIO) == before


async def test_a_fault_halfway_leaves_the_window_and_the_next_renewal_takes_it_all(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await talk(memory, TEXTS["no-spaces"], 40)
    before = await memory.recent(MIO)
    read: set[int] = set()
    async with HostileProvider() as provider:
        provider.answers = [reply("A memo."), whole(problem("Incorrect API key"), 401)]
        assert not await memory.compress(MIO, summarise_by(provider, Adaptations()))
        assert len(provider.chats) == 2
        assert await memory.recent(MIO) == before
        (told,) = memory_folder.reports
        assert isinstance(told, MemoNotRenewedError)
        assert (told.params["provider"], told.params["model"]) == ("Scripted", "m")
        assert told.said.startswith("Incorrect API")
        provider.answers = [small_model(100_000, read, "")]
        assert await memory.compress(MIO, summarise_by(provider, Adaptations()))
    assert read == set(range(40 - UNCOMPRESSED))
    news = [memory_folder.news.get_nowait() for _ in range(memory_folder.news.qsize())]
    assert news == [told, memory_folder.recent], "told, and its end too"


async def test_a_fault_that_may_pass_is_not_told(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await talk(memory, TEXTS["words"], 30)
    async with HostileProvider() as provider:
        provider.answers = [whole(problem("Busy"), 503)]
        assert not await memory.compress(MIO, summarise_by(provider, Adaptations()))
        assert len(provider.chats) == 3
    assert memory_folder.reports == []
