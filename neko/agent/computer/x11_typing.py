"""Typing any character on an X server, whatever the keyboard's layout.

A key of an X keyboard has a number, and the server a table of what the keys of each number mean. What the layout has is
typed with the key that has it. For other characters, keys that no keyboard has are given a meaning for a while: that is
told to all programs (``MappingNotify``), which read the table anew; they need a moment for it, before the key is
pressed and before it means something else. At the end those keys mean nothing again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from neko.agent.computer.devices import Stop
from neko.agent.computer.keys import keysym_of
from neko.types.hands import ActionError

P = ParamSpec("P")
T = TypeVar("T")

GAP_S: Final = 0.006
"""Between two characters: programs that compose keys in another process lose some that come at once."""
LEARN_S: Final = 0.06
"""For programs to hear that keys mean something new."""
LINGER_S: Final = 0.3
"""For programs to have read the last character, before its key means something else."""

_SHIFT: Final = 0xFFE1
_CAPS_LOCK: Final = 0xFFE5
_LOCK_MASK: Final = 1 << 1
_LEVELS: Final = 2
"""Of a key that are used: alone, and with Shift."""

Stroke = tuple[int, bool]
"""A key's number, and whether Shift goes with it."""


def _asking(method: Callable[Concatenate[Keyboard, P], T]) -> Callable[Concatenate[Keyboard, P], T]:
    def asking(self: Keyboard, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._lock:
            return method(self, *args, **kwargs)

    return asking


class Keyboard:
    """Of one connection; ``fake`` presses (True) or releases a key by its number.

    ``lock`` is held while the server is asked, not between two strokes: python-xlib may wait for ever when two threads
    ask by one connection.
    """

    def __init__(self, display: Any, fake: Callable[[int, bool], None], lock: threading.RLock) -> None:
        self._display = display
        self._fake = fake
        self._lock = lock
        self._first: int = display.display.info.min_keycode
        self._last: int = display.display.info.max_keycode
        self._lent: dict[int, list[int]] = {}
        """Keys that mean something for now, by number: what, by level."""
        self._pressed: dict[int, tuple[int, ...]] = {}
        """By keysym of a key that is down, the numbers that go up with it, in order; the table may have changed."""

    def key(self, keysym: int, *, down: bool) -> None:
        """Press or release one key, with Shift for a sign that needs it; "A" in a hotkey is the key that has it."""
        if not down:
            for number in self._pressed.pop(keysym, ()):
                self._fake(number, False)
            if not self._pressed:
                self.restore()
            return
        known = _strokes(self._table(), self._first, self._group(), everywhere=True)
        found = known.get(keysym)
        if found is None:
            self._lend([*dict.fromkeys(lent for pair in self._lent.values() for lent in pair), keysym])
            time.sleep(LEARN_S)
            found = self._lent_strokes()[keysym]
        number, shifted = found
        if shifted and not _is_letter(keysym) and _SHIFT not in self._pressed:
            shift = known[_SHIFT][0]
            self._pressed[keysym] = (shift,)
            self._fake(shift, True)
        self._pressed[keysym] = (number, *self._pressed.get(keysym, ()))
        self._fake(number, True)

    def write(self, text: str, stop: Stop) -> None:
        """Raises ``StoppedError`` between two characters."""
        known = _strokes(self._table(), self._first, self._group())
        try:
            with self._no_caps_lock(known):
                for characters, new in _portions(text, known, self._room()):
                    self._lend(new)
                    if new:
                        stop.pause(LEARN_S)
                    strokes = known | self._lent_strokes()
                    for character in characters:
                        stop.check()
                        self._stroke(strokes[keysym_of(character)], strokes[_SHIFT][0])
                        stop.pause(GAP_S)
                    if new:
                        stop.pause(LINGER_S)
        finally:
            self.restore()

    @_asking
    def restore(self) -> None:
        """The keys that were lent mean nothing again."""
        if self._lent:
            for number in list(self._lent):
                self._display.change_keyboard_mapping(number, [[0] * self._width()])
            self._lent.clear()
            self._display.sync()

    @_asking
    def _stroke(self, stroke: Stroke, shift: int) -> None:
        """Down and up, never one without the other."""
        number, shifted = stroke
        try:
            if shifted:
                self._fake(shift, True)
            try:
                self._fake(number, True)
            finally:
                self._fake(number, False)
        finally:
            if shifted:
                self._fake(shift, False)

    @_asking
    def _table(self) -> list[Sequence[int]]:
        return list(self._display.get_keyboard_mapping(self._first, self._last - self._first + 1))

    def _width(self) -> int:
        return max(len(self._table()[0]), 2 * _LEVELS)

    def _group(self) -> int:
        """Which of the user's layouts is on (XKB, "Computing a State Field from an XKB State": bits 13 and 14)."""
        return self._mask() >> 13 & 3

    @_asking
    def _mask(self) -> int:
        return int(self._display.screen().root.query_pointer().mask)

    @_asking
    def _free(self) -> list[int]:
        """Keys that mean nothing and are no modifiers; those that were lent count as free."""
        modifiers = {number for row in self._display.get_modifier_mapping() for number in row}
        return [
            number
            for number, meanings in enumerate(self._table(), self._first)
            if number not in modifiers and (number in self._lent or not any(meanings))
        ]

    def _room(self) -> int:
        room = len(self._free()) * _LEVELS
        if not room:
            raise ActionError("This keyboard has no free key to type such characters with.")
        return room

    @_asking
    def _lend(self, keysyms: Sequence[int]) -> None:
        """Give keys these meanings in place of those that they were lent before. At most ``_room()``."""
        if not keysyms:
            return
        numbers = iter(self._free())
        width = self._width()
        for start in range(0, len(keysyms), _LEVELS):
            pair = list(keysyms[start : start + _LEVELS])
            pair += pair[:1] * (_LEVELS - len(pair))
            number = next(numbers)
            self._lent[number] = pair
            self._display.change_keyboard_mapping(number, [(pair * width)[:width]])
        self._display.sync()

    def _lent_strokes(self) -> dict[int, Stroke]:
        return {
            keysym: (number, level == 1)
            for number, pair in self._lent.items()
            for level, keysym in reversed(list(enumerate(pair)))
        }

    @contextmanager
    def _no_caps_lock(self, known: dict[int, Stroke]) -> Iterator[None]:
        """Caps Lock is off meanwhile."""
        on = self._mask() & _LOCK_MASK
        caps_lock = known.get(_CAPS_LOCK)
        if not on or caps_lock is None:
            yield
            return
        self._stroke((caps_lock[0], False), 0)
        try:
            yield
        finally:
            self._stroke((caps_lock[0], False), 0)


def _is_letter(keysym: int) -> bool:
    return keysym < 0x1000_0000 and chr(keysym & 0xFF_FFFF if keysym >= 0x100_0000 else keysym).isalpha()


def _strokes(table: Sequence[Sequence[int]], first: int, group: int, *, everywhere: bool = False) -> dict[int, Stroke]:
    """What the layout can type: the keysym of each key alone and with Shift. ``everywhere``: in the user's other
    layouts too, as shortcuts are by the key.

    A row of the table has the two levels of the first layout, then of the second, then further levels (X protocol,
    "Keyboards"; XKB, "Core Keyboard Mapping").
    """
    found: dict[int, Stroke] = {}
    starts = [_LEVELS * group, *([0, _LEVELS] if everywhere else [])]
    for start in starts:
        for level in range(_LEVELS):
            for number, row in enumerate(table, first):
                own = row[start : start + _LEVELS]
                meanings = own if any(own) else row[:_LEVELS]
                if level < len(meanings) and meanings[level]:
                    found.setdefault(meanings[level], (number, level == 1))
    return found


def _portions(text: str, known: dict[int, Stroke], room: int) -> Iterator[tuple[str, list[int]]]:
    """The text in pieces, each with the keysyms that it needs lent: no more than there is room for."""
    start = 0
    new: dict[int, None] = {}
    for index, character in enumerate(text):
        keysym = keysym_of(character)
        if keysym in known or keysym in new:
            continue
        if len(new) == room:
            yield text[start:index], list(new)
            start, new = index, {}
        new[keysym] = None
    yield text[start:], list(new)
