"""With every ability off the agent costs nothing: no import, no model call, no file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from neko import Neko, Settings

async def main(folder):
    async with Neko(Settings(data_dir=folder, environ={}, find_local_servers=False)) as neko:
        async for event in neko.chat(neko.characters.current, "Please open a browser and look up the weather."):
            pass
        snapshot = neko.agent.snapshot()
        tasks = neko.agent.tasks.listed()
    heavy = {"mcp", "playwright", "pynput", "mss", "PIL", "zmq", "jsonschema"} & sys.modules.keys()
    print(json.dumps([sorted(heavy), len(tasks), any(snapshot["flags"].values()), snapshot["analyzer_enabled"]]))

asyncio.run(main(Path(sys.argv[1])))
"""


def test_an_agent_that_is_off_loads_nothing_starts_nothing_and_writes_nothing(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "data")],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout.splitlines()[-1]) == [[], 0, False, False]
    assert not (tmp_path / "data" / "agent").exists()
    assert not (tmp_path / "data" / "config" / "agent.json").exists()
