"""The page's types of the socket's frames (``static/app/wire.js``) mirror ``neko/web/wire.py``."""

from __future__ import annotations

import re
from pathlib import Path

from neko.web import wire

SERVER = Path(wire.__file__).read_text(encoding="utf-8")
PAGE = Path(wire.__file__).with_name("static").joinpath("app", "wire.js").read_text(encoding="utf-8")


def names(union: str) -> set[str]:
    """The members of a union type of the page."""
    declared = re.search(rf"@typedef {{((?:[^{{}}])*)}} {union}\b", PAGE)
    assert declared
    return set(re.findall(r"\w+", declared[1]))


def literals(key: str, union: str) -> set[str]:
    """What ``key`` can be in the members of a union, each of which is declared on its own."""
    found: set[str] = set()
    for name in names(union):
        declared = re.search(rf"@typedef {{{{([^{{}}]|{{[^{{}}]*}})*}}}} {name}\b", PAGE)
        assert declared, name
        alternatives = re.search(rf'\b{key}: ((?:"\w+"(?: \| )?)+)', declared[0])
        assert alternatives, name
        found.update(re.findall(r'"(\w+)"', alternatives[1]))
    return found


def test_the_page_has_a_type_for_every_frame_of_the_server_and_for_no_other() -> None:
    assert literals("type", "ServerEvent") == set(re.findall(r'"type": "(\w+)"', SERVER))


def test_the_server_reads_every_action_that_the_page_can_send() -> None:
    assert literals("action", "ClientAction") <= set(wire._ACTIONS)
