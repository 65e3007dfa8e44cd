"""Why speech could not be turned into words; the tree is drawn in ``neko.errors``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from neko.errors import HearingError, NekoError


class HearingRefusedError(HearingError):
    """``params`` holds ``status`` too."""

    code = "hearing_refused"


class HearingKeyError(HearingRefusedError):
    code = "hearing_key"
    permanent = True


class HearingSilentError(HearingError):
    code = "hearing_silent"


class HearingUnreadableError(HearingError):
    code = "hearing_unreadable"


class HearingBusyError(HearingError):
    code = "hearing_busy"


class HearingModelError(HearingError):
    """``engine`` is the name of the model. ``params``: folder, where it is."""

    code = "hearing_model"
    permanent = True


class NothingHearsError(HearingError):
    """``params``: ``reason``, a plain word that some sentences are for; ``model``, the one that is missing."""

    code = "nothing_hears"
    permanent = True
    _sentences: ClassVar[Mapping[str, str]] = {
        "off": "nothing_hears_off",
        "browser": "nothing_hears_browser",
        "no_server": "nothing_hears_no_server",
        "no_model": "nothing_hears_no_model",
    }

    @property
    def sentence(self) -> str:
        return self._sentences.get(str(self.params.get("reason")), self.code)


class ModelFetchError(NekoError):
    """A model could not be fetched. ``params``: model; ``reason``, a plain word: "hash" (the file is another), "full"
    (the disk), "disk" (it refuses), "refused" (the server, with ``status``), "silent" (no answer, or it breaks off
    again and again), "install" (a package cannot be installed); ``host`` where there is one, ``why`` of the disk."""

    code = "model_fetch"
    permanent = False

    @property
    def sentence(self) -> str:
        return f"{self.code}_{self.params['reason']}"
