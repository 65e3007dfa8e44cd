"""What a model writes becomes one checked action, or a sentence that says what there is. Nothing of it runs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.agent.computer.actions import ACTIONS, tools
from neko.agent.computer.parsing import from_text, last_block, typed
from neko.types.hands import Action, ActionError

UNDERSTOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("pyautogui.click(500, 300)", "click", {"x": 500, "y": 300, "clicks": 1, "button": "left"}),
    ("pyautogui.click(x=1, y=2, clicks=2, interval=0.1, button='right')", "click", {"clicks": 2, "button": "right"}),
    ("pyautogui.click()", "click", {"clicks": 1}),
    ("pyautogui.middleClick(5, 6)", "click", {"x": 5, "y": 6, "button": "middle"}),
    ("pyautogui.tripleClick(5, 6)", "click", {"clicks": 3}),
    ("pyautogui.doubleClick(5, 6)", "double_click", {"x": 5, "y": 6}),
    ("pyautogui.rightClick(5, 6)", "right_click", {"x": 5, "y": 6}),
    ("pyautogui.moveTo(0, 999, duration=1.5)", "move", {"x": 0, "y": 999}),
    ("pyautogui.dragTo(9, 8, 1.5, button='left')", "drag", {"x": 9, "y": 8, "duration": 1.5, "button": "left"}),
    ("pyautogui.scroll(-3)", "scroll", {"clicks": -3, "sideways": False}),
    ("pyautogui.hscroll(3, x=4, y=5)", "scroll", {"clicks": 3, "sideways": True, "x": 4, "y": 5}),
    ("pyautogui.write('你好 🐱', interval=0.05)", "write", {"text": "你好 🐱"}),
    ('pyautogui.typewrite(message="it\'s")', "write", {"text": "it's"}),
    ("pyautogui.press('Return')", "press", {"key": "enter", "times": 1}),
    ("pyautogui.press('tab', presses=3)", "press", {"key": "tab", "times": 3}),
    ("pyautogui.hotkey('ctrl', 'shift', 't')", "hotkey", {"keys": ["ctrl", "shift", "t"]}),
    ("pyautogui.hotkey(['command', 'c'])", "hotkey", {"keys": ["win", "c"]}),
    ("time.sleep(2)", "wait", {"seconds": 2}),
    ("computer.wait()", "wait", {"seconds": 5}),
    ("computer.wait(seconds=500)", "wait", {"seconds": 30}),
    ("computer.terminate(status='success', answer='It is done.')", "terminate", {"answer": "It is done."}),
    ("computer.terminate()", "terminate", {"status": "failure", "answer": ""}),
    ("import pyautogui\nimport time\npyautogui.click(1, 2)", "click", {"x": 1, "y": 2}),
    ("## Thought\nNow.\n```python\npyautogui.press('a')\n```", "press", {"key": "a"}),
    ("```code\npyautogui.press('a')\n```\nno:\n```\npyautogui.press('b')\n```\n", "press", {"key": "b"}),
    ("```python\npyautogui.press('c')", "press", {"key": "c"}),
    ('{"action": "click", "x": 10, "y": 20}', "click", {"x": 10, "y": 20}),
    ('```json\n{"name": "write", "arguments": {"text": "a"}}\n```', "write", {"text": "a"}),
    ('{"tool": "pyautogui.press", "args": {"key": "F5"}}', "press", {"key": "f5"}),
]

REFUSED = [
    "",
    "Let me click it.",
    "__import__('os').system('touch /tmp/x')",
    "import os",
    "import os\npyautogui.click(1, 2)",
    "from os import system",
    "os.system('ls')",
    "pyautogui.click(__import__('os').getpid(), 1)",
    "pyautogui.write(open('/etc/passwd').read())",
    "pyautogui.write(f'{1 + 1}')",
    "pyautogui.write('a' * 10**9)",
    "pyautogui.write('a' if True else 'b')",
    "pyautogui.write(x := 'a')",
    "pyautogui.press(key=(lambda: 'a')())",
    "pyautogui.hotkey(*['ctrl', 'c'])",
    "pyautogui.click(**{'x': 1, 'y': 2})",
    "pyautogui.click(pyautogui.position())",
    "pyautogui.locateOnScreen('x.png')",
    "pyautogui.screenshot('/tmp/x.png')",
    "pyautogui.run('c')",
    "pyautogui.__class__.__mro__[1].__subclasses__()",
    "pyautogui.click.__globals__['os'].system('x')",
    "(lambda: pyautogui.click(1, 2))()",
    "[pyautogui.click(1, 2) for _ in range(9)]",
    "exec('import os')",
    "eval('1')",
    "getattr(pyautogui, 'click')(1, 2)",
    "while True: pass",
    "def f(): pass",
    "@pyautogui.click(1, 2)\ndef f(): pass",
    "x = pyautogui.click(1, 2)",
    "pyautogui.click(1, 2); pyautogui.click(3, 4)",
    "pyautogui.click(1, 2)\npyautogui.press('enter')",
    "pyautogui.click(1)",
    "pyautogui.click(1, 2, 3, 4, 'left', 6)",
    "pyautogui.click(1, x=2, y=3)",
    "pyautogui.click('left', 'top')",
    "pyautogui.click(1e999, 1)",
    "pyautogui.click(1, 2, clicks=1000000)",
    "pyautogui.press('no such key')",
    "pyautogui.press(['a', 'b'])",
    "pyautogui.press('a', presses=100000)",
    "pyautogui.hotkey()",
    "pyautogui.scroll(10**9)",
    "pyautogui.write('')",
    "pyautogui.write('\\x1b\\x00')",
    "pyautogui.write('" + "a" * 6_000 + "')",
    "pyautogui.write(b'bytes')",
    "computer.terminate(status='perhaps')",
    "computer.wait(seconds=float('inf'))",
    "computer.wait(-1)",
    "computer.open('notepad')",
    "(" * 5_000 + ")" * 5_000,
    "-" * 15_000 + "1",
    "pyautogui.click(" + "[" * 3_000 + "]" * 3_000 + ", 1)",
    "a" * 30_000,
    "\0",
    '{"action": "click", "x": NaN, "y": 1}',
    '{"action": "run", "code": "import os"}',
    '{"action": "click", "x": 1, "y": 2, "then": "press"}',
    '{"x": 1, "y": 2}',
    '{"action": ["click"]}',
    "[1, 2]",
    '{"a":' * 3_000,
]


@pytest.mark.parametrize(("text", "name", "arguments"), UNDERSTOOD)
def test_an_action_is_understood_however_it_is_written(text: str, name: str, arguments: dict[str, Any]) -> None:
    action = from_text(text)
    assert action.name == name
    assert arguments.items() <= action.arguments.items()
    assert typed(action).name == name, "what was read is read again as it is"


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_anything_else_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(ActionError) as refused:
        from_text(text)
    assert "click" in str(refused.value) or "It takes: " in str(refused.value)


RUNNING = [
    "{0}",
    "pyautogui.click({0}, 1)",
    "pyautogui.write(text={0})",
    "pyautogui.write(f'{{{0}}}')",
    "pyautogui.press(['a', {0}])",
    "{0}.click(1, 2)",
    "import pyautogui\n{0}",
    "computer.terminate(status='success', answer={0})",
    "class pyautogui({0}): pass",
]


@pytest.mark.parametrize("form", RUNNING)
def test_nothing_that_was_written_is_ever_run(form: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(ActionError):
        from_text(form.format(f"__import__('pathlib').Path({str(mark)!r}).touch()"))
    assert not mark.exists()


@given(st.text(max_size=200))
def test_no_text_makes_more_of_it_than_an_action_or_a_refusal(text: str) -> None:
    with suppress(ActionError):
        assert from_text(text).name in ACTIONS


def test_only_the_last_block_counts() -> None:
    assert last_block("```\na\n```\ntext\n```python\nb\n```\nend") == "\nb\n"
    assert last_block("no block") is None


def test_a_tool_call_is_checked_like_everything_else() -> None:
    assert typed(Action("type", {"text": "a\r\nb"})).model_dump()["text"] == "a\nb"
    with pytest.raises(ActionError, match="There are: click, double_click"):
        typed(Action("shell", {"command": "ls"}))
    with pytest.raises(ActionError, match=r"x: .*It takes: monitor, x, y"):
        typed(Action("move", {"x": "left", "y": 2}))


def test_every_action_is_a_tool_whose_schema_has_its_parameters() -> None:
    offered = {tool.name: tool.parameters for tool in tools()}
    assert offered.keys() == ACTIONS.keys()
    assert offered["hotkey"]["properties"]["keys"]["type"] == "array"
    assert offered["move"]["required"] == ["x", "y"]
    assert offered["click"]["properties"]["x"]["type"] == "number"
