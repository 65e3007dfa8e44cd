"""What is asked for each time, and what may be allowed for a task."""

from __future__ import annotations

from typing import Any

import pytest

from neko.agent.computer.parsing import typed
from neko.agent.computer.risk import act_of, extent_of, title
from neko.types.agent import Act, Extent
from neko.types.hands import Action

CASES: list[tuple[Act, str, dict[str, Any]]] = [
    (Act.READ, "move", {"x": 1, "y": 2}),
    (Act.READ, "scroll", {"clicks": -3}),
    (Act.READ, "wait", {}),
    (Act.READ, "terminate", {}),
    (Act.WRITE, "click", {"x": 1, "y": 2}),
    (Act.WRITE, "right_click", {"x": 1, "y": 2}),
    (Act.WRITE, "write", {"text": "Dear Anna,"}),
    (Act.WRITE, "press", {"key": "tab"}),
    (Act.WRITE, "press", {"key": "a"}),
    (Act.WRITE, "hotkey", {"keys": ["ctrl", "c"]}),
    (Act.WRITE, "hotkey", {"keys": ["ctrlright", "Z"]}),
    (Act.WRITE, "hotkey", {"keys": ["shift", "left"]}),
    (Act.DESTRUCTIVE, "double_click", {"x": 1, "y": 2}),
    (Act.DESTRUCTIVE, "click", {"x": 1, "y": 2, "clicks": 2}),
    (Act.DESTRUCTIVE, "drag", {"x": 1, "y": 2}),
    (Act.DESTRUCTIVE, "write", {"text": "rm -rf ~\n"}),
    (Act.DESTRUCTIVE, "press", {"key": "enter"}),
    (Act.DESTRUCTIVE, "press", {"key": "delete"}),
    (Act.DESTRUCTIVE, "press", {"key": "f5"}),
    (Act.DESTRUCTIVE, "hotkey", {"keys": ["enter"]}),
    (Act.DESTRUCTIVE, "hotkey", {"keys": ["ctrl", "w"]}),
    (Act.DESTRUCTIVE, "hotkey", {"keys": ["ctrl", "s"]}),
    (Act.DESTRUCTIVE, "hotkey", {"keys": ["ctrl", "v"]}),
    (Act.DESTRUCTIVE, "hotkey", {"keys": ["alt", "f4"]}),
    (Act.DESTRUCTIVE, "hotkey", {"keys": ["win", "r"]}),
    (Act.DESTRUCTIVE, "hotkey", {"keys": ["ctrl", "alt", "delete"]}),
    (Act.DESTRUCTIVE, "hotkey", {"keys": ["shift", "delete"]}),
    (Act.DESTRUCTIVE, "hotkey", {"keys": ["ctrl", "enter"]}),
]


@pytest.mark.parametrize(("act", "name", "arguments"), CASES)
def test_an_action_is_taken_for_the_worst_that_it_may_do(act: Act, name: str, arguments: dict[str, Any]) -> None:
    assert act_of(typed(Action(name, arguments))) is act


def test_in_a_terminal_every_hotkey_is_asked_for() -> None:
    copy = typed(Action("hotkey", {"keys": ["ctrl", "c"]}))
    assert (act_of(copy, "Mousepad"), act_of(copy, "XTerm")) == (Act.WRITE, Act.DESTRUCTIVE)
    assert act_of(typed(Action("write", {"text": "ls"})), "XTerm") is Act.WRITE


EXTENTS: list[tuple[Extent, str, str, dict[str, Any]]] = [
    (Extent.PLACE, "Mousepad", "click", {"x": 1, "y": 2}),
    (Extent.PLACE, "Mousepad", "write", {"text": "Dear Anna,"}),
    (Extent.PLACE, "Firefox", "scroll", {"clicks": -3}),
    (Extent.PLACE, "", "move", {"x": 1, "y": 2}),
    (Extent.KEYS, "Firefox", "press", {"key": "down"}),
    (Extent.KEYS, "Firefox", "hotkey", {"keys": ["ctrl", "c"]}),
    (Extent.KEYS, "Firefox", "hotkey", {"keys": ["shiftright", "left"]}),
    (Extent.MAY_SEND, "Firefox", "click", {"x": 1, "y": 2}),
    (Extent.MAY_SEND, "Firefox", "right_click", {"x": 1, "y": 2}),
    (Extent.MAY_SEND, "Firefox", "write", {"text": "a"}),
    (Extent.MAY_SEND, "Firefox", "press", {"key": "space"}),
    (Extent.MAY_SEND, "Firefox", "press", {"key": "backspace"}),
    (Extent.MAY_SEND, "Firefox", "press", {"key": "a"}),
    (Extent.MAY_SEND, "Firefox", "hotkey", {"keys": ["a"]}),
    (Extent.MAY_SEND, "Firefox", "hotkey", {"keys": ["shift", "a"]}),
    (Extent.MAY_SEND, "SomethingNew", "click", {"x": 1, "y": 2}),
    (Extent.UNKNOWN_PROGRAM, "", "click", {"x": 1, "y": 2}),
    (Extent.UNKNOWN_PROGRAM, "", "scroll", {"clicks": -3}),
]


@pytest.mark.parametrize(("extent", "program", "name", "arguments"), EXTENTS)
def test_a_yes_is_for_one_act_where_that_could_send_something_or_nobody_knows_where_it_is(
    extent: Extent, program: str, name: str, arguments: dict[str, Any]
) -> None:
    assert extent_of(typed(Action(name, arguments)), program) is extent


def test_the_title_says_what_and_where_and_hides_nothing_of_a_window_that_names_itself() -> None:
    click = typed(Action("click", {"x": 1, "y": 2}))
    assert title(click, "letter.txt") == "click in “letter.txt”"
    assert title(click, "a\u202eb\n\nc") == "click in “ab c”"
    assert len(title(click, "x" * 500)) < 80
    assert title(typed(Action("hotkey", {"keys": ["ctrl", "s"]})), "") == "press ctrl+s"
    run = typed(Action("write", {"text": f"ls {'x' * 90}\n"}))
    assert title(run, "") == f"type “ls {'x' * 37}…”, with Enter", "which is what sends or runs it"
    assert title(typed(Action("write", {"text": "a\n\nb"})), "") == "type “a b”, with Enter 2 times"
    assert title(typed(Action("drag", {"x": 1, "y": 2})), "Files", "Trash") == "drag from “Files” to “Trash”"
