"""From what a model wrote to an action: a tool call, JSON, or a line in the manner of pyautogui. Nothing is ever run.

A line of code is read as a syntax tree; what is not one call of a known name with literal arguments is refused,
whatever it would do (``contract/agent.md`` §11 has the names).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from neko.agent.computer.actions import ACTIONS, ComputerAction, checked
from neko.types.hands import Action, ActionError

MOST_CODE: Final = 20_000
_FENCE: Final = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[ \t]*$", re.MULTILINE)
_BEGINS: Final = re.compile(r"\s*(\{|(import|pyautogui|computer|time)\b[ .])")
_IGNORED: Final = ""
"""A parameter that changes only how it looks: how slowly the mouse glides."""

_CALLS: Final[Mapping[str, tuple[str, tuple[tuple[str, str], ...]]]] = {
    "pyautogui.click": (
        "click",
        (("x", "x"), ("y", "y"), ("clicks", "clicks"), ("interval", _IGNORED), ("button", "button")),
    ),
    "pyautogui.leftClick": ("click", (("x", "x"), ("y", "y"))),
    "pyautogui.doubleClick": ("double_click", (("x", "x"), ("y", "y"), ("interval", _IGNORED))),
    "pyautogui.rightClick": ("right_click", (("x", "x"), ("y", "y"))),
    "pyautogui.middleClick": ("middle_click", (("x", "x"), ("y", "y"))),
    "pyautogui.tripleClick": ("triple_click", (("x", "x"), ("y", "y"))),
    "pyautogui.moveTo": ("move", (("x", "x"), ("y", "y"), ("duration", _IGNORED))),
    "pyautogui.dragTo": ("drag", (("x", "x"), ("y", "y"), ("duration", "duration"), ("button", "button"))),
    "pyautogui.scroll": ("scroll", (("clicks", "clicks"), ("x", "x"), ("y", "y"))),
    "pyautogui.hscroll": ("hscroll", (("clicks", "clicks"), ("x", "x"), ("y", "y"))),
    "pyautogui.write": ("write", (("text", "text"), ("interval", _IGNORED), ("message", "text"))),
    "pyautogui.typewrite": ("write", (("text", "text"), ("interval", _IGNORED), ("message", "text"))),
    "pyautogui.press": (
        "press",
        (("key", "key"), ("presses", "times"), ("interval", _IGNORED), ("keys", "key")),
    ),
    "time.sleep": ("wait", (("seconds", "seconds"), ("secs", "seconds"))),
    "computer.wait": ("wait", (("seconds", "seconds"),)),
    "computer.terminate": ("terminate", (("status", "status"), ("answer", "answer"))),
}
_ALIASES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "leftClick": ("click", {}),
    "left_click": ("click", {}),
    "doubleClick": ("double_click", {}),
    "rightClick": ("right_click", {}),
    "middleClick": ("click", {"button": "middle"}),
    "middle_click": ("click", {"button": "middle"}),
    "tripleClick": ("click", {"clicks": 3}),
    "triple_click": ("click", {"clicks": 3}),
    "moveTo": ("move", {}),
    "dragTo": ("drag", {}),
    "hscroll": ("scroll", {"sideways": True}),
    "typewrite": ("write", {}),
    "type": ("write", {}),
    "sleep": ("wait", {}),
}


def typed(action: Action) -> ComputerAction:
    """A tool call as an action. Raises ``ActionError``."""
    return _named(action.name, dict(action.arguments))


def from_text(text: str) -> Action:
    """The one action that a model wrote, in the last fenced block or as the whole text, as JSON or as a call.

    Checked already. Raises ``ActionError``.
    """
    block = last_block(text)
    code = (block if block is not None else text).strip()
    if not code:
        _refuse("There is no action in it.")
    if len(code) > MOST_CODE:
        _refuse(f"It is longer than {MOST_CODE} characters.")
    name, arguments = _from_json(code) if code.startswith("{") else _from_call(code)
    found = _named(name, arguments)
    return Action(found.name, found.model_dump(exclude_none=True, by_alias=True))


def holds_action(text: str) -> bool:
    """Does it look like an action, well written or not, and not like words alone?"""
    block = last_block(text)
    return block is not None or _BEGINS.match(text) is not None


def last_block(text: str) -> str | None:
    """What stands in the last closed fence of a Markdown text, else after one that is open at the end."""
    inside: int | None = None
    found: str | None = None
    for fence in _FENCE.finditer(text):
        if inside is None:
            inside = fence.end()
        elif not fence[1]:
            found, inside = text[inside : fence.start()], None
    return text[inside:] if inside is not None else found


def _named(name: str, arguments: dict[str, Any]) -> ComputerAction:
    name = name.removeprefix("pyautogui.").removeprefix("computer.").removeprefix("time.")
    if name in _ALIASES:
        name, given = _ALIASES[name]
        arguments = {**arguments, **given}
    return checked(name, arguments)


def _from_json(code: str) -> tuple[str, dict[str, Any]]:
    try:
        value = json.loads(code, parse_constant=lambda _: _refuse("NaN and Infinity are no numbers here."))
    except (ValueError, RecursionError):
        _refuse("It is no valid JSON.")
    if not isinstance(value, dict):
        _refuse("It is no JSON object.")
    name = next((value.pop(key) for key in ("name", "action", "tool") if isinstance(value.get(key), str)), None)
    if name is None:
        _refuse('The JSON does not name an action, as in {"action": "click", "x": 500, "y": 500}.')
    inner = next((value[key] for key in ("arguments", "args", "parameters") if isinstance(value.get(key), dict)), value)
    return name, dict(inner)


def _from_call(code: str) -> tuple[str, dict[str, Any]]:
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        _refuse("It is no line in the manner of pyautogui, and no JSON.")
    calls = [statement for statement in statements if not _is_import(statement)]
    if len(calls) != 1:
        _refuse(f"One action at a time; there are {len(calls)}.")
    call = calls[0].value if isinstance(calls[0], ast.Expr) else None
    if not isinstance(call, ast.Call):
        _refuse("It is no call.")
    function = _dotted(call.func)
    if function == "pyautogui.hotkey":
        return "hotkey", {"keys": _keys(call)}
    if function not in _CALLS:
        _refuse(f"There is no {function[:60]!r}." if function else "Only plain names can be called.")
    action, parameters = _CALLS[function]
    return action, _arguments(call, dict(parameters))


def _is_import(statement: ast.stmt) -> bool:
    """Models begin with ``import pyautogui``; it imports nothing here."""
    return isinstance(statement, ast.Import) and all(alias.name in ("pyautogui", "time") for alias in statement.names)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _keys(call: ast.Call) -> list[Any]:
    named = [keyword.arg for keyword in call.keywords if keyword.arg != "interval"]
    if named:
        _refuse("hotkey takes keys, one after the other.")
    values = [_literal(node) for node in call.args]
    return list(values[0]) if len(values) == 1 and isinstance(values[0], list | tuple) else values


def _arguments(call: ast.Call, parameters: Mapping[str, str]) -> dict[str, Any]:
    names = list(parameters)
    if len(call.args) > len(names):
        _refuse(f"It takes at most {len(names)} arguments.")
    given = dict(zip(names, (_literal(node) for node in call.args), strict=False))
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg not in parameters or keyword.arg in given:
            _refuse(f"It takes {', '.join(names)}, each once.")
        given[keyword.arg] = _literal(keyword.value)
    return {parameters[name]: value for name, value in given.items() if parameters[name] and value is not None}


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        _refuse("Arguments are written out: numbers and texts, nothing that is to be worked out.")


def _refuse(why: str) -> NoReturn:
    raise ActionError(
        f"{why} Write one action, as in pyautogui.click(500, 500) or computer.terminate(status='success', answer='…') "
        f'or {{"action": "click", "x": 500, "y": 500}}. There are: {", ".join(ACTIONS)}.'
    )
