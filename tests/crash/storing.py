"""Run in a process of its own: stores lines for ever and prints the id of each once it is committed."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path

from neko.memory.service import MemoryService
from neko.tasks import TaskOwner
from neko.types.lines import NewLine, Role


async def main(folder: Path, tag: str) -> None:
    async with TaskOwner("storing") as owner:
        memory = MemoryService(folder, owner)
        await memory.start()
        number = 0
        replaced: int | None = None
        while True:
            number += 1
            role: Role = "user" if number % 2 else "assistant"
            text = f"{tag} line {number} " + "猫" * (number % 50)
            line = NewLine("s", tag, role, text, datetime.now(), client_id=f"{tag}-{number}", replaces=replaced)
            stored = await memory.store("Mio", line)
            sys.stdout.write(f"{stored.line.id} {text}\n")
            sys.stdout.flush()
            replaced = stored.line.id if number % 10 == 8 else None
            if number % 15 == 0:
                await memory.compress("Mio", None)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
