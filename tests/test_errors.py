"""The drawing of the error tree is the tree."""

from __future__ import annotations

import ast
import builtins
import re
from functools import cache
from pathlib import Path

import neko
from neko import errors

PACKAGE = Path(neko.__file__).parent


@cache
def classes() -> dict[str, tuple[str, list[str]]]:
    """Every class of the package with its module and the names of its bases."""
    result = {}
    for file in PACKAGE.rglob("*.py"):
        module = ".".join(("neko", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                result[node.name] = (module, [ast.unparse(base).rpartition(".")[2] for base in node.bases])
    return result


def is_exception(name: str, known: dict[str, tuple[str, list[str]]]) -> bool:
    if name in known:
        return any(is_exception(base, known) for base in known[name][1] if base != name)
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)


def test_every_exception_of_ours_ends_in_error_and_stands_in_the_drawing_with_its_module() -> None:
    known = classes()
    drawing = errors.__doc__ or ""
    ours = {name: module for name, (module, _) in known.items() if is_exception(name, known)}
    assert "HTTPError" in ours
    for name, module in ours.items():
        assert name.endswith("Error"), name
        assert re.search(rf"\b{name}\b", drawing), f"{name} is not in the drawing"
        assert module == "neko.errors" or module in drawing, f"{module} of {name} is not in the drawing"


def test_the_drawing_shows_each_error_below_its_base() -> None:
    parents: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"((?:│   |    )*)[├└]── (\w+)", line):
            depth, name = len(match[1]) // 4, match[2]
            parents = [*parents[:depth], name]
            base = parents[depth - 1] if depth else "NekoError"
            assert classes()[name][1] == [base], name
