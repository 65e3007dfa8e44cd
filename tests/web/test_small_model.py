"""The small model on this computer: offered, loaded, taken, talked with, and given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko import doctor
from neko.application import Neko
from neko.llm.small_model import files
from neko.sessions.events import ReplyText, Status
from neko.settings import Settings
from neko.tasks import TaskOwner
from tests import scripted_llama
from tests.scripted_llama import BUNDLED
from tests.web.running_app import serving, started

NAME = "Mio"
DEADLINE_S = 30.0


@pytest.fixture
def environ() -> dict[str, str]:
    return {}


@pytest.fixture
async def neko(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> AsyncIterator[Neko]:
    scripted_llama.install(monkeypatch, tmp_path, reply="I am small.")
    async with started(data_dir, environ={"LANG": "en", **environ}) as neko:
        yield neko


@pytest.fixture
async def client(neko: Neko) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(neko.asgi) as client:
        yield client


async def state(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get("/api/models/small")).json()
    return answer


async def use(client: httpx2.AsyncClient, name: str = BUNDLED) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.post("/api/models/small/use", json={"model": name})).json()
    return answer


async def said(neko: Neko, text: str) -> str:
    async with asyncio.timeout(DEADLINE_S):
        events = [event async for event in neko.chat(NAME, text)]
    return "".join(event.text for event in events if isinstance(event, ReplyText)).strip()


async def test_it_is_offered_and_nothing_runs_before_it_is_chosen(neko: Neko, client: httpx2.AsyncClient) -> None:
    offered = await state(client)
    assert (offered["installed"], offered["state"], offered["chosen"]) == (True, "off", False)
    assert [(file["name"], file["languages"]) for file in offered["files"]] == [(BUNDLED, ["en"])]
    assert offered["files"][0]["size"] > 0
    assert neko.models.small.server is None


async def test_once_chosen_it_answers_and_nothing_else_is_asked(neko: Neko, client: httpx2.AsyncClient) -> None:
    answer = await use(client)
    assert (answer["provider"], answer["model"], answer["offline"]) == ("small", BUNDLED, False)
    now = await state(client)
    assert (now["state"], now["chosen"], now["model"]) == ("ready", True, BUNDLED)
    assert await said(neko, "hello") == "I am small."
    hosts = {entry["host"].rpartition(":")[0] for entry in neko.network.snapshot()["hosts"]}
    assert hosts == {"127.0.0.1"}


async def test_it_is_told_of_no_functions(neko: Neko, client: httpx2.AsyncClient) -> None:
    async with TaskOwner("test") as owner:
        await use(client)
        small = neko.models.open_session("text", owner, NAME)
        assert small.label.model == BUNDLED
        assert not small.capabilities.tools
        await small.aclose()


async def test_another_choice_ends_it(neko: Neko, client: httpx2.AsyncClient) -> None:
    await use(client)
    await client.post("/api/models/use", json={"provider": "offline"})
    assert neko.models.small.server is None
    assert (await state(client))["chosen"] is False
    assert neko.models.label.offline


async def test_it_is_there_again_after_a_restart(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_llama.install(monkeypatch, tmp_path, reply="I am small.")
    async with started(data_dir, environ={}) as neko, serving(neko.asgi) as client:
        await use(client)
    async with started(data_dir, environ={}) as neko:
        assert neko.models.label.model == BUNDLED
        assert await said(neko, "hello") == "I am small."


async def test_words_that_come_while_it_loads_wait_for_it_and_this_is_told(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    scripted_llama.install(monkeypatch, tmp_path, reply="I am small.", loads_when=gate)
    environ = {"LANG": "en"}
    async with started(data_dir, environ=environ) as neko:
        await neko.config.change({"neko": {"small_model": True}})
        told, words = list[str](), ""
        async with asyncio.timeout(DEADLINE_S):
            async for event in neko.chat(NAME, "hello"):
                if isinstance(event, Status):
                    told.append(event.code)
                    gate.touch()
                elif isinstance(event, ReplyText):
                    words += event.text
    assert told == ["model_waited_for"]
    assert words.strip() == "I am small."


async def test_a_reply_in_which_it_dies_is_gone_on_with_once_it_is_back(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path, tmp_path: Path
) -> None:
    scripted_llama.model(data_dir / "models" / "mortal.gguf", reply="I am small.", dies_once=tmp_path / "died")
    await use(client, "mortal")
    server = neko.models.small.server
    assert (await said(neko, "hello")).endswith("am small.")
    assert (tmp_path / "died").exists()
    assert neko.models.small.server is server


async def test_what_cannot_be_loaded_changes_nothing_and_says_why(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    (data_dir / "models").mkdir(exist_ok=True)
    (data_dir / "models" / "page.gguf").write_text("<!DOCTYPE html>")
    assert [file["name"] for file in (await state(client))["files"]] == ["page", BUNDLED]
    answer = await use(client, "page")
    assert (answer["success"], answer["code"]) == (False, "small_model_file")
    assert "page.gguf" in answer["error"]
    assert answer["remedy"]
    assert (await state(client))["state"] == "off"
    await use(client)
    await use(client, "page")
    assert await said(neko, "hello") == "I am small."


async def test_without_the_extra_the_command_is_there_and_a_chosen_one_says_so(
    neko: Neko, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_SERVER", "no_such_package")
    offered = await state(client)
    assert offered["installed"] is False
    answer = await use(client)
    assert answer["code"] == "small_model_missing"
    assert offered["command"] in answer["remedy"]


async def test_choosing_something_else_while_it_loads_ends_the_loading(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path, tmp_path: Path
) -> None:
    scripted_llama.model(data_dir / "models" / "slow.gguf", loads_when=tmp_path / "never")
    loading = asyncio.create_task(use(client, "slow"))
    async with asyncio.timeout(DEADLINE_S):
        while (await state(client))["state"] != "loading":  # noqa: ASYNC110  # asked as the page does
            await asyncio.sleep(0.01)
    await neko.config.change({"neko": {"language": "en"}})
    assert (await state(client))["state"] == "loading", "a change of something else leaves it alone"
    await client.post("/api/models/use", json={"provider": "offline"})
    assert (await loading)["success"] is False
    assert neko.models.label.offline


@pytest.mark.parametrize("environ", [{"NEKO_SMALL_MODEL_FILE": "mine"}])
async def test_a_file_that_the_environment_names_is_the_only_one(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    scripted_llama.model(data_dir / "models" / "mine.gguf")
    assert [file["name"] for file in (await state(client))["files"]] == ["mine"]
    assert (await use(client, "mine"))["model"] == "mine"
    assert "small_model_file" not in neko.config.values["neko"]


def test_the_doctor_says_which_one_is_chosen_and_what_keeps_it_away(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_llama.install(monkeypatch, tmp_path)
    (data_dir / "config").mkdir(parents=True)
    (data_dir / "config" / "core_config.json").write_text('{"neko": {"small_model": true}}')
    settings = Settings(data_dir=data_dir, environ={"LANG": "en"})
    found = doctor._model(settings)
    assert (found.verdict, BUNDLED in found.remark) == ("ok", True)
    monkeypatch.setattr(files, "_SERVER", "no_such_package")
    found = doctor._model(settings)
    assert (found.verdict, files.install_command() in found.remark) == ("note", True)
