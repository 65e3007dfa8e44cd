"""What the tests of this folder share: a conversation by voice, and a whole Neko whose model is scripted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from neko.application import Neko
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import Outbox
from neko.settings import Settings
from tests.scripted_provider import ScriptedProvider
from tests.sessions.speech_conversation import SpeechConversation, speech_conversation


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
async def talk(executor: ThreadPoolExecutor) -> AsyncIterator[SpeechConversation]:
    async with speech_conversation(executor) as conversation:
        yield conversation


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as scripted:
        yield scripted


@pytest.fixture
async def neko(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Neko]:
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
    async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as whole:
        yield whole


@pytest.fixture
async def manager(neko: Neko) -> SessionManager:
    found = neko.conversations.get("Mio")
    assert found is not None
    return found


@pytest.fixture
async def page(manager: SessionManager) -> Outbox:
    """What a page is told that is open with Mio."""
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    return outbox
