"""Lets go of keys and mouse buttons when Neko is killed with one of them down: an X server keeps what XTEST pressed.

``Guard`` tells a small process of its own what goes down and up. That runs this very file, without anything else of
ours: ``python x11_guard.py DISPLAY``. Its input is a line for each, ``+4 1`` (down: kind of the event that takes it up
again, and number) or ``-4 1`` (up); at the end of it what is still down comes up.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

_END_S: Final = 1.0
"""Seconds that the process has to end."""


class Guard:
    """Of one display. Its process begins with the first press; without one, nothing is guarded."""

    def __init__(self, display: str) -> None:
        self._display = display
        self._process: subprocess.Popen[bytes] | None = None
        self._failed = False

    def note(self, release: int, number: int, *, down: bool) -> None:
        """What goes down now, or is up: ``release`` is the kind of event that takes it up. Never waits."""
        process = self._begun()
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(f"{'+' if down else '-'}{release} {number}\n".encode())
            process.stdin.flush()
        except OSError:
            self._failed = True

    def close(self) -> None:
        """Idempotent."""
        process, self._process, self._failed = self._process, None, True
        if process is None:
            return
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _begun(self) -> subprocess.Popen[bytes] | None:
        if self._failed:
            return None
        if self._process is None:
            nothing = subprocess.DEVNULL
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", __file__, self._display],
                    stdin=subprocess.PIPE,
                    stdout=nothing,
                    stderr=nothing,
                    start_new_session=True,
                )
            except OSError:
                self._failed = True
        return self._process


def _left(lines: Iterable[str]) -> list[tuple[int, int]]:
    """What is down at the end, the last first."""
    down: list[tuple[int, int]] = []
    for line in lines:
        release, number = map(int, line[1:].split())
        if line.startswith("+"):
            down.append((release, number))
        elif (release, number) in down:
            down.remove((release, number))
    return down[::-1]


def _main() -> None:
    if left := _left(sys.stdin):
        from Xlib.display import Display

        display = Display(sys.argv[1] or None)
        for release, number in left:
            display.xtest_fake_input(release, number)
        display.sync()


if __name__ == "__main__":
    _main()
