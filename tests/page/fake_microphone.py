"""A browser whose microphone is a file: what it holds is heard from the moment that the microphone is opened."""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from neko.types.hearing import HEARING_RATE
from tests.chromium import FLAGS


def write_wav(path: Path, pcm: bytes, rate: int = HEARING_RATE) -> Path:
    """PCM16 mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


@asynccontextmanager
async def browser_hearing(
    shell_path: str, wav: Path | None, *, allowed: bool = True, cameras: int = 1
) -> AsyncIterator[Browser]:
    """``wav`` is heard once, then silence; ``None``: there is no microphone. With ``allowed`` nobody is asked."""
    flags = list(FLAGS)
    if wav is not None:
        flags += [
            f"--use-fake-device-for-media-stream=device-count={cameras}",
            f"--use-file-for-fake-audio-capture={wav}%noloop",
        ]
    if allowed:
        flags.append("--use-fake-ui-for-media-stream")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shell_path, args=flags)
        yield browser
        await browser.close()
