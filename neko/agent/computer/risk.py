"""What an action would do at worst, and how the user is told of it. Pure."""

from __future__ import annotations

from typing import Final

from neko.agent.computer.actions import (
    Click,
    ComputerAction,
    DoubleClick,
    Drag,
    Hotkey,
    Move,
    Press,
    RightClick,
    Scroll,
    Terminate,
    Wait,
    Write,
)
from neko.agent.computer.keys import MODIFIERS
from neko.agent.outside import visible
from neko.types.agent import Act

_HARMLESS_KEYS: Final = frozenset(
    {"esc", "tab", "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "capslock", "numlock"}
    | {"scrolllock", "insert", "backspace", "space", "volumeup", "volumedown", "volumemute", "printscreen", "f1"}
    | MODIFIERS
)
"""They move about, or change what Undo brings back; Enter sends and runs, Delete deletes, F5 sends a form again."""
_HARMLESS_HOTKEYS: Final = frozenset(
    frozenset(keys.split("+"))
    for keys in (
        *("ctrl+a", "ctrl+c", "ctrl+f", "ctrl+z", "ctrl+y", "ctrl+shift+z", "ctrl+b", "ctrl+i", "ctrl+u", "ctrl+t"),
        *("ctrl+n", "ctrl+l", "ctrl+tab", "ctrl+plus", "ctrl+minus", "ctrl+0", "alt+tab", "alt+left", "alt+right"),
        *("ctrl+home", "ctrl+end", "ctrl+left", "ctrl+right", "ctrl+up", "ctrl+down", "ctrl+shift+left"),
        *("ctrl+shift+right", "shift+tab", "win+a", "win+c", "win+f", "win+z"),
    )
)
"""They select, copy, look for, undo, or change what is shown. Ctrl+V types what nobody has seen; Ctrl+S overwrites."""
_TERMINALS: Final = frozenset(
    {"xterm", "uxterm", "urxvt", "st", "st-256color", "alacritty", "kitty", "foot", "terminator", "tilix", "konsole"}
    | {"gnome-terminal", "gnome-terminal-server", "org.gnome.terminal", "xfce4-terminal", "mate-terminal", "kgx"}
    | {
        "lxterminal",
        "qterminal",
        "deepin-terminal",
        "org.wezfurlong.wezterm",
        "com.mitchellh.ghostty",
        "yakuake",
        "guake",
    }
)
"""By ``WM_CLASS``, in small letters."""
_MOVES: Final = frozenset({"left", "right", "up", "down", "home", "end", "pageup", "pagedown"})
_LONGEST_TITLE: Final = 60


def act_of(action: ComputerAction, program: str = "") -> Act:
    """A click may be on anything: it is for the user to see the picture, once for a task or every time, as their policy
    says. What opens, sends, runs, moves or deletes is asked for each time. ``program``: what it is done in, if known:
    in a terminal Ctrl+C copies nothing, but ends what runs."""
    if isinstance(action, Hotkey) and program.casefold() in _TERMINALS:
        return Act.DESTRUCTIVE
    match action:
        case Move() | Scroll() | Wait() | Terminate():
            return Act.READ
        case Click(clicks=1) | RightClick():
            return Act.WRITE
        case Write(text=text):
            return Act.DESTRUCTIVE if "\n" in text else Act.WRITE
        case Press():
            return _act_of_key(action.key)
        case Hotkey():
            return _act_of_hotkey(action)
        case _:
            return Act.DESTRUCTIVE


def _act_of_key(name: str) -> Act:
    return Act.WRITE if name in _HARMLESS_KEYS or len(name) == 1 else Act.DESTRUCTIVE


def _act_of_hotkey(action: Hotkey) -> Act:
    names = [name.removesuffix("right") if name in MODIFIERS else name for name in action.pressed]
    if len(names) == 1:
        return _act_of_key(names[0])
    together = frozenset("plus" if name == "+" else "minus" if name == "-" else name.lower() for name in names)
    if together in _HARMLESS_HOTKEYS or (together - {"shift"} <= _MOVES and len(together - {"shift"}) == 1):
        return Act.WRITE
    if together - {"shift"} and all(len(name) == 1 for name in together - {"shift"}):
        return Act.WRITE
    return Act.DESTRUCTIVE


def place(program: str) -> str:
    """What the user's policy is looked up by: the program, where it is known. To have allowed an act in the editor is
    not to have allowed one in the browser."""
    return " ".join(visible(program).replace("/", " ").split())[:_LONGEST_TITLE]


def title(action: ComputerAction, window: str) -> str:
    """In a few English words. ``window``: what the window it concerns calls itself, which is from outside."""
    name = " ".join(visible(window).split())
    if len(name) > _LONGEST_TITLE:  # most begin with a folder and end with a program
        name = f"{name[: _LONGEST_TITLE // 2]}…{name[-_LONGEST_TITLE // 2 :]}"
    return f"{_deed(action)} in “{name}”" if name and not isinstance(action, Wait | Terminate) else _deed(action)


def _deed(action: ComputerAction) -> str:
    match action:
        case Click(clicks=clicks, button=button):
            times = {1: "", 2: " twice", 3: " three times"}[clicks]
            return f"click{times}" + (f" with the {button} button" if button != "left" else "")
        case DoubleClick():
            return "double-click"
        case RightClick():
            return "right-click"
        case Move():
            return "move the mouse"
        case Drag():
            return "drag"
        case Scroll(clicks=clicks, sideways=sideways):
            return "scroll " + (("right" if clicks > 0 else "left") if sideways else ("up" if clicks > 0 else "down"))
        case Write(text=text):
            short = " ".join(visible(text).split())
            return f"type “{short[:40]}{'…' if len(short) > 40 else ''}”"
        case Press(key=key, times=times):
            return f"press {key}" + (f" {times} times" if times > 1 else "")
        case Hotkey(pressed=pressed):
            return f"press {'+'.join(pressed)}"
        case Wait():
            return "wait"
        case _:
            return "end the task"
