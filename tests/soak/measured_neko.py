"""``python -m tests.soak.measured_neko FOLDER``: Neko who tells what she takes.

Prints her address; then, for each line on standard input, one line of JSON with the fields of ``Measured``. Ends with
the input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from neko.application import Neko
from neko.serve import listen, serving
from neko.serve.run import set_up_logging
from neko.settings import Settings
from tests.loop_watchdog import Watchdog, watching


@dataclass(frozen=True, slots=True)
class Measured:
    """What the process takes. ``step``: processor seconds of the longest step of the loop since the last time."""

    megabytes: float
    descriptors: int
    threads: int
    tasks: int
    step: float
    slowest: str


def measure(watchdog: Watchdog) -> Measured:
    process = psutil.Process()
    measured = Measured(
        megabytes=process.memory_info().rss / 1e6,
        descriptors=process.num_fds(),
        threads=threading.active_count(),
        tasks=len(asyncio.all_tasks()),
        step=watchdog.longest,
        slowest="; ".join(watchdog.offences),
    )
    watchdog.longest = 0.0
    watchdog.offences.clear()
    return measured


async def main(folder: Path) -> None:
    set_up_logging("error")
    settings = Settings(data_dir=folder, port=0, environ={}, find_local_servers=False)
    loop = asyncio.get_running_loop()
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    with listen(settings.host, settings.port) as listener:
        async with Neko(settings) as neko, serving(neko, listener):
            with watching() as watchdog:
                sys.stdout.write(f"http://127.0.0.1:{listener.port}\n")
                sys.stdout.flush()
                while await asked.readline():
                    sys.stdout.write(json.dumps(asdict(measure(watchdog))) + "\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
