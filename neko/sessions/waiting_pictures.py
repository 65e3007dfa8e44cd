"""Pictures that came before the words they belong to. Pure."""

from __future__ import annotations

from collections import deque


class WaitingPictures:
    """JPEGs that ride with the next words, typed or spoken: the newest ``most`` of them."""

    def __init__(self, most: int) -> None:
        self._pictures: deque[bytes] = deque(maxlen=most)

    def add(self, jpeg: bytes) -> None:
        self._pictures.append(jpeg)

    def take(self) -> tuple[bytes, ...]:
        """All of them, for the words that have come."""
        taken = tuple(self._pictures)
        self._pictures.clear()
        return taken
