"""What she is to speak about of her own accord."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from neko.types.lines import Remark


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """``instructions`` are for the model; ``words`` are said as they are, without one; with ``reports`` it is what came
    of tasks. ``remark`` is what is to be known of the reply; with ``outside`` the instructions hold words from outside.
    ``wanted`` is asked when the floor is free: whether there still is something to say."""

    received: float
    instructions: str = ""
    words: str = ""
    reports: bool = False
    remark: Remark | None = None
    outside: bool = False
    wanted: Callable[[], bool] = field(default=_always, compare=False)
