"""On a real X server, with a real program: what is done arrives, and nothing stays pressed on any way out."""

from __future__ import annotations

import asyncio
import io
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from neko.agent.approvals import LARGEST_PICTURE
from neko.agent.computer.devices import Stop, StoppedError
from neko.agent.computer.front_window import FrontWindow
from neko.agent.computer.geometry import Monitor, Point
from neko.agent.computer.own_page import is_own_page
from neko.agent.computer.pynput_devices import PynputDevices
from neko.agent.computer.screen import Frame, MssScreen, alike, picture
from neko.agent.computer.watch import StopKey
from neko.agent.computer.workspace import ComputerWorkspace
from neko.agent.computer.x11 import X11Devices
from neko.tool_errors import ComputerError
from neko.types.agent import Act, Extent
from neko.types.hands import ActionError, Job, Observation, Picture
from tests.agent.computer.conftest import HEIGHT, WIDTH, AtWork, Onlooker, at_work, until

pytestmark = pytest.mark.slow

LETTER = "Dear Anna, 你好！\nこんにちは 안녕 Привет 🐱👍\tÄß€ ~@{[|]} “quoted”"
CAPS_LOCK, SHIFT, ESC = 0xFFE5, 0xFFE1, 0xFF1B
CANCEL_WITHIN_S = 0.3
BUSY = 3.0
"""How many times longer a busy machine may take."""


def opened(picture: Picture | None) -> Image.Image:
    assert picture is not None
    assert picture.media_type == "image/jpeg"
    return Image.open(io.BytesIO(picture.data))


async def window_of(work: AtWork, file: Path) -> Observation:
    """What is seen when the program's window is there and takes the keys."""
    async with asyncio.timeout(20):
        while True:
            if file.name in (await work.intend("click", x=200, y=200)).title:
                with suppress(ActionError):  # it was not drawn yet
                    return await work.act("click", x=200, y=200)
            await asyncio.sleep(0.02)


# ── acting ──────────────────────────────────────────────────────────────────────


async def test_a_letter_of_many_scripts_is_written_and_saved_in_a_real_program(
    work: AtWork, editor: Path, onlooker: Onlooker
) -> None:
    seen = await window_of(work, editor)
    assert editor.name in seen.text
    assert (await work.intend("write", text="a")).place == "Mousepad"
    await work.do("write", text=LETTER)
    await work.do("hotkey", keys=["ctrl", "s"])
    await until(editor.read_text)
    assert editor.read_text() == LETTER
    assert [words.split(" ")[0] for words in work.progress[-3:]] == ["click", "type", "press"]
    assert not onlooker.lent_keys()
    assert not work.interruptions


async def test_caps_lock_changes_nothing_and_is_on_again_afterwards(
    work: AtWork, editor: Path, onlooker: Onlooker
) -> None:
    await window_of(work, editor)
    for down in (True, False):
        onlooker.key(CAPS_LOCK, down=down)
    try:
        await work.do("write", text="Small and LARGE")
        for key in ("a", "B", "?", "猫"):
            await work.do("press", key=key)
        assert onlooker.locked()
    finally:
        for down in (True, False):
            onlooker.key(CAPS_LOCK, down=down)
    await work.do("hotkey", keys=["ctrl", "s"])
    await until(editor.read_text)
    assert editor.read_text() == "Small and LARGEaB?猫"


LAYOUTS = {"us": "(a) {b} @ 1 Zz", "de": "Größe {z} y@x", "fr": "A1 é à ç M,;", "ru": "Привет, Мир! abc"}


@pytest.mark.skipif(shutil.which("setxkbmap") is None, reason="no setxkbmap here: it comes with Xvfb")
async def test_it_is_typed_alike_whatever_the_layout_of_the_keyboard(work: AtWork, editor: Path) -> None:
    await window_of(work, editor)
    try:
        for layout, text in LAYOUTS.items():
            subprocess.run(["setxkbmap", layout], check=True, timeout=20)
            await work.do("write", text=f"{text} 猫")
        await work.do("hotkey", keys=["ctrl", "s"])
    finally:
        subprocess.run(["setxkbmap", "us"], check=True, timeout=20)
    await until(editor.read_text)
    assert editor.read_text() == "".join(f"{text} 猫" for text in LAYOUTS.values())


