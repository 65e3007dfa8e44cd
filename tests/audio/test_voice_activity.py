"""Voice activity: what it costs, and what is none."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from neko.audio import voice_activity
from neko.audio.turn_taking.segmenter import Segmenter, Speech

COUNT = """
import os
from neko.audio.voice_activity import WINDOW_BYTES, SileroDetector
detector = SileroDetector()
for _ in range(50):
    detector.probability(bytes(WINDOW_BYTES))
print(len(os.listdir("/proc/self/task")), os.environ.get("OMP_THREAD_LIMIT"))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.skipif(not voice_activity.silero_installed(), reason="needs the extra hearing")
def test_it_computes_in_the_thread_it_is_asked_in() -> None:
    environ = {name: value for name, value in os.environ.items() if name != "OMP_THREAD_LIMIT"}
    said = subprocess.run([sys.executable, "-c", COUNT], env=environ, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["1", "None"]


def test_by_loudness_one_loud_window_is_no_start_and_two_are() -> None:
    loud, quiet = b"\x00\x20\x00\xe0" * 256, bytes(voice_activity.WINDOW_BYTES)

    def heard(*windows: bytes) -> list[Speech]:
        detector, segmenter = voice_activity.EnergyDetector(), Segmenter()
        return [event for window in windows for event in segmenter.feed(detector.probability(window))]

    assert heard(quiet, quiet, loud, quiet, quiet) == []
    assert heard(quiet, quiet, loud, loud) == [Speech.BEGAN]
