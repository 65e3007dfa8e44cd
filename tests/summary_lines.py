"""Lines of a test's own below the results, also when it ran in a worker: ``record_property("summary", text)``."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = (report for result in ("passed", "failed") for report in terminalreporter.stats.get(result, []))
    for report in reports:
        for name, text in getattr(report, "user_properties", ()):
            if name == "summary" and report.when == "call":
                terminalreporter.write_line(str(text))
