"""What an action would do at worst, and how the user is told of it. Pure."""

from __future__ import annotations

import re
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
from neko.types.agent import Act, Extent

_HARMLESS_KEYS: Final = frozenset(
    {"esc", "tab", "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "capslock", "numlock"}
    | {"scrolllock", "insert", "backspace", "space", "volumeup", "volumedown", "volumemute", "printscreen", "f1"}
    | MODIFIERS
)
"""They move about, or change what Undo brings back; Enter sends and runs, Delete deletes, F5 sends a form again."""
_MOVING_KEYS: Final = _HARMLESS_KEYS - {"space", "backspace", "insert"}
"""Space presses the button that has the focus; the others change a text."""


def _hotkeys(*together: str) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(keys.split("+")) for keys in together)


_MOVING_HOTKEYS: Final = _hotkeys(
    *("ctrl+a", "ctrl+c", "ctrl+f", "ctrl+t", "ctrl+l", "ctrl+tab", "ctrl+plus", "ctrl+minus", "ctrl+0", "alt+tab"),
    *("alt+left", "alt+right", "ctrl+home", "ctrl+end", "ctrl+left", "ctrl+right", "ctrl+up", "ctrl+down"),
    *("ctrl+shift+left", "ctrl+shift+right", "shift+tab"),
)
_HARMLESS_HOTKEYS: Final = _MOVING_HOTKEYS | _hotkeys(
    *("ctrl+z", "ctrl+y", "ctrl+shift+z", "ctrl+b", "ctrl+i", "ctrl+u", "ctrl+n", "win+a", "win+c", "win+f", "win+z")
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
_SENDING_NOTHING: Final = frozenset(
    {"mousepad", "gedit", "gnome-text-editor", "org.gnome.texteditor", "kate", "kwrite", "org.kde.kate", "pluma", "xed"}
    | {"org.kde.kwrite", "featherpad", "leafpad", "l3afpad", "xpad", "gimp", "gimp-2.10", "gimp-3.0", "inkscape"}
    | {"org.inkscape.inkscape", "krita", "pinta", "mypaint", "kolourpaint", "xournalpp", "gnome-calculator", "kcalc"}
    | {"org.gnome.calculator", "galculator", "libreoffice", "libreoffice-writer", "libreoffice-calc"}
    | {"libreoffice-draw", "libreoffice-impress", "libreoffice-math", "soffice"}
)
"""By ``WM_CLASS``: programs that work on files alone. Any other may send what is clicked or typed in it."""
_MOVES: Final = frozenset({"left", "right", "up", "down", "home", "end", "pageup", "pagedown"})
_ENTER: Final = re.compile(r"\r\n|[\r\n]")
_LONGEST_TITLE: Final = 60


def act_of(action: ComputerAction, program: str = "") -> Act:
    """A click may be on anything: it is for the user to see the picture, and ``extent_of`` says how often. What opens,
    runs, moves or deletes by itself is asked for each time. ``program``: what it is done in, if known: in a terminal
    Ctrl+C copies nothing, but ends what runs."""
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


def extent_of(action: ComputerAction, program: str, *, knows_windows: bool = True) -> Extent:
    """What a yes to it may be for. A program shows only pixels, and words on the screen may be what wants the act:
    where it may send something, a click, a letter and a text are each for the user to see. ``knows_windows``: the
    system says which window an act would hit."""
    if isinstance(action, Move | Scroll | Wait | Terminate) and (program or not isinstance(action, Scroll)):
        return Extent.PLACE
    if not knows_windows:
        return Extent.UNKNOWN_WINDOW
    if not program:
        return Extent.UNKNOWN_PROGRAM
    if program.casefold() in _SENDING_NOTHING:
        return Extent.PLACE
    return Extent.KEYS if _only_moves(action) else Extent.MAY_SEND


def _only_moves(action: ComputerAction) -> bool:
    if isinstance(action, Press):
        return action.key in _MOVING_KEYS
    if not isinstance(action, Hotkey):
        return False
    together = _together(action)
    if len(together) == 1:
        return together <= _MOVING_KEYS
    return together in _MOVING_HOTKEYS or _moves_about(together)


def _together(action: Hotkey) -> frozenset[str]:
    names = (name.removesuffix("right") if name in MODIFIERS else name for name in action.pressed)
    return frozenset("plus" if name == "+" else "minus" if name == "-" else name.lower() for name in names)


def _moves_about(together: frozenset[str]) -> bool:
    return together - {"shift"} <= _MOVES and len(together - {"shift"}) == 1


def _act_of_key(name: str) -> Act:
    return Act.WRITE if name in _HARMLESS_KEYS or len(name) == 1 else Act.DESTRUCTIVE


def _act_of_hotkey(action: Hotkey) -> Act:
    if len(action.pressed) == 1:
        return _act_of_key(action.pressed[0])
    together = _together(action)
    if together in _HARMLESS_HOTKEYS or _moves_about(together):
        return Act.WRITE
    if together - {"shift"} and all(len(name) == 1 for name in together - {"shift"}):
        return Act.WRITE
    return Act.DESTRUCTIVE


def place(program: str) -> str:
    """What the user's policy is looked up by: the program, where it is known. To have allowed an act in the editor is
    not to have allowed one in the browser."""
    return " ".join(visible(program).replace("/", " ").split())[:_LONGEST_TITLE]


def title(action: ComputerAction, window: str, end_window: str | None = None) -> str:
    """In a few English words. ``window``: what the window it concerns calls itself, which is from outside;
    ``end_window``: the one where a drag ends, if that is another."""
    name = _shortened(window)
    if end_window is not None:
        return f"{_deed(action)} from “{name or '?'}” to “{_shortened(end_window) or '?'}”"
    return f"{_deed(action)} in “{name}”" if name and not isinstance(action, Wait | Terminate) else _deed(action)


def _shortened(window: str) -> str:
    name = " ".join(visible(window).split())
    if len(name) > _LONGEST_TITLE:  # most begin with a folder and end with a program
        return f"{name[: _LONGEST_TITLE // 2]}…{name[-_LONGEST_TITLE // 2 :]}"
    return name


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
            enters = len(_ENTER.findall(text))
            times = {0: "", 1: ", with Enter"}.get(enters, f", with Enter {enters} times")
            return f"type “{short[:40]}{'…' if len(short) > 40 else ''}”{times}"
        case Press(key=key, times=times):
            return f"press {key}" + (f" {times} times" if times > 1 else "")
        case Hotkey(pressed=pressed):
            return f"press {'+'.join(pressed)}"
        case Wait():
            return "wait"
        case _:
            return "end the task"
