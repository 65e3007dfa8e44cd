"""Killed at any step of a restore, the next start finds the old folder or the new one, whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from neko.__main__ import main
from neko.storage import DataFolder
from tests.backups.kept_folder import fill

ROOT = Path(__file__).parent.parent.parent
STEPS = """
import os, sys
from pathlib import Path
from neko.__main__ import main

left = int(sys.argv[1])

def counted(act):
    def acting(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return act(*arguments, **options)
    return acting

for name in ("rename", "replace", "unlink", "mkdir"):
    setattr(Path, name, counted(getattr(Path, name)))
sys.exit(main(["restore", sys.argv[2], "--yes", "--data-dir", sys.argv[3]]))
"""


@pytest.mark.few(1)
@pytest.mark.parametrize("step", [36, *range(1, 70, 4)])
def test_a_restore_is_killed_at_a_step(step: int, tmp_path: Path) -> None:
    fill(tmp_path / "new", "Luna")
    assert main(["backup", str(tmp_path / "luna.zip"), "--data-dir", str(tmp_path / "new")]) == 0
    data = tmp_path / "data"
    fill(data, "Mio")
    command = (sys.executable, "-c", STEPS, str(step), str(tmp_path / "luna.zip"), str(data))
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert ended.returncode in (-9, 0), ended.stderr.decode()
    DataFolder.open(data).close()
    (name,) = json.loads((data / "config" / "characters.json").read_text(encoding="utf-8"))["猫娘"]
    (log,) = (path for path in (data / "memory").glob("time_indexed_*") if not path.name.endswith(("-wal", "-shm")))
    assert log.name == f"time_indexed_{name}", "of one and the same folder"
    assert (data / "vrm" / "Ünïcode 猫.vrm").stat().st_size == 25_600
    assert not (data / "restore").exists()
