"""Voices that are models: what is the same for all of them, from text to even, trimmed sound.

A model makes a clause at a time. Sound is 24 kHz or more, float, and begins and ends with silence of the model's
own, which is cut off: sound comes some 0.3 s sooner, and pauses are as long as those of every other voice.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from neko.audio.engines.spelling import in_words
from neko.audio.engines.threaded import HandOver, SharedWorker, ThreadedVoice, pause_after
from neko.audio.scripts import primary
from neko.speech_errors import LocalVoiceError
from neko.tasks import give_memory_back, spare_collector
from neko.types.speech import Convert, OfferedVoice, SpeechCapabilities, Utterance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

IDLE_S: Final = 600.0
"""A model that nobody spoke with for so long is freed, and loaded again when it is needed."""
LEFT_S: Final = 30.0
"""The same when no voice is open that ever spoke with it: another was chosen."""
_AUDIBLE: Final = 0.01
_LEAD_MS: Final = 30
_TAIL_MS: Final = 60
_FADE_MS: Final = 5
_SLICE_MS: Final = 200
_CEILING: Final = 0.82
_LOUDEST_LINEAR: Final = 0.6
_SLOWEST, _FASTEST = 0.5, 2.0
"""What all of these models still speak clearly."""
_MOST_SEMITONES: Final = 12.0


class SpeechModel(SharedWorker, ABC):
    """A model and what belongs to it; one a process, loaded by the first job of its worker thread, freed by one too.

    ``packages``: the modules that it is made of, the one with the weights first. ``languages`` are those that it
    speaks, ``reads`` those whose words it can say among them. ``slow``: it may take longer to make sound than to hear
    it. ``gain`` brings it to the loudness of espeak-ng (-17 dB of full scale, RMS of what is voiced). ``rate``: Hz.
    """

    name: str
    rate: int = 24_000
    packages: tuple[str, ...]
    languages: frozenset[str]
    reads: frozenset[str]
    slow: bool = False
    gain: float = 1.0

    def __init__(self) -> None:
        super().__init__(f"neko-{self.name}")
        self._loading = threading.RLock()
        self._voices = self._utterances = 0
        self._timer: asyncio.TimerHandle | None = None
        self.loaded = False

    def installed(self) -> bool:
        """Whether its weights are there. Blocks: it searches the disk."""
        return importlib.util.find_spec(self.packages[0]) is not None

    def ready(self) -> None:
        """Load it once; raises ``LocalVoiceError``."""
        with self._loading:
            if not self.loaded:
                try:
                    self.load()
                except Exception as error:
                    raise LocalVoiceError(f"{self.name} does not load: {error}", engine=self.name) from error
                self.loaded = True
                spare_collector()

    @abstractmethod
    def load(self) -> None:
        """Load everything; may raise anything."""

    def unload(self) -> None:
        """Let go of what ``load`` has loaded, as far as that can be."""

    def opens(self) -> None:
        """A voice speaks with it for the first time. Like the next three: on the loop."""
        self._voices += 1

    def closes(self) -> None:
        """That voice is closed."""
        self._voices -= 1
        self._rest()

    def begins(self) -> None:
        """An utterance begins."""
        self._utterances += 1
        self._rest()

    def ends(self) -> None:
        """That utterance is over."""
        self._utterances -= 1
        self._rest()

    @property
    def in_use(self) -> bool:
        """Whether somebody speaks with it, or has a while ago."""
        return self._utterances > 0 or self._timer is not None

    def free(self) -> None:
        """Unload it unless an utterance has begun. In its worker thread, or in that of another that has used it."""
        with self._loading:
            if self.loaded and not self._utterances:
                self.unload()
                give_memory_back()
                self.loaded = False

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._utterances:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(IDLE_S if self._voices else LEFT_S, self._free_later)

    def _free_later(self) -> None:
        self._timer = None
        worker = self.borrow()
        worker.submit(self.free)
        self.give_back()

    @abstractmethod
    def sound(self, clause: str, language: str, voice: str, speed: float, cancelled: threading.Event) -> Samples:
        """The sound of a clause in the voice of this name, or in the model's own. Empty when nothing can be said."""

    def stop(self, cancelled: threading.Event) -> None:
        """End the clause that is being made, if it is the one that looks at ``cancelled``. From any thread."""

    def voices(self) -> Sequence[OfferedVoice]:
        """What there is to choose from, the usual one first."""
        return ()

    def clauses(self, text: str) -> Sequence[str]:
        """``text`` in the pieces that are made one after the other."""
        return (text,)

    def gain_of(self, voice: str) -> float:
        """What a voice is multiplied with."""
        return self.gain


