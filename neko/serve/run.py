"""A whole run of Neko: the socket, the signals, the browser, an orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import quote

from neko.application import Neko
from neko.errors import NekoError
from neko.serve.listener import Listener, listen, network_url_of, url_of
from neko.serve.server import serving
from neko.settings import Settings
from neko.tasks import TaskOwner, give_memory_back, in_thread

logger = logging.getLogger(__name__)

THREADS_TIMEOUT_S = 0.7
"""Seconds that threads get to end, once all is saved."""

SETTLED_S = 2.0
"""Seconds after which what only the start has needed is freed, the making of the first page included."""

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


def run(settings: Settings) -> NoReturn:
    """Serve until a signal asks to stop, and end the process. Raises ``NekoError`` when that is impossible."""
    set_up_logging(settings.log_level)
    with listen(settings.host, settings.port) as listener:
        asyncio.run(_run(replace(settings, port=listener.port), listener))  # which may have been left to the system
    _leave()


async def _run(settings: Settings, listener: Listener) -> None:
    asyncio.get_running_loop().set_exception_handler(_on_loop_error)
    with stop_signals() as stop:
        async with Neko(settings) as neko, serving(neko, listener) as server, TaskOwner("start") as owner:
            stop_request = owner.spawn(stop.wait(), name="stop signal")
            _announce(settings, listener, owner)
            owner.spawn(_settle(), name="give memory back")
            await asyncio.wait({server, stop_request}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                raise NekoError("the HTTP server ended by itself")
            logger.info("stopping")
    _leave_soon()


async def _settle() -> None:
    """Text of files, tables half built and parsed templates leave holes that the C library would keep."""
    await asyncio.sleep(SETTLED_S)
    await in_thread(give_memory_back)


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Python 3.11 and early 3.12 report every connection that is cancelled as an error of the loop."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


def _announce(settings: Settings, listener: Listener, owner: TaskOwner) -> None:
    url = url_of(listener, settings.host)
    sys.stdout.write(f"Neko is here: {url}   (Ctrl-C to stop)\n")
    if elsewhere := network_url_of(listener, settings.host):
        sys.stdout.write(f"On your other devices: {elsewhere}/?token=   (with your token at its end)\n")
    sys.stdout.flush()
    if settings.open_browser and has_screen(settings.environ):
        import webbrowser

        login = f"/?token={quote(settings.token, safe='')}" if settings.token else ""
        owner.spawn(in_thread(webbrowser.open, url + login), name="open the browser")


def has_screen(environ: Mapping[str, str]) -> bool:
    """Without one ``webbrowser`` would start a text browser in this very terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _leave_soon() -> None:
    """All is saved: a thread that hangs (a name look-up, a device) does not keep the process."""

    def leave() -> None:
        logger.warning("left without waiting for a thread that hangs: %s", "; ".join(_busy_threads()))
        _leave()

    timer = threading.Timer(THREADS_TIMEOUT_S, leave)
    timer.daemon = True
    timer.start()


def _busy_threads() -> list[str]:
    """The threads that keep the process, each with the function of Neko, or else the last one, in which it is."""
    found = []
    for thread in threading.enumerate():
        frame = sys._current_frames().get(thread.ident or 0)
        if thread.daemon or thread is threading.main_thread() or frame is None:
            continue
        names = [f"{one.f_globals.get('__name__')}.{one.f_code.co_name}" for one, _ in traceback.walk_stack(frame)]
        found.append(f"{thread.name} in {next((name for name in names if name.startswith('neko.')), names[0])}")
    return found


def _leave() -> NoReturn:
    """End the process, of which all is saved and closed: the interpreter would take itself apart object by object,
    which costs a fifth of a second of a processor, and seconds on a busy one."""
    logging.shutdown()
    with suppress(OSError, ValueError):  # nobody reads it any more
        sys.stdout.flush()
    os._exit(0)


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that the first signal to stop sets; the second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    wanted = [getattr(signal, name) for name in STOP_SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in wanted}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        for number in heeded:
            signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop.set)

    for number in heeded:
        signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        if not stop.is_set():
            for number in heeded:
                signal.signal(number, before[number])


def set_up_logging(level: str) -> None:
    """One line an event on stderr. Libraries that would log what was said stay quiet."""
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    for name in ("httpcore", "httpcore2", "httpx", "httpx2", "hypercorn", "openai", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)