async def test_what_was_allowed_goes_into_the_window_that_was_in_front_then(
    work: AtWork, editor: Path, onlooker: Onlooker
) -> None:
    """Who allows it on our page has that in front."""
    await window_of(work, editor)
    await work.intend("write", text="not for all eyes")
    page = onlooker.window()
    await work.act("write", text="not for all eyes")
    assert page.keys_pressed() == 0
    await work.do("hotkey", keys=["ctrl", "s"])
    await until(editor.read_text)
    assert editor.read_text() == "not for all eyes"


async def test_on_our_own_page_only_the_user_acts(work: AtWork, onlooker: Onlooker) -> None:
    page = onlooker.window("(2) Mio - Chromium")
    acts: list[tuple[str, dict[str, Any]]] = [
        ("click", {"x": 10, "y": 10}),
        ("write", {"text": "yes"}),
        ("press", {"key": "enter"}),
    ]
    for name, arguments in acts:
        with pytest.raises(ActionError, match="Neko's own page"):
            await work.intend(name, **arguments)
    await work.do("move", x=10, y=10)
    page.rename("Mail")
    await work.intend("write", text="yes")
    page.rename("What Mio remembers — Mozilla Firefox")
    with pytest.raises(ActionError, match="Neko's own page"):
        await work.act("write", text="yes")
    assert page.keys_pressed() == 0


def test_the_title_of_the_window_in_front_is_told_by_an_x_server_and_not_by_wayland(
    display: str, onlooker: Onlooker
) -> None:
    onlooker.window("Report.odt – Writer").focus()
    assert FrontWindow({"DISPLAY": display}).title() == "Report.odt – Writer"
    for environ in ({"DISPLAY": display, "WAYLAND_DISPLAY": "wayland-0"}, {}):
        there = FrontWindow(environ)
        assert (there.is_told, there.title()) == (False, None)


@pytest.mark.parametrize(
    "title", ["Mio", "Neko", "(12) Mio — Mozilla Firefox", "任务与工具 - Google Chrome", "Mio and 2 more pages"]
)
def test_our_own_page_is_known_by_its_title(title: str) -> None:
    assert is_own_page(title, ["Mio", "Anna"])


@pytest.mark.parametrize("title", ["", "Mio's letter.txt - Mousepad", "Mail to Mio", "letter.txt - Mousepad"])
def test_another_window_is_not_ours(title: str) -> None:
    assert not is_own_page(title, ["Mio", "Anna"])


async def test_when_that_window_is_gone_nothing_is_typed(work: AtWork, onlooker: Onlooker) -> None:
    asked_in = onlooker.window()
    await work.intend("write", text="secret")
    page = onlooker.window()
    asked_in.close()
    with pytest.raises(ActionError, match="Another window is there now"):
        await work.act("write", text="secret")
    assert page.keys_pressed() == 0


async def test_what_looks_different_at_the_click_than_in_the_question_is_not_clicked(
    work: AtWork, onlooker: Onlooker
) -> None:
    page = onlooker.window("Shop", "Firefox")
    page.paint(0xFFFFFF)
    onlooker.move(Point(700, 700))
    changes: list[Callable[[], None]] = [lambda: page.paint(0x2080E0), lambda: page.rename("Pay now")]
    for change in changes:
        await work.intend("click", x=100, y=100)
        change()
        with pytest.raises(ActionError, match="has changed"):
            await work.act("click", x=100, y=100)
        assert onlooker.pointer() == Point(700, 700)
    await work.intend("click", x=100, y=100)
    page.rename("(1) Pay now")
    assert not (await work.act("click", x=100, y=100)).failed


async def test_a_drag_says_and_shows_from_where_to_where(work: AtWork, onlooker: Onlooker) -> None:
    onlooker.window("Files", "Thunar")
    await work.do("move", x=100, y=100)
    intent = await work.intend("drag", x=900, y=900)
    assert intent.title == "drag from “Files” to “?”"
    assert json.loads(intent.shown)["from"] == {"x": 100, "y": 100}
    red, green, blue = opened(intent.picture).getpixel((640, 400))  # type: ignore[misc]
    assert red > 150 > green + blue, "the line"


