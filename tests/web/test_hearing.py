"""Settings › Hearing by its REST calls: choosing what hears, and fetching models from a server of files."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from neko.audio.hearing.local import LocalHearing
from neko.hearing_errors import NothingHearsError
from neko.settings import Settings
from tests.conftest import RunningServer
from tests.field.hostile_provider import HostileProvider, Raw, problem, whole
from tests.scripted_files import Answer, FileServer
from tests.scripted_hub import scripted_hub
from tests.spoken import quiet, spoken

SECONDS = 20.0
Json = dict[str, Any]


@pytest.fixture
async def api(server: RunningServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield client


async def state(api: httpx2.AsyncClient) -> Json:
    answer: Json = (await api.get("/api/hearing")).json()
    return answer


async def change(api: httpx2.AsyncClient, **changes: Any) -> Json:
    answer: Json = (await api.post("/api/hearing", json=changes)).json()
    return answer


# ── what hears ──────────────────────────────────────────────────────────────────────────


async def test_what_is_chosen_hears_and_says_why_when_it_cannot(api: httpx2.AsyncClient) -> None:
    now = await change(api, engine="server")
    assert (now["engine"], now["chosen"], now["name"]) == ("server", "server", "")
    assert now["error"]
    assert now["remedy"]
    now = await change(api, engine="off")
    assert now["engine"] == "off"
    assert now["error"]
    assert (await change(api, engine="auto"))["chosen"] is None


async def test_a_server_of_ones_own_is_used_without_another_switch(api: httpx2.AsyncClient) -> None:
    now = await change(api, url="localhost:9000", model="whisper-1", api_key="sk-secret-123456")
    assert (now["engine"], now["url"], now["model"]) == ("server", "http://localhost:9000/v1", "whisper-1")
    assert "secret" not in json.dumps(now)
    assert (now["local"], now["error"]) == (True, "")


async def test_a_key_stays_with_the_address_it_was_given_for(api: httpx2.AsyncClient, server: RunningServer) -> None:
    await change(api, url="http://one.example/v1", api_key="sk-secret-123456")
    await change(api, url="http://other.example/v1")
    assert server.neko.config.values["hearingModelApiKey"] == ""


async def test_the_test_asks_the_server_and_tells_what_it_says(api: httpx2.AsyncClient) -> None:
    async with HostileProvider() as provider:
        await change(api, url=provider.base_url, model="m", api_key="sk-secret-123456")
        provider.transcription = whole({"text": ""})
        tested = await api.post("/api/hearing/test")
        assert tested.status_code == 200
        assert tested.json()["latency_ms"] > 0


@pytest.mark.parametrize(
    ("answer", "code", "told", "remedy"),
    [
        (whole(problem("Incorrect API key provided."), 401), "hearing_key", "Incorrect API key", "key again"),
        (whole(problem("The model `m` is on holiday."), 404), "hearing_refused", "on holiday", "the model"),
        (whole(problem("Slow down, please."), 429), "hearing_refused", "Slow down", "Wait a moment"),
        (whole("upstream is down", 502), "hearing_refused", "fault of its own (HTTP 502)", "Try again"),
        (whole("<html>Welcome</html>", 200, "text/html"), "hearing_unreadable", "not with words", "address ends"),
        (whole({"object": "list"}), "hearing_unreadable", "not with words", "address ends"),
        (Raw([b'{"text": "he'], content_type="application/json", cut=True), "hearing_cut", "broke off", "Try again"),
        (Raw(refuse=True), "hearing_cut", "broke off", "Try again"),
    ],
    ids=["401", "404", "429", "502", "html", "other JSON", "cut", "refused"],
)
async def test_a_refusal_is_told_in_the_services_own_words_and_with_a_remedy(
    api: httpx2.AsyncClient, answer: Raw, code: str, told: str, remedy: str
) -> None:
    async with HostileProvider() as provider:
        await change(api, url=provider.base_url, model="m", api_key="sk-secret-123456")
        provider.transcription = answer
        refused = await api.post("/api/hearing/test")
        assert (refused.status_code, refused.json()["success"]) == (200, False)
        assert refused.json()["code"] == code
        assert told in refused.json()["error"]
        assert remedy in refused.json()["remedy"]
        assert "secret" not in refused.text


async def test_a_recording_is_heard_as_in_a_call(api: httpx2.AsyncClient) -> None:
    async with HostileProvider() as provider:
        await change(api, url=provider.base_url, model="m")
        provider.transcription = whole({"text": "Hello there."})

        async def tried(sound: bytes) -> Json:
            sent = {"sound": base64.b64encode(sound).decode(), "language": "en"}
            answer: Json = (await api.post("/api/hearing/test", json=sent)).json()
            return answer

        heard = await tried(quiet(0.5) + await spoken("Hello there.") + quiet(0.5))
        assert (heard["speech"], heard["text"]) == (True, "Hello there.")
        nothing = await tried(quiet(2.0))
        assert (nothing["success"], nothing["speech"], nothing["text"]) == (True, False, "")
        assert len(provider.requests) == 1  # silence is sent nowhere
        assert (await api.post("/api/hearing/test", json={"sound": "AAAA" * 110_000})).status_code == 422


async def test_a_recording_is_not_listened_to_while_the_user_wants_not_to_be_heard(api: httpx2.AsyncClient) -> None:
    await api.post("/api/privacy", json={"on": True})
    sent = {"sound": base64.b64encode(quiet(0.5)).decode(), "language": "en"}
    answer = (await api.post("/api/hearing/test", json=sent)).json()
    assert (answer["success"], answer["code"]) == (False, "hearing_private")
    assert "shield" in answer["remedy"]


async def test_that_nothing_hears_is_told_with_what_to_do(api: httpx2.AsyncClient) -> None:
    await change(api, engine="off")
    answer = (await api.post("/api/hearing/test")).json()
    assert (answer["success"], answer["code"]) == (False, "nothing_hears")
    assert "Settings › Hearing" in answer["remedy"]


async def test_a_language_that_is_none_is_refused(api: httpx2.AsyncClient) -> None:
    assert (await api.post("/api/hearing", json={"language": "en; rm"})).status_code == 422
    assert (await change(api, language="zh-TW"))["language"] == "zh-TW"
    assert (await change(api, language=""))["language"] == ""


# ── models ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def hub(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FileServer]:
    async with scripted_hub(server.neko, monkeypatch) as files:
        yield files


def tiny(now: Json) -> Json:
    found: Json = next(one for one in now["models"] if one["name"] == "tiny")
    return found


async def until(api: httpx2.AsyncClient, *wanted: str) -> Json:
    async with asyncio.timeout(SECONDS):
        while (now := tiny(await state(api)))["fetch"]["state"] not in wanted:  # noqa: ASYNC110  # asked as the page does
            await asyncio.sleep(0.02)
    return now


async def test_a_model_that_was_fetched_hears_at_once_and_can_be_removed(
    api: httpx2.AsyncClient, hub: FileServer
) -> None:
    before = await state(api)
    assert (tiny(before)["here"], before["engine"]) == (False, "off")
    assert (await api.post("/api/hearing/models/tiny/fetch")).status_code == 200
    assert (await until(api, "done", "failed"))["fetch"]["state"] == "done"
    now = await state(api)
    assert (now["engine"], now["name"], now["local"]) == ("local", "Tiny", True)
    assert (tiny(now)["in_use"], tiny(now)["removable"]) == (True, True)
    assert (await api.post("/api/hearing/test")).status_code == 200
    removed = (await api.delete("/api/hearing/models/tiny")).json()
    assert (tiny(removed)["here"], removed["engine"]) == (False, "off")


async def test_a_model_that_is_not_chosen_any_more_gives_its_memory_back(
    api: httpx2.AsyncClient, hub: FileServer, server: RunningServer
) -> None:
    await api.post("/api/hearing/models/tiny/fetch")
    await until(api, "done", "failed")
    engine = server.neko.hearing.engine()
    assert isinstance(engine, LocalHearing)
    await engine.prewarm()
    assert engine.is_running
    await change(api, engine="off")
    async with asyncio.timeout(SECONDS):
        while engine.is_running:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.01)


async def test_fetching_can_be_stopped_and_goes_on_from_there(api: httpx2.AsyncClient, hub: FileServer) -> None:
    held = Answer(hold=200_000)
    hub.answers.append(held)
    await api.post("/api/hearing/models/tiny/fetch")
    async with asyncio.timeout(SECONDS):
        await held.holding.wait()
        while tiny(await state(api))["fetch"]["count"] < 100_000:  # noqa: ASYNC110  # asked as the page does
            await asyncio.sleep(0.02)
    stopped = tiny((await api.post("/api/hearing/models/tiny/cancel")).json())
    assert stopped["fetch"]["state"] == "cancelled"
    assert not stopped["here"]
    await api.post("/api/hearing/models/tiny/fetch")
    assert (await until(api, "done", "failed"))["fetch"]["state"] == "done"
    assert hub.ranges[1].startswith("bytes=")


async def test_why_a_fetch_failed_is_told(api: httpx2.AsyncClient, hub: FileServer) -> None:
    hub.answers.append(Answer(status=451))
    await api.post("/api/hearing/models/tiny/fetch")
    failed = await until(api, "done", "failed")
    assert "451" in failed["fetch"]["error"]
    assert failed["fetch"]["remedy"]


async def test_a_model_that_nobody_knows_is_neither_fetched_nor_removed(api: httpx2.AsyncClient) -> None:
    for method, path in (("POST", "nothing/fetch"), ("DELETE", "nothing"), ("DELETE", "..%2f..")):
        assert (await api.request(method, f"/api/hearing/models/{path}")).status_code in (400, 404)


async def test_the_server_goes_while_a_model_is_fetched(api: httpx2.AsyncClient, hub: FileServer) -> None:
    """The fixtures fail this test when a task or a socket is left."""
    hub.answers.append(Answer(hold=200_000))
    await api.post("/api/hearing/models/tiny/fetch")
    await until(api, "fetching")


async def test_a_model_that_is_wanted_and_not_there_is_named(tmp_path: Path) -> None:
    environ = {"LANG": "en", "NEKO_HEARING_LOCAL_MODEL": str(tmp_path)}
    async with Neko(Settings(data_dir=tmp_path / "data", environ=environ, find_local_servers=False)) as neko:
        with pytest.raises(NothingHearsError) as failed:
            neko.hearing.engine()
    assert failed.value.sentence == "nothing_hears_no_model"
    assert failed.value.params["model"] == str(tmp_path)
