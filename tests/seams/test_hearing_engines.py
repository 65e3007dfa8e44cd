"""The behaviour suite of hearing engines, run on each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from neko.audio.hearing.local import LocalHearing
from neko.audio.hearing.transcriptions import TranscriptionServer
from neko.net import Network
from neko.providers import ModelEndpoint
from tests import scripted_model
from tests.field.hostile_provider import HostileProvider, Raw, whole
from tests.scripted_provider import Request
from tests.seams.hearing import SECONDS, HearingBehaviour, Subject


class TestTranscriptionServer(HearingBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async with HostileProvider() as server:
            free, asked = asyncio.Event(), asyncio.Event()
            free.set()

            async def answer(request: Request) -> Raw:
                asked.set()
                await free.wait()
                return whole({"text": "Hello there."})

            server.transcription = answer
            endpoint = ModelEndpoint("hearing", "local", "127.0.0.1", server.base_url, "m", "")
            engine = TranscriptionServer(endpoint, Network())
            yield Subject(engine, "hello there", hold=free.clear, busy=_when(asked.wait), release=free.set)
            free.set()
            await engine.aclose()


class TestLocalHearing(HearingBehaviour):
    """A scripted model in a real process."""

    @pytest.fixture
    async def subject(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Subject]:
        scripted_model.install(monkeypatch)
        gate, prompts = tmp_path / "gate", tmp_path / "prompts"
        gate.touch()
        model = scripted_model.hearing_model(tmp_path / "m", text="Hello there.", holds=gate, prompts=prompts)
        engine = LocalHearing(model, tmp_path / "log")

        def hold() -> None:
            gate.unlink()
            prompts.unlink(missing_ok=True)

        yield Subject(engine, "hello there", hold=hold, busy=_when(lambda: _there(prompts)), release=gate.touch)
        await engine.aclose()
        assert engine.process_id is None


def _when(waiting: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    async def within() -> None:
        async with asyncio.timeout(SECONDS):
            await waiting()

    return within


async def _there(path: Path) -> None:
    while not (path.exists() and path.read_text()):  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(0.01)
