"""The longest step of the event loop through a conversation, from start to end."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from neko.application import Neko
from neko.serve import listen, serving
from neko.settings import Settings
from tests.bench.figures import ms, show
from tests.client import client
from tests.loop_watchdog import watching
from tests.scripted_provider import Script, ScriptedProvider


async def converse(folder: str) -> None:
    """Two sessions with a model and the built-in voice, each started, used, cut and ended."""
    async with ScriptedProvider(default=Script(["A sentence to say aloud. "] * 20)) as provider:
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-bench", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
        settings = Settings(data_dir=Path(folder), port=0, environ=environ, find_local_servers=False)
        with listen(settings.host, settings.port) as listener:
            async with Neko(settings) as neko, serving(neko, listener):
                for _ in range(2):
                    async with client(f"ws://127.0.0.1:{listener.port}", neko.characters.current) as page:
                        await page.say("hello")
                        await page.until("neko_speech_end")
                        await page.say("and again")
                        await page.until("binary")
                        await page.send("end_session")
                        await page.until("status")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, watching() as watchdog:
        asyncio.run(converse(folder))
    show("longest loop step, processor time", ms(watchdog.longest), ms(bare_step()), None, "≤ 20 ms")


def bare_step() -> float:
    """The longest step of a loop that only sleeps: what the measuring itself finds."""
    with watching() as watchdog:
        asyncio.run(asyncio.sleep(0.2))
    return watchdog.longest


if __name__ == "__main__":
    main()
