"""A conversation by voice that the tests of this folder share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sessions.speech_conversation import SpeechConversation, speech_conversation


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
async def talk(executor: ThreadPoolExecutor) -> AsyncIterator[SpeechConversation]:
    async with speech_conversation(executor) as conversation:
        yield conversation
