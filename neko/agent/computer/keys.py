"""Keys by the names that pyautogui gives them, with what X11 and pynput call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Key:
    """``keysym``: its number in the X protocol (X11/keysymdef.h). ``pynput``: the member of pynput's ``Key``, ""
    for a character."""

    name: str
    keysym: int
    pynput: str = ""


_NAMED: Final = (
    Key("enter", 0xFF0D, "enter"),
    Key("esc", 0xFF1B, "esc"),
    Key("tab", 0xFF09, "tab"),
    Key("space", 0x20, "space"),
    Key("backspace", 0xFF08, "backspace"),
    Key("delete", 0xFFFF, "delete"),
    Key("insert", 0xFF63, "insert"),
    Key("home", 0xFF50, "home"),
    Key("end", 0xFF57, "end"),
    Key("left", 0xFF51, "left"),
    Key("up", 0xFF52, "up"),
    Key("right", 0xFF53, "right"),
    Key("down", 0xFF54, "down"),
    Key("pageup", 0xFF55, "page_up"),
    Key("pagedown", 0xFF56, "page_down"),
    Key("printscreen", 0xFF61, "print_screen"),
    Key("pause", 0xFF13, "pause"),
    Key("apps", 0xFF67, "menu"),
    Key("capslock", 0xFFE5, "caps_lock"),
    Key("numlock", 0xFF7F, "num_lock"),
    Key("scrolllock", 0xFF14, "scroll_lock"),
    Key("shift", 0xFFE1, "shift"),
    Key("shiftright", 0xFFE2, "shift_r"),
    Key("ctrl", 0xFFE3, "ctrl"),
    Key("ctrlright", 0xFFE4, "ctrl_r"),
    Key("alt", 0xFFE9, "alt"),
    Key("altright", 0xFFEA, "alt_r"),
    Key("win", 0xFFEB, "cmd"),
    Key("winright", 0xFFEC, "cmd_r"),
    Key("volumeup", 0x1008FF13, "media_volume_up"),
    Key("volumedown", 0x1008FF11, "media_volume_down"),
    Key("volumemute", 0x1008FF12, "media_volume_mute"),
    Key("playpause", 0x1008FF14, "media_play_pause"),
    Key("nexttrack", 0x1008FF17, "media_next"),
    Key("prevtrack", 0x1008FF16, "media_previous"),
    *(Key(f"f{number}", 0xFFBD + number, f"f{number}") for number in range(1, 21)),
)
_ALIASES: Final = {
    "return": "enter",
    "\n": "enter",
    "\r": "enter",
    "escape": "esc",
    "\t": "tab",
    " ": "space",
    "spacebar": "space",
    "\b": "backspace",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "page_up": "pageup",
    "pgdn": "pagedown",
    "page_down": "pagedown",
    "print": "printscreen",
    "prtsc": "printscreen",
    "prtscr": "printscreen",
    "prntscrn": "printscreen",
    "menu": "apps",
    "caps_lock": "capslock",
    "num_lock": "numlock",
    "control": "ctrl",
    "ctrlleft": "ctrl",
    "controlleft": "ctrl",
    "shiftleft": "shift",
    "altleft": "alt",
    "altgr": "altright",
    "option": "alt",
    "optionleft": "alt",
    "optionright": "altright",
    "winleft": "win",
    "windows": "win",
    "super": "win",
    "meta": "win",
    "cmd": "win",
    "command": "win",
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "decimal": ".",
    "plus": "+",
    "minus": "-",
    "arrowleft": "left",
    "arrowright": "right",
    "arrowup": "up",
    "arrowdown": "down",
    **{f"num{digit}": str(digit) for digit in range(10)},
}
_BY_NAME: Final = {key.name: key for key in _NAMED}
MODIFIERS: Final = frozenset({"shift", "shiftright", "ctrl", "ctrlright", "alt", "altright", "win", "winright"})


def key_named(name: str) -> Key:
    """The key of that name, or of that one character. Raises ``ValueError``, which says what names there are."""
    word = name if len(name) == 1 else name.strip().lower()
    word = _ALIASES.get(word, word)
    if known := _BY_NAME.get(word):
        return known
    if len(word) == 1 and word.isprintable():
        return Key(word, keysym_of(word))
    names = ", ".join(key.name for key in _NAMED if not key.name[1:].isdigit())
    raise ValueError(f"there is no key {name[:30]!r}; there are single characters, f1 to f20, {names}")


def keysym_of(character: str) -> int:
    """The number that X11 gives a character (X protocol, appendix A; "\\n" and "\\t" are keys)."""
    if character == "\n":
        return 0xFF0D
    if character == "\t":
        return 0xFF09
    code = ord(character)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else 0x0100_0000 | code
