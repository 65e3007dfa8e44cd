"""Every rule of the contract has a test, and every mark names a rule."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.contract.rules import OPEN, RULES

HERE = Path(__file__).parent


def marked_rules() -> set[str]:
    """The ids given to ``@pytest.mark.contract`` in this folder."""
    found: set[str] = set()
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.contract":
                found.update(ast.literal_eval(argument) for argument in node.args)
    return found


def test_every_rule_has_a_test_or_is_listed_as_open() -> None:
    assert RULES.keys() - marked_rules() == OPEN.keys()


def test_every_mark_names_a_rule() -> None:
    assert marked_rules() <= RULES.keys()
