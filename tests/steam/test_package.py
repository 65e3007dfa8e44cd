"""The names that we call are those of the package and of the library in it, where it is installed."""

from __future__ import annotations

import ast
import ctypes
import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import neko.steam
from neko.steam.flat import FUNCTIONS, LIBRARIES, Details
from tests.scripted_steam import PACKAGE

SOURCES = Path(neko.steam.__file__).parent
GROUPS = ("manual_dispatch", "ugc", "apps", "utils", "user_stats")


def called() -> set[tuple[str, str]]:
    """What the worker calls in the package: the group, "" for the package itself, and the name."""
    found: set[tuple[str, str]] = set()
    for file in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = ast.unparse(node.func.value)
            group = {"dispatch": "manual_dispatch", "stats": "user_stats"}.get(owner, owner.rpartition(".")[2])
            if group in GROUPS:
                found.add((group, node.func.attr))
            elif group == "api":
                found.add(("", node.func.attr))
    return found


def missing_in(package: Any) -> set[tuple[str, str]]:
    def is_there(group: str, name: str) -> bool:
        return hasattr(getattr(package, group) if group else package, name)

    return {(group, name) for group, name in called() if not is_there(group, name)}


def test_the_played_package_has_every_name_that_is_called() -> None:
    names = {
        node.name
        for node in ast.walk(ast.parse((PACKAGE / "steamworks" / "__init__.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert len(called()) > 40
    assert not {name for _, name in called()} - names


@pytest.mark.skipif(importlib.util.find_spec("steamworks") is None, reason="steamworks-swig is not installed")
def test_the_package_and_its_library_have_every_name_that_is_called() -> None:
    package = importlib.import_module("steamworks")
    assert not missing_in(package)
    library = ctypes.CDLL(str(Path(str(package.__file__)).parent / LIBRARIES[sys.platform]))
    assert not [name for name in FUNCTIONS if not hasattr(library, name)]


WITHOUT_A_CLIENT = """
from neko.steam import connection, worker
from neko.steam.flat import Details

class Flat:
    def __init__(self, folder): pass
    def subscribed_items(self, most): return [2**64 - 1]
    def query_details(self, items): return 2**64 - 1
    def query_result(self, handle, index): return Details()
    def set_tags(self, handle, tags): return True
    def stat(self, name): return 5
    def achievement(self, name): return False

connection.FlatFunctions = Flat
steam = worker.Worker(4099310)
steam._steam.open = lambda: None
publication = {"title": "猫", "description": "", "folder": "/", "preview": "/", "tags": [], "note": "", "visibility": 2}
for request in (
    {"do": "items"}, {"do": "item", "item": 2**64 - 1}, {"do": "unsubscribe", "item": 2**64 - 1, "within": 1},
    {"do": "publish", "item": 0, **publication}, {"do": "publish", "item": 2**64 - 1, **publication},
    {"do": "achievements"}, {"do": "unlock", "name": "A"}, {"do": "who"},
    {"do": "play", "stat": "P", "seconds": 2**31 - 1, "achievements": {"A": 1}},
):
    answer = steam.answer(request)
    assert "Error" not in answer.get("said", ""), (request, answer)
steam._steam._pipe = 1
steam._steam.look()
steam._steam.close()
print("well")
"""


@pytest.mark.skipif(importlib.util.find_spec("steamworks") is None, reason="steamworks-swig is not installed")
def test_the_package_takes_what_it_is_given() -> None:
    """Without a client each of its functions says nothing or no, but it looks at what it is given before."""
    process = subprocess.run((sys.executable, "-c", WITHOUT_A_CLIENT), capture_output=True, timeout=60, check=False)
    assert (process.returncode, process.stdout) == (0, b"well\n"), process.stderr.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Valve's structures are laid out otherwise there")
def test_the_details_of_an_item_are_laid_out_as_in_the_sdk() -> None:
    """Offsets of ``SteamUGCDetails_t`` with ``VALVE_CALLBACK_PACK_SMALL``."""
    offsets = {
        "title": 24,
        "description": 153,
        "owner": 8156,
        "tags": 8183,
        "file": 9208,
        "url": 9492,
        "total_size": 9764,
    }
    assert {name: getattr(Details, name).offset for name in offsets} == offsets
    assert ctypes.sizeof(Details) == 9772
