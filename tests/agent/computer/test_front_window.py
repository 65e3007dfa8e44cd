"""The title of the window in front, where the X server does not answer as it should."""

from __future__ import annotations

import socket
import threading

import pytest

from neko.agent.computer.front_window import FrontWindow

pytest.importorskip("Xlib")


def test_a_server_that_hangs_is_given_up_and_not_asked_again_before_it_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        front = FrontWindow({"DISPLAY": f"127.0.0.1:{server.getsockname()[1] - 6000}"}, platform="linux")
        front.deadline_s = 0.2
        asked = threading.active_count()
        assert (front.title(), front.title(), threading.active_count() - asked) == (None, None, 1)
        connection, _ = server.accept()
        connection.close()
        hung = front.asking
        assert hung is not None
        hung.join(10)
        server.settimeout(10)
        assert front.title() is None
        server.accept()[0].close()
