"""What she is to speak about of her own accord."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """``instructions`` are for the model; ``words`` are said as they are, without one; with ``reports`` it is what came
    of tasks. ``wanted`` is asked when the floor is free: whether there still is something to say."""

    received: float
    instructions: str = ""
    words: str = ""
    reports: bool = False
    wanted: Callable[[], bool] = field(default=_always, compare=False)
