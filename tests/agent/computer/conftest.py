"""A screen of its own (Xvfb), a program on it (Mousepad), and an onlooker who asks the X server what is pressed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from neko.agent.computer.geometry import Point
from neko.agent.computer.hand import ComputerHand
from neko.agent.computer.workspace import ComputerWorkspace
from neko.types.hands import Action, Intent, Job, Observation

TIMEOUT_S = 20.0
"""Long enough for a busy machine."""
WIDTH, HEIGHT = 1280, 800


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def x_server() -> Iterator[str]:
    """The name of a display that nobody else uses."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("no Xvfb here: `make test` installs it where it can")
    reading, writing = os.pipe()
    command = [
        program,
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        f"{WIDTH}x{HEIGHT}x24",
        "-nolisten",
        "tcp",
        "-noreset",
    ]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
        server.terminate()


@pytest.fixture
def display(x_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The display, named to everything in this process as a session of X11 names it."""
    monkeypatch.setenv("DISPLAY", x_server)
    for name in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "XAUTHORITY"):
        monkeypatch.delenv(name, raising=False)
    return x_server


class Window:
    """Takes the keyboard, and counts."""

    def __init__(self, display: Any, program: str) -> None:
        from Xlib import X

        self._display = display
        self._pressed: list[Any] = []
        self._window: Any = display.screen().root.create_window(
            0, 0, 300, 300, 0, X.CopyFromParent, event_mask=X.KeyPressMask | X.ExposureMask
        )
        if program:
            self._window.set_wm_class(program.lower(), program)
        self._window.map()
        while display.next_event().type != X.Expose:
            pass
        self.focus()

    def focus(self) -> None:
        from Xlib import X

        self._window.set_input_focus(X.RevertToPointerRoot, X.CurrentTime)
        self._display.sync()

    def close(self) -> None:
        self._window.destroy()
        self._display.sync()

    def paint(self, colour: int) -> None:
        self._window.change_attributes(background_pixel=colour)
        self._window.clear_area()
        self._display.sync()

    def rename(self, title: str) -> None:
        name = self._display.intern_atom("_NET_WM_NAME")
        self._window.change_property(name, self._display.intern_atom("UTF8_STRING"), 8, title.encode())
        self._display.sync()

    def keys_pressed(self) -> int:
        self._take_in()
        return len(self._pressed)

    def pressed_with(self) -> list[tuple[str, bool]]:
        """Of the keys that are no modifiers: what each means, and whether Shift was down."""
        from Xlib import XK

        self._take_in()
        names = {getattr(XK, name): name.removeprefix("XK_") for name in dir(XK) if name.startswith("XK_")}
        return [
            (names[self._display.keycode_to_keysym(event.detail, event.state & 1)], bool(event.state & 1))
            for event in self._pressed
            if not 0xFFE1 <= self._display.keycode_to_keysym(event.detail, 0) <= 0xFFEE
        ]

    def _take_in(self) -> None:
        from Xlib import X

        self._display.sync()
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == X.KeyPress:
                self._pressed.append(event)


class Onlooker:
    """Another connection to the X server: it sees what is pressed, and has hands of its own, those of a user."""

    def __init__(self, name: str) -> None:
        from Xlib import display

        self._display: Any = display.Display(name)
        self._root: Any = self._display.screen().root

    def pressed_keys(self) -> list[int]:
        keymap = self._display.query_keymap()
        return [8 * index + bit for index, byte in enumerate(keymap) for bit in range(8) if byte >> bit & 1]

    def pressed_buttons(self) -> int:
        return int(self._root.query_pointer().mask) >> 8 & 0b11111

    def locked(self) -> bool:
        """Is Caps Lock on?"""
        return bool(self._root.query_pointer().mask & 2)

    def pointer(self) -> Point:
        pointer = self._root.query_pointer()
        return Point(pointer.root_x, pointer.root_y)

    @contextmanager
    def two_monitors(self) -> Iterator[None]:
        """The screen is two monitors meanwhile, the first and primary one at the right."""
        (output,) = self._root.xrandr_get_screen_resources().outputs
        names = [self._display.intern_atom(name) for name in ("RIGHT", "LEFT")]
        for name, left, outputs in zip(names, (WIDTH // 2, 0), ([output], []), strict=True):
            self._set_monitor(name, left, WIDTH // 2, outputs)
        self._display.sync()
        try:
            yield
        finally:
            for name in names:
                self._root.xrandr_delete_monitor(name)
            self._display.sync()

    def _set_monitor(self, name: int, left: int, width: int, outputs: list[int]) -> None:
        """``xrandr_set_monitor``, which does not work in python-xlib 0.33."""
        from Xlib.ext import randr
        from Xlib.protocol import rq

        class SetMonitor(rq.Request):  # type: ignore[misc]
            _request = rq.Struct(
                *(rq.Card8("opcode"), rq.Opcode(43), rq.RequestLength(), rq.Window("window")),
                *(rq.Card32("name"), rq.Bool("primary"), rq.Bool("automatic"), rq.LengthOf("outputs", 2)),
                *(rq.Int16("x"), rq.Int16("y"), rq.Card16("width"), rq.Card16("height"), rq.Card32("wide_mm")),
                *(rq.Card32("high_mm"), rq.List("outputs", rq.Card32Obj)),
            )

        SetMonitor(
            display=self._display.display,
            opcode=self._display.display.get_extension_major(randr.extname),
            window=self._root,
            **{
                "name": name,
                "primary": bool(outputs),
                "automatic": 0,
                "x": left,
                "y": 0,
                "width": width,
                "height": HEIGHT,
            },
            **{"wide_mm": 200, "high_mm": 150, "outputs": outputs},
        )

    def lent_keys(self) -> list[int]:
        """Keys that mean something only because somebody types with them."""
        info = self._display.display.info
        table = self._display.get_keyboard_mapping(info.min_keycode, info.max_keycode - info.min_keycode + 1)
        return [info.min_keycode + index for index, row in enumerate(table) if 0x1000100 <= row[0] < 0x1110000]

    def is_drawn_at(self, point: Point) -> bool:
        """A program has painted its paper there."""
        from Xlib import X

        pixel = self._root.get_image(point.x, point.y, 1, 1, X.ZPixmap, 0xFFFFFFFF).data[:3]
        return bool(min(pixel) > 200)

    def window(self, title: str = "", program: str = "") -> Window:
        window = Window(self._display, program)
        window.rename(title)
        return window

    def move(self, point: Point) -> None:
        self._fake(6, 0, point)

    def click(self) -> None:
        for kind in (4, 5):
            self._fake(kind, 1, Point(0, 0))

    def key(self, keysym: int, *, down: bool) -> None:
        self._fake(2 if down else 3, self._display.keysym_to_keycode(keysym), Point(0, 0))

    def _fake(self, kind: int, detail: int, point: Point) -> None:
        self._display.xtest_fake_input(kind, detail, x=point.x, y=point.y)
        self._display.sync()

    def close(self) -> None:
        self._display.close()


@pytest.fixture
def onlooker(display: str) -> Iterator[Onlooker]:
    looking = Onlooker(display)
    yield looking
    looking.close()


class AtWork:
    """A workspace, and what came of working with it."""

    def __init__(self, workspace: ComputerWorkspace, interruptions: list[str]) -> None:
        self.workspace = workspace
        self.interruptions = interruptions
        self.progress: list[str] = []

    async def intend(self, name: str, **arguments: Any) -> Intent:
        return await self.workspace.intend(Action(name, arguments))

    async def act(self, name: str, **arguments: Any) -> Observation:
        return await self.workspace.act(Action(name, arguments), self.progress.append)

    async def do(self, name: str, **arguments: Any) -> Observation:
        """As a task does: what it would do is asked first."""
        await self.intend(name, **arguments)
        return await self.act(name, **arguments)


@asynccontextmanager
async def at_work(folder: Path) -> AsyncIterator[AtWork]:
    hand = ComputerHand(characters=lambda: ["Mio"])
    interruptions: list[str] = []
    job = Job("task", "Neko", "write it down", folder, interrupt=interruptions.append)
    workspace = await hand.open(job)
    try:
        yield AtWork(workspace, interruptions)
    finally:
        await hand.aclose()


@pytest.fixture
async def work(display: str, tmp_path: Path) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path) as working:
        yield working


@pytest.fixture
async def editor(display: str, tmp_path: Path) -> AsyncIterator[Path]:
    """A file that is open in Mousepad."""
    program = shutil.which("mousepad")
    if program is None:
        pytest.skip("no Mousepad here: `make test` installs it where it can")
    file = tmp_path / "letter.txt"
    file.write_text("")
    env = {"LC_ALL": "C.UTF-8", "GSETTINGS_BACKEND": "memory", "NO_AT_BRIDGE": "1", "HOME": str(tmp_path)}
    command = [program, "--disable-server", str(file)]
    with subprocess.Popen(command, env=dict(os.environ, **env), stderr=subprocess.DEVNULL) as running:
        yield file
        running.terminate()
