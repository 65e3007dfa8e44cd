"""What is known of the sound in the user's room: her own echo in it, and its noise."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from neko.audio import echo
from neko.audio.noise import NoiseReducer, NoReducer, noise_reducer
from neko.types.model_session import Playback, SoundToPlay


class RoomSound:
    """Belongs to the microphone of one call, and goes from a session to the one that follows it: what was learned of
    the way from the loudspeaker to the microphone stays true.

    ``taken``: samples that were taken to be cleaned, or were passed over, so far. ``news``: what the client plays, as
    told since, and at which sample.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.news: list[tuple[int, SoundToPlay | Playback]] = []
        self._echo_guard: echo.EchoGuard | None = None
        self._reducers: tuple[NoiseReducer | NoReducer, NoiseReducer | NoReducer] | None = None
        self._in_use = Lock()

    @property
    def lets_echo_through(self) -> bool:
        """Does speech in the clean sound prove nothing while she is heard?"""
        return self._echo_guard is not None and self._echo_guard.lets_echo_through

    def tell(self, news: SoundToPlay | Playback, waiting: int) -> None:
        """What the client plays, told when so many samples waited to be taken."""
        self.news.append((self.taken + waiting, news))

    def take(self, count: int) -> tuple[int, list[tuple[int, SoundToPlay | Playback]]]:
        """So many samples are about to be cleaned: the number of the first of them, and the news for ``clean``."""
        begins, news = self.taken, self.news
        self.taken, self.news = begins + count, []
        return begins, news

    def clean(
        self, pcm: bytes, begins: int, news: Sequence[tuple[int, SoundToPlay | Playback]], *, reduce_noise: bool
    ) -> tuple[bytes, bytes]:
        """The sound from sample ``begins`` on without her voice (and noise): for whoever recognises words, and for
        whoever judges whether anybody speaks. Blocks; the last session's last piece may still be under way."""
        with self._in_use:
            if news and self._echo_guard is None:
                self._echo_guard = echo.EchoGuard(echo.canceller(), begins)
            judged = pcm
            if guard := self._echo_guard:
                guard.go_on_at(begins)
                for at, item in news:
                    guard.far_end.tell(item, at)
                pcm, judged = guard.clean(pcm)
            if reduce_noise:
                self._reducers = self._reducers or (noise_reducer(), noise_reducer())
                for_words, for_judging = self._reducers
                pcm = for_words.clean(pcm)
                judged = for_judging.clean(judged) if self._echo_guard else pcm
            return pcm, judged