async def test_our_own_page_takes_nothing_by_the_wheel_and_nothing_is_dragged_there(
    work: AtWork, onlooker: Onlooker
) -> None:
    onlooker.window("Mio - Chromium", "Chromium")
    with pytest.raises(ActionError, match="Neko's own page"):
        await work.intend("scroll", clicks=1, x=10, y=10)
    await work.do("move", x=900, y=900)
    with pytest.raises(ActionError, match="Neko's own page"):
        await work.intend("drag", x=10, y=10)


def test_a_picture_is_made_smaller_until_a_question_can_show_it() -> None:
    monitor = Monitor(1, 0, 0, 1920, 1080)
    noise = random.Random(1).randbytes(1920 * 1080 * 3)
    shown = picture(Frame(monitor, 1920, 1080, noise), Point(960, 540))
    assert 100_000 < len(shown.data) <= LARGEST_PICTURE


def test_a_caret_changes_nothing_and_another_label_does() -> None:
    monitor = Monitor(1, 0, 0, 64, 64)

    def frame(width: int, height: int) -> Frame:
        image = Image.new("RGB", (64, 64), "white")
        image.paste("black", (4, 4, 4 + width, 4 + height))
        return Frame(monitor, 64, 64, image.tobytes())

    assert alike(frame(0, 0), frame(2, 18))
    assert not alike(frame(0, 0), frame(30, 10))


# ── where windows cannot be asked for ───────────────────────────────────────────


@asynccontextmanager
async def without_windows(folder: Path) -> AsyncIterator[AtWork]:
    job = Job("task", "Neko", "", folder)
    workspace = ComputerWorkspace(job, MssScreen(), PynputDevices(), StopKey.named("f12"), lambda: "en")
    await workspace.open()
    try:
        yield AtWork(workspace, [])
    finally:
        await workspace.aclose()


async def test_where_windows_are_unknown_a_key_waits_until_the_user_has_clicked_into_one(
    display: str, tmp_path: Path, onlooker: Onlooker
) -> None:
    window = onlooker.window("Letter", "Mousepad")
    async with without_windows(tmp_path) as work:
        intent = await work.intend("press", key="a")
        assert (intent.place, intent.extent) == ("", Extent.UNKNOWN_WINDOW)
        acting = asyncio.get_running_loop().create_task(work.act("press", key="a"))
        await until(lambda: work.progress)
        await asyncio.wait({acting}, timeout=0.2)
        assert window.keys_pressed() == 0
        onlooker.click()
        assert not (await acting).failed
        assert window.keys_pressed() == 1


async def test_where_windows_are_unknown_a_click_waits_until_the_screen_is_as_it_was_shown(
    display: str, tmp_path: Path, onlooker: Onlooker
) -> None:
    window = onlooker.window("Letter", "Mousepad")
    window.paint(0xFFFFFF)
    onlooker.move(Point(700, 700))
    async with without_windows(tmp_path) as work:
        await work.intend("click", x=100, y=100)
        page = onlooker.window("Mio - Chromium", "Chromium")
        page.paint(0x102030)
        acting = asyncio.get_running_loop().create_task(work.act("click", x=100, y=100))
        await until(lambda: work.progress)
        await asyncio.wait({acting}, timeout=0.2)
        assert onlooker.pointer() == Point(700, 700)
        page.close()
        window.paint(0xFFFFFF)
        assert not (await acting).failed
        assert onlooker.pointer() != Point(700, 700)


async def test_a_sign_of_a_hotkey_comes_with_the_shift_that_it_needs(work: AtWork, onlooker: Onlooker) -> None:
    window = onlooker.window()
    for keys in (["ctrl", "?"], ["ctrl", "C"], ["ctrl", "shift", "t"]):
        await work.do("hotkey", keys=keys)
    assert window.pressed_with() == [("question", True), ("c", False), ("T", True)]


async def test_a_key_that_the_user_holds_is_waited_for_and_then_told(work: AtWork, onlooker: Onlooker) -> None:
    onlooker.key(SHIFT, down=True)
    try:
        with pytest.raises(ActionError, match="The user holds Shift down"):
            await work.do("write", text="a")
    finally:
        onlooker.key(SHIFT, down=False)


