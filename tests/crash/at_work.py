"""Run in a process of its own: does with a memory all that writes, for ever, and prints what is committed.

``+ id text`` for a stored line, ``- id`` for one that is about to be deleted.
"""

from __future__ import annotations

import asyncio
import random
import sys
from datetime import datetime
from pathlib import Path

from neko.memory.character_files import move
from neko.memory.service import MemoryService
from neko.tasks import TaskOwner
from neko.types.lines import NewLine, Role, Stored

NAME, OTHER = "Mio", "Mia"


def new_line(tag: str, number: int) -> NewLine:
    role: Role = "user" if number % 2 else "assistant"
    return NewLine(
        "s", tag, role, f"{tag} line {number} " + "猫" * (number % 50), datetime.now(), client_id=f"{tag}-{number}"
    )


def told(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def main(folder: Path, tag: str, seed: int) -> None:
    chance = random.Random(seed)
    async with TaskOwner("at work") as owner:
        memory = MemoryService(folder, owner)
        await memory.start()
        name, number = NAME, 0
        known: list[int] = []
        while True:
            what = chance.choices(("store", "many", "compress", "delete", "rename", "back up"), (60, 10, 10, 6, 4, 6))[
                0
            ]
            number += 1
            if what == "store":
                tell(known, [await memory.store(name, new_line(tag, number))])
            elif what == "many":
                lines = [new_line(tag, number + one) for one in range(30)]
                number += len(lines)
                tell(known, await memory.store_many(name, lines))
            elif what == "compress":
                await memory.compress(name, None)
            elif what == "delete" and known:
                gone = known.pop(chance.randrange(len(known)))
                told(f"- {gone}")
                await memory.delete(name, [gone])
            elif what == "rename":
                new = OTHER if name == NAME else NAME
                with memory.hold(new):
                    await memory.close(name)
                    await asyncio.to_thread(move, folder, name, folder, new)
                name = new
            elif what == "back up":
                await memory.back_up()


def tell(known: list[int], stored: list[Stored]) -> None:
    for one in stored:
        known.append(one.line.id)
        told(f"+ {one.line.id} {one.line.text}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
