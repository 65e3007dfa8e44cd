"""The speech-engine seam: text to sound (``tests/seams/speech_engine.py``)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """``voice`` is the engine's own name ("" is its default); ``rate`` 1.0 is normal speed;
    ``pitch`` is in semitones from the voice's normal."""

    voice: str = ""
    rate: float = 1.0
    pitch: float = 0.0

    def rate_within(self, least: float, most: float) -> float:
        """``rate``, as near as an engine with these bounds comes to it."""
        return min(most, max(least, self.rate))


@dataclass(frozen=True, slots=True)
class Utterance:
    """One speakable piece of text (markup already removed) in one language (BCP 47).

    ``reply``: names the reply that it is a piece of; empty for one that stands alone.
    """

    text: str
    language: str
    voice: VoiceSettings = field(default_factory=VoiceSettings)
    reply: str = ""


@dataclass(frozen=True, slots=True)
class SpeechCapabilities:
    """``sample_rate``: Hz of what ``convert`` is given. ``local``: works without a network.
    ``on_page``: makes no sound here, the page speaks the text itself."""

    name: str
    sample_rate: int
    local: bool
    on_page: bool = False


VoiceKind = Literal["woman", "man", "whisper"]
"""How a voice sounds to somebody who chooses one."""


@dataclass(frozen=True, slots=True)
class OfferedVoice:
    """A voice to choose: ``name`` is what its engine calls it, ``label`` what a person does (as ``name`` when empty).

    ``language`` (BCP 47) and ``kind`` are empty and None where nobody tells them.
    """

    name: str
    label: str = ""
    kind: VoiceKind | None = None
    language: str = ""
    licence: str = ""
    description: str = ""


Convert = Callable[[bytes], bytes]
"""PCM16 mono at the engine's rate in, bytes for the listener out. Called off the loop, in order."""


class SpeechEngine(Protocol):
    """Text to sound."""

    @property
    def capabilities(self) -> SpeechCapabilities:
        """What it is; may change between two utterances."""
        ...

    async def prewarm(self, language: str = "") -> None:
        """Load or connect ahead of the first utterance, which will be in ``language``.

        Raises ``SpeechError``.
        """
        ...

    def expect(self, voice: VoiceSettings) -> None:
        """A reply is about to come that will be spoken with ``voice``: connect ahead of its first sentence.

        Does not wait; what goes wrong shows in ``synthesise``. Does nothing where nobody has to be reached.
        """
        ...

    def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """Converted sound, piece by piece as it is made; raises ``SpeechError``, ``LocalOnlyError`` or ``ProxyError``.

        Synthesis and ``convert`` of one piece happen in one executor job. Closing the iterator
        (``aclose``) cancels this utterance and stops its work at once.
        """
        ...

    async def aclose(self) -> None:
        """Cancel everything and free it; idempotent."""
        ...