@pytest.mark.parametrize(
    ("x", "y", "point"),
    [
        (0, 0, Point(0, 0)),
        (999, 0, Point(WIDTH - 1, 0)),
        (0, 999, Point(0, HEIGHT - 1)),
        (999, 999, Point(WIDTH - 1, HEIGHT - 1)),
        (1000, 1000, Point(WIDTH - 1, HEIGHT - 1)),
    ],
)
async def test_the_mouse_reaches_the_corners(work: AtWork, onlooker: Onlooker, x: int, y: int, point: Point) -> None:
    await work.do("move", x=x, y=y)
    assert onlooker.pointer() == point
    assert not work.interruptions


async def test_a_drag_and_the_wheel_end_with_nothing_pressed(work: AtWork, onlooker: Onlooker) -> None:
    await work.do("move", x=100, y=100)
    await work.do("drag", x=500, y=500, duration=0.1)
    await work.do("scroll", clicks=-3)
    assert onlooker.pointer() == Point(round(500 * (WIDTH - 1) / 999), round(500 * (HEIGHT - 1) / 999))
    assert (onlooker.pressed_keys(), onlooker.pressed_buttons()) == ([], 0)


async def test_before_a_click_the_user_sees_where_it_would_be(work: AtWork) -> None:
    intent = await work.intend("click", x=500, y=500)
    picture = opened(intent.picture)
    assert picture.size == (WIDTH, HEIGHT)
    red, green, blue = picture.getpixel((640 + 22, 400))  # type: ignore[misc]
    assert red > 150 > green + blue, "the ring"
    assert '"x": 500' in intent.shown
    assert (intent.act, intent.place) == (Act.WRITE, "")
    assert (await work.intend("wait")).picture is None


async def test_a_click_that_was_allowed_is_made_where_it_was_shown(work: AtWork, onlooker: Onlooker) -> None:
    """Who allows it with the mouse has moved that meanwhile."""
    onlooker.move(Point(300, 300))
    await work.intend("click")
    onlooker.move(Point(700, 20))
    await work.act("click")
    assert onlooker.pointer() == Point(300, 300)
    assert not work.interruptions


async def test_what_is_seen_is_small_and_has_no_alpha(work: AtWork) -> None:
    seen = await work.workspace.look()
    assert opened(seen.picture).mode == "RGB"
    assert max(opened(seen.thumbnail).size) <= 320
    assert "Monitor 1 of 1." in seen.text


async def test_the_end_tells_what_came_of_it(work: AtWork) -> None:
    done = await work.do("terminate", status="success", answer="The letter is written.")
    assert (done.text, done.failed) == ("The letter is written.", False)
    assert (await work.do("terminate")).failed


