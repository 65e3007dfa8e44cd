"""What the page played and what its microphone gave, sample by sample: ``record_audio.js`` records it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Page

from tests.page.page_driver import PageDriver

Samples: TypeAlias = NDArray[np.float64]

RATE = 48_000
"""Of what the page plays."""
_FOLDER = Path(__file__).parent
_AUDIBLE = 1e-6


@dataclass(frozen=True, slots=True)
class Recording:
    """``samples``: full scale 1, ``rate`` of them a second. ``blocks``: how many had come at which moment, in
    milliseconds of the wall clock."""

    samples: Samples
    rate: int
    blocks: tuple[tuple[int, float], ...]

    def moment(self, sample: int) -> float:
        """When this sample had come, milliseconds of the wall clock."""
        return next(at - (count - sample) * 1000 / self.rate for count, at in self.blocks if count > sample)


async def record(driver: PageDriver) -> None:
    """Record all sound of the pages that ``driver`` opens; its device must have ``bypass_csp``, as requests of audio
    worklets cannot be answered by a test."""
    source = (_FOLDER / "recorder_worklet.js").read_text(encoding="utf-8")
    await driver.context.add_init_script(f"window.recorder = {json.dumps(source)};")
    await driver.context.add_init_script(path=_FOLDER / "record_audio.js")


async def recorded(page: Page, name: str) -> Recording:
    """What was ``played``, or what the ``microphone`` gave."""
    found = await page.evaluate("(name) => window.recorded(name)", name)
    parts = [np.frombuffer(base64.b64decode(data), "<f4") for _, data in found["blocks"]]
    counts = np.cumsum([len(part) for part in parts]).tolist()
    moments = [at for at, _ in found["blocks"]]
    return Recording(
        np.concatenate(parts).astype(np.float64), round(found["rate"]), tuple(zip(counts, moments, strict=True))
    )


def stretches(samples: Samples, quiet: int) -> list[tuple[int, int]]:
    """From and until where there is sound, with more than ``quiet`` samples of none between them."""
    heard = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    if not len(heard):
        return []
    breaks = np.flatnonzero(np.diff(heard) > quiet)
    begins = [heard[0], *heard[breaks + 1]]
    ends = [*heard[breaks], heard[-1]]
    return [(int(begin), int(end) + 1) for begin, end in zip(begins, ends, strict=True)]


def place(part: Samples, whole: Samples) -> int:
    """The sample of ``whole`` at which ``part`` begins, where it fits best."""
    size = 1 << (len(whole) + len(part)).bit_length()
    fit = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)
    return int(np.argmax(fit[: len(whole)]))
