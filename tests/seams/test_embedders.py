"""The behaviour suite of embedders, run on each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neko.llm.embeddings import models
from neko.llm.embeddings.local import LocalEmbedder
from neko.llm.embeddings.server import EmbeddingServer
from neko.net import Network
from neko.providers import ModelEndpoint
from tests import scripted_embedder
from tests.field.hostile_provider import HostileProvider, Raw, whole
from tests.scripted_provider import Request
from tests.seams.embedder import SECONDS, EmbedderBehaviour, Subject
from tests.word_vectors import word_vectors


def embeddings(request: Request) -> Raw:
    """The answer of a server, its vectors of another length, in another order."""
    vectors = word_vectors(request.json["input"]) * 3
    data = [{"object": "embedding", "index": at, "embedding": row.tolist()} for at, row in enumerate(vectors)]
    return whole({"object": "list", "model": request.json["model"], "data": data[::-1]})


class TestEmbeddingServer(EmbedderBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async with HostileProvider() as server:
            free, asked = asyncio.Event(), asyncio.Event()

            async def answer(request: Request) -> Raw:
                if request.json["input"] == ["HOLD"]:
                    asked.set()
                    await free.wait()
                return embeddings(request)

            async def busy() -> None:
                async with asyncio.timeout(SECONDS):
                    await asked.wait()

            server.embeddings = answer
            endpoint = ModelEndpoint("semantic", "local", "127.0.0.1", server.base_url, "m", "")
            embedder = EmbeddingServer(endpoint, Network())
            yield Subject(embedder, "HOLD", busy, free.set)
            free.set()
            await embedder.aclose()


class TestLocalEmbedder(EmbedderBehaviour):
    """A scripted model in a real process."""

    @pytest.fixture
    async def subject(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Subject]:
        gate = tmp_path / "gate"
        embedder = LocalEmbedder(scripted_embedder.install(monkeypatch, gate), tmp_path / "log")

        async def busy() -> None:
            async with asyncio.timeout(SECONDS):
                await scripted_embedder.is_held(gate)

        yield Subject(embedder, "HOLD", busy, gate.touch)
        gate.touch()
        await embedder.aclose()
        assert embedder.process_id is None


@pytest.mark.real
class TestRealModels(EmbedderBehaviour):
    @pytest.fixture(params=list(models.MODELS))
    async def subject(self, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
        local = models.MODELS[request.param]
        models.check(local)
        embedder = LocalEmbedder(local, tmp_path / "log")

        async def busy() -> None:
            await embedder.prewarm()

        yield Subject(embedder, "word " * 200, busy, lambda: None)
        await embedder.aclose()
        assert embedder.process_id is None
