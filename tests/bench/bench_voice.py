"""The built-in voice: from the text frame to the first sound, over a provider without delay.

The floor is the engine alone, from the same sentence to its first piece of sound.
"""

from __future__ import annotations

import asyncio
import json
import time

from websockets.asyncio.client import ClientConnection, connect

from neko.audio.engines.espeak import EspeakEngine
from neko.types.speech import Utterance
from tests.bench import processes
from tests.bench.figures import median, ms, show

WARM_UP = 3
TURNS = 20
SENTENCE = "A sentence to say aloud."


async def engine_alone(engine: EspeakEngine) -> float:
    """Seconds to the first piece."""
    began = time.perf_counter()
    pieces = engine.synthesise(Utterance(SENTENCE, "en"), bytes)
    await anext(pieces)
    seconds = time.perf_counter() - began
    await pieces.aclose()
    return seconds


async def neko_turn(page: ClientConnection) -> float:
    """Seconds from the text frame to the first binary frame; returns once all sound has come."""
    began = time.perf_counter()
    await page.send(json.dumps({"action": "stream_data", "input_type": "text", "data": "hello"}))
    first = 0.0
    while True:
        frame = await page.recv()
        if isinstance(frame, bytes):
            first = first or time.perf_counter() - began
        elif json.loads(frame)["type"] == "neko_speech_end":
            return first


async def measure() -> None:
    engine = EspeakEngine()
    await engine.prewarm()
    floors, turns = [], []
    async with (
        processes.provider() as provider,
        processes.neko(provider.url, voice="builtin") as neko,
        connect(f"{neko.ws_url}/ws/c0", max_size=None, max_queue=None) as page,
    ):
        for number in range(WARM_UP + TURNS):
            floor, turn = await engine_alone(engine), await neko_turn(page)
            if number >= WARM_UP:
                floors.append(floor)
                turns.append(turn)
    await engine.aclose()
    floor_time, turn_time = median(floors), median(turns)
    show("text frame → first sound, built-in voice", ms(turn_time), ms(floor_time), turn_time / floor_time)


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
