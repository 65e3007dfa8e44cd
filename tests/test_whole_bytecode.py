"""A disk that is full for a while breaks no module for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import resource, signal, sys
from neko.whole_bytecode import keep_whole

keep_whole()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
sys.path.insert(0, sys.argv[1])
import large, small
print(len(large.WORDS), small.WORDS)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
def test_bytecode_that_was_cut_off_does_not_stay(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(f"WORDS = {[f'word {number}' for number in range(2_000)]!r}\n")
    (tmp_path / "small.py").write_text("WORDS = 1\n")
    command = (sys.executable, "-c", PROGRAM, str(tmp_path))
    for _ in range(2):
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env={"PYTHONPATH": str(Path.cwd())}
        )
        assert (ended.returncode, ended.stdout.split()) == (0, ["2000", "1"]), ended.stderr
    assert [path.name.partition(".")[0] for path in (tmp_path / "__pycache__").iterdir()] == ["small"]
