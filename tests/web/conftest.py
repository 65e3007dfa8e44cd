"""The house and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.web.house import House, app_of, open_house, serving


@pytest.fixture
def launched_with() -> dict[str, Any]:
    """Override to launch the house with other settings."""
    return {}


@pytest.fixture
async def house(data_dir: Path, launched_with: dict[str, Any]) -> AsyncIterator[House]:
    async with open_house(data_dir, **launched_with) as opened:
        yield opened


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(app_of(house)) as connected:
        yield connected
