"""The hearing seam: speech to text (``tests/seams/hearing.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

HEARING_RATE = 16_000
"""Hz of all sound that is recognised."""


@dataclass(frozen=True, slots=True)
class HearingCapabilities:
    """``local``: works without a network. ``streaming``: recognises while it is fed, so that a partial
    result costs nothing; any other does its whole work for each. ``languages``: primary subtags
    (BCP 47) that it understands; ``None``: any. ``deadline_s``: within so many seconds it has words, or tells why not,
    a model that it must load first included."""

    name: str
    local: bool
    streaming: bool = False
    languages: frozenset[str] | None = None
    deadline_s: float = 20.0


@dataclass(frozen=True, slots=True)
class HearingHints:
    """``language`` (BCP 47, "" for unknown) is likely, not certain. ``vocabulary``: names that may be said."""

    language: str = ""
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """Words of one utterance, ``final`` or of what was fed so far.

    ``confidence`` is 0..1, ``None`` where the engine tells none. ``no_speech``: the probability, 0..1,
    that it was no speech at all. ``language``: what was spoken, "" where the engine does not tell.
    """

    utterance_id: str
    text: str
    final: bool
    language: str = ""
    confidence: float | None = None
    no_speech: float = 0.0


class Recognition(Protocol):
    """One utterance. ``partial`` and ``finish`` are awaited one at a time."""

    def feed(self, pcm: bytes) -> None:
        """PCM16 little-endian mono at ``HEARING_RATE``; never waits. Beyond the engine's bound it is dropped."""
        ...

    async def partial(self) -> Heard:
        """The words of all that was fed up to now. Raises ``HearingError``. May be cancelled."""
        ...

    async def finish(self) -> Heard:
        """The final words; nothing is fed afterwards. Raises ``HearingError``."""
        ...

    def cancel(self) -> None:
        """Its words are not wanted any more; idempotent, and harmless after ``finish``."""
        ...


class HearingEngine(Protocol):
    """Speech to text, shared by all conversations."""

    capabilities: HearingCapabilities

    async def prewarm(self) -> None:
        """Load or connect ahead of the first utterance. Raises ``HearingError``."""
        ...

    def begin(self, utterance_id: str, hints: HearingHints) -> Recognition:
        """A new utterance; returns at once."""
        ...

    async def aclose(self) -> None:
        """Cancel everything and free it; idempotent."""
        ...
