"""Smart Turn v3.2 (BSD-2) as a vote on the end of a turn: it judges by the sound whether somebody has finished.

It lies in the wheel of ``pipecat-ai`` 1.14.0 as ``pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx``;
``pip install --no-deps pipecat-ai==1.14.0`` and ``onnxruntime`` are all it takes. Its input: the last 8 s of sound,
quiet before it, mean 0 and variance 1, as Whisper's log-mel spectrogram (``pipecat/audio/turn/smart_turn``).
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neko.audio.hearing.mel import log_mel
from neko.audio.turn_taking.patience import SaidSoFar, Strategy
from neko.types.hearing import HEARING_RATE

_FILE = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
_SECONDS = 8
SURE, UNSURE = 0.97, 0.1
"""Above and below, the turn is taken for over and for open. Nearer to the middle more turns are cut."""
SHORTER_S, LONGER_S = 0.4, 0.9


class SmartTurn:
    """``seconds``: of the processor, for each judgement."""

    def __init__(self, path: Path) -> None:
        onnxruntime: Any = importlib.import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options)
        self._known: dict[bytes, float] = {}
        self.seconds: list[float] = []

    def finished(self, pcm: bytes) -> float:
        """How likely it is that who says ``pcm`` (PCM16 at ``HEARING_RATE``) has finished, 0..1."""
        if pcm not in self._known:
            began = time.process_time()
            heard = np.frombuffer(pcm, "<i2").astype(np.float32)[-_SECONDS * HEARING_RATE :] / np.float32(2**15)
            sound = np.zeros(_SECONDS * HEARING_RATE, np.float32)
            sound[len(sound) - len(heard) :] = heard
            sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
            found = self._session.run(None, {"input_features": log_mel(sound, _SECONDS)[None]})
            self.seconds.append(time.process_time() - began)
            self._known[pcm] = float(found[0][0].item())
        return self._known[pcm]


def installed() -> Path | None:
    """The file of the model."""
    spec = importlib.util.find_spec("pipecat")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder, _FILE)).exists():
            return path
    return None


def judged(said: Callable[[], bytes], model: SmartTurn, vote: Strategy) -> Strategy:
    """``vote`` with ``finished``; ``said`` is the sound of the turn so far."""

    def with_sound(so_far: SaidSoFar, wait_s: float) -> float:
        return vote(replace(so_far, finished=model.finished(said())), wait_s)

    return with_sound


def shorten(said: SaidSoFar, wait_s: float) -> float:
    """Wait less when it is sure, unless the words lead on."""
    is_open = SHORTER_S < wait_s <= LONGER_S
    return SHORTER_S if is_open and said.finished is not None and said.finished > SURE else wait_s


def lengthen(said: SaidSoFar, wait_s: float) -> float:
    """Wait longer when it is sure that more comes."""
    return max(wait_s, LONGER_S) if said.finished is not None and said.finished < UNSURE else wait_s


VOTES: dict[str, Strategy] = {
    "shortens": shorten,
    "lengthens": lengthen,
    "does both": lambda said, wait_s: lengthen(said, shorten(said, wait_s)),
}
