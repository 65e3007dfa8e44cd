"""The services and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.web.fake_services import FakeServices, app_of, open_services, serving


@pytest.fixture
def launched_with() -> dict[str, Any]:
    """Override to launch the services with other settings."""
    return {}


@pytest.fixture
async def services(data_dir: Path, launched_with: dict[str, Any]) -> AsyncIterator[FakeServices]:
    async with open_services(data_dir, **launched_with) as opened:
        yield opened


@pytest.fixture
async def client(services: FakeServices) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(app_of(services)) as connected:
        yield connected
