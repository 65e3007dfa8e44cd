"""Whisper on this computer: ``ctranslate2`` for the network, ``tokenizers`` for its words, numpy for what it hears.

The package ``faster-whisper`` does the same with 300 MB more (av, onnxruntime, a hub client) and always reckons with
30 s of sound; a window as long as what was said takes a quarter of the time.

The prompt: https://github.com/openai/whisper/blob/main/whisper/decoding.py.
Runs in the process of ``worker``; everything blocks.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neko.audio.hearing.mel import log_mel
from neko.audio.hearing.pauses import cut_at_pauses
from neko.types.hearing import HEARING_RATE

_WINDOWS_S: Final = (10, 15)
"""Seconds that are reckoned with: the shortest that holds what was said. Longer speech is cut at its pauses. 6 s take a
quarter less time, with as many wrong words on recordings; in a call whole sentences come back three times over."""
_LIKELY: Final = frozenset({"en", "zh", "ja", "ko"})
"""The languages of the characters; besides these only the hint's is taken for the one spoken."""
_HINT_WEIGHT: Final = 8.0
"""How much more likely than by its sound the hint's language is."""
_REPEATED_TOKENS: Final = 5
"""A row of tokens this long never comes twice: on sound that is cut off it would begin again and again."""
_MOST_TOKENS_S: Final = 12
"""Tokens for a second of speech, at most."""
_SCRIPTS: Final = {"zh": "简体中文。", "zh-hant": "繁體中文。"}
"""What makes it write Chinese in these characters; words of a longer prompt come back as words that were heard."""
_LONGEST_VOCABULARY: Final = 60
"""Tokens."""

Floats = NDArray[np.float32]


class Whisper:
    """A model in CTranslate2's format: ``files`` holds ``model.bin``, ``config.json``, ``vocabulary.json`` or
    ``vocabulary.txt``, and ``tokenizer.json`` by name. Raises what the libraries raise."""

    def __init__(self, files: Mapping[str, bytes], threads: int) -> None:
        ctranslate2 = importlib.import_module("ctranslate2")
        tokenizers = importlib.import_module("tokenizers")
        self._view = ctranslate2.StorageView
        own = {name: data for name, data in files.items() if name != "tokenizer.json"}
        self._model = ctranslate2.models.Whisper(
            "whisper", device="cpu", compute_type="int8", inter_threads=1, intra_threads=threads, files=own
        )
        self._tokens = tokenizers.Tokenizer.from_str(files["tokenizer.json"].decode())
        self._end = self._id("<|endoftext|>")

    def hear(self, samples: Floats, hint: str, language: str, vocabulary: Sequence[str]) -> dict[str, Any]:
        """The words in ``samples`` (-1..1, 16 kHz): ``text``, ``language``, ``confidence`` and ``no_speech``.

        ``language`` (BCP 47) is spoken for certain, ``hint`` likely; both may be empty.
        """
        parts = [
            self._hear_part(part, hint, language, vocabulary)
            for part in cut_at_pauses(samples, HEARING_RATE, _WINDOWS_S[-1])
        ]
        words = [part for part in parts if part["text"]]
        if not words:
            return {"text": "", "no_speech": parts[0]["no_speech"]}
        seconds = [part["seconds"] for part in words]
        return {
            "text": _joined([part["text"] for part in words]),
            "language": words[0]["language"],
            "confidence": float(np.average([part["confidence"] for part in words], weights=seconds)),
            "no_speech": float(min(part["no_speech"] for part in parts)),
        }

    def _hear_part(self, samples: Floats, hint: str, language: str, vocabulary: Sequence[str]) -> dict[str, Any]:
        seconds = len(samples) / HEARING_RATE
        window = next((one for one in _WINDOWS_S if seconds <= one - 0.5), _WINDOWS_S[-1])
        features = log_mel(samples, window, self._model.n_mels)
        encoded = self._model.encode(self._view.from_array(features[None]))
        spoken = language.partition("-")[0].lower() or self._detect(encoded, hint.partition("-")[0].lower())
        prompt = self._prompt(spoken, language or hint, vocabulary)
        result = self._model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + int(20 + _MOST_TOKENS_S * seconds),
            no_repeat_ngram_size=_REPEATED_TOKENS,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        ids = [token for token in result.sequences_ids[0] if token < self._end]
        text = self._tokens.decode(ids).strip()
        return {
            "text": text,
            "language": spoken,
            "confidence": math.exp(min(0.0, result.scores[0])) if text else 0.0,
            "no_speech": float(result.no_speech_prob),
            "seconds": seconds,
        }

    def _detect(self, encoded: Any, hint: str) -> str:
        if not self._model.is_multilingual:
            return "en"
        found: dict[str, float] = {
            token.strip("<|>"): chance for token, chance in self._model.detect_language(encoded)[0]
        }
        if hint not in found:
            return max(found, key=found.__getitem__)
        likely = {one: found.get(one, 0.0) * (_HINT_WEIGHT if one == hint else 1.0) for one in {*_LIKELY, hint}}
        return max(likely, key=likely.__getitem__)

    def _prompt(self, spoken: str, tag: str, vocabulary: Sequence[str]) -> list[int]:
        script = ""
        if spoken == "zh":
            is_traditional = tag.lower() in ("zh-tw", "zh-hk", "zh-mo") or tag.lower().startswith("zh-hant")
            script = _SCRIPTS["zh-hant" if is_traditional else "zh"]
        before = (" " + ", ".join(vocabulary) + ". " if vocabulary else "") + script
        ids = self._tokens.encode(before, add_special_tokens=False).ids[-_LONGEST_VOCABULARY:] if before else []
        names = ["<|startoftranscript|>"]
        if self._model.is_multilingual:
            names += [f"<|{spoken}|>", "<|transcribe|>"]
        prompt = [self._id(name) for name in (*names, "<|notimestamps|>")]
        return [self._id("<|startofprev|>"), *ids, *prompt] if ids else prompt

    def _id(self, token: str) -> int:
        found = self._tokens.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}")
        return int(found)


def _joined(parts: Sequence[str]) -> str:
    """Parts of one utterance: Chinese and Japanese have no blanks between them."""
    text = ""
    for part in parts:
        gap = " " if text and text[-1] < "\u2e80" and part[0] < "\u2e80" else ""
        text += gap + part
    return text
