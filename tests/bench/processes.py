"""Processes to measure: a whole Neko, a bare server, a scripted provider."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CHARACTERS = 8

BARE = """
import asyncio, socket, sys
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute

async def page(request):
    return HTMLResponse("<p>hello</p>")

async def talk(websocket):
    await websocket.accept()
    while True:
        await websocket.send_text(await websocket.receive_text())

async def main():
    config = Config()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "error"
    app = Starlette(routes=[Route("/", page), WebSocketRoute("/ws/{name}", talk)])
    print(f"http://127.0.0.1:{port}", flush=True)
    await serve(app, config, shutdown_trigger=asyncio.Event().wait)

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Server:
    """``began`` is the ``perf_counter`` time just before the process was started."""

    pid: int
    url: str
    began: float

    @property
    def ws_url(self) -> str:
        return "ws" + self.url.removeprefix("http")


@asynccontextmanager
async def process(arguments: Sequence[str], environ: Mapping[str, str]) -> AsyncIterator[Server]:
    """Run a Python program that prints an address in its first line; killed at the end."""
    began = time.perf_counter()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environ},
        cwd=Path(__file__).parents[2],
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(30):
            found = None
            while found is None:
                line = (await child.stdout.readline()).decode()
                assert line, f"{' '.join(arguments)[:60]} ended at once"
                found = re.search(r"http://[\w.]+:\d+", line)
        yield Server(child.pid, found.group(), began)
    finally:
        with suppress(ProcessLookupError):
            child.terminate()
        try:
            async with asyncio.timeout(5):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


@asynccontextmanager
async def bare_server() -> AsyncIterator[Server]:
    """Starlette on Hypercorn with one page and one echoing socket: the floor of any start."""
    async with process(["-c", BARE], {}) as server:
        yield server


@asynccontextmanager
async def provider() -> AsyncIterator[Server]:
    """The scripted provider without any delay: twenty deltas a reply."""
    async with process(["-m", "tests.scripted_provider"], {}) as server:
        yield server


@asynccontextmanager
async def neko(provider_url: str = "", *, voice: str = "off", characters: int = CHARACTERS) -> AsyncIterator[Server]:
    """A whole Neko over a fresh folder with characters called c0, c1, …"""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        config.mkdir()
        cards = ",".join(f'"c{number}":{{"system_prompt":"You are c{number}."}}' for number in range(characters))
        text = f'{{"主人":{{"档案名":"Sam"}},"猫娘":{{{cards}}},"当前猫娘":"c0"}}'
        (config / "characters.json").write_text(text, encoding="utf-8")
        (config / "core_config.json").write_text(f'{{"neko":{{"speech":{{"engine":"{voice}"}}}}}}', encoding="utf-8")
        environ = (
            {"NEKO_ASSIST_API_KEY_OPENAI": "sk-bench", "NEKO_OPENAI_BASE_URL": f"{provider_url}/v1"}
            if provider_url
            else {}
        )
        arguments = ["-m", "neko", "--port", "0", "--no-browser", "--data-dir", folder, "--log-level", "warning"]
        async with process(arguments, environ) as server:
            yield server
