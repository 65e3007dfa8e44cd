"""Voice activity: what it costs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from neko.audio import voice_activity

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
