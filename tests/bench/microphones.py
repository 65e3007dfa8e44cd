"""``python -m tests.bench.microphones URL CALLS SECONDS``: so many calls at once, each with the key to talk held.

In a process of its own, so that it does not take the server's time. Speech is sent 20 ms at a time when it is due; when
each frame was sent (monotonic seconds, a list for each call) is printed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from tests.client import client
from tests.spoken import FRAME, quiet, spoken

FRAME_S = 0.02
SAID = "I had a really long day at work, and now I would like to hear a story about a fox."


async def call(url: str, name: str, sound: bytes, begins: float) -> list[float]:
    """One call that begins to send at the moment ``begins``."""
    sent = []
    async with client(url, name) as page:
        await page.send(
            "start_session", input_type="audio", audio_format="pcm16", sample_rate=16_000, echo_cancelled=True
        )
        await page.until("neko_hearing")
        await page.send("neko_push_to_talk", held=True)
        for number, at in enumerate(range(0, len(sound) - FRAME + 1, FRAME)):
            await asyncio.sleep(max(0.0, begins + number * FRAME_S - time.monotonic()))
            sent.append(time.monotonic())
            await page.connection.send(sound[at : at + FRAME])
        await page.quiet()
    return sent


async def main(url: str, calls: int, seconds: float) -> None:
    """See the module."""
    words = quiet(0.2) + await spoken(SAID)
    sound = (words * (round(seconds * 32_000) // len(words) + 1))[: round(seconds * 50) * FRAME]
    begins = time.monotonic() + 3.0
    works = [call(url, f"c{number}", sound, begins + number * FRAME_S / calls) for number in range(calls)]
    print(json.dumps(await asyncio.gather(*works)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
