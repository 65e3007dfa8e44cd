"""People who talk with Neko all at once, and whom everything happens to: faults, reloads, stops, lost lines."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import httpx2
from websockets.exceptions import ConnectionClosed

from tests.client import Client, client, is_turn_end
from tests.field.hostile_provider import DONE, Raw, chunk, completion, deltas, event, problem, reply, spelled, whole
from tests.scripted_provider import Request

STORY = "The tea is ready. Shall we sit by the window? It has rained since noon, and the cat sleeps on your coat. "
BAD: tuple[Callable[[], Raw], ...] = (
    lambda: Raw(deltas("The tea ", "is "), cut=True),
    lambda: Raw([*deltas("The tea "), event(problem("overloaded", "server_error"))]),
    lambda: Raw([b'data: {"choices": [{"delta": {"cont\n\n', DONE]),
    lambda: Raw([b"<!DOCTYPE html><title>Just a moment</title>"], content_type="text/html"),
    lambda: whole(problem("scripted failure"), 500),
    lambda: whole(problem("Incorrect API key provided", "invalid_api_key"), 401),
    lambda: whole(problem("slow down", "rate_limit_exceeded"), 429, retry_after="1"),
)
ODD: tuple[Callable[[], Raw], ...] = (
    lambda: Raw([b": waiting\n\n", b"data:\n\n", *deltas(STORY), event(chunk({}, "stop")), DONE]),
    lambda: reply(*spelled("<think>They want tea.</think>" + STORY, 3)),
    lambda: reply(*spelled("<happy>" + STORY * 8, 12)),
    lambda: whole(completion(STORY)),
    lambda: reply(*spelled("雨の日は、お茶をどうぞ。" * 6, 2)),
)


class Moods:
    """Answers each request by chance: half of them plainly, a quarter oddly, a quarter badly."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, request: Request) -> Raw:
        chance = self._random.random()
        if chance < 0.5:
            return reply(*spelled(STORY * self._random.randint(1, 3), 10))
        return self._random.choice(ODD if chance < 0.75 else BAD)()


class Visitor:
    """One page that types until it is cancelled; ``counts`` is what it has lived through."""

    def __init__(self, url: str, character: str, seed: int) -> None:
        self._url = url
        self._character = character
        self._random = random.Random(seed)
        self.counts: Counter[str] = Counter()

    async def stay(self) -> None:
        while True:
            try:
                async with client(self._url.replace("http", "ws", 1), self._character) as page:
                    await self._visit(page)
            except ConnectionClosed:
                self.counts["closed by the server"] += 1
            self.counts["visits"] += 1
            async with httpx2.AsyncClient(base_url=self._url, trust_env=False) as http:
                answer = await http.get(f"/api/history/{self._character}", params={"limit": 20})
                assert answer.status_code == 200, answer.text

    async def _visit(self, page: Client) -> None:
        for _ in range(self._random.randint(1, 6)):
            await self._talk(page)

    async def _talk(self, page: Client) -> None:
        page.frames.clear()
        await page.say(f"Hello, it is {self.counts['turns']} o'clock. How is the tea?")
        match self._random.randint(1, 8):
            case 1:
                self.counts["left"] += 1
                await page.until("neko_line")
                await page.connection.close()
                raise ConnectionClosed(None, None)
            case 2:
                self.counts["stopped"] += 1
                await page.until("neko_line")
                await page.send("stop_reply")
                await page.quiet()
            case 3:
                await page.connection.send('{"action": "stream_data", "input_type":')
                await page.until(is_turn_end)
            case _:
                await page.until(is_turn_end)
        self.counts["turns"] += 1


class Caller(Visitor):
    """One page in calls, whose browser recognises what its user says; it hears her, interrupts her, and hangs up."""

    async def call_until_interrupting(self) -> None:
        """Talk until she has been heard and interrupted once, however long her voice takes to load."""
        async with client(self._url.replace("http", "ws", 1), self._character) as page:
            while not self.counts["interrupted"]:
                await self._talk(page)

    async def _visit(self, page: Client) -> None:
        """A call begins with the first words: the server hears nothing itself. One of two ends with the connection."""
        self.counts["calls"] += 1
        await super()._visit(page)
        if self._random.random() < 0.5:
            await page.send("end_session")
            await page.quiet()

    async def _talk(self, page: Client) -> None:
        page.frames.clear()
        await self._say(page, "Hello, how is the tea?")
        last = (await page.until(lambda frame: frame["type"] == "audio_chunk" or is_turn_end(frame)))[-1]
        if last["type"] == "audio_chunk":
            self.counts["heard"] += 1
            await page.send("playback", speech_id=last["speech_id"], played_ms=200, state="playing")
            if self._random.random() < 0.5:
                await self._say(page, "Wait, not so fast.")
                await page.until("user_activity")
                self.counts["interrupted"] += 1
            await page.until(is_turn_end)
        await page.quiet()
        self.counts["turns"] += 1

    async def _say(self, page: Client, words: str) -> None:
        self.counts["utterances"] += 1
        heard = partial(page.send, "neko_heard", utterance_id=f"u{self.counts['utterances']}")
        await heard(state="started")
        await heard(state="partial", text=words[:5])
        await heard(state="final", text=words)


async def visit(visitors: Sequence[Visitor], seconds: float) -> None:
    """Have all of them talk for so long; raises what one of them could not live with."""
    tasks = [asyncio.create_task(visitor.stay()) for visitor in visitors]
    done, running = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for task in done:
        task.result()
