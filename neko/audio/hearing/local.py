"""Speech to text on this computer: a model in a process of its own (``worker``), one utterance at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from neko.audio.hearing.buffered import BufferedRecognition
from neko.audio.hearing.models import LocalModel
from neko.errors import HearingError
from neko.hearing_errors import HearingBusyError, HearingModelError, HearingSilentError, HearingUnreadableError
from neko.model_process import Fault, Limits, ModelProcess, Program, read_line
from neko.types.hearing import Heard, HearingCapabilities, HearingHints

LIMITS: Final = Limits(loading_s=120.0, answer_s=60.0, most_waiting=6)

_ROOT: Final = Path(__file__).parents[3]
_ONE_NUMPY_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1"}
"""Its threads spin for a while after each product, which doubles the time that the model's own threads take."""


class LocalHearing:
    """Hears with ``model``. ``language`` (BCP 47) is the one that the user chose; without it the model finds out, and
    an utterance's hint helps. ``log`` is where the process writes what went wrong."""

    def __init__(self, model: LocalModel, log: Path, language: str = "", limits: Limits = LIMITS) -> None:
        self._model = model
        self._log = log
        self._language = language
        self._process = ModelProcess("hearing", self._program, log, limits, self._error)
        longest = limits.loading_s + limits.answer_s
        self.capabilities = HearingCapabilities(model.title, local=True, languages=model.languages, deadline_s=longest)

    @property
    def process_id(self) -> int | None:
        """That of the process, None while there is none."""
        return self._process.id

    @property
    def is_running(self) -> bool:
        """Whether there is a process that has not ended by itself."""
        return self._process.is_running

    async def prewarm(self) -> None:
        """Start the process and load the model. Raises ``HearingError``."""
        await self._process.start()

    def begin(self, utterance_id: str, hints: HearingHints) -> BufferedRecognition:
        """See ``HearingEngine``."""
        return BufferedRecognition(self.capabilities, utterance_id, hints, self._transcribe)

    async def aclose(self) -> None:
        """End the process; idempotent."""
        await self._process.aclose()

    async def _transcribe(self, pcm: bytes, hints: HearingHints) -> Heard:
        head = {
            "size": len(pcm),
            "hint": hints.language,
            "language": self._language,
            "vocabulary": list(hints.vocabulary),
        }
        answer = await self._process.ask(json.dumps(head).encode() + b"\n" + pcm, read_line)
        if "error" in answer:
            error = HearingError("the model failed", **self._who)
            error.said = str(answer["error"])
            raise error
        return Heard("", final=True, **answer)

    async def _program(self) -> Program:
        arguments = ("-m", "neko.audio.hearing.worker")
        return Program(arguments, self._model.order, _ROOT, _ONE_NUMPY_THREAD)

    def _error(self, fault: Fault, said: str) -> HearingError:
        match fault:
            case Fault.BROKEN | Fault.NOT_STARTED:
                return self._broken(said)
            case Fault.BUSY:
                return HearingBusyError(said, **self._who)
            case Fault.SILENT:
                return HearingSilentError(said, **self._who)
            case Fault.UNREADABLE:
                return HearingUnreadableError(said, **self._who)
            case Fault.CLOSED | Fault.ENDED:
                return HearingError(f"the recogniser: {said}", **self._who)

    def _broken(self, said: str) -> HearingModelError:
        error = HearingModelError("the model cannot be loaded", **self._who, folder=str(self._model.folder))
        error.said = said
        return error

    @property
    def _who(self) -> dict[str, str]:
        return {"engine": self._model.title}
