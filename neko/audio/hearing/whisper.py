"""Whisper on this computer, by CTranslate2: the extra ``hearing``.

The model is fed windows as short as the utterance allows, not the 30 s it was trained with: the words are the same and
cost a third. ``faster-whisper`` would bring a video decoder, onnxruntime and a downloader for what is a spectrogram
and a prompt here.
"""

from __future__ import annotations

import asyncio
import importlib.util
import io
import logging
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from neko.audio.hearing.buffered import BufferedRecognition
from neko.audio.hearing.mel import log_mel
from neko.audio.hearing.model_files import ModelFiles
from neko.audio.voice_activity import WINDOW_BYTES, level_db
from neko.errors import HearingError
from neko.types.hearing import HEARING_RATE, Heard, HearingCapabilities, HearingHints

if TYPE_CHECKING:
    import ctranslate2
    import tokenizers

T = TypeVar("T")

logger = logging.getLogger(__name__)

NAME = "Whisper"
MOST_WAITING = 16
"""Recordings that may wait for the one thread; one more is refused."""
UNUSED_S = 900.0
"""Seconds without a word after which the model's memory is given back."""
_WINDOWS = (10, 15, 30)
_LONGEST_PIECE_S = 28.0
_OVERLAP_SEARCH_S = 6.0
_HINT_OUTWEIGHED = 0.7
"""With this probability another language is believed than the one that is likely by the conversation."""
_MOST_TOKENS = 200


def runtime_installed() -> bool:
    """Blocks: it searches the disk."""
    return all(importlib.util.find_spec(name) is not None for name in ("ctranslate2", "tokenizers"))


class WhisperEngine:
    """One model in one thread of its own, loaded at the first use and freed when it has not been used for long."""

    def __init__(self, files: ModelFiles, *, threads: int = 2) -> None:
        self.capabilities = HearingCapabilities(NAME, local=True)
        self._files = files
        self._threads = threads
        self._model: _Model | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._waiting = 0
        self._unused: asyncio.TimerHandle | None = None
        self._closed = threading.Event()

    async def prewarm(self) -> None:
        await self._in_thread(self._loaded)

    def begin(self, utterance_id: str, hints: HearingHints) -> BufferedRecognition:
        return BufferedRecognition(utterance_id, hints, self._transcribe)

    async def aclose(self) -> None:
        self._closed.set()
        if self._unused:
            self._unused.cancel()
        executor, self._executor = self._executor, None
        if executor:
            executor.shutdown(wait=False, cancel_futures=True)
        self._model = None

    async def _transcribe(self, pcm: bytes, hints: HearingHints) -> Heard:
        return await self._in_thread(lambda: self._loaded().transcribe(pcm, hints.language.split("-")[0].lower()))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._closed.is_set():
            raise HearingError("the recogniser is closed", engine=NAME)
        if self._waiting >= MOST_WAITING:
            raise HearingError("too much waits to be recognised", engine=NAME)
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="neko-hearing")
        self._stay()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except (OSError, RuntimeError, ValueError, ImportError) as error:
            raise HearingError(f"Whisper failed: {type(error).__name__}: {error}", engine=NAME) from error
        finally:
            self._waiting -= 1

    def _loaded(self) -> _Model:
        """In the thread."""
        if self._model is None:
            self._model = _Model(self._files, self._threads)
        return self._model

    def _stay(self) -> None:
        if self._unused:
            self._unused.cancel()
        self._unused = asyncio.get_running_loop().call_later(UNUSED_S, self._give_up)

    def _give_up(self) -> None:
        self._model = None


class _Model:
    """Blocking; used by one thread."""

    def __init__(self, files: ModelFiles, threads: int) -> None:
        import ctranslate2
        import tokenizers

        content: dict[str, Any] = {
            name: io.BytesIO(files.read(name)) for name in files.parts if name != "tokenizer.json"
        }
        self._whisper: ctranslate2.models.Whisper = ctranslate2.models.Whisper(
            files.name, files=content, device="cpu", compute_type="int8", inter_threads=1, intra_threads=threads
        )
        self._tokens: tokenizers.Tokenizer = tokenizers.Tokenizer.from_buffer(files.read("tokenizer.json"))

    def transcribe(self, pcm: bytes, likely: str) -> Heard:
        """The words of a recording of any length; ``likely``: the primary subtag of its language, maybe."""
        pieces = [self._piece(piece, likely) for piece in _pieces(pcm)]
        spoken = [piece for piece in pieces if piece.text]
        if not spoken:
            return pieces[0]
        text = "".join(piece.text if index == 0 else _joined(piece.text) for index, piece in enumerate(spoken))
        confidence = min(piece.confidence or 0.0 for piece in spoken)
        return Heard("", text.strip(), True, spoken[0].language, confidence, min(piece.no_speech for piece in spoken))

    def _piece(self, pcm: bytes, likely: str) -> Heard:
        import ctranslate2

        seconds = next(window for window in _WINDOWS if len(pcm) <= 2 * HEARING_RATE * window)
        mel = log_mel(pcm, seconds, self._whisper.n_mels)
        encoded = self._whisper.encode(ctranslate2.StorageView.from_array(mel[None]))
        language = self._language(encoded, likely)
        prompt = ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
        [result] = self._whisper.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=_MOST_TOKENS,
            no_repeat_ngram_size=4,
            return_scores=True,
            return_no_speech_prob=True,
        )
        text = self._tokens.decode(result.sequences_ids[0], skip_special_tokens=True).strip()
        return Heard("", text, True, language, math.exp(min(0.0, result.scores[0])), result.no_speech_prob)

    def _language(self, encoded: Any, likely: str) -> str:
        if not self._whisper.is_multilingual:
            return "en"
        [ranked] = self._whisper.detect_language(encoded)
        probabilities: dict[str, float] = {mark.strip("<|>"): probability for mark, probability in ranked}
        best = max(probabilities, key=lambda name: probabilities[name])
        return likely if likely in probabilities and probabilities[best] < _HINT_OUTWEIGHED else best


def _pieces(pcm: bytes) -> list[bytes]:
    """A long recording cut where it is quietest, into what one window holds."""
    pieces = []
    longest, search = round(_LONGEST_PIECE_S * HEARING_RATE) * 2, round(_OVERLAP_SEARCH_S * HEARING_RATE) * 2
    while len(pcm) > longest:
        places = range(longest - search, longest - WINDOW_BYTES, WINDOW_BYTES)
        cut = min(places, key=lambda at: level_db(pcm[at : at + WINDOW_BYTES])) + WINDOW_BYTES // 2
        pieces.append(pcm[:cut])
        pcm = pcm[cut:]
    return [*pieces, pcm]


def _joined(text: str) -> str:
    return text if text[:1] >= "\u2e80" else f" {text}"