class ModelVoice(ThreadedVoice):
    """The engine of a ``SpeechModel``. ``rate`` is the model's own speed; ``pitch`` resamples, at the speed that
    makes up for it."""

    def __init__(self, model: SpeechModel) -> None:
        super().__init__(model.name, model)
        self._model = model
        self._has_spoken = False
        self.capabilities = SpeechCapabilities(model.name, model.rate, local=True)

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``."""
        if not self._has_spoken and not self._closed:
            self._has_spoken = True
            self._model.opens()
        self._model.begins()
        try:
            async with aclosing(super().synthesise(utterance, convert)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._model.ends()

    async def aclose(self) -> None:
        """See ``ThreadedVoice``; idempotent."""
        await super().aclose()
        if self._has_spoken:
            self._has_spoken = False
            self._model.closes()

    def word(self, language: str) -> str:
        """See ``ThreadedVoice``."""
        return {"ja": "猫。", "zh": "猫。"}.get(primary(language), "Yes.")

    def stop(self, cancelled: threading.Event) -> None:
        """See ``ThreadedVoice``: a model that reckons is interrupted as well."""
        if not cancelled.is_set():
            cancelled.set()
            self._model.stop(cancelled)

    def speak(self, utterance: Utterance, convert: Convert, hand_over: HandOver, cancelled: threading.Event) -> None:
        """See ``ThreadedVoice``."""
        model, voice, language = self._model, utterance.voice, primary(utterance.language)
        model.ready()
        shift = 2 ** (min(_MOST_SEMITONES, max(-_MOST_SEMITONES, voice.pitch)) / 12)
        speed = min(_FASTEST, max(_SLOWEST, voice.rate / shift))
        for clause in model.clauses(in_words(utterance.text, language)):
            if cancelled.is_set():
                return
            made = model.sound(clause, language, voice.voice, speed, cancelled)
            sound = _even(_shifted(_trimmed(made, model.rate), model.rate, shift), model.gain_of(voice.voice))
            for piece in _slices(sound, model.rate):
                if cancelled.is_set():
                    return
                hand_over(convert(piece))
            if len(sound):
                hand_over(convert(bytes(2 * (model.rate * pause_after(clause) // 1000))))


def _trimmed(sound: Samples, rate: int) -> Samples:
    """Without the silence around it, faded in and out."""
    import numpy as np

    heard = np.flatnonzero(np.abs(sound) > _AUDIBLE)
    if not len(heard):
        return sound[:0]
    begin = max(0, int(heard[0]) - rate * _LEAD_MS // 1000)
    cut = sound[begin : int(heard[-1]) + rate * _TAIL_MS // 1000].astype(np.float32)
    fade = np.linspace(0.0, 1.0, min(len(cut), rate * _FADE_MS // 1000), dtype=np.float32)
    cut[: len(fade)] *= fade
    cut[len(cut) - len(fade) :] *= fade[::-1]
    return cut


def _shifted(sound: Samples, rate: int, shift: float) -> Samples:
    """Higher by the factor ``shift``, and as much shorter."""
    if shift == 1.0 or not len(sound):
        return sound
    import soxr

    shifted: Samples = soxr.resample(sound, rate * shift, rate, quality="LQ")
    return shifted


def _even(sound: Samples, gain: float) -> Samples:
    """Louder by ``gain``; peaks are bent, not cut."""
    import numpy as np

    sound = sound * np.float32(gain)
    over = np.abs(sound) - _LOUDEST_LINEAR
    room = _CEILING - _LOUDEST_LINEAR
    bent = np.sign(sound) * (_LOUDEST_LINEAR + room * np.tanh(over / room))
    even: Samples = np.where(over > 0, bent, sound)
    return even


def _slices(sound: Samples, rate: int) -> Iterable[bytes]:
    """PCM16, so much at a time that the listener need not wait for the conversion of all of it."""
    step = rate * _SLICE_MS // 1000
    for at in range(0, len(sound), step):
        yield (sound[at : at + step] * 32767.0).astype("<i2").tobytes()
