"""The noise of the room, taken out of what a voice model is sent, for providers that do not do it."""

from __future__ import annotations

from neko.audio.noise import NoiseReducer, NoReducer, noise_reducer
from neko.tasks import in_thread


class RoomNoise:
    """Of one session, whose sound has ``HEARING_RATE``. Once loaded it works in the loop: 0.03 ms per 10 ms of sound.

    Calls must not overlap: sound keeps its order only if each piece is awaited before the next one.
    """

    def __init__(self) -> None:
        self._reducer: NoiseReducer | NoReducer | None = None

    async def clean(self, pcm: bytes, *, wanted: bool) -> bytes:
        """As much sound as is given; without noise it comes 10 ms later."""
        if not wanted:
            self._reducer = None
            return pcm
        if self._reducer is None:
            self._reducer = await in_thread(noise_reducer)
        return self._reducer.clean(pcm)
