"""The command line apart from any one command."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from neko.__main__ import OUTPUT_CLOSED
from neko.settings.launch import program_version
from tests.serve.process import ROOT, run_to_end


async def test_it_says_its_version() -> None:
    outcome = await run_to_end("--version")
    assert (outcome.code, outcome.out, outcome.err) == (0, f"neko {program_version()}\n", "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_who_stops_reading_what_a_command_says_ends_it_without_a_word(tmp_path: Path, unbuffered: str) -> None:
    (tmp_path / "memory").mkdir()
    for number in range(3):
        with closing(sqlite3.connect(tmp_path / "memory" / f"time_indexed_{number}")) as log, log:
            log.execute("CREATE TABLE time_indexed_original (id INTEGER PRIMARY KEY, message TEXT)")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "neko", "memory", "check", "--data-dir", str(tmp_path)]
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    ended = subprocess.run(
        command, cwd=ROOT, env=environ, stdout=writer, stderr=subprocess.PIPE, timeout=20, check=False
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (OUTPUT_CLOSED, b"")
