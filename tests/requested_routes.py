"""Sees to it that a test which the table of routes names (``tests/contract/route_table.py``) really requests them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from neko.web.guard import Guard
from tests.contract.route_table import ROUTES

TESTS = Path(__file__).parent


@pytest.fixture(autouse=True)
def requests_its_routes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each of them; one at least where the test is run for several values."""
    node = request.node
    named = ROUTES.get(node.path.relative_to(TESTS).as_posix(), {}).get(getattr(node, "originalname", node.name), {})
    if not named:
        yield
        return
    requested: set[str] = set()
    guarded = Guard.__call__

    async def noting(self: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        if "path" in scope:
            requested.add(f"{scope.get('method', 'WS')} {scope['path']}")
        await guarded(self, scope, receive, send)

    monkeypatch.setattr(Guard, "__call__", noting)
    yield
    missing = [route for route in named if not any(map(_pattern(route).fullmatch, requested))]
    enough = len(missing) < len(named) if hasattr(node, "callspec") else not missing
    assert enough, f"{missing} of the table of routes were not requested, but {sorted(requested)}"


def _pattern(route: str) -> re.Pattern[str]:
    """Also without a slash at the end: pages ask for both."""
    route, slash = route.removesuffix("/"), "/?" if route.endswith("/") else ""
    return re.compile("[^/]+".join(map(re.escape, re.split(r"{\w+}", route))) + slash)
