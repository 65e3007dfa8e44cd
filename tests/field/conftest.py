"""Neko with a provider that misbehaves. A test's id holds the id of the trouble report that it plays."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conftest import RunningServer
from tests.field.hostile_provider import HostileProvider
from tests.field.talk import Talk, talking


@pytest.fixture
async def hostile() -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as provider:
        yield provider


@pytest.fixture
async def talk(server: RunningServer, hostile: HostileProvider) -> AsyncIterator[Talk]:
    """A page of a silent Neko whose model is ``hostile``."""
    await server.neko.config.change({"neko": {"speech": {"engine": "off"}}})
    async with talking(server, hostile) as opened:
        yield opened
