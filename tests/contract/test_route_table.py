"""Every route of the contract is answered and has a test, or is listed as open; the list of those only shrinks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from neko.web.calls import ENDPOINTS
from neko.web.pages import PAGES
from tests.contract.route_table import OPEN, ROUTES

TESTS = Path(__file__).parent.parent


def plain(route: str) -> str:
    """Without the names of its parameters."""
    return re.sub(r"{\w+}", "{}", route)


ANSWERED = [route for tests in ROUTES.values() for routes in tests.values() for route in routes]
NOT_YET = [route for routes in OPEN.values() for route in routes]
SERVED = {
    *(plain(f"{one.method} {path}") for one in ENDPOINTS for path in one.paths),
    *(plain(f"GET {page.path}") for page in PAGES),
    "WS /ws/{}",
}


def test_the_table_has_each_of_the_131_routes_once() -> None:
    assert len(ANSWERED) + len(NOT_YET) == 131
    assert len({*map(plain, ANSWERED), *map(plain, NOT_YET)}) == 131


def test_what_counts_as_answered_is_served_and_what_is_open_is_not() -> None:
    assert not {route for route in ANSWERED if plain(route) not in SERVED}
    # a path of one part is a page of a character as long as nothing else is there
    assert not {route for route in NOT_YET if plain(route) in SERVED}


def test_every_answered_route_names_a_test_that_is_there() -> None:
    """That it requests them it shows when it runs (``requested_routes``); of several values each may be another's."""
    for file, tests in ROUTES.items():
        nodes = ast.parse((TESTS / file).read_text(encoding="utf-8")).body
        there = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert not tests.keys() - there.keys(), file
        for name, routes in tests.items():
            source = ast.unparse(there[name])
            if len(routes) > 1 and "parametrize" in source:
                assert not [route for route in routes if route.partition(" ")[2].strip("/") not in source], name
