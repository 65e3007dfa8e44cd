"""Chunks that come together and chunks that are waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest

from neko.llm.bursts import Bursts


class Source:
    """Yields bursts: each chunk of one follows at once, each burst after a step of the loop."""

    def __init__(self, *bursts: str) -> None:
        self.bursts = bursts
        self.thrown: BaseException | None = None

    async def chunks(self) -> AsyncGenerator[str, None]:
        try:
            for burst in self.bursts:
                await asyncio.sleep(0.001)
                for chunk in burst:
                    yield chunk
        except BaseException as error:
            self.thrown = error
            raise


async def read(source: AsyncGenerator[str, None], seen: list[str], told: Callable[[], object] | None = None) -> None:
    """Into ``seen``: the chunks, and a bar wherever the next one is waited for."""
    async with aclosing(source) as chunks:
        async for chunk in Bursts(chunks, told or (lambda: seen.append("|"))):
            seen.append(chunk)  # noqa: PERF401 - what is read before an error counts


async def test_it_is_told_before_a_chunk_is_waited_for_and_only_then() -> None:
    seen: list[str] = []
    await read(Source("abc", "d", "ef").chunks(), seen)
    assert "".join(seen) == "|abc|d|ef"


async def test_nothing_at_all_comes_to_its_end() -> None:
    seen: list[str] = []
    await read(Source().chunks(), seen)
    assert seen == []


async def test_what_goes_wrong_on_being_told_reaches_both_sides() -> None:
    source, told = Source("ab", "c"), 0

    def before_waiting() -> None:
        nonlocal told
        told += 1
        if told == 2:
            raise ValueError("enough")

    seen: list[str] = []
    with pytest.raises(ValueError, match="enough"):
        await read(source.chunks(), seen, before_waiting)
    assert seen == ["a", "b"]
    assert isinstance(source.thrown, ValueError)


async def test_who_waits_can_be_cancelled() -> None:
    async def for_ever() -> AsyncGenerator[str, None]:
        yield "a"
        await asyncio.Event().wait()

    seen: list[str] = []
    waits = asyncio.Event()
    task = asyncio.create_task(read(for_ever(), seen, waits.set))
    async with asyncio.timeout(5):
        await waits.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen == ["a"]


async def test_an_error_of_the_source_comes_through() -> None:
    async def breaking() -> AsyncGenerator[str, None]:
        yield "a"
        await asyncio.sleep(0)
        raise ConnectionError("gone")

    seen: list[str] = []
    with pytest.raises(ConnectionError):
        await read(breaking(), seen)
    assert seen == ["a", "|"]
