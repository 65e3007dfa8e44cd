"""A Neko whose model is the scripted provider, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neko.application import Neko
from neko.serve import listen, serving
from neko.settings import Settings
from tests.conftest import RunningServer
from tests.scripted_provider import ScriptedProvider


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as scripted:
        yield scripted


@pytest.fixture
async def connected(data_dir: Path, provider: ScriptedProvider) -> AsyncIterator[RunningServer]:
    """A server that talks to ``provider`` and makes no sound."""
    environ = {
        "NEKO_ASSIST_API_KEY_OPENAI": "sk-test",
        "NEKO_OPENAI_BASE_URL": provider.base_url,
        "LANG": "en_US.UTF-8",
    }
    settings = Settings(data_dir=data_dir, port=0, environ=environ, find_local_servers=False)
    with listen(settings.host, settings.port) as listener:
        async with Neko(settings) as neko, serving(neko, listener):
            await neko.config.change({"neko": {"speech": {"engine": "off"}}})
            address = f"127.0.0.1:{listener.port}"
            yield RunningServer(neko, f"http://{address}", f"ws://{address}")
