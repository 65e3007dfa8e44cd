"""The process of the small model: loaded, asked, started again when it dies, ended, and why it cannot be had."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from neko.errors import ModelLoadingError
from neko.llm.model_catalogue import test as asked
from neko.llm.small_model import files
from neko.llm.small_model.server import Limits, SmallModelServer
from neko.net import Network
from neko.small_model_errors import (
    SmallModelDiedError,
    SmallModelError,
    SmallModelFileError,
    SmallModelMemoryError,
    SmallModelMissingError,
    SmallModelNoFileError,
)
from neko.tasks import TaskOwner
from tests import scripted_llama

DEADLINE_S = 30.0
QUICK = Limits(restart_pause_s=0.0)

Serve = Callable[..., SmallModelServer]


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scripted_llama.install(monkeypatch, tmp_path)


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Serve a scripted model; everything is ended after the test."""
    servers = []
    async with TaskOwner("test") as owner:

        def started(path: Path | None = None, *, limits: Limits = QUICK, **script: Any) -> SmallModelServer:
            path = path or scripted_llama.model(tmp_path / "models" / "m.gguf", counts=tmp_path / "pids", **script)
            file = files.find(path.parent, str(path))
            servers.append(SmallModelServer(file, tmp_path / "logs" / "small_model.log", owner, limits))
            return servers[-1]

        yield started
        for server in servers:
            await server.aclose()


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.01)


