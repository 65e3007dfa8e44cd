"""Run in a process of its own: opens the memory of ``NAME``, stores a few lines, and brings its index up to date.

A line of JSON before the log is opened (``begins``), once it is, for each line that is stored then, and once the index
has all (``done``).
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from neko.memory.service import MemoryService
from neko.tasks import TaskOwner
from neko.types.lines import NewLine

NAME = "Mio"


def tell(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


async def main(folder: Path, tag: str) -> None:
    async with TaskOwner("migrating") as owner:
        memory = MemoryService(folder, owner)
        await memory.start()
        tell(begins="migrate")
        opened = await memory._opened(NAME)
        tell(done="migrate")
        for number in range(5):
            line = NewLine("s", tag, "user", f"{tag} line {number}", datetime.now())
            stored = (await memory.store(NAME, line)).line
            tell(done="store", lines={stored.id: stored.text})
        await opened.log.prepare_recall()
        tell(done="index")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
