"""Run in a process of its own: leaves a chat, then forgets a line of it or not, while the model that the memo of it is
asked of never answers. Prints "waits" once all of that is so."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path

from neko.memory.service import MemoryService
from neko.tasks import TaskOwner
from neko.types.lines import NewLine
from neko.types.memory import MemoryModels

SAID = tuple(f"{number}. My sister Lena keeps {number} bees." for number in range(12))
"""In the chat that is left; the first one is what is forgotten."""


async def main(folder: Path, forgets: bool) -> None:
    asked = asyncio.Event()

    async def summarise(prompt: str) -> str:
        if forgets and not asked.is_set():
            asked.set()
            return "A memo that goes with the line."
        asked.set()
        await asyncio.get_running_loop().create_future()
        return ""

    async with TaskOwner("leaving") as owner:
        memory = MemoryService(folder, owner)
        await memory.start()
        for text in SAID:
            line = NewLine("s", "t", "user", text, datetime.now())
            await memory.store("Mio", line)
        await memory.change_chat("Mio", None)
        memory.compress_later("Mio", lambda: MemoryModels(summarise))
        await asked.wait()
        if forgets:
            await memory._background.idle("Mio")
            [first, *_] = await memory.lines("Mio", chat=0)
            await memory.delete("Mio", [first.id])
            await memory.rid_of_deleted("Mio")
        sys.stdout.write("waits\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] == "forgets"))
