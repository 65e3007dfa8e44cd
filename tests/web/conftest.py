"""A Neko and a client of its HTTP surface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from tests.web.running_app import serving, started


@pytest.fixture
def launched_with() -> dict[str, Any]:
    """Override to launch it with other settings."""
    return {}


@pytest.fixture
async def neko(data_dir: Path, launched_with: dict[str, Any]) -> AsyncIterator[Neko]:
    async with started(data_dir, **launched_with) as running:
        yield running


@pytest.fixture
async def client(neko: Neko) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(neko.asgi) as connected:
        yield connected
