"""``kill -9`` of the whole program in the middle of conversations."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path

from tests.client import client
from tests.serve.process import running

KILLS = 3


async def test_no_acknowledged_line_is_lost_and_every_file_stays_readable(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    acknowledged: dict[int, str] = {}
    for kill in range(KILLS):
        async with running(folder) as neko:
            async with client(neko.url.replace("http", "ws", 1), "Mio") as page:
                for number in range(4 + kill):
                    await page.say(f"line {kill}-{number}", client_id=f"{kill}-{number}")
                    for frame in await page.until("neko_line"):
                        if frame["type"] == "neko_line":
                            acknowledged[frame["line"]["id"]] = frame["line"]["text"]
                neko.process.send_signal(signal.SIGKILL)
            await neko.process.wait()
    with sqlite3.connect(folder / "memory" / "time_indexed_Mio") as log:
        assert log.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = {row[0] for row in log.execute("SELECT id FROM time_indexed_original")}
    log.close()
    assert acknowledged.keys() <= kept
    for file in (*folder.glob("config/*.json"), *folder.glob("memory/*.json")):
        json.loads(file.read_text(encoding="utf-8"))
