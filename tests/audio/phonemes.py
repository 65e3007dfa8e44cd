"""What the built-in voice says, in the alphabet of phonetics, by the same library that makes the sound."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from neko.audio.engines.espeak import EspeakEngine, _named
from neko.audio.engines.espeak_library import host
from neko.types.speech import Utterance

_UTF8, _IPA = 1, 2


@cache
def _library() -> Any:
    host().load()
    library = host()._library
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int]
    return library


def phonemes(text: str, language: str) -> str:
    """``text`` as it is, in the voice of ``language``; without stress marks."""
    library = _library()
    library.espeak_SetVoiceByName(_named(language).encode())
    buffer = ctypes.create_string_buffer(text.encode() + b"\0")
    place = ctypes.c_void_p(ctypes.addressof(buffer))
    found = []
    while place.value:
        found.append((library.espeak_TextToPhonemes(ctypes.byref(place), _UTF8, _IPA) or b"").decode())
    return " ".join(found).translate({ord(mark): None for mark in "ˈˌ"}).strip()


def voiced(text: str, language: str) -> list[tuple[str, str]]:
    """What the built-in voice makes of an utterance: (language, words)."""
    return [(own, words.strip()) for words, own in EspeakEngine()._runs(Utterance(text, language))]


def said(text: str, language: str) -> str:
    """The phonemes of an utterance, with all that the built-in voice makes of it."""
    return " ".join(phonemes(words, own) for own, words in voiced(text, language))
