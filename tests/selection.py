"""Which tests a run takes: markers by what a test needs and costs, and a line for what was left out.

``page`` needs a browser, ``slow`` starts programs or takes more than a second, ``long`` takes minutes, ``real`` needs
real models; of the cases of ``few(n)`` the first ``n`` are taken, the others are ``long``. A test gets ``page`` by
using a browser, ``slow`` and ``real`` by its folder or by a marker of its own, ``long`` by a marker of its own.

Browsers, sockets and other programs share a machine that may be busy: a test fails when it fails twice in a row.
A summary names those that needed the second try, and why: they are to be looked into.
"""

from __future__ import annotations

import socket
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

TESTS: Final = Path(__file__).parent
BY_FOLDER: Final = {"crash": "slow", "serve": "slow", "real": "real"}
COMMANDS: Final = {
    "real": "make test-real",
    "long": "make test-long",
    "page": "make test",
    "slow": "make test",
}
"""How to run what has this marker; a test with several is counted under the first."""

_REASON: Final = 700
"""Characters that a summary shows of why a test failed the first time."""

LEFT_OUT: Final = pytest.StashKey[Counter[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    taken: Counter[str] = Counter()
    for item in items:
        if few := item.get_closest_marker("few"):
            taken[name := item.nodeid.partition("[")[0]] += 1
            if taken[name] > few.args[0]:
                item.add_marker("long")
        folder = item.path.relative_to(TESTS).parts[0]
        if marker := BY_FOLDER.get(folder):
            item.add_marker(marker)
        if "chromium_path" in getattr(item, "fixturenames", ()):
            item.add_marker("page")
        item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        _left_out(item.config)[next((name for name in COMMANDS if item.get_closest_marker(name)), "other")] += 1


def _left_out(config: pytest.Config) -> Counter[str]:
    return config.stash.setdefault(LEFT_OUT, Counter())


class WorkerReports:
    """Takes over from a worker of pytest-xdist what it has left out; all of them leave out the same."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        left_out = getattr(node, "workeroutput", {}).get("left_out", {})
        self._config.stash[LEFT_OUT] = Counter(left_out)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(WorkerReports(config), "reports of the workers")
    send_at_once(config)


def send_at_once(config: pytest.Config) -> None:
    """Keep what counts second tries from waiting: 40 ms for each short test.

    A worker tells and asks the main process before every test. What it tells is not answered, so what it asks next is
    held back (Nagle's algorithm) until the other side acknowledges the former (delayed acknowledgement).
    """
    line = getattr(getattr(config, "failures_db", None), "sock", None)
    if isinstance(line, socket.socket):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(_left_out(session.config))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = sorted(_left_out(config).items())
    parts = [f"{number} {name} ({COMMANDS.get(name, 'by choice')})" for name, number in left_out]
    if parts:
        terminalreporter.write_line(f"Left out: {', '.join(parts)}.")
    for report in terminalreporter.stats.get("rerun", []):
        crash = getattr(report.longrepr, "reprcrash", None)
        why = crash.message if crash else report.longreprtext
        terminalreporter.write_line(f"Tried twice ({report.when}): {report.nodeid}: {' '.join(why.split())[:_REASON]}")
