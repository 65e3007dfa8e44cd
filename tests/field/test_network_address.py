"""Opened from another machine in the house: the token in the address."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.conftest import RunningServer

TOKEN = "p+q/r=s t&u%2Bv~wxyz"
TYPED = TOKEN.replace("%", "%25").replace("&", "%26").replace(" ", "%20")


@pytest.fixture
def settings_changes() -> dict[str, Any]:
    return {"host": "0.0.0.0", "token": TOKEN}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (quote(TOKEN, safe=""), 303),
        (TYPED, 303),
        (quote(TOKEN, safe=" ").replace(" ", "+"), 303),
        (TYPED.replace("+", "%20"), 401),
        (TYPED[:-1], 401),
        ("", 401),
    ],
    ids=["E5-quoted", "E5-typed-plus", "E5-form", "E5-other-blank", "E5-cut", "E5-none"],
)
async def test_a_token_is_taken_as_it_is_typed(server: RunningServer, address: str, status: int) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        answer = await http.get(f"/?theme=dark&token={address}")
        assert answer.status_code == status
        if status == 303:
            assert answer.headers["location"].endswith("/?theme=dark")
            assert TOKEN not in answer.headers["set-cookie"]
