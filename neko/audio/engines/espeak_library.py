"""espeak-ng by ctypes (``speak_lib.h``), from the ``espeakng-loader`` wheel.

The library keeps global state, so the whole process shares one host with one worker thread,
whoever speaks. It is loaded by the first job.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from neko.audio.engines.threaded import SharedWorker
from neko.errors import SpeechError

_SYNCHRONOUS = 2
_BUFFER_MS = 60
_UTF8 = 1
_RATE, _VOLUME, _PITCH, _RANGE, _WORD_GAP = 1, 2, 3, 4, 7

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

OnSound = Callable[[bytes], None]


class EspeakHost(SharedWorker):
    """``load`` and ``speak`` are for jobs of the worker thread; a lock keeps the last job of a worker that is
    ending apart from the first of the next. ``rate`` is the sample rate in Hz.
    """

    def __init__(self) -> None:
        super().__init__("neko-espeak")
        self._speaking = threading.RLock()
        self._variants: frozenset[str] = frozenset()
        self._voices: frozenset[str] = frozenset()
        self.rate = 22_050
        self._library: Any = None
        self._on_sound: OnSound | None = None
        self._cancelled: threading.Event = threading.Event()
        self._callback = _CALLBACK(self._receive)
        self._failure: BaseException | None = None

    def load(self) -> None:
        """Load the library once. Raises ``SpeechError`` when it is not installed or not usable."""
        with self._speaking:
            if self._library is None:
                self._load()

    def _load(self) -> None:
        try:
            import espeakng_loader

            library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = Path(espeakng_loader.get_data_path())
        except (ImportError, OSError) as error:
            raise SpeechError(f"espeak-ng cannot be loaded: {error}", engine="builtin") from error
        rate = library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, str(data).encode(), 0)
        if rate <= 0:
            raise SpeechError(f"espeak-ng does not start: {rate}", engine="builtin")
        library.espeak_SetSynthCallback(self._callback)
        self._variants = frozenset(file.name for file in (data / "voices" / "!v").iterdir())
        self._voices = frozenset(file.name.lower() for file in (data / "lang").rglob("*") if file.is_file())
        self.rate = rate
        self._library = library

    def has_voice(self, language: str) -> bool:
        """Whether there is a voice of espeak-ng's own name for a language; after ``load``."""
        return language in self._voices

    def speak(
        self,
        text: str,
        language: str,
        *,
        variants: Sequence[str],
        words_per_minute: int,
        pitch: int,
        pitch_range: int,
        on_sound: OnSound,
        cancelled: threading.Event,
    ) -> None:
        """Synthesise ``text``; ``on_sound`` gets PCM16 mono as it is made. Ends early once ``cancelled``.

        ``language`` is espeak-ng's own name of it. The first of ``variants`` that exists colours the
        voice. ``pitch`` and ``pitch_range`` are 0 to 100. Raises ``SpeechError``, or what ``on_sound`` raised.
        """
        with self._speaking:
            self.load()
            library = self._library
            voice = "+".join([language, *[variant for variant in variants if variant in self._variants][:1]])
            if library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise SpeechError(f"espeak-ng has no voice {voice}", engine="builtin")
            for parameter, value in (
                (_RATE, words_per_minute),
                (_PITCH, pitch),
                (_RANGE, pitch_range),
                (_VOLUME, 90),
                (_WORD_GAP, 0),
            ):
                library.espeak_SetParameter(parameter, value, 0)
            self._on_sound, self._cancelled, self._failure = on_sound, cancelled, None
            encoded = text.replace("\0", " ").encode(errors="replace") + b"\0"
            status = library.espeak_Synth(encoded, len(encoded), 0, 1, 0, _UTF8, None, None)
            failure, self._on_sound, self._failure = self._failure, None, None
        if failure is not None:
            raise failure
        if status != 0 and not cancelled.is_set():
            raise SpeechError(f"espeak-ng failed: {status}", engine="builtin")

    def _receive(self, samples: Any, count: int, _events: Any) -> int:
        if self._cancelled.is_set() or self._on_sound is None:
            return 1
        if samples and count > 0:
            try:
                self._on_sound(ctypes.string_at(samples, 2 * count))
            except BaseException as error:
                self._failure = error
                return 1
        return 0


@cache
def host() -> EspeakHost:
    """The one host of this process."""
    return EspeakHost()
