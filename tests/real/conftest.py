"""A real model behind a real server on loopback, in a process of its own, for all tests of this folder."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.model_server import model_file

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class RealModel:
    """``base_url`` ends in ``/v1``."""

    base_url: str
    port: int


@contextmanager
def served(*options: str, ready: bool = True) -> Iterator[RealModel]:
    """A server with these options, ready to answer; without ``ready`` it has just begun to load its model.

    What is not installed fails the test: nothing is skipped.
    """
    model_file()
    assert importlib.util.find_spec("xllamacpp"), "xllamacpp is not installed: `make test-real` installs it"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.real.model_server", str(port), *options]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_until_it_answers(child, port, ready)
        yield RealModel(f"http://127.0.0.1:{port}/v1", port)
    finally:
        child.kill()
        child.communicate()


@pytest.fixture(scope="session")
def real_model() -> Iterator[RealModel]:
    """A server for all tests that want nothing special of it."""
    with served() as model:
        yield model


def _wait_until_it_answers(child: subprocess.Popen[bytes], port: int, ready: bool) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert child.poll() is None, child.communicate()[1].decode(errors="replace")[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except urllib.error.HTTPError:  # 503: it is loading
            if not ready:
                return
            time.sleep(0.05)
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"the model server was not ready within {START_TIMEOUT_S:g} s")


@pytest.fixture
def figures(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Writes a line of measurements to the terminal."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")

    def show(line: str) -> None:
        with capfd.disabled():
            reporter.ensure_newline()
            reporter.write_line(f"    {line}")

    return show