def pids(tmp_path: Path) -> list[int]:
    """The processes that began to load, the last one last."""
    path = tmp_path / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def runs(pid: int) -> bool:
    return bool(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


async def question(server: SmallModelServer, *, key: str | None = None) -> Any:
    endpoint = server.endpoint("conversation")
    return await asked(Network(local_only=True), endpoint.base_url, key or endpoint.api_key, endpoint.model)


async def test_a_model_is_loaded_and_answers_with_its_key_only(serve: Serve) -> None:
    server = serve(reply="I am small.")
    assert server.state == "loading"
    await server.loads()
    server.check()
    assert (await question(server)).reply.strip() == "I am small."
    assert (await question(server, key="another")).error.code == "model_refused_key"
    assert server.endpoint("conversation").base_url.startswith("http://127.0.0.1:")


async def test_its_process_gets_no_key_that_stands_in_our_environment(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("NEKO_TOKEN", "a password of the page")
    await serve(environ=tmp_path / "environ.json").loads()
    got = json.loads((tmp_path / "environ.json").read_text())
    assert got["PATH"] == os.environ["PATH"]
    assert not {"OPENAI_API_KEY", "NEKO_TOKEN"} & got.keys()


async def test_while_it_loads_it_says_so_and_is_waited_for(serve: Serve, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    server = serve(loads_when=gate)
    await until(lambda: pids(tmp_path))
    assert server.state == "loading"
    assert server.loading_s > 0
    with pytest.raises(ModelLoadingError):
        server.check()
    gate.touch()
    await server.loads()
    assert (server.state, server.loading_s) == ("ready", 0.0)


async def test_one_that_takes_too_long_to_load_is_given_up(serve: Serve, tmp_path: Path) -> None:
    server = serve(loads_when=tmp_path / "never", limits=Limits(loading_timeout_s=0.0))
    with pytest.raises(SmallModelError):
        await server.loads()
    assert server.state == "failed"


async def test_one_that_dies_is_started_again_at_its_address(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    await server.loads()
    before = server.endpoint("conversation")
    os.kill(pids(tmp_path)[-1], signal.SIGKILL)
    await until(lambda: server.state == "loading")
    await server.loads()
    assert (len(pids(tmp_path)), server.state) == (2, "ready")
    assert server.endpoint("conversation") == before
    assert (await question(server)).ok


async def test_one_that_dies_again_and_again_is_left_dead(serve: Serve, tmp_path: Path) -> None:
    server = serve(limits=Limits(restart_pause_s=0.0, most_deaths=1))
    await server.loads()
    os.kill(pids(tmp_path)[-1], signal.SIGKILL)
    await until(lambda: len(pids(tmp_path)) == 2 and server.state == "ready")
    os.kill(pids(tmp_path)[-1], signal.SIGKILL)
    await until(lambda: server.state == "failed")
    with pytest.raises(SmallModelDiedError) as caught:
        server.check()
    assert caught.value.params["log"] == str(tmp_path / "logs" / "small_model.log")
    assert len(pids(tmp_path)) == 2


async def test_it_ends_when_it_is_not_wanted_any_more(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    await server.loads()
    await server.aclose()
    await server.aclose()
    assert not runs(pids(tmp_path)[-1])


async def test_one_that_loads_can_be_ended_and_whoever_waits_is_told(serve: Serve, tmp_path: Path) -> None:
    server = serve(holds=True)
    waiting = asyncio.create_task(server.loads())
    await until(lambda: pids(tmp_path))
    await server.aclose()
    with pytest.raises(SmallModelError):
        await waiting
    assert not runs(pids(tmp_path)[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it ends when it has loaded")
async def test_it_ends_with_us_even_if_we_are_killed_while_it_holds_the_interpreter(tmp_path: Path) -> None:
    path = scripted_llama.model(tmp_path / "m.gguf", holds=True, counts=tmp_path / "pids")
    program = f"""
import asyncio
from pathlib import Path
from neko.llm.small_model import files
from neko.llm.small_model.server import SmallModelServer
from neko.tasks import TaskOwner

async def main():
    path = Path({str(path)!r})
    await SmallModelServer(files.find(path.parent, str(path)), path.with_suffix(".log"), TaskOwner("x")).loads()

asyncio.run(main())
"""
    root = str(Path(__file__).parents[2])
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((root, os.environ["PYTHONPATH"]))}
    parent = subprocess.Popen([sys.executable, "-c", program], env=environ, stderr=subprocess.DEVNULL)
    try:
        await until(lambda: pids(tmp_path) or parent.poll() is not None)
        [child] = pids(tmp_path)
        parent.kill()
        await until(lambda: not runs(child))
    finally:
        parent.kill()
        parent.wait()


# ── why it cannot be had ────────────────────────────────────────────────────────────────


async def refused(server: SmallModelServer) -> SmallModelError:
    with pytest.raises(SmallModelError) as caught:
        await server.loads()
    assert caught.value.params["model"] == server.file.name
    assert server.state == "failed"
    return caught.value


async def test_without_the_package_the_command_is_named(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_SERVER", "no_such_package")
    error = await refused(serve())
    assert isinstance(error, SmallModelMissingError)
    command = str(error.params["command"])
    assert sys.executable in command
    assert files.REQUIREMENTS.is_file()
    assert str(files.REQUIREMENTS) in command


async def test_a_file_that_has_gone_or_is_no_model_is_named(serve: Serve, tmp_path: Path) -> None:
    error = await refused(serve(tmp_path / "gone.gguf"))
    assert isinstance(error, SmallModelNoFileError)
    assert error.params["file"] == str(tmp_path / "gone.gguf")
    page = tmp_path / "page.gguf"
    page.write_text("<!DOCTYPE html>")
    assert isinstance(await refused(serve(page)), SmallModelFileError)


async def test_what_is_larger_than_the_memory_is_not_tried(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_llama.memory(monkeypatch, tmp_path, megabytes=100)
    error = await refused(serve())
    assert isinstance(error, SmallModelMemoryError)
    assert (error.params["needed"], error.params["free"]) == ("0.4 GB", "0.1 GB")
    assert not pids(tmp_path)


async def test_a_load_that_runs_out_of_memory_is_told_as_that(serve: Serve) -> None:
    error = await refused(serve(error="unable to allocate CPU buffer"))
    assert isinstance(error, SmallModelMemoryError)


async def test_one_that_the_system_kills_while_it_loads_had_too_little_memory(serve: Serve, tmp_path: Path) -> None:
    server = serve(loads_when=tmp_path / "never")
    await until(lambda: pids(tmp_path))
    os.kill(pids(tmp_path)[-1], signal.SIGKILL)
    assert isinstance(await refused(server), SmallModelMemoryError)


async def test_what_llama_cpp_says_of_a_damaged_file_is_passed_on_and_kept_in_its_log(
    serve: Serve, tmp_path: Path
) -> None:
    said = "error loading model: tensor 'blk.16' is not within the file bounds, model is corrupted or incomplete"
    error = await refused(serve(error=said))
    assert (type(error), error.said) == (SmallModelError, said)
    log = Path(str(error.params["log"]))
    assert said in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


# ── which files there are ───────────────────────────────────────────────────────────────


def test_the_files_are_that_of_the_setting_those_in_the_folder_and_that_of_the_package(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    elsewhere = scripted_llama.model(tmp_path / "other" / "Qwen.gguf")
    for name in ("b.GGUF", "a.gguf", "mmproj-a.gguf", "c-00001-of-00002.gguf", "c-00002-of-00002.gguf"):
        scripted_llama.model(folder / name)
    (folder / "notes.txt").touch()
    found = files.model_files(folder, str(elsewhere))
    assert [file.name for file in found] == ["Qwen", "a", "b", "c-00001-of-00002", scripted_llama.BUNDLED]
    assert [file.languages for file in found] == [(), (), (), (), ("en",)]
    assert found[3].size == 2 * found[1].size
    assert files.find(folder, "b").path == folder / "b.GGUF"
    assert files.find(folder, str(elsewhere)).path == elsewhere
    assert files.find(folder, "").name == "a"
    for file in found:
        assert files.find(folder, file.setting) == file