async def test_of_several_monitors_the_one_asked_for_is_seen_and_stays_the_current_one(
    display: str, tmp_path: Path, onlooker: Onlooker
) -> None:
    workspace = ComputerWorkspace(
        Job("task", "Neko", "", tmp_path), MssScreen(), X11Devices(), StopKey.named("f12"), lambda: "en", listens=False
    )
    work = AtWork(workspace, [])
    async with aclosing(workspace):
        with onlooker.two_monitors():
            assert [one.left for one in MssScreen().monitors()] == [WIDTH // 2, 0]
            assert "Monitor 1 of 2." in (await workspace.look()).text
            for number, left in (1, WIDTH // 2), (2, 0):
                assert f"Monitor {number} of 2" in (await work.do("wait", seconds=0, monitor=number)).text
                for x, y in (0, 0), (999, 0), (0, 999), (999, 999):
                    await work.do("move", x=x, y=y)
                    right, bottom = left + (WIDTH // 2 - 1 if x else 0), HEIGHT - 1 if y else 0
                    assert onlooker.pointer() == Point(right, bottom), number
            with pytest.raises(ActionError, match="There is no monitor 3; there are 2"):
                await work.intend("click", x=1, y=1, monitor=3)


# ── letting go ──────────────────────────────────────────────────────────────────

LONG_ACTIONS: list[tuple[str, dict[str, Any]]] = [
    ("drag", {"x": 900, "y": 900, "duration": 5}),
    ("write", {"text": "一二三四五六七八九十abcXYZ" * 40}),
    ("scroll", {"clicks": 100}),
    ("press", {"key": "A", "times": 50}),
    ("hotkey", {"keys": ["ctrl", "shift", "alt", "left"]}),
    ("wait", {"seconds": 30}),
]


@pytest.mark.parametrize("times", [20, pytest.param(500, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
async def test_cancelled_at_any_moment_nothing_stays_pressed(
    work: AtWork, onlooker: Onlooker, record_property: Any, times: int
) -> None:
    chance = random.Random(20261127)
    slowest = 0.0
    loop = asyncio.get_running_loop()
    for number in range(times):
        name, arguments = LONG_ACTIONS[number % len(LONG_ACTIONS)]
        doing = loop.create_task(work.do(name, **arguments))
        await asyncio.wait({doing}, timeout=chance.uniform(0, 0.15))
        began = loop.time()
        doing.cancel()
        with suppress(asyncio.CancelledError):
            await doing
        slowest = max(slowest, loop.time() - began)
        assert (onlooker.pressed_keys(), onlooker.pressed_buttons()) == ([], 0), name
        assert not onlooker.lent_keys(), name
    record_property("slowest cancel, s", slowest)
    assert slowest < CANCEL_WITHIN_S * BUSY
    assert not work.interruptions


async def test_nothing_is_pressed_when_an_action_is_cut_off_by_the_end_of_the_task(
    work: AtWork, onlooker: Onlooker
) -> None:
    doing = asyncio.get_running_loop().create_task(work.do("drag", x=900, y=900, duration=5))
    await until(onlooker.pressed_buttons)
    await work.workspace.aclose()
    assert (await doing).failed
    assert onlooker.pressed_buttons() == 0


KILLED = """
import os, signal, sys
from neko.agent.computer.keys import key_named
from neko.agent.computer.x11 import X11Devices
devices = X11Devices(sys.argv[1])
devices.button("left", down=True)
devices.key(key_named("ctrl"), down=True)
devices.key(key_named("a"), down=True)
devices.key(key_named("a"), down=False)
print(devices.held_by_user(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_what_is_pressed_comes_up_when_we_are_killed(display: str, onlooker: Onlooker) -> None:
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, display), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    held, _ = await killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert held.decode().strip() == "['Ctrl', 'the left mouse button']"
    await until(lambda: (onlooker.pressed_keys(), onlooker.pressed_buttons()) == ([], 0))


async def test_a_display_that_is_gone_ends_the_task_with_a_sentence(display: str, tmp_path: Path) -> None:
    devices = X11Devices()
    devices.close()
    with pytest.raises(ComputerError) as gone:
        devices.position()
    assert gone.value.code == "computer_screen_lost"


def test_typing_stops_between_two_characters(display: str, onlooker: Onlooker) -> None:
    devices, stop = X11Devices(), Stop()
    stop.set("enough")
    try:
        with pytest.raises(StoppedError, match="enough"):
            devices.write("猫" * 100, stop)
        assert not onlooker.lent_keys()
    finally:
        devices.close()


def test_the_mouse_may_be_asked_for_all_the_while_that_something_is_typed(display: str, onlooker: Onlooker) -> None:
    devices, stop = X11Devices(), Stop()
    try:
        with ThreadPoolExecutor(1) as executor:
            typing = executor.submit(devices.write, "一二三 abc" * 60, stop)
            while not typing.done():
                devices.position()
            typing.result()
        assert not onlooker.lent_keys()
    finally:
        devices.close()


# ── the user ────────────────────────────────────────────────────────────────────


async def test_the_users_hand_on_the_mouse_stops_a_drag_and_pauses_the_task(work: AtWork, onlooker: Onlooker) -> None:
    doing = asyncio.get_running_loop().create_task(work.do("drag", x=900, y=900, duration=5))
    await until(onlooker.pressed_buttons)
    onlooker.move(Point(30, 700))
    stopped = await doing
    assert stopped.failed
    assert work.interruptions == ["You moved the mouse, so I let go."]
    assert onlooker.pressed_buttons() == 0
    with pytest.raises(ActionError, match="wait with 0 seconds"):
        await work.intend("click", x=1, y=1)
    await work.do("wait", seconds=0)
    await work.do("move", x=1, y=1)
    assert len(work.interruptions) == 1


async def test_a_picture_from_before_the_user_had_the_mouse_is_not_enough_to_go_on(
    work: AtWork, onlooker: Onlooker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await work.do("move", x=100, y=500)
    grab = work.workspace._screen.grab

    def grab_and_move(monitor: Monitor) -> Frame:
        frame, places = grab(monitor), cycle((Point(400, 700), Point(900, 120)))
        while not work.interruptions:
            onlooker.move(next(places))
            time.sleep(0.01)
        return frame

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(work.workspace._screen, "grab", grab_and_move)
        await work.do("wait", seconds=0)
    with pytest.raises(ActionError, match="wait with 0 seconds"):
        await work.intend("click", x=1, y=1)
    await work.do("wait", seconds=0)
    await work.do("move", x=1, y=1)


async def test_the_users_hand_on_the_mouse_stops_typing_too(work: AtWork, onlooker: Onlooker) -> None:
    window = onlooker.window()
    doing = asyncio.get_running_loop().create_task(work.do("write", text="一二三四五六七八九十 abc " * 200))
    await until(window.keys_pressed)
    for place in (Point(400, 700), Point(900, 120)):  # at one of them it may stand already
        onlooker.move(place)
    assert (await doing).failed
    assert work.interruptions == ["You moved the mouse, so I let go."]
    assert (onlooker.pressed_keys(), onlooker.lent_keys()) == ([], [])


@pytest.mark.parametrize("before", [[], [("wait", {"seconds": 0})], [("write", {"text": "a"})]])
async def test_the_users_hand_on_the_mouse_ends_a_wait_whatever_came_before(
    work: AtWork, onlooker: Onlooker, before: list[tuple[str, dict[str, Any]]]
) -> None:
    for name, arguments in before:
        await work.do(name, **arguments)
    doing = asyncio.get_running_loop().create_task(work.do("wait", seconds=30))
    for place in cycle((Point(400, 700), Point(900, 120))):  # a hand goes on moving
        onlooker.move(place)
        if (await asyncio.wait({doing}, timeout=0.05))[0]:
            break
    assert (await doing).failed
    assert work.interruptions == ["You moved the mouse, so I let go."]


async def test_a_hand_that_draws_slowly_against_a_drag_ends_it(work: AtWork, onlooker: Onlooker) -> None:
    await work.do("move", x=100, y=500)
    doing = asyncio.get_running_loop().create_task(work.do("drag", x=900, y=500, duration=5))
    await until(onlooker.pressed_buttons)
    while not doing.done():
        here = onlooker.pointer()
        onlooker.move(Point(here.x, here.y + 3))
        await asyncio.sleep(0.01)
    assert (await doing).failed
    assert onlooker.pressed_buttons() == 0


async def test_while_the_model_thinks_the_mouse_is_hers_and_while_the_user_is_asked_it_is_theirs(
    work: AtWork, onlooker: Onlooker
) -> None:
    await work.do("move", x=500, y=500)
    await work.intend("click", x=500, y=500)
    onlooker.move(Point(30, 30))
    await work.act("click", x=500, y=500)
    assert not work.interruptions
    onlooker.move(Point(700, 30))
    await until(lambda: work.interruptions)


async def test_the_stop_key_pauses_also_where_the_mouse_is_not_touched(work: AtWork, onlooker: Onlooker) -> None:
    doing = asyncio.get_running_loop().create_task(work.do("wait", seconds=30))
    await until(lambda: work.progress)
    for down in (True, False, True, False):
        onlooker.key(ESC, down=down)
    assert (await doing).failed
    assert work.interruptions == ["You pressed the stop key, so I let go."]


async def test_her_own_escape_is_no_stop_key(work: AtWork) -> None:
    assert not (await work.do("press", key="esc", times=4)).failed
    assert not work.interruptions


async def test_two_tasks_one_after_the_other_find_everything_as_it_was(display: str, tmp_path: Path) -> None:
    for _ in range(2):
        async with at_work(tmp_path) as work:
            assert not (await work.do("move", x=10, y=10)).failed
