"""How long the memory waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryTimeouts:
    """Seconds. ``lock_timeout_s``: for a file another program holds. ``read_timeout_s``: for a page
    of the log. ``recall_timeout_s``: for a recall in all. ``model_timeout_s``: for a summary or a
    review in all. ``retry_pauses_s``: before the second and the third call of a model that failed
    for now. ``close_timeout_s``: for the recent file to be written, and for background work to
    stop, at the end. ``write_delay_s``: from a new line to the write of its recent file, so that
    the lines of a turn are written at once."""

    lock_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    recall_timeout_s: float = 0.25
    model_timeout_s: float = 90.0
    retry_pauses_s: tuple[float, ...] = (1.0, 2.0)
    close_timeout_s: float = 2.0
    write_delay_s: float = 0.5
