"""A password in an address is shown to nobody: not on the page, in a sentence or in the log, not by the doctor."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from neko import doctor
from neko.settings import Settings
from neko.settings.masking import masked_url
from tests.web.running_app import serving, started

PASSWORDS = ["hunter2secret", "hunter2@secret", "hunter2:secret", "hunter2/secret", "hunter2#secret", "hunter2?secret"]
READS = ("/api/models/current", "/api/config/core_api", "/api/speech", "/api/metrics", "/api/models/local")


@pytest.fixture
def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


async def everything_said(folder: Path, settings: dict[str, Any], environ: dict[str, str]) -> str:
    """What a page and a program get while the model at this address cannot be reached."""
    seen: list[str] = []
    async with started(folder, environ=environ) as neko, serving(neko.asgi) as client:
        await neko.config.change(settings)
        seen += [(await client.get(path)).text for path in READS]
        for provider in ("custom", "openai", "local"):
            for call in ("list", "test", "use"):
                body = {"provider": provider, "base_url": settings.get("conversationModelUrl", ""), "model": "m"}
                seen.append((await client.post(f"/api/models/{call}", json=body)).text)
        url = str(client.base_url).replace("http://", "ws://")
        async with connect(f"{url}/ws/Mio", proxy=None) as page:
            await page.send(json.dumps({"action": "stream_data", "input_type": "text", "data": "hello"}))
            while not any('"turn end"' in frame or '"error"' in frame for frame in seen):
                seen.append(str(await page.recv()))
    return "\n".join(seen)


@pytest.mark.parametrize("password", PASSWORDS)
async def test_no_answer_no_frame_and_no_line_of_the_log_shows_it(
    data_dir: Path, closed_port: int, caplog: pytest.LogCaptureFixture, password: str
) -> None:
    address = f"http://me:{password}@127.0.0.1:{closed_port}/v1"
    settings = {
        "enableCustomApi": True,
        **{f"{role}ModelUrl": address for role in ("conversation", "summary", "tts", "omni")},
        **{f"{role}ModelId": "m" for role in ("conversation", "summary", "tts", "omni")},
        "neko": {"speech": {"engine": "openai"}},
    }
    with caplog.at_level(logging.DEBUG):
        said = await everything_said(data_dir, settings, {"LANG": "en"})
    assert "hunter2" not in said
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("variable", ["NEKO_OPENAI_BASE_URL", "OPENAI_BASE_URL", "HTTP_PROXY", "OLLAMA_HOST"])
async def test_nor_one_that_stands_in_the_environment(
    data_dir: Path, closed_port: int, caplog: pytest.LogCaptureFixture, variable: str
) -> None:
    environ = {variable: f"http://me:hunter2@127.0.0.1:{closed_port}", "NEKO_ASSIST_API_KEY_OPENAI": "k", "LANG": "en"}
    with caplog.at_level(logging.DEBUG):
        said = await everything_said(data_dir, {}, environ)
    assert "hunter2" not in said + caplog.text


@pytest.mark.parametrize("password", PASSWORDS)
def test_the_doctor_does_not_show_it(
    data_dir: Path, closed_port: int, capsys: pytest.CaptureFixture[str], password: str
) -> None:
    address = f"http://me:{password}@127.0.0.1:{closed_port}/v1"
    config = data_dir / "config" / "core_config.json"
    config.parent.mkdir(parents=True)
    names = ("conversationModelUrl", "ttsModelUrl")
    config.write_text(
        json.dumps({"enableCustomApi": True, "conversationModelId": "m", **dict.fromkeys(names, address)})
    )
    settings = Settings(data_dir=data_dir, port=0, environ={"NEKO_OPENAI_BASE_URL": address}, find_local_servers=False)
    doctor.run(settings)
    told = capsys.readouterr()
    assert "model" in told.out
    assert "hunter2" not in told.out + told.err


@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss", ""])
@pytest.mark.parametrize("password", [*PASSWORDS, "hunter2[x", "hunter2]", "hunter2%40", "hunter2\\", "hunter2 x", "é"])
def test_of_an_address_only_the_account_is_hidden(scheme: str, password: str) -> None:
    start = f"{scheme}://" if scheme else ""
    shown = masked_url(f"{start}me:{password}@host.example:8000/v1/chat")
    assert password not in shown
    assert "hunter2" not in shown
    assert "host.example:8000" in shown or shown == "…"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://host.example/v1",
        "https://host.example/@user/v1",
        "localhost:11434",
        "http://[::1]:8000/v1",
        "no url",
    ],
)
def test_an_address_without_one_is_shown_as_it_is(url: str) -> None:
    assert masked_url(url) == url
